/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/attrs.c - lay a queue out over pools, also while it is used
 *
 * Each pod of CPUs has a pool, in which the queue has a lane with the shards of those
 * CPUs.  To lay the queue out anew is to give each shard to another lane, one by one:
 * what waits in it moves along, in its order, and what runs holds a token of the old
 * lane, which stays until the queue is laid out anew after that.  The lane of an ordered queue is kept, so
 * that its one token says what runs before and after.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "wq/fork.h"
#include "wq/attrs.h"
#include "wq/cpulist.h"
#include "wq/home.h"
#include "wq/manager.h"
#include "wq/poll.h"
#include "wq/pool.h"

struct mutex default_cpus_lock;		/* nests inside wq.config */
static char *default_cpus;		/* under it: NULL: all that may be used */
static u32 last_lane_id;		/* under it */

struct layout {
	struct pods	*pods;
	struct lane	**lanes;
	u32		nr_lanes;
	u32		nr_cpus;	/* of all pods */
};

/* --- building --- */

static void free_layout(struct layout *lo)
{
	for (u32 i = 0; lo->lanes && i < lo->nr_lanes; i++) {
		if (lo->lanes[i] && lo->lanes[i]->pool)
			pool_put(lo->lanes[i]->pool);
		if (lo->lanes[i])
			free(lo->lanes[i]->shards);
		free(lo->lanes[i]);
	}
	free(lo->lanes);
	pods_free(lo->pods);
}

static int make_lane(struct rove_workqueue *wq, const struct layout *lo, u32 i,
		     const struct rove_wq_attrs *attrs, cpu_set_t *everywhere)
{
	const struct pod *pod = &lo->pods->pod[i];
	bool bound = !(wq->flags & ROVE_WQ_UNBOUND);
	struct pool_key key = {
		.pod = pod->cpus,
		.cpus = bound || attrs->strict ? pod->cpus : everywhere,
		.set_bytes = lo->pods->set_bytes,
		.nice = attrs->nice,
		.limit = bound ? 1 : pod->nr_cpus,
		.bh = wq->flags & ROVE_WQ_BH,
		.pin = !lo->pods->described && (bound || attrs->strict || attrs->cpus || default_cpus),
		.bound = bound,
		.poll_ns = attrs->poll_us * (u64)NSEC_PER_USEC,
	};
	struct lane *lane = calloc(1, sizeof(*lane));

	key.home = home_can_be_left(&key, lo->pods->described);
	lo->lanes[i] = lane;
	if (!lane)
		return -ENOMEM;
	lane->id = ++last_lane_id ?: ++last_lane_id;
	lane->wq = wq;
	lane->nr_cpus = pod->nr_cpus;
	lane->shards = calloc(wq->nr_shards, sizeof(*lane->shards));
	if (!lane->shards)
		return -ENOMEM;
	return pool_get(&key, key.limit + wq->max_blocked, &lane->pool);
}

static int make_lanes(struct rove_workqueue *wq, struct layout *lo,
		      const struct rove_wq_attrs *attrs)
{
	size_t bytes = lo->pods->set_bytes;
	cpu_set_t *everywhere = calloc(1, bytes);
	int err = 0;

	lo->nr_lanes = wq->nr_shards == 1 ? 1 : lo->pods->nr_pods;
	lo->lanes = calloc(lo->nr_lanes, sizeof(*lo->lanes));
	if (!lo->lanes || !everywhere)
		err = -ENOMEM;
	for (u32 i = 0; !err && i < lo->pods->nr_pods; i++) {
		CPU_OR_S(bytes, everywhere, everywhere, lo->pods->pod[i].cpus);
		lo->nr_cpus += lo->pods->pod[i].nr_cpus;
	}
	for (u32 i = 0; !err && i < lo->nr_lanes; i++)
		err = make_lane(wq, lo, i, attrs, everywhere);
	free(everywhere);
	return err;
}

static enum pod_scope scope_of(const struct rove_workqueue *wq, u32 scope)
{
	if (!(wq->flags & ROVE_WQ_UNBOUND))
		return POD_CPU;
	if (wq->flags & ROVE_WQ_ORDERED)
		return POD_SYSTEM;
	return scope == ROVE_WQ_SCOPE_DEFAULT ? POD_DEFAULT : scope - ROVE_WQ_SCOPE_CPU + POD_CPU;
}

