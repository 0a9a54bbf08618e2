/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/btf/parse_test.c - what is accepted as BTF, and what is not
 */
#include <errno.h>

#include "tests/unit/btf/image.h"

TEST(btf_parse, names_and_sizes_are_found)
{
	struct image im = IMAGE_INIT;
	u32 t_int = image_int(&im, "int", 4);
	u32 t_arr = image_array(&im, t_int, t_int, 5);
	u32 t_const = image_ref(&im, NULL, BTF_KIND_CONST, t_arr);
	u32 t_def = image_ref(&im, "five", BTF_KIND_TYPEDEF, t_const);
	u32 t_ptr = image_ref(&im, NULL, BTF_KIND_PTR, t_def);
	struct btf *btf = image_parse(&im, 0);

	EXPECT_EQ(btf_nr_types(btf), 6);
	EXPECT_EQ(btf_find(btf, "five", BTF_KIND_TYPEDEF), t_def);
	EXPECT_EQ(btf_find(btf, "five", BTF_KIND_INT), 0);
	EXPECT_EQ(btf_find(btf, "six", BTF_KIND_INT), 0);
	EXPECT_EQ(btf_size(btf, t_def), 20);
	EXPECT_EQ(btf_size(btf, t_ptr), 8);
	EXPECT_EQ(btf_size(btf, 0), -EINVAL);
	EXPECT_EQ(btf_skip_mods(btf, t_def), t_arr);
	EXPECT_EQ(btf_pointee(btf, t_ptr), t_arr);
	EXPECT_TRUE(btf_is_scalar(btf, t_int));
	EXPECT_FALSE(btf_is_scalar(btf, t_arr));
	EXPECT_STR_EQ(btf_name(btf, t_int), "int");
	EXPECT_TRUE(!btf_type(btf, 6));
	btf_put(btf);
}

TEST(btf_parse, split_types_continue_the_base)
{
	struct image base_im = IMAGE_INIT, im = { .strs_bytes = 0 };
	u32 t_int = image_int(&base_im, "int", 4), id;
	struct btf *base = image_parse(&base_im, 0), *btf;

	image_word(&im, base_im.strs_bytes);	/* the first name of its own */
	strcpy(im.strs, "number");
	im.strs_bytes = 7;
	image_word(&im, IMAGE_INFO(BTF_KIND_TYPEDEF, 0, 0));
	image_word(&im, t_int);
	image_build(&im);
	EXPECT_EQ(btf_parse(im.data, im.bytes, base, NULL, NULL, &btf), 0);
	id = btf_find(btf, "number", BTF_KIND_TYPEDEF);
	EXPECT_EQ(id, 2);
	EXPECT_EQ(btf_size(btf, id), 4);
	EXPECT_EQ(btf_find(btf, "int", BTF_KIND_INT), t_int);
	btf_put(btf);
	btf_put(base);
}

TEST(btf_parse, a_struct_that_contains_itself_is_refused)
{
	struct image im = IMAGE_INIT;

	image_struct(&im, "s", BTF_KIND_STRUCT, 8, 1);
	image_member(&im, "self", 2, 0, 0);
	image_ref(&im, "t", BTF_KIND_TYPEDEF, 1);
	image_refused(&im, "Loop detected");
}

TEST(btf_parse, a_struct_may_point_to_itself)
{
	struct image im = IMAGE_INIT;

	image_struct(&im, "s", BTF_KIND_STRUCT, 8, 1);
	image_member(&im, "next", 2, 0, 0);
	image_ref(&im, NULL, BTF_KIND_PTR, 1);
	btf_put(image_parse(&im, 0));
}

TEST(btf_parse, typedefs_and_pointers_in_a_circle_are_refused)
{
	struct image a = IMAGE_INIT, b = IMAGE_INIT;

	image_ref(&a, "x", BTF_KIND_TYPEDEF, 2);
	image_ref(&a, "y", BTF_KIND_TYPEDEF, 1);
	image_refused(&a, "Loop detected");
	image_ref(&b, NULL, BTF_KIND_PTR, 2);
	image_ref(&b, NULL, BTF_KIND_CONST, 1);
	image_refused(&b, "Loop detected");
}

