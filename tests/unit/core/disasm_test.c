/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/core/disasm_test.c - spelled as the kernel's verifier log spells it
 *
 * The texts are what Linux 6.18 prints for these instructions.
 */
#include "bpf/core/disasm.h"
#include "tests/insn.h"
#include "tests/test.h"

static const struct {
	struct bpf_insn insn[2];
	const char *text;
} cases[] = {
	{ { MOV_IMM(R0, 0) }, "r0 = 0" },
	{ { MOV_IMM(R0, -1) }, "r0 = -1" },
	{ { MOV_REG(R2, FP) }, "r2 = r10" },
	{ { MOV32_REG(R7, R0) }, "w7 = w0" },
	{ { MOVSX(R0, R6, 8) }, "r0 = (s8)r6" },
	{ { MOVSX32(R0, R6, 16) }, "w0 = (s16)w6" },
	{ { ADD_IMM(R2, -8) }, "r2 += -8" },
	{ { ALU64_IMM(BPF_AND, R6, 255) }, "r6 &= 255" },
	{ { ALU64_IMM(BPF_ARSH, R0, 3) }, "r0 s>>= 3" },
	{ { ALU32_REG(BPF_XOR, R1, R2) }, "w1 ^= w2" },
	{ { ALU64_REG(BPF_DIV, R0, R6) }, "r0 /= r6" },
	{ { INSN(BPF_ALU64 | BPF_DIV | BPF_X, R0, R6, 1, 0) }, "r0 s/= r6" },
	{ { INSN(BPF_ALU64 | BPF_MOD | BPF_K, R0, 0, 1, 7) }, "r0 s%= 7" },
	{ { NEG(R0) }, "r0 = -r0" },
	{ { TO_BE(R0, 16) }, "r0 = be16 r0" },
	{ { TO_LE(R0, 32) }, "r0 = le32 r0" },
	{ { BSWAP(R0, 64) }, "r0 = bswap64 r0" },
	{ { LDX(BPF_DW, R0, R1, 0) }, "r0 = *(u64 *)(r1 +0)" },
	{ { LDX(BPF_H, R0, FP, -2) }, "r0 = *(u16 *)(r10 -2)" },
	{ { LDX_SIGNED(BPF_B, R1, FP, -8) }, "r1 = *(s8 *)(r10 -8)" },
	{ { STX(BPF_DW, FP, R1, -8) }, "*(u64 *)(r10 -8) = r1" },
	{ { ST_IMM(BPF_DW, FP, -8, 1) }, "*(u64 *)(r10 -8) = 1" },
	{ { ATOMIC(BPF_DW, BPF_ADD, FP, R6, -8) }, "lock *(u64 *)(r10 -8) += r6" },
	{ { ATOMIC(BPF_W, BPF_AND, FP, R6, -8) }, "lock *(u32 *)(r10 -8) &= r6" },
	{ { ATOMIC(BPF_DW, BPF_ADD | BPF_FETCH, FP, R6, -8) },
	  "r6 = atomic64_fetch_add((u64 *)(r10 -8), r6)" },
	{ { ATOMIC(BPF_W, BPF_OR | BPF_FETCH, FP, R6, -8) },
	  "r6 = atomic_fetch_or((u32 *)(r10 -8), r6)" },
	{ { ATOMIC(BPF_DW, BPF_XCHG, FP, R6, -8) }, "r6 = atomic64_xchg((u64 *)(r10 -8), r6)" },
	{ { ATOMIC(BPF_DW, BPF_CMPXCHG, FP, R6, -8) },
	  "r0 = atomic64_cmpxchg((u64 *)(r10 -8), r0, r6)" },
	{ { ATOMIC(BPF_DW, INSN_LOAD_ACQ, R1, FP, -8) }, "r1 = load_acquire((u64 *)(r10 -8))" },
	{ { ATOMIC(BPF_DW, INSN_STORE_REL, FP, R1, -8) }, "store_release((u64 *)(r10 -8), r1)" },
	{ { ATOMIC(BPF_DW, 0x55, FP, R1, -8) }, "BUG_db" },
	{ { JMP_IMM(BPF_JEQ, R0, 0, 2) }, "if r0 == 0x0 goto pc+2" },
	{ { JMP_IMM(BPF_JSGT, R6, 5, 1) }, "if r6 s> 0x5 goto pc+1" },
	{ { JMP_IMM(BPF_JEQ, R0, -1, 2) }, "if r0 == 0xffffffff goto pc+2" },
	{ { JMP32_IMM(BPF_JLT, R0, 5, 0) }, "if w0 < 0x5 goto pc+0" },
	{ { JMP_REG(BPF_JSET, R0, R1, 0) }, "if r0 & r1 goto pc+0" },
	{ { GOTO(-2) }, "goto pc-2" },
	{ { GOTOL(70000) }, "gotol pc+70000" },
	{ { CALL_HELPER(1) }, "call bpf_map_lookup_elem#1" },
	{ { CALL_HELPER(9999) }, "call unknown#9999" },
	{ { CALL_SUBPROG(2) }, "call pc+2" },
	{ { EXIT() }, "exit" },
	{ { LD_IMM64(R8, 0x123456789abcull) }, "r8 = 0x123456789abc" },
	{ { INSN(BPF_LD | BPF_ABS | BPF_W, 0, 0, 0, 0) }, "r0 = *(u32 *)skb[0]" },
	{ { INSN(BPF_JMP | INSN_JCOND, 0, 0, 0, 0) }, "may_goto pc+0" },
};

TEST(disasm, texts_are_the_kernels)
{
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[64];

		insn_disasm(cases[i].insn, NULL, text, sizeof(text));
		EXPECT_STR_EQ(text, cases[i].text);
	}
}

TEST(disasm, a_kfunc_is_called_by_its_name)
{
	struct bpf_insn insn = CALL_KFUNC(42);
	char text[64];

	insn_disasm(&insn, "bpf_iter_num_new", text, sizeof(text));
	EXPECT_STR_EQ(text, "call bpf_iter_num_new#42");
	insn_disasm(&insn, NULL, text, sizeof(text));
	EXPECT_STR_EQ(text, "call #42");
}

TEST(disasm, any_instruction_has_a_text_that_fits)
{
	for (u32 code = 0; code < 256; code++) {
		for (u32 i = 0; i < 64; i++) {
			struct bpf_insn insn[2] = {
				{ .code = code, .dst_reg = i % 16, .src_reg = i / 4,
				  .off = (s16)(i * 4099), .imm = (s32)(i * 2654435761u) },
			};
			char text[64], cut[4];

			insn_disasm(insn, NULL, text, sizeof(text));
			EXPECT_TRUE(text[0] && strlen(text) < sizeof(text) - 1);
			insn_disasm(insn, NULL, cut, sizeof(cut));
			EXPECT_EQ(strncmp(text, cut, 3), 0);
		}
	}
}
