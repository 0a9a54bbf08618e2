/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/num_alu.c - the arithmetic of BPF on known bits and arcs
 *
 * One function per operation, found through a table.  Each gives bits and arc
 * from what the operands' bits and arcs say; num_alu() syncs the result.
 *
 * Invariant: each result contains every concrete result
 *            (tests/unit/domain/num_test.c asks all of them at narrow widths).
 */
#include <linux/bpf.h>

#include "bpf/verifier/domain/num.h"

typedef __int128 s128;
typedef unsigned __int128 u128;

typedef struct num num_op(const struct num *a, const struct num *b, u32 bits);

/* [@min, @max] of mathematical integers as an arc; everything when it is a round trip or more. */
static struct range64 arc_of(s128 min, s128 max, u32 bits)
{
	if (max - min >= (s128)range_mask(bits))
		return range_full(bits);
	return range_signed_interval((s64)(u64)min, (s64)(u64)max, bits);
}

static struct range64 shorter(struct range64 a, struct range64 b)
{
	return b.len < a.len ? b : a;
}

static struct num num_of_range(struct range64 r, u32 bits)
{
	return (struct num){ .t = tnum_low(TNUM_UNKNOWN, bits), .r = r };
}

static struct num op_add(const struct num *a, const struct num *b, u32 bits)
{
	return (struct num){ .t = tnum_low(tnum_add(a->t, b->t), bits),
			     .r = range_add(a->r, b->r, bits) };
}

static struct num op_sub(const struct num *a, const struct num *b, u32 bits)
{
	return (struct num){ .t = tnum_low(tnum_sub(a->t, b->t), bits),
			     .r = range_sub(a->r, b->r, bits) };
}

static struct num op_neg(const struct num *a, const struct num *b, u32 bits)
{
	return (struct num){ .t = tnum_low(tnum_neg(a->t), bits), .r = range_neg(a->r, bits) };
}

/* Products of unsigned bounds; they are exact integers, so their arc is right modulo 2^bits. */
static struct range64 mul_unsigned(const struct num *a, const struct num *b, u32 bits)
{
	u128 min = (u128)num_umin(a, bits) * num_umin(b, bits);
	u128 max = (u128)num_umax(a, bits) * num_umax(b, bits);

	if (max - min >= range_mask(bits))
		return range_full(bits);
	return range_signed_interval((s64)(u64)min, (s64)(u64)max, bits);
}

/* A product is least and greatest in corners of the rectangle of signed bounds. */
static struct range64 mul_signed(const struct num *a, const struct num *b, u32 bits)
{
	s128 a_end[] = { num_smin(a, bits), num_smax(a, bits) };
	s128 b_end[] = { num_smin(b, bits), num_smax(b, bits) };
	s128 min = a_end[0] * b_end[0], max = min;

	for (int i = 1; i < 4; i++) {
		s128 corner = a_end[i & 1] * b_end[i >> 1];

		min = corner < min ? corner : min;
		max = corner > max ? corner : max;
	}
	return arc_of(min, max, bits);
}

/* (base + i) * factor = base * factor + i * factor, whatever base * factor wraps to. */
static struct range64 mul_const(struct range64 a, u64 factor, u32 bits)
{
	u128 len = (u128)a.len * factor;

	if (len >= range_mask(bits))
		return range_full(bits);
	return (struct range64){ .base = (a.base * factor) & range_mask(bits), .len = (u64)len };
}

static struct num op_mul(const struct num *a, const struct num *b, u32 bits)
{
	struct range64 r = shorter(mul_unsigned(a, b, bits), mul_signed(a, b, bits));

	if (num_is_const(b))
		r = shorter(r, mul_const(a->r, b->t.value, bits));
	if (num_is_const(a))
		r = shorter(r, mul_const(b->r, a->t.value, bits));
	return (struct num){ .t = tnum_low(tnum_mul(a->t, b->t), bits), .r = r };
}

/*
 * Rounding down to multiples of 2^k goes around the circle in step, because
 * 2^k divides it: the ends become ends.  Only an arc that is nearly the whole
 * circle could close on itself.
 */
static struct range64 round_down(struct range64 r, u64 multiples, u32 bits)
{
	u64 back = r.base & ~multiples & range_mask(bits);

	if (r.len > range_mask(bits) - back)
		return range_full(bits);
	return (struct range64){ .base = r.base & multiples, .len = (r.len + back) & multiples };
}

