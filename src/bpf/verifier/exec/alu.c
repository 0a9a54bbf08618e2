/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/alu.c - moves and arithmetic on values
 *
 * Numbers are domain/scalar.c's matter.  Here are the rules for pointers: what
 * may be added to which kind, and which operations turn one into a number.
 *
 * Invariant: the least offset of a pointer that came out of arithmetic, as a
 *            signed number, is above -EXEC_MAX_OFF.
 */
#include <errno.h>

#include "bpf/verifier/exec/parts.h"

static const char *const op_words[16] = {
	[BPF_ADD >> 4] = "+=",	[BPF_SUB >> 4] = "-=",	[BPF_MUL >> 4] = "*=",
	[BPF_DIV >> 4] = "/=",	[BPF_OR >> 4] = "|=",	[BPF_AND >> 4] = "&=",
	[BPF_LSH >> 4] = "<<=", [BPF_RSH >> 4] = ">>=", [BPF_NEG >> 4] = "neg",
	[BPF_MOD >> 4] = "%=",	[BPF_XOR >> 4] = "^=",	[BPF_MOV >> 4] = "=",
	[BPF_ARSH >> 4] = "s>>=",
};

static enum width insn_width(const struct bpf_insn *insn)
{
	return insn_class(insn) == BPF_ALU ? WIDTH_32 : WIDTH_64;
}

/**
 * value_link - let copies of a number share what is learned about one of them
 *
 * A known number needs no link, nor has a pointer use for one.
 *
 * Context: any.
 */
void value_link(struct vstate *st, struct value *val)
{
	if (value_is_scalar(val) && !val->id && !value_is_const(val))
		val->id = vstate_new_id(st);
}

/* --- moves ------------------------------------------------------------------------------------ */

static void mov_imm(const struct bpf_insn *insn, struct value *dst)
{
	if (insn_width(insn) == WIDTH_32)
		value_set_const(dst, (u32)insn->imm);
	else
		value_set_const(dst, (u64)(s64)insn->imm);
}

/*
 * Sign-extending and 32-bit moves keep the link only where no number that
 * belongs to the source can have changed.  Comparing the two scalars would not
 * do: an unknown number, sign-extended from 16 bits, may still be known as
 * little as before and yet be another number.
 */
static bool mov_keeps_number(const struct value *src, u32 sext_bits, enum width width)
{
	if (sext_bits)
		return scalar_umax(&src->num) < 1ull << (sext_bits - 1);
	return width == WIDTH_64 || scalar_umax(&src->num) <= UINT32_MAX;
}

static void mov_reg(struct vstate *st, struct value *dst, struct value *src, u32 sext_bits,
		    enum width width)
{
	bool keeps = mov_keeps_number(src, sext_bits, width);

	if (keeps)
		value_link(st, src);
	*dst = *src;
	if (!sext_bits && width == WIDTH_64)
		return;
	if (value_is_pointer(dst))
		value_set_unknown(dst);
	if (sext_bits)
		scalar_sext(&dst->num, sext_bits);
	if (width == WIDTH_32)
		scalar_zext32(&dst->num);
	if (!keeps)
		dst->id = 0;
}

static int exec_mov(struct vrf *v, struct vstate *st, const struct bpf_insn *insn,
		    struct value *dst)
{
	struct value *src;
	int err;

	if (!insn_is_reg_form(insn)) {
		mov_imm(insn, dst);
		return 0;
	}
	if (insn->off && insn->off != 8 && insn->off != 16 && insn->off != 32)
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED, "addr_space_cast is not supported");
	err = reg_read(v, st, insn->src_reg, &src);
	if (!err)
		mov_reg(st, dst, src, insn->off, insn_width(insn));
	return err;
}

/* --- pointers --------------------------------------------------------------------------------- */

static int reject_operator(struct vrf *v, u32 reg, u8 op)
{
	if (op == BPF_AND || op == BPF_OR || op == BPF_XOR)
		return vlog_reject(v, -EACCES, WHY_TYPE,
				   "R%u bitwise operator %s on pointer prohibited", reg,
				   op_words[op >> 4]);
	return vlog_reject(v, -EACCES, WHY_TYPE,
			   "R%u pointer arithmetic with %s operator prohibited", reg,
			   op_words[op >> 4]);
}

static int check_may_add(struct vrf *v, u32 reg, const struct value *ptr, const struct scalar *num)
{
	const struct vkind_desc *desc = &vkind_desc[ptr->kind];
	struct wording words;

	if (ptr->flags & VF_MAYBE_NULL)
		return vlog_reject(v, -EACCES, WHY_NULL,
				   "R%u pointer arithmetic on %s prohibited, null-check it first",
				   reg, value_words(v, ptr, &words));
	if (!desc->add_const)
		return vlog_reject(v, -EACCES, WHY_TYPE, "R%u pointer arithmetic on %s prohibited",
				   reg, value_words(v, ptr, &words));
	if (!desc->add_var && !scalar_is_const(num))
		return vlog_reject(v, -EACCES, WHY_BOUNDS,
				   "variable %s access var_off=%s disallowed", value_name(ptr),
				   number_words(num, &words));
	return 0;
}

/*
 * The number added, or the offset that came out.  A number without a least
 * value is most likely a forgotten check, and said so here.  How great it may
 * be is the access's question: were it asked here, of the least value, a known
 * large number would be refused where a range that contains it was allowed,
 * and whether a program passes would depend on which of two paths came first.
 *
 * Soundness does not rest on this: offsets are numbers modulo 2^64, as
 * addresses are, so a sum that wraps is still the right one.
 */
