/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu/domain.h - what a domain is made of
 *
 * For those who define one statically, and for read.h.
 */
#ifndef ROVE_SRCU_DOMAIN_H
#define ROVE_SRCU_DOMAIN_H

#include <pthread.h>

#include <rove/srcu.h>

#include "base/list.h"
#include "base/mutex.h"
#include "base/types.h"
#include "srcu/percpu.h"

#define SRCU_SHARED_SLOTS 8	/* a power of two */
#define SRCU_OWN_NAMES 8	/* so many domains have their sections counted apart (fork.c) */

struct srcu_watch;

/* Sections begun and ended, under each of the two indices; one cache line. */
struct srcu_slot {
	u64 nr_locks[2];
	u64 nr_unlocks[2];
} __attribute__((aligned(1 << SRCU_SLOT_SHIFT)));

/*
 * I  set before ->nr_slots shows it, never changed
 * A  atomic; the ORDER tag at each access says why
 * G  written under ->gp_lock
 * T  under ->thread_lock
 * C  under ->call_lock
 * F  under fork.c's lock
 */
struct rove_srcu {
	u32			idx;		/* A, G: what new readers count under: 0 or 1 */
	u32			name;		/* I: where threads count their own sections */
	u32			nr_fast;	/* A, G: ->nr_slots, or 0 while readers must be slow */
	u32			nr_slots;	/* A, G: CPUs with a slot of their own */
	s64			rseq;		/* I: srcu_percpu_rseq(), near at hand */
	s64			own;		/* I: distance of the thread's srcu_own[->name] from
						 * its thread pointer */
	struct srcu_slot	*fast;		/* I: by CPU, written by srcu_percpu_inc() only */
	struct srcu_watch	*watch;		/* A, G: where slow readers leave records, or NULL */

	struct mutex		gp_lock		/* held for a whole grace period; outermost */
		__attribute__((aligned(64)));
	u64			gp_seq;		/* A, G: odd while one is under way */
	struct srcu_watch	*reporter;	/* G: whose records name those waited for */

	struct mutex		call_lock;	/* short; inside of all others */
	u32			asleep;		/* A, C: the thread waits here, if not 0 */
	struct rove_srcu_head	*queue;		/* C: callbacks, oldest first */
	struct rove_srcu_head	*newest;	/* C: the last of ->queue, if that has any */
	struct rove_srcu_head	*batch;		/* C: those the thread has taken, oldest first */
	bool			gp_wanted;	/* C: a period that nobody waits for */
	u32			thread_state;	/* A, T: enum srcu_thread_state; STOPPING: C, too */
	struct mutex		thread_lock;	/* outside of ->call_lock */
	pthread_t		thread;		/* T: set once it runs */

	struct list_head	node;		/* F: of all domains */
	bool			listed;		/* A, F */
	u32			own_at_fork[2];	/* F: sections of the thread that forks, by index */

	struct srcu_slot	shared[SRCU_SHARED_SLOTS];	/* A: any thread, by hash */
};

enum srcu_thread_state {
	SRCU_THREAD_NONE,
	SRCU_THREAD_RUNNING,
	SRCU_THREAD_STOPPING,	/* ends when the queue is empty */
};

/* Usable as it is; srcu_speed_up() makes its readers fast. */
#define SRCU_INIT { .idx = 0 }

void srcu_speed_up(struct rove_srcu *dom);
void srcu_stop_callbacks(struct rove_srcu *dom);
void srcu_grace_period(struct rove_srcu *dom);
u64 srcu_open_at_most(struct rove_srcu *dom, u32 idx);

#endif
