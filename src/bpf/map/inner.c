/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/inner.c - maps in maps: what may be in which
 *
 * The verifier knows an inner map by the one that its outer map was made with, so
 * all in it must be like that one in everything that a program relies on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "bpf/map/inner.h"

/* These say what one descriptor may do, not what the map is. */
#define FLAGS_OF_DESCRIPTORS (BPF_F_RDONLY | BPF_F_WRONLY)

/**
 * inner_spec_create - what maps must be like to be in an outer one
 * @fd:        a descriptor of a map like that
 * @ret_inner: written on success only; free with inner_spec_free()
 *
 * Context: may sleep.
 * Return:  0, -EBADF, -EINVAL (not a map, or an outer one itself) or -ENOMEM.
 */
int inner_spec_create(int fd, struct map_spec **ret_inner)
{
	struct map_spec *inner;
	struct bpf_map *map;
	int err;

	ctx_may_sleep();
	err = map_by_fd(fd, &map);
	if (err)
		return err;
	inner = map->ops->has_maps ? NULL : malloc(sizeof(*inner));
	if (inner) {
		*inner = map->spec;
		memset(inner->name, 0, sizeof(inner->name));
		if (inner->btf)
			object_get(&inner->btf->obj);
	} else {
		err = map->ops->has_maps ? -EINVAL : -ENOMEM;
	}
	map_put(map);
	if (!err)
		*ret_inner = inner;
	return err;
}

/* Context: may sleep. */
void inner_spec_free(struct map_spec *inner)
{
	if (!inner)
		return;
	btf_object_put(inner->btf);
	free(inner);
}

static bool fields_equal(const struct btf_fields *a, const struct btf_fields *b)
{
	return a->nr == b->nr && !memcmp(a->at, b->at, a->nr * sizeof(a->at[0]));
}

static bool size_fits(const struct map_spec *inner, const struct bpf_map *map)
{
	return !map->ops->one_size || inner->flags & BPF_F_INNER_MAP ||
	       inner->max_entries == map->spec.max_entries;
}

static bool is_like(const struct map_spec *inner, const struct bpf_map *map)
{
	const struct map_spec *spec = &map->spec;

	return inner->type == spec->type && inner->key_size == spec->key_size &&
	       inner->value_size == spec->value_size &&
	       !((inner->flags ^ spec->flags) & ~(u32)FLAGS_OF_DESCRIPTORS) &&
	       fields_equal(&inner->fields, &spec->fields) && size_fits(inner, map);
}

/**
 * inner_by_fd - a map that is to be put into an outer one
 * @ret_map: with a reference, for the outer map; written on success only
 *
 * Context: thread.
 * Return:  0, -EBADF, or -EINVAL (not a map, or not like the others).
 */
int inner_by_fd(const struct bpf_map *outer, int fd, struct bpf_map **ret_map)
{
	struct bpf_map *map;
	int err;

	ctx_thread();
	err = map_by_fd(fd, &map);
	if (err)
		return err;
	if (!is_like(outer->inner, map)) {
		map_put(map);
		return -EINVAL;
	}
	WRITE_ONCE(map->found_unheld, true);
	*ret_map = map;
	return 0;
}

/* A map's key and value have no types when its values are maps. */
int inner_check_btf(const struct map_spec *spec)
{
	return -ENOTSUPP;
}
