/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * work_test.c - what holds for a work, whatever its queue
 */
#include <rove/workqueue.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/futex.h"
#include "tests/test.h"

static struct rove_workqueue *make_queue(struct rove_wq_options options)
{
	struct rove_workqueue *wq = NULL;

	options.size = sizeof(options);
	EXPECT_EQ(rove_workqueue_create("test", &options, &wq), 0);
	return wq;
}

#define QUEUE(...) make_queue((struct rove_wq_options){ __VA_ARGS__ })

static u32 nr_runs, gate, nr_inside;

static void count(struct rove_work *work)
{
	fetch_add_relaxed(&nr_runs, 1);
}

/* Stays inside until the gate is open. */
static void stay(struct rove_work *work)
{
	fetch_add_seq_cst(&nr_inside, 1);
	futex_wake(&nr_inside, INT32_MAX);
	while (!load_acquire(&gate))
		futex_wait(&gate, 0, FUTEX_FOREVER);
	fetch_add_seq_cst(&nr_inside, -1);
	fetch_add_relaxed(&nr_runs, 1);
}

static void reset(void)
{
	WRITE_ONCE(nr_runs, 0);
	WRITE_ONCE(gate, 0);
	WRITE_ONCE(nr_inside, 0);
}

static void open_gate(void)
{
	store_release(&gate, 1);
	futex_wake(&gate, INT32_MAX);
}

static void wait_until_inside(u32 nr)
{
	u32 now;

	while ((now = load_acquire(&nr_inside)) != nr)
		futex_wait(&nr_inside, now, FUTEX_FOREVER);
}

TEST(work, runs_once_for_each_queueing_that_found_it_idle)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND);
	struct rove_work work = ROVE_WORK_INIT(count);

	reset();
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	rove_flush_work(&work);
	EXPECT_EQ(rove_work_busy(&work), 0);
	EXPECT_EQ(READ_ONCE(nr_runs), 1);
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	rove_workqueue_free(wq);
	EXPECT_EQ(READ_ONCE(nr_runs), 2);
}

TEST(work, that_is_pending_is_not_queued_again)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_ORDERED);
	struct rove_work first = ROVE_WORK_INIT(stay), work = ROVE_WORK_INIT(count);

	reset();
	rove_queue_work(wq, &first);
	wait_until_inside(1);
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	EXPECT_EQ(rove_queue_work(wq, &work), 0);
	EXPECT_TRUE(rove_work_pending(&work));
	open_gate();
	rove_workqueue_free(wq);
	EXPECT_EQ(READ_ONCE(nr_runs), 2);
}

TEST(work, queued_while_it_runs_runs_again_afterwards_also_on_another_queue)
{
	struct rove_workqueue *a = QUEUE(.flags = ROVE_WQ_UNBOUND);
	struct rove_workqueue *b = QUEUE(.flags = ROVE_WQ_UNBOUND, .nice = 1);
	struct rove_work work = ROVE_WORK_INIT(stay), other = ROVE_WORK_INIT(count);

	reset();
	rove_queue_work(a, &work);
	wait_until_inside(1);
	EXPECT_EQ(rove_work_busy(&work), ROVE_WORK_RUNNING);
	EXPECT_EQ(rove_queue_work(b, &work), 1);
	/* The other queue's worker has had its chance when this has run. */
	rove_queue_work(b, &other);
	rove_flush_work(&other);
	EXPECT_EQ(READ_ONCE(nr_inside), 1);
	open_gate();
	rove_workqueue_free(b);
	rove_workqueue_free(a);
	EXPECT_EQ(READ_ONCE(nr_runs), 3);
}

TEST(work, that_is_taken_back_does_not_run)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_ORDERED);
	struct rove_work first = ROVE_WORK_INIT(stay), works[5];

	reset();
	rove_queue_work(wq, &first);
	wait_until_inside(1);
	for (int i = 0; i < 5; i++) {
		rove_work_init(&works[i], count);
		rove_queue_work(wq, &works[i]);
	}
	EXPECT_TRUE(rove_cancel_work(&works[2]));
	EXPECT_TRUE(rove_cancel_work_sync(&works[4]));
	EXPECT_TRUE(rove_cancel_work(&works[0]));
	EXPECT_FALSE(rove_cancel_work(&works[0]));
	open_gate();
	rove_workqueue_free(wq);
	EXPECT_EQ(READ_ONCE(nr_runs), 3);
}

