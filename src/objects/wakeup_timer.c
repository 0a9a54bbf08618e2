/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/wakeup_timer.c - the thread that ends timed events
 *
 * Invariant: a source with ->timer_expires set is queued no later than that, or
 *            the thread is about to look at it.  Sources may be queued in vain:
 *            wakeup_source_timer_fn_locked() sees what is still true.
 * Ordering:  timer.ready -> timer.seen (docs/memory-model.md); else the lock.
 */
#include "base/context.h"
#include "base/futex.h"
#include "base/thread.h"
#include "objects/wakeup_event.h"

/*
 * L  under ->lock
 * A  atomic; the ORDER tag at each access says why
 */
static struct {
	struct mutex		lock;		/* nests inside a source's */
	struct pheap		queue;		/* L: by the time to look */
	struct wakeup_source	*running;	/* L: being looked at, without ->lock */
	u32			change_word;	/* L: a futex: first, or ->running, changed */
	u32			nr_sleepers;	/* L: who may wait for that */
	bool			started;	/* A, L */
	pthread_t		thread;		/* L */
} timers;

static void note_change_locked(void)
{
	assert_held(&timers.lock);
	WRITE_ONCE(timers.change_word, timers.change_word + 1);
	if (timers.nr_sleepers)
		futex_wake(&timers.change_word, INT32_MAX);
}

/* Context: thread, drops and retakes the lock. */
static void run_first_locked(struct wakeup_source *ws, ktime_t now)
{
	assert_held(&timers.lock);
	pheap_remove(&timers.queue, &ws->timer);
	timers.running = ws;
	mutex_unlock(&timers.lock);

	mutex_lock(&ws->lock);
	wakeup_source_timer_fn_locked(ws, now);
	mutex_unlock(&ws->lock);

	mutex_lock(&timers.lock);
	timers.running = NULL;
	note_change_locked();
}

/* Context: may sleep, drops and retakes the lock. */
static void sleep_locked(u64 ns)
{
	u32 word = timers.change_word;

	assert_held(&timers.lock);
	timers.nr_sleepers++;
	mutex_unlock(&timers.lock);
	futex_wait(&timers.change_word, word, ns);
	mutex_lock(&timers.lock);
	timers.nr_sleepers--;
}

static void *timer_thread(void *arg)
{
	mutex_lock(&timers.lock);
	for (;;) {
		struct pheap_node *first = pheap_first(&timers.queue);
		u64 now = clock_mono_ns();

		if (!first)
			sleep_locked(FUTEX_FOREVER);
		else if (first->key > now)
			sleep_locked(first->key - now);
		else
			run_first_locked(container_of(first, struct wakeup_source, timer), now);
	}
	return NULL;
}

/**
 * wakeup_timer_start - make sure that there is a thread
 *
 * Context: thread.
 * Return:  0 or -EAGAIN.
 */
int wakeup_timer_start(void)
{
	int err = 0;

	ctx_thread();
	/*
	 * ORDER timer.seen (acquire): the thread is relied on after it is there.
	 * Pairs with timer.ready in wakeup_timer_start().
	 */
	if (likely(load_acquire(&timers.started)))
		return 0;
	mutex_lock(&timers.lock);
	if (!timers.started) {
		err = thread_create("rove-wakeup", timer_thread, NULL, &timers.thread);
		/*
		 * ORDER timer.ready (release): the thread is there before it is
		 * said to be.  Pairs with timer.seen in wakeup_timer_start().
		 */
		if (!err)
			store_release(&timers.started, true);
	}
	mutex_unlock(&timers.lock);
	return err;
}

/**
 * wakeup_timer_arm - look at a source no later than at a time
 * @expires_ns:  CLOCK_MONOTONIC
 *
 * Context: thread, under ws->lock.
 */
void wakeup_timer_arm(struct wakeup_source *ws, u64 expires_ns)
{
	struct pheap_node *node = &ws->timer;

	assert_held(&ws->lock);
	mutex_lock(&timers.lock);
	if (pheap_is_queued(&timers.queue, node) && node->key <= expires_ns)
		goto unlock;
	if (pheap_is_queued(&timers.queue, node))
		pheap_remove(&timers.queue, node);
	node->key = expires_ns;
	pheap_add(&timers.queue, node);
	if (pheap_first(&timers.queue) == node)
		note_change_locked();
unlock:
	mutex_unlock(&timers.lock);
}

/**
 * wakeup_timer_cancel_wait - the thread will not look at a source any more
 * @ws:  nobody arms it again
 *
 * Context: may sleep, not under ws->lock.
 */
void wakeup_timer_cancel_wait(struct wakeup_source *ws)
{
	ctx_may_sleep();
	/* ORDER timer.seen (acquire): as above.  Pairs with timer.ready in wakeup_timer_start(). */
	if (!load_acquire(&timers.started))
		return;
	mutex_lock(&timers.lock);
	while (timers.running == ws)
		sleep_locked(FUTEX_FOREVER);
	if (pheap_is_queued(&timers.queue, &ws->timer))
		pheap_remove(&timers.queue, &ws->timer);
	mutex_unlock(&timers.lock);
}
