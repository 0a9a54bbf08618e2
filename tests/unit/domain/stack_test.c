/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/domain/stack_test.c - slots, spills, objects, what covers what
 */
#include <errno.h>

#include "tests/unit/domain/stack.h"

static int btf;

TEST(stack, slots_are_numbered_downwards)
{
	EXPECT_EQ(stack_slot_of(-1), 0);
	EXPECT_EQ(stack_slot_of(-8), 0);
	EXPECT_EQ(stack_slot_of(-9), 1);
	EXPECT_EQ(stack_slot_of(-512), 63);
	EXPECT_EQ(stack_slot_off(0), -8);
	EXPECT_EQ(stack_slot_off(63), -512);
}

TEST(stack, a_spilled_value_comes_back_whole)
{
	struct stack stack = { 0 };
	struct value val = pointer();

	val.id = 3;
	val.ref = 4;
	store(&stack, -8, 8, val);
	val = load(&stack, -8, 8);
	EXPECT_EQ(val.kind, V_MAP_VALUE);
	EXPECT_EQ(val.id, 3);
	EXPECT_EQ(val.ref, 4);
	store(&stack, -16, 8, number(0x1122334455667788));
	EXPECT_EQ(load_const(&stack, -16, 8), 0x1122334455667788);
	stack_clear(&stack);
}

TEST(stack, parts_of_a_spilled_number_are_its_bytes)
{
	struct stack stack = { 0 };

	store(&stack, -8, 8, number(0x1122334455667788));
	EXPECT_EQ(load_const(&stack, -8, 1), 0x88);
	EXPECT_EQ(load_const(&stack, -8, 2), 0x7788);
	EXPECT_EQ(load_const(&stack, -8, 4), 0x55667788);
	EXPECT_EQ(load_const(&stack, -4, 4), 0x11223344);
	EXPECT_EQ(load_const(&stack, -2, 2), 0x1122);
	EXPECT_EQ(load_const(&stack, -5, 1), 0x55);
	stack_clear(&stack);
}

TEST(stack, the_upper_part_of_a_linked_number_is_linked_to_nothing)
{
	struct stack stack = { 0 };
	struct value val = number(5);

	val.id = 9;
	store(&stack, -8, 8, val);
	EXPECT_EQ(load(&stack, -8, 4).id, 9);
	EXPECT_EQ(load(&stack, -4, 4).id, 0);
	EXPECT_EQ(load_const(&stack, -4, 4), 0);
	stack_clear(&stack);
}

TEST(stack, a_part_of_a_pointer_is_some_bits)
{
	struct stack stack = { 0 };
	struct value val;

	store(&stack, -8, 8, pointer());
	val = load(&stack, -8, 4);
	EXPECT_EQ(val.kind, V_SCALAR);
	EXPECT_EQ(scalar_umax(&val.num), UINT32_MAX);
	stack_clear(&stack);
}

TEST(stack, a_narrow_spill_is_cut_and_loses_its_link_only_when_that_changed_it)
{
	struct stack stack = { 0 };
	struct value small = number(5), large = number(0x100000005);

	small.id = large.id = 9;
	store(&stack, -8, 4, small);
	EXPECT_EQ(load(&stack, -8, 4).id, 9);
	store(&stack, -8, 4, large);
	EXPECT_EQ(load(&stack, -8, 4).id, 0);
	EXPECT_EQ(load_const(&stack, -8, 4), 5);
	stack_clear(&stack);
}

