/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq: the places of a queue that was freed are used by the next one, which must not notice
 */
#include <unistd.h>

#include <rove/workqueue.h>

#include "base/atomic.h"
#include "tests/test.h"
#include "wq/wq.h"

struct item {
	struct rove_work work;
	u32 inside, go_on;	/* A */
};

static u32 nr_run;

static void wait_until_told(struct rove_work *work)
{
	struct item *item = (struct item *)work;

	store_release(&item->inside, 1);
	while (!load_acquire(&item->go_on))
		usleep(100);
}

static void count_run(struct rove_work *work)
{
	fetch_add_relaxed(&nr_run, 1);
}

static struct rove_workqueue *queue_create(u32 flags)
{
	struct rove_wq_options options = { .size = sizeof(options), .flags = flags };
	struct rove_workqueue *wq = NULL;

	EXPECT_EQ(rove_workqueue_create("reuse", &options, &wq), 0);
	return wq;
}

/* A shard keeps rights to run for itself; with one left over, two would run. */
TEST(reuse, an_ordered_queue_runs_one_at_a_time_where_another_queue_was)
{
	for (int i = 0; i < 20; i++) {
		struct rove_workqueue *wq = queue_create(ROVE_WQ_UNBOUND);
		struct rove_work first = ROVE_WORK_INIT(count_run), other = ROVE_WORK_INIT(count_run);
		struct item item = { .work = ROVE_WORK_INIT(wait_until_told) };

		EXPECT_EQ(rove_queue_work_on(0, wq, &first), 1);
		rove_workqueue_free(wq);
		wq = queue_create(ROVE_WQ_UNBOUND | ROVE_WQ_ORDERED);
		WRITE_ONCE(nr_run, 0);
		EXPECT_EQ(rove_queue_work(wq, &item.work), 1);
		while (!load_acquire(&item.inside))
			usleep(100);
		EXPECT_EQ(rove_queue_work(wq, &other), 1);
		while (!READ_ONCE(wq->shards[0]->starved) && !READ_ONCE(nr_run))
			usleep(100);
		EXPECT_EQ(READ_ONCE(nr_run), 0);
		store_release(&item.go_on, 1);
		rove_workqueue_free(wq);
	}
}
