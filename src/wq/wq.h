/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/wq.h - a queue
 *
 * Each CPU has a shard of the queue, where what is queued on it waits; shards of the
 * CPUs of one pool form a lane.  An ordered queue has one shard.
 */
#ifndef ROVE_WQ_WQ_H
#define ROVE_WQ_WQ_H

#include <pthread.h>

#include <rove/workqueue.h>

#include "base/list.h"
#include "base/mutex.h"
#include "wq/active.h"
#include "wq/pods.h"
#include "wq/topology.h"

#define WQ_NAME_MAX 32
#define WQ_DEFAULT_MAX_ACTIVE 1024
#define WQ_DEFAULT_MIN_ACTIVE 8
#define WQ_DEFAULT_MAX_BLOCKED 512

/* One flush at a time; those who come meanwhile share the next one (flush.c). */
struct wq_flush {
	struct mutex		lock;
	u64			nr_wanted;	/* under ->lock: the last one somebody waits for */
	u64			nr_started;	/* under ->lock */
	u64			nr_done;	/* under ->lock */
	u32			word;		/* A: a futex: changes when ->nr_done does */
	u32			nr_left;	/* A: shards that are not through */
	struct rove_work	*marks;		/* I: one for each shard */
};

/*
 * I  set before the queue is visible, never changed
 * C  under ->config
 * A  atomic; the ORDER tag at each access says why
 */
struct rove_workqueue {
	u32			nr_shards;	/* I */
	u32			flags;		/* I: enum rove_wq_flags */
	u32			wake;		/* I: enum rove_wq_wake */
	u32			full;		/* I: enum rove_wq_full */
	u32			draining;	/* A: how many drain */
	u32			max_pending;	/* I */
	u32			nr_pending;	/* A: if max_pending */
	u32			room_word;	/* A: a futex: changes when there is room again */
	u32			nr_room_waiters; /* A */
	bool			pretend;	/* I: CPUs are described ones */
	struct topology		*topo;		/* C: shared by queues */

	struct mutex		config;		/* nests outside of pools' locks */
	u32			max_active;	/* C */
	u32			min_active;	/* C */
	u32			frozen;		/* C, read without */
	u32			max_blocked;	/* I */
	u32			nr_lanes;	/* C */
	struct lane		**lanes;	/* C */
	struct lane		*old_lanes;	/* C: tokens of theirs may be held still */
	u32			nr_lane_cpus;	/* C: CPUs of all lanes */
	struct pods		*pods;		/* C */
	enum pod_scope		scope;		/* C, read without: of ->pods */
	struct rove_wq_attrs	attrs;		/* C: as asked for; ->cpus is a copy */
	struct worker		*rescuer;	/* I: NULL: none */
	pthread_t		rescuer_thread;	/* I */
	u32			mayday;		/* A: a futex: the rescuer is asked for */
	u64			nr_mayday;	/* A */
	u64			nr_rescued;	/* A */
	u64			nr_repatriated;	/* A */
	struct wq_flush		flush;
	struct list_head	node;		/* under the list's lock */
	char			name[WQ_NAME_MAX]; /* I */
	struct shard		*shards[];	/* I: by CPU number; one if ordered */
};

extern struct mutex wq_list_lock;		/* nests outside of everything */
extern struct list_head wq_list;

bool wq_is_mine(const struct rove_workqueue *wq);

#endif
