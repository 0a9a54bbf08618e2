/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/core/proto.h - what a callable asks of its arguments and what it gives
 *
 * One shape for helpers (written in tables) and kfuncs (made from their BTF),
 * so that one matcher answers "may this value be passed" for both.
 */
#ifndef ROVE_BPF_CORE_PROTO_H
#define ROVE_BPF_CORE_PROTO_H

#include "base/types.h"

enum arg_kind {
	ARG_NONE = 0,	/* there is no such argument */
	ARG_ANYTHING,	/* any initialised value, pointers included */
	ARG_SCALAR,	/* a number */
	ARG_CONST,	/* a number known exactly (kfunc suffix __k, a record's size) */
	ARG_CTX,	/* the program's context, unmodified */
	ARG_MAP,	/* a constant map pointer; .map_types names the types allowed */
	ARG_MAP_KEY,	/* readable memory of the map's key size */
	ARG_MAP_VALUE,	/* readable memory of the map's value size */
	ARG_MEM,	/* memory of .size bytes, or of the ARG_SIZE argument that follows */
	ARG_SIZE,	/* the length of the ARG_MEM before it */
	ARG_RECORD,	/* the start of a ring-buffer record */
	ARG_CONST_STR,	/* a NUL-terminated string in a read-only map value */
	ARG_BTF,	/* a pointer to the struct .btf_id */
	ARG_ITER,	/* an open-coded iterator's state on the stack, struct .btf_id */
	ARG_FIELD,	/* a special field of a map value, of kind .field */
	ARG_FUNC,	/* a function of the program, to be called back as ->callback says */
	ARG_STACK,	/* the program's own stack, what a callback is given of it */
	ARG_KINDS,
};

enum arg_flag {
	ARGF_MAYBE_NULL = 1 << 0, /* NULL may be passed */
	ARGF_WRITE = 1 << 1,	  /* the callee writes the memory */
	ARGF_UNINIT = 1 << 2,	  /* the memory need not be initialised before */
	ARGF_ZERO_OK = 1 << 3,	  /* ARG_SIZE: zero is allowed */
	ARGF_TRUSTED = 1 << 4,	  /* ARG_BTF: trusted or referenced, never untrusted */
	ARGF_RELEASE = 1 << 5,	  /* the reference of this argument is given up by the call */
	ARGF_IGNORE = 1 << 6,	  /* not looked at (kfunc suffix __ign) */
	ARGF_MAP_TOO = 1 << 7,	  /* ARG_BTF: or a map, as ARG_MAP takes it */
};

enum ret_kind {
	RET_VOID = 0,
	RET_SCALAR,
	RET_MAP_VALUE,	/* into the map of the ARG_MAP argument; a map, if that holds maps */
	RET_MEM,	/* plain memory; the size is the ARG_CONST argument's value, or .size */
	RET_BTF,	/* a pointer to .btf_id */
	RET_BTF_BY_ARG,	/* a pointer to the type whose id is the ARG_CONST argument's value */
	RET_KINDS,
};

enum ret_flag {
	RETF_MAYBE_NULL = 1 << 0,
	RETF_ACQUIRE = 1 << 1,	 /* a reference that must be released on every path */
	RETF_TRUSTED = 1 << 2,
	RETF_UNTRUSTED = 1 << 3, /* loads through it are checked: a fault reads as zero */
	RETF_RDONLY = 1 << 4,
	RETF_RECORD = 1 << 5,	 /* a ring-buffer record: submit or discard takes it */
	RETF_SCOPED = 1 << 6,	 /* valid until the iterator moves on or its section ends */
};

enum func_flag {
	FUNC_SLEEPABLE = 1 << 0,  /* only where the program may sleep */
	FUNC_ITER_NEW = 1 << 1,
	FUNC_ITER_NEXT = 1 << 2,
	FUNC_ITER_DESTROY = 1 << 3,
	FUNC_GPL = 1 << 4,
	FUNC_KFUNC = 1 << 5,
	FUNC_SCOPED = 1 << 6,	  /* ITER_NEXT: what it returns is scoped trust (ours) */
	FUNC_THREAD = 1 << 7,	  /* with SLEEPABLE: also where a thread may wait (ctx_desc.in_thread) */
	FUNC_CALLBACK_SLEEPS = 1 << 8, /* CALLBACK_ASYNC: the callback may sleep */
};

/* When and with what the ARG_FUNC is called. */
enum callback_kind {
	CALLBACK_NONE = 0,
	CALLBACK_LOOP,		/* during the call, (index, ARG_STACK), any number of times */
	CALLBACK_MAP_ELEM,	/* during the call, (map, key, value, ARG_STACK), likewise */
	CALLBACK_ASYNC,		/* later, (map, key, value) of the ARG_FIELD */
};

struct func_arg {
	u8 kind;	/* enum arg_kind */
	u8 flags;	/* enum arg_flag */
	u8 field;	/* ARG_FIELD: enum btf_field_kind */
	u32 size;	/* ARG_MEM of fixed size, ARG_ITER: bytes of state */
	u32 btf_id;	/* ARG_BTF, ARG_ITER: a struct of the platform's BTF */
	u64 map_types;	/* ARG_MAP: bit per BPF_MAP_TYPE_*, 0 means any */
};

struct func_ret {
	u8 kind;	/* enum ret_kind */
	u8 flags;	/* enum ret_flag */
	u8 bits;	/* RET_SCALAR: width of the C return type; 0 means 64 */
	u32 size;	/* RET_MEM of fixed size */
	u32 btf_id;	/* RET_BTF */
};

#define FUNC_MAX_ARGS 5

struct func_proto {
	const char *name;	/* as in messages: "bpf_map_lookup_elem" or the kfunc's name */
	struct func_arg args[FUNC_MAX_ARGS];
	struct func_ret ret;
	u32 flags;		/* enum func_flag */
	u8 callback;		/* enum callback_kind */
};

/* Is its callback called before it returns? */
static inline bool func_calls_back(const struct func_proto *proto)
{
	return proto->callback == CALLBACK_LOOP || proto->callback == CALLBACK_MAP_ELEM;
}

/* The kernel's flags of a kfunc, as the registration table gives them (KF_*). */
enum kfunc_flag {
	KF_ACQUIRE = 1 << 0,
	KF_RELEASE = 1 << 1,
	KF_RET_NULL = 1 << 2,
	KF_SLEEPABLE = 1 << 3,
	KF_ITER_NEW = 1 << 4,
	KF_ITER_NEXT = 1 << 5,
	KF_ITER_DESTROY = 1 << 6,
	KF_TRUSTED_ARGS = 1 << 7,
	KF_SCOPED = 1 << 8,	  /* ours: with ITER_NEXT, the pointer is trusted within its scope */
	KF_RDONLY_CAST = 1 << 9,  /* bpf_rdonly_cast: the type is the constant argument */
	KF_THREAD = 1 << 10,	  /* ours: see FUNC_THREAD */
	KF_ASYNC_CALLBACK = 1 << 11, /* ours: keeps its callback for later, where it may sleep */
	KF_MAP_TOO = 1 << 12,	  /* ours: its struct bpf_map may be a map of the program, as well */
};

#endif
