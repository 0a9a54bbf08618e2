/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/queue.c - queueing, from any context
 *
 * One compare-and-exchange makes the caller the one who queues the work, one puts it
 * into the shard of this CPU; the pool is told if it does not know of the shard.
 *
 * Not here: why nothing is forgotten (pool.c).
 */
#include "wq/block.h"
#include "wq/cpu.h"
#include "wq/fork.h"
#include "wq/help.h"
#include "wq/poll.h"
#include "wq/pool.h"
#include "wq/queue.h"
#include "wq/room.h"
#include "wq/work_state.h"
#include "wq/wq.h"

static inline struct shard *shard_of_cpu(const struct rove_workqueue *wq, u32 cpu)
{
	return wq->shards[likely(cpu < wq->nr_shards) ? cpu : cpu % wq->nr_shards];
}

static inline struct shard *shard_here(const struct rove_workqueue *wq)
{
	return shard_of_cpu(wq, likely(wq->nr_shards > 1) ? wq_this_cpu(wq) : 0);
}

/* Context: any. */
struct shard *wq_shard_of_cpu(const struct rove_workqueue *wq, u32 cpu)
{
	return shard_of_cpu(wq, cpu);
}

/* Context: any. */
struct shard *wq_shard_here(const struct rove_workqueue *wq)
{
	return shard_here(wq);
}

/* For comparison: what the default does without a lock. */
static void __attribute__((noinline)) announce_and_wake_locked(struct shard *s, u32 wake)
{
	struct worker_pool *pool = shard_pool(s);
	struct worker *w;

	if (unlikely(fork_no_threads()) && fork_start_threads())
		return;
	mutex_lock(&pool->lock);
	pool_announce(s);
	w = pool_choose(pool);
	if (w)
		fetch_add_relaxed(&s->nr_wakeups, 1);
	pool_wake_and_unlock(pool, w, wake);
}

static void __attribute__((noinline)) announce_and_wake(struct shard *s)
{
	struct worker *w;

	if (unlikely(fork_no_threads()) && fork_start_threads())
		return;		/* who starts them will look into the shard */
	pool_announce(s);
	w = pool_choose(shard_pool(s));
	if (w) {
		fetch_add_relaxed(&s->nr_wakeups, 1);
		WRITE_ONCE(w->hint, s);
		worker_wake(w);
	}
}

static void __attribute__((noinline)) tell_pool(struct shard *s, u32 wake)
{
	if (unlikely(wake != ROVE_WQ_WAKE_DEFAULT))
		announce_and_wake_locked(s, wake);
	else
		announce_and_wake(s);
}

/**
 * shard_queue_chain - works that the caller has made pending go to their shard
 *
 * Context: any.
 */
void shard_queue_chain(struct rove_workqueue *wq, struct shard *s, struct rove_work *first,
		       struct rove_work *last, u32 nr)
{
	u32 wake = wq->wake;	/* once it is pushed the queue may be gone */

	if (shard_push(s, first, last, nr) | (wake != ROVE_WQ_WAKE_DEFAULT))
		tell_pool(s, wake);
}

/* The same for one. */
static inline void queue_one(struct rove_workqueue *wq, struct shard *s, struct rove_work *work)
{
	u32 wake = wq->wake;

	WRITE_ONCE(work->next, NULL);
	if (unlikely(shard_push_linked(s, work) | (wake != ROVE_WQ_WAKE_DEFAULT)))
		tell_pool(s, wake);
	else if (unlikely(READ_ONCE(s->hand_over)))
		poll_hand_over();
}

/**
 * wq_may_queue - is there room, and is the queue not being drained?
 *
 * Context: any; see room_take().
 * Return:  1: go on; room is taken if the queue is bounded.  Else what queueing returns.
 */
int wq_may_queue(struct rove_workqueue *wq, struct rove_work *work)
{
	if (load_seq_cst(&wq->draining) && !wq_is_mine(wq))
		return -ESHUTDOWN;
	return wq->max_pending ? room_take(wq, work) : 1;
}

static bool may_run_here(const struct rove_workqueue *wq)
{
	return wq->full == ROVE_WQ_FULL_RUN && !in_nmi() && !in_softirq();
}

