/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/num.h - known bits and one arc, at one width
 *
 * The part of a scalar that one instruction sees: 64 bits, or the low 32.
 * Every function takes the width, so that the tests can ask every number of
 * narrow widths.  Private to domain/; the folders above use scalar.h.
 *
 * Invariant: bits and arc are below 2^bits; num_sync() has made each tell the
 *            other what it knows.
 */
#ifndef ROVE_BPF_VERIFIER_DOMAIN_NUM_H
#define ROVE_BPF_VERIFIER_DOMAIN_NUM_H

#include "bpf/verifier/domain/range.h"
#include "bpf/verifier/domain/scalar.h"
#include "bpf/verifier/domain/tnum.h"

/* The widths of a scalar and of its low half; only the tests set another. */
#ifndef SCALAR_BITS
#define SCALAR_BITS 64
#endif
#define SCALAR_HALF (SCALAR_BITS / 2)

struct num {
	struct tnum t;
	struct range64 r;
};

/*
 * All functions below are pure.
 * Context: any.
 */

struct num num_unknown(u32 bits);
struct num num_const(u64 value, u32 bits);
bool num_is_const(const struct num *n);

/* Does @value belong to both views? */
bool num_contains(const struct num *n, u64 value, u32 bits);

/*
 * The least and greatest number, unsigned and signed.  An arc that runs over
 * the cut of the line says nothing of them; the bits then do.  Exact after num_sync().
 */
u64 num_umin(const struct num *n, u32 bits);
u64 num_umax(const struct num *n, u32 bits);
s64 num_smin(const struct num *n, u32 bits);
s64 num_smax(const struct num *n, u32 bits);

/* Let the views learn from each other; false when nothing belongs to both. */
bool num_sync(struct num *n, u32 bits);

/* The numbers in both; false when there are none (then *a is unspecified). */
bool num_meet(struct num *a, const struct num *b, u32 bits);

struct num num_join(const struct num *a, const struct num *b, u32 bits);

/* One arithmetic operation: as scalar_alu(), at @bits, a power of two. */
struct num num_alu(u8 op, bool is_signed, const struct num *a, const struct num *b, u32 bits);

/* As scalar_compare() and scalar_refine(). */
enum tri num_compare(u8 op, const struct num *a, const struct num *b, u32 bits);
bool num_refine(u8 op, bool taken, struct num *a, struct num *b, u32 bits);

#endif
