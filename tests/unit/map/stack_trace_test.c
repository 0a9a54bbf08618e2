/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Maps of stacks: numbers by bpf_get_stackid()'s rules, the rest through bpf(2).
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/atomic.h"
#include "base/context.h"
#include "bpf/map/map.h"
#include "bpf/map/rcu.h"
#include "bpf/map/stack_trace.h"
#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"

#define STACKS(value_size, max_entries, flags) \
	map_new(BPF_MAP_TYPE_STACK_TRACE, 4, (value_size), (max_entries), (flags))

static struct bpf_map *map_of(int fd)
{
	struct bpf_map *map;

	EXPECT_EQ(map_by_fd(fd, &map), 0);
	map_put(map);		/* the descriptor keeps it */
	return map;
}

static int take(int fd, const void *key, void *value)
{
	return BPF(BPF_MAP_LOOKUP_AND_DELETE_ELEM, .map_fd = fd, .key = PTR(key),
		   .value = PTR(value));
}

TEST(stack_trace, sizes_and_flags_that_make_no_sense_are_refused)
{
	EXPECT_EQ(map_new(BPF_MAP_TYPE_STACK_TRACE, 8, 8, 1, 0), -EINVAL);
	EXPECT_EQ(STACKS(0, 1, 0), -EINVAL);
	EXPECT_EQ(STACKS(12, 1, 0), -EINVAL);
	EXPECT_EQ(STACKS(128 * 8, 1, 0), -EINVAL);
	EXPECT_EQ(STACKS(8, 0, 0), -EINVAL);
	EXPECT_EQ(STACKS(8, 1, BPF_F_NO_PREALLOC), -EINVAL);
	EXPECT_EQ(STACKS(32, 1, BPF_F_STACK_BUILD_ID), -EINVAL);
	EXPECT_EQ(STACKS(8, 0x80000001, 0), -E2BIG);
	rove_bpf_close(STACKS(127 * 8, 1, 0));
}

TEST(stack_trace, the_same_stack_has_the_same_number_and_is_read_back)
{
	static const u64 ips[] = { 11, 12, 13, 14 };
	u64 got[4] = { 9, 9, 9, 9 };
	int fd = STACKS(4 * 8, 100, 0), id, all, key;

	all = stack_trace_id(map_of(fd), ips, 4, 0);
	EXPECT_TRUE(all >= 0 && all < 128);
	EXPECT_EQ(stack_trace_id(map_of(fd), ips, 4, BPF_F_USER_STACK), all);
	id = stack_trace_id(map_of(fd), ips, 4, 2);
	EXPECT_TRUE(id >= 0 && id != all);
	EXPECT_EQ(map_lookup(fd, &all, got), 0);
	EXPECT_MEM_EQ(got, ips, sizeof(ips));
	EXPECT_EQ(map_lookup(fd, &id, got), 0);
	EXPECT_EQ(got[0], 13);
	EXPECT_EQ(got[1], 14);
	EXPECT_EQ(got[2] | got[3], 0);
	EXPECT_EQ(map_next_key(fd, NULL, &key), 0);
	EXPECT_EQ(key, id < all ? id : all);
	EXPECT_EQ(map_next_key(fd, &key, &key), 0);
	EXPECT_EQ(key, id < all ? all : id);
	EXPECT_EQ(map_next_key(fd, &key, &key), -ENOENT);
	rove_bpf_close(fd);
}

TEST(stack_trace, what_is_deeper_than_a_value_is_left_out)
{
	static const u64 ips[] = { 11, 12, 13, 14 };
	int fd = STACKS(2 * 8, 100, 0), id = stack_trace_id(map_of(fd), ips, 4, 0);

	EXPECT_TRUE(id >= 0);
	EXPECT_EQ(stack_trace_id(map_of(fd), ips, 2, 0), id);
	EXPECT_NE(stack_trace_id(map_of(fd), ips, 1, 0), id);
	EXPECT_TRUE(stack_trace_id(map_of(fd), ips, 4, 2) >= 0);
	EXPECT_EQ(stack_trace_id(map_of(fd), ips, 4, 4), -EFAULT);
	EXPECT_EQ(stack_trace_id(map_of(fd), ips, 0, 0), -EFAULT);
	EXPECT_EQ(stack_trace_id(map_of(fd), ips, 4, BPF_F_USER_BUILD_ID), -EINVAL);
	rove_bpf_close(fd);
}

/* One bucket and one block: everything has the same number. */
TEST(stack_trace, another_stack_of_the_same_number_is_refused_replaced_or_taken_for_it)
{
	static const u64 ips[] = { 11, 12 };
	int fd = STACKS(8, 1, 0);
	u64 got;

	EXPECT_EQ(stack_trace_id(map_of(fd), ips, 1, 0), 0);
	EXPECT_EQ(stack_trace_id(map_of(fd), ips + 1, 1, 0), -EEXIST);
	EXPECT_EQ(stack_trace_id(map_of(fd), ips + 1, 1, BPF_F_FAST_STACK_CMP), -EEXIST);
	/* The only block is in the bucket. */
	EXPECT_EQ(stack_trace_id(map_of(fd), ips + 1, 1, BPF_F_REUSE_STACKID), -ENOMEM);
	EXPECT_EQ(map_delete(fd, &(u32){ 0 }), 0);
	EXPECT_EQ(map_delete(fd, &(u32){ 0 }), -ENOENT);
	EXPECT_EQ(map_delete(fd, &(u32){ 1 }), -E2BIG);
	EXPECT_EQ(stack_trace_id(map_of(fd), ips + 1, 1, 0), 0);
	EXPECT_EQ(take(fd, &(u32){ 0 }, &got), 0);
	EXPECT_EQ(got, 12);
	EXPECT_EQ(take(fd, &(u32){ 0 }, &got), -ENOENT);
	EXPECT_EQ(map_lookup(fd, &(u32){ 0 }, &got), -ENOENT);
	EXPECT_EQ(map_update(fd, &(u32){ 0 }, &got, 0), -EINVAL);
	rove_bpf_close(fd);
}