TEST(work, that_is_disabled_cannot_be_queued_until_it_is_enabled_as_often)
{
	struct rove_workqueue *wq = QUEUE(.flags = 0);
	struct rove_work work = ROVE_WORK_INIT(count);

	reset();
	EXPECT_FALSE(rove_disable_work(&work));
	EXPECT_FALSE(rove_disable_work_sync(&work));
	EXPECT_EQ(rove_queue_work(wq, &work), -ECANCELED);
	EXPECT_FALSE(rove_enable_work(&work));
	EXPECT_EQ(rove_queue_work(wq, &work), -ECANCELED);
	EXPECT_TRUE(rove_enable_work(&work));
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	rove_workqueue_free(wq);
	EXPECT_EQ(READ_ONCE(nr_runs), 1);
}

TEST(work, that_is_disabled_more_often_than_can_be_counted_stays_disabled)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_ORDERED);
	struct rove_work first = ROVE_WORK_INIT(stay), work = ROVE_WORK_INIT(count);

	reset();
	rove_queue_work(wq, &first);
	wait_until_inside(1);
	for (u32 i = 0; i < 0x10000 + 10; i++)
		EXPECT_FALSE(rove_disable_work(&work));
	EXPECT_EQ(rove_queue_work(wq, &work), -ECANCELED);
	for (u32 i = 1; i < 0xffff; i++)
		EXPECT_FALSE(rove_enable_work(&work));
	EXPECT_TRUE(rove_enable_work(&work));
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	for (u32 i = 0; i < 0xffff; i++)
		EXPECT_EQ(rove_disable_work(&work), !i);
	EXPECT_FALSE(rove_cancel_work(&work));
	EXPECT_EQ(rove_queue_work(wq, &work), -ECANCELED);
	open_gate();
	rove_workqueue_free(wq);
	EXPECT_EQ(READ_ONCE(nr_runs), 1);
}

static struct rove_workqueue *again_queue;

static void queue_myself(struct rove_work *work)
{
	fetch_add_relaxed(&nr_runs, 1);
	rove_queue_work(again_queue, work);
}

TEST(work, that_queues_itself_is_stopped_by_cancel)
{
	struct rove_work work = ROVE_WORK_INIT(queue_myself);

	reset();
	again_queue = QUEUE(.flags = ROVE_WQ_UNBOUND);
	rove_queue_work(again_queue, &work);
	while (READ_ONCE(nr_runs) < 100)
		sched_yield();
	rove_cancel_work_sync(&work);
	EXPECT_EQ(rove_work_busy(&work), 0);
	rove_workqueue_free(again_queue);
}

static void free_myself(struct rove_work *work)
{
	memset(work, 0xff, sizeof(*work));
	free(work);
	fetch_add_relaxed(&nr_runs, 1);
}

TEST(work, may_free_its_own_memory)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND);

	reset();
	for (int i = 0; i < 1000; i++) {
		struct rove_work *work = malloc(sizeof(*work));

		rove_work_init(work, free_myself);
		EXPECT_EQ(rove_queue_work(wq, work), 1);
	}
	rove_workqueue_free(wq);
	EXPECT_EQ(nr_runs, 1000);
}

TEST(work, that_waits_lets_others_of_its_pool_run)
{
	struct rove_workqueue *wq = QUEUE(.flags = 0);
	struct rove_work first = ROVE_WORK_INIT(stay), second = ROVE_WORK_INIT(count);

	reset();
	rove_queue_work_on(0, wq, &first);
	wait_until_inside(1);
	rove_queue_work_on(0, wq, &second);
	rove_flush_work(&second);
	EXPECT_EQ(READ_ONCE(nr_runs), 1);
	open_gate();
	rove_workqueue_free(wq);
}

TEST(work, no_more_run_than_max_active)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .max_active = 2,
					  .scope = ROVE_WQ_SCOPE_SYSTEM);
	struct rove_work works[3];

	reset();
	for (int i = 0; i < 3; i++) {
		rove_work_init(&works[i], stay);
		rove_queue_work(wq, &works[i]);
	}
	wait_until_inside(2);
	EXPECT_EQ(rove_workqueue_set_max_active(wq, 3), 0);
	wait_until_inside(3);
	open_gate();
	rove_workqueue_free(wq);
	EXPECT_EQ(nr_runs, 3);
}

TEST(work, that_waits_for_a_time_is_queued_taken_back_moved_and_flushed)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND);
	struct rove_delayed_work dwork;

	reset();
	rove_delayed_work_init(&dwork, count);
	EXPECT_EQ(rove_queue_delayed_work(wq, &dwork, 3600000000000ull), 1);
	EXPECT_EQ(rove_queue_delayed_work(wq, &dwork, 1), 0);
	EXPECT_TRUE(rove_cancel_delayed_work_sync(&dwork));
	EXPECT_EQ(rove_queue_delayed_work(wq, &dwork, 3600000000000ull), 1);
	EXPECT_EQ(rove_mod_delayed_work(wq, &dwork, 1000), 1);
	while (!READ_ONCE(nr_runs))
		sched_yield();
	EXPECT_EQ(rove_mod_delayed_work(wq, &dwork, 3600000000000ull), 0);
	EXPECT_TRUE(rove_flush_delayed_work(&dwork));
	EXPECT_EQ(READ_ONCE(nr_runs), 2);
	rove_workqueue_free(wq);
}

