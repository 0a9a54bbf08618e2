/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/state.h - one point of one path through the program
 *
 * The frames that have been called and not left, and what is held.
 *
 * Invariant: frames[0 .. depth-1] are there, the others NULL; depth >= 1 from
 *            vstate_new() on.
 * Not here:  which states are kept and compared (search/).
 */
#ifndef ROVE_BPF_VERIFIER_DOMAIN_STATE_H
#define ROVE_BPF_VERIFIER_DOMAIN_STATE_H

#include "base/types.h"
#include "bpf/verifier/domain/refs.h"
#include "bpf/verifier/domain/stack.h"
#include "bpf/verifier/domain/value.h"

#define FRAME_REGS 11
#define FRAME_FP 10
#define STATE_FRAMES 16

struct frame {
	struct value regs[FRAME_REGS];	/* r10 is the frame pointer */
	struct stack stack;
	u32 callsite;			/* pc of the call; the caller goes on behind it */
	u32 subprog;			/* index of the function that runs */
	bool in_callback;		/* called by a helper or kfunc, not by the program */
	bool async;			/* a timer's or work's callback, a path of its own */
	u8 callback_kind;		/* enum callback_kind of what is running */
	u32 callback_depth;		/* how often the call at which it stands has called back */
	u32 callback_first;		/* names that call, when it has: see exec/callback.c */
	s64 ret_min;			/* in_callback: what r0 may be at its exit; */
	s64 ret_max;			/* ret_min > ret_max: anything */
};

struct vstate {
	struct frame *frames[STATE_FRAMES];
	u32 depth;			/* frames in use; the last is running */
	u32 next_id;			/* the last identity given out on this path */
	bool may_sleep;			/* the program may, or the callback that runs on its own */
	struct refset refs;

	/* For search/, copied by vstate_copy() and otherwise not looked at. */
	void *parent;			/* the checkpoint this path came from */
	u32 first_pc;
	u32 last_pc;
};

/**
 * vstate_new - a path that begins in @subprog
 * @ret_state:  one frame, r10 set, r0 to r9 V_NONE, nothing held; free with vstate_free()
 *
 * Context: thread.
 * Return:  0 or -ENOMEM.
 */
int vstate_new(u32 subprog, struct vstate **ret_state);

/**
 * vstate_copy - a second path from the same point
 * @ret_state:  independent of @src; free with vstate_free()
 *
 * Context: thread.
 * Return:  0 or -ENOMEM.
 */
int vstate_copy(const struct vstate *src, struct vstate **ret_state);

/**
 * vstate_assign - @dst becomes a copy of @src, its memory used again
 *
 * Context: thread.
 * Return:  0, or -ENOMEM; then @dst may only be assigned again or freed.
 */
int vstate_assign(struct vstate *dst, const struct vstate *src);

/* NULL is allowed. */
void vstate_free(struct vstate *state);

/* The running frame; its caller, or NULL. */
static inline struct frame *vstate_frame(const struct vstate *state)
{
	return state->frames[state->depth - 1];
}

static inline struct frame *vstate_caller(const struct vstate *state)
{
	return state->depth > 1 ? state->frames[state->depth - 2] : NULL;
}

/* Register @r of the running frame. */
static inline struct value *vstate_reg(const struct vstate *state, u32 r)
{
	return &vstate_frame(state)->regs[r];
}

/**
 * vstate_push_frame - a call
 * @callsite:   pc of the call instruction
 * @ret_frame:  the new running frame: r10 set, r0 to r9 V_NONE (the caller passes arguments)
 *
 * Context: thread.
 * Return:  0, -E2BIG (16 frames already) or -ENOMEM.
 */
int vstate_push_frame(struct vstate *state, u32 callsite, u32 subprog, struct frame **ret_frame);

/* The running frame ends; depth > 1.  Values that point into it are the caller's matter. */
void vstate_pop_frame(struct vstate *state);

/* An identity that no value and no reference of this path has. */
u32 vstate_new_id(struct vstate *state);

/**
 * vstate_acquire - hold one more thing under a new identity
 * @ret_id:  the identity, for value.ref
 *
 * Context: thread.
 * Return:  0 or -ENOMEM.
 */
int vstate_acquire(struct vstate *state, enum ref_kind kind, u32 pc, const void *key, u32 key_uid,
		   u32 *ret_id);

/* --- every value of a state ------------------------------------------------------------------- */

/* Where vstate_each_value() stands: a register or a slot of a frame. */
struct value_at {
	u32 frame;
	s32 reg;	/* -1: it is a slot */
	s32 slot;	/* -1: it is a register */
};

#define VALUE_AT_START ((struct value_at){ .frame = 0, .reg = -1, .slot = -1 })

/* The next register or spilled value after *at, NULL after the last. */
struct value *vstate_next_value(const struct vstate *state, struct value_at *at);

/*
 *	struct value_at at;
 *	struct value *val;
 *
 *	vstate_each_value(state, val, at)
 *		...
 *
 * Every register of every frame (V_NONE too), then every spilled value.  The
 * body may change *val, not the stack it lies in.
 */
#define vstate_each_value(state, val, at) \
	for ((at) = VALUE_AT_START; ((val) = vstate_next_value((state), &(at)));)

/* As vstate_each_value(), over one frame. */
struct value *frame_next_value(const struct frame *frame, struct value_at *at);

#define frame_each_value(frame, val, at) \
	for ((at) = VALUE_AT_START; ((val) = frame_next_value((frame), &(at)));)

/* --- comparison ------------------------------------------------------------------------------- */

/**
 * vstate_covers - was everything @cur can do already proved for @old
 * @ids:   scratch; initialised here
 *
 * Same call chain, same things held, and every register and slot covered.
 * Registers and slots that will not be read again should be V_NONE / BYTE_NONE
 * in @old; they are then covered by anything.
 *
 * Context: any.
 * Return:  true when @old covers @cur.
 */
bool vstate_covers(const struct vstate *old, const struct vstate *cur, struct idmap *ids,
		   enum cover mode);

#endif
