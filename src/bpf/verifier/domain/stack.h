/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/stack.h - the 512 bytes below a frame pointer
 *
 * Slots of 8 bytes.  Slot 0 is fp-8..fp-1, slot i is fp-8(i+1)..fp-8i-1.  Each
 * byte has a kind; byte[0] is the lowest address, and the low byte of what is
 * spilled there.  Offsets (@off) are from the frame pointer, so negative.
 *
 * Invariant: slots beyond ->nr_slots are all BYTE_NONE.  SPILL bytes of a slot
 *            are its first n, n of 1, 2, 4, 8; the spilled value then is already
 *            cut to n bytes, and only scalars have n < 8.  The slots of an
 *            object (iterator, dynptr, irq flag) are its own, all 8 bytes.
 * Not here:  who may write what (exec/mem.c), protocols (typestate/).
 */
#ifndef ROVE_BPF_VERIFIER_DOMAIN_STACK_H
#define ROVE_BPF_VERIFIER_DOMAIN_STACK_H

#include "base/types.h"
#include "bpf/verifier/domain/value.h"

#define STACK_BYTES 512
#define STACK_SLOTS (STACK_BYTES / 8)

enum byte_kind {
	BYTE_NONE,	/* never written */
	BYTE_MISC,	/* written, content unknown */
	BYTE_ZERO,	/* 0 */
	BYTE_SPILL,	/* part of ->spill */
	BYTE_ITER,	/* part of ->obj, an open-coded iterator */
	BYTE_DYNPTR,	/* part of ->obj, a dynptr */
	BYTE_IRQ_FLAG,	/* part of ->obj, saved interrupt flags */
	BYTE_KINDS,
};

enum iter_phase {
	ITER_ACTIVE,	/* next() may be called, may still give elements */
	ITER_DRAINED,	/* next() gave NULL */
};

/* An object that lives in stack slots; the same in each slot, except ->index. */
struct slot_obj {
	const void *btf;	/* BYTE_ITER: its type */
	u32 type_id;
	u32 ref;		/* the reference it holds, or of what it belongs to; 0: none */
	u32 id;			/* identity of a dynptr: slices name it in value.ref */
	u32 depth;		/* BYTE_ITER: how often next() gave an element on this path */
	u8 phase;		/* BYTE_ITER: enum iter_phase */
	u8 variant;		/* BYTE_DYNPTR, BYTE_IRQ_FLAG: which sort; the owner's numbering */
	u8 flags;		/* VF_RDONLY, VF_RCU, ... : of what it lends */
	u8 index;		/* 0: the slot at the lowest address, then upwards */
	u8 nr_slots;
};

struct slot {
	u8 byte[8];			/* enum byte_kind */
	union {
		struct value spill;	/* when byte[0] is BYTE_SPILL */
		struct slot_obj obj;	/* when byte[0] is BYTE_ITER, BYTE_DYNPTR, BYTE_IRQ_FLAG */
	};
};

struct stack {
	struct slot *slot;	/* NULL when nr_slots is 0 */
	u32 nr_slots;		/* how many from fp downwards have been touched */
	u32 cap_slots;
};

/* What reading a byte that was never written means. */
enum uninit {
	UNINIT_REFUSED,
	UNINIT_ALLOWED,		/* it reads as unknown: privileged programs */
};

/* Are [@off, @off + @size), at least one byte, all bytes of a stack? */
static inline bool stack_has(s32 off, u32 size)
{
	return off >= -STACK_BYTES && off < 0 && size && size <= (u32)-off;
}

/* 0 <= result < STACK_SLOTS for -512 <= @off < 0. */
static inline u32 stack_slot_of(s32 off)
{
	return (u32)(-off - 1) / 8;
}

/* The offset of the lowest byte of slot @i. */
static inline s32 stack_slot_off(u32 i)
{
	return -8 * ((s32)i + 1);
}

static inline bool slot_is_spill(const struct slot *slot)
{
	return slot->byte[0] == BYTE_SPILL;
}

static inline bool slot_is_object(const struct slot *slot)
{
	return slot->byte[0] >= BYTE_ITER;
}

/* How many bytes of the slot hold ->spill: 0, 1, 2, 4 or 8. */
u32 slot_spill_bytes(const struct slot *slot);

/* All bytes written with unknown content, or never. */
void slot_set_kind(struct slot *slot, enum byte_kind kind);

/* An empty stack is { 0 }; this gives its memory back and makes it empty. */
void stack_clear(struct stack *stack);

/**
 * stack_copy - @dst becomes a copy of @src
 * @dst:  an initialised stack; its memory is used again when it suffices
 *
 * Context: thread.
 * Return:  0, or -ENOMEM; then @dst is unchanged.
 */
int stack_copy(struct stack *dst, const struct stack *src);

