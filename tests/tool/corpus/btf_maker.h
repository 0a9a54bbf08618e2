/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/corpus/btf_maker.h - write a small BTF image, type by type
 */
#ifndef ROVE_TESTS_TOOL_CORPUS_BTF_MAKER_H
#define ROVE_TESTS_TOOL_CORPUS_BTF_MAKER_H

#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#include "base/types.h"

#define MAKER_TYPES 16384
#define MAKER_STRS 8192

struct btf_maker {
	u32 nr_types;		/* the last id given out */
	u32 type_bytes, str_bytes;
	u8 types[MAKER_TYPES];
	char strs[MAKER_STRS];	/* begins with the empty string */
};

static inline void maker_init(struct btf_maker *m)
{
	memset(m, 0, sizeof(*m));
	m->str_bytes = 1;
}

static inline u32 maker_str(struct btf_maker *m, const char *text)
{
	u32 off = m->str_bytes;

	if (!text || !*text)
		return 0;
	if (off + strlen(text) + 1 > MAKER_STRS)
		abort();
	strcpy(m->strs + off, text);
	m->str_bytes += strlen(text) + 1;
	return off;
}

static inline void maker_put(struct btf_maker *m, const void *data, u32 bytes)
{
	if (m->type_bytes + bytes > MAKER_TYPES)
		abort();
	memcpy(m->types + m->type_bytes, data, bytes);
	m->type_bytes += bytes;
}

static inline u32 maker_type(struct btf_maker *m, const char *name, u32 kind, u32 vlen,
			     u32 size_or_type)
{
	struct btf_type t = {
		.name_off = maker_str(m, name),
		.info = kind << 24 | vlen,
		.size = size_or_type,
	};

	maker_put(m, &t, sizeof(t));
	return ++m->nr_types;
}

static inline u32 maker_int(struct btf_maker *m, const char *name, u32 bytes, u32 encoding)
{
	u32 id = maker_type(m, name, BTF_KIND_INT, 0, bytes);
	u32 data = encoding << 24 | bytes * 8;

	maker_put(m, &data, sizeof(data));
	return id;
}

/* The members follow with maker_member(), exactly @nr_members of them. */
static inline u32 maker_struct(struct btf_maker *m, const char *name, u32 bytes, u32 nr_members)
{
	return maker_type(m, name, BTF_KIND_STRUCT, nr_members, bytes);
}

static inline void maker_member(struct btf_maker *m, const char *name, u32 type, u32 byte_off)
{
	struct btf_member member = {
		.name_off = maker_str(m, name),
		.type = type,
		.offset = byte_off * 8,
	};

	maker_put(m, &member, sizeof(member));
}

struct maker_param {
	const char *name;
	u32 type;
};

/* A function with its prototype. */
static inline u32 maker_func(struct btf_maker *m, const char *name, u32 linkage, u32 ret,
			     const struct maker_param *params, u32 nr_params)
{
	u32 proto = maker_type(m, "", BTF_KIND_FUNC_PROTO, nr_params, ret);

	for (u32 i = 0; i < nr_params; i++) {
		struct btf_param param = {
			.name_off = maker_str(m, params[i].name),
			.type = params[i].type,
		};

		maker_put(m, &param, sizeof(param));
	}
	return maker_type(m, name, BTF_KIND_FUNC, linkage, proto);
}

/* The finished image, to be freed. */
static inline void *maker_image(const struct btf_maker *m, u32 *ret_bytes)
{
	struct btf_header head = {
		.magic = 0xeB9F,
		.version = 1,
		.hdr_len = sizeof(head),
		.type_len = m->type_bytes,
		.str_off = m->type_bytes,
		.str_len = m->str_bytes,
	};
	u8 *image = malloc(sizeof(head) + m->type_bytes + m->str_bytes);

	if (!image)
		abort();
	memcpy(image, &head, sizeof(head));
	memcpy(image + sizeof(head), m->types, m->type_bytes);
	memcpy(image + sizeof(head) + m->type_bytes, m->strs, m->str_bytes);
	*ret_bytes = sizeof(head) + m->type_bytes + m->str_bytes;
	return image;
}

#endif
