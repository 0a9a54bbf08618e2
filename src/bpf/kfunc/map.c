/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/kfunc/map.c - what programs ask of maps that an iterator shows them
 *
 * Not here:  maps themselves: a program has a copy (bpf/core/view.h).
 */
#define VIEW_IN_BTF
#include "bpf/kfunc/map.h"
#include "bpf/core/view.h"
#include "bpf/kfunc/kfunc.h"

/**
 * bpf_map_sum_elem_count - how many elements a map had when it was shown
 *
 * Context: any.
 * Return:  0 for maps that do not count them.
 */
s64 bpf_map_sum_elem_count(const struct bpf_map *map)
{
	return map->nr_elems;
}

const struct kfunc kfuncs_map[] = {
	{ "bpf_map_sum_elem_count", KF_TRUSTED_ARGS, .fn = ANY_FN(bpf_map_sum_elem_count) },
	{ NULL },
};