static int make_layout_locked(struct rove_workqueue *wq, const struct rove_wq_attrs *attrs,
			      struct layout *lo)
{
	const char *cpus = attrs->cpus ?: default_cpus;
	size_t bytes = CPU_ALLOC_SIZE(wq->topo->nr_cpus);
	cpu_set_t *only = malloc(bytes);
	int err = -ENOMEM;

	*lo = (struct layout){ 0 };
	if (only)
		err = cpus ? cpulist_parse(cpus, only, bytes) : 0;
	if (!err)
		err = pods_create(wq->topo, scope_of(wq, attrs->scope), cpus ? only : NULL, bytes,
				  &lo->pods);
	if (!err)
		err = make_lanes(wq, lo, attrs);
	free(only);
	if (err)
		free_layout(lo);
	return err;
}

static int make_layout(struct rove_workqueue *wq, const struct rove_wq_attrs *attrs,
		       struct layout *lo)
{
	int err;

	mutex_lock(&default_cpus_lock);
	err = make_layout_locked(wq, attrs, lo);
	mutex_unlock(&default_cpus_lock);
	return err;
}

static int check_cpus(const char *cpus)
{
	struct topology *topo;
	struct pods *pods;
	cpu_set_t *only;
	size_t bytes;
	int err = machine_get(&topo);

	if (err)
		return err;
	bytes = CPU_ALLOC_SIZE(topo->nr_cpus);
	only = malloc(bytes);
	if (!only)
		return -ENOMEM;
	err = cpulist_parse(cpus, only, bytes);
	if (!err)
		err = pods_create(topo, POD_SYSTEM, only, bytes, &pods);
	if (!err)
		pods_free(pods);
	free(only);
	return err;
}

/**
 * rove_workqueues_set_cpus - see rove/workqueue.h
 */
int rove_workqueues_set_cpus(const char *cpus)
{
	char *copy = NULL;
	int err = cpus ? check_cpus(cpus) : 0;

	ctx_may_sleep();
	if (err)
		return err;
	if (cpus) {
		copy = strdup(cpus);
		if (!copy)
			return -ENOMEM;
	}
	mutex_lock(&default_cpus_lock);
	free(default_cpus);
	default_cpus = copy;
	mutex_unlock(&default_cpus_lock);
	return 0;
}

/* --- installing --- */

static void add_to_lane(struct lane *lane, struct shard *s)
{
	lane->shards[lane->nr_shards++] = s;
}

/* Context: under the locks of both pools and s->lock. */
static void move_shard_locked(struct shard *s, struct lane *lane)
{
	struct lane *old = s->lane;
	u32 nr_kept = 0;

	if (s->starved) {
		WRITE_ONCE(s->starved, 0);
		fetch_add_seq_cst(&old->nr_starved, -1);
	}
	if (old != lane)
		nr_kept = lane_adopt_locked(lane, s);
	if (old)
		fetch_add_seq_cst(&old->spare, nr_kept);
	WRITE_ONCE(s->lane, lane);
	/*
	 * ORDER shard.move (seq_cst): before the last look into the shard.  Who queues and
	 * tells the old pool is seen here.  Pairs with shard.push in shard_push_linked().
	 * ORDER shard.settle (release): who finds the pool here finds it made.  Pairs with
	 * shard.settled in shard_pool().
	 */
	store_seq_cst(&s->pool, lane->pool);
	pool_adopt_locked(lane->pool, s);
}

static void lock_two(struct mutex *a, struct mutex *b)
{
	mutex_lock(min(a, b));
	if (a != b)
		mutex_lock(max(a, b));
}

static void unlock_two(struct mutex *a, struct mutex *b)
{
	mutex_unlock(a);
	if (a != b)
		mutex_unlock(b);
}

