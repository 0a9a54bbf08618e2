/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Memory, atomics and calls.
 */
#include "base/checked_copy.h"
#include "tests/test.h"
#include "tests/unit/interp/insns.h"

struct memory {
	u64 word[4];
} __attribute__((aligned(8)));

TEST(interp_mem, loads_of_each_size_extend_with_zeros_or_the_sign)
{
	struct memory m = { { 0x8182838485868788 } };
	static const struct { u8 size; u64 zero, sign; } rows[] = {
		{ BPF_B, 0x88, (u64)(s8)0x88 },
		{ BPF_H, 0x8788, (u64)(s16)0x8788 },
		{ BPF_W, 0x85868788, (u64)(s32)0x85868788 },
		{ BPF_DW, 0x8182838485868788, 0 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bpf_insn plain[] = { LDX(rows[i].size, 0, 1, 0), EXIT() };
		struct bpf_insn sign[] = { LDSX(rows[i].size, 0, 1, 0), EXIT() };
		u64 r0 = 0;

		EXPECT_EQ(RUN(plain, NULL, &m, &r0), 0);
		EXPECT_EQ(r0, rows[i].zero);
		if (rows[i].size == BPF_DW) {
			EXPECT_EQ(RUN(sign, NULL, &m, &r0), -EINVAL);
			continue;
		}
		EXPECT_EQ(RUN(sign, NULL, &m, &r0), 0);
		EXPECT_EQ(r0, rows[i].sign);
	}
}

TEST(interp_mem, stores_of_each_size_leave_their_neighbours_alone)
{
	static const struct { u8 size; u64 after_k, after_x; } rows[] = {
		{ BPF_B, 0x11111111111111fe, 0x11111111111111ef },
		{ BPF_H, 0x111111111111fffe, 0x111111111111cdef },
		{ BPF_W, 0x11111111fffffffe, 0x1111111189abcdef },
		{ BPF_DW, 0xfffffffffffffffe, 0x0123456789abcdef },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct memory m = { { 0x1111111111111111, 0x1111111111111111, 0x2222, } };
		struct bpf_insn insns[] = {
			LD64(2, 0x0123456789abcdef),
			ST(rows[i].size, 1, 0, -2), STX(rows[i].size, 1, 2, 8),
			MOV64_K(0, 0), EXIT(),
		};
		u64 r0;

		EXPECT_EQ(RUN(insns, NULL, &m, &r0), 0);
		EXPECT_EQ(m.word[0], rows[i].after_k);
		EXPECT_EQ(m.word[1], rows[i].after_x);
		EXPECT_EQ(m.word[2], 0x2222);
	}
}

TEST(interp_mem, unaligned_accesses_work)
{
	struct memory m = { { 0x8877665544332211, 0xffeeddccbbaa9988 } };
	struct bpf_insn insns[] = {
		LDX(BPF_DW, 0, 1, 3), LDX(BPF_W, 2, 1, 5), STX(BPF_H, 1, 2, 1), EXIT(),
	};
	u64 r0;

	EXPECT_EQ(RUN(insns, NULL, &m, &r0), 0);
	EXPECT_EQ(r0, 0xaa99888877665544);
	EXPECT_EQ(m.word[0], 0x8877665544776611);
}

/* *(u64 *)r1 OP= 6, where it is 12; r0 is what the source register holds then. */
static u64 run_atomic(struct memory *m, u8 size, s32 op)
{
	struct bpf_insn insns[] = {
		MOV64_K(2, 6), MOV64_K(0, 12),
		ATOMIC(size, 1, 2, 0, op),
		STX(BPF_DW, 1, 0, 8),
		MOV64_X(0, 2), EXIT(),
	};
	u64 r0 = 0;

	*m = (struct memory){ { 0x1000000000000000 + 12, 0, 0 } };
	EXPECT_EQ(RUN(insns, NULL, m, &r0), 0);
	return r0;
}

TEST(interp_mem, atomics_change_memory_and_fetch_the_old_value)
{
	static const struct { s32 op; u32 after; } rows[] = {
		{ BPF_ADD, 18 }, { BPF_OR, 14 }, { BPF_AND, 4 }, { BPF_XOR, 10 },
	};
	u64 high = 0x1000000000000000;
	struct memory m;

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(run_atomic(&m, BPF_W, rows[i].op), 6);
		EXPECT_EQ(m.word[0], high + rows[i].after);
		EXPECT_EQ(run_atomic(&m, BPF_W, rows[i].op | BPF_FETCH), 12);
		EXPECT_EQ(m.word[0], high + rows[i].after);
	}
	EXPECT_EQ(run_atomic(&m, BPF_DW, BPF_ADD | BPF_FETCH), high + 12);
	EXPECT_EQ(m.word[0], high + 18);
	EXPECT_EQ(run_atomic(&m, BPF_W, BPF_XCHG), 12);
	EXPECT_EQ(m.word[0], high + 6);
	EXPECT_EQ(run_atomic(&m, BPF_DW, BPF_XCHG), high + 12);
	EXPECT_EQ(m.word[0], 6);
	EXPECT_EQ(run_atomic(&m, BPF_W, BPF_CMPXCHG), 6);
	EXPECT_EQ(m.word[0], high + 6);
	EXPECT_EQ(m.word[1], 12);
	EXPECT_EQ(run_atomic(&m, BPF_DW, BPF_CMPXCHG), 6);
	EXPECT_EQ(m.word[0], high + 12);
	EXPECT_EQ(m.word[1], high + 12);
}

