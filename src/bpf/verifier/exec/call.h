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
	const struct vrf_map *map;	/* the ARG_MAP, or that of the ARG_FIELD; NULL: none yet */
	u32 map_uid;			/* which of the maps that are like ->map; 0: that itself */
	const struct func_arg *field;	/* the ARG_FIELD, NULL: none */
	u32 subprog;			/* the ARG_FUNC */
	bool took_map;			/* for an ARG_BTF with ARGF_MAP_TOO */
	bool key_is_there;		/* the ARG_MAP_KEY is known to be that of an element */
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

/* One more frame for a function that is walked into; 0, the rejection, or -ENOMEM. */
int call_push_frame(struct vrf *v, struct vstate *st, u32 subprog, struct frame **ret_frame);

/* callback.c: between matching arguments and applying effects, if ->proto has a callback. */
int call_callback(struct vrf *v, struct vstate *st, const struct call *call);
int callback_return(struct vrf *v, struct vstate *st, struct step *step);

/* exit.c: 0, or the rejection "@when the register R0 has ..." */
int check_result_range(struct vrf *v, const struct scalar *num, s64 least, s64 most,
		       const char *when);

/* The signature of a global function, from the program's BTF; 0 or the rejection. */
int global_proto(struct vrf *v, u32 subprog, struct func_proto *ret_proto);

#endif