static void move_shard(struct shard *s, struct lane *lane)
{
	struct worker_pool *from = s->pool, *to = lane->pool;

	lock_two(&from->lock, &to->lock);
	pool_disown_locked(from, s);
	mutex_lock(&s->lock);
	move_shard_locked(s, lane);
	mutex_unlock(&s->lock);
	unlock_two(&from->lock, &to->lock);
	pool_kick(to);
}

static void install_first(struct rove_workqueue *wq, struct layout *lo)
{
	for (u32 i = 0; i < wq->nr_shards; i++) {
		struct lane *lane = lo->lanes[wq->nr_shards == 1 ? 0 : pods_of_cpu(lo->pods, i)];
		struct shard *s = wq->shards[i];

		add_to_lane(lane, s);
		WRITE_ONCE(s->wq, wq);
		if (s->pool) {		/* of an earlier queue; somebody may announce it still */
			move_shard(s, lane);
			continue;
		}
		mutex_lock(&s->lock);
		lane_adopt_locked(lane, s);
		mutex_unlock(&s->lock);
		WRITE_ONCE(s->lane, lane);
		WRITE_ONCE(s->pool, lane->pool);
	}
}

/* The lanes come before their shards, so that tokens are there. */
static void install_anew(struct rove_workqueue *wq, struct layout *lo)
{
	for (u32 i = 0; i < wq->nr_shards; i++)
		add_to_lane(lo->lanes[pods_of_cpu(lo->pods, i)], wq->shards[i]);
	for (u32 i = 0; i < wq->nr_shards; i++)
		move_shard(wq->shards[i], lo->lanes[pods_of_cpu(lo->pods, i)]);
}

/* Lanes that were left before, and now by the last work as well. */
static void reap_lanes(struct rove_workqueue *wq)
{
	struct lane **link = &wq->old_lanes, *old;

	while ((old = *link)) {
		if (!lane_is_left(old)) {
			link = &old->next_old;
			continue;
		}
		*link = old->next_old;
		free(old->shards);
		free(old);
	}
}

/* An ordered queue keeps its lane. */
static void install_ordered(struct rove_workqueue *wq, struct layout *lo)
{
	struct lane *lane = wq->lanes[0], *new = lo->lanes[0];
	struct worker_pool *old = lane->pool;

	lane->pool = new->pool;
	new->pool = old;
	move_shard(wq->shards[0], lane);
	free_layout(lo);
}

static void retire_lanes(struct rove_workqueue *wq)
{
	for (u32 i = 0; i < wq->nr_lanes; i++) {
		pool_put(wq->lanes[i]->pool);
		wq->lanes[i]->pool = NULL;
		wq->lanes[i]->next_old = wq->old_lanes;
		wq->old_lanes = wq->lanes[i];
	}
	free(wq->lanes);
	pods_free(wq->pods);
}

static void adopt_layout(struct rove_workqueue *wq, const struct layout *lo)
{
	wq->pods = lo->pods;
	WRITE_ONCE(wq->scope, lo->pods->scope);
	wq->lanes = lo->lanes;
	wq->nr_lanes = lo->nr_lanes;
	wq->nr_lane_cpus = lo->nr_cpus;
}

/**
 * wq_spread_active - give each lane its share of what may run
 *
 * The kernel's rule: by CPUs, rounded up, at least min_active.
 *
 * Context: thread, under wq->config.
 */
void wq_spread_active(struct rove_workqueue *wq)
{
	for (u32 i = 0; i < wq->nr_lanes; i++) {
		struct lane *lane = wq->lanes[i];
		u64 share = wq->max_active;

		if (wq->flags & ROVE_WQ_ORDERED)
			share = 1;
		else if (wq->flags & ROVE_WQ_UNBOUND)
			share = max((share * lane->nr_cpus + wq->nr_lane_cpus - 1) /
				    wq->nr_lane_cpus, (u64)wq->min_active);
		lane_set_max_active(lane, wq->frozen ? 0 : share);
	}
}

/* What was made is used from now on. */
static void install(struct rove_workqueue *wq, struct layout *lo)
{
	bool first = !wq->lanes;

	if (!first && wq->nr_shards == 1) {
		install_ordered(wq, lo);
		return;
	}
	if (first)
		install_first(wq, lo);
	else
		retire_lanes(wq);
	adopt_layout(wq, lo);
	if (!first) {
		install_anew(wq, lo);
		reap_lanes(wq);
	}
	wq_spread_active(wq);
}

