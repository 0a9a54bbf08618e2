/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Comparisons: what is decided, what each side learns, and for whom. */
#include "tests/unit/exec/fixture.h"

TEST(branch, a_decided_jump_wants_both_operands)
{
	struct fixture *f = fixture_new();

	fixture_step(f, MOV_IMM(2, 5));
	fixture_step(f, MOV_IMM(3, 7));
	EXPECT_EQ(fixture_step(f, JMP_REG(BPF_JLT, 2, 3, 4)), 0);
	EXPECT_EQ(f->step.kind, STEP_NEXT);
	EXPECT_EQ(f->step.next, 2 + 1 + 4);
	EXPECT_EQ(f->step.precise.regs, 1u << 2 | 1u << 3);
	fixture_free(f);
}

TEST(branch, an_open_jump_forks_and_each_side_learns)
{
	struct fixture *f = fixture_new();

	fixture_unknown(f, 2);
	EXPECT_EQ(fixture_step(f, JMP_IMM(BPF_JLT, 2, 8, 4)), 0);
	EXPECT_EQ(f->step.kind, STEP_FORK);
	EXPECT_EQ(f->step.next, 1);
	EXPECT_EQ(f->step.fork_pc, 5);
	EXPECT_FALSE(f->step.precise.any);
	EXPECT_EQ(scalar_umin(&fixture_reg(f, 2)->num), 8);
	EXPECT_EQ(scalar_umax(&vstate_reg(f->step.fork, 2)->num), 7);
	fixture_free(f);
}

TEST(branch, what_is_learned_holds_for_every_copy)
{
	struct fixture *f = fixture_new();

	fixture_unknown(f, 2);
	fixture_step(f, MOV_REG(3, 2));
	fixture_step(f, STX(BPF_DW, 10, 2, -8));
	EXPECT_EQ(fixture_step(f, JMP_IMM(BPF_JGE, 3, 8, 4)), 0);
	EXPECT_EQ(scalar_umax(&fixture_reg(f, 2)->num), 7);
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 4, 10, -8)), 0);
	EXPECT_EQ(scalar_umax(&fixture_reg(f, 4)->num), 7);
	fixture_free(f);
}

TEST(branch, a_number_compared_with_itself_is_decided)
{
	struct fixture *f = fixture_new();

	fixture_unknown(f, 2);
	EXPECT_EQ(fixture_step(f, JMP_REG(BPF_JEQ, 2, 2, 4)), 0);
	EXPECT_EQ(f->step.kind, STEP_NEXT);
	EXPECT_EQ(f->step.next, 5);
	EXPECT_EQ(fixture_step(f, JMP_REG(BPF_JLT, 2, 2, 4)), 0);
	EXPECT_EQ(f->step.next, 2);
	EXPECT_EQ(fixture_step(f, JMP_REG(BPF_JSET, 2, 2, 4)), 0);
	EXPECT_EQ(f->step.kind, STEP_FORK);
	fixture_step(f, MOV_IMM(2, 1));
	EXPECT_EQ(fixture_step(f, JMP_REG(BPF_JSET, 2, 2, 4)), 0);
	EXPECT_EQ(f->step.kind, STEP_NEXT);
	EXPECT_EQ(f->step.next, f->pc + 4);
	fixture_free(f);
}

TEST(branch, a_null_check_proves_all_copies)
{
	struct fixture *f = fixture_new();

	fixture_map_value(f, 2, MAP_DATA, VF_MAYBE_NULL);
	fixture_step(f, MOV_REG(3, 2));
	fixture_step(f, STX(BPF_DW, 10, 2, -8));
	EXPECT_EQ(fixture_step(f, JMP_IMM(BPF_JEQ, 3, 0, 4)), 0);
	EXPECT_EQ(f->step.kind, STEP_FORK);
	EXPECT_EQ(fixture_reg(f, 2)->flags, 0);
	EXPECT_TRUE(value_is_null(vstate_reg(f->step.fork, 2)));
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 4, 10, -8)), 0);
	EXPECT_EQ(fixture_reg(f, 4)->kind, V_MAP_VALUE);
	EXPECT_EQ(fixture_reg(f, 4)->flags, 0);
	fixture_free(f);
}

