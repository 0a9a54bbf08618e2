/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/rhash.c - values found by a key, in a table that grows and shrinks with their number
 *
 * Lookups and walks take no lock and wait for nobody, in any context.
 *
 * Invariant: a key is linked at most once; one that stays is found by every lookup, and met
 *            exactly once by every walk, whatever the table's size becomes meanwhile.
 * Ordering:  rhash.sized, rhash.observe (docs/memory-model.md).
 * Not here:  how elements come and go (rhash_change.c, rhash_list.c), the table's size
 *            (rhash_size.c), the elements' memory (rhash_mem.c).
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "bpf/core/uapi.h"
#include "bpf/map/fields.h"
#include "bpf/map/hash.h"
#include "bpf/map/hash_fn.h"
#include "bpf/map/rhash.h"

#define MAX_ENTRIES (1u << 31)	/* as in the kernel */

/* What is ours first, then what is as of every hash; that has a table's limit, this has none. */
static int rhash_check(const struct map_spec *spec)
{
	struct map_spec as_hash = *spec;

	if (!(spec->flags & BPF_F_NO_PREALLOC) || spec->flags & BPF_F_ZERO_SEED)
		return -EINVAL;
	if (spec->key_size > USHRT_MAX)
		return -E2BIG;
	if (spec->extra >> 32)
		return -EINVAL;
	if (spec->extra > USHRT_MAX)
		return -E2BIG;
	if (spec->extra > spec->max_entries)
		return -EINVAL;
	as_hash.max_entries = !!spec->max_entries;
	return hash_check(&as_hash) ?: spec->max_entries > MAX_ENTRIES ? -E2BIG : 0;
}

static int rhash_init(struct rhash_map *rhash, const struct map_spec *spec)
{
	int err;

	rhash->value_off = (spec->key_size + 7) & ~7u;
	if (getrandom(&rhash->seed, sizeof(rhash->seed), GRND_NONBLOCK) != sizeof(rhash->seed))
		rhash->seed = (uintptr_t)rhash;
	err = rhash_mem_init(rhash, spec);
	return err ?: rhash_size_init(rhash, spec);
}

static int rhash_create(const struct map_spec *spec, struct bpf_map **ret_map, int *ret_memfd)
{
	struct rhash_map *rhash = calloc(1, sizeof(*rhash));
	int err;

	if (!rhash)
		return -ENOMEM;
	err = rhash_init(rhash, spec);
	if (!err) {
		*ret_memfd = object_memfd_create(&map_object_ops, 0);
		err = *ret_memfd < 0 ? *ret_memfd : 0;
	}
	if (err) {
		rhash_put(rhash);
		return err;
	}
	*ret_map = &rhash->map;
	return 0;
}

/* Nobody can look into the map any more but who is resizing it. */
static void rhash_free(struct bpf_map *map)
{
	rhash_release_all(map);
	rhash_size_forget(rhash_of(map));
	rhash_put(rhash_of(map));
}

/* --- finding ------------------------------------------------------------------------------ */

u32 rhash_key(const struct rhash_map *rhash, const void *key)
{
	return hash_bytes(rhash->seed, key, rhash->map.spec.key_size);
}

/*
 * All nodes of a signpost have its index for their hashes' last bits, also signposts that a larger
 * table has put in between.  One that is being taken out is none any more: the key's new one may
 * follow.
 *
 * Context: any, in a read section.  Return: NULL: there is none.
 */
struct rhash_elem *rhash_find(const struct rhash_map *rhash, const void *key)
{
	u32 hash = rhash_key(rhash, key), mask = rhash_mask(rhash);
	struct rhash_node *node = rhash_observe(&rhash->posts[hash & mask].next), *next;

	for (node = rhash_behind(node); node && !((node->hash ^ hash) & mask);
	     node = rhash_behind(next)) {
		next = rhash_observe(&node->next);
		if (rhash_node_holds(rhash, node, hash, key) && !rhash_is_out(next))
			return rhash_elem_of(node);
	}
	return NULL;
}

static void *rhash_lookup(struct bpf_map *map, const void *key)
{
	struct rhash_map *rhash = rhash_of(map);
	struct rhash_elem *elem = rhash_find(rhash, key);

	return elem ? rhash_value(rhash, elem) : NULL;
}

/* --- walking ------------------------------------------------------------------------------ */

/* The first element that is there, from @node on. */
static struct rhash_elem *elem_from(struct rhash_node *node)
{
	while (node) {
		struct rhash_node *next = rhash_observe(&node->next);

		if (rhash_is_elem(node) && !rhash_is_out(next))
			return rhash_elem_of(node);
		node = rhash_behind(next);
	}
	return NULL;
}

