/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/stats: what is counted is what happened
 */
#include <pthread.h>
#include <unistd.h>

#include <rove/workqueue.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "tests/test.h"

static struct rove_workqueue *queue_create(u32 flags)
{
	struct rove_wq_options options = { .size = sizeof(options), .flags = flags };
	struct rove_workqueue *wq = NULL;

	EXPECT_EQ(rove_workqueue_create("stats", &options, &wq), 0);
	return wq;
}

static struct rove_wq_stats stats_of(struct rove_workqueue *wq)
{
	struct rove_wq_stats stats;

	rove_workqueue_stats(wq, &stats, sizeof(stats));
	return stats;
}

struct item {
	struct rove_work work;
	u32 go_on;	/* A */
};

static void do_nothing(struct rove_work *work)
{
}

/* Until the statistics have seen it: no time is assumed. */
static void compute_until_told(struct rove_work *work)
{
	struct item *item = (struct item *)work;

	while (!load_acquire(&item->go_on))
		cpu_relax();
}

static void wait_until_told(struct rove_work *work)
{
	struct item *item = (struct item *)work;

	while (!load_acquire(&item->go_on))
		usleep(50000);
}

static void wait_aloud(struct rove_work *work)
{
	rove_wq_block_begin();
	rove_wq_block_end();
}

TEST(stats, every_work_is_started_completed_and_woken_for_or_saved)
{
	struct rove_workqueue *wq = queue_create(ROVE_WQ_UNBOUND);
	struct rove_work work = ROVE_WORK_INIT(do_nothing);
	struct rove_wq_stats stats;

	for (int i = 0; i < 100; i++) {
		EXPECT_EQ(rove_queue_work(wq, &work), 1);
		rove_flush_work(&work);
	}
	rove_flush_workqueue(wq);
	stats = stats_of(wq);
	EXPECT_EQ(stats.started, 100);
	EXPECT_EQ(stats.completed, 100);
	EXPECT_EQ(stats.in_flight, 0);
	EXPECT_EQ(stats.pending, 0);
	EXPECT_EQ(stats.oldest_pending_ns, 0);
	EXPECT_EQ(stats.wakeups + stats.wakeups_saved, 100);
	EXPECT_TRUE(stats.queue_time_ns >= stats.queue_time_max_ns / 2);
	rove_workqueue_free(wq);
}

TEST(stats, a_new_queue_begins_with_nothing)
{
	struct rove_workqueue *wq = queue_create(ROVE_WQ_UNBOUND);
	struct rove_work work = ROVE_WORK_INIT(do_nothing);
	struct rove_wq_stats stats, none = { 0 };

	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	rove_flush_work(&work);
	rove_workqueue_free(wq);
	wq = queue_create(ROVE_WQ_UNBOUND);
	stats = stats_of(wq);
	EXPECT_MEM_EQ(&stats, &none, sizeof(stats));
	rove_workqueue_free(wq);
}

TEST(stats, a_work_that_computes_for_long_is_counted_with_its_time)
{
	struct rove_workqueue *wq = queue_create(ROVE_WQ_UNBOUND);
	struct item item = { .work = ROVE_WORK_INIT(compute_until_told) };
	struct rove_wq_stats stats;

	EXPECT_EQ(rove_queue_work(wq, &item.work), 1);
	do {
		usleep(1000);
		stats = stats_of(wq);
	} while (!stats.cpu_intensive);
	EXPECT_EQ(stats.in_flight, 1);
	EXPECT_TRUE(stats.cpu_time_ns >= 5 * NSEC_PER_MSEC);
	EXPECT_EQ(stats.cpu_intensive, 1);
	store_release(&item.go_on, 1);
	rove_flush_work(&item.work);
	rove_workqueue_free(wq);
}

TEST(stats, a_work_that_waits_is_counted_whether_it_says_so_or_not)
{
	struct rove_workqueue *wq = queue_create(ROVE_WQ_UNBOUND);
	struct item item = { .work = ROVE_WORK_INIT(wait_until_told) };
	struct rove_work aloud = ROVE_WORK_INIT(wait_aloud);

	EXPECT_EQ(rove_queue_work(wq, &aloud), 1);
	rove_flush_work(&aloud);
	EXPECT_EQ(stats_of(wq).cm_wakeups, 1);
	EXPECT_EQ(rove_queue_work(wq, &item.work), 1);
	while (stats_of(wq).cm_wakeups < 2)
		usleep(1000);
	store_release(&item.go_on, 1);
	rove_flush_work(&item.work);
	rove_workqueue_free(wq);
}

