/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/watch.c - who waits for a work
 *
 * For one that is pending: in a table, by its address, and its state says WATCHED; who
 * begins the run takes the watchers along.  For one that runs: with the worker.
 *
 * Invariant: under a bucket's lock its watchers are those of the works that are pending
 *            and WATCHED.  So who begins a run, or takes it back, finds those who wait
 *            for it and not those who wait for the next one.
 * Ordering:  watch.tell -> watch.told (docs/memory-model.md); else the locks.
 */
#include "base/futex.h"
#include "wq/fork.h"
#include "wq/watch.h"
#include "wq/work_state.h"

#define NR_BUCKETS 64

static struct watch_bucket {
	struct mutex	lock __attribute__((aligned(CACHE_LINE)));
	struct watcher	*first;
} buckets[NR_BUCKETS];

static struct watch_bucket *bucket_of(const struct rove_work *work)
{
	return &buckets[((unsigned long)work * 0x9e3779b97f4a7c15ull >> 32) % NR_BUCKETS];
}

/**
 * watch_pending - be told when the run that is pending has ended
 * @watcher:  stays where it is until watch_wait() has returned
 *
 * If it is taken back instead, when no run of the work is under way any more.
 *
 * Context: thread.
 * Return:  false: nothing is pending; @watcher is not used.
 */
bool watch_pending(struct rove_work *work, struct watcher *watcher)
{
	struct watch_bucket *bucket = bucket_of(work);
	bool pending;

	*watcher = (struct watcher){ .work = work };
	mutex_lock(&bucket->lock);
	pending = work_state_watch(&work->state);
	if (pending) {
		watcher->next = bucket->first;
		bucket->first = watcher;
	}
	mutex_unlock(&bucket->lock);
	return pending;
}

/* Return: false, and nothing is changed: the worker is not in the work. */
static bool watch_with_worker(struct worker *w, const struct rove_work *work,
			      struct watcher *first)
{
	struct watcher *next;
	bool is_in;

	mutex_lock(&w->lock);
	/*
	 * ORDER worker.attend (seq_cst): before the look at ->current.  Pairs with
	 * worker.notice in run_claimed() and worker_end_batch().
	 */
	store_seq_cst(&w->attention, 1);
	is_in = worker_is_in(w, work);
	for (; is_in && first; first = next) {
		next = first->next;
		first->next = w->watchers;
		w->watchers = first;
	}
	mutex_unlock(&w->lock);
	return is_in;
}

/**
 * watch_run - be told when a worker leaves a work
 *
 * Context: thread.
 * Return:  false: it is not in it; what the run did is seen by the caller.
 */
bool watch_run(struct worker *w, const struct rove_work *work, struct watcher *watcher)
{
	if (likely(!worker_is_in(w, work)))
		return false;
	*watcher = (struct watcher){ .work = work };
	return watch_with_worker(w, work, watcher);
}

/**
 * watch_wait - wait for what watch_pending() or watch_run() promised
 *
 * Context: may sleep.
 */
void watch_wait(struct watcher *watcher)
{
	ctx_may_sleep();
	/* ORDER watch.told (acquire): what the run did.  Pairs with watch.tell in watch_tell(). */
	while (!load_acquire(&watcher->ended))
		futex_wait(&watcher->ended, 0, FUTEX_FOREVER);
}

static struct watcher *take_watchers_locked(struct watch_bucket *bucket,
					    const struct rove_work *work)
{
	struct watcher *taken = NULL, **link, *watcher;

	assert_held(&bucket->lock);
	for (link = &bucket->first; (watcher = *link);) {
		if (watcher->work != work) {
			link = &watcher->next;
			continue;
		}
		*link = watcher->next;
		watcher->next = taken;
		taken = watcher;
	}
	return taken;
}

/**
 * watch_begin - the run that is watched begins
 * @w:     the caller, in @work already
 * @work:  is WATCHED; the caller owns it
 *
 * Context: thread.
 */
void watch_begin(struct worker *w, struct rove_work *work)
{
	struct watch_bucket *bucket = bucket_of(work);
	struct watcher *taken;

	mutex_lock(&bucket->lock);
	work_state_begin(&work->state, w->id, WORK_WATCHED);
	taken = take_watchers_locked(bucket, work);
	mutex_unlock(&bucket->lock);
	watch_with_worker(w, work, taken);
}

/**
 * watch_leave - work_state_leave(), with those who wait
 * @ret_watchers:  for watch_left()
 *
 * Context: thread.
 * Return:  the word as it was.
 */
u64 watch_leave(struct rove_work *work, u64 disable, struct watcher **ret_watchers)
{
	struct watch_bucket *bucket = bucket_of(work);
	u64 old = work_state_leave(&work->state, disable, 0);

	*ret_watchers = NULL;
	if (likely(!(old & WORK_WATCHED)))
		return old;
	mutex_lock(&bucket->lock);
	old = work_state_leave(&work->state, disable, WORK_WATCHED);
	*ret_watchers = take_watchers_locked(bucket, work);
	mutex_unlock(&bucket->lock);
	return old;
}

/**
 * watch_move - work_state_move(), with those who wait
 * @ret_watchers:  for watch_left()
 *
 * Context: thread.
 * Return:  the word as it was.
 */
u64 watch_move(struct rove_work *work, u32 shard, u64 flags, struct watcher **ret_watchers)
{
	struct watch_bucket *bucket = bucket_of(work);
	u64 old = work_state_move(&work->state, shard, flags, 0);

	*ret_watchers = NULL;
	if (likely(!(old & WORK_WATCHED)))
		return old;
	mutex_lock(&bucket->lock);
	old = work_state_move(&work->state, shard, flags, WORK_WATCHED);
	*ret_watchers = take_watchers_locked(bucket, work);
	mutex_unlock(&bucket->lock);
	return old;
}

/**
 * watch_left - the run that was watched will not be
 * @watchers:  NULL: none; those who waited for it
 * @worker:    that ran the work last: if it is in it still, its run is waited for
 *
 * Context: thread, under no lock.
 */
void watch_left(struct watcher *watchers, const struct rove_work *work, u32 worker)
{
	struct worker *w = worker_by_id(worker);

	if (likely(!watchers) || (w && watch_with_worker(w, work, watchers)))
		return;
	watch_tell(watchers);
}

/* Context: thread, under w->lock. */
struct watcher *watch_take_ended_locked(struct worker *w)
{
	struct watcher *ended = NULL, **link, *watcher;

	assert_held(&w->lock);
	for (link = &w->watchers; (watcher = *link);) {
		if (watcher->work == w->current) {
			link = &watcher->next;
			continue;
		}
		*link = watcher->next;
		watcher->next = ended;
		ended = watcher;
	}
	return ended;
}

/* Context: thread, under no lock. */
void watch_tell(struct watcher *watcher)
{
	struct watcher *next;

	for (; watcher; watcher = next) {
		u32 *ended = &watcher->ended;

		next = watcher->next;
		/*
		 * ORDER watch.tell (release): the run comes before the waiter goes on; from
		 * here on *watcher may be gone.  Pairs with watch.told in watch_wait().
		 */
		store_release(ended, 1);
		futex_wake(ended, 1);
	}
}

/* In a child of fork().  Context: thread. */
void watch_forget(void)
{
	for (u32 i = 0; i < NR_BUCKETS; i++)
		buckets[i] = (struct watch_bucket){ 0 };
}
