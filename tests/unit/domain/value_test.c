/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/domain/value_test.c - kinds, null checks, what covers what, identities
 */
#include "tests/test.h"

#include "bpf/verifier/domain/value.h"

static int map_a, map_b, btf;

static bool covers(const struct value *old, const struct value *cur, enum cover mode)
{
	struct idmap ids;

	idmap_init(&ids);
	return value_covers(old, cur, &ids, mode);
}

static struct value unsigned_value(u64 min, u64 max)
{
	struct scalar num = scalar_unsigned(min, max);
	struct value val;

	value_set_scalar(&val, &num);
	return val;
}

TEST(value, every_kind_has_a_row_and_its_name)
{
	for (u32 kind = 0; kind < V_KINDS; kind++) {
		const struct vkind_desc *desc = &vkind_desc[kind];

		EXPECT_TRUE(desc->name && desc->name[0]);
		EXPECT_TRUE(desc->is_pointer == (kind != V_NONE && kind != V_SCALAR));
		EXPECT_TRUE(!desc->add_var || desc->add_const);
		EXPECT_TRUE(!desc->dereferenceable || desc->is_pointer);
		EXPECT_EQ(desc->spillable, kind != V_NONE);
	}
}

TEST(value, a_ring_buffer_record_has_its_own_name)
{
	struct value val;

	value_set_mem(&val, 64);
	EXPECT_STR_EQ(value_name(&val), "mem");
	val.flags |= VF_DYNAMIC_RECORD;
	EXPECT_STR_EQ(value_name(&val), "ringbuf_mem");
	value_set_stack(&val, 0, -8);
	EXPECT_STR_EQ(value_name(&val), "fp");
}

TEST(value, setting_forgets_what_was_there)
{
	struct value val;

	value_set_map_value(&val, &map_a, 3);
	val.flags = VF_MAYBE_NULL;
	val.id = 4;
	val.ref = 5;
	val.precise = true;
	value_set_unknown(&val);
	EXPECT_EQ(val.flags | val.id | val.ref | val.precise, 0);
	EXPECT_PTR_EQ(val.map.map, NULL);
	EXPECT_TRUE(scalar_is_unknown(&val.num));
	value_set_scalar(&val, &val.num);
	EXPECT_TRUE(scalar_is_unknown(&val.num));
}

TEST(value, a_stack_pointer_has_a_known_negative_offset)
{
	struct value val;

	value_set_stack(&val, 2, -16);
	EXPECT_EQ(val.stack.frame, 2);
	EXPECT_TRUE(value_offset_is_const(&val));
	EXPECT_EQ(value_offset(&val), -16);
	EXPECT_TRUE(value_is_pointer(&val));
	EXPECT_FALSE(value_is_scalar(&val));
}

TEST(value, null_is_the_number_zero_and_no_pointer)
{
	struct value val;

	value_set_const(&val, 0);
	EXPECT_TRUE(value_is_null(&val) && value_is_const(&val));
	value_set_const(&val, 1);
	EXPECT_FALSE(value_is_null(&val));
	value_set_unknown(&val);
	EXPECT_FALSE(value_is_null(&val));
	value_set_map_value(&val, &map_a, 1);
	val.flags |= VF_MAYBE_NULL;
	EXPECT_FALSE(value_is_null(&val));
}

TEST(value, a_null_check_ends_the_doubt_and_the_link)
{
	struct value val;

	value_set_map_value(&val, &map_a, 1);
	val.flags = VF_MAYBE_NULL | VF_RDONLY;
	val.id = 7;
	value_mark_nonnull(&val);
	EXPECT_EQ(val.flags, VF_RDONLY);
	EXPECT_EQ(val.id, 0);
	EXPECT_EQ(val.kind, V_MAP_VALUE);
	value_mark_null(&val);
	EXPECT_TRUE(value_is_null(&val));
}

TEST(value, what_was_never_read_is_covered_by_anything_but_is_not_the_same)
{
	struct value none, val;

	value_set_none(&none);
	value_set_map(&val, &map_a, 0);
	EXPECT_TRUE(covers(&none, &val, COVER_RANGE));
	EXPECT_TRUE(covers(&none, &val, COVER_WITHIN));
	EXPECT_FALSE(covers(&none, &val, COVER_EXACT));
	EXPECT_TRUE(covers(&none, &none, COVER_EXACT));
	EXPECT_FALSE(covers(&val, &none, COVER_RANGE));
}

TEST(value, an_imprecise_number_covers_every_number_only_when_pruning)
{
	struct value old = unsigned_value(0, 3), cur = unsigned_value(5, 9), ptr;

	EXPECT_TRUE(covers(&old, &cur, COVER_RANGE));
	EXPECT_FALSE(covers(&old, &cur, COVER_WITHIN));
	EXPECT_FALSE(covers(&old, &cur, COVER_EXACT));
	old.precise = true;
	EXPECT_FALSE(covers(&old, &cur, COVER_RANGE));
	value_set_map(&ptr, &map_a, 0);
	old.precise = false;
	EXPECT_FALSE(covers(&old, &ptr, COVER_RANGE));
	EXPECT_FALSE(covers(&ptr, &old, COVER_RANGE));
}

