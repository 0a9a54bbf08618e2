/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/room.c - a bound on what is pending, and what happens at it
 *
 * Room is taken before a work becomes pending, and given back when it leaves its shard
 * for the first time.
 *
 * Ordering:  room.wait -> room.give (docs/memory-model.md).
 */
#include "base/futex.h"
#include "wq/block.h"
#include "wq/fork.h"
#include "wq/help.h"
#include "wq/room.h"
#include "wq/work_state.h"
#include "wq/wq.h"

static bool try_take(struct rove_workqueue *wq)
{
	u32 nr = READ_ONCE(wq->nr_pending);

	do {
		if (nr >= wq->max_pending)
			return false;
	} while (!cmpxchg_seq_cst(&wq->nr_pending, &nr, nr + 1));
	return true;
}

/* Context: may sleep. */
static void wait_for_room(struct rove_workqueue *wq)
{
	struct block block;

	if (unlikely(fork_no_threads()))
		fork_start_threads();
	block_begin(&block);
	/*
	 * ORDER room.wait (seq_cst): before the next look for room.  Either that finds some,
	 * or who gives some finds a waiter.  Pairs with room.give in room_give().
	 */
	fetch_add_seq_cst(&wq->nr_room_waiters, 1);
	for (;;) {
		u32 word = load_seq_cst(&wq->room_word);

		if (try_take(wq))
			break;
		futex_wait(&wq->room_word, word, FUTEX_FOREVER);
	}
	fetch_add_seq_cst(&wq->nr_room_waiters, -1);
	block_end(&block);
}

/**
 * room_take - room for one more pending work
 *
 * Context: any; may sleep if the queue says so and the context lets it.
 * Return:  1: taken; 0: none was needed, the work is pending; -EAGAIN: there is none.
 */
int room_take(struct rove_workqueue *wq, struct rove_work *work)
{
	if (likely(try_take(wq)))
		return 1;
	/* ORDER work.queue (acq_rel): as in work_state_try_queue().  Pairs with work.begin and work.leave. */
	if (fetch_or_acq_rel(&work->state, 0) & WORK_PENDING)
		return 0;
	if (wq->full == ROVE_WQ_FULL_REFUSE || in_nmi() || in_softirq())
		return -EAGAIN;
	if (wq->full == ROVE_WQ_FULL_WAIT) {
		wait_for_room(wq);
		return 1;
	}
	return -EAGAIN;
}

/* One that was pending goes on being so, here: the bound may be exceeded.  Context: any. */
void room_take_over(struct rove_workqueue *wq)
{
	if (wq->max_pending)
		fetch_add_seq_cst(&wq->nr_pending, 1);
}

/**
 * room_give - works are not pending any more
 *
 * Context: any.
 */
void room_give(struct rove_workqueue *wq, u32 nr)
{
	/*
	 * ORDER room.give (seq_cst): before the look who waits.  Pairs with room.wait in
	 * wait_for_room().
	 */
	fetch_add_seq_cst(&wq->nr_pending, -nr);
	if (!load_seq_cst(&wq->nr_room_waiters))
		return;
	fetch_add_seq_cst(&wq->room_word, 1);
	futex_wake(&wq->room_word, nr);
}
