/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/cancel.c - take back what is pending
 *
 * A pending work is in a shard, in a worker's slot, parked, or waits for its time; or
 * it is on its way from one of these to another, in somebody's hands.  Each of them
 * has its own way to become the owner; the last is waited for, it takes no longer than
 * a few instructions, or until that thread runs again.
 */
#include <sched.h>

#include "wq/active.h"
#include "wq/cancel.h"
#include "wq/flush.h"
#include "wq/fork.h"
#include "wq/room.h"
#include "wq/take.h"
#include "wq/watch.h"
#include "wq/work_state.h"
#include "wq/wq.h"

/* Where the work was found, and what that leaves to be done. */
struct taken {
	struct lane	*lane;		/* a token of it was with the work; NULL: none */
	u32		color;
	bool		flying;		/* counted as in flight */
};

static bool take_from_slot(struct rove_work *work, struct taken *taken)
{
	for (u32 id = 1, end = worker_id_end(); id < end; id++) {
		struct worker *w = worker_by_id(id);

		if (!READ_ONCE(w->shard))
			continue;
		for (u32 i = 0; i < WORKER_SLOTS; i++) {
			unsigned long slot = READ_ONCE(w->slot[i]);

			if ((slot & ~SLOT_BITS) != (unsigned long)work ||
			    !worker_claim_slot(w, i, slot))
				continue;
			taken->color = slot & SLOT_COLOR;
			taken->flying = true;
			return true;
		}
	}
	return false;
}

static bool take_from_shard(struct shard *s, struct rove_work *work, struct taken *taken)
{
	bool found = false;
	u32 bits;

	mutex_lock(&s->lock);
	if (!work_state_waits_in(READ_ONCE(work->state), s->id))
		goto unlock;
	shard_splice_locked(s);
	found = shard_unlink_locked(s, work, &bits);
	if (!found)
		goto unlock;
	taken->flying = bits & LINK_COUNTED;
	taken->color = !!(bits & LINK_COLOR);
	if (!taken->flying)
		shard_left_locked(s, 1);
unlock:
	mutex_unlock(&s->lock);
	return found;
}

static bool take_parked(struct rove_work *work, u64 state, struct taken *taken)
{
	struct worker *w = worker_by_id(work_state_worker(state));
	struct rove_work **link;
	bool found;

	mutex_lock(&w->lock);
	for (link = &w->parked; *link && *link != work; link = &(*link)->next)
		;
	found = *link;
	if (found) {
		unsigned long bits = (unsigned long)work->link;

		*link = work->next;
		taken->lane = (struct lane *)(bits & ~LINK_BITS);
		taken->color = !!(bits & LINK_COLOR);
		taken->flying = true;
		WRITE_ONCE(work->link, NULL);
	}
	mutex_unlock(&w->lock);
	return found;
}

/* The timer decides who owns the work: it was armed, and is not. */
static bool take_from_timer(struct rove_work *work)
{
	struct rove_delayed_work *dwork = rove_to_delayed_work(work);

	if (!delayed_disarm(dwork))
		return false;
	if (dwork->wq->max_pending)
		room_give(dwork->wq, 1);
	return true;
}

static bool try_take(struct rove_work *work, u64 state, struct taken *taken)
{
	struct shard *s = shard_by_id(work_state_shard(state));

	*taken = (struct taken){ 0 };
	if (state & WORK_TIMER)
		return take_from_timer(work);
	if (state & WORK_PARKED)
		return take_parked(work, state, taken);
	return take_from_shard(s, work, taken) || take_from_slot(work, taken);
}

/*
 * The work is nowhere any more: nothing of it is counted after this.  Its place is told
 * by the word as its owner found it: it may have moved on since somebody else read it.
 */
static void settle(struct rove_work *work, const struct taken *taken, u64 old,
		   struct watcher *watchers)
{
	struct shard *s = shard_by_id(work_state_shard(old));

	watch_left(watchers, work, work_state_worker(old));
	if (taken->lane)
		token_put_parked(taken->lane, s);
	if (taken->flying)
		shard_land(s, taken->color, 1);
}

/**
 * work_take_over - what is pending becomes the caller's, and stays pending
 * @shard:  where the caller is going to put it
 * @flags:  WORK_TIMER or 0
 *
 * Context: may sleep.
 * Return:  false: it is not pending.
 */
bool work_take_over(struct rove_work *work, u32 shard, u64 flags)
{
	struct watcher *watchers;
	struct taken taken;
	u64 old;

	ctx_may_sleep();
	for (;;) {
		u64 state = work_settle(work);

		if (!(state & WORK_PENDING))
			return false;
		if (try_take(work, state, &taken))
			break;
		sched_yield();
	}
	old = watch_move(work, shard, flags, &watchers);
	settle(work, &taken, old, watchers);
	return true;
}

/**
 * work_take_back - clear PENDING
 * @disable:  1: and disable it, pending or not; else 0
 *
 * Context: may sleep.
 * Return:  true if it was pending.
 */
static bool work_take_back(struct rove_work *work, u32 disable)
{
	struct watcher *watchers;
	struct taken taken;
	u64 old;

	ctx_may_sleep();
	for (;;) {
		u64 state = work_settle(work);

		if (!(state & WORK_PENDING)) {
			if (!disable || work_state_disable(&work->state))
				return false;
		} else if (try_take(work, state, &taken)) {
			old = watch_leave(work, disable, &watchers);
			settle(work, &taken, old, watchers);
			return true;
		} else {
			sched_yield();
		}
	}
}

/**
 * rove_cancel_work - see rove/workqueue.h
 */
bool rove_cancel_work(struct rove_work *work)
{
	return work_take_back(work, 0);
}

/**
 * rove_disable_work - see rove/workqueue.h
 */
bool rove_disable_work(struct rove_work *work)
{
	return work_take_back(work, 1);
}

/**
 * rove_disable_work_sync - see rove/workqueue.h
 */
bool rove_disable_work_sync(struct rove_work *work)
{
	bool was_pending = work_take_back(work, 1);

	work_wait_run(work);
	return was_pending;
}

/**
 * rove_enable_work - see rove/workqueue.h
 */
bool rove_enable_work(struct rove_work *work)
{
	return work_state_enable(&work->state);
}

/**
 * rove_cancel_work_sync - see rove/workqueue.h
 */
bool rove_cancel_work_sync(struct rove_work *work)
{
	bool was_pending = rove_disable_work_sync(work);

	rove_enable_work(work);
	return was_pending;
}
