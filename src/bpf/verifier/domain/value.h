/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/value.h - what one register or stack slot holds
 *
 * A kind, flags, an identity and a number.  For a pointer the number is the
 * whole offset from what it points to, constant or not.
 *
 * Invariant: the bytes of the union that the kind does not use are zero, so
 *            values are made with value_set_*() only.
 * Not here:  what may be done with a value (exec/); what is held (refs.h).
 */
#ifndef ROVE_BPF_VERIFIER_DOMAIN_VALUE_H
#define ROVE_BPF_VERIFIER_DOMAIN_VALUE_H

#include "base/types.h"
#include "bpf/verifier/domain/scalar.h"

enum vkind {
	V_NONE,		/* never written, or no longer valid */
	V_SCALAR,	/* a number */
	V_CTX,		/* the program's context */
	V_MAP,		/* a map itself, constant */
	V_MAP_VALUE,	/* inside an element of a map */
	V_MAP_KEY,	/* inside the key of an element, which a callback is given */
	V_STACK,	/* inside a frame's stack */
	V_MEM,		/* plain memory of known size: ring-buffer record, buffer of a kfunc */
	V_BTF,		/* a kernel object of a BTF type */
	V_BUF,		/* memory of a context, of a size known when the program is attached */
	V_FUNC,		/* the address of a subprogram, to be called back */
	V_KINDS,
};

/* Bits of value.flags. */
enum {
	VF_MAYBE_NULL		= 1 << 0,	/* NULL until a branch shows otherwise */
	VF_RDONLY		= 1 << 1,	/* no stores */
	VF_TRUSTED		= 1 << 2,	/* alive for as long as it is visible */
	VF_UNTRUSTED		= 1 << 3,	/* may point anywhere: checked loads only */
	VF_RCU			= 1 << 4,	/* alive until the RCU section ends */
	VF_SCOPED		= 1 << 5,	/* trusted until its ->ref moves on or ends */
	VF_DYNAMIC_RECORD	= 1 << 6,	/* a ring-buffer record, to be given back */
	VF_ENDED		= 1 << 7,	/* of a number: it was a scoped pointer; for logs */
};

struct value {
	u8 kind;		/* enum vkind */
	bool precise;		/* the exact number decided something: see search/precise.c */
	u16 flags;		/* VF_* */
	u32 id;			/* values known to be equal share it; 0: no link */
	u32 ref;		/* the reference this lives and dies with (refs.h); 0: none */
	struct scalar num;	/* the number, or the whole offset of a pointer */
	union {
		struct {
			const void *map;	/* V_MAP, V_MAP_VALUE, V_MAP_KEY */
			u32 uid;		/* V_MAP, V_MAP_VALUE: which of the maps that are like
						 * ->map, an id; 0: ->map itself */
		} map;
		struct {
			u32 frame;		/* V_STACK: index into vstate.frames */
		} stack;
		struct {
			u32 size;		/* V_MEM: bytes from offset 0 */
		} mem;
		struct {
			const void *btf;	/* V_BTF */
			u32 type_id;
		} btf;
		struct {
			u32 subprog;		/* V_FUNC */
		} func;
	};
};

/* One row per kind: what any part of the verifier must know about it. */
struct vkind_desc {
	const char *name;	/* in logs; the kernel's word */
	bool is_pointer;
	bool add_const;		/* pointer + known number is allowed */
	bool add_var;		/* pointer + bounded unknown number is allowed */
	bool spillable;		/* keeps its kind through the stack */
	bool dereferenceable;	/* loads (and stores, unless VF_RDONLY) make sense */
	bool comparable;	/* two of the same object may be subtracted and compared */
};
extern const struct vkind_desc vkind_desc[V_KINDS];

/* How much of the old state must be met again. */
enum cover {
	COVER_RANGE,	/* pruning: an imprecise old scalar covers any scalar */
	COVER_WITHIN,	/* every old scalar must contain the current one, precise or not */
	COVER_EXACT,	/* the same state: an endless loop when met again */
};

struct idmap;

/*
 * Unless said otherwise: pure, Context: any.
 */

/*
 * The name of @val in logs: that of its kind, except "ringbuf_mem" for a
 * ring-buffer record.  Never NULL; flags (_or_null, rdonly_, trusted_, ...) are the printer's.
 */
const char *value_name(const struct value *val);

/* Make *val one of these, without flags, id or ref; pointers at offset 0. */
void value_set_none(struct value *val);
void value_set_unknown(struct value *val);
void value_set_const(struct value *val, u64 number);
void value_set_scalar(struct value *val, const struct scalar *num);
void value_set_ctx(struct value *val);
void value_set_map(struct value *val, const void *map, u32 uid);
void value_set_map_value(struct value *val, const void *map, u32 uid);
void value_set_map_key(struct value *val, const void *map);
void value_set_stack(struct value *val, u32 frame, s64 off);
void value_set_mem(struct value *val, u32 size);
void value_set_buf(struct value *val);
void value_set_btf(struct value *val, const void *btf, u32 type_id);
void value_set_func(struct value *val, u32 subprog);

bool value_is_scalar(const struct value *val);
bool value_is_pointer(const struct value *val);

/* A scalar that is one number. */
bool value_is_const(const struct value *val);

/* The scalar 0: what a NULL argument is. */
bool value_is_null(const struct value *val);

/* The offset of a pointer is one number; and which.  value_offset() only then. */
bool value_offset_is_const(const struct value *val);
s64 value_offset(const struct value *val);

/* The branch showed that *val is not NULL: the flag and the link through ->id end. */
void value_mark_nonnull(struct value *val);

/* The branch showed that *val is NULL: it becomes the number 0.  Its ref is the caller's matter. */
void value_mark_null(struct value *val);

/**
 * value_covers - was everything @cur can be already allowed for by @old
 * @old:   from a state that was proved
 * @cur:   from the state at hand, in the same place
 * @ids:   pairs found so far; grows by those of these two
 * @mode:  see enum cover
 *
 * An old V_NONE covers everything (it was not read), except under COVER_EXACT.
 * An imprecise old scalar covers any scalar under COVER_RANGE, its id ignored:
 * whoever uses a link must have made its ends precise.
 *
 * Context: any.
 * Return:  true when @old covers @cur.
 */
bool value_covers(const struct value *old, const struct value *cur, struct idmap *ids,
		  enum cover mode);

/* --- identities of two states ----------------------------------------------------------------- */

#define IDMAP_MAX 512

/*
 * Which identity of the old state is which of the current one: one to one.
 * Start with idmap_init() for every pair of states.
 */
struct idmap {
	u32 nr;
	u32 next_fresh;		/* stands for "no link" of the current state, each its own */
	struct {
		u32 old_id;
		u32 cur_id;
	} pair[IDMAP_MAX];
};

void idmap_init(struct idmap *ids);

/* Both 0, or a pair that contradicts no earlier one; remembers it.  false also when full. */
bool idmap_match(struct idmap *ids, u32 old_id, u32 cur_id);

/* As idmap_match(), but an old 0 asks for nothing, and a current 0 is linked to nothing else. */
bool idmap_link(struct idmap *ids, u32 old_id, u32 cur_id);

#endif
