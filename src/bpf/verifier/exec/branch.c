/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/branch.c - decide a comparison, or learn from both outcomes
 *
 * Not here: which of the two paths is walked first (search/): the one that
 *           falls through goes on, the jump is the fork.
 */
#include <errno.h>

#include "bpf/verifier/exec/parts.h"

struct compare {
	u8 op;
	enum width width;
	u32 dst_reg, src_reg;
	bool src_is_reg;
	struct value *dst, *src;	/* in the state; an immediate: ->imm */
	struct value imm;
};

/* --- what follows for all copies -------------------------------------------------------------- */

/* Every copy of a number is the same number. */
static void spread_number(struct vstate *st, u32 id, const struct scalar *num)
{
	struct value_at at;
	struct value *val;

	if (!id)
		return;
	vstate_each_value(st, val, at) {
		if (value_is_scalar(val) && val->id == id)
			val->num = *num;
	}
}

/*
 * Every copy of a pointer that was checked.  On the side where it is NULL,
 * nothing was acquired: the reference it would have carried is not held.
 */
static void spread_null(struct vstate *st, u32 id, u32 ref, bool is_null)
{
	const struct ref *held = refs_find(&st->refs, ref);
	struct value_at at;
	struct value *val;

	vstate_each_value(st, val, at) {
		if (!value_is_pointer(val) || val->id != id || !(val->flags & VF_MAYBE_NULL))
			continue;
		if (is_null)
			value_mark_null(val);
		else
			value_mark_nonnull(val);
	}
	if (is_null && held && held->kind == REF_OBJECT)
		refs_release(&st->refs, ref);
}

/* --- deciding --------------------------------------------------------------------------------- */

/*
 * A pointer that is surely not 0.  An untrusted one may be anything, a context
 * need not be given, and an offset without bounds may lead around to 0.
 */
static bool surely_nonnull(const struct value *val)
{
	if (!value_is_pointer(val) || val->kind == V_CTX)
		return false;
	if (val->flags & (VF_MAYBE_NULL | VF_UNTRUSTED))
		return false;
	if (scalar_smin(&val->num) <= -EXEC_MAX_OFF || scalar_smax(&val->num) >= EXEC_MAX_OFF)
		return false;
	return val->kind != V_BTF || val->flags & (VF_TRUSTED | VF_SCOPED | VF_RCU) || val->ref;
}

static bool is_equality(const struct compare *cmp)
{
	return cmp->width == WIDTH_64 && (cmp->op == BPF_JEQ || cmp->op == BPF_JNE);
}

/* The number compared with itself; its bits still decide JSET. */
static enum tri decide_same(const struct compare *cmp)
{
	switch (cmp->op) {
	case BPF_JEQ:
	case BPF_JGE:
	case BPF_JLE:
	case BPF_JSGE:
	case BPF_JSLE:
		return TRI_YES;
	case BPF_JSET:
		return scalar_compare(BPF_JSET, cmp->width, &cmp->dst->num, &cmp->src->num);
	default:
		return TRI_NO;
	}
}

static enum tri decide(const struct compare *cmp)
{
	bool both = value_is_scalar(cmp->dst) && value_is_scalar(cmp->src);

	if (both && cmp->src_is_reg && cmp->dst_reg == cmp->src_reg)
		return decide_same(cmp);
	if (both)
		return scalar_compare(cmp->op, cmp->width, &cmp->dst->num, &cmp->src->num);
	if (!is_equality(cmp))
		return TRI_MAYBE;
	if ((surely_nonnull(cmp->dst) && value_is_null(cmp->src)) ||
	    (surely_nonnull(cmp->src) && value_is_null(cmp->dst)))
		return cmp->op == BPF_JEQ ? TRI_NO : TRI_YES;
	return TRI_MAYBE;
}

/* --- learning --------------------------------------------------------------------------------- */

/* Two numbers, in one of the two states.  false: this side cannot happen. */
static bool learn_numbers(struct vstate *st, const struct compare *cmp, bool taken)
{
	struct value *dst = vstate_reg(st, cmp->dst_reg);
	struct value *src = cmp->src_is_reg ? vstate_reg(st, cmp->src_reg) : NULL;
	struct scalar a = dst->num, b = src ? src->num : cmp->imm.num;
	u32 dst_id = dst->id, src_id = src ? src->id : 0;

	/* Of one and the same number nothing is learned: scalar_refine() wants two. */
	if (src == dst || (src && dst_id && dst_id == src_id))
		return true;
	if (!scalar_refine(cmp->op, cmp->width, taken, &a, &b))
		return false;
	dst->num = a;
	spread_number(st, dst_id, &a);
	if (src) {
		src->num = b;
		spread_number(st, src_id, &b);
	}
	return true;
}

/* A pointer that may be NULL against zero. */
static void learn_null(struct vstate *st, const struct compare *cmp, u32 ptr_reg, bool taken)
{
	const struct value *ptr = vstate_reg(st, ptr_reg);

	spread_null(st, ptr->id, ptr->ref, taken == (cmp->op == BPF_JEQ));
}

