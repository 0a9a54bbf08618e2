/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/iter/wq_view.h - what programs see of workqueues and their pools
 *
 * Copies, like those of core/view.h; the structs are our own, by our own names, since the
 * kernel has no such targets.  Each member is that of rove/workqueue.h and
 * rove/workqueue_view.h by the same name.
 */
#ifndef ROVE_BPF_ITER_WQ_VIEW_H
#define ROVE_BPF_ITER_WQ_VIEW_H

#include "base/types.h"

#define WQ_VIEW_NAME_BYTES 32
#define WQ_VIEW_CPUS_BYTES 512

struct workqueue_view {
	char name[WQ_VIEW_NAME_BYTES];
	u32 flags;		/* enum rove_wq_flags */
	u32 scope;		/* enum rove_wq_scope; of unbound queues */
	u32 max_active;
	u32 nr_pools;
	s32 nice;
	u32 poll_us;
	u64 started;
	u64 completed;
	u64 in_flight;
	u64 pending;
	u64 cpu_time_ns;
	u64 cpu_intensive;
	u64 cm_wakeups;
	u64 repatriated;
	u64 mayday;
	u64 rescued;
	u64 helped;
	u64 wakeups;
	u64 wakeups_saved;
	u64 queue_time_ns;
	u64 queue_time_max_ns;
	u64 oldest_pending_ns;
};

struct worker_pool_view {
	u32 id;
	bool bh;
	s32 nice;
	u32 nr_workers;
	u32 nr_idle;
	u32 nr_running;
	u32 nr_blocked;
	u32 nr_queues;
	u64 nr_pending;
	u64 nr_begun;
	u64 nr_wakeups;
	u64 oldest_pending_ns;
	u32 poll_us;
	u32 nr_polling;
	u64 polled_ns;
	char cpus[WQ_VIEW_CPUS_BYTES];
};

#endif
