/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/torture/signal_stream.h - a stream of signals of its own for a thread
 *
 * They arrive anywhere in what the thread does.
 */
#ifndef ROVE_TESTS_TORTURE_SIGNAL_STREAM_H
#define ROVE_TESTS_TORTURE_SIGNAL_STREAM_H

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "tests/test.h"

#define STREAM_TRIES 30000

/*
 * Signal number @signo to the calling thread every @ns; timer_delete() it.  All processes
 * of a user share the room that a timer takes: another test that fills it gives it back.
 */
static inline timer_t signal_stream_begin(int signo, long ns)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = signo };
	struct itimerspec often = { { 0, ns }, { 0, ns } };
	timer_t timer;
	int tries = 0;

	event._sigev_un._tid = gettid();
	while (timer_create(CLOCK_MONOTONIC, &event, &timer)) {
		EXPECT_EQ(errno, EAGAIN);
		EXPECT_TRUE(++tries < STREAM_TRIES);
		usleep(1000);
	}
	EXPECT_EQ(timer_settime(timer, 0, &often, NULL), 0);
	return timer;
}

#endif
