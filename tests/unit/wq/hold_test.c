/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq: what holds works back, and who waits for whom: freezing, bounds, flushes, locks
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <rove/workqueue.h>

#include "base/atomic.h"
#include "base/context.h"
#include "base/futex.h"
#include "tests/test.h"
#include "wq/pool.h"
#include "wq/wq.h"

static struct rove_workqueue *make_queue(struct rove_wq_options options)
{
	struct rove_workqueue *wq = NULL;

	options.size = sizeof(options);
	EXPECT_EQ(rove_workqueue_create("hold", &options, &wq), 0);
	return wq;
}

#define QUEUE(...) make_queue((struct rove_wq_options){ __VA_ARGS__ })

static u32 nr_runs, nr_inside, gate;	/* A */
static __thread u32 nr_run_here;

static void reset(void)
{
	WRITE_ONCE(nr_runs, 0);
	WRITE_ONCE(nr_inside, 0);
	WRITE_ONCE(gate, 0);
}

static void count(struct rove_work *work)
{
	nr_run_here++;
	fetch_add_seq_cst(&nr_runs, 1);
}

static void stay(struct rove_work *work)
{
	fetch_add_seq_cst(&nr_inside, 1);
	rove_wq_block_begin();
	while (!load_acquire(&gate))
		futex_wait(&gate, 0, FUTEX_FOREVER);
	rove_wq_block_end();
	fetch_add_seq_cst(&nr_inside, -1);
	fetch_add_seq_cst(&nr_runs, 1);
}

static void open_gate(void)
{
	store_release(&gate, 1);
	futex_wake(&gate, INT32_MAX);
}

static void wait_until_inside(u32 nr)
{
	while (load_seq_cst(&nr_inside) != nr)
		sched_yield();
}

/* A call that waits, made by another thread. */
struct call {
	void (*fn)(void *arg);
	void *arg;
	u32 returned;		/* A */
	pthread_t thread;
};

static void *make_call(void *arg)
{
	struct call *call = arg;

	call->fn(call->arg);
	store_release(&call->returned, 1);
	return NULL;
}

static void call_begin(struct call *call, void (*fn)(void *arg), void *arg)
{
	*call = (struct call){ .fn = fn, .arg = arg };
	EXPECT_EQ(pthread_create(&call->thread, NULL, make_call, call), 0);
}

/* One that does not wait would have returned by now. */
static void expect_waits(const struct call *call)
{
	usleep(3000);
	EXPECT_EQ(load_acquire(&call->returned), 0);
}

static void call_end(struct call *call)
{
	pthread_join(call->thread, NULL);
}

/* --- freezing ------------------------------------------------------------------------------- */

static void freeze(void *arg)
{
	rove_freeze_workqueues();
}

TEST(freeze, waits_for_what_runs_and_lets_nothing_begin)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND | ROVE_WQ_FREEZABLE);
	struct rove_work first = ROVE_WORK_INIT(stay), second = ROVE_WORK_INIT(count);
	struct call call;

	reset();
	rove_queue_work(wq, &first);
	wait_until_inside(1);
	call_begin(&call, freeze, NULL);
	while (!READ_ONCE(wq->frozen))
		sched_yield();
	expect_waits(&call);
	rove_queue_work(wq, &second);
	open_gate();
	call_end(&call);
	EXPECT_EQ(READ_ONCE(nr_runs), 1);
	EXPECT_TRUE(rove_work_pending(&second));
	rove_thaw_workqueues();
	rove_workqueue_free(wq);
	EXPECT_EQ(READ_ONCE(nr_runs), 2);
}

TEST(freeze, holds_for_new_queues_and_for_works_whose_time_comes_until_the_last_thaw)
{
	struct rove_workqueue *wq, *other = QUEUE(.flags = ROVE_WQ_UNBOUND);
	struct rove_work work = ROVE_WORK_INIT(count);
	struct rove_delayed_work late, later;

	reset();
	rove_freeze_workqueues();
	rove_freeze_workqueues();
	wq = QUEUE(.flags = ROVE_WQ_FREEZABLE);
	rove_delayed_work_init(&late, count);
	rove_delayed_work_init(&later, count);
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	EXPECT_EQ(rove_queue_delayed_work(wq, &late, 1), 1);
	/* Its time comes after that of the first, which is in the queue then. */
	EXPECT_EQ(rove_queue_delayed_work(other, &later, 1000000), 1);
	while (READ_ONCE(nr_runs) != 1)
		sched_yield();
	rove_thaw_workqueues();
	EXPECT_EQ(rove_work_busy(&work), ROVE_WORK_PENDING);
	EXPECT_EQ(rove_work_busy(&late.work), ROVE_WORK_PENDING);
	rove_thaw_workqueues();
	rove_flush_work(&work);
	rove_flush_delayed_work(&late);
	EXPECT_EQ(READ_ONCE(nr_runs), 3);
	rove_workqueue_free(other);
	rove_workqueue_free(wq);
}

