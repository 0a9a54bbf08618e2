/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/hash_mem.c - where a hash map's elements come from, and go
 *
 * A signal handler and the softirq thread may not allocate, so there are blocks that
 * they can take: as many as the map has entries and some more, because what was
 * replaced or deleted comes back only a grace period later.  Threads use the former
 * too, but not the latter; when there are none they allocate.  With BPF_F_NO_PREALLOC
 * there is nothing but the latter.  Untouched blocks take no memory.
 */
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "bpf/map/fields.h"
#include "bpf/map/hash.h"

/* Blocks for those who wait for a grace period: some, whatever their size. */
#define SPARE_BYTES (1u << 20)
#define MIN_SPARE 64u

static struct hash_map *hash_of_retire(struct retire *r)
{
	return container_of(r, struct hash_map, retire);
}

static void hold(struct retire *r)
{
	refcount_get(&hash_of_retire(r)->refs);
}

static void drop(struct retire *r)
{
	hash_mem_put(hash_of_retire(r));
}

/*
 * Who stood on the element may have put something into its fields after it was taken out.  Its
 * callback's section may be younger than this grace period, so then the element waits for
 * another one.
 */
static void give_back(struct retire *r, struct llist_node *node)
{
	struct hash_map *hash = hash_of_retire(r);
	struct hash_elem *elem = container_of(node, struct hash_elem, retired);

	if (map_fields_release(&hash->map, elem_value(hash, elem)))
		retire_add(r, node);
	else
		elem_free(hash, elem);
}

static const struct retire_ops retire_ops = { .hold = hold, .drop = drop, .give_back = give_back };

static u64 elem_bytes(const struct hash_map *hash, const struct map_spec *spec)
{
	return sizeof(struct hash_elem) + hash->value_off + hash->values->room(spec);
}

/**
 * hash_mem_init - of a map that has ->value_off
 *
 * Context: may sleep.
 * Return:  0 or -ENOMEM; hash_mem_put() undoes it in both cases.
 */
int hash_mem_init(struct hash_map *hash, const struct map_spec *spec)
{
	u64 bytes = elem_bytes(hash, spec);
	u32 nr_spare = SPARE_BYTES / bytes;
	int err;

	ctx_may_sleep();
	if (nr_spare < MIN_SPARE)
		nr_spare = MIN_SPARE;
	refcount_set(&hash->refs, 1);
	retire_init(&hash->retire, &retire_ops);
	err = map_pool_init(&hash->pool, spec->flags & BPF_F_NO_PREALLOC ? 0 : spec->max_entries,
			    bytes);
	return err ?: map_pool_init(&hash->spare, nr_spare, bytes);
}

/* The map has gone, or nothing that it retired is left. */
void hash_mem_put(struct hash_map *hash)
{
	if (!refcount_put(&hash->refs))
		return;
	map_pool_fini(&hash->spare);
	map_pool_fini(&hash->pool);
	free(hash->buckets);
	free(hash);
}

static void *elem_alloc(struct hash_map *hash)
{
	void *block = map_pool_take(&hash->pool);

	if (block)
		return block;
	if (in_nmi() || in_softirq())
		return map_pool_take(&hash->spare);
	return aligned_alloc(hash->values->align, elem_bytes(hash, &hash->map.spec));
}

/**
 * elem_create - an element that is not linked yet, and has no value yet
 *
 * Context: any.
 * Return:  NULL: no memory, or none that one may take here.
 */
struct hash_elem *elem_create(struct hash_map *hash, u32 h, const void *key)
{
	struct hash_elem *elem = elem_alloc(hash);

	if (!elem)
		return NULL;
	elem->hash = h;
	WRITE_ONCE(elem->used, 0);
	memcpy(elem->key, key, hash->map.spec.key_size);
	return elem;
}

/* Nobody has seen it, or nobody can be seeing it any more.  Context: as the one who created it. */
void elem_free(struct hash_map *hash, struct hash_elem *elem)
{
	if (map_pool_owns(&hash->pool, elem))
		map_pool_give(&hash->pool, elem);
	else if (map_pool_owns(&hash->spare, elem))
		map_pool_give(&hash->spare, elem);
	else
		free(elem);
}

/* It is linked no more, but readers may stand on it until their sections end.  Context: any. */
void elem_retire(struct hash_map *hash, struct hash_elem *elem)
{
	if (hash->values->drop)
		hash->values->drop(hash, elem);
	retire_add(&hash->retire, &elem->retired);
}
