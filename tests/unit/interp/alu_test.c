/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Arithmetic and jumps against the C compiler: every operation, in both widths
 * and both operand forms, on all pairs of numbers where something special
 * happens, and on many at random.
 */
#include "tests/test.h"
#include "tests/unit/interp/insns.h"

static const u64 edges[] = {
	0, 1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 65, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff,
	0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 0x100000000, 0x123456789abcdef0,
	0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001, 0xfffffffffffffffe,
	0xffffffffffffffff, 0xffffffff80000000, 0xffffffff7fffffff,
};

enum what { ADD, SUB, MUL, DIV, OR, AND, LSH, RSH, MOD, XOR, MOV, ARSH, SDIV, SMOD, NR_ALU };

static const struct { u8 code; s16 off; } alu_codes[NR_ALU] = {
	[ADD] = { BPF_ADD }, [SUB] = { BPF_SUB }, [MUL] = { BPF_MUL }, [DIV] = { BPF_DIV },
	[OR] = { BPF_OR }, [AND] = { BPF_AND }, [LSH] = { BPF_LSH }, [RSH] = { BPF_RSH },
	[MOD] = { BPF_MOD }, [XOR] = { BPF_XOR }, [MOV] = { BPF_MOV }, [ARSH] = { BPF_ARSH },
	[SDIV] = { BPF_DIV, 1 }, [SMOD] = { BPF_MOD, 1 },
};

static u64 expect64(enum what what, u64 a, u64 b)
{
	s64 sa = a, sb = b;

	switch (what) {
	case ADD: return a + b;
	case SUB: return a - b;
	case MUL: return a * b;
	case DIV: return b == 0 ? 0 : a / b;
	case OR: return a | b;
	case AND: return a & b;
	case LSH: return a << (b % 64);
	case RSH: return a >> (b % 64);
	case MOD: return b == 0 ? a : a % b;
	case XOR: return a ^ b;
	case MOV: return b;
	case ARSH: return (u64)(sa >> (b % 64));
	case SDIV: return sb == 0 ? 0 : sb == -1 ? 0 - a : (u64)(sa / sb);
	case SMOD: return sb == 0 ? a : sb == -1 ? 0 : (u64)(sa % sb);
	default: return 0;
	}
}

static u64 expect32(enum what what, u32 a, u32 b)
{
	s32 sa = a, sb = b;

	switch (what) {
	case ADD: return (u32)(a + b);
	case SUB: return (u32)(a - b);
	case MUL: return (u32)(a * b);
	case DIV: return b == 0 ? 0 : a / b;
	case OR: return a | b;
	case AND: return a & b;
	case LSH: return (u32)(a << (b % 32));
	case RSH: return a >> (b % 32);
	case MOD: return b == 0 ? a : a % b;
	case XOR: return a ^ b;
	case MOV: return b;
	case ARSH: return (u32)(sa >> (b % 32));
	case SDIV: return sb == 0 ? 0 : sb == -1 ? (u32)(0 - a) : (u32)(sa / sb);
	case SMOD: return sb == 0 ? a : sb == -1 ? 0 : (u32)(sa % sb);
	default: return 0;
	}
}

/* r0 = a OP b, in one width and form. */
static u64 run_alu(enum what what, bool is64, bool is_reg, u64 a, u64 b)
{
	u8 class = is64 ? BPF_ALU64 : BPF_ALU, src = is_reg ? BPF_X : BPF_K;
	struct bpf_insn insns[] = {
		LD64(0, a), LD64(1, b),
		INSN(class | alu_codes[what].code | src, 0, is_reg, alu_codes[what].off,
		     is_reg ? 0 : (s32)b),
		EXIT(),
	};
	u64 r0 = 0xdead;

	EXPECT_EQ(RUN(insns, NULL, NULL, &r0), 0);
	return r0;
}

static void check_alu(enum what what, u64 a, u64 b)
{
	EXPECT_EQ(run_alu(what, true, true, a, b), expect64(what, a, b));
	EXPECT_EQ(run_alu(what, false, true, a, b), expect32(what, a, b));
	EXPECT_EQ(run_alu(what, true, false, a, b), expect64(what, a, (s64)(s32)b));
	EXPECT_EQ(run_alu(what, false, false, a, b), expect32(what, a, b));
}

TEST(interp_alu, every_operation_agrees_with_the_compiler_on_the_edges)
{
	for (u32 what = 0; what < NR_ALU; what++)
		for (u32 i = 0; i < ARRAY_SIZE(edges); i++)
			for (u32 j = 0; j < ARRAY_SIZE(edges); j++)
				check_alu(what, edges[i], edges[j]);
}

static u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> (*state & 63);
}

TEST(interp_alu, every_operation_agrees_with_the_compiler_on_random_numbers)
{
	u64 seed = 88172645463325252ull;

	for (u32 i = 0; i < 3000; i++) {
		u64 a = next_random(&seed), b = next_random(&seed);

		check_alu(i % NR_ALU, a, b);
	}
}

static u64 run_unary(struct bpf_insn insn, u64 a)
{
	struct bpf_insn insns[] = { LD64(0, 0x5555555555555555), LD64(1, a), insn, EXIT() };
	u64 r0 = 0;

	if (BPF_OP(insn.code) == BPF_NEG || BPF_OP(insn.code) == BPF_END) {
		insns[0] = insns[2];
		insns[0].dst_reg = 0;
		insns[1] = insns[3];
	}
	EXPECT_EQ(RUN(insns, NULL, NULL, &r0), 0);
	return r0;
}

