/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * dma_buf_walk_test.c - walks over all buffers: what is given, what is held
 */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "base/context.h"
#include "objects/dma_buf.h"
#include "objects/wakeup_source.h"
#include "tests/test.h"

static struct dma_buf *buf_new(void)
{
	struct dma_buf *b = NULL;

	EXPECT_EQ(rove_dma_buf_export(4096, "walk", NULL, &b), 0);
	return b;
}

static s64 refs_of(struct dma_buf *b)
{
	struct rove_dma_buf_attrs a;

	rove_dma_buf_read(b, &a);
	return a.nr_refs;
}

static u32 nr_listed(void)
{
	struct dma_buf *b;
	u32 nr = 0;

	for (b = dma_buf_iter_begin(); b; b = dma_buf_iter_next(b))
		nr++;
	return nr;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

TEST(dma_buf_walk, nothing_is_found_where_nothing_is)
{
	EXPECT_PTR_EQ(dma_buf_iter_begin(), NULL);
	dma_buf_iter_end(NULL);
}

TEST(dma_buf_walk, the_newest_is_found_first_and_each_once)
{
	struct dma_buf *a = buf_new(), *b = buf_new(), *c = buf_new(), *at;

	at = dma_buf_iter_begin();
	EXPECT_PTR_EQ(at, c);
	at = dma_buf_iter_next(at);
	EXPECT_PTR_EQ(at, b);
	at = dma_buf_iter_next(at);
	EXPECT_PTR_EQ(at, a);
	EXPECT_PTR_EQ(dma_buf_iter_next(at), NULL);
	rove_dma_buf_put(b);
	EXPECT_EQ(nr_listed(), 2);
	rove_dma_buf_put(c);
	rove_dma_buf_put(a);
	EXPECT_EQ(nr_listed(), 0);
}

/* The allowed CPUs; how many. */
static u32 allowed_cpus(int cpus[2])
{
	cpu_set_t set;
	u32 nr = 0;

	EXPECT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE && nr < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[nr++] = cpu;
	return nr;
}

static void move_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	EXPECT_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
}

static void expect_all_newest_first(struct dma_buf **bufs, u32 nr)
{
	struct dma_buf *at = dma_buf_iter_begin();

	for (u32 i = nr; i-- > 0; at = dma_buf_iter_next(at))
		EXPECT_PTR_EQ(at, bufs[i]);
	EXPECT_PTR_EQ(at, NULL);
}

TEST(dma_buf_walk, the_order_is_that_of_export_whichever_cpu_it_was_on)
{
	struct dma_buf *bufs[40];
	cpu_set_t before;
	int cpus[2];

	EXPECT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
	if (allowed_cpus(cpus) < 2)
		SKIP("one CPU");
	for (u32 i = 0; i < ARRAY_SIZE(bufs); i++) {
		move_to(cpus[i * 7 / 3 % 2]);
		bufs[i] = buf_new();
		/* A walk, sometimes, so that some are sorted in behind others. */
		if (i % 11 == 10)
			expect_all_newest_first(bufs, i + 1);
	}
	expect_all_newest_first(bufs, ARRAY_SIZE(bufs));
	for (u32 i = 0; i < ARRAY_SIZE(bufs); i++)
		rove_dma_buf_put(bufs[i * 17 % ARRAY_SIZE(bufs)]);
	EXPECT_EQ(nr_listed(), 0);
	sched_setaffinity(0, sizeof(before), &before);
}

TEST(dma_buf_walk, it_holds_the_buffer_it_stands_on_and_no_other)
{
	struct dma_buf *a = buf_new(), *b = buf_new(), *at = dma_buf_iter_begin();

	EXPECT_EQ(refs_of(b), 2);
	EXPECT_EQ(refs_of(a), 1);
	at = dma_buf_iter_next(at);
	EXPECT_EQ(refs_of(b), 1);
	EXPECT_EQ(refs_of(a), 2);
	dma_buf_iter_end(at);
	EXPECT_EQ(refs_of(a), 1);
	rove_dma_buf_put(a);
	rove_dma_buf_put(b);
}

TEST(dma_buf_walk, a_buffer_given_back_meanwhile_is_released_when_the_walk_goes_on)
{
	struct dma_buf *a = buf_new(), *b = buf_new(), *at = dma_buf_iter_begin();
	int fd = b->fd;

	rove_dma_buf_put(b);
	EXPECT_TRUE(is_open(fd));
	EXPECT_EQ(refs_of(at), 1);
	at = dma_buf_iter_next(at);
	EXPECT_PTR_EQ(at, a);
	EXPECT_FALSE(is_open(fd));
	dma_buf_iter_end(at);
	rove_dma_buf_put(a);
}

TEST(dma_buf_walk, buffers_that_come_and_go_meanwhile_change_nothing_for_the_others)
{
	struct dma_buf *a = buf_new(), *b = buf_new(), *c = buf_new(), *at, *late;

	at = dma_buf_iter_begin();
	EXPECT_PTR_EQ(at, c);
	late = buf_new();
	rove_dma_buf_put(b);
	rove_dma_buf_put(c);
	at = dma_buf_iter_next(at);
	EXPECT_PTR_EQ(at, a);
	EXPECT_PTR_EQ(dma_buf_iter_next(at), NULL);
	EXPECT_EQ(nr_listed(), 2);
	rove_dma_buf_put(a);
	rove_dma_buf_put(late);
}

