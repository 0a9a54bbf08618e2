/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * rove/irq_work.h - have a function called soon, asked from anywhere
 *
 * A signal handler may not lock, allocate or wait.  It may queue a work: a
 * structure of the caller's, whose function is then called in softirq context,
 * on a thread of this library that runs such functions, and the callbacks of
 * timers (rove/timer.h), one at a time.  These functions must be short and must
 * not wait: everything else there waits for them.
 *
 * The thread is started by rove_softirq_start() and not before.  What is queued
 * or armed earlier is kept and runs when there is a thread.  It may run where the
 * process's first thread may, and has its priority, whoever starts it.
 *
 * No function here or in rove/timer.h is a cancellation point (pthread_cancel(3)).
 *
 * Threads of the library do not end.  So librove.so stays in the process when a plugin that
 * uses it is closed (dlclose(3)); a plugin with librove.a in itself has to be linked to stay,
 * too (-z nodelete, as pkg-config --static says).
 *
 * After fork() the child has no such thread: rove_softirq_start() makes its own.
 * What was pending, armed or running is so in the parent only; in the child all
 * works and timers are idle, and can be used as they are.  A function that called
 * fork() itself does not return to the library in the child: its thread ends then.
 */
#ifndef ROVE_IRQ_WORK_H
#define ROVE_IRQ_WORK_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/**
 * rove_softirq_start - make sure that there is a softirq thread
 *
 * All that is ever allocated for works and timers is allocated here, so nothing
 * that is asked for afterwards can fail.  The thread takes none of the
 * application's signals.  Calling this again costs next to nothing.
 *
 * Context: thread; not a signal handler.
 * Return:  0, or -EAGAIN (no more threads); then the next call tries again.
 */
int rove_softirq_start(void);

struct rove_irq_work;

typedef void rove_irq_work_fn(struct rove_irq_work *work);

/* The caller's memory, from rove_irq_work_init() until it is idle again. */
struct rove_irq_work {
	struct rove_irq_work *next;	/* the rest is the library's */
	rove_irq_work_fn *fn;
	uint32_t pending;
	int32_t cpu;
};

/* In C++ too. */
#define ROVE_IRQ_WORK_INIT(function) { 0, (function), 0, 0 }

/**
 * rove_irq_work_init - make a work idle
 * @work:  not pending and not running
 * @fn:    called in softirq context; may queue @work again; may free it
 *
 * Context: any.
 */
void rove_irq_work_init(struct rove_irq_work *work, rove_irq_work_fn *fn);

/**
 * rove_irq_work_queue - have its function called soon
 *
 * What the caller did before is seen by the function, also when false is
 * returned.  Works are called in the order in which they were queued.
 *
 * Context: any.  Lock-free, allocates nothing; a system call only when the
 *          softirq thread sleeps.
 * Return:  true; false if it is pending already: one call will do for both.
 */
bool rove_irq_work_queue(struct rove_irq_work *work);

/**
 * rove_irq_work_queue_on - the same, and the function runs on a CPU
 * @cpu:  the softirq thread moves there for the call; if it may not (no such CPU,
 *        not in the process's set), the call is made where it is
 *
 * Context: any.
 * Return:  as rove_irq_work_queue(); if false, the earlier queueing's CPU stays.
 */
bool rove_irq_work_queue_on(struct rove_irq_work *work, int cpu);

/**
 * rove_irq_work_is_busy - is it pending, or its function running?
 *
 * Context: any.
 */
bool rove_irq_work_is_busy(const struct rove_irq_work *work);

/**
 * rove_irq_work_sync - wait until it is not busy
 *
 * Then, if nobody queues it again, @work may be freed.
 *
 * Context: may sleep.
 * Return:  0; -EDEADLK in softirq context if it would have to wait.
 */
int rove_irq_work_sync(struct rove_irq_work *work);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
