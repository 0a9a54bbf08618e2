/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/probe.h - what another thread of this process is doing, and what that means
 */
#ifndef ROVE_WQ_PROBE_H
#define ROVE_WQ_PROBE_H

#include "base/clock.h"
#include "base/types.h"

#define PROBE_CPU_INTENSIVE_NS (10 * NSEC_PER_MSEC)	/* the kernel's threshold */

/* The letters of ps(1) are kept; these are the ones that are asked for. */
enum probe_state {
	PROBE_RUNNING = 'R',	/* or it would run, if a CPU were free */
	PROBE_SLEEPING = 'S',
	PROBE_WAITING = 'D',	/* for a device */
	PROBE_UNKNOWN = '?',	/* no such thread, or no /proc */
};

int probe_cpu_ns(u32 tid, u64 *ret_ns);
char probe_state(u32 tid);

enum probe_verdict {
	PROBE_SAYS_NEW,		/* seen for the first time in this work: ask again */
	PROBE_SAYS_RUNS,
	PROBE_SAYS_STARVES,	/* wants a CPU and does not get one */
	PROBE_SAYS_BLOCKED,	/* has not run since the last look, and does not want to */
	PROBE_SAYS_INTENSIVE,	/* has computed for long in this work */
	PROBE_SAYS_GONE,
};

/* What the observer remembers of one worker between two looks; all zero at first. */
struct probe_memory {
	u64	run;		/* which run of a work this is about */
	u64	cpu_ns;		/* at the last look */
	u64	first_cpu_ns;	/* at the first look at this run */
};

enum probe_verdict probe_look(struct probe_memory *memory, u32 tid, u64 run);

#endif