/* One wrong type each, behind an int with id 1. */
static const struct {
	const char *what, *name;
	u32 info, size, words[6];
	u32 nr_words;
	const char *log;
} wrong[] = {
	{ "kind 0", NULL, IMAGE_INFO(0, 0, 0), 0, { 0 }, 0, "Invalid kind:0" },
	{ "info bits", "a", 0x00ff0000, 0, { 0 }, 0, "Invalid btf_info" },
	{ "int vlen", "a", IMAGE_INFO(BTF_KIND_INT, 0, 1), 4, { 32 }, 1, "vlen != 0" },
	{ "int bits", "a", IMAGE_INFO(BTF_KIND_INT, 0, 0), 4, { 40 }, 1, "nr_bits exceeds type_size" },
	{ "int data", "a", IMAGE_INFO(BTF_KIND_INT, 0, 0), 4, { 1u << 31 }, 1, "Invalid int_data" },
	{ "cut off", "a", IMAGE_INFO(BTF_KIND_INT, 0, 0), 4, { 0 }, 0, "meta_left:12 meta_needed:16" },
	{ "ptr name", "a", IMAGE_INFO(BTF_KIND_PTR, 0, 0), 1, { 0 }, 0, "Invalid name" },
	{ "ptr to nowhere", NULL, IMAGE_INFO(BTF_KIND_PTR, 0, 0), 99, { 0 }, 0, "Invalid type_id" },
	{ "typedef name", NULL, IMAGE_INFO(BTF_KIND_TYPEDEF, 0, 0), 1, { 0 }, 0, "Invalid name" },
	{ "bad ident", "a b", IMAGE_INFO(BTF_KIND_TYPEDEF, 0, 0), 1, { 0 }, 0, "Invalid name" },
	{ "array size", NULL, IMAGE_INFO(BTF_KIND_ARRAY, 0, 0), 4, { 1, 1, 1 }, 3, "size != 0" },
	{ "array of void", NULL, IMAGE_INFO(BTF_KIND_ARRAY, 0, 0), 0, { 0, 1, 1 }, 3, "Invalid elem" },
	{ "array index", NULL, IMAGE_INFO(BTF_KIND_ARRAY, 0, 0), 0, { 1, 2, 1 }, 3, "Invalid index" },
	{ "array of 16 GiB", NULL, IMAGE_INFO(BTF_KIND_ARRAY, 0, 0), 0, { 1, 1, ~0u }, 3,
	  "Array size overflows u32" },
	{ "member outside", "s", IMAGE_INFO(BTF_KIND_STRUCT, 0, 1), 4, { 0, 1, 8 }, 3,
	  "Member exceeds struct_size" },
	{ "member far outside", "s", IMAGE_INFO(BTF_KIND_STRUCT, 0, 1), 4, { 0, 1, 640 }, 3,
	  "Member bits_offset exceeds its struct size" },
	{ "members go back", "s", IMAGE_INFO(BTF_KIND_STRUCT, 0, 2), 8, { 0, 1, 32, 0, 1, 0 }, 6,
	  "Invalid member bits_offset" },
	{ "union offset", "s", IMAGE_INFO(BTF_KIND_UNION, 0, 1), 8, { 0, 1, 32 }, 3,
	  "Invalid member bits_offset" },
	{ "not aligned", "s", IMAGE_INFO(BTF_KIND_STRUCT, 0, 1), 8, { 0, 1, 4 }, 3,
	  "Member is not byte aligned" },
	{ "bit field too wide", "s", IMAGE_INFO(BTF_KIND_STRUCT, 1, 1), 8, { 0, 1, 40u << 24 }, 3,
	  "Invalid member bitfield_size" },
	{ "void member", "s", IMAGE_INFO(BTF_KIND_STRUCT, 0, 1), 8, { 0, 0, 0 }, 3, "Invalid type_id" },
	{ "enum size", "e", IMAGE_INFO(BTF_KIND_ENUM, 0, 0), 3, { 0 }, 0, "Unexpected size" },
	{ "enum without names", "e", IMAGE_INFO(BTF_KIND_ENUM, 0, 1), 4, { 0, 1 }, 2, "Invalid name" },
	{ "fwd type", "f", IMAGE_INFO(BTF_KIND_FWD, 0, 0), 1, { 0 }, 0, "type != 0" },
	{ "func of int", "f", IMAGE_INFO(BTF_KIND_FUNC, 0, 0), 1, { 0 }, 0, "Invalid type_id" },
	{ "func linkage", "f", IMAGE_INFO(BTF_KIND_FUNC, 0, 3), 1, { 0 }, 0, "Invalid func linkage" },
	{ "proto name", "f", IMAGE_INFO(BTF_KIND_FUNC_PROTO, 0, 0), 1, { 0 }, 0, "Invalid name" },
	{ "dots in the middle", NULL, IMAGE_INFO(BTF_KIND_FUNC_PROTO, 0, 2), 1, { 0, 0, 0, 1 }, 4,
	  "Invalid arg#1" },
	{ "void var", "v", IMAGE_INFO(BTF_KIND_VAR, 0, 0), 0, { 0 }, 1, "Invalid type_id" },
	{ "extern var", "v", IMAGE_INFO(BTF_KIND_VAR, 0, 0), 1, { 2 }, 1, "Linkage not supported" },
	{ "section of ints", ".data", IMAGE_INFO(BTF_KIND_DATASEC, 0, 1), 4, { 1, 0, 4 }, 3,
	  "Not a VAR kind member" },
	{ "empty section", ".data", IMAGE_INFO(BTF_KIND_DATASEC, 0, 0), 0, { 0 }, 0, "Invalid size" },
	{ "past the section", ".data", IMAGE_INFO(BTF_KIND_DATASEC, 0, 1), 4, { 1, 2, 4 }, 3,
	  "Invalid offset+size" },
	{ "float size", "float", IMAGE_INFO(BTF_KIND_FLOAT, 0, 0), 5, { 0 }, 0, "Invalid type_size" },
	{ "tag of int", "t", IMAGE_INFO(BTF_KIND_DECL_TAG, 0, 0), 1, { -1 }, 1, "Invalid type_id" },
	{ "tag part", "t", IMAGE_INFO(BTF_KIND_DECL_TAG, 0, 0), 1, { -2 }, 1, "Invalid component_idx" },
	{ "tag without text", NULL, IMAGE_INFO(BTF_KIND_TYPE_TAG, 0, 0), 1, { 0 }, 0, "Invalid name" },
	{ "enum64 size", "e", IMAGE_INFO(BTF_KIND_ENUM64, 0, 0), 16, { 0 }, 0, "Unexpected size" },
};

