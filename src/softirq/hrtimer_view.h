/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * softirq/hrtimer_view.h - all armed timers, a part of them at a time
 */
#ifndef ROVE_SOFTIRQ_HRTIMER_VIEW_H
#define ROVE_SOFTIRQ_HRTIMER_VIEW_H

#include "base/types.h"

/* What an armed timer is; programs read it by these names (bpf/iter/timer.c). */
struct timer_view {
	u64 address;		/* an address only: it may be freed any moment */
	u64 function;		/* its callback's address */
	u64 expires_ns;		/* of its clock; not called before it */
	u64 slack_ns;		/* called at most so much later */
	u32 clock;		/* CLOCK_MONOTONIC, CLOCK_REALTIME or CLOCK_BOOTTIME */
	s32 cpu;		/* where its callback runs, or -1 */
};

/* Zero at first.  Owned by one walk. */
struct hrtimer_walk {
	u32			clock;		/* enum softirq_clock */
	u64			from_ns;	/* of it: what has an earlier limit is done with */
	struct timer_view	*timers;	/* the last part */
	u32			nr, room;
};

int hrtimer_walk_next(struct hrtimer_walk *w);
void hrtimer_walk_fini(struct hrtimer_walk *w);

#endif
