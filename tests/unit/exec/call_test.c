/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Calls: what may be passed, and what is different afterwards. */
#include "tests/unit/exec/fixture.h"

static struct func_proto proto_acquire(const struct fixture *f, u32 type_id, u8 flags)
{
	return (struct func_proto){
		.name = "bpf_wakeup_sources_read_lock", .flags = FUNC_KFUNC,
		.ret = { .kind = RET_BTF, .btf_id = type_id, .flags = RETF_ACQUIRE | flags },
	};
}

static struct func_proto proto_release(const struct fixture *f, u32 type_id)
{
	return (struct func_proto){
		.name = "bpf_wakeup_sources_read_unlock", .flags = FUNC_KFUNC,
		.args = { { .kind = ARG_BTF, .btf_id = type_id,
			    .flags = ARGF_TRUSTED | ARGF_RELEASE } },
	};
}

static struct func_proto proto_iter(const struct fixture *f, u32 flag)
{
	struct func_proto p = {
		.name = "bpf_iter_task", .flags = FUNC_KFUNC | flag,
		.args = { { .kind = ARG_ITER, .btf_id = f->t_iter, .size = 8 } },
	};

	if (flag & FUNC_ITER_NEXT)
		p.ret = (struct func_ret){ .kind = RET_BTF, .btf_id = f->t_task,
					   .flags = RETF_TRUSTED | RETF_SCOPED | RETF_MAYBE_NULL };
	else if (flag & FUNC_ITER_NEW)
		p.ret.kind = RET_SCALAR;
	return p;
}

static void iter_call(struct fixture *f, u32 flag)
{
	struct func_proto p = proto_iter(f, flag);

	fixture_step(f, MOV_REG(1, 10));
	fixture_step(f, ALU_IMM(BPF_ADD, 1, -8));
	fixture_call(f, &p);
}

static void finish(struct fixture *f)
{
	fixture_step(f, MOV_IMM(0, 0));
	fixture_step(f, EXIT);
}

/* --- references ------------------------------------------------------------------------------- */

TEST(call, what_was_acquired_must_be_released)
{
	struct fixture *f = fixture_new();
	struct func_proto lock = proto_acquire(f, f->t_empty, 0);

	EXPECT_EQ(fixture_call(f, &lock), 0);
	EXPECT_EQ(f->st->refs.nr, 1);
	finish(f);
	EXPECT_EQ(f->err, -EINVAL);
	EXPECT_TRUE(fixture_said(f, "BPF_EXIT instruction in main prog would lead to reference leak"));
	EXPECT_TRUE(fixture_logged(f, "Unreleased reference id=1 alloc_insn=0\n"));
	fixture_free(f);
}

TEST(call, acquire_and_release_leave_nothing)
{
	struct fixture *f = fixture_new();
	struct func_proto lock = proto_acquire(f, f->t_empty, 0);
	struct func_proto unlock = proto_release(f, f->t_empty);

	fixture_call(f, &lock);
	fixture_step(f, MOV_REG(6, 0));
	fixture_step(f, MOV_REG(1, 0));
	EXPECT_EQ(fixture_call(f, &unlock), 0);
	EXPECT_EQ(f->st->refs.nr, 0);
	EXPECT_TRUE(value_is_scalar(fixture_reg(f, 6)));
	EXPECT_EQ(fixture_reg(f, 0)->kind, V_NONE);
	EXPECT_EQ(fixture_reg(f, 1)->kind, V_NONE);
	finish(f);
	EXPECT_EQ(f->step.kind, STEP_EXIT);
	fixture_free(f);
}

TEST(call, a_reference_is_released_once)
{
	struct fixture *f = fixture_new();
	struct func_proto lock = proto_acquire(f, f->t_empty, 0);
	struct func_proto unlock = proto_release(f, f->t_empty);

	fixture_call(f, &lock);
	fixture_step(f, MOV_REG(6, 0));
	fixture_step(f, MOV_REG(1, 0));
	fixture_call(f, &unlock);
	fixture_step(f, MOV_REG(1, 6));
	EXPECT_EQ(fixture_call(f, &unlock), -EINVAL);
	EXPECT_TRUE(fixture_said(f, "release kfunc bpf_wakeup_sources_read_unlock expects "
				    "referenced PTR_TO_BTF_ID passed to R1"));
	fixture_free(f);
}