static struct rhash_elem *elem_behind(struct rhash_node *node)
{
	return elem_from(rhash_behind(rhash_observe(&node->next)));
}

/* The first signpost stands in front of everything. */
static struct rhash_elem *elem_first(const struct rhash_map *rhash)
{
	return elem_behind(&rhash->posts[0]);
}

static u64 visit_from(struct rhash_map *rhash, struct rhash_elem *elem, map_visit visit, void *arg)
{
	u64 nr = 0;

	for (; elem; elem = elem_behind(&elem->node)) {
		nr++;
		if (visit(arg, elem->key, rhash_value(rhash, elem)))
			break;
	}
	return nr;
}

static u64 rhash_for_each(struct bpf_map *map, map_visit visit, void *arg)
{
	return visit_from(rhash_of(map), elem_first(rhash_of(map)), visit, arg);
}

/* Where a batch goes on: with an element that the one before has named and not given. */
static int rhash_for_each_from(struct bpf_map *map, const void *key, map_visit visit, void *arg)
{
	struct rhash_map *rhash = rhash_of(map);
	struct rhash_elem *elem = key ? rhash_find(rhash, key) : elem_first(rhash);

	if (key && !elem)
		return -EAGAIN;
	visit_from(rhash, elem, visit, arg);
	return 0;
}

static int rhash_next_key(struct bpf_map *map, const void *key, void *ret_key)
{
	struct rhash_map *rhash = rhash_of(map);
	struct rhash_elem *elem = key ? rhash_find(rhash, key) : NULL;

	elem = elem ? elem_behind(&elem->node) : elem_first(rhash);
	if (!elem)
		return -ENOENT;
	memcpy(ret_key, elem->key, map->spec.key_size);
	return 0;
}

static const void *rhash_key_of(struct bpf_map *map, const void *value, u32 *room)
{
	return (const u8 *)value - rhash_of(map)->value_off;
}

/*
 * A place is where elements of one order stand, so a walk that is interrupted goes on where it was
 * in whatever table there is then.  Most have none: the number is moved to the first that has.
 */
static int rhash_elem_at(struct bpf_map *map, u32 *at, u32 nth, const void **ret_key,
			 void **ret_value)
{
	struct rhash_map *rhash = rhash_of(map);
	u32 order = *at << 1 | 1;
	struct rhash_elem *elem;

	if (*at > UINT32_MAX >> 1)
		return -ERANGE;
	elem = elem_behind(&rhash->posts[rhash_reverse(order) & rhash_mask(rhash)]);
	while (elem && elem->node.order < order)
		elem = elem_behind(&elem->node);
	if (!elem)
		return -ERANGE;
	if (nth && elem->node.order != order)
		return -ENOENT;
	*at = elem->node.order >> 1;
	for (order = elem->node.order; nth && elem && elem->node.order == order; nth--)
		elem = elem_behind(&elem->node);
	if (!elem || elem->node.order != order)
		return -ENOENT;
	*ret_key = elem->key;
	*ret_value = rhash_value(rhash, elem);
	return 0;
}

static int rhash_elem_behind(struct bpf_map *map, const void *key, const void **ret_key,
			     void **ret_value)
{
	struct rhash_elem *at = container_of((u8 *)key, struct rhash_elem, key[0]);
	struct rhash_elem *elem = elem_behind(&at->node);

	if (!elem || elem->node.order != at->node.order)
		return -ENOENT;
	*ret_key = elem->key;
	*ret_value = rhash_value(rhash_of(map), elem);
	return 0;
}

static u32 rhash_nr_elems(const struct bpf_map *map)
{
	return READ_ONCE(container_of(map, struct rhash_map, map)->nr_elems);
}

const struct map_ops map_rhash_ops = {
	.has_fields = true,
	.accepts = rhash_check,
	.check_btf = hash_check_btf,
	.create = rhash_create,
	.free = rhash_free,
	.release_all = rhash_release_all,
	.lookup = rhash_lookup,
	.update = rhash_update,
	.delete = rhash_delete,
	.lookup_and_delete = rhash_lookup_and_delete,
	.next_key = rhash_next_key,
	.for_each = rhash_for_each,
	.for_each_from = rhash_for_each_from,
	.key_of = rhash_key_of,
	.elem_at = rhash_elem_at,
	.elem_behind = rhash_elem_behind,
	.nr_elems = rhash_nr_elems,
};
