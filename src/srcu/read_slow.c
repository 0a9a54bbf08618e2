/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu/read_slow.c - readers without a fast slot, and readers that are watched
 *
 * Where per-CPU slots cannot be had, readers share a few that any thread may hit.
 * A watched domain hides its fast slots from readers, so that they come here; they
 * still count in them, and leave a record.
 *
 * Ordering: srcu.enter -> srcu.scan and srcu.leave -> srcu.drained for shared slots
 *           (docs/memory-model.md).
 */
#include "base/context.h"
#include "srcu/read.h"
#include "srcu/watch.h"

/* An index with a record's tag above it; the lowest bit is the index. */
#define TAG_SHIFT 1

/* Threads differ in the address of their control block; its low bits are the same. */
static struct srcu_slot *shared_slot(struct rove_srcu *dom)
{
	u64 hash = (u64)__builtin_thread_pointer() * 0x9e3779b97f4a7c15ull;

	return &dom->shared[(hash >> 32) & (SRCU_SHARED_SLOTS - 1)];
}

static u32 nr_slots(struct rove_srcu *dom)
{
	/*
	 * ORDER srcu.fast.observe (acquire): as in srcu_nr_fast().  Pairs with
	 * srcu.fast.publish in srcu_speed_up().
	 */
	return SRCU_PERCPU ? load_acquire(&dom->nr_slots) : 0;
}

static void count_begin(struct rove_srcu *dom, u32 idx)
{
	u32 nr = nr_slots(dom);

	if (nr && srcu_percpu_inc(dom->rseq, &dom->fast->nr_locks[idx], nr))
		return;
	/*
	 * ORDER srcu.enter (seq_cst): the section's reads come after the count
	 * that announces them.  Pairs with srcu.scan in srcu_sum_locks().
	 */
	fetch_add_seq_cst(&shared_slot(dom)->nr_locks[idx], 1);
	srcu_fence_after_rmw();
}

static void count_end(struct rove_srcu *dom, u32 idx)
{
	u32 nr = nr_slots(dom);

	if (nr && srcu_percpu_inc(dom->rseq, &dom->fast->nr_unlocks[idx], nr))
		return;
	/*
	 * ORDER srcu.leave (release): the section's accesses come before the
	 * count of its end.  Pairs with srcu.drained in srcu_sum_unlocks().
	 */
	fetch_add_release(&shared_slot(dom)->nr_unlocks[idx], 1);
}

/* Only inside a section: a watch lives as long as those that have begun. */
static struct srcu_watch *srcu_watch_of(struct rove_srcu *dom)
{
	/*
	 * ORDER srcu.watch.observe (acquire): records are used after they are
	 * there.  Pairs with srcu.watch.publish in rove_srcu_watch().
	 */
	return load_acquire(&dom->watch);
}

/**
 * srcu_read_lock_slow - begin a section, counted anywhere and recorded if watched
 * @idx:    0 or 1, what the domain said
 * @where:  the caller's code, for messages; NULL: the place of this call
 *
 * Context: any.
 * Return:  the index to end the section with.
 */
__attribute__((noinline))
int srcu_read_lock_slow(struct rove_srcu *dom, u32 idx, const void *where)
{
	struct srcu_watch *watch;

	ctx_any();
	srcu_own[dom->name].nr_begun[idx]++;
	count_begin(dom, idx);
	watch = srcu_watch_of(dom);
	if (unlikely(watch))
		idx |= srcu_watch_enter(watch, idx, where ?: __builtin_return_address(0))
		       << TAG_SHIFT;
	return idx;
}

/**
 * srcu_read_unlock_slow - end a section that any thread began
 * @idx:  what srcu_read_lock_slow() or srcu_read_lock() gave
 *
 * Context: any.
 */
__attribute__((noinline))
void srcu_read_unlock_slow(struct rove_srcu *dom, u32 idx)
{
	struct srcu_watch *watch = srcu_watch_of(dom);

	ctx_any();
	if (unlikely(watch && idx >> TAG_SHIFT))
		srcu_watch_leave(watch, idx >> TAG_SHIFT);
	count_end(dom, idx & 1);
	srcu_own[dom->name].nr_ended[idx & 1]++;
}