TEST(stack, bytes_never_written_may_be_read_only_when_allowed)
{
	struct stack stack = { 0 };
	struct value val;
	u32 at = 99;

	store(&stack, -8, 4, number(1));
	EXPECT_EQ(stack_read(&stack, -8, 8, UNINIT_REFUSED, &val), -EACCES);
	EXPECT_EQ(stack_check_read(&stack, -8, 8, UNINIT_REFUSED, &at), -EACCES);
	EXPECT_EQ(at, 4);
	EXPECT_EQ(stack_check_read(&stack, -16, 16, UNINIT_REFUSED, &at), -EACCES);
	EXPECT_EQ(at, 0);
	EXPECT_EQ(stack_read(&stack, -8, 8, UNINIT_ALLOWED, &val), 0);
	EXPECT_TRUE(scalar_is_unknown(&val.num));
	EXPECT_EQ(stack_read(&stack, -512, 8, UNINIT_ALLOWED, &val), 0);
	EXPECT_EQ(stack_read(&stack, -512, 8, UNINIT_REFUSED, &val), -EACCES);
	stack_clear(&stack);
}

TEST(stack, nothing_outside_its_512_bytes_is_touched)
{
	struct stack stack = { 0 };
	struct value val = number(1);
	u32 at;

	EXPECT_EQ(stack_write(&stack, -513, 1, &val), -EACCES);
	EXPECT_EQ(stack_write(&stack, 0, 1, &val), -EACCES);
	EXPECT_EQ(stack_write(&stack, -4, 8, &val), -EACCES);
	EXPECT_EQ(stack_write(&stack, -16, 9, &val), -EACCES);
	EXPECT_EQ(stack_write(&stack, INT32_MIN, 1, &val), -EACCES);
	EXPECT_EQ(stack_write(&stack, INT32_MAX, 1, &val), -EACCES);
	EXPECT_EQ(stack_write_misc(&stack, -8, 9), -EACCES);
	EXPECT_EQ(stack_write_misc(&stack, -8, 0), -EACCES);
	EXPECT_EQ(stack_write_var(&stack, -520, -8, 8, &val), -EACCES);
	EXPECT_EQ(stack_write_var(&stack, -16, -7, 8, &val), -EACCES);
	EXPECT_EQ(stack_read_var(&stack, -16, -4, 8, UNINIT_ALLOWED, &val), -EACCES);
	EXPECT_EQ(stack_check_read(&stack, -8, UINT32_MAX, UNINIT_ALLOWED, &at), -EACCES);
	EXPECT_EQ(stack_reserve(&stack, -513), -EACCES);
	EXPECT_EQ(stack.nr_slots, 0);
}

TEST(stack, a_byte_is_called_zero_only_when_its_origin_is_exact)
{
	struct stack stack = { 0 };

	store(&stack, -4, 4, number(0));
	EXPECT_EQ(stack.slot[0].byte[4], BYTE_MISC);
	store(&stack, -4, 4, exact(0));
	EXPECT_EQ(stack.slot[0].byte[4], BYTE_ZERO);
	EXPECT_EQ(load_const(&stack, -4, 4), 0);
	EXPECT_EQ(load_const(&stack, -1, 1), 0);
	stack_clear(&stack);
}

TEST(stack, a_narrow_spill_with_zeros_above_reads_as_itself)
{
	struct stack stack = { 0 };

	store(&stack, -4, 4, exact(0));
	store(&stack, -8, 4, number(77));
	EXPECT_EQ(load_const(&stack, -8, 8), 77);
	stack_clear(&stack);
}

TEST(stack, overwriting_the_upper_part_keeps_the_lower)
{
	struct stack stack = { 0 };

	store(&stack, -8, 8, number(0x1122334455667788));
	store(&stack, -4, 4, number(1));
	EXPECT_EQ(load_const(&stack, -8, 4), 0x55667788);
	EXPECT_EQ(load(&stack, -8, 8).kind, V_SCALAR);
	store(&stack, -8, 1, number(0x99));
	EXPECT_EQ(load_const(&stack, -8, 1), 0x99);
	EXPECT_FALSE(is_const(load(&stack, -8, 4)));
	store(&stack, -16, 8, pointer());
	store(&stack, -9, 1, number(1));
	EXPECT_EQ(load(&stack, -16, 8).kind, V_SCALAR);
	stack_clear(&stack);
}

