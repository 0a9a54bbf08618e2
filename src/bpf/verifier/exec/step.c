/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/step.c - one instruction: look up the part, call it
 *
 * Not here: which instructions are legal at all (facts/insn_rule.c), what
 *           comes next in the search (search/).
 */
#include <errno.h>

#include "bpf/verifier/exec/parts.h"

/**
 * want_reg - remember that the step depended on an exact number
 *
 * The frame is filled in by exec_step(): the one in which the instruction stood.
 *
 * Context: any.
 */
void want_reg(struct step *step, u32 reg)
{
	step->precise.any = true;
	step->precise.regs |= 1u << reg;
}

void want_slots(struct step *step, u32 a, u32 b)
{
	step->precise.any = true;
	step->precise.slots |= 1ull << a | 1ull << b;
}

/**
 * reg_read - use a register as a source
 * @ret_val:  the register itself, in the state
 *
 * Context: thread.
 * Return:  0, or -EACCES: it was never written.
 */
int reg_read(struct vrf *v, const struct vstate *st, u32 reg, struct value **ret_val)
{
	struct value *val = vstate_reg(st, reg);

	ctx_thread();
	if (val->kind == V_NONE)
		return vlog_reject(v, -EACCES, WHY_UNINIT, "R%u !read_ok", reg);
	*ret_val = val;
	return 0;
}

/**
 * note_stack - account for stack bytes of the function that runs in @frame
 *
 * Context: any.
 */
void note_stack(struct vrf *v, const struct vstate *st, u32 frame, s64 off)
{
	struct vrf_subprog *sub = &v->res->subprogs[st->frames[frame]->subprog];

	if (off < 0 && -off > sub->stack_bytes)
		sub->stack_bytes = (u32)-off;
}

static int exec_ld(struct vrf *v, struct vstate *st, struct step *step)
{
	if (insn_is_ld_imm64(exec_insn(v)))
		return exec_load_imm64(v, st, step);
	return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED, "BPF_LD_[ABS|IND] is not supported");
}

static int exec_stx(struct vrf *v, struct vstate *st, struct step *step)
{
	return insn_mode(exec_insn(v)) == BPF_ATOMIC ? exec_atomic(v, st, step) :
						       exec_store(v, st, step);
}

static int exec_jmp(struct vrf *v, struct vstate *st, struct step *step)
{
	switch (insn_op(exec_insn(v))) {
	case BPF_CALL:
		return exec_call(v, st, step);
	case BPF_EXIT:
		return st->depth > 1 ? exec_return(v, st, step) : exec_exit(v, st, step);
	default:
		return exec_branch(v, st, step);
	}
}

static int (*const exec_class[8])(struct vrf *v, struct vstate *st, struct step *step) = {
	[BPF_LD] = exec_ld,
	[BPF_LDX] = exec_load,
	[BPF_ST] = exec_store,
	[BPF_STX] = exec_stx,
	[BPF_ALU] = exec_alu,
	[BPF_JMP] = exec_jmp,
	[BPF_JMP32] = exec_branch,
	[BPF_ALU64] = exec_alu,
};

/* What we say about numbers must hang together, or the proof is worth nothing. */
static void check_sane(const struct vstate *st)
{
#ifdef ROVE_DEBUG
	struct value_at at;
	const struct value *val;

	vstate_each_value(st, val, at)
		check(val->kind == V_NONE || scalar_is_sane(&val->num));
#endif
}

int exec_step(struct vrf *v, struct vstate *st, u32 pc, struct step *ret_step)
{
	struct step step = { .kind = STEP_NEXT, .next = pc + 1 };
	int err;

	ctx_thread();
	v->pc = pc;
	step.precise.frame = st->depth - 1;
	err = exec_class[insn_class(exec_insn(v))](v, st, &step);
	if (err) {
		vstate_free(step.fork);
		vstate_free(step.later);
		return err;
	}
	check_sane(st);
	if (step.fork)
		check_sane(step.fork);
	*ret_step = step;
	return 0;
}
