/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/watch.c - who waits for a work
 *
 * For one that is pending: in a table, by its address, and its state says WATCHED; who
 * begins the run takes the watchers along.  For one that runs: with the worker.
 *
 * Invariant: a watcher in the table has a pending work that is WATCHED, or is about to
 *            make it so or to leave.
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

static bool remove_watcher(struct watch_bucket *bucket, const struct watcher *watcher)
{
	struct watcher **link;

	mutex_lock(&bucket->lock);
	for (link = &bucket->first; *link && *link != watcher; link = &(*link)->next)
		;
	if (*link)
		*link = watcher->next;
	else
		watcher = NULL;
	mutex_unlock(&bucket->lock);
	return watcher;
}

/**
 * watch_pending - be told when the run that is pending has ended, or is taken back
 * @watcher:  stays where it is until watch_wait() has returned
 *
 * Context: thread.
 * Return:  false: nothing is pending; @watcher is not used.
 */
bool watch_pending(struct rove_work *work, struct watcher *watcher)
{
	struct watch_bucket *bucket = bucket_of(work);

	*watcher = (struct watcher){ .work = work };
	mutex_lock(&bucket->lock);
	watcher->next = bucket->first;
	bucket->first = watcher;
	mutex_unlock(&bucket->lock);
	if (work_state_watch(&work->state))
		return true;
	/* Another watcher of the same run may have brought this one along. */
	return !remove_watcher(bucket, watcher);
}

/**
 * watch_run - be told when a worker leaves a work
 *
 * Context: thread.
 * Return:  false: it is not in it; what the run did is seen by the caller.
 */
bool watch_run(struct worker *w, const struct rove_work *work, struct watcher *watcher)
{
	bool is_in;

	*watcher = (struct watcher){ .work = work };
	if (!worker_is_in(w, work))
		return false;
	mutex_lock(&w->lock);
	/*
	 * ORDER worker.attend (seq_cst): before the look at ->current.  Pairs with
	 * worker.notice in run_claimed() and worker_end_batch().
	 */
	store_seq_cst(&w->attention, 1);
	is_in = worker_is_in(w, work);
	if (is_in) {
		watcher->next = w->watchers;
		w->watchers = watcher;
	}
	mutex_unlock(&w->lock);
	return is_in;
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

static struct watcher *take_watchers(const struct rove_work *work)
{
	struct watch_bucket *bucket = bucket_of(work);
	struct watcher *taken = NULL, **link, *watcher;

	mutex_lock(&bucket->lock);
	for (link = &bucket->first; (watcher = *link);) {
		if (watcher->work != work) {
			link = &watcher->next;
			continue;
		}
		*link = watcher->next;
		watcher->next = taken;
		taken = watcher;
	}
	mutex_unlock(&bucket->lock);
	return taken;
}

/**
 * watch_begin - the run that is watched begins
 * @w:  the caller, in @work already
 *
 * Context: thread.
 */
void watch_begin(struct worker *w, const struct rove_work *work)
{
	struct watcher *taken = take_watchers(work), *next;

	mutex_lock(&w->lock);
	for (; taken; taken = next) {
		next = taken->next;
		taken->next = w->watchers;
		w->watchers = taken;
	}
	WRITE_ONCE(w->attention, 1);
	mutex_unlock(&w->lock);
}

/**
 * watch_left - the run that was watched will not be
 *
 * Context: thread, under no lock.
 */
void watch_left(const struct rove_work *work)
{
	watch_tell(take_watchers(work));
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