/* Whatever the queue and the work are. */
static int __attribute__((noinline)) queue_any(struct rove_workqueue *wq, struct shard *s,
					       struct rove_work *work)
{
	bool special = unlikely(READ_ONCE(wq->draining) || wq->max_pending);
	bool run_here = false;
	int queued;

	work_settle(work);
	if (special) {
		queued = wq_may_queue(wq, work);
		run_here = queued == -EAGAIN && may_run_here(wq);
		if (queued <= 0 && !run_here)
			return queued;
	}
	queued = work_state_try_queue(&work->state, s->id, 0);
	if (unlikely(run_here))
		return queued > 0 ? help_instead(s, work) : queued;
	if (likely(queued > 0))
		queue_one(wq, s, work);
	else if (special && wq->max_pending)
		room_give(wq, 1);
	return queued;
}

/* Mostly the queue takes everything and the work is idle. */
static inline int queue_on(struct rove_workqueue *wq, struct shard *s, struct rove_work *work)
{
	if (unlikely(READ_ONCE(wq->draining) | wq->max_pending) ||
	    unlikely(!work_state_try_queue_idle(&work->state, s->id)))
		return queue_any(wq, s, work);
	queue_one(wq, s, work);
	return 1;
}

/**
 * rove_queue_work - see rove/workqueue.h
 */
int rove_queue_work(struct rove_workqueue *wq, struct rove_work *work)
{
	return queue_on(wq, shard_here(wq), work);
}

/**
 * rove_queue_work_on - see rove/workqueue.h
 */
int rove_queue_work_on(int cpu, struct rove_workqueue *wq, struct rove_work *work)
{
	return queue_on(wq, shard_of_cpu(wq, cpu), work);
}

static size_t queue_each(struct rove_workqueue *wq, struct rove_work *const *works, size_t nr)
{
	size_t nr_queued = 0;

	for (size_t i = 0; i < nr; i++)
		nr_queued += rove_queue_work(wq, works[i]) > 0;
	return nr_queued;
}

static bool __attribute__((noinline)) make_pending(struct shard *s, struct rove_work *work)
{
	work_settle(work);
	return work_state_try_queue(&work->state, s->id, 0) > 0;
}

/**
 * rove_queue_works - see rove/workqueue.h
 */
size_t rove_queue_works(struct rove_workqueue *wq, struct rove_work *const *works, size_t nr)
{
	struct rove_work *first = NULL, *last = NULL;
	struct shard *s = shard_here(wq);
	size_t nr_queued = 0;

	if (READ_ONCE(wq->draining) || wq->max_pending)
		return queue_each(wq, works, nr);
	for (size_t i = 0; i < nr; i++) {
		struct rove_work *work = works[i];

		if (unlikely(!work_state_try_queue_idle(&work->state, s->id)) &&
		    !make_pending(s, work))
			continue;
		WRITE_ONCE(work->link, NULL);
		if (last)
			WRITE_ONCE(last->next, work);
		else
			first = work;
		last = work;
		nr_queued++;
	}
	if (nr_queued)
		shard_queue_chain(wq, s, first, last, nr_queued);
	return nr_queued;
}

/**
 * rove_work_init - see rove/workqueue.h
 */
void rove_work_init(struct rove_work *work, rove_work_fn *fn)
{
	*work = (struct rove_work)ROVE_WORK_INIT(fn);
}

/**
 * rove_work_pending - see rove/workqueue.h
 */
bool rove_work_pending(const struct rove_work *work)
{
	u64 state = READ_ONCE(work->state);

	return (state & WORK_PENDING) && !work_state_is_parents(state);
}

/**
 * rove_work_busy - see rove/workqueue.h
 */
unsigned int rove_work_busy(const struct rove_work *work)
{
	u64 state = READ_ONCE(work->state);
	struct worker *w = worker_by_id(work_state_worker(state));

	if (unlikely(work_state_is_parents(state)))
		return 0;
	return (state & WORK_PENDING ? ROVE_WORK_PENDING : 0) |
	       (w && worker_is_in(w, work) ? ROVE_WORK_RUNNING : 0);
}

/**
 * rove_current_work - see rove/workqueue.h
 */
struct rove_work *rove_current_work(void)
{
	return worker_self ? worker_self->current : NULL;
}