TEST(branch, on_the_null_side_nothing_was_acquired)
{
	struct fixture *f = fixture_new();

	fixture_btf(f, 2, f->t_task, VF_TRUSTED | VF_MAYBE_NULL);
	fixture_reg(f, 2)->id = vstate_new_id(f->st);
	EXPECT_EQ(vstate_acquire(f->st, REF_OBJECT, 0, NULL, 0, &fixture_reg(f, 2)->ref), 0);
	EXPECT_EQ(fixture_step(f, JMP_IMM(BPF_JNE, 2, 0, 4)), 0);
	EXPECT_EQ(f->st->refs.nr, 0);
	EXPECT_EQ(f->step.fork->refs.nr, 1);
	EXPECT_TRUE(value_is_null(fixture_reg(f, 2)));
	EXPECT_EQ(vstate_reg(f->step.fork, 2)->flags, VF_TRUSTED);
	fixture_free(f);
}

TEST(branch, an_untrusted_pointer_may_be_null_after_all)
{
	struct fixture *f = fixture_new();

	fixture_btf(f, 2, f->t_task, VF_UNTRUSTED);
	EXPECT_EQ(fixture_step(f, JMP_IMM(BPF_JEQ, 2, 0, 4)), 0);
	EXPECT_EQ(f->step.kind, STEP_FORK);
	fixture_btf(f, 2, f->t_task, VF_TRUSTED);
	EXPECT_EQ(fixture_step(f, JMP_IMM(BPF_JEQ, 2, 0, 4)), 0);
	EXPECT_EQ(f->step.kind, STEP_NEXT);
	EXPECT_EQ(f->step.next, 2);
	fixture_free(f);
}

TEST(branch, a_pointer_without_bounds_may_have_come_around_to_zero)
{
	struct fixture *f = fixture_new();

	fixture_map_value(f, 2, MAP_DATA, 0);
	fixture_unknown(f, 3);
	fixture_step(f, ALU_IMM(BPF_RSH, 3, 1));
	EXPECT_EQ(fixture_step(f, ALU_REG(BPF_ADD, 2, 3)), 0);
	EXPECT_EQ(fixture_step(f, JMP_IMM(BPF_JEQ, 2, 0, 4)), 0);
	EXPECT_EQ(f->step.kind, STEP_FORK);
	fixture_free(f);
}

TEST(branch, a_side_that_cannot_happen_is_not_walked)
{
	struct fixture *f = fixture_new();

	fixture_unknown(f, 2);
	fixture_unknown(f, 3);
	fixture_step(f, ALU_IMM(BPF_AND, 2, 0x10));
	fixture_step(f, ALU_IMM(BPF_AND, 3, 0x01));
	EXPECT_EQ(fixture_step(f, ALU_IMM(BPF_OR, 3, 0x02)), 0);
	EXPECT_EQ(fixture_step(f, JMP_REG(BPF_JEQ, 2, 3, 4)), 0);
	EXPECT_EQ(f->step.kind, STEP_NEXT);
	EXPECT_EQ(f->step.precise.regs, 1u << 2 | 1u << 3);
	fixture_free(f);
}

TEST(branch, copies_of_one_number_teach_each_other_nothing)
{
	struct fixture *f = fixture_new();

	fixture_unknown(f, 2);
	fixture_step(f, MOV_REG(3, 2));
	EXPECT_EQ(fixture_step(f, JMP_REG(BPF_JLT, 2, 3, 4)), 0);
	EXPECT_EQ(f->step.kind, STEP_FORK);
	EXPECT_TRUE(scalar_is_unknown(&vstate_reg(f->step.fork, 2)->num));
	EXPECT_TRUE(scalar_is_unknown(&vstate_reg(f->step.fork, 3)->num));
	fixture_free(f);
}
