/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * dma_buf_pace_test.c - which walks wait, and how long, by a clock that stands still
 */
#include "base/context.h"
#include "objects/dma_buf.h"
#include "objects/dma_buf_pace.h"
#include "tests/test.h"

static u64 clock_ns, slept_ns;
static u32 nr_sleeps;

static u64 now_ns(void)
{
	return clock_ns;
}

static void sleep_until(u64 ns)
{
	EXPECT_TRUE(ns > clock_ns);
	slept_ns = ns - clock_ns;
	clock_ns = ns;
	nr_sleeps++;
}

static const struct pace_clock by_hand = { .now_ns = now_ns, .sleep_until = sleep_until };
static const struct pace_clock *machine_clock;

/* Long after everything, so that what tests before have taken is made up for. */
static void begin(void)
{
	if (dma_buf_pace_clock != &by_hand)
		machine_clock = dma_buf_pace_clock;
	dma_buf_pace_clock = &by_hand;
	clock_ns = max(clock_ns, clock_mono_ns()) + NSEC_PER_SEC;
	nr_sleeps = 0;
}

#define NR_LIVE 64
#define MANY 1000		/* more than a burst */

static void make(struct dma_buf **bufs, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		EXPECT_EQ(rove_dma_buf_export(4096, "pace", NULL, &bufs[i]), 0);
}

static void release(struct dma_buf **bufs, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		rove_dma_buf_put(bufs[i]);
}

static u32 walk(void)
{
	struct dma_buf *b;
	u32 nr = 0;

	for (b = dma_buf_iter_begin(); b; b = dma_buf_iter_next(b))
		nr++;
	return nr;
}

/* A walk by who may wait, over @nr buffers that no walk has seen. */
static void walk_over_new(u32 nr)
{
	static struct dma_buf *bufs[2 * MANY];

	make(bufs, nr);
	dma_buf_walk_wait();
	EXPECT_EQ(walk(), nr);
	release(bufs, nr);
}

TEST(dma_buf_pace, what_was_taken_is_made_up_for_by_time)
{
	struct pace pace = { 0 };

	begin();
	EXPECT_EQ(pace_due_ns(&pace), 0);
	pace_taken(&pace, 600);
	EXPECT_EQ(pace.even_ns, clock_ns + 600 * PACE_BUF_NS);
	EXPECT_EQ(pace_due_ns(&pace), pace.even_ns - PACE_BURST_NS);
	clock_ns = pace_due_ns(&pace) - 1;
	EXPECT_TRUE(pace_due_ns(&pace));
	clock_ns++;
	EXPECT_EQ(pace_due_ns(&pace), 0);
	/* What time is left over is not saved up. */
	clock_ns += NSEC_PER_SEC;
	pace_taken(&pace, 1);
	EXPECT_EQ(pace.even_ns, clock_ns + PACE_BUF_NS);
}

TEST(dma_buf_pace, however_much_was_taken_it_is_due_in_the_longest_wait)
{
	struct pace pace = { 0 };

	begin();
	for (u32 i = 0; i < 3; i++) {
		pace_taken(&pace, UINT32_MAX);
		EXPECT_EQ(pace_due_ns(&pace), clock_ns + PACE_WAIT_MAX_NS);
	}
}

TEST(dma_buf_pace, a_burst_of_walks_does_not_wait)
{
	begin();
	for (u32 taken = 0; taken <= PACE_BURST_NS / PACE_BUF_NS; taken += NR_LIVE + 1)
		walk_over_new(NR_LIVE);
	EXPECT_EQ(nr_sleeps, 0);
}

TEST(dma_buf_pace, who_walks_sixty_times_a_second_never_waits)
{
	begin();
	for (u32 i = 0; i < 600; i++) {
		walk_over_new(NR_LIVE);
		clock_ns += NSEC_PER_SEC / 60;
	}
	EXPECT_EQ(nr_sleeps, 0);
}

TEST(dma_buf_pace, walks_without_pause_take_so_many_buffers_in_a_second_and_no_more)
{
	u64 start_ns, nr = 0;

	begin();
	while (!nr_sleeps)
		walk_over_new(NR_LIVE);
	start_ns = clock_ns;
	for (; clock_ns < start_ns + NSEC_PER_SEC; nr += NR_LIVE)
		walk_over_new(NR_LIVE);
	EXPECT_TRUE(nr <= NSEC_PER_SEC / PACE_BUF_NS);
	EXPECT_TRUE(nr >= NSEC_PER_SEC / PACE_BUF_NS * 9 / 10);
}

TEST(dma_buf_pace, the_first_walk_over_many_buffers_makes_the_next_wait_for_a_moment_only)
{
	begin();
	walk_over_new(2 * MANY);
	EXPECT_EQ(nr_sleeps, 0);
	walk_over_new(1);
	EXPECT_EQ(nr_sleeps, 1);
	EXPECT_EQ(slept_ns, PACE_WAIT_MAX_NS);
}

/* As many as may be taken, and they live: nothing is new, and walks over new ones would wait. */
static void use_up(struct dma_buf **bufs)
{
	begin();
	make(bufs, MANY);
	dma_buf_walk_wait();
	EXPECT_EQ(walk(), MANY);
	EXPECT_EQ(nr_sleeps, 0);
}

TEST(dma_buf_pace, where_nothing_comes_or_goes_nobody_waits)
{
	static struct dma_buf *bufs[MANY];

	use_up(bufs);
	clock_ns += PACE_QUIET_NS;
	for (u32 i = 0; i < 100; i++) {
		dma_buf_walk_wait();
		EXPECT_EQ(walk(), MANY);
	}
	EXPECT_EQ(nr_sleeps, 0);
	/* One that goes is enough. */
	release(bufs, 1);
	dma_buf_walk_wait();
	EXPECT_EQ(nr_sleeps, 1);
	release(bufs + 1, MANY - 1);
}

TEST(dma_buf_pace, where_a_buffer_was_made_a_moment_ago_more_are_expected)
{
	static struct dma_buf *bufs[MANY];

	begin();
	make(bufs, MANY);
	clock_ns = bufs[MANY - 1]->export_ns + PACE_QUIET_NS;
	EXPECT_EQ(walk(), MANY);
	dma_buf_walk_wait();
	EXPECT_EQ(nr_sleeps, 0);
	clock_ns--;
	dma_buf_walk_wait();
	EXPECT_EQ(nr_sleeps, 1);
	release(bufs, MANY);
}

TEST(dma_buf_pace, who_may_not_sleep_walks_at_once)
{
	static struct dma_buf *bufs[MANY];
	struct dma_buf *more;

	use_up(bufs);
	make(&more, 1);
	ctx_softirq_enter();
	EXPECT_EQ(walk(), MANY + 1);
	ctx_softirq_exit();
	EXPECT_EQ(nr_sleeps, 0);
	release(&more, 1);
	release(bufs, MANY);
}

TEST(dma_buf_pace, the_clock_is_the_machines_own_where_no_test_has_put_another)
{
	const struct pace_clock *clock = machine_clock ?: dma_buf_pace_clock;
	u64 until_ns = clock_mono_ns() + NSEC_PER_MSEC;

	clock->sleep_until(until_ns);
	EXPECT_TRUE(clock->now_ns() >= until_ns);
	clock->sleep_until(until_ns);
}
