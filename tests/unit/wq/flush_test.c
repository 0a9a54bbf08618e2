/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/flush: a flush of a work waits for the run that it found, and for no later one
 */
#include <pthread.h>
#include <sched.h>

#include <rove/workqueue.h>

#include "base/atomic.h"
#include "tests/test.h"
#include "wq/work_state.h"

static struct rove_workqueue *wq;
static u32 nr_inside, nr_may_leave, nr_ended, blocker_may_leave;	/* A */
static u32 ended_at_return;						/* A: of a flush, and 1 */

static void wait_until(const u32 *count, u32 nr)
{
	while (load_acquire(count) < nr)
		sched_yield();
}

static void block(struct rove_work *work)
{
	rove_wq_block_begin();
	wait_until(&blocker_may_leave, 1);
	rove_wq_block_end();
}

/* Queues itself again, but for the second time. */
static void run_and_again(struct rove_work *work)
{
	u32 nr = add_fetch_acq_rel(&nr_inside, 1);

	if (nr == 1)
		rove_queue_work(wq, work);
	rove_wq_block_begin();
	wait_until(&nr_may_leave, nr);
	rove_wq_block_end();
	add_fetch_acq_rel(&nr_ended, 1);
}

static void run(struct rove_work *work)
{
	add_fetch_acq_rel(&nr_ended, 1);
}

static void *flush(void *work)
{
	rove_flush_work(work);
	store_release(&ended_at_return, 1 + load_acquire(&nr_ended));
	return NULL;
}

static pthread_t flush_when_watched(struct rove_work *work)
{
	pthread_t thread;

	EXPECT_EQ(pthread_create(&thread, NULL, flush, work), 0);
	while (!(READ_ONCE(work->state) & WORK_WATCHED))
		sched_yield();
	return thread;
}

/* One at a time, and the first of them stays: what comes behind it is pending. */
static void begin(struct rove_work *blocker)
{
	struct rove_wq_options options = {
		.size = sizeof(options), .flags = ROVE_WQ_UNBOUND | ROVE_WQ_ORDERED,
	};

	EXPECT_EQ(rove_workqueue_create("flush", &options, &wq), 0);
	nr_inside = nr_may_leave = nr_ended = blocker_may_leave = ended_at_return = 0;
	rove_work_init(blocker, block);
	EXPECT_EQ(rove_queue_work(wq, blocker), 1);
}

TEST(flush, of_a_work_that_queues_itself_again_ends_with_the_run_it_found)
{
	struct rove_work blocker, work = ROVE_WORK_INIT(run_and_again);
	pthread_t thread;

	begin(&blocker);
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	thread = flush_when_watched(&work);
	store_release(&blocker_may_leave, 1);
	wait_until(&nr_inside, 1);
	EXPECT_EQ(load_acquire(&ended_at_return), 0);
	EXPECT_TRUE(rove_work_pending(&work));
	store_release(&nr_may_leave, 1);
	pthread_join(thread, NULL);	/* the second run goes on as long as it likes */
	EXPECT_EQ(ended_at_return, 1 + 1);
	store_release(&nr_may_leave, 2);
	rove_workqueue_free(wq);
	EXPECT_EQ(nr_ended, 2);
}

TEST(flush, of_a_work_that_is_taken_back_and_queued_anew_does_not_wait_for_that)
{
	struct rove_work blocker, work = ROVE_WORK_INIT(run);
	pthread_t thread;

	begin(&blocker);
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	thread = flush_when_watched(&work);
	EXPECT_TRUE(rove_cancel_work(&work));
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	pthread_join(thread, NULL);
	EXPECT_EQ(ended_at_return, 1 + 0);
	EXPECT_TRUE(rove_work_pending(&work));
	store_release(&blocker_may_leave, 1);
	rove_workqueue_free(wq);
	EXPECT_EQ(nr_ended, 1);
}

TEST(flush, by_two_who_found_different_runs_ends_for_each_with_its_own)
{
	struct rove_work blocker, work = ROVE_WORK_INIT(run_and_again);
	pthread_t first, second;

	begin(&blocker);
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	first = flush_when_watched(&work);
	store_release(&blocker_may_leave, 1);
	wait_until(&nr_inside, 1);
	second = flush_when_watched(&work);	/* it is pending again */
	store_release(&nr_may_leave, 1);
	pthread_join(first, NULL);
	EXPECT_EQ(ended_at_return, 1 + 1);
	store_release(&nr_may_leave, 2);
	pthread_join(second, NULL);
	EXPECT_EQ(ended_at_return, 1 + 2);
	rove_workqueue_free(wq);
}