TEST(btf_parse, each_malformed_type_is_refused_with_its_reason)
{
	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct image im = IMAGE_INIT;

		image_int(&im, "int", 4);
		image_type(&im, wrong[i].name, wrong[i].info, wrong[i].size);
		for (u32 w = 0; w < wrong[i].nr_words; w++)
			image_word(&im, wrong[i].words[w]);
		print_message("%s\n", wrong[i].what);
		image_refused(&im, wrong[i].log);
	}
}

TEST(btf_parse, an_unknown_kind_is_not_supported)
{
	struct image im = IMAGE_INIT;

	image_type(&im, "future", IMAGE_INFO(25, 0, 0), 0);
	EXPECT_TRUE(!image_parse(&im, -ENOTSUP));
}

/* Change one header field of a good image. */
static int with_header(void (*change)(struct btf_header *hdr, struct image *im))
{
	struct image im = IMAGE_INIT;
	struct btf *btf = NULL;
	int err;

	image_int(&im, "int", 4);
	image_build(&im);
	change((struct btf_header *)im.data, &im);
	err = btf_parse(im.data, im.bytes, NULL, NULL, NULL, &btf);
	btf_put(btf);
	return err;
}

static void no_change(struct btf_header *hdr, struct image *im) { }
static void bad_magic(struct btf_header *hdr, struct image *im) { hdr->magic = 1; }
static void bad_version(struct btf_header *hdr, struct image *im) { hdr->version = 9; }
static void bad_flags(struct btf_header *hdr, struct image *im) { hdr->flags = 1; }
static void short_header(struct btf_header *hdr, struct image *im) { hdr->hdr_len = 8; }
static void long_header(struct btf_header *hdr, struct image *im) { hdr->hdr_len = 28; }
static void huge_header(struct btf_header *hdr, struct image *im) { hdr->hdr_len = ~0u; }
static void type_gap(struct btf_header *hdr, struct image *im) { hdr->type_off = 4; }
static void type_odd(struct btf_header *hdr, struct image *im) { hdr->type_off = 1; }
static void type_long(struct btf_header *hdr, struct image *im) { hdr->type_len = ~0u; }
static void no_types(struct btf_header *hdr, struct image *im) { hdr->type_len = 0; }
static void str_overlap(struct btf_header *hdr, struct image *im) { hdr->str_off -= 4; }
static void str_short(struct btf_header *hdr, struct image *im) { hdr->str_len--; }
static void str_long(struct btf_header *hdr, struct image *im) { hdr->str_len++; }
static void str_open(struct btf_header *hdr, struct image *im) { im->data[im->bytes - 1] = 'x'; }
static void str_start(struct btf_header *hdr, struct image *im)
{
	im->data[sizeof(*hdr) + hdr->str_off] = 'x';
}
static void cut(struct btf_header *hdr, struct image *im) { im->bytes = 20; }

TEST(btf_parse, the_header_is_checked)
{
	EXPECT_EQ(with_header(no_change), 0);
	EXPECT_EQ(with_header(bad_magic), -EINVAL);
	EXPECT_EQ(with_header(bad_version), -ENOTSUP);
	EXPECT_EQ(with_header(bad_flags), -ENOTSUP);
	EXPECT_EQ(with_header(short_header), -EINVAL);
	EXPECT_EQ(with_header(long_header), -E2BIG);
	EXPECT_EQ(with_header(huge_header), -EINVAL);
	EXPECT_EQ(with_header(type_gap), -EINVAL);
	EXPECT_EQ(with_header(type_odd), -EINVAL);
	EXPECT_EQ(with_header(type_long), -EINVAL);
	EXPECT_EQ(with_header(no_types), -EINVAL);
	EXPECT_EQ(with_header(str_overlap), -EINVAL);
	EXPECT_EQ(with_header(str_short), -EINVAL);
	EXPECT_EQ(with_header(str_long), -EINVAL);
	EXPECT_EQ(with_header(str_open), -EINVAL);
	EXPECT_EQ(with_header(str_start), -EINVAL);
	EXPECT_EQ(with_header(cut), -EINVAL);
}
