/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Moves and arithmetic: links between copies, the rules for pointers. */
#include "tests/unit/exec/fixture.h"

TEST(alu, a_move_links_an_unknown_number_with_its_copy)
{
	struct fixture *f = fixture_new();

	fixture_unknown(f, 2);
	EXPECT_EQ(fixture_step(f, MOV_REG(3, 2)), 0);
	EXPECT_NE(fixture_reg(f, 3)->id, 0);
	EXPECT_EQ(fixture_reg(f, 3)->id, fixture_reg(f, 2)->id);
	EXPECT_EQ(f->step.next, 1);
	EXPECT_FALSE(f->step.precise.any);
	fixture_free(f);
}

TEST(alu, arithmetic_ends_the_link)
{
	struct fixture *f = fixture_new();

	fixture_unknown(f, 2);
	fixture_step(f, MOV_REG(3, 2));
	EXPECT_EQ(fixture_step(f, ALU_IMM(BPF_ADD, 3, 1)), 0);
	EXPECT_EQ(fixture_reg(f, 3)->id, 0);
	fixture_free(f);
}

TEST(alu, a_narrow_move_links_only_what_fits)
{
	struct fixture *f = fixture_new();

	fixture_unknown(f, 2);
	fixture_step(f, MOV32_REG(3, 2));
	EXPECT_EQ(fixture_reg(f, 3)->id, 0);
	EXPECT_EQ(scalar_umax(&fixture_reg(f, 3)->num), UINT32_MAX);
	fixture_step(f, MOV32_REG(4, 3));
	EXPECT_NE(fixture_reg(f, 4)->id, 0);
	EXPECT_EQ(fixture_reg(f, 4)->id, fixture_reg(f, 3)->id);
	fixture_free(f);
}

TEST(alu, a_sign_extending_move_of_an_unknown_number_is_no_copy)
{
	struct fixture *f = fixture_new();

	fixture_unknown(f, 2);
	fixture_step(f, MOV_REG(5, 2));
	EXPECT_EQ(fixture_step(f, MOVSX_REG(3, 2, 16)), 0);
	EXPECT_EQ(fixture_reg(f, 3)->id, 0);
	EXPECT_EQ(scalar_smin(&fixture_reg(f, 3)->num), INT16_MIN);
	EXPECT_EQ(scalar_smax(&fixture_reg(f, 3)->num), INT16_MAX);
	fixture_free(f);
}

TEST(alu, a_register_never_written_is_not_read)
{
	struct fixture *f = fixture_new();

	EXPECT_EQ(fixture_step(f, MOV_REG(0, 6)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "R6 !read_ok"));
	fixture_free(f);
}

TEST(alu, the_frame_pointer_is_read_only)
{
	struct fixture *f = fixture_new();

	EXPECT_EQ(fixture_step(f, ALU_IMM(BPF_ADD, 10, 8)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "frame pointer is read only"));
	fixture_free(f);
}

TEST(alu, a_pointer_moves_by_a_constant)
{
	struct fixture *f = fixture_new();

	fixture_step(f, MOV_REG(2, 10));
	EXPECT_EQ(fixture_step(f, ALU_IMM(BPF_ADD, 2, -16)), 0);
	EXPECT_EQ(fixture_reg(f, 2)->kind, V_STACK);
	EXPECT_EQ(value_offset(fixture_reg(f, 2)), -16);
	EXPECT_FALSE(f->step.precise.any);
	fixture_free(f);
}

TEST(alu, a_number_added_to_a_pointer_is_wanted_exactly)
{
	struct fixture *f = fixture_new();

	fixture_map_value(f, 2, MAP_DATA, 0);
	fixture_unknown(f, 3);
	fixture_step(f, ALU_IMM(BPF_AND, 3, 7));
	EXPECT_EQ(fixture_step(f, ALU_REG(BPF_ADD, 2, 3)), 0);
	EXPECT_TRUE(f->step.precise.any);
	EXPECT_EQ(f->step.precise.regs, 1u << 3);
	EXPECT_EQ(f->step.precise.frame, 0);
	EXPECT_EQ(scalar_smax(&fixture_reg(f, 2)->num), 7);
	fixture_free(f);
}

TEST(alu, a_pointer_added_to_a_number_wants_the_number)
{
	struct fixture *f = fixture_new();

	fixture_map_value(f, 2, MAP_DATA, 0);
	fixture_step(f, MOV_IMM(3, 4));
	EXPECT_EQ(fixture_step(f, ALU_REG(BPF_ADD, 3, 2)), 0);
	EXPECT_EQ(f->step.precise.regs, 1u << 3);
	EXPECT_EQ(fixture_reg(f, 3)->kind, V_MAP_VALUE);
	EXPECT_EQ(value_offset(fixture_reg(f, 3)), 4);
	fixture_free(f);
}

