/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * work_test.c - what holds for a work, whatever its queue
 */
#include <rove/workqueue.h>

#include "base/atomic.h"
#include "base/futex.h"
#include "tests/test.h"

static struct rove_workqueue *make_queue(uint32_t flags, uint32_t max_active)
{
	struct rove_wq_options options = {
		.size = sizeof(options), .flags = flags, .max_active = max_active,
	};
	struct rove_workqueue *wq = NULL;

	EXPECT_EQ(rove_workqueue_create("test", &options, &wq), 0);
	return wq;
}

static u32 nr_runs;

static void count(struct rove_work *work)
{
	fetch_add_relaxed(&nr_runs, 1);
}

TEST(work, runs_once_for_each_queueing_that_found_it_idle)
{
	struct rove_workqueue *wq = make_queue(ROVE_WQ_UNBOUND, 0);
	struct rove_work work = ROVE_WORK_INIT(count);

	nr_runs = 0;
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	EXPECT_TRUE(rove_flush_work(&work) || !rove_work_busy(&work));
	EXPECT_EQ(READ_ONCE(nr_runs), 1);
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	rove_workqueue_free(wq);
	EXPECT_EQ(READ_ONCE(nr_runs), 2);
}
