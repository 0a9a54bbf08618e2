/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq: workers without works need no CPU
 */
#include <sched.h>

#include <rove/workqueue.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "tests/test.h"
#include "wq/pool.h"
#include "wq/probe.h"
#include "wq/worker.h"

/* More searches in vain than halve the longest to nothing. */
#define MANY_RUNS 8

/* Others are not looked at. */
#define NR_WORKERS 256

static u32 nr_run;

static void count(struct rove_work *work)
{
	fetch_add_relaxed(&nr_run, 1);
}

/* It may have ended, with its pool. */
static bool is_of_pool(const struct worker *w)
{
	u64 cpu_ns;

	return READ_ONCE(w->pool) && READ_ONCE(w->tid) && !probe_cpu_ns(READ_ONCE(w->tid), &cpu_ns);
}

/* So long ago that its next work comes late, whatever it may hope for. */
static bool sleeps_long(const struct worker *w)
{
	return load_seq_cst(&w->state) == WORKER_IDLE &&
	       clock_mono_ns() - READ_ONCE(w->idle_since_ns) > 2 * WORKER_SPIN_NS &&
	       probe_state(READ_ONCE(w->tid)) == PROBE_SLEEPING;
}

static void wait_until_all_sleep_long(void)
{
	for (u32 id = 1; id < worker_id_end(); id++) {
		struct worker *w = worker_by_id(id);

		while (is_of_pool(w) && !sleeps_long(w))
			sched_yield();
	}
}

/* Queue one by one until a worker has run many.  Return: that one, asleep. */
static struct worker *tire_a_worker(struct rove_workqueue *wq)
{
	struct rove_work work = ROVE_WORK_INIT(count);
	u64 before[NR_WORKERS] = { 0 };

	wait_until_all_sleep_long();
	for (u32 id = 1; id < min(worker_id_end(), (u32)NR_WORKERS); id++)
		before[id] = READ_ONCE(worker_by_id(id)->nr_begun);
	for (;;) {
		rove_queue_work(wq, &work);
		rove_flush_work(&work);
		wait_until_all_sleep_long();
		for (u32 id = 1; id < min(worker_id_end(), (u32)NR_WORKERS); id++) {
			struct worker *w = worker_by_id(id);

			if (is_of_pool(w) && READ_ONCE(w->nr_begun) - before[id] >= MANY_RUNS)
				return w;
		}
	}
}

static void expect_no_search(u32 flags)
{
	struct rove_wq_options options = { .size = sizeof(options), .flags = flags };
	struct rove_workqueue *wq;

	EXPECT_EQ(rove_workqueue_create("idle", &options, &wq), 0);
	EXPECT_EQ(tire_a_worker(wq)->searched, 0);
	rove_workqueue_free(wq);
}

TEST(idle, a_bound_worker_whose_works_come_seldom_does_not_look_for_them)
{
	expect_no_search(0);
}

TEST(idle, an_unbound_worker_whose_works_come_seldom_does_not_look_for_them)
{
	expect_no_search(ROVE_WQ_UNBOUND);
}

TEST(idle, workers_use_no_cpu_time_while_nothing_is_queued)
{
	struct rove_wq_options options = { .size = sizeof(options), .flags = ROVE_WQ_UNBOUND };
	struct rove_workqueue *wq;
	u64 before_ns, after_ns, begin_ns;
	struct worker *w;

	EXPECT_EQ(rove_workqueue_create("idle", &options, &wq), 0);
	w = tire_a_worker(wq);
	EXPECT_EQ(probe_cpu_ns(w->tid, &before_ns), 0);
	begin_ns = clock_mono_ns();
	while (clock_mono_ns() - begin_ns < 20 * NSEC_PER_MSEC)
		sched_yield();
	EXPECT_EQ(probe_cpu_ns(w->tid, &after_ns), 0);
	EXPECT_EQ(before_ns, after_ns);
	rove_workqueue_free(wq);
}