static int check_sane_offset(struct vrf *v, const struct value *ptr, const struct scalar *num)
{
	const char *name = value_name(ptr);
	s64 least = scalar_smin(num);

	if (least > -EXEC_MAX_OFF)
		return 0;
	if (scalar_is_const(num))
		return vlog_reject(v, -EINVAL, WHY_BOUNDS,
				   "math between %s pointer and %lld is not allowed", name,
				   (long long)least);
	if (least == INT64_MIN)
		return vlog_reject(v, -EINVAL, WHY_BOUNDS,
				   "math between %s pointer and register with unbounded min value is not allowed",
				   name);
	return vlog_reject(v, -EINVAL, WHY_BOUNDS,
			   "value %lld makes %s pointer be out of bounds", (long long)least, name);
}

/* @dst = @ptr +- @num, and @dst may be the register of either. */
static int ptr_add(struct vrf *v, const struct bpf_insn *insn, struct value *dst,
		   const struct value *ptr, const struct scalar *num)
{
	struct value sum = *ptr;
	int err;

	err = check_may_add(v, insn->dst_reg, ptr, num);
	err = err ?: check_sane_offset(v, ptr, num);
	if (err)
		return err;
	scalar_alu(insn_op(insn), WIDTH_64, 0, &sum.num, num);
	err = check_sane_offset(v, ptr, &sum.num);
	if (err)
		return err;
	*dst = sum;
	return 0;
}

static int ptr_with_ptr(struct vrf *v, const struct bpf_insn *insn, struct value *dst)
{
	if (insn_op(insn) != BPF_SUB)
		return vlog_reject(v, -EACCES, WHY_TYPE, "R%u pointer %s pointer prohibited",
				   insn->dst_reg, op_words[insn_op(insn) >> 4]);
	value_set_unknown(dst);
	if (insn_width(insn) == WIDTH_32)
		scalar_zext32(&dst->num);
	return 0;
}

/* One of the two is a pointer; want_reg() for the number, which decides where it points. */
static int ptr_arith(struct vrf *v, struct step *step, const struct bpf_insn *insn,
		     struct value *dst, const struct value *src)
{
	u8 op = insn_op(insn);

	if (value_is_pointer(dst) && value_is_pointer(src))
		return ptr_with_ptr(v, insn, dst);
	if (insn_width(insn) == WIDTH_32) {
		if (op != BPF_SUB)
			return vlog_reject(v, -EACCES, WHY_TYPE,
					   "R%u 32-bit pointer arithmetic prohibited",
					   insn->dst_reg);
		value_set_unknown(dst);
		scalar_zext32(&dst->num);
		return 0;
	}
	if (op != BPF_ADD && op != BPF_SUB)
		return reject_operator(v, insn->dst_reg, op);
	if (value_is_pointer(src)) {
		if (op == BPF_SUB)
			return vlog_reject(v, -EACCES, WHY_TYPE,
					   "R%u tried to subtract pointer from scalar",
					   insn->dst_reg);
		want_reg(step, insn->dst_reg);
		return ptr_add(v, insn, dst, src, &dst->num);
	}
	if (op == BPF_SUB && dst->kind == V_STACK)
		return vlog_reject(v, -EACCES, WHY_TYPE,
				   "R%u subtraction from stack pointer prohibited", insn->dst_reg);
	if (insn_is_reg_form(insn))
		want_reg(step, insn->src_reg);
	return ptr_add(v, insn, dst, dst, &src->num);
}

/* --- the rest --------------------------------------------------------------------------------- */

static void exec_unary(const struct bpf_insn *insn, struct value *dst)
{
	enum byte_order order = ORDER_SWAP;

	if (value_is_pointer(dst))
		value_set_unknown(dst);
	dst->id = 0;
	if (insn_op(insn) == BPF_NEG) {
		scalar_alu(BPF_NEG, insn_width(insn), 0, &dst->num, &dst->num);
		return;
	}
	if (insn_class(insn) == BPF_ALU)
		order = BPF_SRC(insn->code) == BPF_TO_BE ? ORDER_BE : ORDER_LE;
	scalar_end(&dst->num, order, insn->imm);
}

static int exec_binary(struct vrf *v, const struct vstate *st, struct step *step,
		       const struct bpf_insn *insn, struct value *dst)
{
	struct value imm, *src = &imm;
	int err = 0;

	value_set_const(&imm, (u64)(s64)insn->imm);
	if (insn_is_reg_form(insn))
		err = reg_read(v, st, insn->src_reg, &src);
	if (err)
		return err;
	if (value_is_pointer(dst) || value_is_pointer(src))
		return ptr_arith(v, step, insn, dst, src);
	scalar_alu(insn_op(insn), insn_width(insn), insn->off, &dst->num, &src->num);
	dst->id = 0;
	return 0;
}

/**
 * exec_alu - BPF_ALU and BPF_ALU64
 *
 * Context: thread.
 * Return:  0 or the rejection.
 */
int exec_alu(struct vrf *v, struct vstate *st, struct step *step)
{
	const struct bpf_insn *insn = exec_insn(v);
	struct value *dst = vstate_reg(st, insn->dst_reg);
	u8 op = insn_op(insn);
	int err;

	ctx_thread();
	if (insn->dst_reg == FRAME_FP)
		return vlog_reject(v, -EACCES, WHY_INSN, "frame pointer is read only");
	if (op == BPF_MOV) {
		err = exec_mov(v, st, insn, dst);
	} else {
		err = reg_read(v, st, insn->dst_reg, &dst);
		if (!err && (op == BPF_NEG || op == BPF_END))
			exec_unary(insn, dst);
		else if (!err)
			err = exec_binary(v, st, step, insn, dst);
	}
	return err ?: note_here(v, NOTE_PLAIN, 0, 0);
}
