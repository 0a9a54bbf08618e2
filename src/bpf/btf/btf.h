/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/btf/btf.h - load, check and query BTF
 *
 * A struct btf is immutable once parsed and may be read from any thread.
 * Every id, offset and name in it has been checked, so queries need no error
 * paths beyond "there is none".
 */
#ifndef ROVE_BPF_BTF_BTF_H
#define ROVE_BPF_BTF_BTF_H

#include <linux/btf.h>

#include "base/types.h"

struct btf;

/**
 * btf_parse - check a BTF image and index it
 * @data: the image; copied
 * @size: its length in bytes
 * @base: types 1..n come from there (split BTF), or NULL; must outlive the result
 * @log:  called with each complaint (may be NULL), the kernel's wording where it has one
 * @log_arg: handed to @log
 * @ret_btf: set on success only; free with btf_put()
 *
 * Context: may sleep.
 * Return:  0, -EINVAL (malformed), -E2BIG, -ENOTSUP (a kind we do not know) or -ENOMEM.
 */
int btf_parse(const void *data, u32 size, const struct btf *base,
	      void (*log)(void *log_arg, const char *text), void *log_arg, struct btf **ret_btf);

void btf_put(struct btf *btf); /* NULL is fine */

/* The BTF of librove's own objects and kfuncs ("vmlinux" inside a process); parsed once. */
const struct btf *btf_self(void);
const void *btf_self_data(u32 *ret_size);

const void *btf_raw(const struct btf *btf, u32 *ret_size);
u32 btf_nr_types(const struct btf *btf);			 /* highest id + 1 */
const struct btf_type *btf_type(const struct btf *btf, u32 id);	 /* NULL: no such id */
const char *btf_str(const struct btf *btf, u32 name_off);	 /* "" for 0 */
const char *btf_name(const struct btf *btf, u32 id);		 /* of a type, "" if anonymous */
u32 btf_find(const struct btf *btf, const char *name, u32 kind); /* id, 0: there is none */

static inline u32 btf_kind(const struct btf_type *t)
{
	return BTF_INFO_KIND(t->info);
}

static inline u32 btf_vlen(const struct btf_type *t)
{
	return BTF_INFO_VLEN(t->info);
}

u32 btf_skip_mods(const struct btf *btf, u32 id);		/* const, volatile, typedef, tags… */
int btf_size(const struct btf *btf, u32 id);			/* bytes, or -EINVAL (void, func) */
bool btf_is_struct(const struct btf *btf, u32 id);		/* struct or union, after mods */
bool btf_is_ptr(const struct btf *btf, u32 id);
bool btf_is_scalar(const struct btf *btf, u32 id);		/* int, enum, enum64, bool */
u32 btf_pointee(const struct btf *btf, u32 id);			/* after mods, mods of pointee skipped; 0 void */

/* The variable-length parts; the caller has looked at the kind. */
const struct btf_member *btf_members(const struct btf_type *t);
const struct btf_param *btf_params(const struct btf_type *t);
const struct btf_var_secinfo *btf_secinfos(const struct btf_type *t);
const struct btf_array *btf_array(const struct btf_type *t);
u32 btf_member_bit_offset(const struct btf_type *t, u32 i);
u32 btf_member_bitfield_bits(const struct btf_type *t, u32 i);	/* 0: not a bit field */

/*
 * What lies at an offset of a struct: the answer to one load.  A pointer to
 * anything but a struct is a number to whoever loads it, so it is SCALAR.
 */
enum btf_hit_kind { BTF_HIT_SCALAR, BTF_HIT_PTR, BTF_HIT_STRUCT };

struct btf_hit {
	u8 kind;	/* enum btf_hit_kind */
	u32 type_id;	/* PTR: the struct it points to; STRUCT: the struct; modifiers skipped */
	bool via_union;	/* another member overlays it: what a pointer read here says is not sure */
	const char *member; /* innermost member's name, for messages; may be "" */
};

/**
 * btf_walk - what is at @off of struct @type_id, accessed with @size bytes
 *
 * Descends through nested structs, unions and arrays (any index of an array;
 * an access past the end of a struct hits its trailing flexible array when it
 * has one).  @size 0 asks which nested struct begins at @off.
 *
 * Context: any.
 * Return: 0, -EACCES (past the end, or the access straddles members in a way
 *         no field explains; the caller words the message), -EINVAL.
 */
int btf_walk(const struct btf *btf, u32 type_id, u32 off, u32 size, struct btf_hit *ret_hit);

/* Are two structs the same type: same BTF and id, or first members of each other by @off 0. */
bool btf_struct_matches(const struct btf *btf, u32 have_id, u32 off, u32 want_id);

#endif
