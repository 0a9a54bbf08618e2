/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq: with which lock held workers are woken
 *
 * Every futex call of the library goes through libc's syscall(), and here through the one
 * below, which looks whether the caller has the lock of the pool whose worker it wakes.
 * Two are told apart: a thread that queues, and a worker that wakes the next one before it
 * runs its batch.
 */
#include <dlfcn.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rove/workqueue.h>

#include "base/clock.h"
#include "tests/test.h"
#include "wq/pool.h"
#include "wq/wq.h"

#define NR_WORKS 64
#define WORK_NS 20000		/* worth waking another worker for */
#define WAKES_WANTED 5

enum { BY_QUEUEING, BY_WORKER, NR_WAKERS };
enum { FREE, HELD };

static struct worker_pool *watched;	/* A: NULL: none */
static u32 nr_wakes[NR_WAKERS][2];	/* A: by waker, and whether it had the lock */
static u32 tester;

/* A worker that is about to run a batch; one that goes to sleep has none.  NULL: another thread. */
static const struct worker *myself(const struct worker_pool *pool)
{
	for (u32 id = 1; id < worker_id_end(); id++) {
		const struct worker *w = worker_by_id(id);

		if (READ_ONCE(w->pool) == pool && READ_ONCE(w->tid) == mutex_self() &&
		    READ_ONCE(w->shard))
			return w;
	}
	return NULL;
}

static bool is_worker_of(const struct worker_pool *pool, const u32 *wake_word)
{
	for (u32 id = 1; id < worker_id_end(); id++) {
		const struct worker *w = worker_by_id(id);

		if (READ_ONCE(w->pool) == pool && &w->wake_word == wake_word)
			return true;
	}
	return false;
}

static void note_wake(const u32 *word)
{
	struct worker_pool *pool = load_acquire(&watched);
	bool held;

	if (!pool || !is_worker_of(pool, word))
		return;
	held = (READ_ONCE(pool->lock.owner) & ~MUTEX_WAITERS) == mutex_self();
	if (mutex_self() == tester)
		fetch_add_relaxed(&nr_wakes[BY_QUEUEING][held], 1);
	else if (myself(pool))
		fetch_add_relaxed(&nr_wakes[BY_WORKER][held], 1);
}

/* In the place of libc's. */
long syscall(long number, ...)
{
	static long (*next)(long number, ...);
	long arg[6];
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	if (!READ_ONCE(next))
		WRITE_ONCE(next, (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall"));
	if (number == SYS_futex && (arg[1] & FUTEX_CMD_MASK) == FUTEX_WAKE)
		note_wake((const u32 *)arg[0]);
	return READ_ONCE(next)(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

static void compute(struct rove_work *work)
{
	u64 end_ns = clock_mono_ns() + WORK_NS;

	while (clock_mono_ns() < end_ns)
		cpu_relax();
}

static void wait_until_idle(const struct worker_pool *pool)
{
	while (READ_ONCE(pool->nr_running) || READ_ONCE(pool->nr_searching))
		sched_yield();
}

static void queue_until_seen(struct rove_workqueue *wq, struct worker_pool *pool)
{
	static struct rove_work works[NR_WORKS];

	for (u32 i = 0; i < NR_WORKS; i++)
		rove_work_init(&works[i], compute);
	while (READ_ONCE(nr_wakes[BY_QUEUEING][FREE]) + READ_ONCE(nr_wakes[BY_QUEUEING][HELD]) < WAKES_WANTED ||
	       READ_ONCE(nr_wakes[BY_WORKER][FREE]) + READ_ONCE(nr_wakes[BY_WORKER][HELD]) < WAKES_WANTED) {
		wait_until_idle(pool);
		for (u32 i = 0; i < NR_WORKS; i++)
			rove_queue_work(wq, &works[i]);
		rove_flush_workqueue(wq);
	}
}

/* Both kinds of wake happen, and all of them as @state says. */
static void expect_wakes(u32 wake, int state)
{
	struct rove_wq_options options = {
		.size = sizeof(options), .flags = ROVE_WQ_UNBOUND,
		.scope = ROVE_WQ_SCOPE_SYSTEM, .wake = wake,
	};
	struct rove_workqueue *wq = NULL;
	struct worker_pool *pool;

	EXPECT_EQ(rove_workqueue_create("kick", &options, &wq), 0);
	pool = wq->shards[0]->pool;
	if (pool->limit < 2) {
		rove_workqueue_free(wq);
		SKIP("one CPU: a pool has one worker, which wakes no other");
	}
	tester = mutex_self();
	memset(nr_wakes, 0, sizeof(nr_wakes));
	store_release(&watched, pool);
	queue_until_seen(wq, pool);
	wait_until_idle(pool);
	store_release(&watched, NULL);
	for (int waker = 0; waker < NR_WAKERS; waker++) {
		EXPECT_EQ(READ_ONCE(nr_wakes[waker][!state]), 0);
		EXPECT_TRUE(READ_ONCE(nr_wakes[waker][state]) >= WAKES_WANTED);
	}
	rove_workqueue_free(wq);
}

TEST(kick, under_the_lock_queueing_and_workers_wake_with_it_held)
{
	expect_wakes(ROVE_WQ_WAKE_UNDER, HELD);
}

TEST(kick, after_the_lock_queueing_and_workers_wake_with_it_released)
{
	expect_wakes(ROVE_WQ_WAKE_AFTER, FREE);
}

TEST(kick, by_default_nobody_who_wakes_has_the_lock)
{
	expect_wakes(ROVE_WQ_WAKE_DEFAULT, FREE);
}
