/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/take.c - from a shard to a worker, and what is on its way
 *
 * What was taken and has not ended is in flight, counted under the color the shard
 * had when it was taken.  A flush turns the color when all that was queued before it
 * has been taken, and waits until nothing flies under the old one.
 *
 * Invariant: nr_flying[c] is the number of works taken under c that have not ended,
 *            wherever they are: in a slot, run, parked, or in the list again; and of
 *            batches begun under c that have not ended.
 *            Unless a flush waits, nothing flies under the other color.
 * Ordering:  fly.land -> fly.landed (docs/memory-model.md).
 */
#include "base/clock.h"
#include "wq/active.h"
#include "wq/flush.h"
#include "wq/poll.h"
#include "wq/pool.h"
#include "wq/room.h"
#include "wq/take.h"
#include "wq/wq.h"

/**
 * shard_left_locked - works that were queued have left the list, to be run or not
 *
 * Context: thread, under s->lock.
 */
void shard_left_locked(struct shard *s, u32 nr)
{
	assert_held(&s->lock);
	if (unlikely(s->wq->max_pending))
		room_give(s->wq, nr);
}

/**
 * shard_land - works of a shard have ended, or were taken back for good
 *
 * The last thing that is done with them: the queue may be freed right after.
 *
 * Context: thread, under no lock.
 */
void shard_land(struct shard *s, u32 color, u32 nr)
{
	/*
	 * ORDER fly.land (seq_cst): the runs come before a flush is told, and the count
	 * before the look whether one waits.  Pairs with fly.landed in flush.c.
	 */
	if (!nr || fetch_add_seq_cst(&s->nr_flying[color], -nr) != nr)
		return;
	if (unlikely(load_seq_cst(&s->flush_waits)))
		flush_check_shard(s);
}

/* How many at once: enough to make the lock cheap, few enough to share. */
static u32 batch_size(const struct shard *s, const struct worker *w)
{
	u32 limit = w->pool ? w->pool->key.limit : 1;
	u64 share = s->nr_listed / (2 * limit);
	u32 run_ns = READ_ONCE(s->run_ns);

	/* Of a rescuer that waits nobody takes back what it has not begun: see look_at_workers(). */
	if (s->wq->flags & ROVE_WQ_CPU_INTENSIVE || w->rescues)
		return 1;
	if (limit == 1 || (run_ns && run_ns < WORTH_WAKING_NS / WORKER_SLOTS))
		return WORKER_SLOTS;
	return min(max(share, (u64)1), (u64)WORKER_SLOTS);
}

/* Flushes whose works have all been taken.  Context: under s->lock. */
static void pass_marks_locked(struct shard *s)
{
	u32 bits;

	while (s->first && unlikely(!s->first->fn)) {
		shard_pop_locked(s, &bits);
		flush_mark_reached_locked(s);
	}
}

/**
 * worker_board_locked - a worker is about to run works of a shard
 * @w:  holds a token of the shard's lane
 *
 * Context: thread, under s->lock; shard_begin_locked() before that is given up.
 */
void worker_board_locked(struct worker *w, struct shard *s)
{
	assert_held(&s->lock);
	WRITE_ONCE(w->lane, s->lane);
	w->color = s->color;
	WRITE_ONCE(w->shard, s);
}

/**
 * shard_begin_locked - a batch is in flight from now on
 * @nr:  works of it that were not in flight before
 *
 * The batch itself is, too, until worker_end_batch(): others may take all its works
 * away, and the queue must stay until the token is back.
 *
 * A work may have ended before it is counted here, being in a slot already.  Nobody sees
 * that: no flush waits for this color before the shard's lock is given up.
 *
 * Context: thread, under s->lock.
 */
void shard_begin_locked(struct shard *s, u32 nr)
{
	assert_held(&s->lock);
	fetch_add_relaxed(&s->nr_flying[s->color], 1 + nr);
	s->nr_taken += nr;
}

/* Fill the worker's slots, up to the next mark.  Context: under s->lock. */
static u32 fill_slots_locked(struct shard *s, struct worker *w, u32 nr_max)
{
	unsigned long ordered = s->wq->flags & ROVE_WQ_ORDERED ? SLOT_ORDERED : 0;
	u32 nr = 0, nr_new = 0;

	while (nr < nr_max && s->first && likely(s->first->fn)) {
		u32 bits, color = s->color;
		struct rove_work *work = shard_pop_locked(s, &bits);

		if (unlikely(bits & LINK_COUNTED))
			color = !!(bits & LINK_COLOR);
		else
			nr_new++;
		/*
		 * ORDER slot.fill (release): the work is out of the list before somebody
		 * finds it here.  Pairs with slot.claim in worker_claim_slot().
		 */
		store_release(&w->slot[nr++],
			      (unsigned long)work | ordered | (color ? SLOT_COLOR : 0));
	}
	shard_left_locked(s, nr_new);
	shard_begin_locked(s, nr_new);
	return nr;
}

/**
 * shard_take - take a batch of works
 * @w:  the caller, without a batch
 *
 * Context: thread.
 */
enum take_result shard_take(struct shard *s, struct worker *w)
{
	enum take_result result = TAKE_NONE;
	u64 now;

	mutex_lock(&s->lock);
	if (s->pool != w->pool && !(w->rescues && s->wq == w->rescues))
		goto unlock;
	shard_splice_locked(s);
	pass_marks_locked(s);
	if (!s->first)
		goto unlock;
	result = TAKE_STARVED;
	if (!token_get_locked(s))
		goto unlock;
	worker_board_locked(w, s);
	now = clock_mono_ns();
	WRITE_ONCE(w->take_ns, now);
	age_note_locked(s, now);
	w->nr_batch = fill_slots_locked(s, w, batch_size(s, w));
	if (unlikely(s->hand_over || (w->pool && w->pool->key.poll_ns)))
		poll_note_batch_locked(s, w);
	w->leaves_more = !shard_looks_empty(s);
	result = TAKE_SOME;
unlock:
	mutex_unlock(&s->lock);
	if (unlikely(READ_ONCE(s->flush_waits)))
		flush_check_shard(s);
	return result;
}

/**
 * shard_return - a work in flight goes back to the front of its shard
 *
 * Context: thread; the caller owns @work.
 */
void shard_return(struct shard *s, struct rove_work *work, u32 color)
{
	ctx_thread();
	mutex_lock(&s->lock);
	shard_unpop_locked(s, work, color);
	mutex_unlock(&s->lock);
	if (!load_seq_cst(&s->announced))
		pool_announce(s);
	pool_kick(shard_pool(s));
}
