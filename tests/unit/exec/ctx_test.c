/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Contexts: plain bytes, or fields by their description. */
#include "tests/unit/exec/fixture.h"

static struct ctx_field fields[] = {
	{ .off = 0, .size = 8, .maybe_null = true },	/* .btf_id filled in */
	{ .off = 8, .size = 4 },
	{ .off = 12, .size = 4, .writable = true },
};

static struct fixture *fields_new(void)
{
	struct fixture *f = fixture_new();

	fields[0].btf_id = f->t_task;
	f->ctx.plain = false;
	f->ctx.fields = fields;
	f->ctx.nr_fields = ARRAY_SIZE(fields);
	return f;
}

TEST(ctx, a_typed_field_is_a_trusted_pointer_that_may_be_null)
{
	struct fixture *f = fields_new();

	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 2, 1, 0)), 0);
	EXPECT_EQ(fixture_reg(f, 2)->kind, V_BTF);
	EXPECT_EQ(fixture_reg(f, 2)->flags, VF_TRUSTED | VF_MAYBE_NULL);
	EXPECT_NE(fixture_reg(f, 2)->id, 0);
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 2, 1, 0)), -EACCES);
	fixture_free(f);
}

TEST(ctx, a_number_is_read_whole_or_in_part_but_not_across)
{
	struct fixture *f = fields_new();

	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 2, 1, 8)), 0);
	EXPECT_EQ(fixture_step(f, LDX(BPF_H, 2, 1, 10)), 0);
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 2, 1, 8)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "invalid bpf_context access off=8 size=8"));
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 2, 1, 16)), -EACCES);
	fixture_free(f);
}

TEST(ctx, only_writable_fields_are_written)
{
	struct fixture *f = fields_new();

	EXPECT_EQ(fixture_step(f, ST(BPF_W, 1, 12, 1)), 0);
	EXPECT_EQ(f->notes[0].kind, NOTE_CTX);
	EXPECT_EQ(fixture_step(f, ST(BPF_W, 1, 8, 1)), -EACCES);
	fixture_free(f);
}

TEST(ctx, fields_are_reached_from_the_beginning_only)
{
	struct fixture *f = fields_new();

	fixture_step(f, ALU_IMM(BPF_ADD, 1, 8));
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 2, 1, 0)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "dereference of modified ctx ptr R1 off=8 disallowed"));
	fixture_unknown(f, 3);
	fixture_step(f, ALU_IMM(BPF_AND, 3, 7));
	EXPECT_EQ(fixture_step(f, ALU_REG(BPF_ADD, 1, 3)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "variable ctx access"));
	fixture_free(f);
}

TEST(ctx, a_plain_context_is_memory_from_wherever_it_is_reached)
{
	struct fixture *f = fixture_new();

	fixture_step(f, ALU_IMM(BPF_ADD, 1, 48));
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 2, 1, 8)), 0);
	EXPECT_EQ(f->res.max_ctx_bytes, 64);
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 2, 1, 16)), -EACCES);
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 2, 1, -56)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "invalid bpf_context access off=-8 size=8"));
	fixture_free(f);
}

TEST(ctx, a_plain_context_is_written_only_where_that_is_allowed)
{
	struct fixture *f = fixture_new();

	EXPECT_EQ(fixture_step(f, ST(BPF_DW, 1, 56, 1)), 0);
	EXPECT_EQ(f->res.max_ctx_bytes, 64);
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 2, 1, 64)), -EACCES);
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 2, 1, 2)), -EACCES);
	f->ctx.writable = false;
	EXPECT_EQ(fixture_step(f, ST(BPF_DW, 1, 0, 1)), -EACCES);
	fixture_free(f);
}
