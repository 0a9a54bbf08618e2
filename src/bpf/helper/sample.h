/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/sample.h - where a thread was when a program was run for it
 *
 * A perf event's program is run in a signal handler and sees the interrupted
 * registers; a syscall program is called, and its user stack is that of who called
 * bpf(2).  Helpers that look at the user's stack begin where this says.
 *
 * Invariant: ->newest is the calling thread's own, and of the innermost program.
 */
#ifndef ROVE_BPF_HELPER_SAMPLE_H
#define ROVE_BPF_HELPER_SAMPLE_H

#include <linux/bpf_perf_event.h>

#include "base/types.h"

#define USER_STACK_MAX 127	/* frames, as the kernel's sysctl perf_event_max_stack has it */

/* A point in the user's code. */
struct user_frame {
	u64 pc;
	u64 fp;		/* what its function has in the frame pointer */
	u64 sp;		/* frames lie above */
};

/* One run for an event.  The context is first: programs are given its address. */
struct perf_sample {
	struct bpf_perf_event_data ctx;
	int fd;			/* of the event */
	u64 cookie;		/* of the link */
};

/* What the calling thread's innermost program was run for. */
struct run_origin {
	const struct perf_sample *sample;	/* NULL: no event's */
	struct user_frame user;			/* ->pc is 0: not known */
};

extern __thread struct run_origin run_origin __attribute__((tls_model("initial-exec")));

u32 user_stack_walk(const struct user_frame *from, u64 *ips, u32 max);

#endif
