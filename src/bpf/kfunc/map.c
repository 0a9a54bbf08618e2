/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/kfunc/map.c - what programs ask of maps: those that an iterator shows them, and their own
 *
 * Of a map that is shown a program has a copy (bpf/core/view.h), of its own ones the maps
 * themselves (kfunc/own_map.c); each is a struct bpf_map to it.
 */
#define VIEW_IN_BTF
#include "bpf/kfunc/map.h"
#include "bpf/core/view.h"
#include "bpf/kfunc/kfunc.h"

/**
 * bpf_map_sum_elem_count - how many elements a map had when it was shown, or has now
 *
 * Context: any.
 * Return:  0 for maps that do not count them.
 */
s64 bpf_map_sum_elem_count(const struct bpf_map *map)
{
	return map->nr_elems;
}

const struct kfunc kfuncs_map[] = {
	{ "bpf_map_sum_elem_count", KF_TRUSTED_ARGS | KF_MAP_TOO,
	  .fn = ANY_FN(bpf_map_sum_elem_count), .fn_map = ANY_FN(own_map_elem_count) },
	{ NULL },
};
