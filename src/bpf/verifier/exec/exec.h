/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/exec.h - one instruction on one state
 *
 * exec_step() changes one state and returns everything the search must know.
 * It never pushes, prunes or walks back.
 */
#ifndef ROVE_BPF_VERIFIER_EXEC_EXEC_H
#define ROVE_BPF_VERIFIER_EXEC_EXEC_H

#include "bpf/verifier/facts/facts.h"

enum step_kind {
	STEP_NEXT,	/* go on at ->next in the same state */
	STEP_FORK,	/* also: ->fork_pc with ->fork is another path */
	STEP_EXIT,	/* this path is done (the program or checked-alone function returned) */
};

/*
 * Inputs that a step depended on exactly.  The frame is the one in which the
 * instruction stood: a call or return changes the current frame.
 */
struct precise_want {
	bool any;
	u32 frame;
	u16 regs;	/* bit per register, as they were before the instruction */
	u64 slots;	/* bit per stack slot */
};

struct step {
	u8 kind;			/* enum step_kind */
	u32 next;
	struct vstate *fork;		/* owned by the explorer from here on */
	u32 fork_pc;
	struct vstate *later;		/* an async callback, checked on its own; the explorer's */
	u32 later_pc;
	bool converge;			/* iterator next: widen against the previous visit */
	struct precise_want precise;
};

/**
 * exec_step - what the instruction at @pc requires and does
 * @v:    facts, notes and the log; nothing of the search
 * @st:   changed in place
 * @pc:   an instruction that is reachable
 * @ret_step: written on success only
 *
 * Context: thread.
 * Return: 0, the rejection, or -ENOMEM.
 */
int exec_step(struct vrf *v, struct vstate *st, u32 pc, struct step *ret_step);

/* The state in which main or a global function starts. */
int exec_entry_state(struct vrf *v, u32 subprog, struct vstate **ret_state);

/* The one writer of notes; a second, different note is a rejection. */
int note_set(struct vrf *v, u32 pc, const struct insn_note *note);

/*
 * What only execution sees goes straight into the result: res->max_ctx_bytes, and
 * res->subprogs[i].stack_bytes, the deepest byte of its own frame that was touched.
 */

#endif