TEST(call, only_what_is_held_is_released)
{
	static const char text[] = "release kfunc bpf_wakeup_sources_read_unlock expects referenced "
				   "PTR_TO_BTF_ID passed to R1";
	struct fixture *f = fixture_new();
	struct func_proto unlock = proto_release(f, f->t_empty);

	fixture_step(f, MOV_IMM(1, 5));
	EXPECT_EQ(fixture_call(f, &unlock), -EINVAL);
	EXPECT_TRUE(fixture_said(f, text));
	fixture_btf(f, 1, f->t_empty, VF_TRUSTED);
	EXPECT_EQ(fixture_call(f, &unlock), -EINVAL);
	fixture_free(f);
}

TEST(call, null_is_not_released)
{
	struct fixture *f = fixture_new();
	struct func_proto lock = proto_acquire(f, f->t_empty, RETF_MAYBE_NULL);
	struct func_proto unlock = proto_release(f, f->t_empty);

	fixture_step(f, MOV_IMM(1, 0));
	EXPECT_EQ(fixture_call(f, &unlock), -EACCES);
	EXPECT_TRUE(fixture_said(f, "Possibly NULL pointer passed to trusted R1"));
	fixture_call(f, &lock);
	fixture_step(f, MOV_REG(1, 0));
	EXPECT_EQ(fixture_call(f, &unlock), -EACCES);
	fixture_free(f);
}

TEST(call, a_reference_of_another_type_is_not_released)
{
	struct fixture *f = fixture_new();
	struct func_proto lock = proto_acquire(f, f->t_task, 0);
	struct func_proto unlock = proto_release(f, f->t_empty);

	fixture_call(f, &lock);
	fixture_step(f, MOV_REG(1, 0));
	EXPECT_EQ(fixture_call(f, &unlock), -EINVAL);
	fixture_free(f);
}

TEST(call, an_untrusted_pointer_is_not_passed)
{
	struct fixture *f = fixture_new();
	struct func_proto unlock = proto_release(f, f->t_task);

	fixture_btf(f, 1, f->t_task, VF_UNTRUSTED);
	EXPECT_EQ(fixture_call(f, &unlock), -EINVAL);
	EXPECT_TRUE(fixture_said(f, "R1 must be referenced or trusted"));
	fixture_free(f);
}

TEST(call, an_untrusted_pointer_is_not_passed_even_where_trust_is_not_asked_for)
{
	struct fixture *f = fixture_new();
	struct func_proto look = {
		.name = "look", .flags = FUNC_KFUNC, .args = { { .kind = ARG_BTF, .btf_id = f->t_task } },
	};

	fixture_btf(f, 1, f->t_task, 0);
	EXPECT_EQ(fixture_call(f, &look), 0);
	fixture_btf(f, 1, f->t_task, VF_UNTRUSTED);
	EXPECT_EQ(fixture_call(f, &look), -EINVAL);
	fixture_btf(f, 1, f->t_empty, VF_TRUSTED);
	EXPECT_EQ(fixture_call(f, &look), -EINVAL);
	EXPECT_TRUE(fixture_said(f, "expected pointer to STRUCT task but R1 has a pointer to STRUCT "
				    "bpf_ws_lock"));
	fixture_free(f);
}

TEST(call, null_in_place_of_an_object_is_wanted_exactly)
{
	struct fixture *f = fixture_new();
	struct func_proto look = {
		.name = "look", .flags = FUNC_KFUNC,
		.args = { { .kind = ARG_BTF, .btf_id = f->t_task, .flags = ARGF_MAYBE_NULL } },
	};

	fixture_step(f, MOV_IMM(1, 0));
	EXPECT_EQ(fixture_call(f, &look), 0);
	EXPECT_EQ(f->step.precise.regs, 1u << 1);
	fixture_free(f);
}

/* --- iterators -------------------------------------------------------------------------------- */