TEST(queue, of_bounded_length_refuses_what_is_too_much)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_ORDERED, .max_pending = 1);
	struct rove_work first = ROVE_WORK_INIT(stay), works[3];

	reset();
	for (int i = 0; i < 3; i++)
		rove_work_init(&works[i], count);
	rove_queue_work(wq, &first);
	wait_until_inside(1);
	EXPECT_EQ(rove_queue_work(wq, &works[0]), 1);
	EXPECT_EQ(rove_queue_work(wq, &works[1]), -EAGAIN);
	EXPECT_EQ(rove_queue_work(wq, &works[0]), 0);
	open_gate();
	rove_workqueue_free(wq);
	EXPECT_EQ(nr_runs, 2);
}

TEST(queue, of_bounded_length_waits_for_room_or_runs_the_work_at_once)
{
	static const uint32_t full[] = { ROVE_WQ_FULL_WAIT, ROVE_WQ_FULL_RUN };

	for (int kind = 0; kind < 2; kind++) {
		struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .max_pending = 1,
						  .full = full[kind]);
		struct rove_work *works = calloc(10000, sizeof(*works));

		reset();
		for (int i = 0; i < 10000; i++) {
			rove_work_init(&works[i], count);
			EXPECT_EQ(rove_queue_work(wq, &works[i]), 1);
		}
		rove_workqueue_free(wq);
		EXPECT_EQ(nr_runs, 10000);
		free(works);
	}
}

TEST(queue, has_room_again_when_works_are_taken_back)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_ORDERED, .max_pending = 1);
	struct rove_work first = ROVE_WORK_INIT(stay), work = ROVE_WORK_INIT(count);
	struct rove_delayed_work dwork;

	reset();
	rove_delayed_work_init(&dwork, count);
	rove_queue_work(wq, &first);
	wait_until_inside(1);
	EXPECT_EQ(rove_queue_delayed_work(wq, &dwork, 3600000000000ull), 1);
	EXPECT_EQ(rove_queue_work(wq, &work), -EAGAIN);
	EXPECT_TRUE(rove_cancel_delayed_work_sync(&dwork));
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	EXPECT_TRUE(rove_cancel_work(&work));
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	open_gate();
	rove_workqueue_free(wq);
}

static struct rove_workqueue *drained;
static struct rove_work chained;

static void queue_the_next(struct rove_work *work)
{
	struct rove_wq_stats stats;

	/* Until the drain has begun, others may queue. */
	do
		rove_workqueue_stats(drained, &stats, sizeof(stats));
	while (!READ_ONCE(gate));
	EXPECT_EQ(rove_queue_work(drained, &chained), 1);
}

static void *drain_thread(void *arg)
{
	rove_drain_workqueue(drained);
	return NULL;
}

TEST(queue, that_is_drained_takes_works_of_its_own_only)
{
	struct rove_work work = ROVE_WORK_INIT(queue_the_next), foreign = ROVE_WORK_INIT(count);
	pthread_t thread;
	int result;

	reset();
	drained = QUEUE(.flags = ROVE_WQ_UNBOUND);
	rove_work_init(&chained, count);
	rove_queue_work(drained, &work);
	pthread_create(&thread, NULL, drain_thread, NULL);
	while ((result = rove_queue_work(drained, &foreign)) != -ESHUTDOWN) {
		EXPECT_TRUE(result >= 0);
		sched_yield();
	}
	store_release(&gate, 1);
	pthread_join(thread, NULL);
	EXPECT_EQ(rove_work_busy(&chained), 0);
	EXPECT_TRUE(READ_ONCE(nr_runs) >= 1);
	rove_workqueue_free(drained);
}

TEST(queue, that_is_drained_runs_delayed_works_whose_time_comes_and_no_others)
{
	struct rove_work work = ROVE_WORK_INIT(stay), foreign = ROVE_WORK_INIT(count);
	struct rove_delayed_work soon, late;
	pthread_t thread;

	reset();
	drained = QUEUE(.flags = ROVE_WQ_UNBOUND, .max_active = 1);
	rove_delayed_work_init(&soon, count);
	rove_delayed_work_init(&late, count);
	rove_queue_work(drained, &work);
	wait_until_inside(1);
	EXPECT_EQ(rove_queue_delayed_work(drained, &late, 3600000000000ull), 1);
	EXPECT_EQ(rove_queue_delayed_work(drained, &soon, 3600000000000ull), 1);
	pthread_create(&thread, NULL, drain_thread, NULL);
	while (rove_queue_work(drained, &foreign) != -ESHUTDOWN)
		rove_cancel_work(&foreign);
	EXPECT_EQ(rove_mod_delayed_work(drained, &soon, 1000000), 1);
	while (rove_hrtimer_is_queued(&soon.timer))
		sched_yield();
	open_gate();
	pthread_join(thread, NULL);
	rove_flush_delayed_work(&soon);
	EXPECT_EQ(READ_ONCE(nr_runs), 2);
	EXPECT_TRUE(rove_cancel_delayed_work_sync(&late));
	rove_workqueue_free(drained);
}

