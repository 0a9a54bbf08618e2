/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/torture/outer.h - a map of maps, whose maps are used while they are replaced
 *
 * A map has one number in all of its places, its own.  Who finds a map reads several of
 * them and sees one number only; what is used after it was freed, the sanitizers see.
 */
#ifndef ROVE_TESTS_TORTURE_OUTER_H
#define ROVE_TESTS_TORTURE_OUTER_H

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/atomic.h"
#include "bpf/map/hash.h"
#include "bpf/map/rcu.h"
#include "tests/test.h"
#include "tests/tool/corpus/btf_maker.h"
#include "tests/unit/syscall/bpf.h"

#define OUTER_KEYS 4u
#define INNER_ENTRIES 8u
#define LEAST_TURNS 50u		/* a round may be over soon */

/*
 * A  atomic
 * C  the changing thread's
 */
struct outer {
	int		fd;
	struct bpf_map	*map;
	u64		next_number;	/* C */
	u32		nr_used;	/* A: maps that were found */
	u32		nr_replaced;	/* C */
	u32		nr_bad;		/* A */
	u32		stop;		/* A */
};

/* In a read section, in any context: 0, or -ENOENT. */
static inline int outer_use(struct outer *o, u64 random)
{
	struct bpf_map *inner = o->map->ops->lookup(o->map, &(u32){ random % OUTER_KEYS });
	u64 number = 0;

	if (!inner)
		return -ENOENT;
	for (u32 i = 0; i < 3; i++) {
		u64 *v = inner->ops->lookup(inner, &(u32){ (random >> 8) * (i + 1) % INNER_ENTRIES });

		if (!v || (number && READ_ONCE(*v) != number))
			fetch_add_relaxed(&o->nr_bad, 1);
		if (v)
			number = READ_ONCE(*v);
	}
	if (random & 4)
		inner->ops->update(inner, &(u32){ random % INNER_ENTRIES }, &number, BPF_EXIST);
	fetch_add_relaxed(&o->nr_used, 1);
	return 0;
}

static inline int outer_inner_new(struct outer *o)
{
	int fd = map_new(BPF_MAP_TYPE_HASH, 4, 8, INNER_ENTRIES, BPF_F_NO_PREALLOC);
	u64 number = ++o->next_number;

	for (u32 i = 0; i < INNER_ENTRIES; i++)
		EXPECT_EQ(map_update(fd, &i, &number, BPF_NOEXIST), 0);
	return fd;
}

static inline void outer_begin(struct outer *o, u32 type)
{
	int inner;

	*o = (struct outer){ .fd = -1 };
	inner = outer_inner_new(o);
	o->fd = BPF(BPF_MAP_CREATE, .map_type = type, .key_size = 4, .value_size = 4,
		    .max_entries = OUTER_KEYS, .inner_map_fd = inner);
	EXPECT_EQ(map_by_fd(o->fd, &o->map), 0);
	map_put(o->map);
	for (u32 key = 0; key < OUTER_KEYS; key++)
		EXPECT_EQ(map_update(o->fd, &key, &inner, BPF_ANY), 0);
	rove_bpf_close(inner);
}

/* Puts new maps in, and takes some out, through bpf(2); holds none of them. */
static inline void *outer_change(void *arg)
{
	struct outer *o = arg;

	for (u64 turn = 0; turn < LEAST_TURNS || !load_acquire(&o->stop); turn++) {
		u32 key = turn * 7 % OUTER_KEYS;
		int inner;

		if (turn % 5 == 4) {
			BPF(BPF_MAP_DELETE_ELEM, .map_fd = o->fd, .key = PTR(&key));
			continue;
		}
		inner = outer_inner_new(o);
		/* With its last descriptor gone, only the outer map holds it. */
		if (map_update(o->fd, &key, &inner, BPF_ANY))
			fetch_add_relaxed(&o->nr_bad, 1);
		rove_bpf_close(inner);
		o->nr_replaced++;
	}
	return NULL;
}

/* Return: how much was wrong. */
static inline u32 outer_end(struct outer *o)
{
	EXPECT_EQ(rove_bpf_close(o->fd), 0);
	EXPECT_TRUE(o->nr_used && o->nr_replaced);
	return o->nr_bad;
}

/* A task storage of one number. */
static inline int outer_storage_new(void)
{
	struct btf_maker *m = calloc(1, sizeof(*m));
	u32 type_int, type_u64, bytes;
	void *image;
	int btf, fd;

	maker_init(m);
	type_int = maker_int(m, "int", 4, BTF_INT_SIGNED);
	type_u64 = maker_int(m, "u64", 8, 0);
	image = maker_image(m, &bytes);
	btf = BPF(BPF_BTF_LOAD, .btf = PTR(image), .btf_size = bytes);
	fd = BPF(BPF_MAP_CREATE, .map_type = BPF_MAP_TYPE_TASK_STORAGE, .key_size = 4,
		 .value_size = 8, .map_flags = BPF_F_NO_PREALLOC, .btf_fd = btf,
		 .btf_key_type_id = type_int, .btf_value_type_id = type_u64);
	rove_bpf_close(btf);
	free(image);
	free(m);
	return fd;
}

#endif
