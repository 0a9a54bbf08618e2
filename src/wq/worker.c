/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/worker.c - the threads of pools
 *
 * A worker is idle, or active: then it looks for works, or runs them.  Active workers
 * are counted; one that is in a work that waits or computes for long is not, so that
 * another one may run.
 *
 * Before it sleeps a worker looks for a while (search.c): who queues something then need
 * not wake it.
 *
 * Ordering:  worker.wake -> worker.woken (docs/memory-model.md).
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "base/thread.h"
#include "wq/cpu.h"
#include "wq/fork.h"
#include "wq/help.h"
#include "wq/home.h"
#include "wq/idtable.h"
#include "wq/manager.h"
#include "wq/poll.h"
#include "wq/pool.h"
#include "wq/search.h"
#include "wq/take.h"
#include "wq/wq.h"

/* ->wake_word */
enum { WAKE_NOT, WAKE_NOW, WAKE_SLEEPING };

static struct idtable workers = IDTABLE_INIT;

/**
 * worker_alloc - a worker that does nothing yet
 *
 * Context: thread.
 * Return:  NULL: no memory, or too many.
 */
struct worker *worker_alloc(void)
{
	struct worker *w = idtable_reuse(&workers);
	u32 id;

	ctx_thread();
	if (!w) {
		w = aligned_alloc(CACHE_LINE, sizeof(*w));
		if (!w)
			return NULL;
		*w = (struct worker){ 0 };
		list_init(&w->node);
		if (!idtable_add(&workers, w, &w->id) || w->id > WORKER_ID_MAX) {
			free(w);
			return NULL;
		}
	}
	id = w->id;
	check(!w->current && !w->watchers && !w->parked && !w->shard);
	w->id = id;
	WRITE_ONCE(w->pool, NULL);
	w->rescues = NULL;
	w->outer = NULL;
	w->block_depth = 0;
	WRITE_ONCE(w->tid, 0);
	WRITE_ONCE(w->wake_word, WAKE_NOT);
	return w;
}

/**
 * worker_release - it does nothing any more
 *
 * Context: thread.
 */
void worker_release(struct worker *w)
{
	idtable_release(&workers, w->id);
}

/* Context: any.  Return: NULL: there never was one with this number. */
struct worker *worker_by_id(u32 id)
{
	return idtable_get(&workers, id);
}

/* Context: any. */
u32 worker_id_end(void)
{
	return idtable_end(&workers);
}

/**
 * worker_wake - the caller has claimed this idle worker
 *
 * Context: any.
 */
void worker_wake(struct worker *w)
{
	/*
	 * ORDER worker.wake (release): what the caller did comes before the worker looks.
	 * Pairs with worker.woken in sleep_until_woken().
	 */
	if (xchg_acq_rel(&w->wake_word, WAKE_NOW) == WAKE_SLEEPING)
		futex_wake(&w->wake_word, 1);
}

static void sleep_until_woken(struct worker *w)
{
	u32 not = WAKE_NOT;

	/*
	 * ORDER worker.woken (acquire): pairs with worker.wake in worker_wake().
	 */
	if (cmpxchg_acquire(&w->wake_word, &not, WAKE_SLEEPING)) {
		while (load_acquire(&w->wake_word) == WAKE_SLEEPING)
			futex_wait(&w->wake_word, WAKE_SLEEPING, FUTEX_FOREVER);
	}
	WRITE_ONCE(w->wake_word, WAKE_NOT);
}

/* --- who is counted --- */

/**
 * worker_uncount - the worker is in a work that will take long
 * @w:  the caller's
 *
 * Context: thread, under no lock.
 */
void worker_uncount(struct worker *w, enum worker_state state)
{
	u32 active = WORKER_ACTIVE;

	if (cmpxchg_seq_cst(&w->state, &active, state))
		pool_doze(w->pool, false);
	else
		WRITE_ONCE(w->state, state);	/* the manager found out before */
}

/**
 * worker_recount - the worker goes on
 * @w:  the caller's
 *
 * There may be one too many then: it is not stopped, but goes to sleep soon.
 *
 * Context: thread.
 */
void worker_recount(struct worker *w)
{
	fetch_add_seq_cst(&w->pool->nr_running, 1);
	store_seq_cst(&w->state, WORKER_ACTIVE);
}