TEST(stats, what_waits_has_an_age)
{
	struct rove_workqueue *wq = queue_create(ROVE_WQ_UNBOUND | ROVE_WQ_ORDERED);
	struct item item = { .work = ROVE_WORK_INIT(wait_until_told) };
	struct rove_work other = ROVE_WORK_INIT(do_nothing);
	struct rove_wq_stats first, later;

	EXPECT_EQ(rove_queue_work(wq, &item.work), 1);
	while (!(rove_work_busy(&item.work) & ROVE_WORK_RUNNING))
		usleep(100);
	EXPECT_EQ(rove_queue_work(wq, &other), 1);
	first = stats_of(wq);
	usleep(1000);
	later = stats_of(wq);
	EXPECT_TRUE(later.pending >= 1);
	EXPECT_TRUE(later.oldest_pending_ns > 0);
	EXPECT_TRUE(first.started <= later.started);
	store_release(&item.go_on, 1);
	rove_flush_work(&other);
	rove_workqueue_free(wq);
}

#define NR_QUEUED 256
#define WORK_NS (100 * NSEC_PER_USEC)

static struct {
	struct rove_workqueue *wq;
	u64 queued_ns, sum_ns, most_ns;	/* by the works' own clock */
	u32 nr_run, nr_looks, nr_too_young, nr_too_old;
} backlog;

/* All were queued together, so what is pending still has waited as long as this one. */
static void note_wait(struct rove_work *work)
{
	u64 begin_ns = clock_mono_ns(), waited_ns = begin_ns - backlog.queued_ns;
	struct rove_wq_stats stats;

	backlog.sum_ns += waited_ns;
	backlog.most_ns = max(backlog.most_ns, waited_ns);
	if (++backlog.nr_run % 16 == 0) {
		stats = stats_of(backlog.wq);
		backlog.nr_looks += stats.pending > 0;
		backlog.nr_too_young += stats.pending && stats.oldest_pending_ns < waited_ns / 2;
		backlog.nr_too_old += stats.oldest_pending_ns > clock_mono_ns() - backlog.queued_ns;
	}
	while (clock_mono_ns() - begin_ns < WORK_NS)
		cpu_relax();
}

TEST(stats, time_in_the_queue_is_counted_however_many_wait)
{
	static struct rove_work works[NR_QUEUED], *all[NR_QUEUED];
	struct rove_wq_stats stats;

	backlog.wq = queue_create(ROVE_WQ_ORDERED);
	for (u32 i = 0; i < NR_QUEUED; i++) {
		rove_work_init(&works[i], note_wait);
		all[i] = &works[i];
	}
	backlog.queued_ns = clock_mono_ns();
	EXPECT_EQ(rove_queue_works(backlog.wq, all, NR_QUEUED), NR_QUEUED);
	rove_flush_workqueue(backlog.wq);
	stats = stats_of(backlog.wq);
	/* They are in the queue until they are taken, a batch at a time, a moment before they run. */
	EXPECT_TRUE(stats.queue_time_ns <= backlog.sum_ns);
	EXPECT_TRUE(stats.queue_time_ns >= backlog.sum_ns / 2);
	EXPECT_TRUE(stats.queue_time_max_ns <= backlog.most_ns);
	EXPECT_TRUE(stats.queue_time_max_ns >= backlog.most_ns / 2);
	EXPECT_TRUE(backlog.nr_looks > 0);
	EXPECT_EQ(backlog.nr_too_young, 0);
	EXPECT_EQ(backlog.nr_too_old, 0);
	rove_workqueue_free(backlog.wq);
}

/* As an application that knows fewer, or more, members than the library. */
TEST(stats, another_size_gives_as_many_members)
{
	struct rove_workqueue *wq = queue_create(0);
	struct rove_work work = ROVE_WORK_INIT(do_nothing);
	u64 two[2] = { 7, 7 };
	u64 more[40];

	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	rove_flush_workqueue(wq);
	rove_workqueue_stats(wq, (struct rove_wq_stats *)two, sizeof(two[0]));
	EXPECT_EQ(two[0], 1);
	EXPECT_EQ(two[1], 7);
	memset(more, 7, sizeof(more));
	rove_workqueue_stats(wq, (struct rove_wq_stats *)more, sizeof(more));
	EXPECT_EQ(more[0], 1);
	EXPECT_EQ(more[39], 0);
	rove_workqueue_free(wq);
}
