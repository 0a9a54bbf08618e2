/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/differ/say.h - sentences about numbers and memory
 */
#ifndef ROVE_TESTS_TOOL_DIFFER_SAY_H
#define ROVE_TESTS_TOOL_DIFFER_SAY_H

#include "tests/tool/differ/gen.h"

static const u8 all_jumps[] = { BPF_JEQ,  BPF_JNE,  BPF_JGT,  BPF_JGE,	BPF_JLT, BPF_JLE,
				BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET };

/* --- numbers ---------------------------------------------------------------------------------- */

static inline bool op_is_shift(u8 op)
{
	return op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH;
}

static inline bool op_divides(u8 op)
{
	return op == BPF_DIV || op == BPF_MOD;
}

static inline void say_alu_on(struct gen *g, u8 dst)
{
	static const u8 ops[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR,  BPF_AND, BPF_LSH,
				  BPF_RSH, BPF_MOD, BPF_XOR, BPF_ARSH, BPF_ADD, BPF_SUB, BPF_AND };
	u8 op = ops[gen_below(g, ARRAY_SIZE(ops))];
	u8 class = gen_percent(g, 60) ? BPF_ALU64 : BPF_ALU;
	s16 off = op_divides(op) && gen_percent(g, 50);
	s32 imm = gen_imm(g);

	if (gen_percent(g, 40)) {
		gen_emit(g, INSN(class | op | BPF_X, dst, gen_num_reg(g), off, 0));
		return;
	}
	if (op_is_shift(op))
		imm &= class == BPF_ALU64 ? 63 : 31;
	if (op_divides(op) && !imm)
		imm = -3;
	gen_emit(g, INSN(class | op | BPF_K, dst, 0, off, imm));
}

static inline void say_alu(struct gen *g)
{
	say_alu_on(g, gen_own_num_reg(g));
}

static inline void say_unary(struct gen *g)
{
	u8 dst = gen_own_num_reg(g), src = gen_num_reg(g);
	s16 width = 8 << gen_below(g, 3);

	switch (gen_below(g, 6)) {
	case 0:
		gen_emit(g, NEG(dst));
		break;
	case 1:
		gen_emit(g, NEG32(dst));
		break;
	case 2:
		gen_emit(g, INSN(BPF_ALU | BPF_END | (gen_percent(g, 50) ? BPF_TO_BE : BPF_TO_LE),
				 dst, 0, 0, 16 << gen_below(g, 3)));
		break;
	case 3:
		gen_emit(g, BSWAP(dst, 16 << gen_below(g, 3)));
		break;
	case 4:
		gen_emit(g, MOVSX(dst, src, width));
		break;
	default:
		gen_emit(g, MOVSX32(dst, src, width == 32 ? 16 : width));
	}
}

static inline void say_copy(struct gen *g)
{
	u8 dst = gen_free_reg(g), src = gen_num_reg(g);

	gen_emit(g, gen_percent(g, 70) ? MOV_REG(dst, src) : MOV32_REG(dst, src));
	g->regs[dst] = K_NUM;
	if (gen_percent(g, 30))
		gen_emit(g, INSN((gen_percent(g, 70) ? BPF_ALU64 : BPF_ALU) | BPF_ADD | BPF_K, dst,
				 0, 0, gen_imm(g)));
}

static inline void say_constant(struct gen *g)
{
	u8 dst = gen_free_reg(g);
	u64 wide = (u64)gen_imm(g) << gen_below(g, 33);

	g->regs[dst] = K_NUM;
	switch (gen_below(g, 3)) {
	case 0:
		gen_emit(g, MOV_IMM(dst, gen_imm(g)));
		break;
	case 1:
		gen_emit(g, MOV32_IMM(dst, gen_imm(g)));
		break;
	default:
		gen_emit_fixed(g, INSN(BPF_LD | BPF_IMM | BPF_DW, dst, 0, 0, (s32)wide));
		gen_emit_fixed(g, INSN(0, 0, 0, 0, (s32)(wide >> 32)));
	}
}

