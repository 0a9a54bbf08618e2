/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * softirq/cpu.c - the thread goes where a pinned function wants to run
 *
 * Invariant: ->bound_cpu is -1, or the one CPU on which the thread may run until
 *            softirq_move_anywhere(), which it calls before it sleeps.
 */
#include <sched.h>

#include "base/context.h"
#include "softirq/softirq.h"

static cpu_set_t anywhere;	/* the thread only: where it could run before */

/**
 * softirq_move_to - run on @cpu from now on, if this thread may
 *
 * The set is read each time the thread leaves it, because somebody may have changed it.
 *
 * Context: the thread; may wait for the migration.
 */
void softirq_move_to(int cpu)
{
	cpu_set_t one;

	check(softirq_is_this_thread());
	if (cpu == softirq.bound_cpu || cpu >= CPU_SETSIZE)
		return;
	if (softirq.bound_cpu < 0 && sched_getaffinity(0, sizeof(anywhere), &anywhere))
		return;
	if (!CPU_ISSET(cpu, &anywhere))
		return;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (!sched_setaffinity(0, sizeof(one), &one))
		softirq.bound_cpu = cpu;
}

/**
 * softirq_move_anywhere - run where the thread was allowed to before
 *
 * Context: the thread.
 */
void softirq_move_anywhere(void)
{
	if (likely(softirq.bound_cpu < 0))
		return;
	sched_setaffinity(0, sizeof(anywhere), &anywhere);
	softirq.bound_cpu = -1;
}
