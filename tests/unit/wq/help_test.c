/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/help: who waits for works runs those that have not begun, in whatever order it names them
 */
#include <rove/workqueue.h>

#include "base/atomic.h"
#include "base/types.h"
#include "tests/test.h"

#define NR_WORKS 100		/* of several batches */
#define NR_ROUNDS 300

struct item {
	struct rove_work work;
	u32 nr_runs;		/* A */
};

static struct item items[NR_WORKS];
static struct rove_work *works[NR_WORKS];
static u32 nr_taken_back;	/* A */

static void run(struct rove_work *work)
{
	fetch_add_relaxed(&((struct item *)work)->nr_runs, 1);
}

static struct rove_workqueue *begin(u32 flags, rove_work_fn *first)
{
	struct rove_wq_options options = { .size = sizeof(options), .flags = flags | ROVE_WQ_HELP };
	struct rove_workqueue *wq = NULL;

	EXPECT_EQ(rove_workqueue_create("help", &options, &wq), 0);
	for (u32 i = 0; i < NR_WORKS; i++) {
		works[i] = &items[i].work;
		rove_work_init(works[i], i ? run : first);
		WRITE_ONCE(items[i].nr_runs, 0);
	}
	return wq;
}

static void queue_all(struct rove_workqueue *wq, bool at_once)
{
	if (at_once) {
		EXPECT_EQ(rove_queue_works(wq, works, NR_WORKS), NR_WORKS);
		return;
	}
	for (u32 i = 0; i < NR_WORKS; i++)
		EXPECT_EQ(rove_queue_work(wq, works[i]), 1);
}

static void expect_runs(u32 nr)
{
	for (u32 i = 0; i < NR_WORKS; i++) {
		EXPECT_EQ(READ_ONCE(items[i].nr_runs), nr);
		EXPECT_EQ(rove_work_busy(works[i]), 0);
	}
}

/* @step: coprime to how many there are: the order in which they are named. */
static void flush_in_order(u32 flags, u32 step)
{
	struct rove_work *named[NR_WORKS];
	struct rove_workqueue *wq = begin(flags, run);

	for (u32 i = 0; i < NR_WORKS; i++)
		named[i] = works[i * step % NR_WORKS];
	for (u32 round = 0; round < NR_ROUNDS; round++) {
		queue_all(wq, round % 2);
		rove_flush_works(named, NR_WORKS);
		expect_runs(round + 1);
	}
	rove_workqueue_free(wq);
}

static const u32 kinds[] = { 0, ROVE_WQ_UNBOUND, ROVE_WQ_ORDERED };

TEST(help, with_many_in_any_order_runs_each_once)
{
	static const u32 steps[] = { 1, NR_WORKS - 1, 3, 37 };

	for (u32 i = 0; i < ARRAY_SIZE(steps); i++) {
		for (u32 kind = 0; kind < ARRAY_SIZE(kinds); kind++)
			flush_in_order(kinds[kind], steps[i]);
	}
}

TEST(help, with_one_of_many_leaves_the_others_to_be_run)
{
	for (u32 kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		struct rove_workqueue *wq = begin(kinds[kind], run);

		for (u32 round = 0; round < NR_ROUNDS; round++) {
			struct item *item = &items[round % NR_WORKS];

			queue_all(wq, round % 2);
			rove_flush_work(&item->work);
			EXPECT_EQ(READ_ONCE(item->nr_runs), round + 1);
			rove_flush_workqueue(wq);
			expect_runs(round + 1);
		}
		rove_workqueue_free(wq);
	}
}

TEST(help, with_one_at_a_time_is_counted)
{
	struct rove_workqueue *wq = begin(0, run);
	struct rove_wq_stats stats;

	for (u32 round = 0; round < NR_ROUNDS; round++) {
		EXPECT_EQ(rove_queue_work(wq, works[0]), 1);
		rove_flush_work(works[0]);
		EXPECT_EQ(READ_ONCE(items[0].nr_runs), round + 1);
	}
	rove_flush_workqueue(wq);
	rove_workqueue_stats(wq, &stats, sizeof(stats));
	EXPECT_EQ(stats.started, NR_ROUNDS);
	EXPECT_EQ(stats.completed, NR_ROUNDS);
	EXPECT_EQ(stats.pending + stats.in_flight, 0);
	EXPECT_TRUE(stats.helped > 0);
	rove_workqueue_free(wq);
}

/* They are in the slots of the one who runs this, or in the list. */
static void take_others_back(struct rove_work *work)
{
	run(work);
	for (u32 i = 1; i < NR_WORKS; i += 3)
		fetch_add_relaxed(&nr_taken_back, rove_cancel_work_sync(works[i]));
}

TEST(help, with_a_work_that_takes_back_those_behind_it_does_not_run_them)
{
	struct rove_workqueue *wq = begin(0, take_others_back);
	u64 nr_runs = 0;

	WRITE_ONCE(nr_taken_back, 0);
	for (u32 round = 0; round < NR_ROUNDS; round++) {
		queue_all(wq, round % 2);
		rove_flush_works(works, NR_WORKS);
	}
	for (u32 i = 0; i < NR_WORKS; i++)
		nr_runs += READ_ONCE(items[i].nr_runs);
	EXPECT_TRUE(READ_ONCE(nr_taken_back) > 0);
	EXPECT_EQ(nr_runs + READ_ONCE(nr_taken_back), NR_WORKS * NR_ROUNDS);
	rove_workqueue_free(wq);
}