/* The slot, or NULL when it was never touched. */
struct slot *stack_slot(const struct stack *stack, u32 i);

/**
 * stack_reserve - make slots 0 .. stack_slot_of(@off) exist
 *
 * Context: thread.
 * Return:  0, -EACCES (@off outside -512..-1) or -ENOMEM.
 */
int stack_reserve(struct stack *stack, s32 off);

/**
 * stack_write - store a value at a known offset
 * @off:   lowest byte
 * @size:  1, 2, 4, 8
 * @val:   scalar or pointer; kept as a spill when it is a scalar at the start of a slot, or a
 *         spillable pointer that fills one; else its bytes become unknown, or zero
 *         when it is 0 and ->precise (nothing walks back from a zero byte, so
 *         the caller must have made sure of it: an immediate, or marked).
 *         A scalar is cut to @size bytes; the link (id) survives when nothing was cut off
 *
 * An object in the way is destroyed as a whole (ask stack_object_in() first
 * whether that is allowed).
 *
 * Context: thread.
 * Return:  0, -EACCES (outside the 512 bytes, or @size 0 or above 8), -ENOMEM.
 */
int stack_write(struct stack *stack, s32 off, u32 size, const struct value *val);

/**
 * stack_write_var - store somewhere: lowest byte at @min_off .. @max_off
 *
 * Bytes never written stay so (they may not have been hit now).
 *
 * Context: thread.
 * Return:  as stack_write().
 */
int stack_write_var(struct stack *stack, s32 min_off, s32 max_off, u32 size,
		    const struct value *val);

/* Somebody else may have written to [@off, @off + @size), of any @size; else as stack_write(). */
int stack_write_misc(struct stack *stack, s32 off, u32 size);

/**
 * stack_check_read - may these bytes be read
 * @size:    any
 * @ret_at:  index of the first byte that may not; written on -EACCES only
 *
 * Bytes of objects may not be read; bytes never written only under UNINIT_ALLOWED.
 *
 * Context: any.
 * Return:  0 or -EACCES.
 */
int stack_check_read(const struct stack *stack, s32 off, u32 size, enum uninit uninit, u32 *ret_at);

/**
 * stack_read - load from a known offset, zero-extended
 * @ret_val:  the spilled value, a part of a spilled number, 0, or unknown
 *
 * A part of a spilled pointer reads as unknown bytes.
 *
 * Context: any.
 * Return:  0 or -EACCES (see stack_check_read(); or @size 0 or above 8).
 */
int stack_read(const struct stack *stack, s32 off, u32 size, enum uninit uninit,
	       struct value *ret_val);

/* Load from somewhere: lowest byte at @min_off .. @max_off.  0 when all bytes are, else unknown. */
int stack_read_var(const struct stack *stack, s32 min_off, s32 max_off, u32 size,
		   enum uninit uninit, struct value *ret_val);

/**
 * stack_put_object - an iterator, dynptr or irq flag begins to live in stack slots
 * @off:   lowest byte, a multiple of 8
 * @kind:  BYTE_ITER, BYTE_DYNPTR, BYTE_IRQ_FLAG
 * @obj:   copied to each of its ->nr_slots slots; ->index is filled in
 *
 * Context: thread.
 * Return:  0, -EACCES (outside the stack or not aligned), -ENOMEM.
 */
int stack_put_object(struct stack *stack, s32 off, enum byte_kind kind,
		     const struct slot_obj *obj);

/**
 * stack_get_object - the object that begins at @off
 * @nr_slots:  slots it must have; 0: any number
 *
 * To change it (phase, depth), change what is returned and call
 * stack_put_object() again when it has several slots.
 *
 * Context: any.
 * Return:  its first slot's copy, or NULL: there is none of that kind and size at @off.
 */
struct slot_obj *stack_get_object(const struct stack *stack, s32 off, enum byte_kind kind,
				  u32 nr_slots);

/* Some object with a byte in [@off, @off + @size), or NULL; its kind when @ret_kind is not NULL. */
const struct slot_obj *stack_object_in(const struct stack *stack, s32 off, u32 size,
				       enum byte_kind *ret_kind);

/* The object of which slot @i is a part is no more: all its bytes are unknown, readable. */
void stack_drop_object(struct stack *stack, u32 i);

/* Slot @i will not be read again: as if never written.  Objects stay, they must still end. */
void stack_forget_slot(struct stack *stack, u32 i);

/**
 * stack_covers - was everything @cur can be already allowed for by @old
 *
 * Bytes that @old never had are covered by any (except COVER_EXACT); objects
 * must be the same kind, type, phase and variant, identities through @ids.
 *
 * Context: any.
 * Return:  true when @old covers @cur.
 */
bool stack_covers(const struct stack *old, const struct stack *cur, struct idmap *ids,
		  enum cover mode);

#endif
