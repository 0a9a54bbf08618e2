/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Many threads make, use, close and look for objects at once.
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "base/atomic.h"
#include "bpf/core/object.h"
#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"

#define NR_THREADS 4
#define NR_ROUNDS 300

static u32 nr_wrong;

static void expect(bool right)
{
	if (!right)
		add_fetch_relaxed(&nr_wrong, 1);
}

/* Either way of closing; plain ones leave the noticing to others. */
static void close_somehow(int fd, u32 i)
{
	if (i % 3)
		expect(rove_bpf_close(fd) == 0);
	else
		expect(close(fd) == 0);
}

/* The map's one value, plus one, by a program. */
static void count_up(int map, u32 i)
{
	struct bpf_insn insns[] = {
		LD_MAP_VALUE(1, map, 0), LDX(BPF_DW, 0, 1, 0), ADD_K(0, 1),
		STX(BPF_DW, 1, 0, 0), EXIT(),
	};
	int prog = SYSCALL_PROG(insns);
	u32 value = 0;

	expect(prog >= 0);
	expect(prog_test_run(prog, NULL, 0, &value) == 0 && value == 1);
	expect(prog_test_run(prog, NULL, 0, &value) == 0 && value == 2);
	close_somehow(prog, i);
}

static void *thread(void *arg)
{
	for (u32 i = 0; i < NR_ROUNDS; i++) {
		int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, i & 1 ? BPF_F_MMAPABLE : 0);
		u64 value = 0;
		u32 key = 0;

		expect(map >= 0);
		count_up(map, i);
		expect(map_lookup(map, &key, &value) == 0 && value == 2);
		close_somehow(map, i + 1);
	}
	return NULL;
}

/* Opens what others made, by id, and keeps some of it a little longer than they do. */
static void *visitor(void *arg)
{
	union bpf_attr attr = { .start_id = 0 };

	for (u32 i = 0; i < NR_ROUNDS; i++) {
		int err, fd;

		attr.next_id = 0;
		err = rove_bpf(BPF_MAP_GET_NEXT_ID, &attr, sizeof(attr));
		expect(!err || err == -ENOENT);
		attr.start_id = err ? 0 : attr.next_id;
		fd = BPF(BPF_MAP_GET_FD_BY_ID, .map_id = attr.start_id);
		expect(fd >= 0 || fd == -ENOENT);
		if (fd < 0)
			continue;
		expect(map_id(fd) == attr.start_id);
		close_somehow(fd, i);
	}
	return NULL;
}

TEST(threads, objects_of_many_threads_do_not_mix_and_nothing_is_left)
{
	u32 maps = count_ids(BPF_MAP_GET_NEXT_ID), progs = count_ids(BPF_PROG_GET_NEXT_ID);
	pthread_t threads[NR_THREADS + 1];

	for (u32 i = 0; i <= NR_THREADS; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, i < NR_THREADS ? thread : visitor, NULL),
			  0);
	for (u32 i = 0; i <= NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(nr_wrong, 0);
	EXPECT_EQ(count_ids(BPF_PROG_GET_NEXT_ID), progs);
	EXPECT_EQ(count_ids(BPF_MAP_GET_NEXT_ID), maps);
}
