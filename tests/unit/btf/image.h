/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/btf/image.h - write small BTF images, right or wrong
 *
 *	struct image im = IMAGE_INIT;
 *	u32 t_int = image_int(&im, "int", 4);
 *	struct btf *btf = image_parse(&im, 0);
 */
#ifndef ROVE_TESTS_UNIT_BTF_IMAGE_H
#define ROVE_TESTS_UNIT_BTF_IMAGE_H

#include <errno.h>

#include "bpf/btf/btf.h"
#include "tests/test.h"

struct image {
	u32 words[2048];
	u32 nr_words, nr_types;
	char strs[4096];
	u32 strs_bytes;
	u8 data[16384];
	u32 bytes;
	char log[1024];
};

#define IMAGE_INIT { .strs_bytes = 1 }
#define IMAGE_INFO(kind, kflag, vlen) ((u32)(kflag) << 31 | (kind) << 24 | (vlen))

static inline void image_word(struct image *im, u32 word)
{
	im->words[im->nr_words++] = word;
}

static inline u32 image_str(struct image *im, const char *text)
{
	u32 at = im->strs_bytes;

	if (!text || !*text)
		return 0;
	strcpy(im->strs + at, text);
	im->strs_bytes += strlen(text) + 1;
	return at;
}

/* Any type's three words; what follows is added with image_word().  Gives its id (without base). */
static inline u32 image_type(struct image *im, const char *name, u32 info, u32 size_or_type)
{
	image_word(im, image_str(im, name));
	image_word(im, info);
	image_word(im, size_or_type);
	return ++im->nr_types;
}

static inline u32 image_int(struct image *im, const char *name, u32 bytes)
{
	u32 id = image_type(im, name, IMAGE_INFO(BTF_KIND_INT, 0, 0), bytes);

	image_word(im, bytes * 8);
	return id;
}

static inline u32 image_ref(struct image *im, const char *name, u32 kind, u32 to)
{
	return image_type(im, name, IMAGE_INFO(kind, 0, 0), to);
}

static inline u32 image_array(struct image *im, u32 elem, u32 index, u32 nr)
{
	u32 id = image_type(im, NULL, IMAGE_INFO(BTF_KIND_ARRAY, 0, 0), 0);

	image_word(im, elem);
	image_word(im, index);
	image_word(im, nr);
	return id;
}

static inline u32 image_struct(struct image *im, const char *name, u32 kind, u32 bytes, u32 nr)
{
	return image_type(im, name, IMAGE_INFO(kind, 1, nr), bytes);
}

/* One member of the struct just begun. */
static inline void image_member(struct image *im, const char *name, u32 type, u32 bit, u32 bits)
{
	image_word(im, image_str(im, name));
	image_word(im, type);
	image_word(im, bits << 24 | bit);
}

static inline void image_param(struct image *im, const char *name, u32 type)
{
	image_word(im, image_str(im, name));
	image_word(im, type);
}

static inline void image_build(struct image *im)
{
	struct btf_header hdr = {
		.magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(hdr),
		.type_len = im->nr_words * 4, .str_off = im->nr_words * 4,
		.str_len = im->strs_bytes,
	};

	memcpy(im->data, &hdr, sizeof(hdr));
	memcpy(im->data + sizeof(hdr), im->words, hdr.type_len);
	memcpy(im->data + sizeof(hdr) + hdr.type_len, im->strs, hdr.str_len);
	im->bytes = sizeof(hdr) + hdr.type_len + hdr.str_len;
}

static inline void image_log(void *arg, const char *text)
{
	struct image *im = arg;

	snprintf(im->log, sizeof(im->log), "%s", text);
}

/* Build and parse; the BTF, or NULL when @want_err was the answer, as it must be. */
static inline struct btf *image_parse(struct image *im, int want_err)
{
	struct btf *btf = NULL;

	image_build(im);
	EXPECT_EQ(btf_parse(im->data, im->bytes, NULL, image_log, im, &btf), want_err);
	return btf;
}

/* Parsing fails with -EINVAL and says so. */
static inline void image_refused(struct image *im, const char *text)
{
	EXPECT_TRUE(!image_parse(im, -EINVAL));
	if (!strstr(im->log, text))
		print_error("log says '%s', wanted '%s'\n", im->log, text);
	EXPECT_TRUE(strstr(im->log, text));
}

#endif
