/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/facts/cfg_test.c - control flow against a walk that cannot be wrong
 */
#include "tests/unit/facts/fixture.h"

#define MAX_INSNS 20

static u32 seed = 7;

static u32 rnd(u32 n)
{
	seed = seed * 1664525u + 1013904223u;
	return (u32)(((u64)seed * n) >> 32);
}

/* A program of one function: plain, jumping and leaving instructions at random. */
static u32 random_program(struct bpf_insn *prog)
{
	u32 nr = 2 + rnd(MAX_INSNS - 1);

	for (u32 pc = 0; pc < nr; pc++) {
		s16 off = (s16)rnd(nr) - (s16)pc - 1;

		switch (pc + 1 < nr ? rnd(8) : 7) {
		case 0:
		case 1:
		case 2:
			prog[pc] = (struct bpf_insn)JMP_IMM(BPF_JEQ, R1, 0, off);
			break;
		case 3:
			prog[pc] = (struct bpf_insn)GOTO(off);
			break;
		case 4:
			prog[pc] = (struct bpf_insn)GOTOL(off);
			break;
		case 7:
			prog[pc] = (struct bpf_insn)EXIT();
			break;
		default:
			prog[pc] = (struct bpf_insn)MOV_IMM(R0, 0);
			break;
		}
	}
	return nr;
}

/* --- the reference: can j be reached from i in one step or more ------------------------------- */

struct closure {
	bool way[MAX_INSNS + 1][MAX_INSNS + 1];
};

static void add_ways(struct closure *c, const struct bpf_insn *insn, u32 pc)
{
	bool is_exit = insn->code == (BPF_JMP | BPF_EXIT);
	bool is_goto = insn->code == (BPF_JMP | BPF_JA);
	bool is_gotol = insn->code == (BPF_JMP32 | BPF_JA);

	if (!is_exit && !is_goto && !is_gotol)
		c->way[pc][pc + 1] = true;
	if (is_gotol)
		c->way[pc][pc + 1 + insn->imm] = true;
	else if (!is_exit && BPF_CLASS(insn->code) == BPF_JMP)
		c->way[pc][pc + 1 + insn->off] = true;
}

static void close_over(struct closure *c, u32 nr)
{
	for (u32 k = 0; k < nr; k++)
		for (u32 i = 0; i < nr; i++)
			for (u32 j = 0; j < nr; j++)
				c->way[i][j] |= c->way[i][k] && c->way[k][j];
}

static u32 first_unreached(const struct closure *c, u32 nr)
{
	for (u32 pc = 1; pc < nr; pc++)
		if (!c->way[0][pc])
			return pc;
	return nr;
}

static void expect_loops(const struct facts *f, const struct closure *c, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		EXPECT_EQ(cfg_scc(f, i) != 0, c->way[i][i]);
		for (u32 j = 0; j < nr; j++) {
			bool together = i != j && c->way[i][j] && c->way[j][i];

			if (i != j)
				EXPECT_EQ(cfg_scc(f, i) && cfg_scc(f, i) == cfg_scc(f, j), together);
		}
	}
}

/* Without the checkpoints nothing goes around: each loop passes one. */
static void expect_checkpoints(const struct facts *f, const struct bpf_insn *prog, u32 nr)
{
	struct closure c = { 0 };

	for (u32 pc = 0; pc < nr; pc++)
		if (!cfg_is_checkpoint(f, pc))
			add_ways(&c, &prog[pc], pc);
	close_over(&c, nr);
	for (u32 pc = 0; pc < nr; pc++)
		EXPECT_FALSE(c.way[pc][pc]);
}

