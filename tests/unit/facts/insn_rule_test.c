/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/facts/insn_rule_test.c - which instructions are legal, and what they touch
 *
 * Verdicts and words are those of Linux 6.18, except for what is not supported.
 */
#include "tests/unit/facts/fixture.h"

static const struct {
	struct bpf_insn insn[2];
	int err;
	const char *log;
} wrong[] = {
	{ { INSN(0x8f, 0, 0, 0, 0) }, -EINVAL, "unknown opcode 8f" },
	{ { INSN(0xff, 0, 0, 0, 0) }, -EINVAL, "unknown opcode ff" },
	{ { INSN(0xf7, 0, 0, 0, 0) }, -EINVAL, "unknown opcode f7" },
	{ { INSN(0x00, 0, 0, 0, 0) }, -EINVAL, "unknown opcode 00" },
	{ { INSN(BPF_JMP | BPF_CALL | BPF_X, 0, 0, 0, 7) }, -EINVAL, "unknown opcode 8d" },
	{ { INSN(BPF_JMP32 | BPF_CALL, 0, 0, 0, 7) }, -EINVAL, "unknown opcode 86" },
	{ { INSN(BPF_JMP32 | BPF_EXIT, 0, 0, 0, 0) }, -EINVAL, "unknown opcode 96" },
	{ { INSN(BPF_JMP | BPF_JA | BPF_X, 0, 0, 0, 0) }, -EINVAL, "unknown opcode 0d" },
	{ { LDX_SIGNED(BPF_DW, R0, R1, 0) }, -EINVAL, "unknown opcode 99" },
	{ { INSN(BPF_STX | BPF_ABS | BPF_W, 10, 1, -8, 5) }, -EINVAL, "unknown opcode 23" },
	{ { INSN(BPF_ST | BPF_ABS | BPF_W, 10, 1, -8, 5) }, -EINVAL, "unknown opcode 22" },
	{ { INSN(BPF_LD | BPF_MEM | BPF_W, 0, 0, 0, 0) }, -EINVAL, "unknown opcode 60" },
	{ { INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 1, 0, 0) }, -EINVAL, "BPF_ALU uses reserved fields" },
	{ { INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 4, 0) }, -EINVAL, "BPF_ALU uses reserved fields" },
	{ { INSN(BPF_ALU64 | BPF_ADD | BPF_X, 0, 1, 0, 7) }, -EINVAL, "BPF_ALU uses reserved fields" },
	{ { INSN(BPF_ALU | BPF_DIV | BPF_X, 0, 1, 2, 0) }, -EINVAL, "BPF_ALU uses reserved fields" },
	{ { INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 4, 0) }, -EINVAL, "BPF_MOV uses reserved fields" },
	{ { INSN(BPF_ALU | BPF_MOV | BPF_X, 0, 1, 32, 0) }, -EINVAL, "BPF_MOV uses reserved fields" },
	{ { INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 0, 7) }, -EINVAL, "BPF_MOV uses reserved fields" },
	{ { INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 1, 7) }, -EINVAL, "BPF_MOV uses reserved fields" },
	{ { INSN(BPF_ALU64 | BPF_NEG, 0, 1, 0, 7) }, -EINVAL, "BPF_NEG uses reserved fields" },
	{ { TO_LE(R0, 17) }, -EINVAL, "BPF_END uses reserved fields" },
	{ { BSWAP(R0, 17) }, -EINVAL, "BPF_END uses reserved fields" },
	{ { ALU64_IMM(BPF_LSH, R0, 64) }, -EINVAL, "invalid shift 64" },
	{ { ALU32_IMM(BPF_ARSH, R0, 32) }, -EINVAL, "invalid shift 32" },
	{ { ALU32_IMM(BPF_RSH, R0, -1) }, -EINVAL, "invalid shift -1" },
	{ { ALU64_IMM(BPF_DIV, R0, 0) }, -EINVAL, "div by zero" },
	{ { ALU32_IMM(BPF_MOD, R0, 0) }, -EINVAL, "div by zero" },
	{ { MOV_IMM(11, 0) }, -EINVAL, "R11 is invalid" },
	{ { MOV_REG(R0, 12) }, -EINVAL, "R12 is invalid" },
	{ { MOV_IMM(FP, 0) }, -EACCES, "frame pointer is read only" },
	{ { LDX(BPF_DW, FP, R1, 0) }, -EACCES, "frame pointer is read only" },
	{ { ATOMIC(BPF_DW, BPF_XCHG, R1, FP, 0) }, -EACCES, "frame pointer is read only" },
	{ { INSN(BPF_LDX | BPF_MEM | BPF_W, 0, 1, 0, 5) }, -EINVAL, "BPF_LDX uses reserved fields" },
	{ { INSN(BPF_STX | BPF_MEM | BPF_W, 10, 1, -8, 5) }, -EINVAL, "BPF_STX uses reserved fields" },
	{ { INSN(BPF_ST | BPF_MEM | BPF_W, 10, 1, -8, 5) }, -EINVAL, "BPF_ST uses reserved fields" },
	{ { ATOMIC(BPF_DW, 0x55, FP, R1, -8) }, -EINVAL, "BPF_ATOMIC uses invalid atomic opcode 55" },
	{ { ATOMIC(BPF_B, BPF_ADD, FP, R1, -8) }, -EINVAL, "invalid atomic operand size" },
	{ { ATOMIC(BPF_DW, INSN_LOAD_ACQ, R1, FP, -8) }, -EINVAL, "invalid atomic opcode 100" },
	{ { INSN(BPF_JMP | BPF_JA, 0, 0, 0, 5) }, -EINVAL, "BPF_JA uses reserved fields" },
	{ { INSN(BPF_JMP32 | BPF_JA, 0, 0, 1, 5) }, -EINVAL, "BPF_JA uses reserved fields" },
	{ { INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0, 5) }, -EINVAL,
	  "BPF_JMP/BPF_JMP32 uses reserved fields" },
	{ { INSN(BPF_JMP32 | BPF_JEQ | BPF_X, 0, 1, 0, 5) }, -EINVAL,
	  "BPF_JMP/BPF_JMP32 uses reserved fields" },
	{ { INSN(BPF_JMP | BPF_EXIT, 1, 0, 0, 0) }, -EINVAL, "BPF_EXIT uses reserved fields" },
	{ { INSN(BPF_JMP | BPF_CALL, 1, 0, 0, 7) }, -EINVAL, "BPF_CALL uses reserved fields" },
	{ { INSN(BPF_JMP | BPF_CALL, 0, 3, 0, 7) }, -EINVAL, "BPF_CALL uses reserved fields" },
	{ { INSN(BPF_JMP | BPF_CALL, 0, 0, 2, 7) }, -EINVAL, "BPF_CALL uses reserved fields" },
	{ { INSN(BPF_JMP | INSN_JCOND, 0, 0, 0, 0) }, -EINVAL, "may_goto" },
	{ { INSN(BPF_LD | BPF_ABS | BPF_W, 0, 0, 0, 0) }, -EINVAL, "not allowed for this program type" },
	{ { INSN(BPF_LD | BPF_IMM | BPF_DW, 0, 0, 0, 0), MOV_IMM(R0, 0) }, -EINVAL,
	  "invalid bpf_ld_imm64 insn" },
	{ { INSN(BPF_LD | BPF_IMM | BPF_DW, 0, 9, 0, 0) }, -EINVAL, "unrecognized bpf_ld_imm64 insn" },
	{ { INSN(BPF_LD | BPF_IMM | BPF_DW, 0, 0, 1, 0) }, -EINVAL,
	  "BPF_LD_IMM64 uses reserved fields" },
};

