/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/kfunc/own_map.c - what programs ask of their own maps
 *
 * Here struct bpf_map is ours, not what it is called in BTF (kfunc/map.c).
 */
#include "bpf/kfunc/map.h"
#include "bpf/map/map.h"

/**
 * own_map_elem_count - how many elements there are just now
 *
 * Context: any.
 * Return:  0 for maps that do not count them.
 */
s64 own_map_elem_count(const struct bpf_map *map)
{
	return map->ops->nr_elems ? map->ops->nr_elems(map) : 0;
}