TEST(call, next_gives_null_or_an_element)
{
	struct fixture *f = fixture_new();

	iter_call(f, FUNC_ITER_NEW);
	EXPECT_EQ(f->err, 0);
	iter_call(f, FUNC_ITER_NEXT);
	EXPECT_EQ(f->err, 0);
	EXPECT_EQ(f->step.kind, STEP_FORK);
	EXPECT_TRUE(f->step.converge);
	EXPECT_TRUE(value_is_null(fixture_reg(f, 0)));
	EXPECT_EQ(vstate_reg(f->step.fork, 0)->kind, V_BTF);
	EXPECT_EQ(vstate_reg(f->step.fork, 0)->flags, VF_TRUSTED | VF_SCOPED);
	iter_call(f, FUNC_ITER_NEXT);
	EXPECT_EQ(f->err, 0);
	EXPECT_EQ(f->step.kind, STEP_NEXT);
	iter_call(f, FUNC_ITER_DESTROY);
	EXPECT_EQ(f->err, 0);
	finish(f);
	EXPECT_EQ(f->err, 0);
	fixture_free(f);
}

static struct fixture *with_element(void)
{
	struct fixture *f = fixture_new();

	iter_call(f, FUNC_ITER_NEW);
	iter_call(f, FUNC_ITER_NEXT);
	fixture_take_fork(f);
	fixture_step(f, MOV_REG(6, 0));
	fixture_step(f, STX(BPF_DW, 10, 0, -16));
	fixture_step(f, MOV_REG(7, 0));
	fixture_step(f, ALU_IMM(BPF_ADD, 7, 4));
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 2, 6, 0)), 0);
	return f;
}

static void expect_scope_ended(struct fixture *f)
{
	EXPECT_EQ(f->err, 0);
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 2, 6, 0)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "R6 was invalidated: its iterator moved on or ended"));
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 2, 7, -4)), -EACCES);
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 3, 10, -16)), 0);
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 2, 3, 0)), -EACCES);
}

TEST(call, a_scoped_pointer_ends_when_the_iterator_moves_on)
{
	struct fixture *f = with_element();

	iter_call(f, FUNC_ITER_NEXT);
	EXPECT_EQ(vstate_reg(f->step.fork, 6)->kind, V_SCALAR);
	expect_scope_ended(f);
	fixture_free(f);
}

TEST(call, a_scoped_pointer_ends_with_its_iterator)
{
	struct fixture *f = with_element();

	iter_call(f, FUNC_ITER_DESTROY);
	expect_scope_ended(f);
	fixture_free(f);
}

TEST(call, of_a_scoped_pointer_that_ended_a_number_is_left)
{
	struct fixture *f = with_element();

	iter_call(f, FUNC_ITER_DESTROY);
	EXPECT_EQ(fixture_step(f, JMP_IMM(BPF_JEQ, 6, 0, 0)), 0);
	EXPECT_EQ(fixture_step(f, MOV_REG(0, 6)), 0);
	EXPECT_TRUE(value_is_scalar(vstate_reg(f->st, 0)));
	fixture_free(f);
}

TEST(call, what_an_iterator_lends_is_not_released)
{
	struct fixture *f = with_element();
	struct func_proto put = proto_release(f, f->t_task);

	fixture_step(f, MOV_REG(1, 6));
	EXPECT_EQ(fixture_call(f, &put), -EINVAL);
	fixture_free(f);
}

TEST(call, an_iterator_begins_once_and_ends_once)
{
	struct fixture *f = fixture_new();

	iter_call(f, FUNC_ITER_NEXT);
	EXPECT_EQ(f->err, -EINVAL);
	EXPECT_TRUE(fixture_said(f, "expected an initialized iter_task as arg #0"));
	iter_call(f, FUNC_ITER_NEW);
	EXPECT_EQ(f->err, 0);
	iter_call(f, FUNC_ITER_NEW);
	EXPECT_EQ(f->err, -EINVAL);
	iter_call(f, FUNC_ITER_DESTROY);
	EXPECT_EQ(f->err, 0);
	iter_call(f, FUNC_ITER_DESTROY);
	EXPECT_EQ(f->err, -EINVAL);
	fixture_free(f);
}