TEST(stack, a_store_somewhere_forgets_all_it_may_have_hit_but_initialises_nothing)
{
	struct stack stack = { 0 };
	struct value one = number(1), zero = exact(0), val;

	store(&stack, -8, 8, number(5));
	store(&stack, -16, 8, pointer());
	store(&stack, -24, 8, number(6));
	EXPECT_EQ(stack_write_var(&stack, -16, -8, 8, &one), 0);
	EXPECT_FALSE(is_const(load(&stack, -8, 8)));
	EXPECT_EQ(load(&stack, -16, 8).kind, V_SCALAR);
	EXPECT_EQ(load_const(&stack, -24, 8), 6);
	EXPECT_EQ(stack_write_var(&stack, -64, -32, 8, &one), 0);
	EXPECT_EQ(stack_read(&stack, -64, 8, UNINIT_REFUSED, &val), -EACCES);

	store(&stack, -8, 1, number(3));
	store(&stack, -7, 1, zero);
	EXPECT_EQ(stack_write_var(&stack, -8, -7, 1, &zero), 0);
	EXPECT_EQ(load_const(&stack, -7, 1), 0);
	EXPECT_FALSE(is_const(load(&stack, -8, 1)));
	stack_clear(&stack);
}

TEST(stack, a_load_from_somewhere_is_zero_only_when_all_is)
{
	struct stack stack = { 0 };
	struct value val;

	for (s32 off = -16; off < 0; off++)
		store(&stack, off, 1, off & 7 ? exact(0) : number(0));
	EXPECT_EQ(stack_read_var(&stack, -15, -12, 4, UNINIT_REFUSED, &val), 0);
	EXPECT_TRUE(value_is_null(&val));
	EXPECT_EQ(stack_read_var(&stack, -15, -11, 4, UNINIT_REFUSED, &val), 0);
	EXPECT_FALSE(value_is_const(&val));
	EXPECT_EQ(scalar_umax(&val.num), UINT32_MAX);
	EXPECT_EQ(stack_read_var(&stack, -17, -11, 4, UNINIT_REFUSED, &val), -EACCES);
	stack_clear(&stack);
}

static struct slot_obj iterator(u32 nr_slots)
{
	return (struct slot_obj){ .btf = &btf, .type_id = 3, .ref = 5, .nr_slots = nr_slots };
}

TEST(stack, an_object_fills_its_slots_and_may_not_be_read)
{
	struct stack stack = { 0 };
	struct slot_obj obj = iterator(2);
	struct value val;
	enum byte_kind kind;

	EXPECT_EQ(stack_put_object(&stack, -12, BYTE_ITER, &obj), -EACCES);
	EXPECT_EQ(stack_put_object(&stack, -8, BYTE_ITER, &obj), -EACCES);
	EXPECT_EQ(stack_put_object(&stack, -24, BYTE_ITER, &obj), 0);
	EXPECT_EQ(stack_read(&stack, -24, 8, UNINIT_ALLOWED, &val), -EACCES);
	EXPECT_EQ(stack_read(&stack, -16, 1, UNINIT_ALLOWED, &val), -EACCES);
	EXPECT_EQ(stack_get_object(&stack, -24, BYTE_ITER, 2)->ref, 5);
	EXPECT_EQ(stack_get_object(&stack, -24, BYTE_ITER, 0)->type_id, 3);
	EXPECT_PTR_EQ(stack_get_object(&stack, -24, BYTE_ITER, 1), NULL);
	EXPECT_PTR_EQ(stack_get_object(&stack, -16, BYTE_ITER, 2), NULL);
	EXPECT_PTR_EQ(stack_get_object(&stack, -24, BYTE_DYNPTR, 2), NULL);
	EXPECT_PTR_EQ(stack_object_in(&stack, -8, 8, &kind), NULL);
	EXPECT_EQ(stack_object_in(&stack, -20, 16, &kind)->ref, 5);
	EXPECT_EQ(kind, BYTE_ITER);
	stack_clear(&stack);
}