/* --- memory at known places ------------------------------------------------------------------- */

static inline void say_load(struct gen *g)
{
	u8 size = gen_size(g), dst = gen_free_reg(g), base;
	u32 bytes = gen_size_bytes(size);
	s16 off;

	base = gen_percent(g, 30) ? 6 : gen_base_reg(g, &off);
	if (base == 6)
		off = 0;
	off += gen_below(g, OBJECT_BYTES / bytes) * bytes;
	if (gen_percent(g, 5))
		off += gen_slip(g);
	gen_emit(g, INSN(BPF_LDX | (size != BPF_DW && base != 6 && gen_percent(g, 30) ? BPF_MEMSX :
				    BPF_MEM) | size, dst, base, off, 0));
	g->regs[dst] = K_NUM;
}

static inline void say_store(struct gen *g)
{
	u8 size = gen_size(g), base;
	u32 bytes = gen_size_bytes(size);
	s16 off;

	base = gen_percent(g, 20) ? 6 : gen_base_reg(g, &off);
	if (base == 6)
		off = 0;
	off += gen_below(g, OBJECT_BYTES / bytes) * bytes;
	if (base != 6 && gen_percent(g, 30))
		gen_emit(g, ST_IMM(size, base, off, gen_imm(g)));
	else
		gen_emit(g, STX(size, base, gen_num_reg(g), off));
}

/* A number goes to the stack and comes back, perhaps narrower or from beside. */
static inline void say_through_stack(struct gen *g)
{
	u8 store = gen_size(g), load = gen_percent(g, 60) ? store : gen_size(g), dst;
	s16 slot = gen_number_slot(g);

	gen_emit(g, STX(store, FP, gen_num_reg(g), slot));
	if (gen_percent(g, 20))
		gen_emit(g, ST_IMM(BPF_B, FP, slot + gen_below(g, 8), gen_imm(g)));
	dst = gen_free_reg(g);
	if (gen_size_bytes(load) < 8)
		slot += gen_percent(g, 30) ? gen_size_bytes(load) : 0;
	gen_emit(g, INSN(BPF_LDX | (load != BPF_DW && gen_percent(g, 30) ? BPF_MEMSX : BPF_MEM) |
			 load, dst, FP, slot, 0));
	g->regs[dst] = K_NUM;
}

/* A pointer to a map's value goes to the stack and comes back. */
static inline void say_pointer_through_stack(struct gen *g)
{
	u8 dst = gen_low_reg(g, 9);

	if (gen_percent(g, 50))
		gen_emit(g, STX(BPF_DW, FP, 9, SLOT_VALUE));
	gen_emit(g, LDX(BPF_DW, dst, FP, SLOT_VALUE));
	g->regs[dst] = K_VALUE;
	if (gen_percent(g, 20)) {
		gen_emit(g, JMP_IMM(BPF_JNE, dst, 0, 1));
		gen_emit(g, MOV_REG(dst, 9));
	}
}

static inline void say_atomic(struct gen *g)
{
	static const s32 ops[] = { BPF_ADD, BPF_AND, BPF_OR, BPF_XOR, BPF_ADD | BPF_FETCH,
				   BPF_AND | BPF_FETCH, BPF_OR | BPF_FETCH, BPF_XOR | BPF_FETCH,
				   BPF_XCHG, BPF_CMPXCHG };
	s32 op = ops[gen_below(g, ARRAY_SIZE(ops))];
	u8 size = gen_percent(g, 60) ? BPF_DW : BPF_W, src = gen_own_num_reg(g), base;
	u32 bytes = gen_size_bytes(size);
	s16 off;

	base = gen_base_reg(g, &off);
	if (op == BPF_CMPXCHG && (g->regs[0] != K_NUM || base == 0))
		return;
	gen_emit(g, ATOMIC(size, op, base, src, off + gen_below(g, OBJECT_BYTES / bytes) * bytes));
}

/* --- memory at places that are computed ------------------------------------------------------- */

