/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/fork.c - queues go on in a child of fork(), empty
 *
 * No thread of ours is in the child, and what the others were doing is in the middle.  So
 * what changes all the time (shards, pools, workers, tokens, who waits) is not looked at:
 * it is made anew.  What is kept is what changes rarely: which queues there are, their
 * options and lanes.  The locks of that are held over fork(), so that it is complete.
 *
 * Works of the parent are not touched: a new generation begins, and what was pending in
 * another one is idle (work_state.h).
 *
 * The child makes its threads when something is queued, or waited for; so that one that
 * calls exec() soon makes none.  A signal handler cannot: what it queues lies in its shard,
 * not announced, until a thread comes.
 *
 * Invariant: while threads are wanted nothing is announced.
 * Not here:  timers (softirq/softirq.c).
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <rove/irq_work.h>

#include "base/atfork.h"
#include "wq/attrs.h"
#include "wq/fork.h"
#include "wq/manager.h"
#include "wq/pool.h"
#include "wq/rescuer.h"
#include "wq/work_state.h"
#include "wq/wq.h"

u32 fork_threads_wanted;
u32 work_generation;

static struct mutex start_lock;		/* outside of everything */
static __thread struct atfork forking __attribute__((tls_model("initial-exec")));

/* --- around fork() ------------------------------------------------------------------------- */

static struct mutex *const outer_locks[] = { &system_lock, &wq_list_lock };

/* Inside of the queues'. */
static void lock_inner(void)
{
	atfork_lock(&default_cpus_lock);
	atfork_lock(&pools_lock);
	atfork_lock(workers_lock());
	atfork_lock(shards_lock());
}

static void before_fork(void)
{
	struct rove_workqueue *wq;

	if (!atfork_begin(&forking))
		return;
	for (u32 i = 0; i < ARRAY_SIZE(outer_locks); i++)
		atfork_lock(outer_locks[i]);
	list_for_each_entry(wq, &wq_list, node)
		atfork_lock(&wq->config);
	lock_inner();
}

static void unlock_inner(void)
{
	atfork_unlock(shards_lock());
	atfork_unlock(workers_lock());
	atfork_unlock(&pools_lock);
	atfork_unlock(&default_cpus_lock);
}

static void unlock_outer(void)
{
	struct rove_workqueue *wq;

	list_for_each_entry(wq, &wq_list, node)
		atfork_unlock(&wq->config);
	for (u32 i = ARRAY_SIZE(outer_locks); i-- > 0;)
		atfork_unlock(outer_locks[i]);
}

static void after_fork_here(void)
{
	if (!atfork_end(&forking))
		return;
	unlock_inner();
	unlock_outer();
}

/* --- in the child -------------------------------------------------------------------------- */

static void restart_lane(struct lane *lane)
{
	lane->spare = 0;
	lane->nr_starved = 0;
	lane->max_active = 0;
	pool_add_user(lane->pool);
	for (u32 i = 0; i < lane->nr_shards; i++) {
		struct shard *s = lane->shards[i];

		s->wq = lane->wq;
		s->lane = lane;
		s->pool = lane->pool;
		mutex_lock(&s->lock);
		lane_adopt_locked(lane, s);
		mutex_unlock(&s->lock);
	}
}

static void restart_flush(struct rove_workqueue *wq)
{
	struct rove_work *marks = wq->flush.marks;

	for (u32 i = 0; i < wq->nr_shards; i++)
		marks[i] = (struct rove_work){ 0 };
	wq->flush = (struct wq_flush){ .marks = marks };
}

static void restart_queue(struct rove_workqueue *wq)
{
	wq->draining = 0;
	wq->nr_pending = 0;
	wq->nr_room_waiters = 0;
	wq->frozen = 0;
	wq->rescuer = NULL;
	wq->mayday = 0;
	wq->nr_mayday = wq->nr_rescued = wq->nr_repatriated = 0;
	restart_flush(wq);
	wq_free_old_lanes(wq);
	for (u32 i = 0; i < wq->nr_lanes; i++)
		restart_lane(wq->lanes[i]);
	wq_spread_active(wq);
}

