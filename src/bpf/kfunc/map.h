/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/kfunc/map.h - what programs ask of maps
 */
#ifndef ROVE_BPF_KFUNC_MAP_H
#define ROVE_BPF_KFUNC_MAP_H

#include "base/types.h"

struct bpf_map;

s64 bpf_map_sum_elem_count(const struct bpf_map *map);
s64 own_map_elem_count(const struct bpf_map *map);

#endif
