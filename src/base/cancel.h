/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/cancel.h - a thread is not cancelled inside of a function of ours
 *
 * pthread_cancel(3) ends a thread in whatever the C library calls a cancellation point:
 * open(), write(), nanosleep() and many more.  Inside of one of our functions it would
 * leave a lock taken, or a sleeper whom it was about to wake asleep for ever.  So what has
 * to be fast, or may be called by signal handlers, makes such calls through syscall(2),
 * which is no cancellation point; what reads files or joins threads holds cancellation off:
 *
 *	int state CANCEL_HELD = cancel_hold();
 */
#ifndef ROVE_BASE_CANCEL_H
#define ROVE_BASE_CANCEL_H

#include <pthread.h>

/* To the end of the block that a variable is in. */
#define CANCEL_HELD __attribute__((cleanup(cancel_let_go), unused))

/* Context: thread.  May nest. */
static inline int cancel_hold(void)
{
	int before;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	return before;
}

/* Context: thread.  Does not end it: the next cancellation point does. */
static inline void cancel_let_go(const int *before)
{
	int ignored;

	pthread_setcancelstate(*before, &ignored);
}

#endif
