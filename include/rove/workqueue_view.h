/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * rove/workqueue_view.h - what the workqueues of this process are doing, and who is stuck
 *
 * Looking stops nobody: queueing goes on meanwhile, and so do the workers, but for
 * the moment in which the works that wait in one place are copied.  So what is said of
 * different things may be a moment apart.
 *
 * What the functions are given lives as long as their call, and so do its strings.
 * The structures grow at their ends: take copies of members, not of the whole.
 */
#ifndef ROVE_WORKQUEUE_VIEW_H
#define ROVE_WORKQUEUE_VIEW_H

#include <rove/workqueue.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* --- what there is ------------------------------------------------------------------------ */

struct rove_wq_view {
	const char *name;
	uint32_t flags;			/* enum rove_wq_flags */
	uint32_t scope;			/* enum rove_wq_scope; of unbound queues */
	uint32_t max_active;
	uint32_t nr_pools;
	int32_t nice;
	struct rove_wq_stats stats;
	uint32_t poll_us;		/* how long idle workers look before they sleep; 0: as it pays */
};

/* Context of the functions: may sleep; may not free a queue.  Not 0: go no further. */
typedef int rove_wq_view_fn(void *arg, const struct rove_wq_view *wq);

/**
 * rove_wq_each - call a function for each queue, oldest first
 *
 * Context: may sleep.
 * Return:  what the function gave last; 0 without queues.
 */
int rove_wq_each(rove_wq_view_fn *fn, void *arg);

struct rove_wq_pool_view {
	uint32_t id;
	bool bh;			/* the softirq thread is its worker */
	int32_t nice;
	const char *cpus;		/* whose works it runs: "0-3" */
	uint32_t nr_workers;
	uint32_t nr_idle;
	uint32_t nr_running;		/* workers that count as using a CPU */
	uint32_t nr_blocked;		/* workers in a work that waits */
	uint32_t nr_queues;		/* that it serves */
	uint64_t nr_pending;		/* works in the places that were counted; may be more */
	uint64_t nr_begun;		/* works, since ever */
	uint64_t nr_wakeups;		/* of its workers, by queues that are there */
	uint64_t oldest_pending_ns;	/* how long the oldest has waited, about; 0: none */
	uint32_t poll_us;		/* as of its queues */
	uint32_t nr_polling;		/* idle workers that look: 0 or 1; not in ->nr_running */
	uint64_t polled_ns;		/* CPU time they have used for it, since ever */
};

typedef int rove_wq_pool_view_fn(void *arg, const struct rove_wq_pool_view *pool);

/* The same for each pool that serves a queue. */
int rove_wq_each_pool(rove_wq_pool_view_fn *fn, void *arg);

enum rove_wq_work_state {
	ROVE_WQ_WORK_PENDING,
	ROVE_WQ_WORK_RUNNING,
};

struct rove_wq_work_view {
	uint32_t state;			/* enum rove_wq_work_state */
	const char *queue;
	uint32_t pool;			/* its id */
	const struct rove_work *work;	/* an address only: it may be freed any moment */
	const void *fn;			/* the function, or its address */
	const char *function;		/* "function+0x0", "program+0x1f0" */
	uint64_t age_ns;		/* since it is in this state, about: a work that runs may
					 * have been taken together with some that ran before it */
	/* of one that runs */
	uint32_t tid;
	char comm[16];
	char thread_state;		/* as ps(1) shows it: R, S, D, ...; '?': not known */
	bool blocked;			/* it said that it waits, or was found waiting */
	uint64_t stalled_ns;		/* works of its pool wait, and for so long none has begun */
};

typedef int rove_wq_work_view_fn(void *arg, const struct rove_wq_work_view *work);

/**
 * rove_wq_each_work - the same for each work that is pending or runs
 * @ret_missed:  how many were there, or about to run, and could not be shown; may be NULL
 */
int rove_wq_each_work(rove_wq_work_view_fn *fn, void *arg, uint64_t *ret_missed);

/* --- who is stuck ------------------------------------------------------------------------- */

struct rove_wq_stall {
	uint32_t pool;			/* its id */
	const char *cpus;		/* of the pool */
	uint64_t stalled_ns;		/* works wait, and for so long none has begun */
	uint64_t nr_pending;		/* at least */
	const char *queue;		/* of the work that waits longest */
	const struct rove_wq_work_view *running;	/* what its workers are in */
	uint32_t nr_running;
	/*
	 * The works wait for others of their queue: as many run as may (max_active), and none
	 * of these ends.  Then ->running are those, and ->nr_pending counts that queue's only.
	 */
	bool held_back;
};

/* Set what is not needed to zero. */
struct rove_wq_watchdog_opts {
	size_t size;			/* sizeof(struct rove_wq_watchdog_opts) */
	uint64_t limit_ns;		/* how long works may wait while none begins; 0: 30 s */
	/*
	 * Called on the watchdog's thread, once for a stall and again each time it has
	 * doubled.  NULL: some lines on stderr.
	 */
	void (*fn)(void *arg, const struct rove_wq_stall *stall);
	void *arg;
};

/**
 * rove_wq_watchdog_start - report pools, and queues, that get nothing done
 * @opts:  copied; NULL: the defaults
 *
 * Starts a thread, which needs no worker to find out that all of them are stuck.
 *
 * Context: may sleep.
 * Return:  0, -EINVAL (size), -EBUSY (it runs already), -ENOMEM or -EAGAIN (no thread).
 */
int rove_wq_watchdog_start(const struct rove_wq_watchdog_opts *opts);

/**
 * rove_wq_watchdog_stop - end that
 *
 * Context: may sleep; not from the watchdog's function.
 */
void rove_wq_watchdog_stop(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