static bool is_multiples(u64 mask, u32 bits)
{
	u64 zeros = ~mask & range_mask(bits);

	return mask && !(zeros & (zeros + 1));
}

static struct num op_and(const struct num *a, const struct num *b, u32 bits)
{
	/* Clearing bits makes nothing greater. */
	struct range64 r = range_unsigned(0, min(num_umax(a, bits), num_umax(b, bits)), bits);

	if (num_is_const(b) && is_multiples(b->t.value, bits))
		r = shorter(r, round_down(a->r, b->t.value, bits));
	return (struct num){ .t = tnum_and(a->t, b->t), .r = r };
}

static struct num op_or(const struct num *a, const struct num *b, u32 bits)
{
	u64 least = max(num_umin(a, bits), num_umin(b, bits));

	/* Setting bits makes nothing smaller. */
	return (struct num){ .t = tnum_or(a->t, b->t),
			     .r = range_unsigned(least, range_mask(bits), bits) };
}

static struct num op_xor(const struct num *a, const struct num *b, u32 bits)
{
	struct range64 r = range_full(bits);

	/* All bits turned over: -1 - a. */
	if (num_is_const(b) && b->t.value == range_mask(bits))
		r = range_sub(b->r, a->r, bits);
	return (struct num){ .t = tnum_xor(a->t, b->t), .r = r };
}

static struct num lsh_by(const struct num *a, u32 shift, u32 bits)
{
	return (struct num){ .t = tnum_low(tnum_lsh(a->t, shift), bits),
			     .r = mul_const(a->r, 1ull << shift, bits) };
}

static struct num rsh_by(const struct num *a, u32 shift, u32 bits)
{
	return (struct num){ .t = tnum_rsh(a->t, shift),
			     .r = range_unsigned(num_umin(a, bits) >> shift,
						 num_umax(a, bits) >> shift, bits) };
}

static struct num arsh_by(const struct num *a, u32 shift, u32 bits)
{
	return (struct num){ .t = tnum_arsh(a->t, shift, bits),
			     .r = range_signed_interval(num_smin(a, bits) >> shift,
							num_smax(a, bits) >> shift, bits) };
}

/* The join over every amount, modulo the width, that the operand allows. */
static struct num shift_each(struct num (*shift_by)(const struct num *, u32, u32),
			     const struct num *a, const struct num *b, u32 bits)
{
	struct num width = num_const(bits - 1, bits);
	struct num amount = num_alu(BPF_AND, false, b, &width, bits);
	struct num all = { 0 };
	bool any = false;

	if (num_is_const(b))
		return shift_by(a, b->t.value & (bits - 1), bits);
	for (u32 shift = 0; shift < bits; shift++) {
		struct num one;

		if (!num_contains(&amount, shift, bits))
			continue;
		one = shift_by(a, shift, bits);
		all = any ? num_join(&all, &one, bits) : one;
		any = true;
	}
	return any ? all : num_unknown(bits);
}

static struct num op_lsh(const struct num *a, const struct num *b, u32 bits)
{
	return shift_each(lsh_by, a, b, bits);
}

static struct num op_rsh(const struct num *a, const struct num *b, u32 bits)
{
	return shift_each(rsh_by, a, b, bits);
}

static struct num op_arsh(const struct num *a, const struct num *b, u32 bits)
{
	return shift_each(arsh_by, a, b, bits);
}

static struct num op_udiv(const struct num *a, const struct num *b, u32 bits)
{
	struct num zero = num_const(0, bits);
	u64 least = num_umin(b, bits), most = num_umax(b, bits);
	struct num quotient;

	if (!most)
		return zero;
	quotient = num_of_range(range_unsigned(num_umin(a, bits) / most,
					       num_umax(a, bits) / (least ?: 1), bits), bits);
	quotient.t = tnum_udiv(a->t, b->t);
	return num_contains(b, 0, bits) ? num_join(&quotient, &zero, bits) : quotient;
}

static struct num op_umod(const struct num *a, const struct num *b, u32 bits)
{
	u64 least = num_umin(b, bits), most = num_umax(b, bits);
	u64 a_max = num_umax(a, bits);
	struct num rest;

