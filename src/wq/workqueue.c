/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/workqueue.c - queues come and go
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rove/irq_work.h>

#include "wq/attrs.h"
#include "wq/flush.h"
#include "wq/fork.h"
#include "wq/freeze.h"
#include "wq/manager.h"
#include "wq/pool.h"
#include "wq/rescuer.h"
#include "wq/wq.h"

#define KNOWN_FLAGS (ROVE_WQ_UNBOUND | ROVE_WQ_HIGHPRI | ROVE_WQ_CPU_INTENSIVE | ROVE_WQ_ORDERED | \
		     ROVE_WQ_BH | ROVE_WQ_MEM_RECLAIM | ROVE_WQ_FREEZABLE | ROVE_WQ_HELP)

/* The kernel's; as there, attributes that are applied later replace it. */
#define HIGHPRI_NICE (-20)

struct mutex wq_list_lock;
struct list_head wq_list = LIST_INIT(wq_list);

static bool rest_is_zero(const void *bytes, size_t from, size_t to)
{
	const char *at = bytes;

	for (; from < to; from++) {
		if (at[from])
			return false;
	}
	return true;
}

/* A caller built for an older library knows less, one for a newer may not use more. */
static int read_options(const struct rove_wq_options *given, struct rove_wq_options *options)
{
	*options = (struct rove_wq_options){ 0 };
	if (!given)
		return 0;
	if (given->size < offsetof(struct rove_wq_options, max_active))
		return -EINVAL;
	if (!rest_is_zero(given, sizeof(*options), given->size))
		return -E2BIG;
	memcpy(options, given, min(given->size, sizeof(*options)));
	return 0;
}

static int check_options(struct rove_wq_options *o)
{
	if (o->flags & ~KNOWN_FLAGS || o->max_active > ROVE_WQ_MAX_ACTIVE ||
	    o->scope > ROVE_WQ_SCOPE_SYSTEM || o->nice < -20 || o->nice > 19 ||
	    o->full > ROVE_WQ_FULL_RUN || o->wake > ROVE_WQ_WAKE_UNDER)
		return -EINVAL;
	if (o->flags & ROVE_WQ_ORDERED)
		o->flags |= ROVE_WQ_UNBOUND;
	if (!(o->flags & ROVE_WQ_UNBOUND) && (o->scope || o->strict || o->min_active))
		return -EINVAL;
	if ((o->flags & ROVE_WQ_BH) &&
	    (o->flags & ~(ROVE_WQ_BH | ROVE_WQ_HIGHPRI) || o->nice || o->poll_us ||
	     o->full == ROVE_WQ_FULL_RUN))
		return -EINVAL;
	if ((o->flags & ROVE_WQ_ORDERED) && o->max_active > 1)
		return -EINVAL;
	o->max_active = o->max_active ?: WQ_DEFAULT_MAX_ACTIVE;
	o->min_active = o->min_active ?: min(o->max_active, (u32)WQ_DEFAULT_MIN_ACTIVE);
	o->max_blocked = min(o->max_blocked ?: WQ_DEFAULT_MAX_BLOCKED, (u32)WORKER_ID_MAX);
	return o->min_active > o->max_active ? -EINVAL : 0;
}

static struct rove_workqueue *alloc_wq(const char *name, const struct rove_wq_options *o,
				       struct topology *topo)
{
	u32 nr_shards = o->flags & ROVE_WQ_ORDERED ? 1 : topo->nr_cpus;
	struct rove_workqueue *wq;

	wq = calloc(1, sizeof(*wq) + nr_shards * sizeof(wq->shards[0]));
	if (!wq)
		return NULL;
	list_init(&wq->node);
	wq->topo = topo;
	wq->pretend = topo->described;
	wq->flags = o->flags;
	wq->wake = o->wake;
	wq->full = o->full;
	wq->max_pending = o->max_pending;
	wq->max_active = o->max_active;
	wq->min_active = o->min_active;
	wq->max_blocked = o->max_blocked;
	strncpy(wq->name, name, sizeof(wq->name) - 1);
	wq->nr_shards = nr_shards;
	return wq;
}

