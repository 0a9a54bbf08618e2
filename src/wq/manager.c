/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/manager.c - makes workers, notices those that wait, lets the idle ones go
 *
 * The kernel's scheduler tells a workqueue that a worker sleeps.  Nobody tells us; so
 * while works are run, this thread looks every few milliseconds whether a worker is in
 * the same work as before, and if so, whether it sleeps or computes.
 *
 * Ordering:  manager.wake -> manager.doze (docs/memory-model.md).
 */
#include <pthread.h>

#include "base/clock.h"
#include "base/futex.h"
#include "base/thread.h"
#include "wq/fork.h"
#include "wq/manager.h"
#include "wq/pool.h"
#include "wq/probe.h"
#include "wq/rescuer.h"
#include "wq/wq.h"

#define TICK_NS (2 * NSEC_PER_MSEC)
#define LINGER_TICK_NS (20 * NSEC_PER_MSEC)
#define STALLED_MAX 16

/* Longer idle than this is too long; one worker always stays. */
u64 manager_idle_timeout_ns = 10 * NSEC_PER_SEC;

/* So long after the last work it sleeps until it is woken. */
u64 manager_linger_ns = NSEC_PER_SEC;

/* manager_word */
enum { LOOK_NOT, LOOK_NOW, LOOK_ASLEEP = MANAGER_ASLEEP, LOOK_NAPPING };

u32 manager_word;
static struct mutex start_lock;
static bool started;

/**
 * manager_wake - something cannot wait for the next tick
 *
 * Context: any.
 */
void manager_wake(void)
{
	/*
	 * ORDER manager.wake (seq_cst): what is to be looked at comes before.  Pairs with
	 * manager.doze in manager_sleep().
	 */
	if (xchg_seq_cst(&manager_word, LOOK_NOW) >= LOOK_ASLEEP)
		futex_wake(&manager_word, 1);
}

/* --- workers that are missing --- */

/* As many as may be are no fewer threads than none that can be had: rescuers go on in both cases. */
static void make_worker(struct worker_pool *pool)
{
	bool full = READ_ONCE(pool->nr_workers) >= READ_ONCE(pool->max_workers);
	int err = -EAGAIN;

	if (!full) {
		/* Nobody counts on it before it is there (uncount_worker()). */
		mutex_lock(&pools_lock);
		err = worker_start(pool);
		mutex_unlock(&pools_lock);
	}
	if (!err)
		return;
	if (mayday(pool) || !full)
		WRITE_ONCE(pool->need_worker, 1);	/* next tick */
}

static void make_workers(struct worker_pool *pool)
{
	if (!READ_ONCE(pool->need_worker))
		return;
	WRITE_ONCE(pool->need_worker, 0);
	/*
	 * A pool that has too few is asked for again and again: each time for nothing.  Its
	 * shards are made quiet: perhaps nobody looks at them any more, and then queueing
	 * has to say so.
	 */
	if (READ_ONCE(pool->nr_workers) >= pool->key.limit && pool_quiet(pool))
		return;
	if (pool_has_idle(pool))
		pool_kick(pool);
	else if (READ_ONCE(pool->nr_running) < pool->key.limit)
		make_worker(pool);
}

/* --- workers that wait, or compute for long --- */

/* It keeps others waiting: it sleeps, or has computed for long, in one work. */
static bool is_stalled(struct worker *w)
{
	struct shard *s = READ_ONCE(w->shard);
	u64 before_ns = w->memory.cpu_ns, polled_ns, used_ns;
	enum probe_verdict verdict;
	u32 tid = READ_ONCE(w->tid);

	if (READ_ONCE(w->state) != WORKER_ACTIVE || !s || !tid)
		return false;
	verdict = probe_look(&w->memory, tid, READ_ONCE(w->nr_begun) + 1);
	polled_ns = READ_ONCE(w->polled_ns) - w->polled_seen_ns;
	w->polled_seen_ns += polled_ns;
	used_ns = w->memory.cpu_ns - before_ns;
	if (before_ns)
		fetch_add_relaxed(&s->cpu_time_ns, used_ns - min(used_ns, polled_ns));
	switch (verdict) {
	case PROBE_SAYS_BLOCKED:
		fetch_add_relaxed(&s->nr_cm_wakeups, 1);
		return true;
	case PROBE_SAYS_INTENSIVE:
		fetch_add_relaxed(&s->nr_cpu_intensive, 1);
		return true;
	default:
		return false;
	}
}

static bool uncount_stalled(struct worker *w)
{
	u32 active = WORKER_ACTIVE;

	return is_stalled(w) && cmpxchg_seq_cst(&w->state, &active, WORKER_STALLED);
}

static void look_at_workers(struct worker_pool *pool)
{
	struct worker *stalled[STALLED_MAX], *w;
	struct list_head *at;
	u32 nr = 0;

	mutex_lock(&pool->lock);
	for (at = pool->workers.next; at != &pool->workers; at = at->next) {
		w = list_entry(at, struct worker, node);
		if (nr < STALLED_MAX && uncount_stalled(w))
			stalled[nr++] = w;
	}
	mutex_unlock(&pool->lock);
	for (u32 i = 0; i < nr; i++) {
		worker_give_back(stalled[i]);
		pool_doze(pool, false);
	}
}

/* --- workers that are too many --- */