TEST(queue, moves_to_other_pools_with_what_waits)
{
	static const uint32_t scopes[] = { ROVE_WQ_SCOPE_CPU, ROVE_WQ_SCOPE_SYSTEM };
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .max_active = 1,
					  .scope = ROVE_WQ_SCOPE_SYSTEM);
	struct rove_work first = ROVE_WORK_INIT(stay), works[8];

	reset();
	rove_queue_work(wq, &first);
	wait_until_inside(1);
	for (int i = 0; i < 8; i++) {
		rove_work_init(&works[i], count);
		rove_queue_work(wq, &works[i]);
	}
	for (int i = 0; i < 2; i++) {
		struct rove_wq_attrs attrs = { .size = sizeof(attrs), .scope = scopes[i] };

		EXPECT_EQ(rove_workqueue_apply_attrs(wq, &attrs), 0);
	}
	open_gate();
	rove_workqueue_free(wq);
	EXPECT_EQ(nr_runs, 9);
}

TEST(queue, that_is_freezable_stands_still_until_it_is_thawed)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND | ROVE_WQ_FREEZABLE);
	struct rove_workqueue *other = QUEUE(.flags = ROVE_WQ_UNBOUND);
	struct rove_work work = ROVE_WORK_INIT(count), free_work = ROVE_WORK_INIT(count);

	reset();
	rove_freeze_workqueues();
	rove_queue_work(wq, &work);
	rove_queue_work(other, &free_work);
	rove_flush_work(&free_work);
	EXPECT_EQ(READ_ONCE(nr_runs), 1);
	EXPECT_TRUE(rove_work_pending(&work));
	rove_thaw_workqueues();
	rove_flush_work(&work);
	EXPECT_EQ(READ_ONCE(nr_runs), 2);
	rove_workqueue_free(other);
	rove_workqueue_free(wq);
}

static u32 order[64], nr_order;
static struct rove_work in_order[64];

static void note_order(struct rove_work *work)
{
	order[nr_order++] = work - in_order;
}

TEST(queue, that_is_ordered_keeps_the_order_of_single_works_and_batches)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_ORDERED | ROVE_WQ_HELP);
	struct rove_work *batch[32];

	nr_order = 0;
	for (int i = 0; i < 64; i++)
		rove_work_init(&in_order[i], note_order);
	for (int i = 0; i < 16; i++)
		rove_queue_work(wq, &in_order[i]);
	for (int i = 0; i < 32; i++)
		batch[i] = &in_order[16 + i];
	EXPECT_EQ(rove_queue_works(wq, batch, 32), 32);
	for (int i = 48; i < 64; i++)
		rove_queue_work(wq, &in_order[i]);
	rove_flush_workqueue(wq);
	EXPECT_EQ(nr_order, 64);
	for (u32 i = 0; i < 64; i++)
		EXPECT_EQ(order[i], i);
	rove_workqueue_free(wq);
}

TEST(queue, of_bottom_halves_runs_works)
{
	struct rove_workqueue *wq;
	struct rove_work work = ROVE_WORK_INIT(count);

	reset();
	EXPECT_EQ(rove_system_workqueue(ROVE_SYSTEM_BH_WQ, &wq), 0);
	rove_queue_work(wq, &work);
	rove_flush_work(&work);
	EXPECT_EQ(READ_ONCE(nr_runs), 1);
}

TEST(queue, options_that_make_no_sense_are_refused)
{
	static const struct rove_wq_options bad[] = {
		{ .flags = 1u << 30 }, { .max_active = ROVE_WQ_MAX_ACTIVE + 1 },
		{ .scope = ROVE_WQ_SCOPE_CPU }, { .flags = ROVE_WQ_ORDERED, .max_active = 2 },
		{ .flags = ROVE_WQ_BH | ROVE_WQ_UNBOUND }, { .nice = 20 },
		{ .flags = ROVE_WQ_UNBOUND, .cpus = "x" }, { .wake = 9 },
	};
	struct rove_workqueue *wq = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rove_wq_options options = bad[i];

		options.size = sizeof(options);
		EXPECT_EQ(rove_workqueue_create("bad", &options, &wq), -EINVAL);
	}
}