TEST(call, an_iterator_must_be_destroyed)
{
	struct fixture *f = fixture_new();

	iter_call(f, FUNC_ITER_NEW);
	finish(f);
	EXPECT_EQ(f->err, -EINVAL);
	fixture_free(f);
}

TEST(call, the_slots_of_an_iterator_are_its_own)
{
	struct fixture *f = fixture_new();

	iter_call(f, FUNC_ITER_NEW);
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 1, 10, -8)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "invalid read from stack off -8+0 size 8"));
	EXPECT_EQ(fixture_step(f, ST(BPF_B, 10, -3, 0)), -EINVAL);
	fixture_free(f);
}

/* --- memory ----------------------------------------------------------------------------------- */

static const struct func_proto proto_output = {
	.name = "bpf_ringbuf_output",
	.args = { { .kind = ARG_MAP, .map_types = 1ull << BPF_MAP_TYPE_RINGBUF },
		  { .kind = ARG_MEM },
		  { .kind = ARG_SIZE, .flags = ARGF_ZERO_OK },
		  { .kind = ARG_ANYTHING } },
	.ret = { .kind = RET_SCALAR },
};

static int output(struct fixture *f, s32 off, s32 size)
{
	value_set_map(fixture_reg(f, 1), &f->maps[MAP_RING], 0);
	fixture_step(f, MOV_REG(2, 10));
	fixture_step(f, ALU_IMM(BPF_ADD, 2, off));
	if (size >= 0)
		fixture_step(f, MOV_IMM(3, size));
	fixture_step(f, MOV_IMM(4, 0));
	return fixture_call(f, &proto_output);
}

TEST(call, memory_is_checked_for_the_size_that_is_passed)
{
	struct fixture *f = fixture_new();

	EXPECT_EQ(output(f, -8, 8), 0);
	EXPECT_EQ(f->step.precise.regs, 1u << 3);
	EXPECT_EQ(output(f, -8, 16), -EINVAL);
	EXPECT_TRUE(fixture_said(f, "invalid read from stack R2 off=-8 size=16"));
	fixture_unknown(f, 3);
	EXPECT_EQ(output(f, -8, -1), -EACCES);
	EXPECT_TRUE(fixture_said(f, "R3 min value is negative, either use unsigned or 'var &= const'"));
	fixture_unknown(f, 3);
	fixture_step(f, ALU_IMM(BPF_RSH, 3, 1));
	EXPECT_EQ(output(f, -8, -1), -EACCES);
	EXPECT_TRUE(fixture_said(f, "R3 unbounded memory access, use 'var &= const' or 'if (var < const)'"));
	fixture_free(f);
}

TEST(call, a_size_of_zero_is_passed_only_where_that_is_allowed)
{
	struct func_proto strict = proto_output;
	struct fixture *f = fixture_new();

	EXPECT_EQ(output(f, -8, 0), 0);
	strict.args[2].flags = 0;
	value_set_map(fixture_reg(f, 1), &f->maps[MAP_RING], 0);
	fixture_step(f, MOV_REG(2, 10));
	fixture_step(f, MOV_IMM(3, 0));
	fixture_step(f, MOV_IMM(4, 0));
	EXPECT_EQ(fixture_call(f, &strict), -EACCES);
	EXPECT_TRUE(fixture_said(f, "R3 invalid zero-sized read: u64=[0,0]"));
	fixture_free(f);
}

TEST(call, a_map_of_another_type_is_not_passed)
{
	struct fixture *f = fixture_new();

	value_set_map(fixture_reg(f, 1), &f->maps[MAP_DATA], 0);
	EXPECT_EQ(fixture_call(f, &proto_output), -EINVAL);
	EXPECT_TRUE(fixture_said(f, "cannot pass map_type 2 into func bpf_ringbuf_output"));
	fixture_free(f);
}

static const struct func_proto proto_reserve = {
	.name = "bpf_ringbuf_reserve",
	.args = { { .kind = ARG_MAP }, { .kind = ARG_CONST }, { .kind = ARG_ANYTHING } },
	.ret = { .kind = RET_MEM, .flags = RETF_MAYBE_NULL | RETF_ACQUIRE | RETF_RECORD },
};