TEST(interp_alu, negation_and_sign_extending_moves)
{
	for (u32 i = 0; i < ARRAY_SIZE(edges); i++) {
		u64 a = edges[i];

		EXPECT_EQ(run_unary(INSN(BPF_ALU64 | BPF_NEG, 0, 0, 0, 0), a), 0 - a);
		EXPECT_EQ(run_unary(INSN(BPF_ALU | BPF_NEG, 0, 0, 0, 0), a), (u32)(0 - (u32)a));
		EXPECT_EQ(run_unary(INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 8, 0), a), (s64)(s8)a);
		EXPECT_EQ(run_unary(INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 16, 0), a), (s64)(s16)a);
		EXPECT_EQ(run_unary(INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 32, 0), a), (s64)(s32)a);
		EXPECT_EQ(run_unary(INSN(BPF_ALU | BPF_MOV | BPF_X, 0, 1, 8, 0), a), (u32)(s8)a);
		EXPECT_EQ(run_unary(INSN(BPF_ALU | BPF_MOV | BPF_X, 0, 1, 16, 0), a), (u32)(s16)a);
	}
}

TEST(interp_alu, byte_order)
{
	u64 a = 0x0123456789abcdef;

	EXPECT_EQ(run_unary(INSN(BPF_ALU | BPF_END | BPF_TO_BE, 0, 0, 0, 16), a), 0xefcd);
	EXPECT_EQ(run_unary(INSN(BPF_ALU | BPF_END | BPF_TO_BE, 0, 0, 0, 32), a), 0xefcdab89);
	EXPECT_EQ(run_unary(INSN(BPF_ALU | BPF_END | BPF_TO_BE, 0, 0, 0, 64), a), 0xefcdab8967452301);
	EXPECT_EQ(run_unary(INSN(BPF_ALU | BPF_END | BPF_TO_LE, 0, 0, 0, 16), a), 0xcdef);
	EXPECT_EQ(run_unary(INSN(BPF_ALU | BPF_END | BPF_TO_LE, 0, 0, 0, 32), a), 0x89abcdef);
	EXPECT_EQ(run_unary(INSN(BPF_ALU | BPF_END | BPF_TO_LE, 0, 0, 0, 64), a), a);
	EXPECT_EQ(run_unary(INSN(BPF_ALU64 | BPF_END, 0, 0, 0, 16), a), 0xefcd);
	EXPECT_EQ(run_unary(INSN(BPF_ALU64 | BPF_END, 0, 0, 0, 32), a), 0xefcdab89);
	EXPECT_EQ(run_unary(INSN(BPF_ALU64 | BPF_END, 0, 0, 0, 64), a), 0xefcdab8967452301);
}

static const u8 jmp_codes[] = { BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET, BPF_JNE, BPF_JSGT,
				BPF_JSGE, BPF_JLT, BPF_JLE, BPF_JSLT, BPF_JSLE };

static bool expect_jump(u8 code, u64 a, u64 b, s64 sa, s64 sb)
{
	switch (code) {
	case BPF_JEQ: return a == b;
	case BPF_JNE: return a != b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	case BPF_JLT: return a < b;
	case BPF_JLE: return a <= b;
	case BPF_JSET: return (a & b) != 0;
	case BPF_JSGT: return sa > sb;
	case BPF_JSGE: return sa >= sb;
	case BPF_JSLT: return sa < sb;
	default: return sa <= sb;
	}
}

static u64 run_jump(u8 code, bool is64, bool is_reg, u64 a, u64 b)
{
	struct bpf_insn insns[] = {
		LD64(2, a), LD64(1, b),
		INSN((is64 ? BPF_JMP : BPF_JMP32) | code | (is_reg ? BPF_X : BPF_K), 2, is_reg, 2,
		     is_reg ? 0 : (s32)b),
		MOV64_K(0, 0), EXIT(),
		MOV64_K(0, 1), EXIT(),
	};
	u64 r0 = 0xdead;

	EXPECT_EQ(RUN(insns, NULL, NULL, &r0), 0);
	return r0;
}

TEST(interp_jmp, every_comparison_agrees_with_the_compiler_on_the_edges)
{
	for (u32 k = 0; k < ARRAY_SIZE(jmp_codes); k++) {
		for (u32 i = 0; i < ARRAY_SIZE(edges); i++) {
			for (u32 j = 0; j < ARRAY_SIZE(edges); j++) {
				u8 code = jmp_codes[k];
				u64 a = edges[i], b = edges[j], bk = (s64)(s32)b;

				EXPECT_EQ(run_jump(code, true, true, a, b),
					  expect_jump(code, a, b, a, b));
				EXPECT_EQ(run_jump(code, true, false, a, b),
					  expect_jump(code, a, bk, a, bk));
				EXPECT_EQ(run_jump(code, false, true, a, b),
					  expect_jump(code, (u32)a, (u32)b, (s32)a, (s32)b));
				EXPECT_EQ(run_jump(code, false, false, a, b),
					  expect_jump(code, (u32)a, (u32)b, (s32)a, (s32)b));
			}
		}
	}
}

TEST(interp_jmp, short_and_long_jumps_forward_and_back)
{
	struct bpf_insn insns[] = {
		MOV64_K(0, 0),
		JA(2),			/* to 4 */
		ALU64_K(BPF_ADD, 0, 100),
		EXIT(),
		ALU64_K(BPF_ADD, 0, 1),
		JMP_K(BPF_JLT, 0, 5, -2),	/* to 4, until 5 */
		JA32(-5),		/* to 2 */
	};
	u64 r0;

	EXPECT_EQ(RUN(insns, NULL, NULL, &r0), 0);
	EXPECT_EQ(r0, 105);
}
