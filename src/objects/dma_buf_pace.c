/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/dma_buf_pace.c - what walks have taken, and when that is made up for
 *
 * One moment is enough, as with a bucket that leaks: it goes ahead by a fixed time for
 * each buffer taken, and now catches up with it by itself.
 *
 * Invariant: the moment is never more than PACE_BURST_NS + PACE_WAIT_MAX_NS ahead, so
 *            nobody waits longer than PACE_WAIT_MAX_NS.
 */
#include "base/atomic.h"
#include "base/context.h"
#include "base/futex.h"
#include "objects/dma_buf_pace.h"

/* Not by clock_nanosleep(2) of libc, where a thread may be cancelled. */
static void sleep_until(u64 ns)
{
	const u32 nobody_writes = 0;
	u64 now_ns;

	while ((now_ns = clock_mono_ns()) < ns)
		futex_wait(&nobody_writes, 0, ns - now_ns);
}

static const struct pace_clock monotonic = {
	.now_ns = clock_mono_ns, .sleep_until = sleep_until,
};

const struct pace_clock *dma_buf_pace_clock = &monotonic;

/**
 * pace_taken - a walk has taken buffers over
 * @nr:  the most of one CPU
 *
 * Context: thread, under the lock that ->even_ns is written under.
 */
void pace_taken(struct pace *pace, u32 nr)
{
	u64 now_ns, even_ns;

	ctx_thread();
	now_ns = dma_buf_pace_clock->now_ns();
	even_ns = max(pace->even_ns, now_ns) + nr * PACE_BUF_NS;
	WRITE_ONCE(pace->even_ns, min(even_ns, now_ns + PACE_BURST_NS + PACE_WAIT_MAX_NS));
}

/**
 * pace_due_ns - when may the next walk begin that takes buffers over?
 *
 * Context: thread.
 * Return:  0: at once; or a time of the clock.
 */
u64 pace_due_ns(const struct pace *pace)
{
	u64 even_ns;

	ctx_thread();
	even_ns = READ_ONCE(pace->even_ns);
	if (even_ns <= PACE_BURST_NS || even_ns - PACE_BURST_NS <= dma_buf_pace_clock->now_ns())
		return 0;
	return even_ns - PACE_BURST_NS;
}
