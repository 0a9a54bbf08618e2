/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/wq.h - a workqueue, a pool, or a work as a plain row
 *
 * One kind of row for all of them; each listing has its own table of columns.
 *
 * Invariant: an attribute whose bit in ->known is clear is not known and its number
 * means nothing.
 */
#ifndef ROVE_CLI_MODEL_WQ_H
#define ROVE_CLI_MODEL_WQ_H

#include "cli/model/noun.h"

enum wq_attr {
	/* a queue */
	WQ_NICE,
	WQ_MAX_ACTIVE,
	WQ_POOLS,
	WQ_STARTED,
	WQ_IN_FLIGHT,
	WQ_CPU_TIME,			/* ns */
	WQ_CPU_INTENSIVE,
	WQ_CM_WAKEUPS,
	WQ_REPATRIATED,
	WQ_MAYDAY,
	WQ_RESCUED,
	WQ_HELPED,
	WQ_WAKEUPS,
	WQ_WAKEUPS_SAVED,
	WQ_QUEUE_TIME,			/* ns, mean */
	WQ_QUEUE_TIME_MAX,		/* ns */
	WQ_POLL,			/* ns; also a pool */
	/* a pool; the first two also a queue and a work */
	WQ_POOL,
	WQ_PENDING,
	WQ_OLDEST,			/* ns */
	WQ_QUEUES,
	WQ_WORKERS,
	WQ_IDLE,
	WQ_RUNNING,
	WQ_BLOCKED_WORKERS,
	WQ_POLLING,
	WQ_POLL_TIME,			/* ns */
	/* a work */
	WQ_AGE,				/* ns */
	WQ_TID,
	WQ_BLOCKED,			/* 0 or 1 */
	WQ_STALLED,			/* ns */
	NR_WQ_ATTRS,
};

enum wq_string {
	WQ_NAME,			/* of the queue */
	WQ_TYPE,			/* percpu, unbound, ordered, bh */
	WQ_FLAGS,
	WQ_SCOPE,
	WQ_CPUS,
	WQ_FUNCTION,
	WQ_STATE,			/* pending, running */
	WQ_WORK,			/* its address */
	WQ_COMM,
	WQ_THREAD_STATE,
	NR_WQ_STRINGS,
};

struct wq_row {
	s64 attr[NR_WQ_ATTRS];
	u64 known;			/* bit n: attr[n] is known */
	const char *string[NR_WQ_STRINGS];	/* NULL: not known; the collector's */
};

static inline void wq_row_set(struct wq_row *row, enum wq_attr attr, u64 number)
{
	row->attr[attr] = (s64)number;
	row->known |= 1ull << attr;
}

extern const struct noun wq_noun, wq_pools_noun, wq_pending_noun, wq_lockup_noun;

#endif
