/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/fork.h - queues go on in a child of fork(), empty
 *
 * Ordering:  fork.look -> fork.start (docs/memory-model.md).
 */
#ifndef ROVE_WQ_FORK_H
#define ROVE_WQ_FORK_H

#include <rove/workqueue.h>

#include "base/mutex.h"
#include "base/types.h"
#include "wq/work_state.h"

extern u32 fork_threads_wanted;	/* A: this is a child, and has no thread of ours yet */

void fork_prepare(void);
int fork_start_threads(void);
u64 work_settle_parents(struct rove_work *work);

/* Context: any.  True: what was queued is run after fork_start_threads() only. */
static inline bool fork_no_threads(void)
{
	/*
	 * ORDER fork.look (seq_cst): after the works are in their shard.  Either the threads
	 * are there, or whoever starts them finds the works.  Pairs with fork.start in
	 * fork_start_threads().
	 */
	return load_seq_cst(&fork_threads_wanted);
}

/**
 * work_settle - make a work idle that is pending in the process that forked this one
 *
 * Before anything is done with a work that depends on whether it is pending.
 *
 * Context: any.
 * Return:  its state.
 */
static inline u64 work_settle(struct rove_work *work)
{
	/*
	 * ORDER work.queue (acquire): who finds that it has begun finds the worker in it.
	 * Pairs with work.begin in work_state_begin().
	 */
	u64 state = load_acquire(&work->state);

	return unlikely(work_state_is_parents(state)) ? work_settle_parents(work) : state;
}

/* The locks under which what a child needs is complete; outermost first. */
extern struct mutex system_lock, default_cpus_lock, pools_lock;
struct mutex *workers_lock(void);
struct mutex *shards_lock(void);

/* What each file does for it, in the child. */
void watch_forget(void);
void workers_stop(void);
void workers_refill(void);
void shards_empty(void);
void shards_refill(void);
void pools_empty(void);
void machine_forget(void);
void manager_forget(void);
void freeze_forget(void);

#endif
