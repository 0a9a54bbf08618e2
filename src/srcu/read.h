/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu/read.h - the readers' two steps, for inlining
 *
 * A reader counts its beginning and its end, each in whatever slot is near: only
 * the sums matter.  Why that is enough stands above srcu_wait_readers().
 *
 * Ordering: fast slots are ordered by the barrier that a grace period runs on
 *           every CPU; shared slots by srcu.enter -> srcu.scan and
 *           srcu.leave -> srcu.drained (docs/memory-model.md).
 */
#ifndef ROVE_SRCU_READ_H
#define ROVE_SRCU_READ_H

#include "srcu/barrier.h"
#include "srcu/domain.h"

/* Threads differ in the address of their control block; its low bits are the same. */
static inline struct srcu_slot *srcu_shared_slot(struct rove_srcu *dom)
{
	u64 hash = (u64)__builtin_thread_pointer() * 0x9e3779b97f4a7c15ull;

	return &dom->shared[(hash >> 32) & (SRCU_SHARED_SLOTS - 1)];
}

static inline u32 srcu_nr_fast(struct rove_srcu *dom)
{
	/*
	 * ORDER srcu.fast.observe (acquire): the slots are used after they are
	 * said to be there.  Pairs with srcu.fast.publish in srcu_speed_up().
	 */
	return SRCU_PERCPU ? load_acquire(&dom->nr_fast) : 0;
}

/* Context: any. */
static inline int srcu_read_lock(struct rove_srcu *dom)
{
	u32 idx = READ_ONCE(dom->idx);
	u32 nr_fast = srcu_nr_fast(dom);

	if (likely(nr_fast && srcu_percpu_inc(&dom->fast->nr_locks[idx], nr_fast)))
		return idx;
	/*
	 * ORDER srcu.enter (seq_cst): the section's reads come after the count
	 * that announces them.  Pairs with srcu.scan in srcu_sum_locks().
	 */
	fetch_add_seq_cst(&srcu_shared_slot(dom)->nr_locks[idx], 1);
	srcu_fence_after_rmw();
	return idx;
}

/* Context: any. */
static inline void srcu_read_unlock(struct rove_srcu *dom, int idx)
{
	u32 nr_fast = srcu_nr_fast(dom);

	if (likely(nr_fast && srcu_percpu_inc(&dom->fast->nr_unlocks[idx], nr_fast)))
		return;
	/*
	 * ORDER srcu.leave (release): the section's accesses come before the
	 * count of its end.  Pairs with srcu.drained in srcu_sum_unlocks().
	 */
	fetch_add_release(&srcu_shared_slot(dom)->nr_unlocks[idx], 1);
}

#endif