static void after_fork_in_child(void)
{
	struct rove_workqueue *wq;

	if (!atfork_end(&forking))
		return;		/* it may call exec() and _exit() */
	work_generation = (work_generation + 1) % WORK_GENERATIONS;
	fork_threads_wanted = 1;
	mutex_init(&start_lock);
	unlock_inner();
	unlock_outer();
	watch_forget();
	machine_forget();
	manager_forget();
	freeze_forget();
	workers_stop();
	shards_empty();
	pools_empty();
	list_for_each_entry(wq, &wq_list, node)
		restart_queue(wq);
	shards_refill();
	workers_refill();
}

/* --- on first use -------------------------------------------------------------------------- */

static int start_rescuers_locked(void)
{
	struct rove_workqueue *wq;
	int err = 0;

	list_for_each_entry(wq, &wq_list, node) {
		if (!err && (wq->flags & ROVE_WQ_MEM_RECLAIM) && !wq->rescuer)
			err = rescuer_start(wq);
	}
	return err;
}

/* What handlers have queued so far. */
static void announce_all_locked(void)
{
	struct rove_workqueue *wq;

	list_for_each_entry(wq, &wq_list, node) {
		for (u32 i = 0; i < wq->nr_shards; i++) {
			if (shard_looks_empty(wq->shards[i]))
				continue;
			pool_announce(wq->shards[i]);
			pool_kick(READ_ONCE(wq->shards[i]->pool));
		}
	}
}

static int start_threads_locked(void)
{
	int err = manager_start() ?: rove_softirq_start();

	assert_held(&start_lock);
	if (err)
		return err;
	mutex_lock(&wq_list_lock);
	err = start_rescuers_locked();
	if (!err) {
		/*
		 * ORDER fork.start (seq_cst): before the look into the shards.  Pairs with
		 * fork.look in fork_no_threads().
		 */
		store_seq_cst(&fork_threads_wanted, 0);
		announce_all_locked();
	}
	mutex_unlock(&wq_list_lock);
	return err;
}

/**
 * fork_start_threads - in a child of fork(), the threads that run works
 *
 * Context: any, but in a signal handler it only fails.
 * Return:  0: they are there, or were before; -EAGAIN, -ENOMEM: what is queued stays until
 *          the next call.
 */
int fork_start_threads(void)
{
	int err = 0;

	if (in_nmi())
		return -EAGAIN;
	mutex_lock(&start_lock);
	if (READ_ONCE(fork_threads_wanted))
		err = start_threads_locked();
	mutex_unlock(&start_lock);
	return err;
}

/**
 * work_settle_parents - the work is idle, and its link says that it is in no list
 *
 * The link first, so that nobody takes it for that of a work in one of our lists.  It is
 * compared once more when it is changed: so of two threads who use the work for the first
 * time at once, one that is stopped here harms the other's queueing only if that has got
 * the very link of the parent's list by then.
 *
 * Context: any.  Lock-free.
 * Return:  its state.
 */
u64 work_settle_parents(struct rove_work *work)
{
	u64 state = READ_ONCE(work->state);

	while (work_state_is_parents(state)) {
		struct rove_work *link = READ_ONCE(work->link);

		if (((unsigned long)link & LINK_FIXED) && READ_ONCE(work->state) == state)
			(void)cmpxchg_relaxed(&work->link, &link, NULL);
		/* ORDER work.leave (release): as in work_state_leave().  Pairs with work.queue. */
		if (cmpxchg_acq_rel(&work->state, &state, state & WORK_DISABLED_MASK))
			return state & WORK_DISABLED_MASK;
	}
	return state;
}

static void prepare(void)
{
	pthread_atfork(before_fork, after_fork_here, after_fork_in_child);
}

/**
 * fork_prepare - see to it that queues go on in children
 *
 * Context: thread.
 */
void fork_prepare(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, prepare);
}