TEST(cfg, random_programs_agree_with_the_naive_walk)
{
	u32 nr_loops = 0, nr_whole = 0;

	for (u32 round = 0; round < 20000; round++) {
		struct bpf_insn prog[MAX_INSNS];
		u32 nr = random_program(prog), dead;
		struct closure c = { 0 };
		struct fixture fx;
		int err;

		for (u32 pc = 0; pc < nr; pc++)
			add_ways(&c, &prog[pc], pc);
		close_over(&c, nr);
		dead = first_unreached(&c, nr);
		fixture_init(&fx, prog, nr);
		err = fixture_until_cfg(&fx);
		EXPECT_EQ(err, dead < nr ? -EINVAL : 0);
		if (err) {
			EXPECT_EQ(fx.v.pc, dead);
		} else {
			expect_loops(fx.f, &c, nr);
			expect_checkpoints(fx.f, prog, nr);
			nr_whole++;
			nr_loops += fx.f->cfg && cfg_scc(fx.f, 0);
		}
		fixture_fini(&fx);
	}
	EXPECT_TRUE(nr_whole > 500 && nr_loops > 20);
}

TEST(cfg, unreachable_instructions_are_refused)
{
	static const struct bpf_insn prog[] = { MOV_IMM(R0, 0), EXIT(), MOV_IMM(R0, 0), EXIT() };
	struct fixture fx;

	fixture_init(&fx, prog, 4);
	EXPECT_EQ(fixture_until_cfg(&fx), -EINVAL);
	fixture_said(&fx, "unreachable insn 2");
	fixture_fini(&fx);
}

TEST(cfg, successors_and_points_are_marked)
{
	static const struct bpf_insn prog[] = {
		MOV_IMM(R6, 3),			/* 0 */
		ADD_IMM(R6, -1),		/* 1: loop head */
		LD_IMM64(R1, 5),		/* 2, 3 */
		CALL_SUBPROG(2),		/* 4 */
		JMP_IMM(BPF_JNE, R6, 0, -5),	/* 5 */
		EXIT(),				/* 6 */
		MOV_IMM(R0, 0),			/* 7: subprogram */
		EXIT(),				/* 8 */
	};
	struct fixture fx;
	u32 succ[2];

	fixture_init(&fx, prog, ARRAY_SIZE(prog));
	EXPECT_EQ(fixture_until_cfg(&fx), 0);
	EXPECT_EQ(cfg_successors(fx.f, 2, succ), 1);
	EXPECT_EQ(succ[0], 4);
	EXPECT_EQ(cfg_successors(fx.f, 5, succ), 2);
	EXPECT_EQ(succ[0], 6);
	EXPECT_EQ(succ[1], 1);
	EXPECT_EQ(cfg_successors(fx.f, 6, succ), 0);
	EXPECT_TRUE(cfg_is_checkpoint(fx.f, 1));
	EXPECT_TRUE(cfg_is_jump_target(fx.f, 1));
	EXPECT_TRUE(cfg_is_prune_point(fx.f, 1));
	EXPECT_FALSE(cfg_is_prune_point(fx.f, 2));
	EXPECT_TRUE(cfg_is_prune_point(fx.f, 4));
	EXPECT_TRUE(cfg_is_prune_point(fx.f, 5));
	EXPECT_TRUE(cfg_is_prune_point(fx.f, 6));
	EXPECT_FALSE(cfg_is_checkpoint(fx.f, 6));
	EXPECT_TRUE(cfg_scc(fx.f, 4));
	EXPECT_FALSE(cfg_scc(fx.f, 7));
	fixture_fini(&fx);
}

TEST(cfg, a_million_instructions_need_no_deep_stack)
{
	const u32 nr = 1000000;
	struct bpf_insn *prog = calloc(nr, sizeof(*prog));
	struct fixture fx;

	/* One long path, and a jump back from each place: the deepest walk there is. */
	for (u32 pc = 0; pc < nr; pc++)
		prog[pc] = pc % 2 ? (struct bpf_insn)JMP_IMM(BPF_JEQ, R1, 0, pc < 30000 ? -(s32)pc - 1 :
											  -30000) :
				    (struct bpf_insn)MOV_IMM(R0, 0);
	prog[nr - 1] = (struct bpf_insn)EXIT();
	fixture_init(&fx, prog, nr);
	EXPECT_EQ(fixture_until_liveness(&fx), 0);
	EXPECT_EQ(cfg_scc(fx.f, 0), cfg_scc(fx.f, nr / 2));
	EXPECT_TRUE(cfg_scc(fx.f, 0));
	fixture_fini(&fx);
	free(prog);
}
