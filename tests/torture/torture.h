/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/torture/torture.h - how long, and in which order
 */
#ifndef ROVE_TESTS_TORTURE_TORTURE_H
#define ROVE_TESTS_TORTURE_TORTURE_H

#include <stdlib.h>

#include "base/clock.h"
#include "base/types.h"

/* ROVE_TORTURE_SECONDS (2), also a fraction, in nanoseconds: for all tests of a program. */
static inline u64 torture_ns(void)
{
	const char *text = getenv("ROVE_TORTURE_SECONDS");

	return (text ? atof(text) : 2.0) * NSEC_PER_SEC;
}

/* All 64 bits look random, whatever the first @state.  Of one thread, or one handler. */
static inline u64 next_random(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

#endif