TEST(alu, an_unbounded_number_is_not_added_to_a_pointer)
{
	struct fixture *f = fixture_new();

	fixture_map_value(f, 2, MAP_DATA, 0);
	fixture_unknown(f, 3);
	EXPECT_EQ(fixture_step(f, ALU_REG(BPF_ADD, 2, 3)), -EINVAL);
	EXPECT_TRUE(fixture_said(f, "math between map_value pointer and register with unbounded "
				    "min value is not allowed"));
	fixture_free(f);
}

TEST(alu, a_pointer_that_may_be_null_does_not_move)
{
	struct fixture *f = fixture_new();

	fixture_map_value(f, 2, MAP_DATA, VF_MAYBE_NULL);
	EXPECT_EQ(fixture_step(f, ALU_IMM(BPF_ADD, 2, 4)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "R2 pointer arithmetic on map_value_or_null prohibited, "
				    "null-check it first"));
	fixture_free(f);
}

TEST(alu, pointers_are_not_multiplied_masked_or_added)
{
	static const struct {
		struct bpf_insn insn;
		const char *text;
	} rows[] = {
		{ ALU_IMM(BPF_MUL, 1, 2), "R1 pointer arithmetic with *= operator prohibited" },
		{ ALU_IMM(BPF_AND, 1, 2), "R1 bitwise operator &= on pointer prohibited" },
		{ ALU32_IMM(BPF_ADD, 1, 2), "R1 32-bit pointer arithmetic prohibited" },
		{ ALU_REG(BPF_ADD, 1, 10), "R1 pointer += pointer prohibited" },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture *f = fixture_new();

		EXPECT_EQ(fixture_step(f, rows[i].insn), -EACCES);
		EXPECT_TRUE(fixture_said(f, rows[i].text));
		fixture_free(f);
	}
}

TEST(alu, the_difference_of_pointers_is_any_number)
{
	struct fixture *f = fixture_new();

	fixture_step(f, MOV_REG(2, 10));
	EXPECT_EQ(fixture_step(f, ALU_REG(BPF_SUB, 2, 10)), 0);
	EXPECT_TRUE(value_is_scalar(fixture_reg(f, 2)));
	EXPECT_TRUE(scalar_is_unknown(&fixture_reg(f, 2)->num));
	fixture_free(f);
}

TEST(alu, a_known_number_is_refused_only_where_every_range_around_it_is)
{
	struct fixture *f = fixture_new();

	/* 0 .. 2^32 - 1 may be added, so 2^32 - 2 may; the access then sees how far it leads. */
	fixture_map_value(f, 2, MAP_DATA, 0);
	value_set_const(fixture_reg(f, 3), 0xfffffffe);
	EXPECT_EQ(fixture_step(f, ALU_REG(BPF_ADD, 2, 3)), 0);
	EXPECT_EQ(fixture_step(f, LDX(BPF_B, 1, 2, 0)), -EACCES);
	value_set_const(fixture_reg(f, 3), INT64_MAX);
	EXPECT_EQ(fixture_step(f, ALU_REG(BPF_ADD, 2, 3)), -EINVAL);
	fixture_free(f);
}

TEST(alu, a_sum_that_wraps_is_still_where_it_is)
{
	static const u8 sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };
	struct fixture *f = fixture_new();

	fixture_map_value(f, 2, MAP_DATA, 0);
	value_set_const(fixture_reg(f, 3), INT64_MAX);
	EXPECT_EQ(fixture_step(f, ALU_REG(BPF_ADD, 2, 3)), 0);
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_EQ(fixture_step(f, LDX(sizes[i], 1, 2, INT16_MAX)), -EACCES);
		EXPECT_EQ(fixture_step(f, LDX(sizes[i], 1, 2, INT16_MIN)), -EACCES);
	}
	EXPECT_EQ(fixture_step(f, MOV_REG(4, 10)), 0);
	EXPECT_EQ(fixture_step(f, ALU_REG(BPF_ADD, 4, 3)), 0);
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 1, 4, 0)), -EACCES);
	EXPECT_EQ(fixture_step(f, ALU_REG(BPF_ADD, 4, 3)), 0);
	EXPECT_EQ(value_offset(fixture_reg(f, 4)), -2);
	fixture_free(f);
}
