/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/call.h - one call of something that is not walked into
 */
#ifndef ROVE_BPF_VERIFIER_EXEC_CALL_H
#define ROVE_BPF_VERIFIER_EXEC_CALL_H

#include "bpf/verifier/exec/region.h"

/* Memory that the callee may have written. */
struct call_write {
	struct value ptr;	/* the argument, known not to be NULL */
	u32 reg;
	u32 size;
};

/* What matching the arguments found out, and the effects need. */
struct call {
	const struct func_proto *proto;
	struct step *step;
	const struct vrf_map *map;	/* the ARG_MAP, NULL: none yet */
	bool has_const;
	u64 const_arg;			/* the ARG_CONST */
	u32 release_ref;		/* given up by the call; 0: none */
	struct iter_place iter;		/* of FUNC_ITER_* */
	struct call_write writes[FUNC_MAX_ARGS];
	u32 nr_writes;
};

/**
 * call_match_args - may these values be passed: helpers, kfuncs and global functions alike
 * @call:  ->proto and ->step are set, the rest is zero and filled here
 *
 * Context: thread.
 * Return:  0 or the rejection; nothing but @call has changed.
 */
int call_match_args(struct vrf *v, struct vstate *st, struct call *call);

/**
 * call_apply_effects - what is different after the call
 *
 * Context: thread.
 * Return:  0, the rejection, or -ENOMEM.
 */
int call_apply_effects(struct vrf *v, struct vstate *st, const struct call *call);

/* The signature of a global function, from the program's BTF; 0 or the rejection. */
int global_proto(struct vrf *v, u32 subprog, struct func_proto *ret_proto);

#endif