TEST(stack, a_store_into_an_object_destroys_all_of_it)
{
	struct stack stack = { 0 };
	struct slot_obj obj = iterator(2);

	for (s32 off = -24; off < -8; off += 3) {
		EXPECT_EQ(stack_put_object(&stack, -24, BYTE_DYNPTR, &obj), 0);
		store(&stack, off, 1, number(1));
		EXPECT_PTR_EQ(stack_object_in(&stack, -24, 16, NULL), NULL);
		EXPECT_EQ(load(&stack, -24, 8).kind, V_SCALAR);
		EXPECT_EQ(load(&stack, -16, 8).kind, V_SCALAR);
	}
	EXPECT_EQ(stack_put_object(&stack, -24, BYTE_ITER, &obj), 0);
	EXPECT_EQ(stack_put_object(&stack, -16, BYTE_ITER, &obj), 0);
	EXPECT_EQ(load(&stack, -24, 8).kind, V_SCALAR);
	stack_forget_slot(&stack, 1);
	EXPECT_EQ(stack_get_object(&stack, -16, BYTE_ITER, 2)->ref, 5);
	stack_forget_slot(&stack, 2);
	EXPECT_EQ(stack.slot[2].byte[0], BYTE_NONE);
	stack_clear(&stack);
}

TEST(stack, a_value_from_the_stack_may_be_written_to_it_while_it_grows)
{
	struct stack stack = { 0 };

	store(&stack, -8, 8, number(1234));
	EXPECT_EQ(stack_write(&stack, -512, 8, &stack.slot[0].spill), 0);
	EXPECT_EQ(load_const(&stack, -512, 8), 1234);
	EXPECT_EQ(load_const(&stack, -8, 8), 1234);
	stack_clear(&stack);
}

/* --- covering --------------------------------------------------------------------------------- */

static bool covers(const struct stack *old, const struct stack *cur, enum cover mode)
{
	struct idmap ids;

	idmap_init(&ids);
	return stack_covers(old, cur, &ids, mode);
}

TEST(stack, what_was_never_written_covers_everything_and_misc_covers_every_bit)
{
	struct stack old = { 0 }, cur = { 0 };
	struct slot_obj obj = iterator(1);

	store(&cur, -8, 8, pointer());
	EXPECT_TRUE(covers(&old, &cur, COVER_RANGE));
	EXPECT_FALSE(covers(&old, &cur, COVER_EXACT));
	EXPECT_FALSE(covers(&cur, &old, COVER_RANGE));
	EXPECT_EQ(stack_write_misc(&old, -8, 8), 0);
	EXPECT_TRUE(covers(&old, &cur, COVER_RANGE));
	EXPECT_FALSE(covers(&cur, &old, COVER_RANGE));
	store(&cur, -8, 4, number(5));
	store(&cur, -4, 4, exact(0));
	EXPECT_TRUE(covers(&old, &cur, COVER_RANGE));
	EXPECT_EQ(stack_put_object(&cur, -8, BYTE_ITER, &obj), 0);
	EXPECT_FALSE(covers(&old, &cur, COVER_RANGE));
	stack_clear(&old);
	stack_clear(&cur);
}

TEST(stack, a_zero_covers_only_a_zero_that_is_exact)
{
	struct stack old = { 0 }, cur = { 0 };

	store(&old, -8, 8, exact(0));
	slot_set_kind(&old.slot[0], BYTE_ZERO);
	store(&cur, -8, 8, number(0));
	EXPECT_FALSE(covers(&old, &cur, COVER_RANGE));
	store(&cur, -8, 8, exact(0));
	EXPECT_TRUE(covers(&old, &cur, COVER_RANGE));
	EXPECT_EQ(stack_write_misc(&cur, -8, 8), 0);
	EXPECT_FALSE(covers(&old, &cur, COVER_RANGE));
	slot_set_kind(&cur.slot[0], BYTE_ZERO);
	EXPECT_TRUE(covers(&old, &cur, COVER_RANGE));
	EXPECT_TRUE(covers(&old, &cur, COVER_EXACT));
	stack_clear(&old);
	stack_clear(&cur);
}

