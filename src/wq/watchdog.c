/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/watchdog.c - pools that get nothing done are reported
 *
 * A pool stalls when works wait that might run and none begins.  The watchdog is a
 * thread of its own, so no worker is needed to find out; it is told nothing, it looks
 * a few times in each limit, so works pay nothing for it.
 *
 * Works that their queue holds back (max_active, freezing) are not waiting for the pool.
 * Of those that max_active holds back the queue is watched: an ordered queue is stuck when
 * its one work does not end, whatever else its pool gets done.
 *
 * Not here:  letting another worker run when one waits (the manager's, at once).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/context.h"
#include "base/futex.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "wq/view.h"
#include "wq/watchdog.h"

#define DEFAULT_LIMIT_NS (30 * NSEC_PER_SEC)
#define LOOKS_A_LIMIT 4
#define CPULIST_BYTES 512
#define MOST_LINES 16

/* A pool, or a queue that holds works back, as it was at the first look that found it so. */
struct watched {
	const void		*what;
	bool			seen;		/* by this look */
	bool			is_queue;
	u64			progress;	/* changes when anything begins */
	u64			since_ns;
	u64			report_ns;	/* stalled for so long: report */
	u64			stalled_ns;	/* at the last look; 0: not for the limit */
};

/*
 * I  set before the thread runs, never changed while it does
 * A  atomic
 * M  under ->memory_lock
 */
struct watchdog {
	pthread_t		thread;		/* I */
	u32			stop;		/* A: a futex */
	u64			limit_ns;	/* I */
	void			(*fn)(void *arg, const struct rove_wq_stall *stall);	/* I */
	void			*arg;		/* I */
	struct mutex		memory_lock;	/* leaf */
	struct watched		*watched;	/* M */
	u32			nr_watched;	/* M */
};

static struct mutex lock;		/* outside of ->memory_lock */
static struct watchdog *running;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* --- memory -------------------------------------------------------------------------------- */

static struct watched *remember(struct watchdog *dog, const void *what, bool is_queue, u64 now_ns)
{
	struct watched *more;

	for (u32 i = 0; i < dog->nr_watched; i++) {
		if (dog->watched[i].what == what)
			return &dog->watched[i];
	}
	more = realloc(dog->watched, (dog->nr_watched + 1) * sizeof(*more));
	if (!more)
		return NULL;
	dog->watched = more;
	more += dog->nr_watched++;
	*more = (struct watched){ .what = what, .is_queue = is_queue, .since_ns = now_ns };
	return more;
}

/* Queues come and go; one that holds nothing back any more is as good as gone. */
static void forget_queues(struct watchdog *dog)
{
	mutex_lock(&dog->memory_lock);
	for (u32 i = dog->nr_watched; i-- > 0;) {
		if (dog->watched[i].is_queue && !dog->watched[i].seen)
			dog->watched[i] = dog->watched[--dog->nr_watched];
		else
			dog->watched[i].seen = false;
	}
	mutex_unlock(&dog->memory_lock);
}

/* --- reports ------------------------------------------------------------------------------- */

static double seconds(u64 ns)
{
	return (double)ns / NSEC_PER_SEC;
}

static void say_on_stderr(void *arg, const struct rove_wq_stall *stall)
{
	if (stall->held_back)
		fprintf(stderr, "rove: workqueue '%s': %" PRIu64 " works wait for others of it, "
			"and none has begun since %.1f s\n", stall->queue, stall->nr_pending,
			seconds(stall->stalled_ns));
	else
		fprintf(stderr, "rove: workqueue pool %u (cpus %s): %" PRIu64 " works wait, of "
			"'%s' the longest, and none has begun since %.1f s\n", stall->pool,
			stall->cpus, stall->nr_pending, stall->queue, seconds(stall->stalled_ns));
	for (u32 i = 0; i < stall->nr_running && i < MOST_LINES; i++) {
		const struct rove_wq_work_view *v = &stall->running[i];

		fprintf(stderr, "rove: workqueue pool %u: worker tid %u (%s) state %c in %s of "
			"'%s' since %.1f s\n", stall->pool, v->tid, v->comm, v->thread_state,
			v->function, v->queue, seconds(v->age_ns));
	}
	if (!stall->nr_running)
		fprintf(stderr, "rove: workqueue pool %u: no worker runs\n", stall->pool);
}

/* What runs of a queue, or in a pool. */
static u32 pick_running(const struct view_works *works, const void *what, u64 stalled_ns,
			struct rove_wq_work_view *ret)
{
	u32 nr = 0;

	for (size_t i = 0; i < works->nr; i++) {
		if (works->works[i].pool != what && works->works[i].wq != what)
			continue;
		ret[nr] = works->works[i].view;
		ret[nr++].stalled_ns = stalled_ns;
	}
	return nr;
}

/* @what: the pool or queue; @stall has the rest of it. */
static void report(struct watchdog *dog, const void *what, const struct worker_pool *pool,
		   struct rove_wq_stall stall, const struct view_works *works)
{
	struct rove_wq_work_view *views = calloc(works->nr + 1, sizeof(*views));
	char cpus[CPULIST_BYTES];

	stall.pool = pool->id;
	stall.cpus = cpus;
	stall.running = views;
	if (views)
		stall.nr_running = pick_running(works, what, stall.stalled_ns, views);
	view_pool_cpus(pool, cpus, sizeof(cpus));
	dog->fn(dog->arg, &stall);
	free(views);
}

/* --- looking ------------------------------------------------------------------------------- */

/* Return: for how long nothing has begun although it might; 0: something has. */
static u64 stalled_since(struct watched *known, bool waits, u64 progress, u64 now_ns)
{
	if (!waits || known->progress != progress) {
		known->progress = progress;
		known->since_ns = now_ns;
		known->report_ns = 0;
		return 0;
	}
	return now_ns - known->since_ns;
}

/* Return: how long it has stalled, if that is to be reported now; else 0. */
static u64 look_at(struct watchdog *dog, const void *what, bool is_queue, bool waits, u64 progress)
{
	u64 now_ns = clock_mono_ns(), stalled_ns = 0;
	struct watched *known;

	mutex_lock(&dog->memory_lock);
	known = remember(dog, what, is_queue, now_ns);
	if (known) {
		known->seen = true;
		stalled_ns = stalled_since(known, waits, progress, now_ns);
		if (stalled_ns < dog->limit_ns)
			stalled_ns = 0;
		known->stalled_ns = stalled_ns;
		if (stalled_ns < known->report_ns)
			stalled_ns = 0;
		else if (stalled_ns)
			known->report_ns = stalled_ns * 2;
	}
	mutex_unlock(&dog->memory_lock);
	return stalled_ns;
}

static void look_at_pools(struct watchdog *dog, struct view_works *works)
{
	struct view_pool *pools = NULL;
	u32 nr = 0;

	if (view_pools(&pools, &nr))
		return;
	for (u32 i = 0; i < nr; i++) {
		const struct view_pool *p = &pools[i];
		u64 stalled_ns = look_at(dog, p->pool, false, p->nr_runnable, p->progress);

		if (!stalled_ns)
			continue;
		view_name_works(works);
		report(dog, p->pool, p->pool, (struct rove_wq_stall){
			.stalled_ns = stalled_ns,
			.nr_pending = p->nr_pending,
			.queue = p->oldest_queue,
		}, works);
	}
	free(pools);
}

static void look_at_queues(struct watchdog *dog, struct view_works *works)
{
	struct view_queue *queues = NULL;
	u32 nr = 0;

	if (view_held_queues(&queues, &nr))
		return;
	for (u32 i = 0; i < nr; i++) {
		const struct view_queue *q = &queues[i];
		u64 stalled_ns = look_at(dog, q->wq, true, true, q->progress);

		if (!stalled_ns || !q->pool)
			continue;
		view_name_works(works);
		report(dog, q->wq, q->pool, (struct rove_wq_stall){
			.stalled_ns = stalled_ns,
			.nr_pending = q->nr_held,
			.queue = q->name,
			.held_back = true,
		}, works);
	}
	free(queues);
	forget_queues(dog);
}

/* Out of memory: the next look may have more luck. */
static void look(struct watchdog *dog)
{
	struct view_works works = { 0 };

	if (!view_running(&works, false)) {
		look_at_pools(dog, &works);
		look_at_queues(dog, &works);
	}
	view_works_fini(&works);
}

static void *watchdog_thread(void *arg)
{
	struct watchdog *dog = arg;

	while (!READ_ONCE(dog->stop)) {
		look(dog);
		futex_wait(&dog->stop, 0, max(dog->limit_ns / LOOKS_A_LIMIT, NSEC_PER_MSEC));
	}
	return NULL;
}

/* --- on and off ---------------------------------------------------------------------------- */

/* In the child: the thread is the parent's. */
static void forget_after_fork(void)
{
	mutex_init(&lock);
	running = NULL;
}

static void register_fork(void)
{
	pthread_atfork(NULL, NULL, forget_after_fork);
}

static int watchdog_create(const struct rove_wq_watchdog_opts *opts, struct watchdog **ret_dog)
{
	struct watchdog *dog = calloc(1, sizeof(*dog));
	int err;

	if (!dog)
		return -ENOMEM;
	dog->limit_ns = opts->limit_ns ?: DEFAULT_LIMIT_NS;
	dog->fn = opts->fn ?: say_on_stderr;
	dog->arg = opts->arg;
	err = thread_create("rove-wq-dog", watchdog_thread, dog, &dog->thread);
	if (err) {
		free(dog);
		return err;
	}
	*ret_dog = dog;
	return 0;
}

/**
 * rove_wq_watchdog_start - see rove/workqueue_view.h
 */
int rove_wq_watchdog_start(const struct rove_wq_watchdog_opts *opts)
{
	struct rove_wq_watchdog_opts defaults = { .size = sizeof(defaults) };
	int err = -EBUSY;

	ctx_may_sleep();
	if (!opts)
		opts = &defaults;
	if (opts->size != sizeof(*opts))
		return -EINVAL;
	pthread_once(&once, register_fork);
	mutex_lock(&lock);
	if (!running)
		err = watchdog_create(opts, &running);
	mutex_unlock(&lock);
	return err;
}

/**
 * rove_wq_watchdog_stop - see rove/workqueue_view.h
 */
void rove_wq_watchdog_stop(void)
{
	struct watchdog *dog;

	ctx_may_sleep();
	mutex_lock(&lock);
	dog = running;
	running = NULL;
	mutex_unlock(&lock);
	if (!dog)
		return;
	WRITE_ONCE(dog->stop, 1);
	futex_wake(&dog->stop, 1);
	thread_join(dog->thread);
	free(dog->watched);
	free(dog);
}

/**
 * watchdog_stalled_ns - for how long a pool has been stalled, as far as is known
 *
 * Context: may sleep.
 * Return:  0: it is not, or no watchdog runs.
 */
u64 watchdog_stalled_ns(const struct worker_pool *pool)
{
	u64 stalled_ns = 0;

	ctx_may_sleep();
	mutex_lock(&lock);
	if (running) {
		mutex_lock(&running->memory_lock);
		for (u32 i = 0; i < running->nr_watched; i++)
			if (running->watched[i].what == pool)
				stalled_ns = running->watched[i].stalled_ns;
		mutex_unlock(&running->memory_lock);
	}
	mutex_unlock(&lock);
	return stalled_ns;
}
