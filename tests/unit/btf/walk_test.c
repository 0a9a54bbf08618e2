/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/btf/walk_test.c - what lies at an offset of a struct
 */
#include <errno.h>

#include "tests/unit/btf/image.h"

/*
 * struct in { int a; struct out *p; };			16 bytes
 * struct out {						72 bytes
 *	int x : 3; int y : 13;				@0
 *	struct in in[2];				@8
 *	union { struct in *q; long n; char c[8]; };	@40
 *	void *v;					@48
 *	struct list { struct list *next, *prev; } l;	@56
 *	struct in tail[];				@72
 * };
 */
struct types {
	struct btf *btf;
	u32 t_int, t_in, t_out, t_list;
};

static struct types make_types(void)
{
	struct image im = IMAGE_INIT;
	struct types t;
	u32 t_long, t_char, p_out, p_in, p_void, p_list, a_in, a_char, a_tail, t_union;

	t.t_int = image_int(&im, "int", 4);
	t_long = image_int(&im, "long", 8);
	t_char = image_int(&im, "char", 1);
	/* Ids are given in order, so later ones can be named: 4 to 14. */
	p_out = image_ref(&im, NULL, BTF_KIND_PTR, 14);
	t.t_in = image_struct(&im, "in", BTF_KIND_STRUCT, 16, 2);
	image_member(&im, "a", t.t_int, 0, 0);
	image_member(&im, "p", p_out, 64, 0);
	p_in = image_ref(&im, NULL, BTF_KIND_PTR, t.t_in);
	p_void = image_ref(&im, NULL, BTF_KIND_PTR, 0);
	p_list = image_ref(&im, NULL, BTF_KIND_PTR, 9);
	t.t_list = image_struct(&im, "list", BTF_KIND_STRUCT, 16, 2);
	image_member(&im, "next", p_list, 0, 0);
	image_member(&im, "prev", p_list, 64, 0);
	a_in = image_array(&im, t.t_in, t.t_int, 2);
	a_char = image_array(&im, t_char, t.t_int, 8);
	a_tail = image_array(&im, t.t_in, t.t_int, 0);
	t_union = image_struct(&im, NULL, BTF_KIND_UNION, 8, 3);
	image_member(&im, "q", p_in, 0, 0);
	image_member(&im, "n", t_long, 0, 0);
	image_member(&im, "c", a_char, 0, 0);
	t.t_out = image_struct(&im, "out", BTF_KIND_STRUCT, 72, 7);
	image_member(&im, "x", t.t_int, 0, 3);
	image_member(&im, "y", t.t_int, 3, 13);
	image_member(&im, "in", a_in, 64, 0);
	image_member(&im, NULL, t_union, 320, 0);
	image_member(&im, "v", p_void, 384, 0);
	image_member(&im, "l", t.t_list, 448, 0);
	image_member(&im, "tail", a_tail, 576, 0);
	t.btf = image_parse(&im, 0);
	return t;
}

static void expect_hit(const struct types *t, u32 off, u32 size, u32 kind, u32 type_id,
		       const char *member)
{
	struct btf_hit hit;

	EXPECT_EQ(btf_walk(t->btf, t->t_out, off, size, &hit), 0);
	EXPECT_EQ(hit.kind, kind);
	EXPECT_EQ(hit.type_id, type_id);
	EXPECT_STR_EQ(hit.member, member);
}

static void expect_miss(const struct types *t, u32 off, u32 size)
{
	struct btf_hit hit;

	EXPECT_EQ(btf_walk(t->btf, t->t_out, off, size, &hit), -EACCES);
}

TEST(btf_walk, members_arrays_and_bit_fields_are_found)
{
	struct types t = make_types();

	expect_hit(&t, 0, 4, BTF_HIT_SCALAR, 0, "x");
	expect_hit(&t, 1, 1, BTF_HIT_SCALAR, 0, "y");
	expect_hit(&t, 8, 4, BTF_HIT_SCALAR, 0, "a");
	expect_hit(&t, 16, 8, BTF_HIT_PTR, t.t_out, "p");
	expect_hit(&t, 24, 2, BTF_HIT_SCALAR, 0, "a");
	expect_hit(&t, 32, 8, BTF_HIT_PTR, t.t_out, "p");
	expect_hit(&t, 64, 8, BTF_HIT_PTR, t.t_list, "prev");
	btf_put(t.btf);
}

