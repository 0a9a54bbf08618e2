/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/wakeup_count.c - the handshake that lets a suspend be refused
 *
 * Who wants to suspend reads the count of events handled so far, does what must
 * be done before, and gives the count back: if it is still the same, and nothing
 * is being handled, events are watched from then on, and any of them makes the
 * suspend be given up.
 *
 * Invariant: both halves of ->combined change in one step, so that an event is
 *            at every moment either being handled or handled.
 * Ordering:  count.change -> count.wait (docs/memory-model.md).
 */
#include <errno.h>

#include "base/context.h"
#include "base/futex.h"
#include "objects/wakeup_event.h"

#define HANDLED_ONE (1ull << 32)

struct split_count {
	u32 nr_handled;
	u32 nr_in_progress;
};

/*
 * L  written under ->lock
 * A  atomic; the ORDER tag at each access says why
 */
static struct {
	u64		combined;	/* A: high half handled, low half in progress */
	struct mutex	lock;		/* leaf */
	bool		checked;	/* L: events are watched */
	u32		saved;		/* L: handled when they began to be */
	u32		nr_waiters;	/* A: for nothing in progress */
	u32		idle_word;	/* A: changes when that is so; a futex */
} counts;

static struct split_count count_split(void)
{
	/*
	 * ORDER count.wait (seq_cst): a waiter looks after it has announced
	 * itself.  Pairs with count.change in wakeup_count_end().
	 */
	u64 combined = load_seq_cst(&counts.combined);

	return (struct split_count){
		.nr_handled = combined >> 32,
		.nr_in_progress = (u32)combined,
	};
}

/**
 * wakeup_count_checked - are events watched?
 *
 * Context: any.
 */
bool wakeup_count_checked(void)
{
	ctx_any();
	return READ_ONCE(counts.checked);
}

/**
 * wakeup_count_begin - one more event is being handled
 *
 * Context: any.
 */
void wakeup_count_begin(void)
{
	ctx_any();
	fetch_add_seq_cst(&counts.combined, 1);
}

/**
 * wakeup_count_end - an event that was being handled is handled
 *
 * Context: thread.
 */
void wakeup_count_end(void)
{
	u64 before;

	ctx_thread();
	/*
	 * ORDER count.change (seq_cst): before the look for waiters.  Either this
	 * finds the waiter, or the waiter finds the new count.  Pairs with
	 * count.wait in count_split().
	 */
	before = fetch_add_seq_cst(&counts.combined, HANDLED_ONE - 1);
	if ((u32)before != 1 || !load_seq_cst(&counts.nr_waiters))
		return;
	fetch_add_seq_cst(&counts.idle_word, 1);
	futex_wake(&counts.idle_word, INT32_MAX);
}

/**
 * rove_pm_get_wakeup_count - see rove/wakeup.h
 */
bool rove_pm_get_wakeup_count(uint32_t *ret_count)
{
	struct split_count now = count_split();

	ctx_thread();
	*ret_count = now.nr_handled;
	return !now.nr_in_progress;
}

static void wait_idle(u64 deadline_ns)
{
	for (;;) {
		u32 word = load_seq_cst(&counts.idle_word);
		u64 now = clock_mono_ns();

		if (!count_split().nr_in_progress || now >= deadline_ns)
			return;
		futex_wait(&counts.idle_word, word,
			   deadline_ns == FUTEX_FOREVER ? FUTEX_FOREVER : deadline_ns - now);
	}
}

/**
 * rove_pm_wait_wakeup_count - see rove/wakeup.h
 */
bool rove_pm_wait_wakeup_count(uint32_t *ret_count, int timeout_ms)
{
	ctx_may_sleep();
	fetch_add_seq_cst(&counts.nr_waiters, 1);
	wait_idle(timeout_ms < 0 ? FUTEX_FOREVER : clock_mono_ns() + timeout_ms * NSEC_PER_MSEC);
	fetch_add_seq_cst(&counts.nr_waiters, -1);
	return rove_pm_get_wakeup_count(ret_count);
}

/**
 * rove_pm_save_wakeup_count - see rove/wakeup.h
 */
bool rove_pm_save_wakeup_count(uint32_t count)
{
	struct split_count now;
	bool same;

	ctx_thread();
	mutex_lock(&counts.lock);
	now = count_split();
	same = now.nr_handled == count && !now.nr_in_progress;
	if (same)
		counts.saved = count;
	WRITE_ONCE(counts.checked, same);
	mutex_unlock(&counts.lock);
	return same;
}

/**
 * rove_pm_wakeup_pending - see rove/wakeup.h
 */
bool rove_pm_wakeup_pending(void)
{
	struct split_count now;
	bool pending = false;

	ctx_thread();
	mutex_lock(&counts.lock);
	if (counts.checked) {
		now = count_split();
		pending = now.nr_handled != counts.saved || now.nr_in_progress;
		WRITE_ONCE(counts.checked, !pending);
	}
	mutex_unlock(&counts.lock);
	return pending;
}