/* --- flushes -------------------------------------------------------------------------------- */

static void flush_queue(void *wq)
{
	rove_flush_workqueue(wq);
}

static struct rove_workqueue *again_queue;
static u32 again;	/* A */

/* Always pending, or in a run that is not counted yet: a flush waits for one that will be. */
static void queue_again(struct rove_work *work)
{
	if (READ_ONCE(again))
		rove_queue_work(again_queue, work);
	fetch_add_seq_cst(&nr_runs, 1);
}

TEST(flush, of_a_queue_does_not_wait_for_what_comes_later)
{
	static const u32 kinds[] = { 0, ROVE_WQ_UNBOUND, ROVE_WQ_ORDERED, ROVE_WQ_BH };

	for (u32 kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		struct rove_work work = ROVE_WORK_INIT(queue_again);
		u32 before;

		reset();
		again_queue = QUEUE(.flags = kinds[kind]);
		WRITE_ONCE(again, 1);
		rove_queue_work(again_queue, &work);
		for (int i = 0; i < 50; i++) {
			before = load_seq_cst(&nr_runs);
			rove_flush_workqueue(again_queue);
			EXPECT_TRUE(load_seq_cst(&nr_runs) > before);
		}
		WRITE_ONCE(again, 0);
		rove_workqueue_free(again_queue);
	}
}

TEST(flush, of_a_queue_waits_for_all_that_came_before_also_on_other_cpus)
{
	struct rove_workqueue *wq = QUEUE(.flags = 0);
	struct rove_work first = ROVE_WORK_INIT(stay), last = ROVE_WORK_INIT(count);
	struct call call;
	int nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);

	reset();
	rove_queue_work_on(nr_cpus - 1, wq, &first);
	wait_until_inside(1);
	call_begin(&call, flush_queue, wq);
	expect_waits(&call);
	/* Who comes meanwhile waits for the next one, and for this work, too. */
	rove_queue_work_on(0, wq, &last);
	rove_flush_work(&last);
	EXPECT_EQ(load_acquire(&call.returned), 0);
	open_gate();
	call_end(&call);
	EXPECT_EQ(READ_ONCE(nr_runs), 2);
	rove_workqueue_free(wq);
}

/* --- bounds --------------------------------------------------------------------------------- */

static void queue_one(void *work)
{
	EXPECT_EQ(rove_queue_work(again_queue, work), 1);
}

TEST(bound, that_waits_for_room_waits_until_a_work_begins)
{
	struct rove_work first = ROVE_WORK_INIT(stay), second = ROVE_WORK_INIT(count),
			 third = ROVE_WORK_INIT(count);
	struct call call;

	reset();
	again_queue = QUEUE(.flags = ROVE_WQ_ORDERED, .max_pending = 1, .full = ROVE_WQ_FULL_WAIT);
	rove_queue_work(again_queue, &first);
	wait_until_inside(1);
	EXPECT_EQ(rove_queue_work(again_queue, &second), 1);
	EXPECT_EQ(rove_queue_work(again_queue, &second), 0);
	call_begin(&call, queue_one, &third);
	while (!load_seq_cst(&again_queue->nr_room_waiters))
		sched_yield();
	expect_waits(&call);
	EXPECT_FALSE(rove_work_pending(&third));
	open_gate();
	call_end(&call);
	rove_workqueue_free(again_queue);
	EXPECT_EQ(READ_ONCE(nr_runs), 3);
}

TEST(bound, that_runs_here_runs_no_more_than_may)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .max_pending = 1,
					  .max_active = 2, .scope = ROVE_WQ_SCOPE_SYSTEM,
					  .full = ROVE_WQ_FULL_RUN);
	struct rove_work staying[2] = { ROVE_WORK_INIT(stay), ROVE_WORK_INIT(stay) };
	struct rove_work waits = ROVE_WORK_INIT(count), here = ROVE_WORK_INIT(count);

	reset();
	for (u32 i = 0; i < 2; i++) {
		EXPECT_EQ(rove_queue_work(wq, &staying[i]), 1);
		wait_until_inside(i + 1);
	}
	EXPECT_EQ(rove_queue_work(wq, &waits), 1);
	EXPECT_EQ(rove_queue_work(wq, &here), -EAGAIN);
	EXPECT_EQ(rove_work_busy(&here), 0);
	open_gate();
	rove_workqueue_free(wq);
	EXPECT_EQ(READ_ONCE(nr_runs), 3);
}