static void stop_searching(struct worker *w)
{
	if (!w->searching)
		return;
	w->searching = false;
	fetch_add_seq_cst(&w->pool->nr_searching, -1);
}

/* --- the loop --- */

static bool worth_waking(const struct worker *w, const struct shard *s)
{
	u32 run_ns = READ_ONCE(s->run_ns);

	return !run_ns || (u64)run_ns * w->nr_batch > WORTH_WAKING_NS;
}

/* The first time counts fully, later ones an eighth. */
static void learn_run_time(struct shard *s, u64 ns, u32 nr)
{
	u64 each = ns / nr, before = READ_ONCE(s->run_ns);
	u64 mean = before ? before - before / 8 + each / 8 : each;

	WRITE_ONCE(s->run_ns, min(max(mean, (u64)1), (u64)UINT32_MAX));
}

/*
 * Is there anything that the worker has not got?  Its shard may be announced still: whoever was
 * woken for it has not asked the pool.
 */
static bool leaves_any(const struct worker *w, struct shard *s)
{
	const struct worker_pool *pool = w->pool;
	const struct shard *announced = READ_ONCE(pool->announced);

	return w->nr_batch > 1 || w->leaves_more || !shard_looks_empty(s) || pool_look(pool) ||
	       (announced && (announced != s || READ_ONCE(s->announce_next)));
}

/* One more worker for what is left: with a lock where queueing has one (queue.c). */
static void kick_next(struct worker_pool *pool, u32 wake)
{
	if (likely(wake == ROVE_WQ_WAKE_DEFAULT)) {
		pool_kick(pool);
		return;
	}
	mutex_lock(&pool->lock);
	pool_wake_and_unlock(pool, pool_choose(pool), wake);
}

/* Return: false: the process was forked by a work; this is the child, and the worker none any more. */
static bool run_taken(struct worker *w)
{
	struct shard *s = w->shard;
	bool intensive = s->wq->flags & ROVE_WQ_CPU_INTENSIVE;
	u64 begin = READ_ONCE(w->take_ns);
	u32 nr = w->nr_batch;

	stop_searching(w);
	if (unlikely(w->pool->key.poll_ns))
		poll_took(w);
	if (unlikely(w->came_home)) {
		w->came_home = false;
		fetch_add_relaxed(&s->wq->nr_repatriated, 1);
	}
	if (w->has_slept)
		w->slept_ns = begin - w->idle_since_ns;
	w->has_slept = false;
	if (intensive)
		worker_uncount(w, WORKER_INTENSIVE);
	else if (worth_waking(w, s) && leaves_any(w, s))
		kick_next(w->pool, s->wq->wake);
	if (unlikely(!worker_run_batch(w, 0)))
		return false;
	w->ended_ns = clock_mono_ns();
	learn_run_time(s, w->ended_ns - begin, nr);
	if (unlikely(READ_ONCE(w->state) != WORKER_ACTIVE))
		worker_recount(w);
	return true;
}

static void sleep_idle(struct worker *w)
{
	struct worker_pool *pool = w->pool;

	w->idle_cpu = cpu_now();
	w->has_slept = true;
	WRITE_ONCE(w->idle_since_ns, clock_mono_ns());
	if (xchg_seq_cst(&w->state, WORKER_IDLE) != WORKER_ACTIVE)
		fetch_add_seq_cst(&pool->nr_running, 1);	/* the manager was quick */
	idle_push(pool, w);
	w->searching = false;
	pool_doze(pool, true);
	/* The way home may be long, but nobody counts on it any more. */
	if (unlikely(pool->key.home) && home_return(&pool->key))
		w->came_home = true;
	sleep_until_woken(w);
	manager_stay_awake();
	WRITE_ONCE(w->state, WORKER_ACTIVE);
	w->may_poll = false;
	w->searching = true;	/* so counted by who chose it */
}

static bool too_many(const struct worker_pool *pool)
{
	return READ_ONCE(pool->nr_running) > pool->key.limit;
}

static void start_searching(struct worker *w)
{
	if (w->searching)
		return;
	w->searching = true;
	fetch_add_seq_cst(&w->pool->nr_searching, 1);
}

