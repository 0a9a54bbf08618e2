/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/context.h - where am I, and what may I do here
 *
 * Every non-static function names its context in a comment and asserts it in
 * its first line.  The assertions cost nothing unless ROVE_DEBUG is defined.
 *
 *	ctx_any()        signal handlers too
 *	ctx_thread()     not a signal handler; need not be able to wait
 *	ctx_may_sleep()  a thread that may wait
 *
 * Code that runs BPF programs or callbacks marks where it does so: nmi for
 * signal handlers of our own, softirq for the thread of timers and irq works,
 * worker for the threads of work queues.  A handler of the application declares
 * nothing and cannot be told from what it has interrupted (docs/signal-safety.md).
 */
#ifndef ROVE_BASE_CONTEXT_H
#define ROVE_BASE_CONTEXT_H

#include <assert.h>

#include "base/types.h"

/* check(): we are wrong, not the program and not the machine. */
#ifdef ROVE_DEBUG
#define check(x) ((x) ? (void)0 : check_failed(#x, __FILE__, __LINE__))
#else
#define check(x) ((void)sizeof(!(x)))
#endif

void check_failed(const char *what, const char *file, int line) __attribute__((noreturn));

/* Written by its own thread only, so a signal handler sees it whole. */
struct context {
	u32 nmi_depth;
	u32 softirq_depth;
	u32 worker_depth;
};

extern __thread struct context context_self __attribute__((tls_model("initial-exec")));

static inline bool in_nmi(void)
{
	return context_self.nmi_depth > 0;
}

static inline bool in_softirq(void)
{
	return context_self.softirq_depth > 0;
}

static inline void ctx_nmi_enter(void)
{
	context_self.nmi_depth++;
}

static inline void ctx_nmi_exit(void)
{
	context_self.nmi_depth--;
}

static inline void ctx_softirq_enter(void)
{
	context_self.softirq_depth++;
}

static inline void ctx_softirq_exit(void)
{
	context_self.softirq_depth--;
}

static inline bool in_worker(void)
{
	return context_self.worker_depth > 0;
}

static inline void ctx_worker_enter(void)
{
	context_self.worker_depth++;
}

static inline void ctx_worker_exit(void)
{
	context_self.worker_depth--;
}

#define ctx_any() ((void)0)
#define ctx_thread() check(!in_nmi())
#define ctx_may_sleep() check(!in_nmi() && !in_softirq())

#endif