/* What waits for its time is pending, too. */
TEST(bound, that_is_full_runs_a_work_on_the_callers_thread)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .max_pending = 1,
					  .full = ROVE_WQ_FULL_RUN);
	struct rove_workqueue *ordered = QUEUE(.flags = ROVE_WQ_ORDERED, .max_pending = 1,
					       .full = ROVE_WQ_FULL_RUN);
	struct rove_delayed_work late[2];
	struct rove_work work = ROVE_WORK_INIT(count);

	reset();
	nr_run_here = 0;
	for (u32 i = 0; i < 2; i++) {
		rove_delayed_work_init(&late[i], count);
		EXPECT_EQ(rove_queue_delayed_work(i ? ordered : wq, &late[i], 3600000000000ull), 1);
	}
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	EXPECT_EQ(READ_ONCE(nr_runs), 1);
	EXPECT_EQ(nr_run_here, 1);
	EXPECT_EQ(rove_work_busy(&work), 0);
	/* It might overtake what was queued before. */
	EXPECT_EQ(rove_queue_work(ordered, &work), -EAGAIN);
	ctx_nmi_enter();
	EXPECT_EQ(rove_queue_work(wq, &work), -EAGAIN);
	ctx_nmi_exit();
	for (u32 i = 0; i < 2; i++)
		EXPECT_TRUE(rove_cancel_delayed_work_sync(&late[i]));
	EXPECT_EQ(READ_ONCE(nr_runs), 1);
	rove_workqueue_free(ordered);
	rove_workqueue_free(wq);
}

TEST(bound, that_would_wait_refuses_a_handler_that_declares_itself)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_ORDERED, .max_pending = 1,
					  .full = ROVE_WQ_FULL_WAIT);
	struct rove_delayed_work late;
	struct rove_work work = ROVE_WORK_INIT(count);

	rove_delayed_work_init(&late, count);
	EXPECT_EQ(rove_queue_delayed_work(wq, &late, 3600000000000ull), 1);
	ctx_nmi_enter();
	EXPECT_EQ(rove_queue_work(wq, &work), -EAGAIN);
	ctx_nmi_exit();
	EXPECT_TRUE(rove_cancel_delayed_work_sync(&late));
	rove_workqueue_free(wq);
}

/* --- handlers and locks --------------------------------------------------------------------- */

static struct rove_work from_handler[3];
static struct rove_delayed_work late_from_handler;
static int results[5];

static void queue_in_handler(int sig)
{
	struct rove_work *batch[] = { &from_handler[1], &from_handler[2] };

	results[0] = rove_queue_work(again_queue, &from_handler[0]);
	results[1] = rove_queue_work(again_queue, &from_handler[0]);
	results[2] = rove_queue_works(again_queue, batch, 2);
	results[3] = rove_queue_delayed_work(again_queue, &late_from_handler, 1000);
	results[4] = rove_work_busy(&from_handler[0]);
}

/* It interrupts who holds every lock that queues, shards and pools have. */
TEST(handler, needs_none_of_the_locks_that_the_interrupted_thread_holds)
{
	static const u32 kinds[] = { 0, ROVE_WQ_UNBOUND, ROVE_WQ_ORDERED, ROVE_WQ_BH };
	struct sigaction action = { .sa_handler = queue_in_handler }, before;

	EXPECT_EQ(sigaction(SIGUSR1, &action, &before), 0);
	for (u32 kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		struct shard *s;
		struct worker_pool *pool;

		reset();
		again_queue = QUEUE(.flags = kinds[kind]);
		s = again_queue->shards[0];
		pool = READ_ONCE(s->pool);
		for (u32 i = 0; i < 3; i++)
			rove_work_init(&from_handler[i], count);
		rove_delayed_work_init(&late_from_handler, count);
		mutex_lock(&wq_list_lock);
		mutex_lock(&again_queue->config);
		mutex_lock(&again_queue->flush.lock);
		mutex_lock(&pool->lock);
		for (u32 i = 0; i < again_queue->nr_shards; i++)
			mutex_lock(&again_queue->shards[i]->lock);
		raise(SIGUSR1);
		for (u32 i = 0; i < again_queue->nr_shards; i++)
			mutex_unlock(&again_queue->shards[i]->lock);
		mutex_unlock(&pool->lock);
		mutex_unlock(&again_queue->flush.lock);
		mutex_unlock(&again_queue->config);
		mutex_unlock(&wq_list_lock);
		EXPECT_EQ(results[0], 1);
		EXPECT_EQ(results[1], 0);
		EXPECT_EQ(results[2], 2);
		EXPECT_EQ(results[3], 1);
		EXPECT_EQ(results[4], ROVE_WORK_PENDING);
		while (load_seq_cst(&nr_runs) != 4)
			sched_yield();
		rove_workqueue_free(again_queue);
	}
	EXPECT_EQ(sigaction(SIGUSR1, &before, NULL), 0);
}