static int fill_wq(struct rove_workqueue *wq, const struct rove_wq_options *o)
{
	struct rove_wq_attrs attrs = {
		.scope = o->scope,
		.strict = o->strict,
		.nice = o->nice ?: o->flags & ROVE_WQ_HIGHPRI ? HIGHPRI_NICE : 0,
		.cpus = o->cpus,
		.poll_us = o->poll_us,
	};
	int err;

	wq->flush.marks = calloc(wq->nr_shards, sizeof(*wq->flush.marks));
	if (!wq->flush.marks)
		return -ENOMEM;
	for (u32 i = 0; i < wq->nr_shards; i++) {
		wq->shards[i] = shard_alloc();
		if (!wq->shards[i])
			return -ENOMEM;
	}
	err = manager_start() ?: rove_softirq_start();	/* it serves delayed works */
	/* Before pools see the queue: from then on its rescuer may be called. */
	if (!err && wq->flags & ROVE_WQ_MEM_RECLAIM)
		err = rescuer_start(wq);
	return err ?: wq_lay_out(wq, &attrs);
}

/* Half built, or empty. */
static void free_wq(struct rove_workqueue *wq)
{
	rescuer_stop(wq);
	wq_take_down(wq);
	for (u32 i = 0; i < wq->nr_shards && wq->shards[i]; i++)
		shard_release(wq->shards[i]);
	free(wq->flush.marks);
	free(wq);
}

static void enlist(struct rove_workqueue *wq)
{
	mutex_lock(&wq_list_lock);
	list_add_tail(&wq->node, &wq_list);
	freeze_new_locked(wq);
	mutex_unlock(&wq_list_lock);
}

/**
 * rove_workqueue_create - see rove/workqueue.h
 */
int rove_workqueue_create(const char *name, const struct rove_wq_options *given,
			  struct rove_workqueue **ret_wq)
{
	struct rove_wq_options options;
	struct rove_workqueue *wq;
	struct topology *topo;
	int err;

	ctx_may_sleep();
	fork_prepare();
	err = read_options(given, &options) ?: check_options(&options) ?: machine_get(&topo);
	if (!err && fork_no_threads())
		err = fork_start_threads();
	if (err)
		return err;
	wq = alloc_wq(name, &options, topo);
	if (!wq)
		return -ENOMEM;
	err = fill_wq(wq, &options);
	if (err) {
		free_wq(wq);
		return err;
	}
	enlist(wq);
	*ret_wq = wq;
	return 0;
}

/**
 * rove_workqueue_free - see rove/workqueue.h
 */
void rove_workqueue_free(struct rove_workqueue *wq)
{
	ctx_may_sleep();
	if (!wq)
		return;
	rove_drain_workqueue(wq);
	mutex_lock(&wq_list_lock);
	list_del(&wq->node);
	mutex_unlock(&wq_list_lock);
	free_wq(wq);
}

/**
 * wq_is_mine - is the calling thread in a work of this queue?
 *
 * Context: any.
 */
bool wq_is_mine(const struct rove_workqueue *wq)
{
	for (struct worker *w = worker_self; w; w = w->outer) {
		struct shard *s = READ_ONCE(w->shard);

		if (s && READ_ONCE(s->wq) == wq)
			return true;
	}
	return false;
}

/* --- while it is used --- */

/**
 * rove_workqueue_set_max_active - see rove/workqueue.h
 */
int rove_workqueue_set_max_active(struct rove_workqueue *wq, uint32_t max_active)
{
	ctx_may_sleep();
	if (max_active > ROVE_WQ_MAX_ACTIVE || (wq->flags & ROVE_WQ_ORDERED))
		return -EINVAL;
	mutex_lock(&wq->config);
	wq->max_active = max_active ?: WQ_DEFAULT_MAX_ACTIVE;
	wq->min_active = min(wq->min_active, wq->max_active);
	wq_spread_active(wq);
	mutex_unlock(&wq->config);
	return 0;
}

/**
 * rove_workqueue_set_min_active - see rove/workqueue.h
 */
int rove_workqueue_set_min_active(struct rove_workqueue *wq, uint32_t min_active)
{
	int err = 0;

	ctx_may_sleep();
	if ((wq->flags & (ROVE_WQ_UNBOUND | ROVE_WQ_ORDERED)) != ROVE_WQ_UNBOUND)
		return -EINVAL;
	mutex_lock(&wq->config);
	if (!min_active || min_active > wq->max_active)
		err = -EINVAL;
	else
		wq->min_active = min_active;
	wq_spread_active(wq);
	mutex_unlock(&wq->config);
	return err;
}
