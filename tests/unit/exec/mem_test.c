/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Loads and stores through each kind of pointer. */
#include "tests/unit/exec/fixture.h"

TEST(mem, a_number_is_no_address)
{
	struct fixture *f = fixture_new();

	fixture_unknown(f, 0);
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 1, 0, 0)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "R0 invalid mem access 'scalar'"));
	fixture_free(f);
}

TEST(mem, a_pointer_that_may_be_null_is_not_followed)
{
	struct fixture *f = fixture_new();

	fixture_map_value(f, 2, MAP_DATA, VF_MAYBE_NULL);
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 1, 2, 0)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "R2 invalid mem access 'map_value_or_null'"));
	fixture_free(f);
}

TEST(mem, a_map_value_ends_where_it_ends)
{
	struct fixture *f = fixture_new();

	fixture_map_value(f, 2, MAP_DATA, 0);
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 1, 2, 8)), 0);
	EXPECT_EQ(f->notes[0].kind, NOTE_PLAIN);
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 1, 2, 12)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "invalid access to map value, value_size=16 off=12 size=8"));
	fixture_free(f);
}

TEST(mem, a_variable_offset_is_checked_at_both_ends)
{
	struct fixture *f = fixture_new();

	fixture_map_value(f, 2, MAP_DATA, 0);
	fixture_unknown(f, 3);
	fixture_step(f, ALU_IMM(BPF_AND, 3, 15));
	fixture_step(f, ALU_REG(BPF_ADD, 2, 3));
	EXPECT_EQ(fixture_step(f, LDX(BPF_B, 1, 2, 0)), 0);
	EXPECT_EQ(fixture_step(f, LDX(BPF_H, 1, 2, 0)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "R2 max value is outside of the allowed memory range"));
	fixture_free(f);
}

TEST(mem, a_frozen_map_gives_known_numbers_and_takes_none)
{
	struct fixture *f = fixture_new();

	fixture_map_value(f, 2, MAP_FROZEN, 0);
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 1, 2, 0)), 0);
	EXPECT_TRUE(value_is_const(fixture_reg(f, 1)));
	EXPECT_EQ(scalar_value(&fixture_reg(f, 1)->num), 0x04030201);
	EXPECT_EQ(fixture_step(f, ST(BPF_W, 2, 0, 1)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "write into map forbidden, value_size=16 off=0 size=4"));
	fixture_free(f);
}

TEST(mem, the_context_remembers_how_far_it_was_read)
{
	struct fixture *f = fixture_new();

	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 2, 1, 12)), 0);
	EXPECT_EQ(f->res.max_ctx_bytes, 16);
	EXPECT_EQ(f->notes[0].kind, NOTE_CTX);
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 2, 1, 62)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "invalid bpf_context access off=62 size=4"));
	fixture_free(f);
}

TEST(mem, a_spilled_pointer_comes_back)
{
	struct fixture *f = fixture_new();

	EXPECT_EQ(fixture_step(f, STX(BPF_DW, 10, 1, -16)), 0);
	EXPECT_EQ(f->subprogs[0].stack_bytes, 16);
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 2, 10, -16)), 0);
	EXPECT_EQ(fixture_reg(f, 2)->kind, V_CTX);
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 3, 10, -16)), 0);
	EXPECT_TRUE(value_is_scalar(fixture_reg(f, 3)));
	fixture_free(f);
}

TEST(mem, the_stack_has_an_end_and_wants_alignment)
{
	struct fixture *f = fixture_new();

	EXPECT_EQ(fixture_step(f, ST(BPF_DW, 10, -520, 0)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "invalid write to stack R10 off=-520 size=8"));
	EXPECT_TRUE(fixture_said(f, "(the access may fall outside its object; "));
	EXPECT_EQ(fixture_step(f, ST(BPF_DW, 10, -12, 0)), -EACCES);
	fixture_free(f);
}

TEST(mem, a_zero_inside_a_slot_is_wanted_exactly)
{
	struct fixture *f = fixture_new();

	fixture_step(f, MOV_IMM(2, 0));
	EXPECT_EQ(fixture_step(f, STX(BPF_W, 10, 2, -4)), 0);
	EXPECT_EQ(f->step.precise.regs, 1u << 2);
	EXPECT_EQ(fixture_step(f, STX(BPF_W, 10, 2, -8)), 0);
	EXPECT_FALSE(f->step.precise.any);
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 3, 10, -4)), 0);
	EXPECT_TRUE(value_is_null(fixture_reg(f, 3)));
	fixture_free(f);
}

TEST(mem, a_typed_pointer_is_walked_and_what_it_leads_to_is_untrusted)
{
	struct fixture *f = fixture_new();

	fixture_btf(f, 2, f->t_task, VF_TRUSTED);
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 3, 2, 0)), 0);
	EXPECT_EQ(scalar_umax(&fixture_reg(f, 3)->num), UINT32_MAX);
	EXPECT_EQ(f->notes[0].kind, NOTE_CHECKED_LOAD);
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 2, 2, 8)), 0);
	EXPECT_EQ(fixture_reg(f, 2)->kind, V_BTF);
	EXPECT_EQ(fixture_reg(f, 2)->flags, VF_UNTRUSTED);
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 2, 2, 8)), 0);
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 2, 2, 8)), -EACCES);
	fixture_free(f);
}

