/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/domain/state_test.c - paths: frames, copies, every value, covering, no memory
 */
#include <errno.h>

#include "tests/test.h"

#include "bpf/verifier/domain/alloc.h"
#include "bpf/verifier/domain/state.h"

static struct vstate *new_state(void)
{
	struct vstate *state;

	EXPECT_EQ(vstate_new(0, &state), 0);
	return state;
}

/* Two frames, a spill in each, a reference. */
static int build(struct vstate **ret_state)
{
	struct vstate *state, *copy;
	struct frame *frame;
	struct value val;
	u32 id;
	int err = vstate_new(0, &state);

	if (err)
		return err;
	value_set_const(&val, 7);
	err = stack_write(&vstate_frame(state)->stack, -16, 8, &val);
	err = err ?: vstate_push_frame(state, 5, 1, &frame);
	err = err ?: stack_write(&vstate_frame(state)->stack, -8, 8, &val);
	err = err ?: vstate_acquire(state, REF_OBJECT, 3, NULL, 0, &id);
	err = err ?: vstate_copy(state, &copy);
	vstate_free(state);
	if (!err)
		*ret_state = copy;
	return err;
}

static bool covers(const struct vstate *old, const struct vstate *cur, enum cover mode)
{
	struct idmap ids;

	return vstate_covers(old, cur, &ids, mode);
}

TEST(state, a_path_begins_with_a_frame_pointer_and_nothing_else)
{
	struct vstate *path = new_state();

	EXPECT_EQ(path->depth, 1);
	EXPECT_EQ(vstate_reg(path, 10)->kind, V_STACK);
	EXPECT_EQ(value_offset(vstate_reg(path, 10)), 0);
	for (u32 r = 0; r < 10; r++)
		EXPECT_EQ(vstate_reg(path, r)->kind, V_NONE);
	EXPECT_PTR_EQ(vstate_caller(path), NULL);
	EXPECT_PTR_EQ(refs_first_leak(&path->refs), NULL);
	vstate_free(path);
	vstate_free(NULL);
}

TEST(state, calls_nest_sixteen_deep)
{
	struct vstate *path = new_state();
	struct frame *frame;

	for (u32 i = 1; i < STATE_FRAMES; i++) {
		EXPECT_EQ(vstate_push_frame(path, 10 + i, i, &frame), 0);
		EXPECT_EQ(frame->callsite, 10 + i);
		EXPECT_EQ(frame->regs[10].stack.frame, i);
		EXPECT_PTR_EQ(frame, vstate_frame(path));
	}
	EXPECT_EQ(vstate_push_frame(path, 1, 1, &frame), -E2BIG);
	EXPECT_EQ(vstate_caller(path)->subprog, STATE_FRAMES - 2);
	for (u32 i = 1; i < STATE_FRAMES; i++)
		vstate_pop_frame(path);
	EXPECT_EQ(path->depth, 1);
	vstate_free(path);
}

TEST(state, a_copy_shares_nothing)
{
	struct vstate *a, *b;
	struct value val;

	EXPECT_EQ(build(&a), 0);
	a->first_pc = 4;
	a->last_pc = 9;
	a->parent = a;
	EXPECT_EQ(vstate_copy(a, &b), 0);
	EXPECT_EQ(b->first_pc, 4);
	EXPECT_EQ(b->last_pc, 9);
	EXPECT_PTR_EQ(b->parent, a);
	EXPECT_EQ(b->next_id, a->next_id);
	value_set_const(&val, 8);
	EXPECT_EQ(stack_write(&vstate_frame(a)->stack, -8, 8, &val), 0);
	value_set_unknown(vstate_reg(a, 3));
	EXPECT_EQ(refs_release(&a->refs, 1), 0);
	EXPECT_EQ(vstate_reg(b, 3)->kind, V_NONE);
	EXPECT_EQ(scalar_value(&vstate_frame(b)->stack.slot[0].spill.num), 7);
	EXPECT_EQ(refs_find(&b->refs, 1)->pc, 3);
	vstate_free(a);
	EXPECT_EQ(scalar_value(&b->frames[0]->stack.slot[1].spill.num), 7);
	vstate_free(b);
}

TEST(state, assigning_shrinks_and_grows)
{
	struct vstate *a, *b = new_state();

	EXPECT_EQ(build(&a), 0);
	EXPECT_EQ(vstate_assign(b, a), 0);
	EXPECT_EQ(b->depth, 2);
	EXPECT_TRUE(covers(a, b, COVER_EXACT));
	vstate_pop_frame(a);
	EXPECT_EQ(vstate_assign(b, a), 0);
	EXPECT_EQ(b->depth, 1);
	EXPECT_PTR_EQ(b->frames[1], NULL);
	EXPECT_TRUE(covers(a, b, COVER_EXACT));
	vstate_free(a);
	vstate_free(b);
}

TEST(state, every_register_and_spill_is_visited_once)
{
	struct vstate *path;
	struct value_at at;
	struct value *val;
	u32 regs = 0, slots = 0;

	EXPECT_EQ(build(&path), 0);
	vstate_each_value(path, val, at) {
		const struct frame *frame = path->frames[at.frame];

		if (at.reg >= 0) {
			EXPECT_PTR_EQ(val, &frame->regs[at.reg]);
			EXPECT_EQ(at.slot, -1);
			regs++;
		} else {
			EXPECT_PTR_EQ(val, &frame->stack.slot[at.slot].spill);
			slots++;
		}
	}
	EXPECT_EQ(regs, 22);
	EXPECT_EQ(slots, 2);
	regs = 0;
	frame_each_value(path->frames[0], val, at)
		regs++;
	EXPECT_EQ(regs, 12);
	vstate_free(path);
}

