/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Global functions: checked for all that their signature allows, called for no more than that. */
#include "tests/unit/exec/fixture.h"

/* int name(int, long *) of @ret_type and the pointee; type ids as they come. */
static struct btf *signature(const char *pointee, bool returns_int)
{
	struct image *im = calloc(1, sizeof(*im));
	u32 t_int, t_long, t_ptr, t_proto;
	struct btf *btf;

	*im = (struct image)IMAGE_INIT;
	t_int = image_int(im, "int", 4);
	t_long = image_int(im, "long", 8);
	t_ptr = image_ref(im, NULL, BTF_KIND_PTR, strcmp(pointee, "void") ? t_long : 0);
	t_proto = image_type(im, NULL, IMAGE_INFO(BTF_KIND_FUNC_PROTO, 0, 2),
			     returns_int ? t_int : 0);
	image_param(im, "a", t_int);
	image_param(im, "p", t_ptr);
	image_type(im, "sub", IMAGE_INFO(BTF_KIND_FUNC, 0, BTF_FUNC_GLOBAL), t_proto);
	btf = image_parse(im, 0);
	free(im);
	return btf;
}

static struct fixture *global_new(struct btf *btf)
{
	struct fixture *f = fixture_new();

	f->req.prog_btf = btf;
	f->facts.subprogs[1].global = true;
	f->facts.subprogs[1].type_id = btf_find(btf, "sub", BTF_KIND_FUNC);
	return f;
}

static void global_free(struct fixture *f)
{
	struct btf *btf = (struct btf *)f->req.prog_btf;

	fixture_free(f);
	btf_put(btf);
}

static int call_sub(struct fixture *f)
{
	f->sites[f->pc] = (struct callsite){ .kind = SITE_SUBPROG, .subprog = 1 };
	return fixture_step(f, CALL);
}

TEST(global, it_starts_with_any_number_and_memory_that_may_be_null)
{
	struct fixture *f = global_new(signature("long", true));
	struct vstate *st;

	EXPECT_EQ(exec_entry_state(&f->v, 1, &st), 0);
	EXPECT_TRUE(scalar_is_unknown(&vstate_reg(st, 1)->num));
	EXPECT_EQ(vstate_reg(st, 2)->kind, V_MEM);
	EXPECT_EQ(vstate_reg(st, 2)->mem.size, 8);
	EXPECT_EQ(vstate_reg(st, 2)->flags, VF_MAYBE_NULL);
	EXPECT_NE(vstate_reg(st, 2)->id, 0);
	EXPECT_EQ(vstate_reg(st, 3)->kind, V_NONE);
	vstate_free(st);
	global_free(f);
}

TEST(global, a_call_that_keeps_to_the_signature_gives_any_number)
{
	struct fixture *f = global_new(signature("long", true));

	fixture_step(f, STX(BPF_DW, 10, 1, -8));
	fixture_step(f, MOV_IMM(1, 3));
	fixture_step(f, MOV_REG(2, 10));
	fixture_step(f, ALU_IMM(BPF_ADD, 2, -8));
	EXPECT_EQ(call_sub(f), 0);
	EXPECT_EQ(f->st->depth, 1);
	EXPECT_EQ(f->step.next, f->pc);
	EXPECT_TRUE(scalar_is_unknown(&fixture_reg(f, 0)->num));
	EXPECT_EQ(fixture_reg(f, 2)->kind, V_NONE);
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 3, 10, -8)), 0);
	EXPECT_TRUE(value_is_scalar(fixture_reg(f, 3)));
	global_free(f);
}

TEST(global, null_is_passed_where_memory_is_expected)
{
	struct fixture *f = global_new(signature("long", true));

	fixture_step(f, MOV_IMM(1, 3));
	fixture_step(f, MOV_IMM(2, 0));
	EXPECT_EQ(call_sub(f), 0);
	EXPECT_EQ(f->step.precise.regs, 1u << 2);
	fixture_step(f, MOV_IMM(1, 3));
	fixture_map_value(f, 2, MAP_DATA, VF_MAYBE_NULL);
	EXPECT_EQ(call_sub(f), 0);
	global_free(f);
}

TEST(global, a_call_that_breaks_the_signature_is_rejected)
{
	struct fixture *f = global_new(signature("long", true));

	fixture_step(f, MOV_REG(2, 10));
	EXPECT_EQ(call_sub(f), -EINVAL);
	EXPECT_TRUE(fixture_said(f, "R1 is not a scalar"));
	fixture_step(f, MOV_IMM(1, 3));
	EXPECT_EQ(call_sub(f), -EACCES);
	EXPECT_TRUE(fixture_said(f, "invalid read from stack R2 off=0 size=8"));
	fixture_step(f, MOV_IMM(2, 7));
	EXPECT_EQ(call_sub(f), -EACCES);
	fixture_map_value(f, 2, MAP_FROZEN, 0);
	EXPECT_EQ(call_sub(f), -EACCES);
	EXPECT_TRUE(fixture_said(f, "write into map forbidden"));
	global_free(f);
}

TEST(global, a_signature_without_sizes_or_result_is_not_understood)
{
	struct fixture *f = global_new(signature("void", true));
	struct vstate *st;

	EXPECT_EQ(exec_entry_state(&f->v, 1, &st), -EINVAL);
	EXPECT_TRUE(fixture_said(f, "size cannot be determined"));
	global_free(f);
	f = global_new(signature("long", false));
	EXPECT_EQ(exec_entry_state(&f->v, 1, &st), -EINVAL);
	EXPECT_TRUE(fixture_said(f, "Global function sub() doesn't return scalar."));
	global_free(f);
}

TEST(global, it_returns_a_number_and_holds_nothing)
{
	struct fixture *f = global_new(signature("long", true));
	u32 ref;

	vstate_free(f->st);
	EXPECT_EQ(exec_entry_state(&f->v, 1, &f->st), 0);
	fixture_step_at(f, 32, MOV_REG(0, 2));
	fixture_step_at(f, 33, EXIT);
	EXPECT_EQ(f->err, -EINVAL);
	EXPECT_TRUE(fixture_said(f, "At subprogram exit the register R0 is not a scalar value "
				    "(mem_or_null)"));
	fixture_step_at(f, 34, MOV_REG(0, 1));
	fixture_step_at(f, 35, EXIT);
	EXPECT_EQ(f->err, 0);
	EXPECT_EQ(f->step.kind, STEP_EXIT);
	EXPECT_EQ(vstate_acquire(f->st, REF_OBJECT, 34, NULL, 0, &ref), 0);
	fixture_step_at(f, 36, EXIT);
	EXPECT_EQ(f->err, -EINVAL);
	global_free(f);
}
