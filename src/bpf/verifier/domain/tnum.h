/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/tnum.h - a number of which some bits are known
 *
 * A bit of ->mask says "unknown"; where it is clear, the bit of ->value is the
 * number's.  A tnum stands for every number that agrees with its known bits,
 * so it is never empty.
 *
 * Invariant: value & mask == 0.
 * Not here:  bounds (range.h), what belongs to one register (scalar.h).
 */
#ifndef ROVE_BPF_VERIFIER_DOMAIN_TNUM_H
#define ROVE_BPF_VERIFIER_DOMAIN_TNUM_H

#include "base/types.h"

struct tnum {
	u64 value;	/* the known bits; 0 where unknown */
	u64 mask;	/* 1: this bit is unknown */
};

#define TNUM_UNKNOWN ((struct tnum){ .value = 0, .mask = ~0ull })

/*
 * All functions below are pure.
 * Context: any.
 */

/* The one number @value. */
struct tnum tnum_const(u64 value);

/* The smallest tnum with every number of [@min, @max], unsigned; @min <= @max. */
struct tnum tnum_range(u64 min, u64 max);

bool tnum_is_const(struct tnum t);
bool tnum_is_unknown(struct tnum t);

/* Least and greatest member, unsigned. */
u64 tnum_umin(struct tnum t);
u64 tnum_umax(struct tnum t);

/* Is @value one of the numbers @t stands for? */
bool tnum_contains(struct tnum t, u64 value);

/* Is every number of @inner one of @outer? */
bool tnum_covers(struct tnum outer, struct tnum inner);

/* Is every number of @t a multiple of @size, a power of two? */
bool tnum_is_aligned(struct tnum t, u64 size);

/*
 * Arithmetic modulo 2^64: every a op b, a of @a and b of @b, is in the result.
 * For narrower arithmetic cast the result with tnum_low().
 */
struct tnum tnum_add(struct tnum a, struct tnum b);
struct tnum tnum_sub(struct tnum a, struct tnum b);
struct tnum tnum_neg(struct tnum a);
struct tnum tnum_mul(struct tnum a, struct tnum b);
struct tnum tnum_and(struct tnum a, struct tnum b);
struct tnum tnum_or(struct tnum a, struct tnum b);
struct tnum tnum_xor(struct tnum a, struct tnum b);
struct tnum tnum_not(struct tnum a);

/* Unsigned division and remainder, with BPF's x / 0 = 0 and x % 0 = x. */
struct tnum tnum_udiv(struct tnum a, struct tnum b);
struct tnum tnum_umod(struct tnum a, struct tnum b);

/* Shifts by a known amount, 0 <= @shift < 64; arithmetic shift within the low @bits. */
struct tnum tnum_lsh(struct tnum a, u32 shift);
struct tnum tnum_rsh(struct tnum a, u32 shift);
struct tnum tnum_arsh(struct tnum a, u32 shift, u32 bits);

/* The low @bits (1..64), zero-extended. */
struct tnum tnum_low(struct tnum t, u32 bits);

/* The low @bits (1..64), sign-extended to 64. */
struct tnum tnum_sext(struct tnum t, u32 bits);

/* The bytes of the low @bits (16, 32, 64) in the opposite order, zero-extended. */
struct tnum tnum_bswap(struct tnum t, u32 bits);

/**
 * tnum_meet - what both say
 * @ret_meet:  the tnum of exactly the numbers in both; written when there are any
 *
 * Context: any.
 * Return:  false when @a and @b have no number in common.
 */
bool tnum_meet(struct tnum a, struct tnum b, struct tnum *ret_meet);

/* The smallest tnum with every number of @a and of @b. */
struct tnum tnum_join(struct tnum a, struct tnum b);

#endif
