/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/flush.c - wait for works
 *
 * A flush of a queue puts a mark behind what waits in each shard.  When a mark comes to
 * the front, all that was queued before it has been taken; the shard's color turns, and
 * when nothing flies under the old color, the shard is through.
 *
 * Invariant: of a queue one flush is under way at most.  Who comes meanwhile waits for
 *            the next one, that is begun for all of them.
 * Ordering:  fly.land -> fly.landed (docs/memory-model.md); else flush.lock, which the
 *            waiter takes once more so that the queue may be freed after it.
 */
#include "base/futex.h"
#include "wq/block.h"
#include "wq/flush.h"
#include "wq/fork.h"
#include "wq/help.h"
#include "wq/pool.h"
#include "wq/watch.h"
#include "wq/work_state.h"
#include "wq/wq.h"

static void flush_begin(struct rove_workqueue *wq);

static void flush_shard_done(struct rove_workqueue *wq)
{
	struct wq_flush *flush = &wq->flush;
	bool again;

	if (sub_fetch_acq_rel(&flush->nr_left, 1))
		return;
	mutex_lock(&flush->lock);
	flush->nr_done++;
	again = flush->nr_wanted > flush->nr_started;
	flush->nr_started += again;
	WRITE_ONCE(flush->word, flush->word + 1);
	futex_wake(&flush->word, INT32_MAX);
	mutex_unlock(&flush->lock);
	if (again)
		flush_begin(wq);
}

/**
 * flush_mark_reached_locked - what was queued before a flush has been taken
 *
 * Context: thread, under s->lock; flush_check_shard() is called after it.
 */
void flush_mark_reached_locked(struct shard *s)
{
	u32 old = s->color;

	assert_held(&s->lock);
	s->color = !old;
	s->nr_turns++;
	/*
	 * ORDER fly.landed (seq_cst): before the look at the count.  Either that is 0, or
	 * who makes it 0 finds a flush waiting.  Pairs with fly.land in shard_land().
	 */
	store_seq_cst(&s->flush_waits, flush_waits_for(s->nr_turns, old));
}

/**
 * flush_check_shard - is a flush that waits for a shard through with it?
 *
 * Context: thread, under no lock.
 */
void flush_check_shard(struct shard *s)
{
	u32 waits = load_seq_cst(&s->flush_waits);

	/*
	 * What waits differs from one flush to the next, so the exchange does not end
	 * another one than was looked at; and until it is ended the queue is there.
	 *
	 * ORDER fly.landed (seq_cst): the flush goes on after the runs.  Pairs with
	 * fly.land in shard_land().
	 */
	if (waits && !load_seq_cst(&s->nr_flying[waits & FLUSH_COLOR]) &&
	    cmpxchg_seq_cst(&s->flush_waits, &waits, 0))
		flush_shard_done(READ_ONCE(s->wq));
}

static void flush_shard_begin(struct shard *s, struct rove_work *mark)
{
	mutex_lock(&s->lock);
	shard_splice_locked(s);
	if (s->first)
		shard_append_locked(s, mark);
	else
		flush_mark_reached_locked(s);
	mutex_unlock(&s->lock);
	flush_check_shard(s);
}

/* The count is one too high meanwhile, so that the flush cannot end. */
static void flush_begin(struct rove_workqueue *wq)
{
	WRITE_ONCE(wq->flush.nr_left, wq->nr_shards + 1);
	for (u32 i = 0; i < wq->nr_shards; i++)
		flush_shard_begin(wq->shards[i], &wq->flush.marks[i]);
	flush_shard_done(wq);
}

/**
 * rove_flush_workqueue - see rove/workqueue.h
 */
void rove_flush_workqueue(struct rove_workqueue *wq)
{
	struct wq_flush *flush = &wq->flush;
	struct block block;
	bool begin;
	u64 mine;

	ctx_may_sleep();
	mutex_lock(&flush->lock);
	mine = flush->nr_started + 1;
	flush->nr_wanted = mine;
	begin = flush->nr_started == flush->nr_done;
	flush->nr_started += begin;
	mutex_unlock(&flush->lock);
	if (begin)
		flush_begin(wq);
	if (unlikely(fork_no_threads()) && !wq_is_empty(wq))
		fork_start_threads();
	block_begin(&block);
	mutex_lock(&flush->lock);
	while (flush->nr_done < mine) {
		u32 word = flush->word;

		mutex_unlock(&flush->lock);
		futex_wait(&flush->word, word, FUTEX_FOREVER);
		mutex_lock(&flush->lock);
	}
	mutex_unlock(&flush->lock);
	block_end(&block);
}

/* Context: may sleep. */
bool wq_is_empty(struct rove_workqueue *wq)
{
	for (u32 i = 0; i < wq->nr_shards; i++) {
		struct shard *s = wq->shards[i];
		bool empty;

		mutex_lock(&s->lock);
		empty = shard_looks_empty(s) && !load_seq_cst(&s->nr_flying[0]) &&
			!load_seq_cst(&s->nr_flying[1]);
		mutex_unlock(&s->lock);
		if (!empty)
			return false;
	}
	return true;
}

/**
 * rove_drain_workqueue - see rove/workqueue.h
 */
void rove_drain_workqueue(struct rove_workqueue *wq)
{
	fetch_add_seq_cst(&wq->draining, 1);
	do
		rove_flush_workqueue(wq);
	while (!wq_is_empty(wq));
	fetch_add_seq_cst(&wq->draining, -1);
}

/* Is this thread in the work, that it may not wait for itself? */
static bool in_work_myself(const struct worker *runner)
{
	for (struct worker *w = worker_self; w; w = w->outer) {
		if (w == runner)
			return true;
	}
	return false;
}

/**
 * work_wait_run - wait for the run of a work that is not pending
 *
 * Context: may sleep.
 * Return:  false: it did not run, or it is the caller.
 */
bool work_wait_run(struct rove_work *work)
{
	struct worker *w = worker_by_id(work_state_worker(work_settle(work)));
	struct watcher watcher;
	struct block block;

	if (!w || in_work_myself(w) || !watch_run(w, work, &watcher))
		return false;
	block_begin(&block);
	watch_wait(&watcher);
	block_end(&block);
	return true;
}

/**
 * rove_flush_work - see rove/workqueue.h
 */
bool rove_flush_work(struct rove_work *work)
{
	struct watcher watcher;
	struct block block;

	ctx_may_sleep();
	while ((work_settle(work) & (WORK_PENDING | WORK_TIMER)) == WORK_PENDING) {
		if (help_with(work))
			return true;
		if (unlikely(fork_no_threads()))
			fork_start_threads();
		if (!watch_pending(work, &watcher))
			continue;
		block_begin(&block);
		watch_wait(&watcher);
		block_end(&block);
		return true;
	}
	return work_wait_run(work);
}

/* Has a work that is not pending been run last by a worker that is in none? */
static inline bool has_been_run_by(const struct rove_work *work, u32 worker)
{
	u64 state = READ_ONCE(work->state);

	return !(state & WORK_PENDING) && work_state_worker(state) == worker;
}

/**
 * rove_flush_works - see rove/workqueue.h
 */
void rove_flush_works(struct rove_work *const *works, size_t nr)
{
	u32 me;

	ctx_may_sleep();
	me = help_with_many(works, nr);
	for (size_t i = 0; i < nr; i++) {
		if (!likely(has_been_run_by(works[i], me)))
			rove_flush_work(works[i]);
	}
}
