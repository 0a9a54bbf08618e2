/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/cpu.h - which CPU am I on, for one nanosecond
 */
#ifndef ROVE_WQ_CPU_H
#define ROVE_WQ_CPU_H

#include <sched.h>

#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#define WQ_HAVE_RSEQ 1
#else
#define WQ_HAVE_RSEQ 0
#endif

#include "wq/wq.h"

/*
 * Context: any.  A moment ago: the caller may have moved since.  The thread's area
 * shared with the kernel tells it, as long as it is registered.
 */
static inline u32 cpu_now(void)
{
#if WQ_HAVE_RSEQ
	if (likely(__rseq_size)) {
		const struct rseq *rseq = (const struct rseq *)((const char *)
					  __builtin_thread_pointer() + __rseq_offset);
		s32 cpu = READ_ONCE(rseq->cpu_id);

		if (likely(cpu >= 0))
			return cpu;
	}
#endif
	return sched_getcpu();
}

/* Context: any.  The same; of a machine that is only described, the CPU that stands for it. */
static inline u32 wq_this_cpu(const struct rove_workqueue *wq)
{
	return unlikely(wq->pretend) ? topology_this_cpu(wq->topo) : cpu_now();
}

#endif
