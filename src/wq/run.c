/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/run.c - a worker runs what is in its slots
 *
 * Why no work runs twice at the same time.  A work's state names the worker that ran
 * it last, and no other can be running it.  Whoever is about to begin a work looks
 * whether that worker is still in it; if so the work is parked there, and goes back to
 * its shard when that run ends.  The worker says in ->current that it is in the work
 * before it clears PENDING, so who can queue the work again finds it there
 * (work.begin -> work.queue); and it leaves only after the function has returned.
 *
 * Why nobody waits for ever.  Who wants to know of the end sets ->attention and then
 * looks at ->current; the worker changes ->current and then looks at ->attention.  At
 * least one of them sees the other.  Between its two steps the worker has executed a
 * read-modify-write anyway, of the next work's state, and needs no other barrier.
 */
#include "srcu/barrier.h"
#include "wq/active.h"
#include "wq/pool.h"
#include "wq/take.h"
#include "wq/watch.h"
#include "wq/work_state.h"
#include "wq/worker.h"
#include "wq/wq.h"

__thread struct worker *worker_self __attribute__((tls_model("initial-exec")));

/**
 * worker_claim_slot - take a work out of a worker's batch
 * @slot:  what was found there
 *
 * Context: any.
 * Return:  true: the caller owns the work.
 */
bool worker_claim_slot(struct worker *w, u32 i, unsigned long slot)
{
	/*
	 * ORDER slot.claim (acquire): pairs with slot.fill in fill_slots_locked().
	 */
	return cmpxchg_acq_rel(&w->slot[i], &slot, 0ul);
}

/**
 * worker_give_back - the works that a worker has not begun go back to their shards
 * @w:  any worker
 *
 * Context: thread, under no lock.
 */
void worker_give_back(struct worker *w)
{
	for (u32 i = WORKER_SLOTS; i-- > 0;) {
		unsigned long slot = READ_ONCE(w->slot[i]);
		struct rove_work *work = (struct rove_work *)(slot & ~SLOT_BITS);

		if (!slot || (slot & SLOT_ORDERED) || !worker_claim_slot(w, i, slot))
			continue;
		shard_return(shard_by_id(work_state_shard(READ_ONCE(work->state))), work,
			     slot & SLOT_COLOR);
	}
}

/* All that is left of its own batch, and in order.  Context: thread, under no lock. */
static void give_back_own(struct worker *w)
{
	struct shard *s = w->shard;

	mutex_lock(&s->lock);
	for (u32 i = w->nr_batch; i-- > 0;) {
		unsigned long slot = READ_ONCE(w->slot[i]);

		if (slot && worker_claim_slot(w, i, slot))
			shard_unpop_locked(s, (struct rove_work *)(slot & ~SLOT_BITS),
					   slot & SLOT_COLOR);
	}
	mutex_unlock(&s->lock);
	if (!shard_looks_empty(s) && !load_seq_cst(&s->announced))
		pool_announce(s);
}

/*
 * The work is run by somebody else still.  Our token stays with it, so that nothing
 * overtakes it in an ordered queue; and so the rest of the batch goes back first.
 *
 * Return: false: it is not, after all.
 */
static bool park(struct worker *w, struct worker *runner, struct rove_work *work, u32 color)
{
	bool parked;

	give_back_own(w);
	mutex_lock(&runner->lock);
	/*
	 * ORDER worker.attend (seq_cst): before the look at ->current.  Pairs with
	 * worker.notice in run_claimed() and worker_end_batch().
	 */
	store_seq_cst(&runner->attention, 1);
	parked = worker_is_in(runner, work);
	if (parked) {
		work_state_park(&work->state, true, runner->id);
		WRITE_ONCE(work->link, (struct rove_work *)((unsigned long)w->lane |
							    (color ? LINK_COLOR : 0)));
		WRITE_ONCE(work->next, runner->parked);
		runner->parked = work;
		WRITE_ONCE(w->lane, NULL);
	}
	mutex_unlock(&runner->lock);
	return parked;
}

/* Context: thread, under no lock. */
static void unpark_all(struct worker *w, struct rove_work *work)
{
	while (work) {
		struct rove_work *next = work->next;
		unsigned long link = (unsigned long)work->link;
		struct shard *s = shard_by_id(work_state_shard(READ_ONCE(work->state)));

		/* Counted once more, so that the lane is there until its token is back. */
		u32 color = !!(link & LINK_COLOR);

		fetch_add_relaxed(&s->nr_flying[color], 1);
		work_state_park(&work->state, false, w->id);
		shard_return(s, work, color);
		token_put_parked((struct lane *)(link & ~LINK_BITS), s);
		shard_land(s, color, 1);
		work = next;
	}
}

