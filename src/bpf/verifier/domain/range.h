/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/range.h - an arc on the circle of 2^bits numbers
 *
 * Unsigned and signed intervals are both arcs of the same circle; they differ
 * only in where it is cut.  One arc therefore holds what four bounds would:
 * base, base + 1, ..., base + len, modulo 2^bits.
 *
 * Every operation takes the width in bits (1..64), so one body serves 64 and
 * 32 bits, and the tests serve themselves with 4 to 6.  struct range64 is the
 * working shape of every width; struct range32 only stores a 32-bit arc.
 *
 * Invariant: base and len are below 2^bits; the full circle is base 0, len
 *            2^bits - 1.  An arc is never empty.
 * Not here:  known bits (tnum.h).
 */
#ifndef ROVE_BPF_VERIFIER_DOMAIN_RANGE_H
#define ROVE_BPF_VERIFIER_DOMAIN_RANGE_H

#include "base/types.h"

struct range64 {
	u64 base;	/* first number of the arc */
	u64 len;	/* how many follow it; 2^bits - 1: the whole circle */
};

struct range32 {
	u32 base;
	u32 len;
};

/*
 * All functions below are pure.
 * Context: any.
 */

/* 2^bits - 1; @value as a signed number of @bits. */
u64 range_mask(u32 bits);
s64 range_signed(u64 value, u32 bits);

struct range64 range_full(u32 bits);
struct range64 range_const(u64 value, u32 bits);

/* [@min, @max] unsigned, or signed; @min <= @max in that order. */
struct range64 range_unsigned(u64 min, u64 max, u32 bits);
struct range64 range_signed_interval(s64 min, s64 max, u32 bits);

struct range32 range_pack(struct range64 r);
struct range64 range_unpack(struct range32 r);

bool range_is_full(struct range64 r, u32 bits);
bool range_contains(struct range64 r, u64 value, u32 bits);
bool range_covers(struct range64 outer, struct range64 inner, u32 bits);

/* The unsigned and the signed hull: of the whole line when the arc crosses its cut. */
u64 range_umin(struct range64 r, u32 bits);
u64 range_umax(struct range64 r, u32 bits);
s64 range_smin(struct range64 r, u32 bits);
s64 range_smax(struct range64 r, u32 bits);

/* Arithmetic modulo 2^bits: every a op b is in the result. */
struct range64 range_add(struct range64 a, struct range64 b, u32 bits);
struct range64 range_sub(struct range64 a, struct range64 b, u32 bits);
struct range64 range_neg(struct range64 a, u32 bits);

/* The low @bits of every number of @r, an arc of at least so many bits. */
struct range64 range_low(struct range64 r, u32 bits);

/**
 * range_meet - what both say
 * @ret_meet:  an arc with every number that is in both; written when there are any
 *
 * Two arcs may meet in two pieces; then the result is the smaller argument.
 *
 * Context: any.
 * Return:  false when @a and @b have no number in common.
 */
bool range_meet(struct range64 a, struct range64 b, u32 bits, struct range64 *ret_meet);

/* A shortest arc with every number of @a and of @b. */
struct range64 range_join(struct range64 a, struct range64 b, u32 bits);

#endif
