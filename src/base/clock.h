/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/clock.h - the time
 */
#ifndef ROVE_BASE_CLOCK_H
#define ROVE_BASE_CLOCK_H

#include <time.h>

#include "base/types.h"

#define NSEC_PER_USEC 1000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_SEC 1000000000ull

/**
 * clock_mono_ns - nanoseconds of CLOCK_MONOTONIC
 *
 * Context: any.
 * Return:  never 0 on a machine that has booted.
 */
static inline u64 clock_mono_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

#endif
