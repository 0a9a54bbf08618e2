/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * softirq/softirq.h - the one thread, what it is told, and when it sleeps
 *
 * Callers in any context add to two lists and, if the thread sleeps too long for what
 * they want, wake it.  The thread empties the lists, keeps the timers in a queue for each
 * clock, and calls one function at a time.
 *
 * Invariant (no lost wakeup): the thread sleeps only after it has set ->wake_ns and
 *           ->asleep and has then found both lists empty.  Whoever adds to a list, or
 *           changes what is in it, looks at them afterwards.  In the one order of all
 *           these accesses either the thread's look comes after the addition, and it does
 *           not sleep; or the caller's look comes after ->asleep was set, and it wakes it.
 * Ordering: softirq.doze -> softirq.rouse, softirq.done -> softirq.waited
 *           (docs/memory-model.md); else the lists' and the lock's.
 *
 * In a child of fork() there is no thread, and both lists and the queues are empty: what the
 * parent wanted is the parent's.  Works and timers there that say otherwise say so for a
 * generation that has passed, and are idle (->token, ->generation).
 *
 * Not here: what a timer's state means (hrtimer_state.h).
 */
#ifndef ROVE_SOFTIRQ_SOFTIRQ_H
#define ROVE_SOFTIRQ_SOFTIRQ_H

#include <rove/irq_work.h>
#include <rove/timer.h>

#include "base/atomic.h"
#include "base/llist.h"
#include "base/mutex.h"
#include "base/types.h"
#include "softirq/hrtimer_state.h"
#include "softirq/tqueue.h"

/* Each clock has a queue, keyed in its own time. */
enum softirq_clock { SOFTIRQ_MONOTONIC, SOFTIRQ_REALTIME, SOFTIRQ_BOOTTIME, NR_SOFTIRQ_CLOCKS };

#define SOFTIRQ_FOREVER UINT64_MAX

/* ->asleep */
#define SOFTIRQ_AWAKE 0
#define SOFTIRQ_IN_FUTEX 1
#define SOFTIRQ_IN_POLL 2

/*
 * A  atomic; the ORDER tag at each access says why
 * L  under ->lock
 * T  the thread only
 * S  under ->start_lock
 * I  changed in a child of fork() only, before anything else happens
 */
struct softirq {
	/* Written by who adds to a list and finds the thread asleep. */
	struct llist		works __attribute__((aligned(64)));	/* A: irq works */
	struct llist		changes;	/* A: PUBLISHED timers */
	u32			asleep;		/* A: and the futex it sleeps on */
	int			wake_fd;	/* T, before IN_POLL: eventfd, or -1 */

	/* Read by every start, written when the thread goes to sleep or wakes. */
	u64			wake_ns[NR_SOFTIRQ_CLOCKS] __attribute__((aligned(64)));
						/* A: by when it looks at its queues, if
						 * nobody wakes it; 0: it is about to */
	u64			generation;	/* I: HRT_GENERATION of timers' states */
	u32			token;		/* I: what a pending work has in ->pending; not 0 */

	struct mutex		lock __attribute__((aligned(64)));	/* short, never in a handler */
	struct tqueue		queues[NR_SOFTIRQ_CLOCKS];	/* L: by limit, in the clock's ns */
	u64			seen_ns[NR_SOFTIRQ_CLOCKS];	/* L: when the thread last looked */
	u64			late_ns[NR_SOFTIRQ_CLOCKS];	/* L: the last key of a timer that
						 * was queued late (hrtimer_run.c), or 0 */

	uintptr_t		running __attribute__((aligned(64)));
						/* A: timer or work whose function is called,
						 * plus enum hrt_running; or 0 */
	u32			done_word;	/* A: a futex: changes when ->running does and
						 * somebody waits */
	u32			nr_waiters;	/* A */

	struct mutex		start_lock;
	bool			started;	/* A, S */
	u32			tid;		/* A: the thread's, 0 before it runs */
	int			step_fd;	/* T: tells that a clock was set, or -1 */
	int			bound_cpu;	/* T: -1: wherever it may run */
};

extern struct softirq softirq;

/* softirq.c */
void softirq_rouse(void);
void softirq_begin(const void *what, enum hrt_running how);
void softirq_end(void);
void softirq_end_if_parents(void);
bool softirq_wait_while(bool (*is_busy)(const void *what), const void *what);

/* sleep.c */
extern s64 softirq_shift_ns[NR_SOFTIRQ_CLOCKS];
u64 softirq_clock_ns(enum softirq_clock clock);
void softirq_sleep(void);
void softirq_sleep_init(void);
void softirq_sleep_fini(void);

/* cpu.c */
void softirq_move_to(int cpu);
void softirq_move_anywhere(void);

/* irq_work.c, hrtimer_run.c: what the thread does.  True if there was anything. */
bool softirq_run_works(void);
bool softirq_run_timers(void);

/* hrtimer_run.c */
void hrtimer_take_changes_locked(void);
void hrtimer_unqueue_idle_locked(struct rove_hrtimer *timer);

static inline bool softirq_is_this_thread(void)
{
	return READ_ONCE(softirq.tid) == mutex_self();
}

/* What is said of one work or timer. */
static inline enum hrt_running softirq_running(const void *what)
{
	/*
	 * ORDER softirq.waited (seq_cst): who finds it ended goes on after all it
	 * did.  Pairs with softirq.done in softirq_begin() and softirq_end().
	 */
	uintptr_t how = load_seq_cst(&softirq.running) - (uintptr_t)what;

	return how < HRT_RUNS_NOT ? (enum hrt_running)how : HRT_RUNS_NOT;
}

static inline bool softirq_is_running(const void *what)
{
	return softirq_running(what) != HRT_RUNS_NOT;
}

/* Wake the thread if it would otherwise look later than at @limit_ns. */
static inline void softirq_rouse_by(enum softirq_clock clock, u64 limit_ns)
{
	/*
	 * ORDER softirq.rouse (seq_cst): after the timer's new state, and its place
	 * in the list.  Pairs with softirq.doze in plan_sleep_locked().
	 */
	if (limit_ns < load_seq_cst(&softirq.wake_ns[clock]))
		softirq_rouse();
}

#endif
