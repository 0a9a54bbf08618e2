/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/view.c - copies of what pools and works are at a moment
 *
 * Queues stay while their list's lock is held; pools, shards and workers stay for
 * ever.  A work may be looked into only where it waits, under the lock of its shard;
 * one that runs may free itself, so of that there is only what its worker says.
 *
 * Not here:  what callers are given (each.c), who is stuck (watchdog.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/context.h"
#include "wq/cpulist.h"
#include "wq/probe.h"
#include "wq/view.h"

#define MOST_OF_A_SHARD 10000	/* its lock is held while they are copied */
#define ROOM_FOR_MORE 64
#define ATTEMPTS 3

static int reserve(struct view_works *works, size_t nr)
{
	size_t room = max(works->nr + nr, works->room * 2);
	struct view_work *more;

	if (works->nr + nr <= works->room)
		return 0;
	more = realloc(works->works, room * sizeof(*more));
	if (!more)
		return -ENOMEM;
	works->works = more;
	works->room = room;
	return 0;
}

static struct view_work *add_work(struct view_works *works, struct worker_pool *pool,
				  const struct rove_workqueue *wq, const struct rove_work *work)
{
	struct view_work *v = &works->works[works->nr++];

	memset(v, 0, sizeof(*v));
	v->pool = pool;
	v->view.pool = pool ? pool->id : 0;
	v->view.work = work;
	v->wq = wq;
	if (wq)
		memcpy(v->queue, wq->name, sizeof(v->queue));
	return v;
}

/* --- what waits ---------------------------------------------------------------------------- */

static void copy_shard_locked(struct view_works *works, const struct rove_workqueue *wq,
			      const struct shard *s)
{
	u64 age_ns = age_oldest_ns_locked(s, clock_mono_ns());
	u64 nr = 0;

	assert_held(&s->lock);
	for (struct rove_work *work = s->first; work; work = work->next) {
		struct view_work *v;

		if (!work->fn)		/* the mark of a flush */
			continue;
		if (works->nr == works->room || nr++ == MOST_OF_A_SHARD) {
			works->missed += s->nr_listed - nr;
			return;
		}
		v = add_work(works, READ_ONCE(s->pool), wq, work);
		v->view.fn = (const void *)work->fn;
		v->view.age_ns = age_ns;
	}
}

/* Room is made before the lock is taken, and again if there turn out to be more. */
static int copy_shard(struct view_works *works, const struct rove_workqueue *wq, struct shard *s)
{
	u64 nr = 0;

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		bool fits;
		int err = reserve(works, min(nr, (u64)MOST_OF_A_SHARD) + ROOM_FOR_MORE);

		if (err)
			return err;
		mutex_lock(&s->lock);
		shard_splice_locked(s);
		nr = s->nr_listed;
		fits = works->nr + nr <= works->room;
		if (fits || attempt == ATTEMPTS - 1)
			copy_shard_locked(works, wq, s);
		mutex_unlock(&s->lock);
		if (fits)
			break;
	}
	return 0;
}

/**
 * view_pending - copy the works that wait
 * @works:  added to; view_works_fini() also after an error
 *
 * Context: may sleep.
 * Return:  0 or -ENOMEM.
 */
int view_pending(struct view_works *works)
{
	struct rove_workqueue *wq;
	int err = 0;

	ctx_may_sleep();
	mutex_lock(&wq_list_lock);
	list_for_each_entry(wq, &wq_list, node) {
		for (u32 i = 0; i < wq->nr_shards && !err; i++)
			if (wq->shards[i] && !shard_looks_empty(wq->shards[i]))
				err = copy_shard(works, wq, wq->shards[i]);
	}
	mutex_unlock(&wq_list_lock);
	return err;
}

/* --- what runs ----------------------------------------------------------------------------- */

/* A shard may be another queue's meanwhile, or nobody's. */
static const struct rove_workqueue *listed_queue_of(const struct shard *s)
{
	struct rove_workqueue *wq, *of = s ? READ_ONCE(s->wq) : NULL;

	assert_held(&wq_list_lock);
	list_for_each_entry(wq, &wq_list, node)
		if (wq == of)
			return wq;
	return NULL;
}

static u64 runs_since(const struct worker *w)
{
	u64 take_ns = READ_ONCE(w->take_ns), now_ns = clock_mono_ns();

	return take_ns && now_ns > take_ns ? now_ns - take_ns : 0;
}