/* An address whose stack has number 1, behind @from. */
static u64 ip_of_number_1(int fd, u64 from)
{
	do
		from++;
	while (stack_trace_id(map_of(fd), &from, 1, 0) == 0 && !map_delete(fd, &(u32){ 0 }));
	return from;
}

TEST(stack_trace, the_room_of_a_replaced_stack_is_used_again)
{
	int fd = STACKS(8, 2, 0);
	u64 ip = ip_of_number_1(fd, 0), other, got;
	u32 key = 1;

	EXPECT_EQ(map_delete(fd, &key), 0);
	other = ip_of_number_1(fd, ip);
	for (u32 i = 0; i < 10; i++) {
		u64 next = i % 2 ? other : ip;

		EXPECT_EQ(stack_trace_id(map_of(fd), &next, 1, BPF_F_REUSE_STACKID), 1);
		EXPECT_EQ(map_lookup(fd, &key, &got), 0);
		EXPECT_EQ(got, next);
	}
	rove_bpf_close(fd);
}

TEST(stack_trace, more_stacks_than_entries_find_no_memory)
{
	int fd = STACKS(8, 3, 0), nr = 0, id = 0;

	for (u64 ip = 1; id != -ENOMEM; ip++) {
		id = stack_trace_id(map_of(fd), &ip, 1, 0);
		nr += id >= 0;
		EXPECT_TRUE(id >= 0 || id == -EEXIST || id == -ENOMEM);
	}
	EXPECT_EQ(nr, 3);	/* of four buckets */
	rove_bpf_close(fd);
}

/* --- everybody at once -------------------------------------------------------------------- */

#define NR_STACKS 64u
#define DEPTH 8u

static struct {
	struct bpf_map *map;
	int fd;
	u32 nr_by_handler, nr_torn, stop;
} storm;

/* A stack is @seed, @seed + 1, ...; so any two of one stack tell each other. */
static int storm_put(u64 seed, u64 flags)
{
	u64 ips[DEPTH];

	for (u32 i = 0; i < DEPTH; i++)
		ips[i] = seed * 1000 + i;
	return stack_trace_id(storm.map, ips, DEPTH, flags);
}

static void storm_handler(int sig)
{
	u32 nr = add_fetch_relaxed(&storm.nr_by_handler, 1);

	ctx_nmi_enter();
	storm_put(nr % NR_STACKS, nr % 2 ? BPF_F_REUSE_STACKID : 0);
	if (nr % 3 == 0)
		storm.map->ops->delete(storm.map, &(u32){ nr % 32 });
	ctx_nmi_exit();
}

static void *storm_thread(void *arg)
{
	u64 got[DEPTH];

	for (u32 i = 0; !READ_ONCE(storm.stop); i++) {
		u32 key = i % 32;

		storm_put(i % NR_STACKS, i % 2 ? BPF_F_REUSE_STACKID : 0);
		if (map_lookup(storm.fd, &key, got))
			continue;
		for (u32 k = 1; k < DEPTH; k++)
			if (got[k] != got[0] + k)
				add_fetch_relaxed(&storm.nr_torn, 1);
	}
	return NULL;
}

static u32 stacks_that_fit(void)
{
	u32 nr = 0;
	int id = 0;

	for (u64 ip = 1; id != -ENOMEM; ip++) {
		id = stack_trace_id(storm.map, &ip, 1, 0);
		nr += id >= 0 && !map_lookup(storm.fd, &id, (u64[DEPTH]){ 0 });
	}
	return nr;
}

TEST(stack_trace, threads_and_signal_handlers_never_mix_two_stacks)
{
	struct sigaction sa = { .sa_handler = storm_handler, .sa_flags = SA_RESTART };
	pthread_t threads[2];

	storm.fd = STACKS(DEPTH * 8, 20, 0);
	storm.map = map_of(storm.fd);
	sigaction(SIGUSR1, &sa, NULL);
	for (u32 i = 0; i < 2; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, storm_thread, NULL), 0);
	for (u32 i = 0; i < 2000; i++) {
		u32 before = READ_ONCE(storm.nr_by_handler);

		pthread_kill(threads[i % 2], SIGUSR1);
		while (READ_ONCE(storm.nr_by_handler) == before)
			sched_yield();
	}
	WRITE_ONCE(storm.stop, 1);
	for (u32 i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(storm.nr_torn, 0);
	for (u32 key = 0; key < 32; key++)
		map_delete(storm.fd, &key);
	EXPECT_EQ(stacks_that_fit(), 20);	/* no block was lost */
	rove_bpf_close(storm.fd);
}