static const struct func_proto proto_submit = {
	.name = "bpf_ringbuf_submit",
	.args = { { .kind = ARG_RECORD, .flags = ARGF_RELEASE }, { .kind = ARG_ANYTHING } },
};

static void reserve(struct fixture *f, s32 size)
{
	value_set_map(fixture_reg(f, 1), &f->maps[MAP_RING], 0);
	fixture_step(f, MOV_IMM(2, size));
	fixture_step(f, MOV_IMM(3, 0));
	EXPECT_EQ(fixture_call(f, &proto_reserve), 0);
}

TEST(call, a_record_is_checked_filled_and_submitted)
{
	struct fixture *f = fixture_new();

	reserve(f, 24);
	EXPECT_EQ(fixture_step(f, JMP_IMM(BPF_JNE, 0, 0, 1)), 0);
	EXPECT_EQ(f->st->refs.nr, 0);
	fixture_take_fork(f);
	EXPECT_EQ(fixture_step(f, ST(BPF_DW, 0, 16, 1)), 0);
	fixture_step(f, MOV_REG(6, 0));
	fixture_step(f, MOV_REG(1, 0));
	fixture_step(f, MOV_IMM(2, 0));
	EXPECT_EQ(fixture_call(f, &proto_submit), 0);
	EXPECT_EQ(f->st->refs.nr, 0);
	EXPECT_EQ(fixture_step(f, LDX(BPF_W, 0, 6, 0)), -EACCES);
	EXPECT_TRUE(fixture_said(f, "R6 invalid mem access 'scalar'"));
	fixture_free(f);
}

TEST(call, a_record_that_may_be_null_is_not_submitted)
{
	struct fixture *f = fixture_new();

	reserve(f, 24);
	fixture_step(f, MOV_REG(1, 0));
	fixture_step(f, MOV_IMM(2, 0));
	EXPECT_EQ(fixture_call(f, &proto_submit), -EACCES);
	EXPECT_TRUE(fixture_said(f, "R1 type=ringbuf_mem_or_null expected=ringbuf_mem"));
	fixture_free(f);
}

TEST(call, the_middle_of_a_record_is_not_submitted)
{
	struct fixture *f = fixture_new();

	reserve(f, 24);
	fixture_step(f, JMP_IMM(BPF_JNE, 0, 0, 1));
	fixture_take_fork(f);
	fixture_step(f, MOV_REG(1, 0));
	fixture_step(f, ALU_IMM(BPF_ADD, 1, 8));
	fixture_step(f, MOV_IMM(2, 0));
	EXPECT_EQ(fixture_call(f, &proto_submit), -EINVAL);
	fixture_free(f);
}

TEST(call, a_format_is_a_frozen_string_with_an_end)
{
	static const struct func_proto print = {
		.name = "print", .args = { { .kind = ARG_CONST_STR } }, .ret = { .kind = RET_SCALAR },
	};
	struct fixture *f = fixture_new();

	fixture_map_value(f, 1, MAP_FROZEN, 0);
	fixture_step(f, ALU_IMM(BPF_ADD, 1, 4));
	EXPECT_EQ(fixture_call(f, &print), 0);
	fixture_map_value(f, 1, MAP_FROZEN, 0);
	fixture_step(f, ALU_IMM(BPF_ADD, 1, 12));
	EXPECT_EQ(fixture_call(f, &print), -EINVAL);
	EXPECT_TRUE(fixture_said(f, "string is not zero-terminated"));
	fixture_map_value(f, 1, MAP_DATA, 0);
	EXPECT_EQ(fixture_call(f, &print), -EACCES);
	fixture_free(f);
}