/* Each leaves @r at most @max, or nearly. */
static inline void bound_mask(struct gen *g, u8 r, s32 max)
{
	s32 mask = max >= 32 ? 63 : max >= 16 ? 31 : max >= 8 ? 15 : 7;

	while (mask > max)
		mask &= mask << 1;
	gen_emit(g, gen_percent(g, 70) ? ALU64_IMM(BPF_AND, r, mask) : ALU32_IMM(BPF_AND, r, mask));
}

static inline void bound_unsigned(struct gen *g, u8 r, s32 max)
{
	bool equal = gen_percent(g, 50);

	gen_break(g, equal ? JMP_IMM(BPF_JGE, r, max + 1, 0) : JMP_IMM(BPF_JGT, r, max, 0));
}

static inline void bound_signed(struct gen *g, u8 r, s32 max)
{
	gen_break(g, JMP_IMM(BPF_JSGT, r, max, 0));
	if (!g->nr_risks || gen_percent(g, 90))
		gen_break(g, JMP_IMM(BPF_JSLT, r, 0, 0));
}

static inline void bound_half(struct gen *g, u8 r, s32 max)
{
	u32 when = gen_below(g, 10);

	if (when < 5)
		gen_emit(g, MOV32_REG(r, r));
	gen_break(g, gen_percent(g, 50) ? JMP32_IMM(BPF_JGT, r, max, 0) :
					  JMP32_IMM(BPF_JGE, r, max + 1, 0));
	if (when >= 5 && (when < 9 || !g->nr_risks))
		gen_emit(g, MOV32_REG(r, r));
}

static inline void bound_signed_half(struct gen *g, u8 r, s32 max)
{
	gen_break(g, JMP32_IMM(BPF_JSGT, r, max, 0));
	gen_break(g, JMP32_IMM(BPF_JSLT, r, 0, 0));
	if (gen_percent(g, 80))
		gen_emit(g, gen_percent(g, 50) ? MOV32_REG(r, r) : MOVSX(r, r, 32));
}

static inline void bound_modulo(struct gen *g, u8 r, s32 max)
{
	gen_emit(g, gen_percent(g, 60) ? ALU64_IMM(BPF_MOD, r, max + 1) :
					 ALU32_IMM(BPF_MOD, r, max + 1));
	bound_unsigned(g, r, max);
}

static inline void bound_shift(struct gen *g, u8 r, s32 max)
{
	u32 bits = max >= 63 ? 6 : max >= 31 ? 5 : max >= 15 ? 4 : max >= 7 ? 3 : 0;

	if (gen_percent(g, 50)) {
		gen_emit(g, ALU64_IMM(BPF_RSH, r, 64 - max(bits, 1u)));
	} else {
		gen_emit(g, ALU64_IMM(BPF_LSH, r, 64 - max(bits, 1u)));
		gen_emit(g, ALU64_IMM(gen_percent(g, 80) ? BPF_RSH : BPF_ARSH, r,
				      64 - max(bits, 1u)));
	}
	if (!bits)
		bound_unsigned(g, r, max);
}

/* Through a copy, perhaps with a constant between. */
static inline void bound_copy(struct gen *g, u8 r, s32 max)
{
	u8 copy = gen_low_reg(g, r);
	s32 add = gen_percent(g, 50) ? 0 : (s32)gen_below(g, 16);

	gen_emit(g, MOV_REG(copy, r));
	if (add)
		gen_emit(g, ADD_IMM(copy, add));
	g->regs[copy] = K_NUM;
	bound_unsigned(g, copy, max + add);
	if (add && gen_percent(g, 80))
		gen_break(g, JMP_IMM(BPF_JLT, copy, add, 0));
}

static inline void bound_spilled(struct gen *g, u8 r, s32 max)
{
	s16 slot = gen_number_slot(g);
	u8 size = gen_percent(g, 60) ? BPF_DW : BPF_W;

	gen_emit(g, STX(size, FP, r, slot));
	bound_unsigned(g, r, max);
	gen_emit(g, LDX(size, r, FP, slot));
}

