/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/facts/liveness_test.c - what may still be read
 *
 * The reference asks for each place and each bit separately whether some way
 * leads to a read before a write.
 */
#include "tests/unit/facts/fixture.h"

#define MAX_INSNS 24
#define SLOT(off) (1ull << stack_slot_of(off))

static u32 seed = 3;

static u32 rnd(u32 n)
{
	seed = seed * 1664525u + 1013904223u;
	return (u32)(((u64)seed * n) >> 32);
}

static u32 random_program(struct bpf_insn *prog)
{
	u32 nr = 3 + rnd(MAX_INSNS - 2);

	for (u32 pc = 0; pc < nr; pc++) {
		u32 d = rnd(10), s = rnd(10), forward = rnd(nr - pc);
		s16 slot = -8 * (1 + (s16)rnd(6));

		switch (pc + 1 < nr ? rnd(10) : 9) {
		case 0:
			prog[pc] = (struct bpf_insn)MOV_IMM(d, 1);
			break;
		case 1:
			prog[pc] = (struct bpf_insn)MOV_REG(d, s);
			break;
		case 2:
			prog[pc] = (struct bpf_insn)ADD_REG(d, s);
			break;
		case 3:
			prog[pc] = (struct bpf_insn)STX(BPF_DW, FP, s, slot);
			break;
		case 4:
			prog[pc] = (struct bpf_insn)LDX(BPF_DW, d, FP, slot);
			break;
		case 5:
			prog[pc] = (struct bpf_insn)STX(BPF_W, FP, s, slot);
			break;
		case 6:
			prog[pc] = (struct bpf_insn)LDX(BPF_B, d, FP, slot + (s16)rnd(8));
			break;
		case 7:
			prog[pc] = (struct bpf_insn)JMP_REG(BPF_JGT, d, s, forward ? forward - 1 : 0);
			break;
		case 8:
			prog[pc] = (struct bpf_insn)JMP_IMM(BPF_JEQ, d, 0, -(s16)rnd(pc + 2));
			break;
		default:
			prog[pc] = pc + 1 < nr ? (struct bpf_insn)MOV32_REG(d, s) :
						 (struct bpf_insn)EXIT();
			break;
		}
	}
	return nr;
}

/* --- the reference ---------------------------------------------------------------------------- */

/* Bits 0..15: registers; 16 and up: slots. */
static u64 reads_of(const struct bpf_insn *insn)
{
	u64 bits = insn_reads(insn);

	if (BPF_CLASS(insn->code) == BPF_LDX)
		bits |= SLOT(insn->off) << 16;
	return bits;
}

static u64 writes_of(const struct bpf_insn *insn)
{
	u64 bits = insn_writes(insn);

	if (insn->code == (BPF_STX | BPF_MEM | BPF_DW))
		bits |= SLOT(insn->off) << 16;
	return bits;
}

static bool live_by_search(const struct facts *f, const struct bpf_insn *prog, u32 pc, u64 bit)
{
	bool seen[MAX_INSNS + 1] = { false };
	u32 todo[MAX_INSNS + 1], nr = 0;

	todo[nr++] = pc;
	seen[pc] = true;
	while (nr) {
		u32 at = todo[--nr], succ[2], nr_succ;

		if (reads_of(&prog[at]) & bit)
			return true;
		if (writes_of(&prog[at]) & bit)
			continue;
		nr_succ = cfg_successors(f, at, succ);
		while (nr_succ--) {
			if (!seen[succ[nr_succ]])
				todo[nr++] = succ[nr_succ];
			seen[succ[nr_succ]] = true;
		}
	}
	return false;
}

TEST(liveness, random_programs_agree_with_a_search_for_each_bit)
{
	u32 nr_compared = 0;

	for (u32 round = 0; round < 6000; round++) {
		struct bpf_insn prog[MAX_INSNS + 1];
		u32 nr = random_program(prog);
		struct fixture fx;

		fixture_init(&fx, prog, nr);
		if (!fixture_until_liveness(&fx)) {
			nr_compared++;
			for (u32 pc = 0; pc < nr; pc++) {
				for (u32 r = 0; r <= 10; r++)
					EXPECT_EQ(live_regs(fx.f, pc) >> r & 1,
						  live_by_search(fx.f, prog, pc, 1ull << r));
				for (u32 slot = 0; slot < 6; slot++)
					EXPECT_EQ(live_slots(fx.f, pc) >> slot & 1,
						  live_by_search(fx.f, prog, pc, 1ull << slot << 16));
			}
		}
		fixture_fini(&fx);
	}
	EXPECT_TRUE(nr_compared > 1000);
}

/* --- addresses -------------------------------------------------------------------------------- */

#define RUN(fx, ...)                                                      \
	({                                                                \
		static const struct bpf_insn prog[] = { __VA_ARGS__ };    \
		fixture_init(&(fx), prog, ARRAY_SIZE(prog));              \
		EXPECT_EQ(fixture_until_liveness(&(fx)), 0);              \
	})

