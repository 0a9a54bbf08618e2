/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/array.h - what is the same for all maps whose keys are 0, 1, ...
 */
#ifndef ROVE_BPF_MAP_ARRAY_H
#define ROVE_BPF_MAP_ARRAY_H

#include "base/atomic.h"
#include "bpf/map/map.h"

int array_check_sizes(const struct map_spec *spec);
int array_check_btf(const struct map_spec *spec);
int array_check_update(const struct bpf_map *map, const void *key, u64 flags);
int array_delete(struct bpf_map *map, const void *key);
int array_next_key(struct bpf_map *map, const void *key, void *ret_key);

static inline u32 array_index(const void *key)
{
	return READ_ONCE(*(const u32 *)key);
}

#endif
