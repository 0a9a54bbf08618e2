/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/view.h - copies of what pools and works are at a moment
 */
#ifndef ROVE_WQ_VIEW_H
#define ROVE_WQ_VIEW_H

#include <rove/workqueue_view.h>

#include "base/symbol.h"
#include "wq/pool.h"
#include "wq/wq.h"

/* One work; ->view's strings point into it when view_name_works() is through. */
struct view_work {
	struct rove_wq_work_view	view;
	struct worker_pool		*pool;
	struct worker			*worker;	/* that is in it; NULL: it is pending */
	const void			*wq;		/* whose address is compared only */
	char				queue[WQ_NAME_MAX];
	char				function[SYMBOL_BYTES];
};

struct view_works {
	struct view_work	*works;
	size_t			nr, room;
	u64			missed;
	bool			named;		/* view_name_works() has been called */
};

/* What the places of a pool come to. */
struct view_pool {
	struct worker_pool	*pool;
	u32			nr_queues;
	const void		*last_queue;	/* the last one that was counted */
	u64			nr_wakeups;
	u64			nr_pending;	/* also what workers have taken and not begun */
	u64			nr_runnable;	/* of those: not held back by max_active or freezing */
	u64			progress;	/* changes when anything begins */
	u64			oldest_ns;	/* about */
	char			oldest_queue[WQ_NAME_MAX];
};

/* A queue with works that wait for others of it: max_active of them, which run. */
struct view_queue {
	const void		*wq;		/* as above */
	struct worker_pool	*pool;		/* of one of them */
	u64			nr_held;
	u64			progress;	/* changes when one of its works begins */
	char			name[WQ_NAME_MAX];
};

int view_running(struct view_works *works, bool slots);
int view_pending(struct view_works *works);
void view_name_works(struct view_works *works);
void view_works_fini(struct view_works *works);

int view_held_queues(struct view_queue **ret_queues, u32 *ret_nr);
int view_pools(struct view_pool **ret_pools, u32 *ret_nr);
void view_pool_cpus(const struct worker_pool *pool, char *ret_text, size_t room_bytes);

#endif
