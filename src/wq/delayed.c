/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/delayed.c - works that are queued when a time has come
 *
 * Such a work is pending from the beginning, with WORK_TIMER.  Its timer says who goes
 * on with it: the timer's callback, or whoever disarmed it.  Disarming waits until the
 * softirq thread has let go of the memory, so that whoever queues the work then may let
 * its function free it.
 */
#include <errno.h>
#include <time.h>

#include "wq/cancel.h"
#include "wq/fork.h"
#include "wq/queue.h"
#include "wq/room.h"
#include "wq/work_state.h"
#include "wq/wq.h"

/* The work is the caller's, and its time has come. */
static void queue_now(struct rove_delayed_work *dwork)
{
	struct rove_workqueue *wq = dwork->wq;
	u32 shard = work_state_shard(READ_ONCE(dwork->work.state));

	work_state_move(&dwork->work.state, shard, 0, 0);	/* with TIMER it is not WATCHED */
	shard_queue_chain(wq, shard_by_id(shard), &dwork->work, &dwork->work, 1);
}

static enum rove_hrtimer_restart time_has_come(struct rove_hrtimer *timer)
{
	queue_now(container_of(timer, struct rove_delayed_work, timer));
	return ROVE_HRTIMER_NORESTART;
}

/**
 * delayed_disarm - take a work from its timer
 *
 * Context: thread or softirq; waits for the timer's callback.
 * Return:  true: the caller owns the work, and the timer's memory.
 */
bool delayed_disarm(struct rove_delayed_work *dwork)
{
	return rove_hrtimer_cancel(&dwork->timer) == 1;
}

/**
 * rove_delayed_work_init - see rove/workqueue.h
 */
void rove_delayed_work_init(struct rove_delayed_work *dwork, rove_work_fn *fn)
{
	rove_work_init(&dwork->work, fn);
	rove_hrtimer_init(&dwork->timer, CLOCK_MONOTONIC, time_has_come);
}

/* The work is the caller's. */
static void put_pending(struct rove_workqueue *wq, struct shard *s,
			struct rove_delayed_work *dwork, uint64_t delay_ns)
{
	dwork->wq = wq;
	if (unlikely(fork_no_threads()))
		fork_start_threads();
	if (delay_ns)
		rove_hrtimer_start(&dwork->timer, delay_ns, ROVE_HRTIMER_REL);
	else
		shard_queue_chain(wq, s, &dwork->work, &dwork->work, 1);
}

static int queue_delayed(struct rove_workqueue *wq, struct shard *s,
			 struct rove_delayed_work *dwork, uint64_t delay_ns)
{
	int queued;

	work_settle(&dwork->work);
	queued = wq_may_queue(wq, &dwork->work);
	if (queued <= 0)
		return queued;
	queued = work_state_try_queue(&dwork->work.state, s->id, WORK_TIMER);
	if (queued > 0)
		put_pending(wq, s, dwork, delay_ns);
	else if (wq->max_pending)
		room_give(wq, 1);
	return queued;
}

/**
 * rove_queue_delayed_work - see rove/workqueue.h
 */
int rove_queue_delayed_work(struct rove_workqueue *wq, struct rove_delayed_work *dwork,
			    uint64_t delay_ns)
{
	if (!delay_ns)
		return rove_queue_work(wq, &dwork->work);
	return queue_delayed(wq, wq_shard_here(wq), dwork, delay_ns);
}

/**
 * rove_queue_delayed_work_on - see rove/workqueue.h
 */
int rove_queue_delayed_work_on(int cpu, struct rove_workqueue *wq,
			       struct rove_delayed_work *dwork, uint64_t delay_ns)
{
	if (!delay_ns)
		return rove_queue_work_on(cpu, wq, &dwork->work);
	return queue_delayed(wq, wq_shard_of_cpu(wq, cpu), dwork, delay_ns);
}

/**
 * rove_mod_delayed_work - see rove/workqueue.h
 */
int rove_mod_delayed_work(struct rove_workqueue *wq, struct rove_delayed_work *dwork,
			  uint64_t delay_ns)
{
	struct shard *s = wq_shard_here(wq);
	int queued;

	ctx_may_sleep();
	do {
		if (work_take_over(&dwork->work, s->id, delay_ns ? WORK_TIMER : 0)) {
			room_take_over(wq);
			put_pending(wq, s, dwork, delay_ns);
			return 1;
		}
		queued = rove_queue_delayed_work(wq, dwork, delay_ns);
	} while (!queued);
	return queued < 0 ? queued : 0;
}

/**
 * rove_flush_delayed_work - see rove/workqueue.h
 */
bool rove_flush_delayed_work(struct rove_delayed_work *dwork)
{
	bool waited_for_time;

	ctx_may_sleep();
	waited_for_time = (work_settle(&dwork->work) & WORK_TIMER) && delayed_disarm(dwork);
	if (waited_for_time)
		queue_now(dwork);
	return rove_flush_work(&dwork->work) || waited_for_time;
}

/**
 * rove_cancel_delayed_work - see rove/workqueue.h
 */
bool rove_cancel_delayed_work(struct rove_delayed_work *dwork)
{
	return rove_cancel_work(&dwork->work);
}

/**
 * rove_cancel_delayed_work_sync - see rove/workqueue.h
 */
bool rove_cancel_delayed_work_sync(struct rove_delayed_work *dwork)
{
	return rove_cancel_work_sync(&dwork->work);
}

/**
 * rove_disable_delayed_work - see rove/workqueue.h
 */
bool rove_disable_delayed_work(struct rove_delayed_work *dwork)
{
	return rove_disable_work(&dwork->work);
}

/**
 * rove_disable_delayed_work_sync - see rove/workqueue.h
 */
bool rove_disable_delayed_work_sync(struct rove_delayed_work *dwork)
{
	return rove_disable_work_sync(&dwork->work);
}

/**
 * rove_enable_delayed_work - see rove/workqueue.h
 */
bool rove_enable_delayed_work(struct rove_delayed_work *dwork)
{
	return rove_enable_work(&dwork->work);
}