#define GIVEN_UP(...)                                                     \
	do {                                                              \
		struct fixture up;                                        \
		RUN(up, __VA_ARGS__);                                     \
		EXPECT_TRUE(live_slots(up.f, 0) == ~0ull);                \
		fixture_fini(&up);                                        \
	} while (0)

TEST(liveness, what_a_helper_is_given_is_read_there)
{
	struct fixture fx;

	RUN(fx, ST_IMM(BPF_W, FP, -4, 0),	/* 0 */
	    ST_IMM(BPF_DW, FP, -16, 0),		/* 1 */
	    MOV_REG(R2, FP), ADD_IMM(R2, -4),	/* 2, 3 */
	    LD_MAP_FD(R1, MAP_FD_COUNTS),	/* 4, 5 */
	    CALL_HELPER(1),			/* 6 */
	    LDX(BPF_DW, R0, FP, -16),		/* 7 */
	    EXIT());
	EXPECT_EQ(live_slots(fx.f, 0), SLOT(-4));
	EXPECT_EQ(live_slots(fx.f, 1), SLOT(-4));
	EXPECT_EQ(live_slots(fx.f, 2), SLOT(-4) | SLOT(-16));
	EXPECT_EQ(live_slots(fx.f, 6), SLOT(-4) | SLOT(-16));
	EXPECT_EQ(live_slots(fx.f, 7), SLOT(-16));
	EXPECT_EQ(live_slots(fx.f, 8), 0);
	EXPECT_EQ(live_regs(fx.f, 6), 1u << R1 | 1u << R2 | 1u << FP);
	fixture_fini(&fx);
}

TEST(liveness, a_part_of_a_slot_that_is_written_does_not_end_it)
{
	struct fixture fx;

	RUN(fx, ST_IMM(BPF_W, FP, -8, 0), LDX(BPF_DW, R0, FP, -8), EXIT());
	EXPECT_EQ(live_slots(fx.f, 0), SLOT(-8));
	fixture_fini(&fx);
	RUN(fx, ST_IMM(BPF_DW, FP, -12, 0), LDX(BPF_DW, R0, FP, -8), EXIT());
	EXPECT_EQ(live_slots(fx.f, 0), SLOT(-8));
	fixture_fini(&fx);
	RUN(fx, ATOMIC(BPF_DW, BPF_ADD, FP, R1, -8), MOV_IMM(R0, 0), EXIT());
	EXPECT_EQ(live_slots(fx.f, 0), SLOT(-8));
	EXPECT_EQ(live_slots(fx.f, 1), 0);
	fixture_fini(&fx);
}

TEST(liveness, an_address_that_goes_anywhere_makes_every_slot_count)
{
	/* into the next block */
	GIVEN_UP(MOV_REG(R2, FP), JMP_IMM(BPF_JEQ, R1, 0, 1), MOV_IMM(R3, 0), LDX(BPF_DW, R0, R2, -8),
		 EXIT());
	/* to memory */
	GIVEN_UP(STX(BPF_DW, FP, FP, -8), MOV_IMM(R0, 0), EXIT());
	/* through arithmetic with something unknown, or of 32 bits */
	GIVEN_UP(MOV_REG(R2, FP), ADD_REG(R2, R1), LDX(BPF_B, R0, R2, -64), EXIT());
	GIVEN_UP(ADD_REG(R1, FP), MOV_IMM(R0, 0), EXIT());
	GIVEN_UP(MOV32_REG(R1, FP), MOV_IMM(R0, 0), EXIT());
	/* to a function of the program */
	GIVEN_UP(MOV_REG(R1, FP), CALL_SUBPROG(1), EXIT(), MOV_IMM(R0, 0), EXIT());
	/* to a helper that may hand it on */
	GIVEN_UP(MOV_REG(R1, FP), MOV_IMM(R2, 0), CALL_HELPER(BPF_FUNC_timer_set_callback), EXIT());
	/* where a callback may get at the frame */
	GIVEN_UP(LD_FUNC(R2, 4), MOV_IMM(R1, 0), CALL_HELPER(BPF_FUNC_timer_set_callback), EXIT(),
		 MOV_IMM(R0, 0), EXIT());
}

TEST(liveness, an_address_that_is_dead_behind_the_block_does_no_harm)
{
	struct fixture fx;

	RUN(fx, ST_IMM(BPF_DW, FP, -8, 0), MOV_REG(R2, FP), ADD_IMM(R2, -8), LDX(BPF_DW, R1, R2, 0),
	    JMP_IMM(BPF_JEQ, R1, 0, 1), MOV_IMM(R1, 0), MOV_IMM(R0, 0), EXIT());
	EXPECT_EQ(live_slots(fx.f, 0), 0);
	EXPECT_EQ(live_slots(fx.f, 1), SLOT(-8));
	EXPECT_EQ(live_slots(fx.f, 4), 0);
	fixture_fini(&fx);
}