/* The shard that somebody was woken for needs no looking up in the pool. */
static bool take_hinted(struct worker *w)
{
	struct shard *s = READ_ONCE(w->hint);

	if (!s)
		return false;
	WRITE_ONCE(w->hint, NULL);
	shard_fetch(s);
	return shard_take(s, w) == TAKE_SOME;
}

static void worker_loop(struct worker *w)
{
	struct worker_pool *pool = w->pool;

	while (!READ_ONCE(w->dying)) {
		if (!too_many(pool) && (take_hinted(w) || pool_take(pool, w))) {
			if (unlikely(!run_taken(w)))
				return;
			continue;
		}
		start_searching(w);
		if (!too_many(pool)) {
			if (search(w) || !pool_quiet(pool))
				continue;
			w->nr_spins_wasted++;
		}
		sleep_idle(w);
	}
	stop_searching(w);
	pool_doze(pool, false);
}

/* --- threads --- */

static void set_up_thread(struct worker *w)
{
	const struct pool_key *key = &w->pool->key;

	WRITE_ONCE(w->tid, gettid());
	w->ended_ns = clock_mono_ns();
	if (key->pin)
		sched_setaffinity(0, key->set_bytes, key->cpus);
	if (key->nice)
		setpriority(PRIO_PROCESS, gettid(), key->nice);
}

static void *worker_thread(void *arg)
{
	struct worker *w = arg;
	struct worker_pool *pool = w->pool;

	set_up_thread(w);
	worker_loop(w);
	if (likely(w->pool)) {
		mutex_lock(&pool->lock);
		list_del(&w->node);	/* who ended it has counted that */
		mutex_unlock(&pool->lock);
	}
	worker_release(w);
	return NULL;
}

/**
 * worker_start - one more worker for a pool; it looks for works at once
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM or -EAGAIN.
 */
int worker_start(struct worker_pool *pool)
{
	struct worker *w = worker_alloc();
	pthread_t thread;
	char name[32];
	int err;

	if (!w)
		return -ENOMEM;
	WRITE_ONCE(w->pool, pool);
	WRITE_ONCE(w->state, WORKER_ACTIVE);
	w->searching = true;
	w->dying = 0;
	w->nr_spins_wasted = 0;
	w->came_home = false;
	w->has_slept = false;
	w->slept_ns = 0;
	w->may_poll = true;
	w->polled_at_ns = 0;
	fetch_add_seq_cst(&pool->nr_running, 1);
	fetch_add_seq_cst(&pool->nr_searching, 1);
	mutex_lock(&pool->lock);
	list_add(&w->node, &pool->workers);
	WRITE_ONCE(pool->nr_workers, pool->nr_workers + 1);
	mutex_unlock(&pool->lock);
	snprintf(name, sizeof(name), "rove-wq/%u:%u", pool->id, w->id);
	name[15] = '\0';
	err = thread_create(name, worker_thread, w, &thread);
	if (!err) {
		pthread_detach(thread);
		return 0;
	}
	mutex_lock(&pool->lock);
	list_del(&w->node);
	WRITE_ONCE(pool->nr_workers, pool->nr_workers - 1);
	mutex_unlock(&pool->lock);
	fetch_add_seq_cst(&pool->nr_searching, -1);
	pool_doze(pool, false);
	worker_release(w);
	return err;
}

/* --- in a child of fork() ------------------------------------------------------------------ */

/* As shards_lock().  Context: any. */
struct mutex *workers_lock(void)
{
	return &workers.lock;
}

/*
 * Nobody runs anything; the caller, who may be in a work that called fork(), finds that out
 * in worker_end_batch().  Context: the only thread.
 */
void workers_stop(void)
{
	for (u32 id = 1; id < worker_id_end(); id++) {
		struct worker *w = worker_by_id(id);

		*w = (struct worker){ .id = id, .outer = w->outer, .nr_begun = w->nr_begun };
		list_init(&w->node);
	}
}

static bool is_unused(void *thing)
{
	const struct worker *w = thing;

	if (w->pool || help_uses(w))
		return false;
	for (const struct worker *mine = worker_self; mine; mine = mine->outer) {
		if (mine == w)
			return false;
	}
	return true;
}

/* After pools have said which are theirs.  Context: the only thread. */
void workers_refill(void)
{
	idtable_refill(&workers, is_unused);
}
