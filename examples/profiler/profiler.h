/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * examples/profiler/profiler.h - what the program and the application both know
 */
#ifndef PROFILER_H
#define PROFILER_H

#define MAX_DEPTH 64		/* frames of a stack that are kept */
#define MAX_STACKS 4096		/* different ones */
#define BATCH_NS 50000000ull	/* from the first sample of a batch to its end */

/* What is counted together. */
struct sample_key {
	__u32 stack;		/* key of the map of stacks */
	__u32 tid;
};

struct profile {
	__u64 sampled;		/* samples that the program saw */
	__u64 no_stack;		/* of these, whose stack could not be kept */
	__u64 no_room;		/* of these, for which a batch had no room */
	__u64 batches;		/* handed on */
};

#endif
