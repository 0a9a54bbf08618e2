/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/perf/other.h - another thread, which can be sampled
 */
#ifndef ROVE_TESTS_UNIT_PERF_OTHER_H
#define ROVE_TESTS_UNIT_PERF_OTHER_H

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/atomic.h"
#include "tests/test.h"

struct other {
	pthread_t thread;
	int tid;
	pthread_barrier_t ready;
	bool stop;
};

static void *other_burns(void *arg)
{
	struct other *other = arg;

	other->tid = gettid();
	pthread_barrier_wait(&other->ready);
	while (!READ_ONCE(other->stop))
		close(-1);	/* ThreadSanitizer delivers signals where a thread calls out */
	return NULL;
}

static void other_start(struct other *other)
{
	other->stop = false;
	pthread_barrier_init(&other->ready, NULL, 2);
	EXPECT_EQ(pthread_create(&other->thread, NULL, other_burns, other), 0);
	pthread_barrier_wait(&other->ready);
}

static void other_stop(struct other *other)
{
	WRITE_ONCE(other->stop, true);
	pthread_join(other->thread, NULL);
	pthread_barrier_destroy(&other->ready);
}

#endif