TEST(call, a_callee_that_writes_the_stack_leaves_unknown_bytes)
{
	static const struct func_proto fill = {
		.name = "fill",
		.args = { { .kind = ARG_MEM, .size = 8, .flags = ARGF_WRITE | ARGF_UNINIT } },
		.ret = { .kind = RET_VOID },
	};
	struct fixture *f = fixture_new();

	fixture_step(f, STX(BPF_DW, 10, 1, -8));
	fixture_step(f, MOV_REG(1, 10));
	fixture_step(f, ALU_IMM(BPF_ADD, 1, -8));
	EXPECT_EQ(fixture_call(f, &fill), 0);
	EXPECT_EQ(fixture_step(f, LDX(BPF_DW, 2, 10, -8)), 0);
	EXPECT_TRUE(value_is_scalar(fixture_reg(f, 2)));
	EXPECT_EQ(fixture_reg(f, 0)->kind, V_NONE);
	fixture_free(f);
}

/* --- contexts and functions ------------------------------------------------------------------- */

TEST(call, a_sleepable_kfunc_wants_a_program_that_may_sleep)
{
	static const struct func_proto nap = { .name = "nap", .flags = FUNC_KFUNC | FUNC_SLEEPABLE };
	struct fixture *f = fixture_new();

	f->st->may_sleep = true;
	EXPECT_EQ(fixture_call(f, &nap), 0);
	f->st->may_sleep = false;
	EXPECT_EQ(fixture_call(f, &nap), -EACCES);
	EXPECT_TRUE(fixture_said(f, "program must be sleepable to call sleepable kfunc nap"));
	fixture_free(f);
}

TEST(call, a_static_function_gets_the_arguments_and_gives_r0)
{
	struct fixture *f = fixture_new();

	fixture_step(f, MOV_IMM(2, 7));
	fixture_step(f, MOV_IMM(6, 9));
	f->sites[f->pc] = (struct callsite){ .kind = SITE_SUBPROG, .subprog = 1 };
	EXPECT_EQ(fixture_step(f, CALL), 0);
	EXPECT_EQ(f->step.next, 32);
	EXPECT_EQ(f->st->depth, 2);
	EXPECT_EQ(scalar_value(&fixture_reg(f, 2)->num), 7);
	EXPECT_EQ(fixture_reg(f, 6)->kind, V_NONE);
	fixture_step_at(f, 32, MOV_REG(0, 2));
	fixture_step_at(f, 33, EXIT);
	EXPECT_EQ(f->err, 0);
	EXPECT_EQ(f->step.next, 3);
	EXPECT_EQ(f->step.precise.frame, 1);
	EXPECT_EQ(scalar_value(&fixture_reg(f, 0)->num), 7);
	EXPECT_EQ(scalar_value(&fixture_reg(f, 6)->num), 9);
	EXPECT_EQ(fixture_reg(f, 2)->kind, V_NONE);
	fixture_free(f);
}

TEST(call, a_pointer_to_a_frame_does_not_outlive_it)
{
	struct fixture *f = fixture_new();

	fixture_step(f, MOV_REG(1, 10));
	f->sites[f->pc] = (struct callsite){ .kind = SITE_SUBPROG, .subprog = 1 };
	EXPECT_EQ(fixture_step(f, CALL), 0);
	fixture_step_at(f, 32, STX(BPF_DW, 1, 10, -8));
	EXPECT_EQ(f->err, -EINVAL);
	EXPECT_TRUE(fixture_said(f, "cannot spill pointers to stack into stack frame of the caller"));
	fixture_step_at(f, 33, MOV_REG(0, 10));
	fixture_step_at(f, 34, EXIT);
	EXPECT_EQ(f->err, -EINVAL);
	EXPECT_TRUE(fixture_said(f, "cannot return stack pointer to the caller"));
	fixture_free(f);
}

TEST(call, the_result_of_a_program_lies_in_its_range)
{
	struct fixture *f = fixture_new();

	f->ctx.ret_min = 0;
	f->ctx.ret_max = 1;
	fixture_step(f, MOV_IMM(0, 2));
	EXPECT_EQ(fixture_step(f, EXIT), -EINVAL);
	EXPECT_TRUE(fixture_said(f, "should have been in [0, 1]"));
	fixture_step(f, MOV_IMM(0, 1));
	EXPECT_EQ(fixture_step(f, EXIT), 0);
	EXPECT_EQ(f->step.kind, STEP_EXIT);
	EXPECT_EQ(f->step.precise.regs, 1);
	fixture_free(f);
}
