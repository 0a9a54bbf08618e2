/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu/read.h - the readers' two steps, for inlining
 *
 * A reader counts its beginning and its end, each in whatever slot is near: only
 * the sums matter.  Why that is enough stands above srcu_wait_readers().
 *
 * Ordering: fast slots are ordered by the barrier that a grace period runs on
 *           every CPU; shared slots by what read_slow.c says
 *           (docs/memory-model.md).
 * Not here: readers without a fast slot, and watched ones (read_slow.c).
 */
#ifndef ROVE_SRCU_READ_H
#define ROVE_SRCU_READ_H

#include "srcu/barrier.h"
#include "srcu/domain.h"

int srcu_read_lock_slow(struct rove_srcu *dom, u32 idx, const void *where);
void srcu_read_unlock_slow(struct rove_srcu *dom, u32 idx);

static inline u32 srcu_nr_fast(struct rove_srcu *dom)
{
	/*
	 * ORDER srcu.fast.observe (acquire): the slots are used after they are
	 * said to be there.  Pairs with srcu.fast.publish in srcu_speed_up().
	 */
	return SRCU_PERCPU ? load_acquire(&dom->nr_fast) : 0;
}

/**
 * srcu_read_lock_from - begin a read section
 * @where:  the caller's code, for messages; NULL: here
 *
 * Context: any.
 * Return:  the index to end it with.
 */
static inline int srcu_read_lock_from(struct rove_srcu *dom, const void *where)
{
	u32 idx = READ_ONCE(dom->idx);
	u32 nr_fast = srcu_nr_fast(dom);

	if (likely(nr_fast && srcu_percpu_inc(dom->rseq, &dom->fast->nr_locks[idx], nr_fast)))
		return idx;
	return srcu_read_lock_slow(dom, idx, where);
}

/* Context: any. */
static inline int srcu_read_lock(struct rove_srcu *dom)
{
	return srcu_read_lock_from(dom, NULL);
}

/*
 * Context: any.  Where there are fast slots @idx is 0 or 1: see rove_srcu_unwatch().
 */
static inline void srcu_read_unlock(struct rove_srcu *dom, int idx)
{
	u32 nr_fast = srcu_nr_fast(dom);

	if (likely(nr_fast && srcu_percpu_inc(dom->rseq, &dom->fast->nr_unlocks[idx], nr_fast)))
		return;
	srcu_read_unlock_slow(dom, idx);
}

#endif
