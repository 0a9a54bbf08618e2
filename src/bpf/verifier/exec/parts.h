/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/parts.h - what the files of exec/ share
 *
 * Each part takes the check, the state and the step it fills.  v->pc is the
 * instruction; a part sets step->next only when it is not the one behind it.
 */
#ifndef ROVE_BPF_VERIFIER_EXEC_PARTS_H
#define ROVE_BPF_VERIFIER_EXEC_PARTS_H

#include "base/context.h"
#include "bpf/verifier/exec/exec.h"
#include "bpf/verifier/typestate/typestate.h"

/* No access goes further than this, and no offset may be known to be this far below its object. */
#define EXEC_MAX_OFF (1ll << 29)

/* Every level of the log: what explains a rejection. */
#define EXEC_LOG_ALWAYS 7

static inline const struct bpf_insn *exec_insn(const struct vrf *v)
{
	return &v->req->insns[v->pc];
}

static inline const struct callsite *exec_site(const struct vrf *v)
{
	return &v->facts->sites[v->pc];
}

/* --- step.c ----------------------------------------------------------------------------------- */

/* The step depended on the exact number in register @reg of the running frame. */
void want_reg(struct step *step, u32 reg);

/* The same of stack slots of the running frame, given by two of them. */
void want_slots(struct step *step, u32 a, u32 b);

/* The register as a source: 0, or the rejection when it holds nothing. */
int reg_read(struct vrf *v, const struct vstate *st, u32 reg, struct value **ret_val);

/* This frame's stack was touched down to @off: what its function will need. */
void note_stack(struct vrf *v, const struct vstate *st, u32 frame, s64 off);

/* --- wording.c -------------------------------------------------------------------------------- */

struct wording {
	char text[160];
};

/* The kernel's words for what a register holds: "map_value_or_null", "rdonly_mem", "scalar". */
const char *value_words(const struct vrf *v, const struct value *val, struct wording *buf);

/* "" or, of a number that was a scoped pointer, a line that says so. */
const char *ended_words(const struct value *val, u32 reg, struct wording *buf);

/* The number of a scalar or the variable offset of a pointer, as "5" or "(0x0; 0xff)". */
const char *number_words(const struct scalar *num, struct wording *buf);

/* --- alu.c, branch.c, mem.c, call.c, exit.c --------------------------------------------------- */

int exec_alu(struct vrf *v, struct vstate *st, struct step *step);
int exec_branch(struct vrf *v, struct vstate *st, struct step *step);
int exec_load(struct vrf *v, struct vstate *st, struct step *step);
int exec_load_imm64(struct vrf *v, struct vstate *st, struct step *step);
int exec_store(struct vrf *v, struct vstate *st, struct step *step);
int exec_atomic(struct vrf *v, struct vstate *st, struct step *step);
int exec_call(struct vrf *v, struct vstate *st, struct step *step);
int exec_return(struct vrf *v, struct vstate *st, struct step *step);
int exec_exit(struct vrf *v, struct vstate *st, struct step *step);

/* A number gets an identity, so that a copy of it can share what is learned later. */
void value_link(struct vstate *st, struct value *val);

/* What the instruction at v->pc turned out to be. */
int note_here(struct vrf *v, enum note_kind kind, u32 index, u32 off);

#endif
