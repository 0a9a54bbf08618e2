/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/dma_buf_pace.h - how soon walks may take new buffers over again
 *
 * A buffer that a walk takes over costs the thread that made it some cache lines, once.
 * So each one has to be made up for by time: what walks have taken is made up for at a
 * moment, ->even_ns, and a walk that may wait does so while that moment is too far ahead.
 * Who walks now and then never waits.  Why, and where the numbers come from:
 * docs/decisions/0007-a-budget-for-walks.md.
 *
 * Not here: whether there is anything to take (dma_buf_list.c).
 */
#ifndef ROVE_OBJECTS_DMA_BUF_PACE_H
#define ROVE_OBJECTS_DMA_BUF_PACE_H

#include "base/clock.h"
#include "base/types.h"

/* How long a CPU needs to make up for one of its buffers: 10,000 a second. */
#define PACE_BUF_NS (100 * NSEC_PER_USEC)
/* So far ahead nobody waits yet: 500 buffers of a CPU at once. */
#define PACE_BURST_NS (50 * NSEC_PER_MSEC)
/* No walk waits longer, whatever was taken before it. */
#define PACE_WAIT_MAX_NS (50 * NSEC_PER_MSEC)

/* A  atomic: orders nothing */
struct pace {
	u64 even_ns;		/* A: CLOCK_MONOTONIC; written under one lock of the caller's */
};

/* Nothing new for so long: nothing is being made.  Longer than a thread's turn on a CPU. */
#define PACE_QUIET_NS (10 * NSEC_PER_MSEC)

/* The time, and how to wait for a moment of it. */
struct pace_clock {
	u64 (*now_ns)(void);
	void (*sleep_until)(u64 ns);
};

/* CLOCK_MONOTONIC, unless a test has put its own here.  Context: thread. */
extern const struct pace_clock *dma_buf_pace_clock;

void pace_taken(struct pace *pace, u32 nr);
u64 pace_due_ns(const struct pace *pace);

#endif
