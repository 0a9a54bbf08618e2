/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/sample.c - workqueues like a busy server's, made up
 *
 * A thread queues works at random; a work knows what it does by its kind.  Works of
 * the stuck queue wait until the sample ends, more of them than its pool may replace.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <rove/workqueue_view.h>

#include "base/clock.h"
#include "base/context.h"
#include "base/futex.h"
#include "base/list.h"
#include "base/thread.h"
#include "wq/sample.h"

#define WORKS_EACH 8
#define STUCK_QUEUE 3
#define STUCK_LIMIT_NS (200 * NSEC_PER_MSEC)
#define LONGEST_PAUSE_US 2000
#define WARM_UP_ROUNDS 200

enum sample_kind { SHORT, COMPUTES, WAITS_ALOUD, WAITS, NR_KINDS };

struct sample_row {
	const char *name;
	struct rove_wq_options options;
};

static const struct sample_row sample_rows[] = {
	{ "accept", { .flags = ROVE_WQ_HIGHPRI } },
	{ "uploads", { .flags = ROVE_WQ_UNBOUND } },
	{ "journal", { .flags = ROVE_WQ_UNBOUND | ROVE_WQ_ORDERED | ROVE_WQ_MEM_RECLAIM } },
	{ "nfs mounts", { .flags = ROVE_WQ_UNBOUND, .nice = 5, .max_blocked = 1 } },
	{ "thumbnails", { .flags = ROVE_WQ_UNBOUND | ROVE_WQ_CPU_INTENSIVE } },
	{ "resolver", { .flags = ROVE_WQ_UNBOUND, .max_active = 4, .poll_us = 50 } },
	{ "expire", { .flags = ROVE_WQ_BH } },
	{ "statistics", { .flags = ROVE_WQ_FREEZABLE } },
	{ "index", { .flags = ROVE_WQ_UNBOUND, .scope = ROVE_WQ_SCOPE_NUMA } },
	{ "reports", { .flags = ROVE_WQ_UNBOUND, .nice = 10 } },
};

struct sample_work {
	struct rove_work	work;
	struct wq_sample	*sample;
	enum sample_kind	kind;
};

struct sample_queue {
	struct rove_workqueue	*wq;
	struct sample_work	*works;
	u32			nr_works;
};

struct wq_sample {
	struct sample_queue	*queues;
	u32			nr_queues;
	u32			stop;		/* A: a futex; the stuck works wait for it */
	bool			dog;		/* we started the watchdog */
	pthread_t		thread;
	bool			has_thread;
};

static u32 random_below(u64 *state, u32 limit)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (*state >> 33) % limit;
}

/* --- what works do ------------------------------------------------------------------------- */

static void compute_for(u64 ns)
{
	u64 end_ns = clock_mono_ns() + ns;

	while (clock_mono_ns() < end_ns)
		cpu_relax();
}

