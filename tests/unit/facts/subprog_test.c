/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/facts/subprog_test.c - function boundaries, the call graph, stack depth
 */
#include "tests/unit/facts/fixture.h"

#define RUN(fx, until, ...)                                               \
	({                                                                \
		static const struct bpf_insn prog[] = { __VA_ARGS__ };    \
		fixture_init(&(fx), prog, ARRAY_SIZE(prog));              \
		fixture_until_##until(&(fx));                             \
	})

static void refused(struct fixture *fx, int err, int want, const char *text)
{
	EXPECT_EQ(err, want);
	fixture_said(fx, text);
	fixture_fini(fx);
}

TEST(subprog, calls_and_addresses_divide_the_program)
{
	struct fixture fx;

	EXPECT_EQ(RUN(fx, subprogs, CALL_SUBPROG(3), LD_FUNC(R2, 4), EXIT(), MOV_IMM(R0, 0), EXIT(),
		      MOV_IMM(R0, 1), EXIT()), 0);
	EXPECT_EQ(fx.f->nr_subprogs, 3);
	EXPECT_TRUE(fx.f->subprogs[0].is_main);
	EXPECT_EQ(fx.f->subprogs[0].end, 4);
	EXPECT_EQ(fx.f->subprogs[1].start, 4);
	EXPECT_FALSE(fx.f->subprogs[1].is_callback);
	EXPECT_EQ(fx.f->subprogs[2].start, 6);
	EXPECT_TRUE(fx.f->subprogs[2].is_callback);
	EXPECT_EQ(fx.f->subprogs[2].end, 8);
	EXPECT_EQ(facts_subprog_of(fx.f, 0), 0);
	EXPECT_EQ(facts_subprog_of(fx.f, 5), 1);
	EXPECT_EQ(facts_subprog_of(fx.f, 7), 2);
	fixture_fini(&fx);
}

TEST(subprog, jumps_stay_inside_their_function)
{
	struct fixture fx;

	refused(&fx, RUN(fx, subprogs, GOTO(10), EXIT()), -EINVAL,
		"jump out of range from insn 0 to 11");
	refused(&fx, RUN(fx, subprogs, GOTO(-5), EXIT()), -EINVAL,
		"jump out of range from insn 0 to -4");
	refused(&fx, RUN(fx, subprogs, CALL_SUBPROG(1), EXIT(), MOV_IMM(R0, 0), GOTO(-3)), -EINVAL,
		"jump out of range from insn 3 to 1");
	refused(&fx, RUN(fx, subprogs, JMP_IMM(BPF_JEQ, R1, 0, 1), LD_IMM64(R0, 1), EXIT()), -EINVAL,
		"jump into the middle of ldimm64 insn 1");
}

TEST(subprog, a_function_ends_with_exit_or_a_jump)
{
	struct fixture fx;

	refused(&fx, RUN(fx, subprogs, MOV_IMM(R0, 0)), -EINVAL, "last insn is not an exit or jmp");
	refused(&fx, RUN(fx, subprogs, MOV_IMM(R0, 0), JMP_IMM(BPF_JEQ, R0, 0, -2)), -EINVAL,
		"last insn is not an exit or jmp");
	refused(&fx, RUN(fx, subprogs, MOV_IMM(R0, 0), CALL_SUBPROG(0), MOV_IMM(R0, 0), EXIT()),
		-EINVAL, "last insn is not an exit or jmp");
	EXPECT_EQ(RUN(fx, subprogs, EXIT(), GOTO(-2)), 0);
	fixture_fini(&fx);
}

TEST(subprog, calls_lead_to_instructions)
{
	struct fixture fx;

	refused(&fx, RUN(fx, subprogs, CALL_SUBPROG(100), EXIT()), -EINVAL,
		"call to invalid destination");
	refused(&fx, RUN(fx, subprogs, CALL_SUBPROG(-2), EXIT()), -EINVAL,
		"call to invalid destination");
	refused(&fx, RUN(fx, subprogs, CALL_SUBPROG(1), LD_IMM64(R0, 0), EXIT()), -EINVAL,
		"jump into the middle of ldimm64 insn 1");
}

TEST(subprog, recursion_is_refused)
{
	struct fixture fx;

	refused(&fx, RUN(fx, subprogs, CALL_SUBPROG(-1), EXIT()), -E2BIG, "frames is too deep");
	refused(&fx, RUN(fx, subprogs, CALL_SUBPROG(1), EXIT(), CALL_SUBPROG(1), EXIT(),
			 CALL_SUBPROG(-3), EXIT()), -E2BIG, "frames is too deep");
}

