/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * rove/timer.h - timers that any context may arm and disarm
 *
 * A timer is a structure of the caller's.  It is armed with a time and, when that
 * has come, its callback is called in softirq context (rove/irq_work.h): on one
 * thread, one callback at a time, none of which may wait.
 *
 * Any number of threads and signal handlers may start and cancel one timer at the
 * same time: each operation takes effect at one moment, the newest wins, none is
 * lost and none can fail.  The time, the slack and the CPU of a start belong
 * together: never one's time with another's CPU.
 *
 * What is due is called in the order of its times; what is armed for a time that has passed
 * comes behind what was due before.  So a timer that is always due keeps no other from being
 * called, only late by its own callback.
 *
 * rove_softirq_start() must have succeeded for callbacks to run; a timer started
 * before is kept.  In a child of fork() the parent's timers are idle: the child may start them,
 * and calls rove_softirq_start() itself.
 */
#ifndef ROVE_TIMER_H
#define ROVE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rove_hrtimer;

enum rove_hrtimer_restart {
	ROVE_HRTIMER_NORESTART,	/* the timer is not touched again: it may be freed by now */
	ROVE_HRTIMER_RESTART,	/* armed again at what rove_hrtimer_forward() made of its time,
				 * unless it was started or cancelled meanwhile */
};

typedef enum rove_hrtimer_restart rove_hrtimer_fn(struct rove_hrtimer *timer);

/* How a time is meant; may be combined. */
enum rove_hrtimer_mode {
	ROVE_HRTIMER_ABS = 0,		/* a time of the timer's clock */
	ROVE_HRTIMER_REL = 1,		/* from now */
	ROVE_HRTIMER_PINNED = 2,	/* the callback runs on the CPU of the caller */
};

/* Slack is less than this, in ns. */
#define ROVE_HRTIMER_SLACK_MAX ((uint64_t)1 << 40)

/* The caller's memory, from rove_hrtimer_init() until rove_hrtimer_cancel(). */
struct rove_hrtimer {
	uint64_t state[2] __attribute__((aligned(16)));	/* all of it is the library's */
	rove_hrtimer_fn *fn;
	struct rove_hrtimer *next;
	uint64_t node[4];
	uint64_t next_expires;
	uint32_t clock;
};

/**
 * rove_hrtimer_init - make a timer idle
 * @timer:  not armed and not running
 * @clock:  CLOCK_MONOTONIC, CLOCK_REALTIME or CLOCK_BOOTTIME
 * @fn:     the callback; may start, cancel (without waiting) and free any timer,
 *          this one too
 *
 * Context: any.
 * Return:  0 or -EINVAL (another clock).
 */
int rove_hrtimer_init(struct rove_hrtimer *timer, int clock, rove_hrtimer_fn *fn);

/**
 * rove_hrtimer_start - arm it, at another time if it is armed already
 * @expires_ns:  by @mode of the timer's clock or from now; past times are now,
 *               and what is beyond INT64_MAX never comes
 * @mode:        enum rove_hrtimer_mode
 *
 * Context: any.  Lock-free, allocates nothing; a system call only when the
 *          softirq thread sleeps and has to wake earlier.
 */
void rove_hrtimer_start(struct rove_hrtimer *timer, uint64_t expires_ns, uint32_t mode);

/* Where and how exactly. */
struct rove_hrtimer_when {
	uint64_t expires_ns;	/* as above: never called before it */
	uint64_t slack_ns;	/* may be called so much later, together with others; at most
				 * ROVE_HRTIMER_SLACK_MAX - 1 is used */
	uint32_t mode;		/* enum rove_hrtimer_mode */
	int32_t cpu;		/* -1: ROVE_HRTIMER_PINNED means the caller's; else that one,
				 * pinned or not asked for.  0 to 16382 */
};

/**
 * rove_hrtimer_start_range - arm it, exactly
 *
 * Context: any, as rove_hrtimer_start().
 */
void rove_hrtimer_start_range(struct rove_hrtimer *timer, const struct rove_hrtimer_when *when);

/**
 * rove_hrtimer_try_to_cancel - disarm it, without waiting
 *
 * Takes effect at once in every context: nothing armed before runs after this, but
 * a callback that runs already; what that returns does not arm the timer again.
 * The library may still hold the memory: only after rove_hrtimer_cancel() may it
 * be freed or initialised again.
 *
 * Context: any.  Lock-free, no system call.
 * Return:  1 (was armed), 0 (was idle), -1 (the callback is running).
 */
int rove_hrtimer_try_to_cancel(struct rove_hrtimer *timer);

/**
 * rove_hrtimer_cancel - disarm it, wait for its callback, let go of its memory
 *
 * If nobody starts it again, it may be freed now.  A start by its own callback
 * while this waits is cancelled too.  In softirq context this never waits: no
 * other callback can be running there, so two callbacks may cancel each other.
 *
 * Context: thread or softirq; waits for a callback, so not under a lock that the
 *          callback takes.
 * Return:  1 (was armed), 0 (was idle), or -EDEADLK (from its own callback;
 *          nothing is changed then).
 */
int rove_hrtimer_cancel(struct rove_hrtimer *timer);

/**
 * rove_hrtimer_forward - move the time on by whole intervals until it is after @now_ns
 * @now_ns:       of the timer's clock
 * @interval_ns:  not 0
 *
 * For RESTART: a periodic timer calls this and returns it.
 *
 * Context: the timer's own callback.
 * Return:  the number of intervals; more than 1 if periods were missed.
 */
uint64_t rove_hrtimer_forward(struct rove_hrtimer *timer, uint64_t now_ns, uint64_t interval_ns);

/* The same with the time of the timer's clock as @now_ns. */
uint64_t rove_hrtimer_forward_now(struct rove_hrtimer *timer, uint64_t interval_ns);

/* Context: any, for these four.  What was true a moment ago. */

/* Is it armed? */
bool rove_hrtimer_is_queued(const struct rove_hrtimer *timer);

/* Is its callback being called? */
bool rove_hrtimer_callback_running(const struct rove_hrtimer *timer);

/* The time of the last start, of its own clock; of the period, in its callback. */
uint64_t rove_hrtimer_expires_ns(const struct rove_hrtimer *timer);

/* Until then; negative when it is late, and for an idle timer the past. */
int64_t rove_hrtimer_remaining_ns(const struct rove_hrtimer *timer);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