/*
 * Soundness: of a comparison only what it says about the numbers or about
 * being NULL is learned, for the values compared and for those known to be
 * equal to them.  A link ends with the first operation that may change the
 * number (exec_alu(), narrow moves and stores); were it kept,
 *
 *	r2 = r1; r2 += 1; if r1 != 0 goto out; r3 = map_value; r3 += r2
 *
 * would pass with r2 taken for 0 (corpus: linked_after_add).
 *
 * Return: false when this side cannot happen.
 */
static bool learn(struct vstate *st, const struct compare *cmp, bool taken)
{
	if (value_is_scalar(cmp->dst) && value_is_scalar(cmp->src))
		return learn_numbers(st, cmp, taken);
	if (!is_equality(cmp))
		return true;
	if (cmp->dst->flags & VF_MAYBE_NULL && value_is_null(cmp->src))
		learn_null(st, cmp, cmp->dst_reg, taken);
	else if (cmp->src->flags & VF_MAYBE_NULL && value_is_null(cmp->dst))
		learn_null(st, cmp, cmp->src_reg, taken);
	return true;
}

/* --- the instruction -------------------------------------------------------------------------- */

static void want_operands(struct step *step, const struct compare *cmp)
{
	if (value_is_scalar(cmp->dst))
		want_reg(step, cmp->dst_reg);
	if (cmp->src_is_reg && value_is_scalar(cmp->src))
		want_reg(step, cmp->src_reg);
}

/*
 * Both outcomes, each in its own state.  @cmp points into @st, which changes:
 * the fork learns first.  A side that refinement shows to be impossible was
 * decided by exact numbers after all.
 */
static int fork_both(struct vstate *st, struct step *step, const struct compare *cmp, u32 target)
{
	struct vstate *fork;
	int err;

	err = vstate_copy(st, &fork);
	if (err)
		return err;
	if (!learn(fork, cmp, true)) {
		vstate_free(fork);
		want_operands(step, cmp);
		learn(st, cmp, false);
		return 0;
	}
	step->kind = STEP_FORK;
	step->fork = fork;
	step->fork_pc = target;
	return 0;
}

static int exec_compare(struct vrf *v, struct vstate *st, struct step *step,
			const struct compare *cmp)
{
	u32 target = v->pc + 1 + exec_insn(v)->off;
	enum tri taken = decide(cmp);
	int err;

	/* Of two pointers, or a number in one, no exact number decided a MAYBE. */
	if (taken != TRI_MAYBE) {
		want_operands(step, cmp);
		step->next = taken == TRI_YES ? target : v->pc + 1;
		return 0;
	}
	err = fork_both(st, step, cmp, target);
	if (err || step->kind != STEP_FORK)
		return err;
	if (value_is_pointer(cmp->dst) || value_is_pointer(cmp->src))
		want_operands(step, cmp);
	if (learn(st, cmp, false))
		return 0;
	/* Falling through cannot happen: the fork is the whole truth. */
	want_operands(step, cmp);
	err = vstate_assign(st, step->fork);
	vstate_free(step->fork);
	step->fork = NULL;
	step->kind = STEP_NEXT;
	step->next = target;
	return err;
}

static int compare_init(struct vrf *v, struct vstate *st, struct compare *cmp)
{
	const struct bpf_insn *insn = exec_insn(v);
	int err;

	*cmp = (struct compare){
		.op = insn_op(insn),
		.width = insn_class(insn) == BPF_JMP32 ? WIDTH_32 : WIDTH_64,
		.dst_reg = insn->dst_reg,
		.src_reg = insn->src_reg,
		.src_is_reg = insn_is_reg_form(insn),
	};
	value_set_const(&cmp->imm, (u64)(s64)insn->imm);
	cmp->src = &cmp->imm;
	err = reg_read(v, st, cmp->dst_reg, &cmp->dst);
	if (!err && cmp->src_is_reg)
		err = reg_read(v, st, cmp->src_reg, &cmp->src);
	return err;
}

static u32 jump_target(const struct vrf *v, const struct bpf_insn *insn)
{
	s32 dist = insn_class(insn) == BPF_JMP32 ? insn->imm : insn->off;

	return v->pc + 1 + dist;
}

/**
 * exec_branch - jumps, conditional or not
 *
 * Context: thread.
 * Return:  0, the rejection, or -ENOMEM.
 */
int exec_branch(struct vrf *v, struct vstate *st, struct step *step)
{
	const struct bpf_insn *insn = exec_insn(v);
	struct compare cmp;
	int err;

	ctx_thread();
	if (insn_op(insn) == BPF_JA) {
		step->next = jump_target(v, insn);
		return note_here(v, NOTE_PLAIN, 0, 0);
	}
	if (insn_op(insn) > BPF_JSLE)
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED, "may_goto is not supported");
	err = compare_init(v, st, &cmp);
	err = err ?: exec_compare(v, st, step, &cmp);
	return err ?: note_here(v, NOTE_PLAIN, 0, 0);
}