TEST(subprog, there_are_at_most_256)
{
	struct bpf_insn prog[2 * 257];
	struct fixture fx;

	for (u32 i = 0; i < 257; i++) {
		prog[2 * i] = (struct bpf_insn)CALL_SUBPROG(i < 256 ? 1 : 0);
		prog[2 * i + 1] = (struct bpf_insn)EXIT();
	}
	prog[512] = (struct bpf_insn)MOV_IMM(R0, 0);
	fixture_init(&fx, prog, ARRAY_SIZE(prog));
	refused(&fx, fixture_until_subprogs(&fx), -E2BIG, "too many subprograms");
	prog[510] = (struct bpf_insn)MOV_IMM(R0, 0);
	fixture_init(&fx, prog, 512);
	EXPECT_EQ(fixture_until_subprogs(&fx), 0);
	EXPECT_EQ(fx.f->nr_subprogs, 256);
	fixture_fini(&fx);
}

/* main -> a -> b, main -> b */
static const struct bpf_insn chain[] = {
	CALL_SUBPROG(2), CALL_SUBPROG(3), EXIT(), CALL_SUBPROG(1), EXIT(), MOV_IMM(R0, 0), EXIT(),
};

static int depth_of(struct fixture *fx, u32 main, u32 a, u32 b, u32 *ret_deepest)
{
	fixture_init(fx, chain, ARRAY_SIZE(chain));
	EXPECT_EQ(fixture_until_sites(fx), 0);
	EXPECT_EQ(fx->f->nr_subprogs, 3);
	fx->subprogs[0].stack_bytes = main;
	fx->subprogs[1].stack_bytes = a;
	fx->subprogs[2].stack_bytes = b;
	return facts_check_stack_depth(&fx->v, fx->f, ret_deepest);
}

TEST(stack_depth, the_deepest_chain_counts_in_steps_of_16)
{
	struct fixture fx;
	u32 deepest;

	EXPECT_EQ(depth_of(&fx, 8, 20, 200, &deepest), 0);
	EXPECT_EQ(deepest, 16 + 32 + 208);
	fixture_fini(&fx);
	EXPECT_EQ(depth_of(&fx, 256, 0, 256, &deepest), 0);
	EXPECT_EQ(deepest, 512);
	fixture_fini(&fx);
	EXPECT_EQ(depth_of(&fx, 256, 1, 256, &deepest), -EACCES);
	fixture_said(&fx, "combined stack size of 3 calls is 528. Too large");
	fixture_fini(&fx);
}

TEST(stack_depth, frames_are_counted_too)
{
	for (u32 nr = STATE_FRAMES; nr <= STATE_FRAMES + 1; nr++) {
		struct bpf_insn prog[2 * (STATE_FRAMES + 1)];
		struct fixture fx;
		u32 deepest;

		for (u32 i = 0; i < nr; i++) {
			prog[2 * i] = i + 1 < nr ? (struct bpf_insn)CALL_SUBPROG(1) :
						   (struct bpf_insn)MOV_IMM(R0, 0);
			prog[2 * i + 1] = (struct bpf_insn)EXIT();
		}
		fixture_init(&fx, prog, 2 * nr);
		EXPECT_EQ(fixture_until_sites(&fx), 0);
		EXPECT_EQ(facts_check_stack_depth(&fx.v, fx.f, &deepest),
			  nr > STATE_FRAMES ? -E2BIG : 0);
		fixture_fini(&fx);
	}
}

TEST(stack_depth, a_callback_for_later_has_a_stack_of_its_own)
{
	struct fixture fx;
	u32 deepest;

	/* A callback that arms itself again is no recursion. */
	EXPECT_EQ(RUN(fx, sites, LD_FUNC(R2, 3), CALL_HELPER(BPF_FUNC_timer_set_callback), EXIT(),
		      LD_FUNC(R2, -1), CALL_HELPER(BPF_FUNC_timer_set_callback), EXIT()), 0);
	fx.subprogs[0].stack_bytes = fx.subprogs[1].stack_bytes = 400;
	fx.subprogs[1].called_later = true;
	EXPECT_EQ(facts_check_stack_depth(&fx.v, fx.f, &deepest), 0);
	EXPECT_EQ(deepest, 400);
	fixture_fini(&fx);
	/* One that is also called back at once counts, as one of which nothing is known. */
	for (u32 at_once = 0; at_once < 2; at_once++) {
		EXPECT_EQ(RUN(fx, sites, LD_FUNC(R2, 3), CALL_HELPER(BPF_FUNC_timer_set_callback),
			      EXIT(), MOV_IMM(R0, 0), EXIT()), 0);
		fx.subprogs[0].stack_bytes = fx.subprogs[1].stack_bytes = 400;
		fx.subprogs[1].called_back = fx.subprogs[1].called_later = at_once;
		EXPECT_EQ(facts_check_stack_depth(&fx.v, fx.f, &deepest), -EACCES);
		fixture_fini(&fx);
	}
	EXPECT_EQ(RUN(fx, sites, LD_FUNC(R2, 3), CALL_HELPER(BPF_FUNC_timer_set_callback), EXIT(),
		      MOV_IMM(R0, 0), EXIT()), 0);
	fx.subprogs[0].stack_bytes = fx.subprogs[1].stack_bytes = 600;
	fx.subprogs[1].called_later = true;
	EXPECT_EQ(facts_check_stack_depth(&fx.v, fx.f, &deepest), -EACCES);
	fixture_fini(&fx);
}
