/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/platform.h - what a program may reach, as a table of questions
 *
 * The verifier is a pure function of instructions, BTF and this table.  The
 * runtime fills it with its helpers, kfuncs, maps and contexts; a test fills it
 * with made-up ones.
 */
#ifndef ROVE_BPF_VERIFIER_PLATFORM_H
#define ROVE_BPF_VERIFIER_PLATFORM_H

#include "bpf/btf/btf.h"
#include "bpf/btf/fields.h"
#include "bpf/core/proto.h"

struct vrf_map {
	const void *handle;	/* the runtime's map; equal handles are one map; NULL: one that
				 * is like the others in an outer map */
	u32 type, key_size, value_size, max_entries, map_flags;
	const char *name;
	const struct btf_fields *fields;	/* NULL: its values have no type */
	const u8 *const_data;	/* frozen read-only contents, whole value area; NULL: may change */
	const struct vrf_map *inner;	/* its values are maps like this one; NULL: they are bytes */
};

struct vrf_kfunc {
	const char *name;
	u32 flags;		/* enum kfunc_flag */
};

/* A context that is plain memory (syscall programs) has no fields, only a size. */
enum ctx_buf {
	CTX_NO_BUF = 0,
	CTX_BUF_RDONLY,		/* memory whose size is known when the program is attached */
	CTX_BUF,		/* the same, and programs may write it */
};

struct ctx_field {
	u32 off, size;
	bool writable;
	u32 btf_id;		/* a typed pointer, 0: a number, or memory */
	bool maybe_null;
	u8 buf;			/* enum ctx_buf: a pointer to memory */
	bool words;		/* several numbers of 8 bytes, each read whole */
};

/* A pointer in a struct that is alive as long as the struct itself. */
struct trusted_member {
	const char *type, *member;
};

struct ctx_desc {
	const char *name;
	u32 max_bytes;		/* plain: the largest reachable end */
	bool plain, writable;
	const struct ctx_field *fields;
	u32 nr_fields;
	s64 ret_min, ret_max;	/* allowed r0 at exit; full range when the type does not care */
	bool may_sleep;		/* programs of this type may sleep */
	bool in_thread;		/* they run where one may wait, whether they sleep or not */
};

struct vrf_platform {
	const struct btf *btf;	/* kfuncs and typed pointers; not NULL */
	const struct trusted_member *trusted_members;	/* ends with no type; NULL: none */

	/* NULL: no such helper, or not for this program type (*ret_known tells). */
	const struct func_proto *(*helper)(const struct vrf_platform *p, u32 prog_type, u32 id,
					   bool *ret_known);
	/* @id is a BTF_KIND_FUNC of ->btf.  0, -ENOENT (not a kfunc), -EACCES (not for this type). */
	int (*kfunc)(const struct vrf_platform *p, u32 prog_type, u32 id, struct vrf_kfunc *ret_kfunc);
	/*
	 * @fd as in the instruction; ->inner is copied before the next question.
	 * 0, -EBADF, -EINVAL (a descriptor, but no map).
	 */
	int (*map)(const struct vrf_platform *p, int fd, struct vrf_map *ret_map);
	/* NULL: no such program type. */
	const struct ctx_desc *(*ctx)(const struct vrf_platform *p, u32 prog_type);
	void *arg;
};

#endif