static void copy_worker(struct view_works *works, struct worker *w)
{
	const struct rove_workqueue *wq;
	struct rove_work *current;
	struct view_work *v;
	u64 run;

	/* Twice the same number: the worker was in this work all the time in between. */
	run = READ_ONCE(w->nr_begun);
	current = load_seq_cst(&w->current);
	if (!current)
		return;
	wq = listed_queue_of(READ_ONCE(w->shard));
	v = add_work(works, READ_ONCE(w->pool), wq, current);
	v->worker = w;
	v->view.state = ROVE_WQ_WORK_RUNNING;
	v->view.fn = (const void *)READ_ONCE(w->current_fn);
	v->view.age_ns = runs_since(w);
	v->view.tid = READ_ONCE(w->tid);
	v->view.blocked = READ_ONCE(w->state) == WORKER_BLOCKED ||
			  READ_ONCE(w->state) == WORKER_STALLED;
	if (READ_ONCE(w->nr_begun) != run)
		works->nr--;
}

/* Taken and not begun: its worker may begin it and free it, so nothing is known of it. */
static void copy_slots(struct view_works *works, struct worker *w)
{
	const struct rove_workqueue *wq = listed_queue_of(READ_ONCE(w->shard));

	for (u32 i = 0; i < WORKER_SLOTS; i++) {
		unsigned long slot = READ_ONCE(w->slot[i]);

		if (slot)
			add_work(works, READ_ONCE(w->pool), wq,
				 (const struct rove_work *)(slot & ~SLOT_BITS));
	}
}

/**
 * view_running - copy what workers are in, and, if asked for, what they are about to begin
 * @works:  added to; view_works_fini() also after an error
 * @slots:  what they have taken and not begun, too
 *
 * Context: may sleep.
 * Return:  0 or -ENOMEM.
 */
int view_running(struct view_works *works, bool slots)
{
	u32 end = worker_id_end();
	int err = reserve(works, (size_t)end * (slots ? 1 + WORKER_SLOTS : 1));

	ctx_may_sleep();
	if (err)
		return err;
	mutex_lock(&wq_list_lock);
	for (u32 id = 1; id < end; id++) {
		struct worker *w = worker_by_id(id);

		if (w)
			copy_worker(works, w);
		if (w && slots)
			copy_slots(works, w);
	}
	mutex_unlock(&wq_list_lock);
	return 0;
}

static void name_worker(struct view_work *v)
{
	if (!v->view.tid)
		return;
	thread_comm(v->view.tid, v->view.comm);
	v->view.thread_state = probe_state(v->view.tid);
}

/**
 * view_name_works - fill in what only the system knows
 *
 * No work is added after this: its strings must stay where they are.
 *
 * Context: may sleep.
 */
void view_name_works(struct view_works *works)
{
	ctx_may_sleep();
	if (works->named)
		return;
	works->named = true;
	for (size_t i = 0; i < works->nr; i++) {
		struct view_work *v = &works->works[i];

		if (v->view.fn)
			symbol_name(v->view.fn, v->function, sizeof(v->function));
		v->view.queue = v->queue;
		v->view.function = v->function;
		v->view.thread_state = PROBE_UNKNOWN;
		if (v->view.state == ROVE_WQ_WORK_RUNNING)
			name_worker(v);
	}
}

/**
 * view_works_fini - forget the copies
 *
 * Context: thread.
 */
void view_works_fini(struct view_works *works)
{
	ctx_thread();
	free(works->works);
	*works = (struct view_works){ 0 };
}

/* --- pools --------------------------------------------------------------------------------- */

static struct view_pool *find_pool(struct view_pool *pools, u32 nr, const struct worker_pool *pool)
{
	for (u32 i = 0; i < nr; i++)
		if (pools[i].pool == pool)
			return &pools[i];
	return NULL;
}

static void count_shard_locked(struct view_pool *p, const struct rove_workqueue *wq,
			       struct shard *s)
{
	u64 age_ns = age_oldest_ns_locked(s, clock_mono_ns());

	assert_held(&s->lock);
	if (p->last_queue != wq)
		p->nr_queues++;
	p->last_queue = wq;
	shard_splice_locked(s);
	p->nr_pending += s->nr_listed;
	p->progress += s->nr_taken;
	p->nr_wakeups += READ_ONCE(s->nr_wakeups);
	if (!READ_ONCE(s->starved) && !READ_ONCE(wq->frozen))
		p->nr_runnable += s->nr_listed;
	if (s->nr_listed && age_ns >= p->oldest_ns) {
		p->oldest_ns = age_ns;
		memcpy(p->oldest_queue, wq->name, sizeof(p->oldest_queue));
	}
}

static void count_queue(struct view_pool *pools, u32 nr, const struct rove_workqueue *wq)
{
	for (u32 i = 0; i < wq->nr_shards; i++) {
		struct shard *s = wq->shards[i];
		struct view_pool *p;

		if (!s)
			continue;
		mutex_lock(&s->lock);
		p = find_pool(pools, nr, READ_ONCE(s->pool));
		if (p)
			count_shard_locked(p, wq, s);
		mutex_unlock(&s->lock);
	}
}

