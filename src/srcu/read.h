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

/*
 * Sections that a thread has begun and ended, by ->name and index: read by fork.c only.  Two
 * counts, because one that is changed twice in a row makes the second change wait for the first.
 */
struct srcu_own {
	u32 nr_begun[2];
	u32 nr_ended[2];
};

/* Signal handlers of the thread change them, too, and then put back the difference. */
extern __thread struct srcu_own srcu_own[SRCU_OWN_NAMES]
	__attribute__((tls_model("initial-exec")));

/* Context: any, once ->own is set.  @offset: of a count in struct srcu_own. */
static inline void srcu_own_inc(struct rove_srcu *dom, size_t offset, u32 idx)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
	__asm__ volatile("incl %%fs:%c[offset](%[own], %[idx], 4)"
			 : : [own] "r"(dom->own), [idx] "r"((u64)idx), [offset] "i"(offset)
			 : "memory", "cc");
#else
	u32 *count = (u32 *)((char *)__builtin_thread_pointer() + dom->own + offset) + idx;

	WRITE_ONCE(*count, READ_ONCE(*count) + 1);
#endif
}

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

	if (likely(nr_fast && srcu_percpu_inc(dom->rseq, &dom->fast->nr_locks[idx], nr_fast))) {
		srcu_own_inc(dom, offsetof(struct srcu_own, nr_begun), idx);
		return idx;
	}
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

	if (likely(nr_fast && srcu_percpu_inc(dom->rseq, &dom->fast->nr_unlocks[idx], nr_fast))) {
		srcu_own_inc(dom, offsetof(struct srcu_own, nr_ended), idx);
		return;
	}
	srcu_read_unlock_slow(dom, idx);
}

#endif
