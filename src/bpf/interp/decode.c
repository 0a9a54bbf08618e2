/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/interp/decode.c - instructions to operations
 *
 * What the tables do not name is refused, so nothing is run that run.c does not
 * know.
 */
#include <errno.h>
#include <stdlib.h>

#include "bpf/interp/interp.h"
#include "bpf/interp/ops.h"

#ifndef BPF_LOAD_ACQ
#define BPF_LOAD_ACQ 0x100
#define BPF_STORE_REL 0x110
#endif

/* The four forms of an operation follow each other: 64_X, 64_K, 32_X, 32_K. */
static u16 form(u16 first, bool is64, bool is_reg)
{
	return first + (is64 ? 0 : 2) + (is_reg ? 0 : 1);
}

/* 0 (OP_DEAD): there is no such operation. */
static const u16 alu_ops[16] = {
	[BPF_ADD >> 4] = OP_ADD64_X, [BPF_SUB >> 4] = OP_SUB64_X, [BPF_MUL >> 4] = OP_MUL64_X,
	[BPF_DIV >> 4] = OP_DIV64_X, [BPF_OR >> 4] = OP_OR64_X,	  [BPF_AND >> 4] = OP_AND64_X,
	[BPF_LSH >> 4] = OP_LSH64_X, [BPF_RSH >> 4] = OP_RSH64_X, [BPF_MOD >> 4] = OP_MOD64_X,
	[BPF_XOR >> 4] = OP_XOR64_X, [BPF_MOV >> 4] = OP_MOV64_X, [BPF_ARSH >> 4] = OP_ARSH64_X,
};

static const u16 jmp_ops[16] = {
	[BPF_JEQ >> 4] = OP_JEQ64_X,   [BPF_JGT >> 4] = OP_JGT64_X,   [BPF_JGE >> 4] = OP_JGE64_X,
	[BPF_JSET >> 4] = OP_JSET64_X, [BPF_JNE >> 4] = OP_JNE64_X,   [BPF_JSGT >> 4] = OP_JSGT64_X,
	[BPF_JSGE >> 4] = OP_JSGE64_X, [BPF_JLT >> 4] = OP_JLT64_X,   [BPF_JLE >> 4] = OP_JLE64_X,
	[BPF_JSLT >> 4] = OP_JSLT64_X, [BPF_JSLE >> 4] = OP_JSLE64_X,
};

/* By access size: 0 to 3 for 1, 2, 4, 8 bytes. */
static u32 size_index(const struct bpf_insn *insn)
{
	return __builtin_ctz(insn_access_bytes(insn));
}

static u16 movsx_op(bool is64, s16 bits)
{
	switch (bits) {
	case 8:
		return is64 ? OP_MOVSX64_8 : OP_MOVSX32_8;
	case 16:
		return is64 ? OP_MOVSX64_16 : OP_MOVSX32_16;
	case 32:
		return is64 ? OP_MOVSX64_32 : OP_DEAD;
	default:
		return OP_DEAD;
	}
}

/* @first: the operation for 16 bits; those for 32 and 64 follow. */
static u16 swap_op(u16 first, s32 bits)
{
	switch (bits) {
	case 16:
		return first;
	case 32:
		return first + 1;
	case 64:
		return first + 2;
	default:
		return OP_DEAD;
	}
}

static u16 end_op(const struct bpf_insn *insn, bool is64)
{
	if (is64)
		return swap_op(OP_BSWAP16, insn->imm);
	return swap_op(BPF_SRC(insn->code) == BPF_TO_LE ? OP_LE16 : OP_BE16, insn->imm);
}

static u16 alu_op(const struct bpf_insn *insn)
{
	bool is64 = insn_class(insn) == BPF_ALU64, is_reg = insn_is_reg_form(insn);
	u16 first = alu_ops[insn_op(insn) >> 4];

	switch (insn_op(insn)) {
	case BPF_END:
		return end_op(insn, is64);
	case BPF_NEG:
		return is64 ? OP_NEG64 : OP_NEG32;
	case BPF_MOV:
		if (insn->off)
			return is_reg ? movsx_op(is64, insn->off) : OP_DEAD;
		break;
	case BPF_DIV:
		first = insn->off == 1 ? OP_SDIV64_X : OP_DIV64_X;
		break;
	case BPF_MOD:
		first = insn->off == 1 ? OP_SMOD64_X : OP_MOD64_X;
		break;
	}
	return first ? form(first, is64, is_reg) : OP_DEAD;
}

static u16 call_op(const struct fixup *fixup)
{
	if (fixup->kind == FIXUP_CALL_SUBPROG)
		return OP_CALL_SUBPROG;
	if (fixup->kind != FIXUP_CALL_FN || !fixup->fn)
		return OP_DEAD;
	switch (fixup->ret_bytes) {
	case 1:
		return OP_CALL_1;
	case 2:
		return OP_CALL_2;
	case 4:
		return OP_CALL_4;
	default:
		return OP_CALL_8;
	}
}

static u16 jmp_op(const struct bpf_insn *insn, const struct fixup *fixup)
{
	bool is64 = insn_class(insn) == BPF_JMP;
	u16 first = jmp_ops[insn_op(insn) >> 4];

	switch (insn_op(insn)) {
	case BPF_JA:
		return OP_JA;
	case BPF_CALL:
		return is64 ? call_op(fixup) : OP_DEAD;
	case BPF_EXIT:
		return is64 ? OP_EXIT : OP_DEAD;
	}
	return first ? form(first, is64, insn_is_reg_form(insn)) : OP_DEAD;
}

