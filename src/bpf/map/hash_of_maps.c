/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/hash_of_maps.c - maps found by a key of any bytes
 *
 * A hash whose elements hold a pointer each.  Changed through bpf(2) only.
 *
 * Invariant: an element that is linked holds one reference to its map.
 */
#include <errno.h>

#include "base/context.h"
#include "bpf/map/hash.h"
#include "bpf/map/inner.h"

/* Written before the element is linked, never changed. */
static struct bpf_map **inner_of(const struct hash_map *hash, struct hash_elem *elem)
{
	return elem_value(hash, elem);
}

static u64 inner_room(const struct map_spec *spec)
{
	return sizeof(struct bpf_map *);
}

static void inner_show(struct hash_map *hash, void *dst, struct hash_elem *elem)
{
	*(u32 *)dst = inner_id(*inner_of(hash, elem));
}

static void inner_drop(struct hash_map *hash, struct hash_elem *elem)
{
	map_put(*inner_of(hash, elem));
}

static const struct hash_values inner_values = {
	.align = 8, .room = inner_room, .show = inner_show, .drop = inner_drop,
};

static int outer_accepts(const struct map_spec *spec)
{
	return inner_check_spec(spec) ?: hash_check(spec);
}

static int outer_create(const struct map_spec *spec, struct bpf_map **ret_map, int *ret_memfd)
{
	return hash_make(spec, &inner_values, ret_map, ret_memfd);
}

static void *outer_lookup(struct bpf_map *map, const void *key)
{
	struct hash_map *hash = hash_of(map);
	struct hash_elem *elem = hash_lookup_elem(hash, key);

	return elem ? *inner_of(hash, elem) : NULL;
}

static int put_in(struct hash_map *hash, const void *key, struct bpf_map *inner, u64 flags)
{
	struct hash_elem *elem;

	if (flags > BPF_EXIST)
		return -EINVAL;
	elem = elem_create(hash, hash_key(hash, key), key);
	if (!elem)
		return -ENOMEM;
	*inner_of(hash, elem) = inner;
	return hash_insert(hash, elem, flags);
}

static int outer_write(struct bpf_map *map, const void *key, const void *value, u64 flags)
{
	struct bpf_map *inner;
	int err;

	ctx_thread();
	err = inner_by_fd(map, *(const int *)value, &inner);
	if (err)
		return err;
	err = put_in(hash_of(map), key, inner, flags);
	if (err)
		map_put(inner);
	return err;
}

const struct map_ops map_hash_of_maps_ops = {
	.has_maps = true,
	.accepts = outer_accepts,
	.check_btf = inner_check_btf,
	.create = outer_create,
	.free = hash_free,
	.lookup = outer_lookup,
	.read = hash_read,
	.update = outer_write,
	.delete = hash_delete,
	.next_key = hash_next_key,
	.elems_at = hash_elems_at,
	.nr_elems = hash_nr_elems,
};
