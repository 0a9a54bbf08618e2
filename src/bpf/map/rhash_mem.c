/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/rhash_mem.c - where a resizable hash map's elements come from, and go
 *
 * Some are kept for the next ones to come: a stretch of them for everybody, and another one for
 * signal handlers and the softirq thread, who may not allocate.  Threads allocate what is more, and it is
 * freed again.
 *
 * As in the kernel, what is kept keeps the special fields of its value: a timer that somebody
 * started in an element that he stood on, though it was deleted, goes on and belongs to the
 * element that is made of it next.  The last descriptor's closing ends it.
 *
 * Invariant: where an element of the kept ones has its fields, there are fields always, whether
 *            it is linked, waits for readers or is kept.
 */
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "bpf/map/fields.h"
#include "bpf/map/rhash.h"

#define KEPT_BYTES (1u << 20)	/* of each stretch */
#define MIN_KEPT 64u

static struct rhash_map *rhash_of_retire(struct retire *r)
{
	return container_of(r, struct rhash_map, retire);
}

static void hold(struct retire *r)
{
	refcount_get(&rhash_of_retire(r)->refs);
}

static void drop(struct retire *r)
{
	rhash_put(rhash_of_retire(r));
}

static bool is_kept(const struct rhash_map *rhash, const struct rhash_elem *elem)
{
	return map_pool_owns(&rhash->pool, elem) || map_pool_owns(&rhash->spare, elem);
}

/*
 * Who stood on the element may have put something into its fields after it was taken out.  Its
 * callback's section may be younger than this grace period, so then what is to be freed waits
 * for another one.
 */
static void give_back(struct retire *r, struct llist_node *node)
{
	struct rhash_map *rhash = rhash_of_retire(r);
	struct rhash_elem *elem = container_of(node, struct rhash_elem, retired);

	if (!is_kept(rhash, elem) && map_fields_release(&rhash->map, rhash_value(rhash, elem)))
		retire_add(r, node);
	else
		rhash_elem_free(rhash, elem);
}

static const struct retire_ops retire_ops = { .hold = hold, .drop = drop, .give_back = give_back };

static u64 elem_bytes(const struct rhash_map *rhash, const struct map_spec *spec)
{
	return sizeof(struct rhash_elem) + rhash->value_off + map_value_stride(spec);
}

/**
 * rhash_mem_init - of a map that has ->value_off
 *
 * Context: may sleep.
 * Return:  0 or -ENOMEM; rhash_put() undoes it in both cases.
 */
int rhash_mem_init(struct rhash_map *rhash, const struct map_spec *spec)
{
	u64 bytes = elem_bytes(rhash, spec);
	u32 nr = KEPT_BYTES / bytes;

	ctx_may_sleep();
	if (nr < MIN_KEPT)
		nr = MIN_KEPT;
	refcount_set(&rhash->refs, 1);
	retire_init(&rhash->retire, &retire_ops);
	return map_pool_init(&rhash->pool, nr, bytes) ?: map_pool_init(&rhash->spare, nr, bytes);
}

static void free_linked(struct rhash_map *rhash)
{
	struct rhash_node *node = rhash->posts ? rhash->posts[0].next : NULL, *next;

	for (; node; node = next) {
		next = node->next;
		if (rhash_is_elem(node))
			rhash_elem_free(rhash, rhash_elem_of(node));
	}
}

/* The map has gone, or nothing that it retired is left, or it is not being resized any more. */
void rhash_put(struct rhash_map *rhash)
{
	if (!refcount_put(&rhash->refs))
		return;
	free_linked(rhash);
	map_pool_fini(&rhash->spare);
	map_pool_fini(&rhash->pool);
	rhash_size_fini(rhash);
	free(rhash);
}

/* The fields of what is allocated are empty; others are as they were left. */
static struct rhash_elem *elem_alloc(struct rhash_map *rhash)
{
	void *block = map_pool_take(&rhash->pool);

	if (block)
		return block;
	if (in_nmi() || in_softirq())
		return map_pool_take(&rhash->spare);
	return calloc(1, elem_bytes(rhash, &rhash->map.spec));
}

/**
 * rhash_elem_create - an element that is not linked yet, and has no value yet but for its fields
 *
 * Context: any.
 * Return:  NULL: no memory, or none that one may take here.
 */
struct rhash_elem *rhash_elem_create(struct rhash_map *rhash, u32 hash, const void *key)
{
	struct rhash_elem *elem = elem_alloc(rhash);

	if (!elem)
		return NULL;
	elem->node.hash = hash;
	elem->node.order = rhash_reverse(hash) | 1;
	/* A callback that was left in the element may be reading it. */
	map_copy_value(elem->key, key, rhash->map.spec.key_size);
	return elem;
}

/* Nobody has seen it, or nobody can be seeing it any more.  Context: as the one who created it. */
void rhash_elem_free(struct rhash_map *rhash, struct rhash_elem *elem)
{
	if (map_pool_owns(&rhash->pool, elem))
		map_pool_give(&rhash->pool, elem);
	else if (map_pool_owns(&rhash->spare, elem))
		map_pool_give(&rhash->spare, elem);
	else
		free(elem);
}

/* It is linked no more, but readers may stand on it until their sections end.  Context: any. */
void rhash_elem_retire(struct rhash_map *rhash, struct rhash_elem *elem)
{
	map_fields_release(&rhash->map, rhash_value(rhash, elem));
	retire_add(&rhash->retire, &elem->retired);
}

static void release_kept(struct rhash_map *rhash, const struct map_pool *pool)
{
	u32 nr = min(READ_ONCE(pool->nr_fresh_taken), pool->nr);

	for (u32 number = 1; number <= nr; number++)
		map_fields_release(&rhash->map, rhash_value(rhash, map_pool_block(pool, number)));
}

static u64 release_one(void *arg, const void *key, void *value)
{
	map_fields_release(arg, value);
	return 0;
}

/**
 * rhash_release_all - a map_ops.release_all: also of what is not in the map just now
 *
 * What waits for readers and is not of the kept ones is released when it is freed.
 *
 * Context: thread, in a read section, or nobody else can look into the map.
 */
void rhash_release_all(struct bpf_map *map)
{
	struct rhash_map *rhash = rhash_of(map);

	if (!map->spec.fields.nr)
		return;
	map->ops->for_each(map, release_one, map);
	release_kept(rhash, &rhash->pool);
	release_kept(rhash, &rhash->spare);
}
