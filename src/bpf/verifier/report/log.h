/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/report/log.h - the bounded, rotating log and the one way to reject
 */
#ifndef ROVE_BPF_VERIFIER_REPORT_LOG_H
#define ROVE_BPF_VERIFIER_REPORT_LOG_H

#include "bpf/verifier/report/vrf.h"

/* Why a program is rejected, as data: the class of the mistake. */
enum why {
	WHY_INSN,	/* malformed instruction */
	WHY_CFG,	/* jumps, unreachable code, falling off the end */
	WHY_UNINIT,	/* a register or stack byte that was never written */
	WHY_BOUNDS,	/* outside an object */
	WHY_TYPE,	/* the wrong kind of value */
	WHY_NULL,	/* may be NULL here */
	WHY_REFERENCE,	/* leaked, released twice, never acquired */
	WHY_SCOPE,	/* used after its iterator moved on or its section ended */
	WHY_CONTEXT,	/* not allowed in this kind of program or section */
	WHY_CALL,	/* unknown or forbidden helper, kfunc or subprogram */
	WHY_ARGUMENT,	/* an argument a call does not take */
	WHY_RETURN,	/* the program's return value */
	WHY_COMPLEXITY,	/* too many instructions, states, frames, too much stack */
	WHY_UNSUPPORTED,/* legal BPF that this verifier does not understand */
	WHY_KINDS,
};

/* Levels as in the kernel: 1 rejections and path on failure, 2 every state, 4 statistics. */
bool vlog_wants(const struct vrf *v, u32 level_bits);

/* Write to the log when @level_bits is among the levels asked for. */
void vlog_print(struct vrf *v, u32 level_bits, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * vlog_reject - the program is wrong: say it once, where the numbers are known
 * @v:   its ->pc is the instruction that is to blame
 * @err: -EINVAL, -EACCES, …
 * @why: class of the mistake
 * @fmt: first line: the kernel's wording where it has one; no newline at the end
 *
 * Context: thread.
 * Return: @err, so that "return vlog_reject(…)" ends the check.
 */
int vlog_reject(struct vrf *v, int err, enum why why, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Once per check. */
int vlog_create(const struct vrf_request *req, struct vlog **ret_log); /* -EINVAL: bad level or size */
int vlog_finish(struct vlog *log, u32 *ret_true_size); /* terminates; 0 or -ENOSPC (did not fit) */
void vlog_free(struct vlog *log);

/*
 * Forget what was written since a mark: a path that was proved is not part of the
 * story, unless level 2 asks for every path.  vlog_cut() forgets at any level.
 */
u64 vlog_mark(const struct vrf *v);
void vlog_reset(struct vrf *v, u64 mark);
void vlog_cut(struct vrf *v, u64 mark);

#endif