static inline void bound_window(struct gen *g, u8 r, s32 max)
{
	s32 low = gen_imm(g) & 0xffffff;
	bool is_signed = gen_percent(g, 50);

	gen_break(g, JMP_IMM(is_signed ? BPF_JSLT : BPF_JLT, r, low, 0));
	gen_break(g, JMP_IMM(is_signed ? BPF_JSGT : BPF_JGT, r, low + max, 0));
	gen_emit(g, gen_percent(g, 70) ? ADD_IMM(r, -low) : ALU64_IMM(BPF_SUB, r, low));
}

static inline void bound_bits(struct gen *g, u8 r, s32 max)
{
	s32 bits = max >= 32 ? 63 : max >= 16 ? 31 : max >= 8 ? 15 : 7;

	gen_break(g, JMP_IMM(BPF_JSET, r, ~bits, 0));
	bound_unsigned(g, r, max);
}

static inline void bound_by_register(struct gen *g, u8 r, s32 max)
{
	u8 other = gen_low_reg(g, r);

	gen_emit(g, LDX(BPF_B, other, 9, gen_below(g, OBJECT_BYTES)));
	g->regs[other] = K_NUM;
	gen_break(g, JMP_IMM(BPF_JGT, other, max, 0));
	gen_break(g, gen_percent(g, 80) ? JMP_REG(BPF_JGT, r, other, 0) :
					  JMP_REG(BPF_JNE, r, other, 0));
}

static inline void bound_narrow(struct gen *g, u8 r, s32 max)
{
	s16 width = 8 << gen_below(g, 3);

	gen_emit(g, MOVSX(r, r, width));
	bound_signed(g, r, max);
}

static inline void bound_nonzero(struct gen *g, u8 r, s32 max)
{
	bound_unsigned(g, r, max + 1);
	if (gen_percent(g, 50)) {
		gen_break(g, JMP_IMM(BPF_JEQ, r, max + 1, 0));
	} else {
		gen_break(g, JMP_IMM(BPF_JEQ, r, 0, 0));
		gen_emit(g, ADD_IMM(r, -1));
	}
}

static inline void bound_not(struct gen *g, u8 r, s32 max)
{
	if (gen_percent(g, 30))
		gen_emit(g, gen_percent(g, 50) ? NEG(r) : NEG32(r));
	say_alu_on(g, r);
	bound_unsigned(g, r, max);
}

static inline void bound_number(struct gen *g, u8 r, s32 max)
{
	static void (*const ways[])(struct gen *g, u8 r, s32 max) = {
		bound_mask, bound_unsigned, bound_signed, bound_half, bound_signed_half,
		bound_mask, bound_unsigned, bound_signed, bound_half, bound_signed_half,
		bound_modulo, bound_shift, bound_copy, bound_spilled, bound_window, bound_bits,
		bound_by_register, bound_narrow, bound_nonzero, bound_not,
	};

	ways[gen_below(g, ARRAY_SIZE(ways))](g, r, max);
}

/* Arithmetic on a bounded number; ret: what it is at most then, as far as the maker can tell. */
static inline s32 twist_number(struct gen *g, u8 r, s32 max)
{
	u8 class = gen_percent(g, 70) ? BPF_ALU64 : BPF_ALU;
	s32 n = gen_below(g, 3);

	switch (gen_below(g, 24) % 9) {
	case 0:
		gen_emit(g, INSN(class | BPF_ADD | BPF_K, r, 0, 0, n));
		return max + n;
	case 1:
		gen_emit(g, INSN(class | BPF_MUL | BPF_K, r, 0, 0, n));
		return max * n;
	case 2:
		gen_emit(g, INSN(class | BPF_LSH | BPF_K, r, 0, 0, n));
		return max << n;
	case 3:
		gen_emit(g, INSN(class | BPF_RSH | BPF_K, r, 0, 0, n));
		return max >> n;
	case 4:
		gen_emit(g, INSN(class | BPF_OR | BPF_K, r, 0, 0, n));
		return max | 3;
	case 5:
		gen_emit(g, INSN(class | BPF_XOR | BPF_K, r, 0, 0, n));
		return max | 3;
	case 8:	/* rare: the kernel does not look closely */
		gen_emit(g, INSN(class | BPF_DIV | BPF_K, r, 0, gen_below(g, 2), n + 1));
		return max / (n + 1);
	default:
		gen_emit(g, INSN(class | BPF_ARSH | BPF_K, r, 0, 0, n));
		return max >> n;
	}
}

