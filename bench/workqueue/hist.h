/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/workqueue/hist.h - a histogram whose buckets are 3 % wide
 */
#ifndef ROVE_BENCH_WORKQUEUE_HIST_H
#define ROVE_BENCH_WORKQUEUE_HIST_H

#include "base/types.h"

#define HIST_SUB 32u /* buckets for each power of two */
#define HIST_BUCKETS (HIST_SUB * 36)

struct hist {
	u64 sum, nr;
	u32 count[HIST_BUCKETS];
};

static inline u32 hist_bucket(u64 value)
{
	u32 shift;

	if (value < HIST_SUB)
		return value;
	shift = 58 - __builtin_clzll(value);
	if (shift > 34)
		return HIST_BUCKETS - 1;
	return (shift + 1) * HIST_SUB + (u32)(value >> shift) - HIST_SUB;
}

/* The middle of a bucket. */
static inline double hist_value(u32 bucket)
{
	u32 shift = bucket / HIST_SUB;

	if (!shift)
		return bucket;
	shift--;
	return ((double)(bucket % HIST_SUB + HIST_SUB) + 0.5) * (double)(1ull << shift);
}

static inline void hist_add(struct hist *hist, u64 value)
{
	hist->sum += value;
	hist->nr++;
	hist->count[hist_bucket(value)]++;
}

static inline void hist_merge(struct hist *into, const struct hist *from)
{
	into->sum += from->sum;
	into->nr += from->nr;
	for (u32 i = 0; i < HIST_BUCKETS; i++)
		into->count[i] += from->count[i];
}

/* @part: 0 to 1. */
static inline double hist_quantile(const struct hist *hist, double part)
{
	u64 below = 0;

	for (u32 i = 0; i < HIST_BUCKETS; i++) {
		below += hist->count[i];
		if (hist->nr && (double)below >= part * (double)hist->nr)
			return hist_value(i);
	}
	return 0;
}

#endif