/* Somebody waits for the end of a work; ->current is another one, or none, now. */
static void __attribute__((noinline)) attend(struct worker *w)
{
	struct rove_work *parked = NULL, **link;
	struct watcher *ended;

	mutex_lock(&w->lock);
	WRITE_ONCE(w->attention, 0);
	ended = watch_take_ended_locked(w);
	for (link = &w->parked; *link;) {
		struct rove_work *work = *link;

		if (work == w->current) {
			link = &work->next;
			continue;
		}
		*link = work->next;
		work->next = parked;
		parked = work;
	}
	if (w->parked || w->watchers)
		WRITE_ONCE(w->attention, 1);
	mutex_unlock(&w->lock);
	watch_tell(ended);
	unpark_all(w, parked);
}

/* What ended is counted before anything of the other color begins: a flush may wait. */
static void __attribute__((noinline)) change_color(struct worker *w, u32 color)
{
	u32 nr = w->nr_ended, old = w->ended_color;

	w->nr_ended = 0;
	w->ended_color = color;
	shard_land(w->shard, old, nr);
}

/* The caller owns @work. */
static inline void run_claimed(struct worker *w, struct rove_work *work)
{
	rove_work_fn *fn = work->fn;

	/*
	 * ORDER worker.end (release): the previous run comes before this says that it has
	 * ended.  Pairs with worker.ended in worker_is_in().
	 */
	store_release(&w->current, work);
	if (unlikely(work_state_begin(&work->state, w->id, 0) & WORK_WATCHED))
		watch_begin(w, work);
	srcu_fence_after_rmw();
	/*
	 * ORDER worker.notice (seq_cst): after ->current has changed, with a barrier
	 * between.  Pairs with worker.attend in park() and watch_run().
	 */
	if (unlikely(load_seq_cst(&w->attention)))
		attend(w);
	WRITE_ONCE(w->nr_begun, w->nr_begun + 1);
	WRITE_ONCE(w->current_fn, fn);
	fn(work);
	w->nr_ended++;
}

/* Somebody else has run it last.  Return: true: and runs it still, the work is parked there. */
static bool __attribute__((noinline)) is_run_elsewhere(struct worker *w, u32 last,
						       struct rove_work *work, u32 color)
{
	struct worker *runner = worker_by_id(last);

	return unlikely(worker_is_in(runner, work)) && park(w, runner, work, color);
}

/* The caller has claimed @slot. */
static inline void run_slot(struct worker *w, unsigned long slot)
{
	struct rove_work *work = (struct rove_work *)(slot & ~SLOT_BITS);
	u32 color = slot & SLOT_COLOR, last = work_state_worker(READ_ONCE(work->state));

	if (unlikely(color != w->ended_color))
		change_color(w, color);
	if (unlikely(last != w->id) && last && is_run_elsewhere(w, last, work, color))
		return;
	run_claimed(w, work);
}

/* What ended, and the batch itself. */
static inline void land_batch(struct worker *w, struct shard *s)
{
	u32 nr = w->nr_ended, color = w->ended_color;

	w->nr_ended = 0;
	if (likely(color == w->color)) {
		shard_land(s, color, nr + 1);
	} else {
		shard_land(s, color, nr);
		shard_land(s, w->color, 1);
	}
}

/**
 * worker_end_batch - nothing is left of a batch
 *
 * Context: thread, under no lock.
 * Return:  false: a work has called fork(), and this is the child: all of it is the parent's.
 */
bool worker_end_batch(struct worker *w)
{
	struct shard *s = w->shard;

	if (unlikely(!s)) {
		w->nr_ended = 0;
		return false;
	}
	/*
	 * ORDER worker.end (seq_cst): as in run_claimed().  Pairs with worker.ended in
	 * worker_is_in().
	 * ORDER worker.notice (seq_cst): as in run_claimed().  Pairs with worker.attend in
	 * park() and watch_run().
	 */
	(void)xchg_seq_cst(&w->current, NULL);
	if (unlikely(load_seq_cst(&w->attention)))
		attend(w);
	if (w->lane)
		token_put(w->lane, s);
	/* ORDER lane.leave (release): after all that is done with the lane.  Pairs with lane.reap. */
	store_release(&w->lane, NULL);
	WRITE_ONCE(w->shard, NULL);
	land_batch(w, s);
	return true;
}

/**
 * worker_run_batch - run what shard_take() gave
 * @first:  what would be in a slot, claimed by the caller, and is run first; or 0
 *
 * Context: thread, under no lock.
 * Return:  as worker_end_batch().
 */
bool worker_run_batch(struct worker *w, unsigned long first)
{
	struct worker *outer = worker_self;
	unsigned long slot = first;
	bool ended;

	worker_self = w;
	for (u32 i = 0;; i++) {
		if (likely(slot))
			run_slot(w, slot);
		if (i >= w->nr_batch)
			break;
		/*
		 * ORDER slot.claim (acquire): as in worker_claim_slot().  Pairs with
		 * slot.fill in fill_slots_locked().
		 */
		slot = xchg_acq_rel(&w->slot[i], 0ul);
	}
	ended = worker_end_batch(w);
	worker_self = outer;
	return ended;
}
