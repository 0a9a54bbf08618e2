/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/work_state.h - the state word of a work, and every way it may change
 *
 * One word decides who owns a work.  It is changed by compare-and-exchange only,
 * through the functions here; the lists and slots that hold a work are changed only
 * by whom the word, or the lock of the place that it names, makes the owner.
 *
 *	PENDING		will run once more; whoever sets it queues, whoever clears it
 *			runs or takes back
 *	TIMER		with PENDING: waits for its time, is in no list
 *	PARKED		with PENDING: is kept by the worker that still runs it
 *	WATCHED		with PENDING: somebody waits for this run; set and cleared under the
 *			lock of those who wait (watch.c)
 *	worker		the worker that ran it last.  It is the only one that can be
 *			running it: a work is not begun while that worker is in it
 *	shard		with PENDING: where it was queued; its highest bits are the
 *			generation, by forks, of the process in which it was
 *	disabled	how often; not 0: nobody may set PENDING
 *
 * Invariant: of all who try to set PENDING one succeeds, and then nobody until it is
 *            cleared; of all who try to clear it one does.
 *            What is PENDING in another generation is idle: it is the parent's run
 *            (work_settle() in fork.h).  Generations come again after 256 forks, each by the
 *            child of the one before.
 * Ordering:  work.queue -> work.begin: what came before a queueing, also one that
 *            found the work pending, is seen by the run.  A queueing that fails
 *            still writes the word, so that the beginning reads from it.
 *            work.begin -> work.queue: who queues a work that has begun sees which
 *            worker is in it.  work.leave -> work.queue: a work that is taken back
 *            is left before it is queued again (docs/memory-model.md).
 * Not here:  where a work is (shard.c, worker.h), who waits for it (watch.c).
 */
#ifndef ROVE_WQ_WORK_STATE_H
#define ROVE_WQ_WORK_STATE_H

#include <errno.h>

#include "base/atomic.h"
#include "base/types.h"

#define WORK_PENDING		(1ull << 0)
#define WORK_TIMER		(1ull << 1)
#define WORK_PARKED		(1ull << 2)
#define WORK_WATCHED		(1ull << 3)
#define WORK_WORKER_SHIFT	4
#define WORK_WORKER_BITS	16
#define WORK_SHARD_SHIFT	20
#define WORK_SHARD_BITS		28
#define WORK_GENERATION_SHIFT	20	/* in a shard's number */
#define WORK_GENERATIONS	256
#define WORK_DISABLED_SHIFT	48
#define WORK_DISABLED_ONE	(1ull << WORK_DISABLED_SHIFT)
#define WORK_DISABLED_MAX	0xffffull

#define WORK_WORKER_MASK	(((1ull << WORK_WORKER_BITS) - 1) << WORK_WORKER_SHIFT)
#define WORK_SHARD_MASK		(((1ull << WORK_SHARD_BITS) - 1) << WORK_SHARD_SHIFT)
#define WORK_DISABLED_MASK	(WORK_DISABLED_MAX << WORK_DISABLED_SHIFT)

static inline u32 work_state_worker(u64 state)
{
	return (state & WORK_WORKER_MASK) >> WORK_WORKER_SHIFT;
}

static inline u32 work_state_shard(u64 state)
{
	return (state & WORK_SHARD_MASK) >> WORK_SHARD_SHIFT;
}

static inline u32 work_state_disabled(u64 state)
{
	return state >> WORK_DISABLED_SHIFT;
}

/* One more reason; beyond the most that can be counted it stays disabled. */
static inline u64 work_state_more_disabled(u64 state)
{
	return work_state_disabled(state) < WORK_DISABLED_MAX ? state + WORK_DISABLED_ONE : state;
}

/* Changed in a child of fork() only, before anything else happens there. */
extern u32 work_generation;

/* PENDING in the process that forked this one, or in one before. */
static inline bool work_state_is_parents(u64 state)
{
	return (state & WORK_PENDING) &&
	       work_state_shard(state) >> WORK_GENERATION_SHIFT != work_generation;
}

/**
 * work_state_try_queue - become the one who queues a work
 * @shard:  where it is going to be
 * @flags:  WORK_TIMER or 0
 *
 * Context: any.  Lock-free.
 * Return:  1: the caller must now put it there; 0: it was pending; -ECANCELED: disabled.
 */
static inline int work_state_try_queue(u64 *word, u32 shard, u64 flags)
{
	u64 old = READ_ONCE(*word);

	for (;;) {
		u64 new = (old & (WORK_WORKER_MASK | WORK_DISABLED_MASK)) | WORK_PENDING | flags |
			  (u64)shard << WORK_SHARD_SHIFT;

		if (unlikely(old & WORK_PENDING))
			new = old;
		else if (unlikely(work_state_disabled(old)))
			return -ECANCELED;
		/*
		 * ORDER work.queue (acq_rel): what the caller did comes before the run,
		 * also when it was pending already: that is why the same value is
		 * written.  And the caller sees who runs it, and that whoever took it
		 * back has left it.  Pairs with work.begin in work_state_begin() and
		 * work.leave in work_state_leave().
		 */
		if (likely(cmpxchg_acq_rel(word, &old, new)))
			return !(old & WORK_PENDING);
	}
}

/**
 * work_state_try_queue_idle - work_state_try_queue() of a work that is idle, as most are
 *
 * Context: any.  Lock-free.
 * Return:  true: the caller must now put it there; false: that is not known, nothing has
 *          changed.
 */
