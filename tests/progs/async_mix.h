/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tests/progs/async_mix.h - shared by async_mix.bpf.c and tests/torture/async_mix_torture.c
 */
#ifndef ROVE_TESTS_PROGS_ASYNC_MIX_H
#define ROVE_TESTS_PROGS_ASYNC_MIX_H

#define MIX_KEYS 8
#define MIX_CHECK 0x5afe0000u	/* with the key: what is at the end of each value */

enum mix_map { MIX_ONE, MIX_OTHER, MIX_LRU, MIX_ARRAY, MIX_INNER, MIX_TASKS, NR_MIX_MAPS };

/* What happened, in element 0 of "sums". */
struct mix_sums {
	unsigned long long ticks, works, lost_records, operations;
	unsigned long long bad;		/* a callback found another element's value or map */
	unsigned long long last[MIX_KEYS]; /* callbacks of the last start, by key */
};

struct mix_args {
	unsigned int seed;
	unsigned int rounds;
	unsigned int last;		/* key + 1 of a last start in the array; 0: as seed says */
	int result;
};

#endif
