/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/stack.c - user stacks, and what else an event's program asks for
 *
 * A stack is walked by frame pointers, like the kernel's: code that is compiled without
 * them is skipped or ends the walk.  Every word is read with a check.
 */
#include <errno.h>

#include "base/checked_copy.h"
#include "bpf/helper/helper.h"
#include "bpf/helper/sample.h"

__thread struct run_origin run_origin;

/**
 * user_stack_walk - the return addresses above a point of the calling thread's code
 * @from: ->pc 0: there is none, so nothing is found
 * @ips:  room for @max; innermost first, beginning with ->pc
 *
 * Ends where a frame pointer is not above the last one, is not aligned, or cannot be read.
 *
 * Context: any.
 * Return:  how many.
 */
u32 user_stack_walk(const struct user_frame *from, u64 *ips, u32 max)
{
	u64 fp = from->fp, above = from->sp;
	u32 nr = 0;

	if (!from->pc || !max)
		return 0;
	ips[nr++] = from->pc;
	while (nr < max && fp >= above && !(fp & 7)) {
		u64 next, pc;

		if (checked_load(fp, 8, &next) || checked_load(fp + 8, 8, &pc) || !pc)
			break;
		ips[nr++] = pc;
		above = fp + 16;
		fp = next;
	}
	return nr;
}