TEST(btf_walk, a_pointer_to_no_struct_is_a_number)
{
	struct types t = make_types();

	expect_hit(&t, 48, 8, BTF_HIT_SCALAR, 0, "v");
	btf_put(t.btf);
}

TEST(btf_walk, a_pointer_is_read_whole_or_not_at_all)
{
	struct types t = make_types();

	expect_miss(&t, 16, 4);
	expect_miss(&t, 20, 4);
	expect_miss(&t, 48, 4);
	btf_put(t.btf);
}

TEST(btf_walk, what_straddles_members_or_leaves_the_struct_is_refused)
{
	struct types t = make_types();
	struct btf_hit hit;

	expect_miss(&t, 12, 4);		/* padding */
	expect_miss(&t, 8, 8);		/* a and padding */
	expect_miss(&t, 4, 4);
	EXPECT_EQ(btf_walk(t.btf, t.t_in, 16, 4, &hit), -EACCES);
	EXPECT_EQ(btf_walk(t.btf, t.t_in, 0xfffffff0, 4, &hit), -EACCES);
	EXPECT_EQ(btf_walk(t.btf, t.t_int, 0, 4, &hit), -EINVAL);
	EXPECT_EQ(btf_walk(t.btf, 0, 0, 4, &hit), -EINVAL);
	btf_put(t.btf);
}

TEST(btf_walk, the_first_union_member_that_explains_the_access_answers)
{
	struct types t = make_types();
	struct btf_hit hit;

	expect_hit(&t, 40, 8, BTF_HIT_PTR, t.t_in, "q");
	expect_hit(&t, 44, 4, BTF_HIT_SCALAR, 0, "n");
	EXPECT_EQ(btf_walk(t.btf, t.t_out, 40, 8, &hit), 0);
	EXPECT_TRUE(hit.via_union);
	EXPECT_EQ(btf_walk(t.btf, t.t_out, 16, 8, &hit), 0);
	EXPECT_FALSE(hit.via_union);
	btf_put(t.btf);
}

TEST(btf_walk, a_trailing_array_without_length_goes_on_past_the_end)
{
	struct types t = make_types();

	expect_hit(&t, 72, 4, BTF_HIT_SCALAR, 0, "a");
	expect_hit(&t, 72 + 16 * 1000 + 8, 8, BTF_HIT_PTR, t.t_out, "p");
	expect_miss(&t, 72 + 12, 4);
	btf_put(t.btf);
}

TEST(btf_walk, structs_are_found_by_where_they_begin)
{
	struct types t = make_types();

	expect_hit(&t, 24, 0, BTF_HIT_STRUCT, t.t_in, "in");
	expect_hit(&t, 56, 0, BTF_HIT_STRUCT, t.t_list, "l");
	expect_miss(&t, 57, 0);
	EXPECT_TRUE(btf_struct_matches(t.btf, t.t_out, 0, t.t_out));
	EXPECT_TRUE(btf_struct_matches(t.btf, t.t_out, 56, t.t_list));
	EXPECT_TRUE(btf_struct_matches(t.btf, t.t_out, 24, t.t_in));
	EXPECT_FALSE(btf_struct_matches(t.btf, t.t_out, 56, t.t_in));
	EXPECT_FALSE(btf_struct_matches(t.btf, t.t_out, 0, t.t_in));
	EXPECT_FALSE(btf_struct_matches(t.btf, t.t_out, 0, t.t_int));
	btf_put(t.btf);
}

TEST(btf_walk, nested_unions_without_an_answer_end_soon)
{
	struct image im = IMAGE_INIT;
	u32 inner = image_int(&im, "c", 1), outer = 0;
	struct btf_hit hit;
	struct btf *btf;

	for (u32 depth = 0; depth < 40; depth++) {
		outer = image_struct(&im, NULL, BTF_KIND_UNION, 8, 2);
		image_member(&im, "l", inner, 0, 0);
		image_member(&im, "r", inner, 0, 0);
		inner = outer;
	}
	btf = image_parse(&im, 0);
	EXPECT_TRUE(btf_walk(btf, outer, 0, 8, &hit) < 0);
	btf_put(btf);
}
