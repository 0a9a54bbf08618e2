/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/block.c - a worker that waits lets another one run
 */
#include "wq/block.h"
#include "wq/pool.h"

/*
 * The thread's own worker: what it helps with from inside a work is the same thread's.  The
 * softirq thread is none that could be replaced.
 */
static struct worker *thread_worker(void)
{
	struct worker *w = worker_self;

	while (w && w->outer)
		w = w->outer;
	return w && w->pool && !w->pool->key.bh ? w : NULL;
}

/**
 * block_begin - the thread is about to wait; if it is a worker, that counts
 *
 * Context: thread, under no lock.
 */
void block_begin(struct block *block)
{
	struct worker *w;

	ctx_thread();
	for (w = worker_self; w; w = w->outer)
		worker_give_back(w);
	block->worker = thread_worker();
	if (block->worker && !block->worker->block_depth++) {
		w = block->worker;
		if (w->shard)
			fetch_add_relaxed(&w->shard->nr_cm_wakeups, 1);
		worker_uncount(w, WORKER_BLOCKED);
	}
}

/* Context: thread. */
void block_end(struct block *block)
{
	if (block->worker && !--block->worker->block_depth)
		worker_recount(block->worker);
}

/**
 * rove_wq_block_begin - see rove/workqueue.h
 */
void rove_wq_block_begin(void)
{
	struct block block;

	block_begin(&block);
}

/**
 * rove_wq_block_end - see rove/workqueue.h
 */
void rove_wq_block_end(void)
{
	struct block block = { .worker = thread_worker() };

	block_end(&block);
}