TEST(value, a_precise_number_covers_its_parts_and_is_the_same_only_as_itself)
{
	struct value old = unsigned_value(0, 9), cur = unsigned_value(2, 5);

	old.precise = true;
	EXPECT_TRUE(covers(&old, &cur, COVER_RANGE));
	EXPECT_TRUE(covers(&old, &cur, COVER_WITHIN));
	EXPECT_FALSE(covers(&old, &cur, COVER_EXACT));
	EXPECT_FALSE(covers(&cur, &old, COVER_WITHIN));
	EXPECT_TRUE(covers(&old, &old, COVER_EXACT));
	cur = old;
	cur.precise = false;
	EXPECT_TRUE(covers(&old, &cur, COVER_EXACT));
}

TEST(value, pointers_must_be_of_the_same_object_and_flags)
{
	struct value old, cur;

	value_set_map_value(&old, &map_a, 0);
	cur = old;
	EXPECT_TRUE(covers(&old, &cur, COVER_RANGE));
	cur.map.map = &map_b;
	EXPECT_FALSE(covers(&old, &cur, COVER_RANGE));
	cur = old;
	cur.flags |= VF_RDONLY;
	EXPECT_FALSE(covers(&old, &cur, COVER_RANGE));
	cur = old;
	cur.ref = 3;
	EXPECT_FALSE(covers(&old, &cur, COVER_RANGE));

	value_set_mem(&old, 8);
	value_set_mem(&cur, 16);
	EXPECT_FALSE(covers(&old, &cur, COVER_RANGE));
	value_set_btf(&old, &btf, 5);
	value_set_btf(&cur, &btf, 6);
	EXPECT_FALSE(covers(&old, &cur, COVER_RANGE));
	value_set_btf(&cur, &map_a, 5);
	EXPECT_FALSE(covers(&old, &cur, COVER_RANGE));
	value_set_func(&old, 1);
	value_set_func(&cur, 2);
	EXPECT_FALSE(covers(&old, &cur, COVER_RANGE));
	value_set_stack(&old, 0, -8);
	value_set_stack(&cur, 1, -8);
	EXPECT_FALSE(covers(&old, &cur, COVER_RANGE));
}

TEST(value, an_offset_must_lie_within_the_old_one_precise_or_not)
{
	struct value old, cur;

	value_set_map_value(&old, &map_a, 0);
	cur = old;
	old.num = scalar_unsigned(0, 16);
	cur.num = scalar_const(8);
	EXPECT_TRUE(covers(&old, &cur, COVER_RANGE));
	EXPECT_FALSE(covers(&old, &cur, COVER_EXACT));
	EXPECT_FALSE(covers(&cur, &old, COVER_RANGE));
}

TEST(value, links_of_the_old_state_must_hold_in_the_current)
{
	struct value a = unsigned_value(0, 9), b = a, c = a, d = a;
	struct idmap ids;

	a.precise = b.precise = true;
	a.id = b.id = 1;
	c.id = 5;
	d.id = 6;
	idmap_init(&ids);
	EXPECT_TRUE(value_covers(&a, &c, &ids, COVER_RANGE));
	EXPECT_FALSE(value_covers(&b, &d, &ids, COVER_RANGE));

	/* One with the old link alone is linked to nothing that matters. */
	c.id = d.id = 0;
	idmap_init(&ids);
	EXPECT_TRUE(value_covers(&a, &c, &ids, COVER_RANGE));
	EXPECT_FALSE(value_covers(&b, &d, &ids, COVER_RANGE));

	/* More links than before only say more. */
	a.id = b.id = 0;
	c.id = d.id = 8;
	idmap_init(&ids);
	EXPECT_TRUE(value_covers(&a, &c, &ids, COVER_RANGE));
	EXPECT_TRUE(value_covers(&b, &d, &ids, COVER_RANGE));
	idmap_init(&ids);
	EXPECT_FALSE(value_covers(&a, &c, &ids, COVER_EXACT));
}

TEST(value, lookups_that_were_two_may_not_be_taken_for_one)
{
	struct value a, b, c;
	struct idmap ids;

	value_set_map_value(&a, &map_a, 1);
	value_set_map_value(&b, &map_a, 2);
	value_set_map_value(&c, &map_a, 9);
	idmap_init(&ids);
	EXPECT_TRUE(value_covers(&a, &c, &ids, COVER_RANGE));
	EXPECT_FALSE(value_covers(&b, &c, &ids, COVER_RANGE));
	EXPECT_TRUE(value_covers(&a, &c, &ids, COVER_RANGE));
}

TEST(idmap, pairs_are_one_to_one)
{
	struct idmap ids;

	idmap_init(&ids);
	EXPECT_TRUE(idmap_match(&ids, 0, 0));
	EXPECT_FALSE(idmap_match(&ids, 0, 1));
	EXPECT_FALSE(idmap_match(&ids, 1, 0));
	EXPECT_TRUE(idmap_match(&ids, 1, 10));
	EXPECT_TRUE(idmap_match(&ids, 1, 10));
	EXPECT_FALSE(idmap_match(&ids, 1, 11));
	EXPECT_FALSE(idmap_match(&ids, 2, 10));
	EXPECT_TRUE(idmap_match(&ids, 2, 11));
}

TEST(idmap, a_full_map_says_no)
{
	struct idmap ids;

	idmap_init(&ids);
	for (u32 i = 1; i <= IDMAP_MAX; i++)
		EXPECT_TRUE(idmap_match(&ids, i, i));
	EXPECT_FALSE(idmap_match(&ids, IDMAP_MAX + 1, IDMAP_MAX + 1));
	EXPECT_TRUE(idmap_match(&ids, 1, 1));
}