static u16 atomic_width_op(s32 imm, u16 add, u16 fetch_add, u16 xchg, u16 cmpxchg)
{
	switch (imm) {
	case BPF_ADD:
		return add;
	case BPF_OR:
		return add + 1;
	case BPF_AND:
		return add + 2;
	case BPF_XOR:
		return add + 3;
	case BPF_ADD | BPF_FETCH:
		return fetch_add;
	case BPF_OR | BPF_FETCH:
		return fetch_add + 1;
	case BPF_AND | BPF_FETCH:
		return fetch_add + 2;
	case BPF_XOR | BPF_FETCH:
		return fetch_add + 3;
	case BPF_XCHG:
		return xchg;
	case BPF_CMPXCHG:
		return cmpxchg;
	default:
		return OP_DEAD;
	}
}

static u16 atomic_op(const struct bpf_insn *insn)
{
	if (insn->imm == BPF_LOAD_ACQ)
		return OP_LOAD_ACQ_B + size_index(insn);
	if (insn->imm == BPF_STORE_REL)
		return OP_STORE_REL_B + size_index(insn);
	if (BPF_SIZE(insn->code) == BPF_W)
		return atomic_width_op(insn->imm, OP_ATOMIC_ADD32, OP_FETCH_ADD32, OP_XCHG32,
				       OP_CMPXCHG32);
	if (BPF_SIZE(insn->code) == BPF_DW)
		return atomic_width_op(insn->imm, OP_ATOMIC_ADD64, OP_FETCH_ADD64, OP_XCHG64,
				       OP_CMPXCHG64);
	return OP_DEAD;
}

static u16 ldx_op(const struct bpf_insn *insn, bool checked)
{
	u32 index = size_index(insn);

	if (insn_mode(insn) == BPF_MEM)
		return (checked ? OP_CHK_B : OP_LDX_B) + index;
	if (insn_mode(insn) == BPF_MEMSX && index < 3)
		return (checked ? OP_CHKSX_B : OP_LDSX_B) + index;
	return OP_DEAD;
}

static u16 mem_op(const struct bpf_insn *insn, const struct fixup *fixup)
{
	switch (insn_class(insn)) {
	case BPF_LD:
		return insn_is_ld_imm64(insn) ? OP_LD_IMM64 : OP_DEAD;
	case BPF_LDX:
		return ldx_op(insn, fixup->kind == FIXUP_CHECKED_LOAD);
	case BPF_ST:
		return insn_mode(insn) == BPF_MEM ? OP_ST_B + size_index(insn) : OP_DEAD;
	default:
		if (insn_mode(insn) == BPF_ATOMIC)
			return atomic_op(insn);
		return insn_mode(insn) == BPF_MEM ? OP_STX_B + size_index(insn) : OP_DEAD;
	}
}

static u16 op_number(const struct bpf_insn *insn, const struct fixup *fixup)
{
	switch (insn_class(insn)) {
	case BPF_ALU:
	case BPF_ALU64:
		return alu_op(insn);
	case BPF_JMP:
	case BPF_JMP32:
		return jmp_op(insn, fixup);
	default:
		return mem_op(insn, fixup);
	}
}

/* The long jump has its distance in imm. */
static s32 jump_distance(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP32 | BPF_JA) ? insn->imm : insn->off;
}

static void decode_one(const struct bpf_insn *insn, const struct fixup *fixup, u32 pc,
		       struct interp_op *op)
{
	*op = (struct interp_op){
		.op = fixup->kind == FIXUP_DEAD ? OP_DEAD : op_number(insn, fixup),
		.dst = insn->dst_reg,
		.src = insn->src_reg,
		.off = insn->off,
		.imm = (s64)insn->imm,
	};
	switch (op->op) {
	case OP_JA ... OP_JSLE32_K:
		op->off = jump_distance(insn);
		break;
	case OP_CALL_SUBPROG:
		op->off = (s32)(fixup->target - (pc + 1));
		break;
	case OP_CALL_8:
	case OP_CALL_4:
	case OP_CALL_2:
	case OP_CALL_1:
		op->fn = fixup->fn;
		break;
	case OP_LD_IMM64:
		op->imm = fixup->kind == FIXUP_IMM64 ? fixup->imm64 :
			  (u32)insn[0].imm | (u64)(u32)insn[1].imm << 32;
		break;
	}
}

/**
 * interp_decode - make a program ready to run
 * @insns:    verified, or written by somebody who knows
 * @fixups:   one per instruction
 * @ret_code: interp_free() it
 *
 * Context: may sleep.
 * Return:  0, -EINVAL (an instruction that cannot be run and is not FIXUP_DEAD) or -ENOMEM.
 */
int interp_decode(const struct bpf_insn *insns, const struct fixup *fixups, u32 nr_insns,
		  struct interp_code **ret_code)
{
	struct interp_code *code;

	code = calloc(1, sizeof(*code) + nr_insns * sizeof(code->ops[0]));
	if (!code)
		return -ENOMEM;
	code->nr_ops = nr_insns;
	for (u32 pc = 0; pc < nr_insns; pc++) {
		bool is_wide = insn_is_ld_imm64(&insns[pc]) && pc + 1 < nr_insns;

		decode_one(&insns[pc], &fixups[pc], pc, &code->ops[pc]);
		if (code->ops[pc].op == OP_DEAD && fixups[pc].kind != FIXUP_DEAD) {
			free(code);
			return -EINVAL;
		}
		pc += is_wide;	/* the second half stays OP_DEAD */
	}
	*ret_code = code;
	return 0;
}

void interp_free(struct interp_code *code)
{
	free(code);
}