TEST(insn_rule, each_wrong_instruction_is_refused_with_its_reason)
{
	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct fixture fx;

		fixture_init(&fx, wrong[i].insn, 2);
		EXPECT_EQ(facts_check_insns(&fx.v), wrong[i].err);
		EXPECT_EQ(fx.res.reject_pc, 0);
		fixture_said(&fx, wrong[i].log);
		fixture_fini(&fx);
	}
}

#define BIT(r) (1u << (r))

static const struct {
	struct bpf_insn insn[2];
	u32 reads, writes;
} legal[] = {
	{ { MOV_IMM(R3, 1) }, 0, BIT(R3) },
	{ { MOV_REG(R3, FP) }, BIT(FP), BIT(R3) },
	{ { MOVSX(R3, R4, 32) }, BIT(R4), BIT(R3) },
	{ { ADD_IMM(R3, 1) }, BIT(R3), BIT(R3) },
	{ { ADD_REG(R3, R4) }, BIT(R3) | BIT(R4), BIT(R3) },
	{ { INSN(BPF_ALU64 | BPF_DIV | BPF_K, R3, 0, 1, -7) }, BIT(R3), BIT(R3) },
	{ { INSN(BPF_ALU | BPF_MOD | BPF_X, R3, R4, 1, 0) }, BIT(R3) | BIT(R4), BIT(R3) },
	{ { ALU64_IMM(BPF_LSH, R3, 63) }, BIT(R3), BIT(R3) },
	{ { NEG32(R3) }, BIT(R3), BIT(R3) },
	{ { TO_BE(R3, 64) }, BIT(R3), BIT(R3) },
	{ { BSWAP(R3, 16) }, BIT(R3), BIT(R3) },
	{ { LDX(BPF_B, R3, R4, -1) }, BIT(R4), BIT(R3) },
	{ { LDX_SIGNED(BPF_W, R3, R4, 1) }, BIT(R4), BIT(R3) },
	{ { STX(BPF_H, FP, R4, -2) }, BIT(FP) | BIT(R4), 0 },
	{ { ST_IMM(BPF_W, R3, 0, 9) }, BIT(R3), 0 },
	{ { ATOMIC(BPF_W, BPF_ADD, R3, R4, 0) }, BIT(R3) | BIT(R4), 0 },
	{ { ATOMIC(BPF_DW, BPF_ADD | BPF_FETCH, R3, R4, 0) }, BIT(R3) | BIT(R4), BIT(R4) },
	{ { ATOMIC(BPF_DW, BPF_XCHG, R3, R4, 0) }, BIT(R3) | BIT(R4), BIT(R4) },
	{ { ATOMIC(BPF_DW, BPF_CMPXCHG, R3, R4, 0) }, BIT(R0) | BIT(R3) | BIT(R4), BIT(R0) },
	{ { JMP_IMM(BPF_JSLE, R3, -4, 0) }, BIT(R3), 0 },
	{ { JMP32_REG(BPF_JSET, R3, R4, 0) }, BIT(R3) | BIT(R4), 0 },
	{ { GOTO(0) }, 0, 0 },
	{ { GOTOL(0) }, 0, 0 },
	{ { CALL_HELPER(1) }, 0x3e, 0x3f },
	{ { CALL_KFUNC(99) }, 0x3e, 0x3f },
	{ { CALL_SUBPROG(0) }, 0x3e, 0x3f },
	{ { EXIT() }, BIT(R0), 0 },
	{ { LD_IMM64(R3, 1ull << 40) }, 0, BIT(R3) },
	{ { LD_MAP_VALUE(R3, 4, 8) }, 0, BIT(R3) },
};

TEST(insn_rule, legal_instructions_pass_and_say_what_they_touch)
{
	for (u32 i = 0; i < ARRAY_SIZE(legal); i++) {
		struct fixture fx;

		fixture_init(&fx, legal[i].insn, insn_is_ld_imm64(legal[i].insn) ? 2 : 1);
		EXPECT_EQ(facts_check_insns(&fx.v), 0);
		EXPECT_EQ(insn_reads(legal[i].insn), legal[i].reads);
		EXPECT_EQ(insn_writes(legal[i].insn), legal[i].writes);
		fixture_fini(&fx);
	}
}

TEST(insn_rule, a_wide_load_may_not_be_cut_off)
{
	const struct bpf_insn prog[] = { LD_IMM64(R0, 0) };
	struct fixture fx;

	fixture_init(&fx, prog, 1);
	EXPECT_EQ(facts_check_insns(&fx.v), -EINVAL);
	fixture_fini(&fx);
}