TEST(state, identities_are_new_each_time)
{
	struct vstate *path = new_state();
	u32 first, second;

	EXPECT_EQ(vstate_acquire(path, REF_RCU, 1, NULL, 0, &first), 0);
	EXPECT_EQ(vstate_acquire(path, REF_RCU, 2, NULL, 0, &second), 0);
	EXPECT_NE(first, second);
	EXPECT_NE(first, 0);
	EXPECT_NE(vstate_new_id(path), second);
	EXPECT_EQ(refs_count(&path->refs, REF_RCU), 2);
	vstate_free(path);
}

TEST(state, covering_compares_calls_references_registers_and_stacks)
{
	struct vstate *old, *cur;
	struct value val;
	u32 id;

	EXPECT_EQ(build(&old), 0);
	EXPECT_EQ(vstate_copy(old, &cur), 0);
	EXPECT_TRUE(covers(old, cur, COVER_EXACT));

	/* A register that was not read may be anything. */
	value_set_unknown(vstate_reg(cur, 5));
	EXPECT_TRUE(covers(old, cur, COVER_RANGE));
	EXPECT_FALSE(covers(cur, old, COVER_RANGE));
	EXPECT_FALSE(covers(old, cur, COVER_EXACT));

	/* The caller's slots count as well. */
	old->frames[0]->stack.slot[1].spill.precise = true;
	value_set_const(&val, 9);
	EXPECT_EQ(stack_write(&cur->frames[0]->stack, -16, 8, &val), 0);
	EXPECT_FALSE(covers(old, cur, COVER_RANGE));
	old->frames[0]->stack.slot[1].spill.precise = false;
	EXPECT_TRUE(covers(old, cur, COVER_RANGE));

	EXPECT_EQ(vstate_acquire(cur, REF_OBJECT, 1, NULL, 0, &id), 0);
	EXPECT_FALSE(covers(old, cur, COVER_RANGE));
	EXPECT_EQ(refs_release(&cur->refs, id), 0);
	EXPECT_TRUE(covers(old, cur, COVER_RANGE));

	vstate_frame(cur)->callsite++;
	EXPECT_FALSE(covers(old, cur, COVER_RANGE));
	vstate_pop_frame(cur);
	EXPECT_FALSE(covers(old, cur, COVER_RANGE));
	vstate_free(old);
	vstate_free(cur);
}

TEST(state, a_path_with_fewer_callback_runs_behind_it_covers_one_with_more)
{
	struct vstate *old = new_state(), *cur = new_state();

	vstate_frame(old)->in_callback = vstate_frame(cur)->in_callback = true;
	vstate_frame(cur)->callback_depth = 2;
	EXPECT_TRUE(covers(old, cur, COVER_RANGE));
	EXPECT_FALSE(covers(old, cur, COVER_EXACT));
	EXPECT_FALSE(covers(cur, old, COVER_RANGE));
	vstate_frame(cur)->ret_min = -5;
	EXPECT_FALSE(covers(old, cur, COVER_RANGE));
	vstate_free(old);
	vstate_free(cur);
}

TEST(state, values_that_name_references_do_so_consistently)
{
	struct vstate *old = new_state(), *cur = new_state();
	u32 a, b, c, d;

	EXPECT_EQ(vstate_acquire(old, REF_OBJECT, 1, NULL, 0, &a), 0);
	EXPECT_EQ(vstate_acquire(old, REF_OBJECT, 2, NULL, 0, &b), 0);
	vstate_new_id(cur);
	EXPECT_EQ(vstate_acquire(cur, REF_OBJECT, 1, NULL, 0, &c), 0);
	EXPECT_EQ(vstate_acquire(cur, REF_OBJECT, 2, NULL, 0, &d), 0);
	value_set_btf(vstate_reg(old, 1), old, 1);
	value_set_btf(vstate_reg(cur, 1), old, 1);
	vstate_reg(old, 1)->ref = a;
	vstate_reg(cur, 1)->ref = c;
	EXPECT_TRUE(covers(old, cur, COVER_EXACT));
	vstate_reg(cur, 1)->ref = d;
	EXPECT_FALSE(covers(old, cur, COVER_RANGE));
	vstate_free(old);
	vstate_free(cur);
}

/* --- without memory --------------------------------------------------------------------------- */

static void *(*real_alloc)(size_t size);
static u32 allocations_left;

static void *failing_alloc(size_t size)
{
	return allocations_left-- ? real_alloc(size) : NULL;
}

TEST(state, any_allocation_may_fail)
{
	struct vstate *path = NULL;
	u32 n = 0;
	int err;

	real_alloc = domain_alloc;
	domain_alloc = failing_alloc;
	do {
		allocations_left = n;
		err = build(&path);
		EXPECT_TRUE(err == 0 || err == -ENOMEM);
		n++;
	} while (err);
	domain_alloc = real_alloc;
	EXPECT_TRUE(n > 8);
	vstate_free(path);
}

TEST(state, an_assignment_that_fails_leaves_what_can_be_assigned_again_or_freed)
{
	struct vstate *src, *dst;
	u32 n = 0;
	int err;

	EXPECT_EQ(build(&src), 0);
	real_alloc = domain_alloc;
	do {
		dst = new_state();
		domain_alloc = failing_alloc;
		allocations_left = n++;
		err = vstate_assign(dst, src);
		domain_alloc = real_alloc;
		EXPECT_TRUE(err == 0 || err == -ENOMEM);
		if (err && n % 2)
			EXPECT_EQ(vstate_assign(dst, src), 0);
		vstate_free(dst);
	} while (err);
	EXPECT_TRUE(n > 3);
	vstate_free(src);
}
