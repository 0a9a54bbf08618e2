/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/btf/internal.h - what the files of btf/ share
 *
 * Invariant: after btf_parse() every id in ->types is an id of this BTF or of
 *            its base, every name offset is a string, ->target and ->bytes are
 *            final.
 */
#ifndef ROVE_BPF_BTF_INTERNAL_H
#define ROVE_BPF_BTF_INTERNAL_H

#include "bpf/btf/btf.h"

/* ->bytes of a type that has no size: void, functions, forward declarations. */
#define BTF_NO_SIZE 0xffffffffu

/*
 * I  set by btf_parse(), never changed afterwards
 */
struct btf {
	const struct btf *base;		/* I: NULL unless split; outlives this */
	u8 *raw;			/* I: own copy of the image */
	u32 raw_bytes;			/* I */
	const char *strs;		/* I: in ->raw */
	u32 strs_bytes, first_str;	/* I: offsets below first_str are the base's */
	const struct btf_type **types;	/* I: [id - first_id], in ->raw */
	u32 *target;			/* I: [id - first_id], id with modifiers skipped */
	u32 *bytes;			/* I: [id - first_id], size or BTF_NO_SIZE */
	u32 first_id, nr_types;		/* I: ids first_id .. nr_types - 1 are here */
	u32 *heads, *chain;		/* I: named types by hash, lowest id first; 0 ends */
	u32 hash_mask;			/* I */
};

/* One BTF while it is being checked. */
struct btf_check {
	struct btf *btf;
	void (*log)(void *log_arg, const char *text);
	void *log_arg;
};

/* What a name has to be. */
enum btf_name_rule {
	BTF_NAME_NONE,		/* there must not be one */
	BTF_NAME_ANY,
	BTF_NAME_NEEDED,	/* any, but not empty */
	BTF_NAME_MAYBE_IDENT,
	BTF_NAME_IDENT,
	BTF_NAME_SECTION,
};

/* What btf_type.size / .type means. */
enum btf_word { BTF_WORD_ZERO, BTF_WORD_SIZE, BTF_WORD_TYPE };

struct btf_kind_rule {
	const char *label;
	u8 fixed_bytes;		/* behind struct btf_type, once */
	u8 item_bytes;		/* and for each of vlen */
	u8 name;		/* enum btf_name_rule */
	u8 word;		/* enum btf_word */
	bool vlen, kflag;	/* may be other than 0 */
	bool is_modifier;
	int (*check_shape)(const struct btf_check *c, u32 id, const struct btf_type *t);
	int (*check_refs)(const struct btf_check *c, u32 id, const struct btf_type *t);
};
extern const struct btf_kind_rule btf_kind_rules[NR_BTF_KINDS];

/* Complain about type @id.  Return: -EINVAL. */
int btf_bad(const struct btf_check *c, u32 id, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void btf_complain(const struct btf_check *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

bool btf_name_fits(const struct btf *btf, u32 name_off, enum btf_name_rule rule);
bool btf_str_valid(const struct btf *btf, u32 name_off);

/* query.c, for parse.c only. */
void btf_index_name(struct btf *btf, u32 id);

/* resolve.c: modifiers, sizes, and that nothing contains itself. */
int btf_resolve(const struct btf_check *c);

/* The size that ->bytes says, BTF_NO_SIZE when there is none; @id is valid. */
u32 btf_bytes(const struct btf *btf, u32 id);

#endif