static bool may_end(const struct worker_pool *pool, const struct worker *w, u64 now)
{
	if (READ_ONCE(pool->dying))
		return true;
	/* It may have gone to sleep since @now was read. */
	return READ_ONCE(pool->nr_workers) > 1 &&
	       now > READ_ONCE(w->idle_since_ns) + READ_ONCE(manager_idle_timeout_ns);
}

/*
 * The last one of a pool that is used stays.  Under the lock under which pools are got: else
 * somebody might count on this worker, or this on one that he is about to make and cannot.
 */
static bool uncount_worker(struct worker_pool *pool)
{
	bool may_go;

	mutex_lock(&pools_lock);
	may_go = pool->nr_workers > 1 || pool->dying;
	if (may_go) {
		mutex_lock(&pool->lock);
		WRITE_ONCE(pool->nr_workers, pool->nr_workers - 1);
		mutex_unlock(&pool->lock);
	}
	mutex_unlock(&pools_lock);
	return may_go;
}

/* Return: false: it is the only one, and the pool is used again. */
static bool end_worker(struct worker_pool *pool, struct worker *w)
{
	if (!uncount_worker(pool))
		return false;
	WRITE_ONCE(w->dying, 1);
	fetch_add_seq_cst(&pool->nr_running, 1);
	fetch_add_seq_cst(&pool->nr_searching, 1);
	worker_wake(w);
	return true;
}

/* All are claimed, one after the other; those that may stay go back. */
static void let_go(struct worker_pool *pool, u64 now)
{
	struct worker *w;
	u32 keep = 0;

	while ((w = idle_pop(pool))) {
		if (may_end(pool, w, now) && end_worker(pool, w))
			break;
		WRITE_ONCE(w->idle_next, keep);
		keep = w->id;
	}
	while (keep) {
		w = worker_by_id(keep);
		keep = READ_ONCE(w->idle_next);
		idle_push(pool, w);
	}
	if (!pool_looks_empty(pool))
		pool_kick(pool);
}

static void retire(struct worker_pool *pool, u64 now)
{
	u32 nr_idle = READ_ONCE(pool->nr_idle);

	if (!nr_idle || (nr_idle == 1 && READ_ONCE(pool->nr_workers) == 1 &&
			 !READ_ONCE(pool->dying)))
		return;
	if (now < pool->next_retire_ns && !READ_ONCE(pool->dying))
		return;
	pool->next_retire_ns = now + READ_ONCE(manager_idle_timeout_ns) / 16;
	let_go(pool, now);
}

/* --- the thread --- */

/* Who polls is in no work. */
static bool is_busy(struct worker_pool *pool)
{
	return load_seq_cst(&pool->nr_running) > !!load_seq_cst(&pool->poller) ||
	       READ_ONCE(pool->need_worker);
}

static bool any_is_busy(void)
{
	for (struct worker_pool *pool = pools_first(); pool; pool = pool->next) {
		if (is_busy(pool))
			return true;
	}
	return false;
}

/* Return: true: there is something to look at soon. */
static bool look_at_pool(struct worker_pool *pool, u64 now)
{
	make_workers(pool);
	if (!is_busy(pool))
		return false;
	look_at_workers(pool);
	return true;
}

/* @how: LOOK_ASLEEP: woken workers wake the manager too; LOOK_NAPPING: they need not. */
static void manager_sleep(u32 how, u64 ns)
{
	u32 not = LOOK_NOT;

	/*
	 * ORDER manager.doze (seq_cst): what was said before is looked at after; and who begins
	 * to run works finds that we sleep, or is found here.  Pairs with manager.wake and
	 * manager.rouse in manager_wake() and manager_stay_awake().
	 */
	if (cmpxchg_seq_cst(&manager_word, &not, how) && (how == LOOK_NAPPING || !any_is_busy()))
		futex_wait(&manager_word, how, ns);
	(void)xchg_seq_cst(&manager_word, LOOK_NOT);
}

static void *manager_thread(void *arg)
{
	u64 busy_ns = clock_mono_ns();

	for (;;) {
		u64 now = clock_mono_ns();
		bool busy = false, retiring = false;

		for (struct worker_pool *pool = pools_first(); pool; pool = pool->next) {
			busy |= look_at_pool(pool, now);
			retire(pool, now);
			retiring |= READ_ONCE(pool->nr_workers) > !READ_ONCE(pool->dying);
		}
		if (busy)
			busy_ns = now;
		if (busy)
			manager_sleep(LOOK_NAPPING, TICK_NS);
		else if (now - busy_ns < READ_ONCE(manager_linger_ns))
			manager_sleep(LOOK_NAPPING, LINGER_TICK_NS);
		else
			manager_sleep(LOOK_ASLEEP,
				      retiring ? READ_ONCE(manager_idle_timeout_ns) / 16 : FUTEX_FOREVER);
	}
	return NULL;
}

/**
 * manager_start - make sure that there is a manager
 *
 * Context: may sleep.
 * Return:  0 or -EAGAIN.
 */
int manager_start(void)
{
	pthread_t thread;
	int err = 0;

	mutex_lock(&start_lock);
	if (!started) {
		err = thread_create("rove-wq", manager_thread, NULL, &thread);
		started = !err;
		if (!err)
			pthread_detach(thread);
	}
	mutex_unlock(&start_lock);
	return err;
}

/* In a child of fork().  Context: thread. */
void manager_forget(void)
{
	mutex_init(&start_lock);
	started = false;
	WRITE_ONCE(manager_word, LOOK_NOT);
}
