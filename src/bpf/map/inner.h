/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/inner.h - maps in maps
 *
 * An outer map holds one reference to each map in it.  A program that finds a map
 * there stands on it until its read section ends, so what has been in an outer map
 * is freed a grace period after its last reference is gone (map_object_free()).
 *
 * Who has only a reference is no user: when the last descriptor of an inner map is
 * closed, its timers and works end although the map stays (map_has_user()).
 *
 * Not here: the two types of outer maps (array_of_maps.c, hash_of_maps.c).
 */
#ifndef ROVE_BPF_MAP_INNER_H
#define ROVE_BPF_MAP_INNER_H

#include "bpf/map/map.h"

int inner_spec_create(int fd, struct map_spec **ret_inner);
void inner_spec_free(struct map_spec *inner);
int inner_by_fd(const struct bpf_map *outer, int fd, struct bpf_map **ret_map);
int inner_check_btf(const struct map_spec *spec);

/* An outer map's value is no more to bpf(2) than this: 0, or what is wrong. */
static inline int inner_check_spec(const struct map_spec *spec)
{
	return spec->value_size == sizeof(u32) ? 0 : -EINVAL;
}

/* What bpf(2) is shown of one that is there. */
static inline u32 inner_id(const struct bpf_map *map)
{
	return map->obj.id;
}

#endif