static inline bool work_state_try_queue_idle(u64 *word, u32 shard)
{
	u64 old = READ_ONCE(*word);

	/*
	 * ORDER work.queue (acq_rel): as in work_state_try_queue().  Pairs with work.begin
	 * and work.leave in work_state_begin() and work_state_leave().
	 */
	return likely(!(old & (WORK_PENDING | WORK_DISABLED_MASK))) &&
	       cmpxchg_acq_rel(word, &old,
			       old | WORK_PENDING | (u64)shard << WORK_SHARD_SHIFT);
}

/* Does the word say that it waits in a shard, or in a batch that was taken from there? */
static inline bool work_state_waits_in(u64 state, u32 shard)
{
	return (state & (WORK_PENDING | WORK_TIMER | WORK_PARKED)) == WORK_PENDING &&
	       work_state_shard(state) == shard;
}

/**
 * work_state_begin - a work that the caller owns is run by @worker from now on
 * @locked:  WORK_WATCHED under the lock of those who wait, else 0
 *
 * Context: any.  The worker says that it is in the work before this.
 * Return:  the word as it was.  If it is WORK_WATCHED, and that is not @locked, nothing
 *          has changed.
 */
static inline u64 work_state_begin(u64 *word, u32 worker, u64 locked)
{
	u64 old = READ_ONCE(*word);

	/*
	 * ORDER work.begin (acq_rel): the run sees what came before every queueing that
	 * this one serves, and who queues it next sees the worker in it.  Pairs with
	 * work.queue in work_state_try_queue().
	 */
	while (likely(!(old & WORK_WATCHED & ~locked)) &&
	       !cmpxchg_acq_rel(word, &old, (old & WORK_DISABLED_MASK) |
				(u64)worker << WORK_WORKER_SHIFT))
		;
	return old;
}

/**
 * work_state_leave - a work that the caller owns is taken back
 * @disable:  0 or 1: and one more reason not to queue it
 * @locked:   as in work_state_begin()
 *
 * Context: any.
 * Return:  as work_state_begin().
 */
static inline u64 work_state_leave(u64 *word, u64 disable, u64 locked)
{
	u64 old = READ_ONCE(*word), idle;

	/*
	 * ORDER work.leave (release): it is out of every list before it can be queued
	 * again.  Pairs with work.queue in work_state_try_queue().
	 */
	do
		idle = old & (WORK_DISABLED_MASK | WORK_WORKER_MASK);
	while (likely(!(old & WORK_WATCHED & ~locked)) &&
	       !cmpxchg_acq_rel(word, &old, disable ? work_state_more_disabled(idle) : idle));
	return old;
}

/**
 * work_state_move - a work that the caller owns goes elsewhere, and stays pending
 * @shard:  where
 * @flags:  WORK_TIMER or 0
 * @locked:  as in work_state_begin()
 *
 * Context: any.
 * Return:  as work_state_begin().
 */
static inline u64 work_state_move(u64 *word, u32 shard, u64 flags, u64 locked)
{
	u64 old = READ_ONCE(*word);

	/*
	 * ORDER work.queue (acq_rel): as in work_state_try_queue().  Pairs with work.begin
	 * and work.leave in work_state_begin() and work_state_leave().
	 */
	while (likely(!(old & WORK_WATCHED & ~locked)) &&
	       !cmpxchg_acq_rel(word, &old, (old & (WORK_WORKER_MASK | WORK_DISABLED_MASK)) |
				WORK_PENDING | flags | (u64)shard << WORK_SHARD_SHIFT))
		;
	return old;
}

/**
 * work_state_disable - one more reason not to queue, of a work that is not pending
 *
 * Context: any.
 * Return:  false, and nothing is changed, if it is pending.
 */
static inline bool work_state_disable(u64 *word)
{
	u64 old = READ_ONCE(*word);

	do {
		if (old & WORK_PENDING)
			return false;
	} while (!cmpxchg_acq_rel(word, &old, work_state_more_disabled(old)));
	return true;
}

/* Context: any.  Return: true if no reason is left. */
static inline bool work_state_enable(u64 *word)
{
	u64 old = READ_ONCE(*word);

	do {
		if (!work_state_disabled(old))
			return true;
	} while (!cmpxchg_acq_rel(word, &old, old - WORK_DISABLED_ONE));
	return work_state_disabled(old) == 1;
}

/**
 * work_state_watch - the run that is pending is being waited for
 *
 * Context: thread, under the lock of those who wait.
 * Return:  false, and nothing is changed, if none is pending, or its time has not come.
 */
static inline bool work_state_watch(u64 *word)
{
	u64 old = READ_ONCE(*word);

	do {
		if (!(old & WORK_PENDING) || (old & WORK_TIMER))
			return false;
	} while (!cmpxchg_acq_rel(word, &old, old | WORK_WATCHED));
	return true;
}

/* The owner of a pending work sets or clears WORK_PARKED.  Context: any. */
static inline void work_state_park(u64 *word, bool parked, u32 worker)
{
	u64 old = READ_ONCE(*word), new;

	do {
		new = (old & ~(WORK_PARKED | WORK_WORKER_MASK)) |
		      (u64)worker << WORK_WORKER_SHIFT | (parked ? WORK_PARKED : 0);
	} while (!cmpxchg_acq_rel(word, &old, new));
}

#endif