/* @cpus: a copy, which is the queue's from now on; @attrs may be those it has. */
static void remember_attrs(struct rove_workqueue *wq, const struct rove_wq_attrs *attrs, char *cpus)
{
	char *before = (char *)wq->attrs.cpus;

	wq->attrs = *attrs;
	wq->attrs.cpus = cpus;
	free(before);
}

/**
 * wq_lay_out - lay a queue out over pools, for the first time or anew
 *
 * Context: may sleep, under wq->config.
 * Return:  0, -EINVAL (no CPU can be used, not a list), -ENOMEM or -EAGAIN; then nothing
 *          has changed.
 */
int wq_lay_out(struct rove_workqueue *wq, const struct rove_wq_attrs *attrs)
{
	char *cpus = attrs->cpus ? strdup(attrs->cpus) : NULL;
	struct topology *now;
	struct layout lo;
	int err = attrs->cpus && !cpus ? -ENOMEM : 0;

	if (!wq->pretend && !machine_get(&now) && now->nr_cpus == wq->topo->nr_cpus)
		wq->topo = now;
	if (attrs->poll_us)
		poll_prepare();
	err = err ?: make_layout(wq, attrs, &lo);
	if (err) {
		free(cpus);
		return err;
	}
	install(wq, &lo);
	remember_attrs(wq, attrs, cpus);
	return 0;
}

/**
 * wq_free_old_lanes - forget lanes that the queue has left; no token of theirs is held
 *
 * Context: thread; nothing of the queue runs.
 */
void wq_free_old_lanes(struct rove_workqueue *wq)
{
	struct lane *old;

	while ((old = wq->old_lanes)) {
		wq->old_lanes = old->next_old;
		free(old->shards);
		free(old);
	}
}

/**
 * wq_take_down - an empty queue leaves its pools
 *
 * Context: may sleep.
 */
void wq_take_down(struct rove_workqueue *wq)
{
	struct layout lo = { wq->pods, wq->lanes, wq->nr_lanes };

	for (u32 i = 0; wq->lanes && i < wq->nr_shards; i++)
		pool_remove_shard(READ_ONCE(wq->shards[i]->pool), wq->shards[i]);
	free_layout(&lo);
	wq_free_old_lanes(wq);
	free((char *)wq->attrs.cpus);
}

static bool attrs_known(const struct rove_wq_attrs *attrs)
{
	return attrs->scope <= ROVE_WQ_SCOPE_SYSTEM && attrs->nice >= -20 && attrs->nice <= 19;
}

/**
 * rove_workqueue_apply_attrs - see rove/workqueue.h
 */
int rove_workqueue_apply_attrs(struct rove_workqueue *wq, const struct rove_wq_attrs *given)
{
	struct rove_wq_attrs attrs = { 0 };
	int err;

	ctx_may_sleep();
	/* A caller built for an older library does not know of polling. */
	if (given->size < offsetof(struct rove_wq_attrs, poll_us) ||
	    !(wq->flags & ROVE_WQ_UNBOUND) || !attrs_known(given))
		return -EINVAL;
	if (given->size > sizeof(attrs))
		return -E2BIG;
	memcpy(&attrs, given, given->size);
	mutex_lock(&wq->config);
	err = wq_lay_out(wq, &attrs);
	mutex_unlock(&wq->config);
	return err;
}

/**
 * rove_workqueue_set_poll_us - see rove/workqueue.h
 */
int rove_workqueue_set_poll_us(struct rove_workqueue *wq, uint32_t poll_us)
{
	struct rove_wq_attrs attrs;
	int err = 0;

	ctx_may_sleep();
	if (wq->flags & ROVE_WQ_BH)
		return -EINVAL;
	mutex_lock(&wq->config);
	attrs = wq->attrs;
	attrs.poll_us = poll_us;
	if (poll_us != wq->attrs.poll_us)
		err = wq_lay_out(wq, &attrs);
	mutex_unlock(&wq->config);
	return err;
}