static void wait_for(u64 ns)
{
	struct timespec ts = { .tv_nsec = ns };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

static void serve_request(struct rove_work *work)
{
	struct sample_work *w = container_of(work, struct sample_work, work);

	switch (w->kind) {
	case COMPUTES:
		compute_for(NSEC_PER_MSEC);
		break;
	case WAITS_ALOUD:
		rove_wq_block_begin();
		wait_for(3 * NSEC_PER_MSEC);
		rove_wq_block_end();
		break;
	case WAITS:
		wait_for(3 * NSEC_PER_MSEC);
		break;
	default:
		compute_for(5 * NSEC_PER_USEC);
	}
}

static void wait_for_server(struct rove_work *work)
{
	struct sample_work *w = container_of(work, struct sample_work, work);

	while (!READ_ONCE(w->sample->stop))
		futex_wait(&w->sample->stop, 0, FUTEX_FOREVER);
}

/* --- making queues ------------------------------------------------------------------------- */

static bool is_stuck(const struct wq_sample *sample, u32 nr)
{
	return nr == STUCK_QUEUE && nr < sample->nr_queues;
}

static enum sample_kind kind_of(const struct rove_wq_options *options, u32 nr)
{
	if (options->flags & ROVE_WQ_BH)
		return SHORT;
	if (options->flags & ROVE_WQ_CPU_INTENSIVE)
		return COMPUTES;
	return nr % NR_KINDS;
}

static int make_queue(struct wq_sample *sample, u32 nr)
{
	const struct sample_row *row = &sample_rows[nr % ARRAY_SIZE(sample_rows)];
	struct rove_wq_options options = row->options;
	struct sample_queue *q = &sample->queues[nr];
	char name[64];
	u32 nr_works = WORKS_EACH;

	if (is_stuck(sample, nr))
		nr_works += 2 * sysconf(_SC_NPROCESSORS_CONF);
	if (!is_stuck(sample, nr))
		options.max_blocked = 0;
	options.size = sizeof(options);
	snprintf(name, sizeof(name), nr < ARRAY_SIZE(sample_rows) ? "%s" : "%s %zu", row->name,
		 nr / ARRAY_SIZE(sample_rows) + 1);
	q->works = calloc(nr_works, sizeof(*q->works));
	if (!q->works)
		return -ENOMEM;
	q->nr_works = nr_works;
	for (u32 i = 0; i < nr_works; i++) {
		q->works[i].sample = sample;
		q->works[i].kind = kind_of(&options, i);
		rove_work_init(&q->works[i].work,
			       is_stuck(sample, nr) ? wait_for_server : serve_request);
	}
	return rove_workqueue_create(name, &options, &q->wq);
}

/* --- keeping them busy --------------------------------------------------------------------- */

static void queue_some(struct wq_sample *sample, u64 *random)
{
	u32 nr = random_below(random, sample->nr_queues);
	struct sample_queue *q = &sample->queues[nr];

	for (u32 i = 0; i < q->nr_works; i++)
		if (is_stuck(sample, nr) || random_below(random, 2))
			rove_queue_work(q->wq, &q->works[i].work);
}

static void *generator_thread(void *arg)
{
	struct wq_sample *sample = arg;
	u64 random = 1;

	while (!READ_ONCE(sample->stop)) {
		queue_some(sample, &random);
		futex_wait(&sample->stop, 0,
			   (1 + random_below(&random, LONGEST_PAUSE_US)) * NSEC_PER_USEC);
	}
	return NULL;
}

static void ignore_stall(void *arg, const struct rove_wq_stall *stall)
{
}

static int find_stalled(void *arg, const struct rove_wq_work_view *work)
{
	return work->stalled_ns > 0;
}

/* A past, so that there is something to see: every queue has had works. */
static void warm_up(struct wq_sample *sample)
{
	u64 random = 2;

	for (u32 nr = 0; nr < sample->nr_queues; nr++)
		for (u32 i = 0; i < sample->queues[nr].nr_works; i++)
			rove_queue_work(sample->queues[nr].wq, &sample->queues[nr].works[i].work);
	for (u32 i = 0; i < WARM_UP_ROUNDS; i++)
		queue_some(sample, &random);
	if (!sample->dog || !is_stuck(sample, STUCK_QUEUE))
		return;
	for (u32 i = 0; i < 40 && rove_wq_each_work(find_stalled, NULL, NULL) != 1; i++)
		wait_for(STUCK_LIMIT_NS / 4);
}

/**
 * wq_sample_start - make queues and keep them busy
 * @ret_sample:  set on success only; end it with wq_sample_stop()
 *
 * Starts the watchdog, which says nothing, if it does not run.
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM or -EAGAIN.
 */
int wq_sample_start(u32 nr_queues, struct wq_sample **ret_sample)
{
	const struct rove_wq_watchdog_opts dog = {
		.size = sizeof(dog), .limit_ns = STUCK_LIMIT_NS, .fn = ignore_stall,
	};
	struct wq_sample *sample = calloc(1, sizeof(*sample));
	int err = sample ? 0 : -ENOMEM;

	ctx_may_sleep();
	if (err)
		return err;
	sample->queues = calloc(nr_queues, sizeof(*sample->queues));
	sample->nr_queues = nr_queues;
	err = sample->queues ? 0 : -ENOMEM;
	for (u32 i = 0; i < nr_queues && !err; i++)
		err = make_queue(sample, i);
	if (!err)
		err = thread_create("rove-wq-sample", generator_thread, sample, &sample->thread);
	if (err) {
		wq_sample_stop(sample);
		return err;
	}
	sample->has_thread = true;
	sample->dog = !rove_wq_watchdog_start(&dog);
	warm_up(sample);
	*ret_sample = sample;
	return 0;
}

/**
 * wq_sample_stop - let the stuck go on, and end the queues
 * @sample:  NULL, or half made
 *
 * Context: may sleep.
 */
void wq_sample_stop(struct wq_sample *sample)
{
	ctx_may_sleep();
	if (!sample)
		return;
	WRITE_ONCE(sample->stop, 1);
	futex_wake(&sample->stop, INT32_MAX);
	if (sample->has_thread)
		thread_join(sample->thread);
	if (sample->dog)
		rove_wq_watchdog_stop();
	for (u32 i = 0; sample->queues && i < sample->nr_queues; i++) {
		rove_workqueue_free(sample->queues[i].wq);
		free(sample->queues[i].works);
	}
	free(sample->queues);
	free(sample);
}
