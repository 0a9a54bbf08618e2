/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/atomic_pair.h - two words that change together
 *
 * One instruction of 16 bytes: cmpxchg16b on x86-64 (every processor but the very
 * first of 2003, and -mcx16 in the Makefile), casp or a load and store pair on
 * arm64.  No lock behind it, so a signal handler may use it.
 *
 * Not here: reading both halves at one moment.  Read them one by one and let the
 *           exchange tell whether they were together.
 */
#ifndef ROVE_BASE_ATOMIC_PAIR_H
#define ROVE_BASE_ATOMIC_PAIR_H

#include "base/types.h"

struct atomic_pair {
	u64 word[2];
} __attribute__((aligned(16)));

/*
 * Context: any.  Lock-free; seq_cst whether it succeeds or fails.
 * Return:  true if *@p was *@old and is @new now; otherwise *@old is what was found.
 */
static inline bool cmpxchg_pair(struct atomic_pair *p, struct atomic_pair *old,
				struct atomic_pair new)
{
	union {
		struct atomic_pair pair;
		unsigned __int128 whole;
	} expected = { .pair = *old }, desired = { .pair = new }, found;

	found.whole = __sync_val_compare_and_swap((unsigned __int128 *)p, expected.whole,
						  desired.whole);
	*old = found.pair;
	return found.whole == expected.whole;
}

#endif
