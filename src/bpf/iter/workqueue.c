/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/iter/workqueue.c - all workqueues, and all pools that serve one
 *
 * They are copied when the walk is opened: each that is there then is shown once, as it
 * was then, whatever comes and goes while the copies are read.  No lock is held and no
 * queue is kept from being freed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rove/workqueue_view.h>

#include "bpf/iter/iter.h"
#include "bpf/iter/wq_view.h"

struct state {
	char	*views;
	u32	view_bytes;
	u32	nr, room;
	u32	at;		/* the first that was not shown */
};

_Static_assert(sizeof(struct state) <= ITER_STATE_BYTES, "state fits");

/* NULL: no memory. */
static void *add_view(struct state *s)
{
	u32 room = max(s->room * 2, 16u);
	char *more;

	if (s->nr == s->room) {
		more = realloc(s->views, (size_t)room * s->view_bytes);
		if (!more)
			return NULL;
		s->views = more;
		s->room = room;
	}
	return memset(s->views + (size_t)s->nr++ * s->view_bytes, 0, s->view_bytes);
}

static void close_walk(void *state)
{
	free(((struct state *)state)->views);
}

static int done(struct state *s, int err)
{
	if (err)
		close_walk(s);
	return err;
}

/* --- queues -------------------------------------------------------------------------------- */

static int add_queue(void *arg, const struct rove_wq_view *wq)
{
	const struct rove_wq_stats *st = &wq->stats;
	struct workqueue_view *v = add_view(arg);

	if (!v)
		return -ENOMEM;
	*v = (struct workqueue_view){
		.flags = wq->flags,
		.scope = wq->scope,
		.max_active = wq->max_active,
		.nr_pools = wq->nr_pools,
		.nice = wq->nice,
		.poll_us = wq->poll_us,
		.started = st->started,
		.completed = st->completed,
		.in_flight = st->in_flight,
		.pending = st->pending,
		.cpu_time_ns = st->cpu_time_ns,
		.cpu_intensive = st->cpu_intensive,
		.cm_wakeups = st->cm_wakeups,
		.repatriated = st->repatriated,
		.mayday = st->mayday,
		.rescued = st->rescued,
		.helped = st->helped,
		.wakeups = st->wakeups,
		.wakeups_saved = st->wakeups_saved,
		.queue_time_ns = st->queue_time_ns,
		.queue_time_max_ns = st->queue_time_max_ns,
		.oldest_pending_ns = st->oldest_pending_ns,
	};
	strncpy(v->name, wq->name, sizeof(v->name) - 1);
	return 0;
}

static int open_queues(void *state, const struct iter_bind *bind)
{
	struct state *s = state;

	s->view_bytes = sizeof(struct workqueue_view);
	return done(s, rove_wq_each(add_queue, s));
}

/* --- pools --------------------------------------------------------------------------------- */

static int add_pool(void *arg, const struct rove_wq_pool_view *pool)
{
	struct worker_pool_view *v = add_view(arg);

	if (!v)
		return -ENOMEM;
	*v = (struct worker_pool_view){
		.id = pool->id,
		.bh = pool->bh,
		.nice = pool->nice,
		.nr_workers = pool->nr_workers,
		.nr_idle = pool->nr_idle,
		.nr_running = pool->nr_running,
		.nr_blocked = pool->nr_blocked,
		.nr_queues = pool->nr_queues,
		.nr_pending = pool->nr_pending,
		.nr_begun = pool->nr_begun,
		.nr_wakeups = pool->nr_wakeups,
		.oldest_pending_ns = pool->oldest_pending_ns,
		.poll_us = pool->poll_us,
		.nr_polling = pool->nr_polling,
		.polled_ns = pool->polled_ns,
	};
	strncpy(v->cpus, pool->cpus, sizeof(v->cpus) - 1);
	return 0;
}

static int open_pools(void *state, const struct iter_bind *bind)
{
	struct state *s = state;

	s->view_bytes = sizeof(struct worker_pool_view);
	return done(s, rove_wq_each_pool(add_pool, s));
}

/* --- both ---------------------------------------------------------------------------------- */

static void *at(struct state *s)
{
	return s->at < s->nr ? s->views + (size_t)s->at * s->view_bytes : NULL;
}

static void *start(void *state)
{
	return at(state);
}

static void *next(void *state, void *obj)
{
	struct state *s = state;

	s->at++;
	return at(s);
}

static void show(void *state, void *obj, u64 *words)
{
	words[0] = (uintptr_t)obj;
}

const struct iter_ops iter_ops_workqueue = {
	.open = open_queues, .start = start, .next = next, .close = close_walk, .show = show,
};

const struct iter_ops iter_ops_worker_pool = {
	.open = open_pools, .start = start, .next = next, .close = close_walk, .show = show,
};