TEST(mem, an_empty_struct_has_nothing_to_read)
{
	struct fixture *f = fixture_new();

	fixture_btf(f, 0, f->t_empty, VF_TRUSTED);
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 1, 0, 0)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "access beyond struct bpf_ws_lock at off 0 size 8"));
	fixture_free(f);
}

TEST(mem, a_typed_pointer_is_not_written)
{
	struct fixture *f = fixture_new();

	fixture_btf(f, 2, f->t_task, VF_TRUSTED);
	EXPECT_EQ(fixture_step(f, ST(BPF_W, 2, 0, 1)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "only read is supported"));
	fixture_free(f);
}

TEST(mem, one_instruction_is_not_two_kinds_of_load)
{
	struct fixture *f = fixture_new();

	fixture_btf(f, 2, f->t_task, VF_TRUSTED);
	fixture_step_at(f, 9, LDX(BPF_W, 3, 2, 0));
	EXPECT_EQ(f->err, 0);
	fixture_map_value(f, 2, MAP_DATA, 0);
	fixture_step_at(f, 9, LDX(BPF_W, 3, 2, 0));
	EXPECT_EQ(f->err, -EINVAL);
	EXPECT_TRUE(fixture_said(f, "same insn cannot be used with different pointers"));
	fixture_free(f);
}

TEST(mem, atomics_work_on_values_and_not_on_the_context)
{
	struct fixture *f = fixture_new();

	fixture_map_value(f, 2, MAP_DATA, 0);
	fixture_step(f, MOV_IMM(3, 1));
	EXPECT_EQ(fixture_step(f, ATOMIC(BPF_DW, BPF_ADD | BPF_FETCH, 2, 3, 8)), 0);
	EXPECT_TRUE(scalar_is_unknown(&fixture_reg(f, 3)->num));
	EXPECT_EQ(fixture_step(f, ATOMIC(BPF_DW, BPF_ADD, 2, 3, 4)), -EACCES);
	EXPECT_EQ(fixture_step(f, ATOMIC(BPF_DW, BPF_ADD, 1, 3, 0)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "BPF_ATOMIC stores into R1 ctx is not allowed"));
	fixture_free(f);
}

TEST(mem, an_atomic_on_the_stack_forgets_what_was_there)
{
	struct fixture *f = fixture_new();

	fixture_step(f, STX(BPF_DW, 10, 1, -8));
	fixture_step(f, MOV_IMM(3, 1));
	EXPECT_EQ(fixture_step(f, ATOMIC(BPF_DW, BPF_XCHG, 10, 3, -8)), 0);
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 4, 10, -8)), 0);
	EXPECT_TRUE(value_is_scalar(fixture_reg(f, 4)));
	EXPECT_TRUE(value_is_scalar(fixture_reg(f, 3)));
	fixture_free(f);
}

TEST(mem, an_index_that_may_be_negative_is_refused)
{
	struct fixture *f = fixture_new();

	fixture_map_value(f, 2, MAP_DATA, 0);
	fixture_reg(f, 2)->num = scalar_signed(-4, 4);
	EXPECT_EQ(fixture_step(f, LDX(BPF_B, 1, 2, 0)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "R2 min value is negative, either use unsigned index or do a "
				    "if (index >=0) check."));
	EXPECT_EQ(fixture_step(f, LDX(BPF_B, 1, 2, 4)), 0);
	fixture_free(f);
}

TEST(mem, an_unknown_place_in_a_frozen_map_gives_an_unknown_number)
{
	struct fixture *f = fixture_new();

	fixture_map_value(f, 2, MAP_FROZEN, 0);
	fixture_reg(f, 2)->num = scalar_unsigned(0, 3);
	EXPECT_EQ(fixture_step(f, LDX(BPF_B, 1, 2, 0)), 0);
	EXPECT_EQ(scalar_umin(&fixture_reg(f, 1)->num), 0);
	EXPECT_EQ(scalar_umax(&fixture_reg(f, 1)->num), 255);
	fixture_free(f);
}

TEST(mem, rights_of_maps_and_memory_are_kept)
{
	struct fixture *f = fixture_new();

	f->maps[MAP_DATA].map_flags = BPF_F_WRONLY_PROG;
	fixture_map_value(f, 2, MAP_DATA, 0);
	EXPECT_EQ(fixture_step(f, ST(BPF_W, 2, 0, 1)), 0);
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 1, 2, 0)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "read from map forbidden"));
	value_set_mem(fixture_reg(f, 3), 4);
	fixture_reg(f, 3)->flags = VF_RDONLY;
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 1, 3, 0)), 0);
	EXPECT_EQ(fixture_step(f, ST(BPF_W, 3, 0, 1)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "R3 cannot write into rdonly_mem"));
	fixture_free(f);
}
