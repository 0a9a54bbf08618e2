/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/bh.c - pools whose worker is the softirq thread
 *
 * Such a pool is kicked at once, whoever runs: an irq_work takes works and runs them.
 * It gives others of that thread their turn after some time.
 *
 * Not here: threads.  A bottom half may not wait, so there is nobody to replace.
 */
#include <errno.h>
#include <stdlib.h>

#include <rove/irq_work.h>

#include "base/clock.h"
#include "wq/bh.h"
#include "wq/pool.h"

/* The kernel's: so long, then the others. */
#define BH_TURN_NS (2 * NSEC_PER_MSEC)

struct bh {
	struct rove_irq_work	irq;
	struct worker		*worker;
	struct worker_pool	*pool;
};

static int adopt_worker(struct bh *bh, struct worker *w)
{
	if (!w)
		return -ENOMEM;
	w->pool = bh->pool;
	w->state = WORKER_INTENSIVE;	/* is not counted */
	bh->worker = w;
	return 0;
}

static void bh_run(struct rove_irq_work *irq)
{
	struct bh *bh = container_of(irq, struct bh, irq);
	u64 end_ns = clock_mono_ns() + BH_TURN_NS;

	/* Only after a function that called fork() here: see bh_restart(). */
	if (unlikely(!bh->worker) && adopt_worker(bh, worker_alloc())) {
		rove_irq_work_queue(irq);
		return;
	}
	do {
		while (pool_take(bh->pool, bh->worker)) {
			if (unlikely(!worker_run_batch(bh->worker, 0)))
				return;
			if (clock_mono_ns() > end_ns) {
				rove_irq_work_queue(irq);
				return;
			}
		}
	} while (!pool_quiet(bh->pool));
	/* What was told since: whoever told has queued us, or finds us not pending. */
}

/**
 * bh_kick - a pool has works
 *
 * Context: any.
 */
void bh_kick(struct worker_pool *pool)
{
	rove_irq_work_queue(&pool->bh->irq);
}

/*
 * In a child of fork(), where the old worker may be in a work still: the one that called
 * fork().  Context: the only thread.
 */
void bh_restart(struct worker_pool *pool)
{
	struct bh *bh = pool->bh;
	struct worker *old = bh->worker;

	for (struct worker *w = worker_self; w; w = w->outer) {
		if (w == old)
			bh->worker = NULL;
	}
	if (bh->worker)
		adopt_worker(bh, old);
	rove_irq_work_init(&bh->irq, bh_run);
}

/**
 * bh_start - give a pool its worker
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM or -EAGAIN.
 */
int bh_start(struct worker_pool *pool)
{
	int err = rove_softirq_start();
	struct bh *bh;

	if (err || pool->bh)
		return err;
	bh = calloc(1, sizeof(*bh));
	if (!bh)
		return -ENOMEM;
	bh->pool = pool;
	if (adopt_worker(bh, worker_alloc())) {
		free(bh);
		return -ENOMEM;
	}
	rove_irq_work_init(&bh->irq, bh_run);
	pool->bh = bh;
	return 0;
}