	/* Less than any divisor there is (or divided by 0): nothing is taken away. */
	if (!most || a_max < least)
		return *a;
	rest = num_of_range(range_unsigned(0, a_max < most - 1 ? a_max : most - 1, bits), bits);
	if (num_contains(b, 0, bits))
		rest = num_join(&rest, a, bits);
	rest.t = tnum_umod(a->t, b->t);
	return rest;
}

/* Quotients by the divisors [@b_min, @b_max], all of one sign: least and greatest in corners. */
static struct range64 sdiv_corners(const struct num *a, s128 b_min, s128 b_max, u32 bits)
{
	s128 a_end[] = { num_smin(a, bits), num_smax(a, bits) };
	s128 b_end[] = { b_min, b_max };
	s128 min = a_end[0] / b_end[0], max = min;

	for (int i = 1; i < 4; i++) {
		s128 corner = a_end[i & 1] / b_end[i >> 1];

		min = corner < min ? corner : min;
		max = corner > max ? corner : max;
	}
	/* The least number by -1 gives 2^(bits-1), which as an arc is the least number again. */
	return arc_of(min, max, bits);
}

static struct num op_sdiv(const struct num *a, const struct num *b, u32 bits)
{
	s64 b_min = num_smin(b, bits), b_max = num_smax(b, bits);
	struct range64 r = { 0 }, part;
	bool any = false;

	if (b_max > 0) {
		r = sdiv_corners(a, b_min > 1 ? b_min : 1, b_max, bits);
		any = true;
	}
	if (b_min < 0) {
		part = sdiv_corners(a, b_min, b_max < -1 ? b_max : -1, bits);
		r = any ? range_join(r, part, bits) : part;
		any = true;
	}
	if (!any)
		return num_const(0, bits);
	if (num_contains(b, 0, bits))
		r = range_join(r, range_const(0, bits), bits);
	return num_of_range(r, bits);
}

static struct num op_smod(const struct num *a, const struct num *b, u32 bits)
{
	s128 a_min = num_smin(a, bits), a_max = num_smax(a, bits);
	s128 b_min = num_smin(b, bits), b_max = num_smax(b, bits);
	s128 limit = (-b_min > b_max ? -b_min : b_max) - 1;
	u64 multiple = tnum_umax(b->t);
	struct num rest;

	if (!multiple)
		return *a;
	if (num_is_const(a) && num_is_const(b))
		return num_const((u64)(a_min % b_min), bits);

	/* The sign is the dividend's, the size below its own and below the divisor's. */
	a_min = a_min < 0 ? a_min : 0;
	a_max = a_max > 0 ? a_max : 0;
	rest = num_of_range(arc_of(a_min > -limit ? a_min : -limit,
				   a_max < limit ? a_max : limit, bits), bits);
	if (num_contains(b, 0, bits))
		rest = num_join(&rest, a, bits);

	/* Only multiples of b were taken away; see tnum_umod(). */
	rest.t = tnum_low(TNUM_UNKNOWN, bits);
	rest.t.value = a->t.value & ((multiple & -multiple) - 1);
	rest.t.mask &= ~((multiple & -multiple) - 1) | a->t.mask;
	return rest;
}

static num_op *const num_ops[16] = {
	[BPF_ADD >> 4] = op_add,	[BPF_SUB >> 4] = op_sub,
	[BPF_MUL >> 4] = op_mul,	[BPF_DIV >> 4] = op_udiv,
	[BPF_OR >> 4] = op_or,		[BPF_AND >> 4] = op_and,
	[BPF_LSH >> 4] = op_lsh,	[BPF_RSH >> 4] = op_rsh,
	[BPF_NEG >> 4] = op_neg,	[BPF_MOD >> 4] = op_umod,
	[BPF_XOR >> 4] = op_xor,	[BPF_ARSH >> 4] = op_arsh,
};

struct num num_alu(u8 op, bool is_signed, const struct num *a, const struct num *b, u32 bits)
{
	num_op *fn = num_ops[BPF_OP(op) >> 4];
	struct num res;

	if (is_signed && BPF_OP(op) == BPF_DIV)
		fn = op_sdiv;
	if (is_signed && BPF_OP(op) == BPF_MOD)
		fn = op_smod;
	if (!fn)
		return num_unknown(bits);

	res = fn(a, b, bits);
	/* Only operands that belong to no real run can contradict themselves here. */
	if (!num_sync(&res, bits))
		return num_unknown(bits);
	return res;
}
