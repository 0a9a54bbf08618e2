/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/async/async_map.h - a map whose values have a timer and a work, and callbacks in C
 */
#ifndef ROVE_TESTS_UNIT_ASYNC_ASYNC_MAP_H
#define ROVE_TESTS_UNIT_ASYNC_ASYNC_MAP_H

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>

#include "bpf/async/async.h"
#include "bpf/core/func.h"
#include "bpf/map/fields.h"
#include "bpf/map/rcu.h"
#include "tests/test.h"
#include "tests/tool/corpus/btf_maker.h"
#include "tests/unit/syscall/bpf.h"

struct value {
	u64 number;
	struct async_field timer;
	struct async_field work;
};

static inline u32 put_opaque(struct btf_maker *m, const char *name, u32 type_int)
{
	u32 id = maker_struct(m, name, BTF_FIELD_BYTES, 1);

	maker_member(m, "opaque", type_int, 0);
	return id;
}

static inline int value_btf(u32 *ret_value_id)
{
	struct btf_maker *m = calloc(1, sizeof(*m));
	u32 type_int, type_u64, timer, work, bytes;
	void *image;
	int fd;

	maker_init(m);
	type_int = maker_int(m, "int", 4, BTF_INT_SIGNED);
	type_u64 = maker_int(m, "u64", 8, 0);
	timer = put_opaque(m, "bpf_timer", type_int);
	work = put_opaque(m, "bpf_wq", type_int);
	maker_struct(m, "value", sizeof(struct value), 3);
	maker_member(m, "number", type_u64, 0);
	maker_member(m, "timer", timer, offsetof(struct value, timer));
	maker_member(m, "work", work, offsetof(struct value, work));
	*ret_value_id = m->nr_types;
	image = maker_image(m, &bytes);
	fd = BPF(BPF_BTF_LOAD, .btf = PTR(image), .btf_size = bytes);
	free(image);
	free(m);
	return fd;
}

/* A descriptor; close it with rove_bpf_close(). */
static inline int async_map(u32 type, u32 max_entries)
{
	u32 value_id;
	int btf = value_btf(&value_id), fd;

	EXPECT_TRUE(btf >= 0);
	fd = BPF(BPF_MAP_CREATE, .map_type = type, .key_size = 4,
		 .value_size = sizeof(struct value), .max_entries = max_entries, .btf_fd = btf,
		 .btf_key_type_id = 1, .btf_value_type_id = value_id);
	EXPECT_TRUE(fd >= 0);
	rove_bpf_close(btf);
	return fd;
}

/* In a read section.  The map stays while its descriptor is open. */
static inline struct value *value_at(struct bpf_map *map, u32 key)
{
	return map->ops->lookup(map, &key);
}

static inline struct bpf_map *map_at(int fd)
{
	struct bpf_map *map;

	EXPECT_EQ(map_by_fd(fd, &map), 0);
	map_put(map);
	return map;
}

/* All that was released so far is gone. */
static inline void wait_for_reapers(void)
{
	urcu_bp_barrier();
	urcu_bp_barrier();
}

#endif