TEST(stack, an_imprecise_spill_covers_any_number_in_its_place)
{
	struct stack old = { 0 }, cur = { 0 };

	store(&old, -8, 8, number(1));
	store(&cur, -8, 8, number(2));
	EXPECT_TRUE(covers(&old, &cur, COVER_RANGE));
	EXPECT_FALSE(covers(&old, &cur, COVER_WITHIN));
	EXPECT_EQ(stack_write_misc(&cur, -8, 8), 0);
	EXPECT_TRUE(covers(&old, &cur, COVER_RANGE));
	store(&cur, -8, 8, pointer());
	EXPECT_FALSE(covers(&old, &cur, COVER_RANGE));
	store(&old, -8, 8, exact(1));
	store(&cur, -8, 8, number(2));
	EXPECT_FALSE(covers(&old, &cur, COVER_RANGE));
	store(&cur, -8, 8, number(1));
	EXPECT_TRUE(covers(&old, &cur, COVER_RANGE));
	/* The low half of a wider spill will do; more bytes than there are will not. */
	stack_clear(&old);
	store(&old, -8, 4, exact(1));
	EXPECT_TRUE(covers(&old, &cur, COVER_RANGE));
	EXPECT_FALSE(covers(&cur, &old, COVER_RANGE));
	stack_clear(&old);
	stack_clear(&cur);
}

TEST(stack, iterators_must_agree_in_all_but_how_often_they_moved)
{
	struct stack old = { 0 }, cur = { 0 };
	struct slot_obj obj = iterator(1);

	EXPECT_EQ(stack_put_object(&old, -8, BYTE_ITER, &obj), 0);
	obj.depth = 4;
	obj.ref = 77;
	EXPECT_EQ(stack_put_object(&cur, -8, BYTE_ITER, &obj), 0);
	EXPECT_TRUE(covers(&old, &cur, COVER_RANGE));
	EXPECT_FALSE(covers(&old, &cur, COVER_EXACT));
	obj.phase = ITER_DRAINED;
	EXPECT_EQ(stack_put_object(&cur, -8, BYTE_ITER, &obj), 0);
	EXPECT_FALSE(covers(&old, &cur, COVER_RANGE));
	obj.phase = ITER_ACTIVE;
	obj.type_id = 4;
	EXPECT_EQ(stack_put_object(&cur, -8, BYTE_ITER, &obj), 0);
	EXPECT_FALSE(covers(&old, &cur, COVER_RANGE));
	obj.type_id = 3;
	EXPECT_EQ(stack_put_object(&cur, -8, BYTE_DYNPTR, &obj), 0);
	EXPECT_FALSE(covers(&old, &cur, COVER_RANGE));
	stack_clear(&old);
	stack_clear(&cur);
}

/* --- without memory --------------------------------------------------------------------------- */

static void *no_memory(size_t size)
{
	return NULL;
}

TEST(stack, without_memory_nothing_changes)
{
	void *(*alloc)(size_t) = domain_alloc;
	struct stack stack = { 0 }, copy = { 0 };
	struct value val = number(3);

	store(&stack, -8, 8, number(2));
	domain_alloc = no_memory;
	EXPECT_EQ(stack_write(&stack, -512, 8, &val), -ENOMEM);
	EXPECT_EQ(stack_write_misc(&stack, -512, 8), -ENOMEM);
	EXPECT_EQ(stack_copy(&copy, &stack), -ENOMEM);
	EXPECT_EQ(stack_put_object(&stack, -512, BYTE_ITER, &(struct slot_obj){ .nr_slots = 1 }),
		  -ENOMEM);
	domain_alloc = alloc;
	EXPECT_EQ(stack.nr_slots, 1);
	EXPECT_EQ(load_const(&stack, -8, 8), 2);
	EXPECT_EQ(copy.nr_slots, 0);
	stack_clear(&stack);
}
