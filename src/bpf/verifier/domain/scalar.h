/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/scalar.h - everything known about one 64-bit number
 *
 * Three views of the same number: its known bits, an arc of the 64-bit circle,
 * and an arc of the 32-bit circle for its low half.  A number belongs to the
 * scalar when it belongs to all three.
 *
 * Invariant: at least one number belongs (scalar_is_sane checks the views); each function here
 *            keeps every number that can really occur.
 * Not here:  pointers, identity and precision (value.h).
 */
#ifndef ROVE_BPF_VERIFIER_DOMAIN_SCALAR_H
#define ROVE_BPF_VERIFIER_DOMAIN_SCALAR_H

#include "base/types.h"
#include "bpf/verifier/domain/range.h"
#include "bpf/verifier/domain/tnum.h"

/* Of BPF_ALU64/BPF_JMP and of BPF_ALU/BPF_JMP32; the value is the number of bits. */
enum width {
	WIDTH_32 = 32,
	WIDTH_64 = 64,
};

enum tri {
	TRI_NO = 0,
	TRI_YES = 1,
	TRI_MAYBE = 2,
};

/* What a BPF_END instruction does with the low 16, 32 or 64 bits. */
enum byte_order {
	ORDER_LE,	/* to little endian: on our machines only cuts the upper bits off */
	ORDER_BE,	/* to big endian: reverses the bytes */
	ORDER_SWAP,	/* reverses the bytes unconditionally */
};

struct scalar {
	struct tnum bits;
	struct range64 r64;
	struct range32 r32;
};

/*
 * All functions below are pure.
 * Context: any.
 */

struct scalar scalar_const(u64 value);
struct scalar scalar_unknown(void);

/* [@min, @max], compared unsigned or signed; @min <= @max in that order. */
struct scalar scalar_unsigned(u64 min, u64 max);
struct scalar scalar_signed(s64 min, s64 max);

/* What a zero-extending load of @size bytes (1, 2, 4, 8) from unknown memory gives. */
struct scalar scalar_unknown_bytes(u32 size);

bool scalar_is_const(const struct scalar *s);
bool scalar_is_unknown(const struct scalar *s);

/* The number; only when scalar_is_const(). */
u64 scalar_value(const struct scalar *s);

bool scalar_contains(const struct scalar *s, u64 value);

/* The bounds that can be shown, of the number and of its low half. */
u64 scalar_umin(const struct scalar *s);
u64 scalar_umax(const struct scalar *s);
s64 scalar_smin(const struct scalar *s);
s64 scalar_smax(const struct scalar *s);
u32 scalar_umin32(const struct scalar *s);
u32 scalar_umax32(const struct scalar *s);
s32 scalar_smin32(const struct scalar *s);
s32 scalar_smax32(const struct scalar *s);

/**
 * scalar_alu - one arithmetic instruction
 * @op:     BPF_ADD ... BPF_ARSH, BPF_NEG (ignores @src); not BPF_MOV, not BPF_END
 * @width:  WIDTH_32 computes in 32 bits and clears the upper half
 * @off:    1: BPF_DIV and BPF_MOD are signed; else 0
 * @dst:    left operand and result
 * @src:    right operand; may be @dst
 *
 * Division by zero gives 0 and leaves a remainder unchanged; the least number
 * divided by -1 is itself, remainder 0; shift amounts count modulo the width.
 * An unknown @op gives an unknown result.
 *
 * Context: any.
 */
void scalar_alu(u8 op, enum width width, s16 off, struct scalar *dst, const struct scalar *src);

/* BPF_END on the low @bits (16, 32, 64); the result is zero-extended. */
void scalar_end(struct scalar *s, enum byte_order order, u32 bits);

/* Clear the upper half, as every 32-bit instruction does. */
void scalar_zext32(struct scalar *s);

/* Sign-extend the low @bits (8, 16, 32) to 64: movsx and sign-extending loads. */
void scalar_sext(struct scalar *s, u32 bits);

/* Keep the low @size bytes (1, 2, 4, 8), zero-extended: stores, narrow loads. */
void scalar_trunc(struct scalar *s, u32 size);

/**
 * scalar_compare - is the condition of a jump known
 * @op:     BPF_JEQ ... BPF_JSLE, BPF_JSET
 * @width:  WIDTH_32 compares the low halves
 *
 * Context: any.
 * Return:  TRI_YES always taken, TRI_NO never taken, TRI_MAYBE.
 */
enum tri scalar_compare(u8 op, enum width width, const struct scalar *a, const struct scalar *b);

/**
 * scalar_refine - what follows from a condition that held, or did not
 * @op:     BPF_JEQ ... BPF_JSLE, BPF_JSET
 * @width:  WIDTH_32 compares the low halves
 * @taken:  the jump was taken: `a op b` held
 * @a:      narrowed to the numbers for which some number of @b agrees
 * @b:      narrowed likewise; a scratch copy when it was a constant.  Not @a
 *
 * Context: any.
 * Return:  false when no pair agrees: this side of the jump is never reached,
 *          and @a and @b are unspecified.
 */
bool scalar_refine(u8 op, enum width width, bool taken, struct scalar *a, struct scalar *b);

/**
 * scalar_sync - let the three views learn from each other
 *
 * Bounded, and idempotent only in effect: it may stop before the last bit is
 * learned, never before the result is right.
 *
 * Context: any.
 * Return:  false when the views contradict: no number belongs.
 */
bool scalar_sync(struct scalar *s);

/* The numbers in both; false when there are none (then *a is unspecified). */
bool scalar_meet(struct scalar *a, const struct scalar *b);

/* Every number of @cur is one of @old, as far as each view shows. */
bool scalar_covers(const struct scalar *old, const struct scalar *cur);
bool scalar_equal(const struct scalar *a, const struct scalar *b);

/* A scalar with every number of @a and of @b. */

/**
 * scalar_widen - join for loops: repeated, it stops changing after few steps
 * @old:  the state of the previous visit
 * @cur:  of this visit
 *
 * A bound that moved is given up altogether; one that stood still is kept.
 *
 * Context: any.
 * Return:  a scalar that covers both.
 */
struct scalar scalar_widen(const struct scalar *old, const struct scalar *cur);

/* The representation invariants hold and the views do not contradict visibly. */
bool scalar_is_sane(const struct scalar *s);

#endif