TEST(interp_mem, acquire_loads_and_release_stores)
{
	struct memory m = { { 0xfedcba9876543210 } };
	struct bpf_insn insns[] = {
		ATOMIC(BPF_H, 0, 1, 0, 0x100), STX(BPF_DW, 1, 0, 8),
		ATOMIC(BPF_W, 1, 0, 16, 0x110), EXIT(),
	};
	u64 r0;

	EXPECT_EQ(RUN(insns, NULL, &m, &r0), 0);
	EXPECT_EQ(r0, 0x3210);
	EXPECT_EQ(m.word[2], 0x3210);
}

TEST(interp_mem, a_checked_load_of_nothing_is_zero_and_the_program_goes_on)
{
	struct bpf_insn insns[] = {
		LDX(BPF_DW, 2, 1, 0),			/* of memory that is there */
		MOV64_K(3, 8),
		LDX(BPF_DW, 0, 3, 0), LDSX(BPF_B, 4, 3, 1),	/* of page zero */
		ALU64_X(BPF_ADD, 0, 4), ALU64_X(BPF_ADD, 0, 2), EXIT(),
	};
	struct fixup fixups[ARRAY_SIZE(insns)] = {
		[0] = { FIXUP_CHECKED_LOAD }, [2] = { FIXUP_CHECKED_LOAD },
		[3] = { FIXUP_CHECKED_LOAD },
	};
	struct memory m = { { 42 } };
	u64 r0 = 0;

	EXPECT_EQ(checked_copy_init(), 0);
	EXPECT_EQ(RUN(insns, fixups, &m, &r0), 0);
	EXPECT_EQ(r0, 42);
}

static u64 add_up(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return r1 + r2 * 10 + r3 * 100 + r4 * 1000 + r5 * 10000 - 2 * (1ull << 40);
}

TEST(interp_call, a_function_gets_five_registers_and_its_result_is_cut_to_its_width)
{
	struct bpf_insn insns[] = {
		MOV64_K(1, 1), MOV64_K(2, 2), MOV64_K(3, 3), MOV64_K(4, 4), MOV64_K(5, 5),
		CALL_FN(), EXIT(),
	};
	static const struct { u8 bytes; u64 mask; } rows[] = {
		{ 8, UINT64_MAX }, { 4, UINT32_MAX }, { 2, UINT16_MAX }, { 1, UINT8_MAX },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixup fixups[ARRAY_SIZE(insns)] = {
			[5] = { FIXUP_CALL_FN, rows[i].bytes, .fn = add_up },
		};
		u64 r0 = 0;

		EXPECT_EQ(RUN(insns, fixups, NULL, &r0), 0);
		EXPECT_EQ(r0, (54321 - 2 * (1ull << 40)) & rows[i].mask);
	}
}

TEST(interp_call, a_subprogram_has_its_own_stack_and_gives_callee_saved_registers_back)
{
	struct bpf_insn insns[] = {
		MOV64_K(6, 7), ST(BPF_DW, 10, -8, 11), MOV64_K(1, 5),
		CALL_SUB(4),				/* to 8 */
		LDX(BPF_DW, 1, 10, -8), ALU64_X(BPF_ADD, 0, 1), ALU64_X(BPF_ADD, 0, 6), EXIT(),
		MOV64_K(6, 1000), ST(BPF_DW, 10, -8, 2000), MOV64_X(0, 1), EXIT(),
	};
	struct fixup fixups[ARRAY_SIZE(insns)] = { [3] = { FIXUP_CALL_SUBPROG, .target = 8 } };
	u64 r0 = 0;

	EXPECT_EQ(RUN(insns, fixups, NULL, &r0), 0);
	EXPECT_EQ(r0, 5 + 11 + 7);
}

TEST(interp_call, endless_recursion_ends)
{
	struct bpf_insn insns[] = { CALL_SUB(-1), EXIT() };
	struct fixup fixups[ARRAY_SIZE(insns)] = { [0] = { FIXUP_CALL_SUBPROG, .target = 0 } };
	u64 r0;

	EXPECT_EQ(RUN(insns, fixups, NULL, &r0), -ELOOP);
}

TEST(interp_decode, what_is_not_an_instruction_is_refused)
{
	static const struct bpf_insn bad[] = {
		INSN(BPF_ALU64 | 0xe0, 0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_END, 0, 0, 0, 17),
		INSN(BPF_ALU | BPF_MOV | BPF_X, 0, 1, 32, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 24, 0),
		INSN(BPF_JMP | 0xf0, 0, 0, 0, 0),
		INSN(BPF_JMP32 | BPF_EXIT, 0, 0, 0, 0),
		INSN(BPF_LD | BPF_ABS | BPF_W, 0, 0, 0, 0),
		INSN(BPF_LDX | BPF_ABS | BPF_W, 0, 0, 0, 0),
		INSN(BPF_STX | BPF_ATOMIC | BPF_B, 0, 0, 0, BPF_ADD),
		INSN(BPF_STX | BPF_ATOMIC | BPF_W, 0, 0, 0, 0x30),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 1),	/* of nothing */
	};

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		struct fixup none = { 0 }, dead = { FIXUP_DEAD };
		struct interp_code *code;

		EXPECT_EQ(interp_decode(&bad[i], &none, 1, &code), -EINVAL);
		EXPECT_EQ(interp_decode(&bad[i], &dead, 1, &code), 0);
		interp_free(code);
	}
}
