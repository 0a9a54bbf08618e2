/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq: memory that cannot be had
 *
 * Allocations go through the functions of this file, which can be told to fail.
 */
#include <errno.h>

#include <rove/workqueue.h>

#include "base/atomic.h"
#include "base/types.h"
#include "tests/failing.h"
#include "tests/test.h"

static u32 nr_runs;

static void count(struct rove_work *work)
{
	fetch_add_relaxed(&nr_runs, 1);
}

static void use_and_free(struct rove_workqueue *wq)
{
	struct rove_work work = ROVE_WORK_INIT(count);

	WRITE_ONCE(nr_runs, 0);
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	rove_workqueue_free(wq);
	EXPECT_EQ(READ_ONCE(nr_runs), 1);
}

TEST(memory, whichever_allocation_fails_a_queue_is_refused_or_works)
{
	static const uint32_t kinds[] = {
		0, ROVE_WQ_UNBOUND, ROVE_WQ_ORDERED, ROVE_WQ_HIGHPRI, ROVE_WQ_MEM_RECLAIM,
		ROVE_WQ_BH, ROVE_WQ_UNBOUND | ROVE_WQ_FREEZABLE,
	};

	for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		struct rove_wq_options options = {
			.size = sizeof(options), .flags = kinds[kind],
		};
		struct rove_workqueue *wq = NULL;
		int err = -ENOMEM;
		u32 nth;

		for (nth = 1; err; nth++) {
			fail_from(nth);
			err = rove_workqueue_create("memory", &options, &wq);
			fail_none();
			EXPECT_TRUE(!err || err == -ENOMEM || err == -EAGAIN);
			EXPECT_TRUE(nth < 1000);
		}
		EXPECT_TRUE(nth > 2);
		use_and_free(wq);
	}
}

TEST(memory, attributes_that_cannot_be_had_change_nothing)
{
	struct rove_wq_options options = { .size = sizeof(options), .flags = ROVE_WQ_UNBOUND };
	struct rove_wq_attrs attrs = { .size = sizeof(attrs), .scope = ROVE_WQ_SCOPE_CPU };
	struct rove_workqueue *wq = NULL;
	int err = -ENOMEM;

	EXPECT_EQ(rove_workqueue_create("memory", &options, &wq), 0);
	for (u32 nth = 1; err; nth++) {
		struct rove_work work = ROVE_WORK_INIT(count);

		fail_from(nth);
		err = rove_workqueue_apply_attrs(wq, &attrs);
		fail_none();
		EXPECT_TRUE(!err || err == -ENOMEM || err == -EAGAIN);
		WRITE_ONCE(nr_runs, 0);
		rove_queue_work(wq, &work);
		rove_flush_workqueue(wq);
		EXPECT_EQ(READ_ONCE(nr_runs), 1);
		EXPECT_TRUE(nth < 1000);
	}
	use_and_free(wq);
}

TEST(memory, who_cannot_help_waits)
{
	struct rove_wq_options options = {
		.size = sizeof(options), .flags = ROVE_WQ_UNBOUND | ROVE_WQ_HELP,
	};
	struct rove_work work = ROVE_WORK_INIT(count);
	struct rove_workqueue *wq = NULL;

	EXPECT_EQ(rove_workqueue_create("memory", &options, &wq), 0);
	WRITE_ONCE(nr_runs, 0);
	fail_from(1);
	rove_queue_work(wq, &work);
	rove_flush_work(&work);
	fail_none();
	EXPECT_EQ(READ_ONCE(nr_runs), 1);
	rove_workqueue_free(wq);
}