static void count_workers(struct view_pool *pools, u32 nr)
{
	for (u32 id = 1; id < worker_id_end(); id++) {
		struct worker *w = worker_by_id(id);
		struct view_pool *p = w ? find_pool(pools, nr, READ_ONCE(w->pool)) : NULL;

		if (!p)
			continue;
		p->progress += READ_ONCE(w->nr_begun);
		for (u32 i = 0; i < WORKER_SLOTS; i++) {
			unsigned long slot = READ_ONCE(w->slot[i]);

			p->nr_pending += !!slot;
			p->nr_runnable += slot && !(slot & SLOT_ORDERED);
		}
	}
}

/**
 * view_pools - what waits for each pool that serves a queue
 * @ret_pools:  set on success only; for free()
 *
 * Context: may sleep.
 * Return:  0 or -ENOMEM.
 */
int view_pools(struct view_pool **ret_pools, u32 *ret_nr)
{
	struct view_pool *pools;
	struct rove_workqueue *wq;
	u32 nr = 0, room = 1;

	ctx_may_sleep();
	mutex_lock(&wq_list_lock);
	for (struct worker_pool *p = pools_first(); p; p = p->next)
		room++;
	pools = calloc(room, sizeof(*pools));
	if (!pools) {
		mutex_unlock(&wq_list_lock);
		return -ENOMEM;
	}
	for (struct worker_pool *p = pools_first(); p && nr < room; p = p->next)
		if (!READ_ONCE(p->dying))
			pools[nr++].pool = p;
	list_for_each_entry(wq, &wq_list, node)
		count_queue(pools, nr, wq);
	count_workers(pools, nr);
	mutex_unlock(&wq_list_lock);
	*ret_pools = pools;
	*ret_nr = nr;
	return 0;
}

/* --- queues that hold works back ----------------------------------------------------------- */

static void count_held_shard(struct view_queue *q, struct shard *s)
{
	mutex_lock(&s->lock);
	q->progress += s->nr_taken;
	if (s->starved && s->nr_listed) {
		shard_splice_locked(s);
		q->nr_held += s->nr_listed;
		q->pool = READ_ONCE(s->pool);
	}
	mutex_unlock(&s->lock);
}

/* Behind the work that its worker is in; of an ordered queue nobody else takes them. */
static void count_held_slots(struct view_queue *q, const struct worker *w)
{
	const struct shard *s = READ_ONCE(w->shard);

	if (!s || READ_ONCE(s->wq) != q->wq)
		return;
	q->progress += READ_ONCE(w->nr_begun);
	for (u32 i = 0; i < WORKER_SLOTS; i++) {
		if (READ_ONCE(w->slot[i]) & SLOT_ORDERED) {
			q->nr_held++;
			q->pool = READ_ONCE(s->pool);
		}
	}
}

static bool count_held(struct view_queue *q, const struct rove_workqueue *wq)
{
	*q = (struct view_queue){ .wq = wq };
	memcpy(q->name, wq->name, sizeof(q->name));
	for (u32 i = 0; i < wq->nr_shards; i++)
		count_held_shard(q, wq->shards[i]);
	for (u32 id = 1; id < worker_id_end(); id++)
		count_held_slots(q, worker_by_id(id));
	return q->nr_held && !READ_ONCE(wq->frozen);
}

/**
 * view_held_queues - queues with works that max_active holds back
 * @ret_queues:  set on success only; for free()
 *
 * Context: may sleep.
 * Return:  0 or -ENOMEM.
 */
int view_held_queues(struct view_queue **ret_queues, u32 *ret_nr)
{
	struct view_queue *queues;
	struct rove_workqueue *wq;
	u32 nr = 0;

	ctx_may_sleep();
	mutex_lock(&wq_list_lock);
	list_for_each_entry(wq, &wq_list, node)
		nr++;
	queues = calloc(nr + 1, sizeof(*queues));
	nr = 0;
	if (queues) {
		list_for_each_entry(wq, &wq_list, node)
			nr += count_held(&queues[nr], wq);
	}
	mutex_unlock(&wq_list_lock);
	if (!queues)
		return -ENOMEM;
	*ret_queues = queues;
	*ret_nr = nr;
	return 0;
}

/**
 * view_pool_cpus - whose works a pool runs, as a list
 *
 * Context: thread.
 */
void view_pool_cpus(const struct worker_pool *pool, char *ret_text, size_t room_bytes)
{
	ctx_thread();
	ret_text[0] = '\0';
	if (pool->key.pod)
		cpulist_print(pool->key.pod, pool->key.set_bytes, ret_text, room_bytes);
}
