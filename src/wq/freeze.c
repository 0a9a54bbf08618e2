/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/freeze.c - freezable queues stand still
 *
 * Frozen lanes have no tokens: nothing begins.
 */
#include "base/clock.h"
#include "base/futex.h"
#include "wq/fork.h"
#include "wq/attrs.h"
#include "wq/freeze.h"
#include "wq/wq.h"

static u32 depth;	/* under wq_list_lock */

static void set_frozen(struct rove_workqueue *wq, bool frozen)
{
	mutex_lock(&wq->config);
	WRITE_ONCE(wq->frozen, frozen);
	wq_spread_active(wq);
	mutex_unlock(&wq->config);
}

static void set_all(bool frozen)
{
	struct rove_workqueue *wq;

	list_for_each_entry(wq, &wq_list, node) {
		if (wq->flags & ROVE_WQ_FREEZABLE)
			set_frozen(wq, frozen);
	}
}

/**
 * freeze_new_locked - a queue that is made while all stand still stands still too
 *
 * Context: thread, under wq_list_lock.
 */
void freeze_new_locked(struct rove_workqueue *wq)
{
	assert_held(&wq_list_lock);
	if (depth && (wq->flags & ROVE_WQ_FREEZABLE))
		set_frozen(wq, true);
}

static bool runs_something(struct rove_workqueue *wq)
{
	bool runs = false;

	mutex_lock(&wq->config);
	for (u32 i = 0; i < wq->nr_lanes; i++)
		runs |= lane_holds(wq->lanes[i]);
	for (struct lane *old = wq->old_lanes; old; old = old->next_old)
		runs |= lane_holds(old);
	mutex_unlock(&wq->config);
	return runs;
}

static bool any_runs(void)
{
	struct rove_workqueue *wq;
	bool runs = false;

	mutex_lock(&wq_list_lock);
	list_for_each_entry(wq, &wq_list, node)
		runs |= (wq->flags & ROVE_WQ_FREEZABLE) && runs_something(wq);
	mutex_unlock(&wq_list_lock);
	return runs;
}

/**
 * rove_freeze_workqueues - see rove/workqueue.h
 */
void rove_freeze_workqueues(void)
{
	u32 nothing = 0;

	ctx_may_sleep();
	mutex_lock(&wq_list_lock);
	if (!depth++)
		set_all(true);
	mutex_unlock(&wq_list_lock);
	while (any_runs())
		futex_wait(&nothing, 0, NSEC_PER_MSEC);
}

/**
 * rove_thaw_workqueues - see rove/workqueue.h
 */
void rove_thaw_workqueues(void)
{
	ctx_may_sleep();
	mutex_lock(&wq_list_lock);
	if (depth && !--depth)
		set_all(false);
	mutex_unlock(&wq_list_lock);
}

/* In a child of fork().  Context: thread. */
void freeze_forget(void)
{
	depth = 0;
}