TEST(dma_buf_walk, two_walks_at_once_do_not_disturb_each_other)
{
	struct dma_buf *a = buf_new(), *b = buf_new(), *one, *two;

	one = dma_buf_iter_begin();
	two = dma_buf_iter_begin();
	EXPECT_EQ(refs_of(b), 3);
	one = dma_buf_iter_next(one);
	EXPECT_PTR_EQ(one, a);
	EXPECT_PTR_EQ(two, b);
	dma_buf_iter_end(one);
	two = dma_buf_iter_next(two);
	EXPECT_PTR_EQ(two, a);
	EXPECT_PTR_EQ(dma_buf_iter_next(two), NULL);
	rove_dma_buf_put(a);
	rove_dma_buf_put(b);
}

static void *end_walk(void *at)
{
	dma_buf_iter_end(at);
	return NULL;
}

TEST(dma_buf_walk, it_may_end_on_another_thread)
{
	struct dma_buf *a = buf_new();
	pthread_t thread;

	EXPECT_EQ(pthread_create(&thread, NULL, end_walk, dma_buf_iter_begin()), 0);
	pthread_join(thread, NULL);
	EXPECT_EQ(refs_of(a), 1);
	rove_dma_buf_put(a);
}

TEST(dma_buf_walk, where_nobody_may_wait_the_last_reference_is_left_to_another_thread)
{
	struct dma_buf *a = buf_new(), *at = dma_buf_iter_begin();
	int fd = a->fd, idx = wakeup_sources_read_lock();

	rove_dma_buf_put(a);
	ctx_softirq_enter();
	EXPECT_PTR_EQ(dma_buf_iter_next(at), NULL);
	ctx_softirq_exit();
	EXPECT_EQ(nr_listed(), 0);
	/* The section keeps the other thread waiting. */
	EXPECT_TRUE(is_open(fd));
	wakeup_sources_read_unlock(idx);
	rove_dma_bufs_barrier();
	EXPECT_FALSE(is_open(fd));
}

#define NR_MANY 500

static void put_many(struct dma_buf **bufs)
{
	for (u32 i = 0; i < NR_MANY; i++) {
		int fd = bufs[i]->fd;

		rove_dma_buf_put(bufs[i]);
		EXPECT_FALSE(is_open(fd));
	}
}

static size_t bytes_allocated(void)
{
	return mallinfo2().uordblks;
}

TEST(dma_buf_walk, what_dies_after_a_walk_saw_it_is_gone_at_once_but_for_a_little_memory)
{
	static struct dma_buf *bufs[NR_MANY];
	size_t before = bytes_allocated(), full;

	for (u32 i = 0; i < NR_MANY; i++)
		bufs[i] = buf_new();
	EXPECT_EQ(nr_listed(), NR_MANY);
	full = bytes_allocated();
	put_many(bufs);
	/* Each CPU keeps fewer than 64 until somebody walks; this was one, or a few. */
	if (full - before < NR_MANY * sizeof(struct dma_buf))
		printf("# this allocator does not say what is allocated\n");
	else
		EXPECT_TRUE(bytes_allocated() - before < (full - before) / 2);
	EXPECT_EQ(nr_listed(), 0);
	EXPECT_TRUE(bytes_allocated() <= before + 1024);
}

TEST(dma_buf_walk, the_dead_among_the_living_are_passed_over_and_then_taken_out)
{
	struct dma_buf *bufs[6], *at;

	for (u32 i = 0; i < ARRAY_SIZE(bufs); i++)
		bufs[i] = buf_new();
	at = dma_buf_iter_begin();
	EXPECT_PTR_EQ(at, bufs[5]);
	/* Between the one the walk stands on and the next, and at the end. */
	rove_dma_buf_put(bufs[4]);
	rove_dma_buf_put(bufs[3]);
	rove_dma_buf_put(bufs[0]);
	/* Another walk takes them out while this one stands beside them. */
	EXPECT_EQ(nr_listed(), 3);
	at = dma_buf_iter_next(at);
	EXPECT_PTR_EQ(at, bufs[2]);
	rove_dma_buf_put(bufs[5]);
	rove_dma_buf_put(bufs[2]);
	at = dma_buf_iter_next(at);
	EXPECT_PTR_EQ(at, bufs[1]);
	EXPECT_PTR_EQ(dma_buf_iter_next(at), NULL);
	rove_dma_buf_put(bufs[1]);
	EXPECT_EQ(nr_listed(), 0);
}

TEST(dma_buf_walk, a_buffer_exported_with_the_list_switched_off_is_a_buffer_all_the_same)
{
	struct dma_buf *a;

	dma_buf_registry_switch(false);
	a = buf_new();
	dma_buf_registry_switch(true);
	EXPECT_EQ(nr_listed(), 0);
	EXPECT_EQ(refs_of(a), 1);
	rove_dma_buf_put(a);
	a = buf_new();
	EXPECT_EQ(nr_listed(), 1);
	rove_dma_buf_put(a);
}
