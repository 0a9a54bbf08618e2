/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tests/progs/async_life.h - shared by async_life.bpf.c and tests/unit/async/life_test.c
 */
#ifndef ROVE_TESTS_PROGS_ASYNC_LIFE_H
#define ROVE_TESTS_PROGS_ASYNC_LIFE_H

#define LIFE_KEYS 4

/* What one key's callbacks have done, in either map. */
struct life_tally {
	unsigned long long ticks;	/* of its timer, which starts itself again */
	unsigned long long works;	/* of its work, which does, too */
};

struct life_arm {
	unsigned int key;
	unsigned int in_array;		/* otherwise in the hash */
	int result;			/* 0, or the first error */
};

#endif
