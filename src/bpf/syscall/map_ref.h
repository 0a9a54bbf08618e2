/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/syscall/map_ref.h - a map for the length of one call
 */
#ifndef ROVE_BPF_SYSCALL_MAP_REF_H
#define ROVE_BPF_SYSCALL_MAP_REF_H

#include "base/types.h"

struct bpf_map;

enum map_want { MAP_READ = 1 << 0, MAP_WRITE = 1 << 1 };

/* Room for each in the map's sizes, 8-byte aligned. */
struct map_ref {
	struct bpf_map *map;
	bool writes;
	void *room, *key, *next_key, *value;
};

int map_ref_get(int fd, u32 want, struct map_ref *ret_ref);
void map_ref_put(struct map_ref *ref);
int map_ref_read_key(struct map_ref *ref, u64 user_key);
int map_ref_lookup(struct map_ref *ref);
int map_ref_update(struct map_ref *ref, u64 flags);
int map_ref_delete(struct map_ref *ref);
int map_ref_next_key(struct map_ref *ref, const void *key);

#endif
