/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/region.h - memory behind a pointer: one row for each kind of value
 */
#ifndef ROVE_BPF_VERIFIER_EXEC_REGION_H
#define ROVE_BPF_VERIFIER_EXEC_REGION_H

#include "bpf/verifier/exec/parts.h"

enum access_how {
	ACC_READ = 1 << 0,
	ACC_WRITE = 1 << 1,
	ACC_ATOMIC = 1 << 2,
	ACC_ARG = 1 << 3,	/* by a callee that was given the pointer */
};

/* One access: by an instruction, or by a callee to memory it was given. */
struct access {
	const struct value *ptr;
	struct step *step;
	u32 reg;		/* that holds the pointer, for messages */
	s32 off;		/* the instruction's */
	u32 size;		/* bytes; an instruction's is 1, 2, 4 or 8 */
	u8 how;			/* enum access_how */
	bool src_is_reg;	/* a store: the value is in src_reg, not in the immediate */
};

struct region_ops {
	u8 note;		/* enum note_kind of a load or store through it */
	bool arg;		/* may be handed to a callee as plain memory */
	bool atomic;		/* atomic instructions are allowed */

	int (*check)(struct vrf *v, struct vstate *st, const struct access *a);
	int (*load)(struct vrf *v, struct vstate *st, const struct access *a,
		    struct value *ret_val);
	/* NULL: nothing is remembered of what was stored. */
	int (*store)(struct vrf *v, struct vstate *st, const struct access *a,
		     const struct value *val);
	/* A callee may have written all of it; NULL: nothing was remembered. */
	int (*clobber)(struct vrf *v, struct vstate *st, const struct access *a);
};

/* NULL: not dereferenceable. */
extern const struct region_ops *const region_of[V_KINDS];

extern const struct region_ops region_map;
extern const struct region_ops region_map_key;
extern const struct region_ops region_stack;
extern const struct region_ops region_ctx;
extern const struct region_ops region_btf;
extern const struct region_ops region_buf;
extern const struct region_ops region_ctx_buf;

/*
 * The lowest byte of an access is at least .min, at most .max from the start
 * of the object; .too_far: or more, and then no object is large enough.
 */
struct span {
	s64 min, max;
	bool is_const;
	bool too_far;
};

struct span access_span(const struct access *a);

/**
 * access_within - does an access lie within an object of @limit bytes
 * @what:  "map value, value_size" or "memory, mem_size"
 *
 * Context: thread.
 * Return:  0 or the rejection.
 */
int access_within(struct vrf *v, const struct access *a, const char *what, u32 limit);

/* Whatever the pointer is: null, kind, rights, alignment, then the region's own check. */
int access_check(struct vrf *v, struct vstate *st, const struct access *a);

/* A load that gives any number of a->size bytes. */
int load_unknown(struct vrf *v, struct vstate *st, const struct access *a, struct value *ret_val);

#endif
