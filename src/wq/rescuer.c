/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/rescuer.c - works go on when no worker can be made
 *
 * Each queue that asks for it has a thread from its creation on.  When a pool needs a
 * worker and cannot get one, or has as many as it may, the rescuers of all queues with
 * works there are called, and each runs its own queue's until none are left.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "base/futex.h"
#include "base/thread.h"
#include "wq/pool.h"
#include "wq/rescuer.h"
#include "wq/take.h"
#include "wq/wq.h"

/* wq.mayday */
enum { MAYDAY_NONE, MAYDAY_CALLED, MAYDAY_STOP };

/* Return: as worker_run_batch(). */
static bool rescue_shard(struct rove_workqueue *wq, struct worker *w, struct shard *s)
{
	while (shard_take(s, w) == TAKE_SOME) {
		fetch_add_relaxed(&wq->nr_rescued, w->nr_batch);
		if (unlikely(!worker_run_batch(w, 0)))
			return false;
	}
	return true;
}

/* Return: false: this is a child of fork(), which will have a rescuer of its own. */
static bool rescue(struct rove_workqueue *wq, struct worker *w)
{
	for (u32 i = 0; i < wq->nr_shards; i++) {
		if (unlikely(!rescue_shard(wq, w, wq->shards[i]))) {
			worker_release(w);
			return false;
		}
	}
	return true;
}

static void *rescuer_thread(void *arg)
{
	struct rove_workqueue *wq = arg;
	struct worker *w = wq->rescuer;

	for (;;) {
		u32 word = load_acquire(&wq->mayday);

		if (word == MAYDAY_STOP)
			return NULL;
		if (word == MAYDAY_NONE) {
			futex_wait(&wq->mayday, MAYDAY_NONE, FUTEX_FOREVER);
			continue;
		}
		cmpxchg_acq_rel(&wq->mayday, &word, MAYDAY_NONE);
		if (unlikely(!rescue(wq, w)))
			return NULL;
	}
}

/**
 * rescuer_start - give a queue its rescuer
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM or -EAGAIN.
 */
int rescuer_start(struct rove_workqueue *wq)
{
	char name[WQ_NAME_MAX + 8];
	int err;

	wq->rescuer = worker_alloc();
	if (!wq->rescuer)
		return -ENOMEM;
	wq->rescuer->rescues = wq;
	snprintf(name, sizeof(name), "rove-r/%s", wq->name);
	name[15] = '\0';
	err = thread_create(name, rescuer_thread, wq, &wq->rescuer_thread);
	if (err) {
		worker_release(wq->rescuer);
		wq->rescuer = NULL;
	}
	return err;
}

/**
 * rescuer_stop - the queue is empty, and not used any more
 *
 * Context: may sleep.
 */
void rescuer_stop(struct rove_workqueue *wq)
{
	if (!wq->rescuer)
		return;
	store_release(&wq->mayday, MAYDAY_STOP);
	futex_wake(&wq->mayday, 1);
	thread_join(wq->rescuer_thread);
	/* Pools may still call it, in vain: ->mayday stays MAYDAY_STOP. */
	worker_release(wq->rescuer);
}

/* Return: false: it has none. */
static bool call_rescuer(struct rove_workqueue *wq)
{
	u32 none = MAYDAY_NONE;

	if (!wq || !wq->rescuer)
		return false;
	if (cmpxchg_acq_rel(&wq->mayday, &none, MAYDAY_CALLED)) {
		fetch_add_relaxed(&wq->nr_mayday, 1);
		futex_wake(&wq->mayday, 1);
	}
	return true;
}

/**
 * mayday - a pool has works and can make no worker
 *
 * Context: thread.
 * Return:  true if there is a rescuer for any of them: what comes later will need it again.
 */
bool mayday(struct worker_pool *pool)
{
	struct list_head *at;
	bool called = false;

	mutex_lock(&pool->lock);
	pool_collect_locked(pool);
	for (at = pool->ring.next; at != &pool->ring; at = at->next)
		called |= call_rescuer(READ_ONCE(list_entry(at, struct shard, ring)->wq));
	mutex_unlock(&pool->lock);
	return called;
}
