/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/each.c - queues, pools and works, one call for each
 *
 * What is there is copied first, and no lock is held during the calls.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/context.h"
#include "wq/view.h"
#include "wq/watchdog.h"

#define CPULIST_BYTES 512

/* --- queues -------------------------------------------------------------------------------- */

struct queue_copy {
	struct rove_wq_view	view;
	char			name[WQ_NAME_MAX];
};

/* By the kernel's order, which has the default first. */
static u32 public_scope(enum pod_scope scope)
{
	return scope - POD_CPU + ROVE_WQ_SCOPE_CPU;
}

/* Not under ->config: who holds that may wait for the lock of the list. */
static void copy_queue(struct rove_workqueue *wq, struct queue_copy *ret)
{
	struct worker_pool *pool = READ_ONCE(wq->shards[0]->pool);

	memcpy(ret->name, wq->name, sizeof(ret->name));
	ret->view = (struct rove_wq_view){
		.flags = wq->flags,
		.scope = public_scope(READ_ONCE(wq->scope)),
		.max_active = READ_ONCE(wq->max_active),
		.nice = pool->key.nice,
		.nr_pools = READ_ONCE(wq->nr_lanes),
		.poll_us = pool->key.poll_ns / NSEC_PER_USEC,
	};
	rove_workqueue_stats(wq, &ret->view.stats, sizeof(ret->view.stats));
}

static int copy_queues(struct queue_copy **ret_queues, size_t *ret_nr)
{
	struct queue_copy *queues;
	struct rove_workqueue *wq;
	size_t nr = 0;

	mutex_lock(&wq_list_lock);
	list_for_each_entry(wq, &wq_list, node)
		nr++;
	queues = calloc(nr + 1, sizeof(*queues));
	nr = 0;
	if (queues)
		list_for_each_entry(wq, &wq_list, node)
			copy_queue(wq, &queues[nr++]);
	mutex_unlock(&wq_list_lock);
	*ret_queues = queues;
	*ret_nr = nr;
	return queues ? 0 : -ENOMEM;
}

/**
 * rove_wq_each - see rove/workqueue_view.h
 */
int rove_wq_each(rove_wq_view_fn *fn, void *arg)
{
	struct queue_copy *queues;
	size_t nr;
	int ret;

	ctx_may_sleep();
	ret = copy_queues(&queues, &nr);
	for (size_t i = 0; !ret && i < nr; i++) {
		queues[i].view.name = queues[i].name;
		ret = fn(arg, &queues[i].view);
	}
	free(queues);
	return ret;
}

/* --- pools --------------------------------------------------------------------------------- */

static void count_workers(const struct worker_pool *pool, struct rove_wq_pool_view *view)
{
	for (u32 id = 1; id < worker_id_end(); id++) {
		const struct worker *w = worker_by_id(id);
		u32 state;

		if (!w || READ_ONCE(w->pool) != pool || !READ_ONCE(w->tid))
			continue;
		state = READ_ONCE(w->state);
		view->nr_idle += state == WORKER_IDLE;
		view->nr_blocked += state == WORKER_BLOCKED || state == WORKER_STALLED;
		view->nr_begun += READ_ONCE(w->nr_begun);
	}
}

static int call_for_pool(const struct view_pool *copy, rove_wq_pool_view_fn *fn, void *arg)
{
	struct worker_pool *pool = copy->pool;
	u32 nr_polling = !!READ_ONCE(pool->poller), nr_running = READ_ONCE(pool->nr_running);
	char cpus[CPULIST_BYTES];
	struct rove_wq_pool_view view = {
		.id = pool->id,
		.bh = pool->key.bh,
		.nice = pool->key.nice,
		.cpus = cpus,
		.nr_workers = READ_ONCE(pool->nr_workers),
		.nr_running = nr_running - min(nr_running, nr_polling),
		.nr_queues = copy->nr_queues,
		.nr_pending = copy->nr_pending,
		.nr_wakeups = copy->nr_wakeups,
		.oldest_pending_ns = copy->oldest_ns,
		.poll_us = pool->key.poll_ns / NSEC_PER_USEC,
		.nr_polling = nr_polling,
		.polled_ns = READ_ONCE(pool->polled_ns),
	};

	view_pool_cpus(pool, cpus, sizeof(cpus));
	count_workers(pool, &view);
	return fn(arg, &view);
}

/**
 * rove_wq_each_pool - see rove/workqueue_view.h
 */
int rove_wq_each_pool(rove_wq_pool_view_fn *fn, void *arg)
{
	struct view_pool *pools;
	u32 nr;
	int ret;

	ctx_may_sleep();
	ret = view_pools(&pools, &nr);
	if (ret)
		return ret;
	for (u32 i = 0; !ret && i < nr; i++)
		ret = call_for_pool(&pools[i], fn, arg);
	free(pools);
	return ret;
}

/* --- works --------------------------------------------------------------------------------- */

/**
 * rove_wq_each_work - see rove/workqueue_view.h
 *
 * What runs is copied first: a work that begins meanwhile is seen in neither place
 * rather than in both, and the next look shows it.
 */
int rove_wq_each_work(rove_wq_work_view_fn *fn, void *arg, uint64_t *ret_missed)
{
	struct view_works works = { 0 };
	int ret;

	ctx_may_sleep();
	ret = view_running(&works, true);
	ret = ret ?: view_pending(&works);
	if (!ret)
		view_name_works(&works);
	for (size_t i = 0; !ret && i < works.nr; i++) {
		struct view_work *v = &works.works[i];

		if (v->worker && v->pool)
			v->view.stalled_ns = watchdog_stalled_ns(v->pool);
		ret = fn(arg, &v->view);
	}
	if (ret_missed)
		*ret_missed = works.missed;
	view_works_fini(&works);
	return ret;
}