static inline void access_at(struct gen *g, u8 size, u8 ptr, s16 off)
{
	u32 how = gen_below(g, 10);
	u8 other = gen_num_reg(g);

	if (other == ptr)
		other = 7;
	if (how < 5) {
		u8 dst = gen_free_reg(g);

		gen_emit(g, LDX(size, dst, ptr, off));
		g->regs[dst] = K_NUM;
		if (dst != ptr)
			g->regs[ptr] = K_NONE;
		return;
	}
	if (how < 9 || size == BPF_B || size == BPF_H)
		gen_emit(g, STX(size, ptr, other, off));
	else
		gen_emit(g, ATOMIC(size, BPF_ADD, ptr, other, off));
	g->regs[ptr] = K_NONE;
}

/* pointer = object + bounded number; load or store there */
static inline void say_index(struct gen *g)
{
	u8 size = gen_size(g), index = gen_low_reg(g, FP), ptr, base;
	s32 max = OBJECT_BYTES - gen_size_bytes(size), slack = 0;
	s16 off;

	gen_emit(g, MOV_REG(index, gen_num_reg(g)));
	g->regs[index] = K_NUM;
	if (gen_percent(g, 50)) {
		slack = gen_below(g, max);
		max -= slack;
	}
	bound_number(g, index, max + gen_slip(g));
	if (slack && gen_percent(g, 60))
		slack = OBJECT_BYTES - gen_size_bytes(size) - twist_number(g, index, max);
	base = gen_base_reg(g, &off);
	ptr = gen_low_reg(g, index);
	if (base == index)
		base = 9, off = 0;
	gen_emit(g, MOV_REG(ptr, base));
	if (slack > 0 && gen_percent(g, 50))
		gen_emit(g, ADD_IMM(ptr, slack));
	else if (slack > 0)
		off += slack;
	gen_emit(g, ADD_REG(ptr, index));
	g->regs[ptr] = K_NONE;
	access_at(g, size, ptr, off + gen_slip(g));
	if (gen_percent(g, 20))
		say_alu_on(g, g->regs[index] == K_NUM ? index : 7);
}

/* pointer = end of object - bounded number */
static inline void say_index_backwards(struct gen *g)
{
	u8 size = gen_size(g), index = gen_low_reg(g, FP), ptr;
	s32 max = OBJECT_BYTES - gen_size_bytes(size);
	s16 off;
	u8 base;

	gen_emit(g, MOV_REG(index, gen_num_reg(g)));
	g->regs[index] = K_NUM;
	bound_number(g, index, max + gen_slip(g));
	base = gen_base_reg(g, &off);
	if (base == index)
		base = 9, off = 0;
	ptr = gen_low_reg(g, index);
	gen_emit(g, MOV_REG(ptr, base));
	if (gen_percent(g, 90)) {
		/* The kernel knows little of a pointer from which a number was taken. */
		u8 left = 0;

		while (left == index || left == ptr || left == base)
			left++;
		gen_emit(g, MOV_IMM(left, max));
		gen_emit(g, ALU64_REG(BPF_SUB, left, index));
		gen_emit(g, ADD_REG(ptr, left));
		g->regs[left] = K_NUM;
	} else if (gen_percent(g, 50)) {
		gen_emit(g, ADD_IMM(ptr, max));
		gen_emit(g, ALU64_REG(BPF_SUB, ptr, index));
	} else {
		gen_emit(g, NEG(index));
		gen_emit(g, ADD_REG(ptr, index));
		off += max;
	}
	g->regs[ptr] = K_NONE;
	access_at(g, size, ptr, off + gen_slip(g));
}

#endif
