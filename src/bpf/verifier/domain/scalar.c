/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/scalar.c - 64 bits and their low half, together
 *
 * An instruction works on one width (num.h); this file takes that width out of
 * a scalar, puts the result back, and carries what was learned to the other.
 *
 * Invariant: every function keeps each number that belongs to its arguments,
 *            as the instruction maps it (tests/unit/domain/scalar_small_test.c compiles
 *            this file for 8 and 4 bits and asks every number).
 * Not here:  the operations themselves (num_alu.c, num_cond.c), two scalars
 *            where paths meet (scalar_join.c).
 */
#include <linux/bpf.h>

#include "bpf/verifier/domain/num.h"
#include "bpf/verifier/domain/scalar.h"

#define SYNC_ROUNDS 4

static u32 bits_of(enum width width)
{
	return width == WIDTH_64 ? SCALAR_BITS : SCALAR_HALF;
}

static struct num whole(const struct scalar *s)
{
	return (struct num){ .t = s->bits, .r = s->r64 };
}

static struct num half(const struct scalar *s)
{
	return (struct num){ .t = tnum_low(s->bits, SCALAR_HALF), .r = range_unpack(s->r32) };
}

static void put_whole(struct scalar *s, const struct num *n)
{
	s->bits = n->t;
	s->r64 = n->r;
}

/* The low half is @n; the upper half stays. */
static void put_half(struct scalar *s, const struct num *n)
{
	u64 low = range_mask(SCALAR_HALF);

	s->bits.value = (s->bits.value & ~low) | n->t.value;
	s->bits.mask = (s->bits.mask & ~low) | n->t.mask;
	s->r32 = range_pack(n->r);
}

/* A 64-bit number whose low half is not known apart. */
static struct scalar scalar_of_num(const struct num *n)
{
	return (struct scalar){ .bits = n->t,
				.r64 = n->r,
				.r32 = range_pack(range_full(SCALAR_HALF)) };
}

/* After an operation on what really occurs: never a contradiction. */
static void settle(struct scalar *s)
{
	if (!scalar_sync(s))
		*s = scalar_unknown();
}

struct scalar scalar_const(u64 value)
{
	struct num n = num_const(value, SCALAR_BITS);
	struct scalar s = scalar_of_num(&n);

	s.r32 = range_pack(range_const(value, SCALAR_HALF));
	return s;
}

struct scalar scalar_unknown(void)
{
	struct num n = num_unknown(SCALAR_BITS);

	return scalar_of_num(&n);
}

static struct scalar scalar_of_range(struct range64 r)
{
	struct scalar s = scalar_unknown();

	s.r64 = r;
	settle(&s);
	return s;
}

struct scalar scalar_unsigned(u64 min, u64 max)
{
	return scalar_of_range(range_unsigned(min, max, SCALAR_BITS));
}

struct scalar scalar_signed(s64 min, s64 max)
{
	return scalar_of_range(range_signed_interval(min, max, SCALAR_BITS));
}

struct scalar scalar_unknown_bytes(u32 size)
{
	struct scalar s = scalar_unknown();

	scalar_trunc(&s, size);
	return s;
}

bool scalar_is_const(const struct scalar *s)
{
	return tnum_is_const(s->bits);
}

bool scalar_is_unknown(const struct scalar *s)
{
	return s->bits.mask == range_mask(SCALAR_BITS) && range_is_full(s->r64, SCALAR_BITS) &&
	       range_is_full(range_unpack(s->r32), SCALAR_HALF);
}

u64 scalar_value(const struct scalar *s)
{
	return s->bits.value;
}

bool scalar_contains(const struct scalar *s, u64 value)
{
	return tnum_contains(s->bits, value) && range_contains(s->r64, value, SCALAR_BITS) &&
	       range_contains(range_unpack(s->r32), value, SCALAR_HALF);
}

u64 scalar_umin(const struct scalar *s)
{
	struct num n = whole(s);

	return num_umin(&n, SCALAR_BITS);
}

u64 scalar_umax(const struct scalar *s)
{
	struct num n = whole(s);

	return num_umax(&n, SCALAR_BITS);
}

s64 scalar_smin(const struct scalar *s)
{
	struct num n = whole(s);

	return num_smin(&n, SCALAR_BITS);
}

s64 scalar_smax(const struct scalar *s)
{
	struct num n = whole(s);

	return num_smax(&n, SCALAR_BITS);
}

u32 scalar_umin32(const struct scalar *s)
{
	struct num n = half(s);

	return (u32)num_umin(&n, SCALAR_HALF);
}

u32 scalar_umax32(const struct scalar *s)
{
	struct num n = half(s);

	return (u32)num_umax(&n, SCALAR_HALF);
}

s32 scalar_smin32(const struct scalar *s)
{
	struct num n = half(s);

	return (s32)num_smin(&n, SCALAR_HALF);
}

s32 scalar_smax32(const struct scalar *s)
{
	struct num n = half(s);

	return (s32)num_smax(&n, SCALAR_HALF);
}

/*
 * Move both ends of the 64-bit arc inwards to numbers whose low half is on the
 * 32-bit arc; false when they pass each other.
 */
static bool trim_to_half(struct scalar *s)
{
	struct range64 low = range_unpack(s->r32);
	u64 half_mask = range_mask(SCALAR_HALF), mask = range_mask(SCALAR_BITS);
	u64 first = s->r64.base, last = s->r64.base + s->r64.len;
	u64 skip_first = 0, skip_last = 0;

	if (range_is_full(low, SCALAR_HALF) || range_is_full(s->r64, SCALAR_BITS))
		return true;
	if (!range_contains(low, first, SCALAR_HALF))
		skip_first = (low.base - first) & half_mask;
	if (!range_contains(low, last, SCALAR_HALF))
		skip_last = (last - (low.base + low.len)) & half_mask;
	if (skip_first > s->r64.len || skip_last > s->r64.len - skip_first)
		return false;
	s->r64.base = (first + skip_first) & mask;
	s->r64.len -= skip_first + skip_last;
	return true;
}

/*
 * What the 64-bit arc says of low halves.  When it meets r32 in two pieces and
 * is itself the shorter answer, r32 stays: the 64-bit arc is not forgotten, so
 * exchanging the one for the other would only lose.
 */
static bool meet_low_half(const struct scalar *s, struct range64 *r)
{
	struct range64 meet;

	if (!range_meet(*r, range_low(s->r64, SCALAR_HALF), SCALAR_HALF, &meet))
		return false;
	if (range_covers(*r, meet, SCALAR_HALF))
		*r = meet;
	return true;
}

static bool sync_once(struct scalar *s)
{
	struct num n = whole(s);

	if (!num_sync(&n, SCALAR_BITS))
		return false;
	put_whole(s, &n);

	n = half(s);
	if (!meet_low_half(s, &n.r) || !num_sync(&n, SCALAR_HALF))
		return false;
	put_half(s, &n);
	return trim_to_half(s);
}

bool scalar_sync(struct scalar *s)
{
	if (tnum_is_const(s->bits)) {
		if (!scalar_contains(s, s->bits.value))
			return false;
		*s = scalar_const(s->bits.value);
		return true;
	}

	for (int round = 0; round < SYNC_ROUNDS; round++) {
		struct scalar before = *s;

		if (!sync_once(s))
			return false;
		if (scalar_equal(s, &before))
			break;
	}
	return true;
}

/* May the low half of a 64-bit result be computed from the low halves alone? */
static bool low_from_low(u8 op, const struct num *src)
{
	switch (BPF_OP(op)) {
	case BPF_ADD:
	case BPF_SUB:
	case BPF_MUL:
	case BPF_AND:
	case BPF_OR:
	case BPF_XOR:
	case BPF_NEG:
		return true;
	case BPF_LSH:
		/* A longer shift would be taken modulo the half width. */
		return num_is_const(src) && src->t.value < SCALAR_HALF;
	default:
		return false;
	}
}

static void alu_whole(u8 op, bool is_signed, struct scalar *dst, const struct scalar *src)
{
	struct num a = whole(dst), b = whole(src), a_low = half(dst), b_low = half(src);
	struct num res = num_alu(op, is_signed, &a, &b, SCALAR_BITS);

	*dst = scalar_of_num(&res);
	if (low_from_low(op, &b)) {
		res = num_alu(op, is_signed, &a_low, &b_low, SCALAR_HALF);
		dst->r32 = range_pack(res.r);
	}
	settle(dst);
}

static void alu_half(u8 op, bool is_signed, struct scalar *dst, const struct scalar *src)
{
	struct num a = half(dst), b = half(src);
	struct num res = num_alu(op, is_signed, &a, &b, SCALAR_HALF);

	put_half(dst, &res);
	scalar_zext32(dst);
}

void scalar_alu(u8 op, enum width width, s16 off, struct scalar *dst, const struct scalar *src)
{
	if (width == WIDTH_64)
		alu_whole(op, off == 1, dst, src);
	else
		alu_half(op, off == 1, dst, src);
}

/* The low @bits as a number of that width. */
static struct num low_part(const struct scalar *s, u32 bits)
{
	struct num n = { .t = tnum_low(s->bits, bits) };

	if (bits > SCALAR_HALF)
		n.r = range_low(s->r64, bits);
	else
		n.r = range_low(range_unpack(s->r32), bits);
	if (!num_sync(&n, bits))
		return num_unknown(bits);
	return n;
}

/* The low @bits, at most half, zero-extended. */
static void keep_low(struct scalar *s, u32 bits)
{
	struct num n = low_part(s, bits);

	s->bits = n.t;
	s->r64 = range_unsigned(num_umin(&n, bits), num_umax(&n, bits), SCALAR_BITS);
	if (bits < SCALAR_HALF)
		s->r32 = range_pack(range_full(SCALAR_HALF));
	settle(s);
}

void scalar_zext32(struct scalar *s)
{
	keep_low(s, SCALAR_HALF);
}

void scalar_trunc(struct scalar *s, u32 size)
{
	if (8 * size < SCALAR_BITS)
		keep_low(s, 8 * size);
}

void scalar_sext(struct scalar *s, u32 bits)
{
	struct num n = low_part(s, bits);

	s->bits = tnum_low(tnum_sext(n.t, bits), SCALAR_BITS);
	s->r64 = range_signed_interval(num_smin(&n, bits), num_smax(&n, bits), SCALAR_BITS);
	if (bits < SCALAR_HALF)
		s->r32 = range_pack(range_full(SCALAR_HALF));
	settle(s);
}

void scalar_end(struct scalar *s, enum byte_order order, u32 bits)
{
	struct num n = num_unknown(SCALAR_BITS);

	if (order == ORDER_LE) {
		scalar_trunc(s, bits / 8);
		return;
	}
	n.t = tnum_bswap(tnum_low(s->bits, bits), bits);
	*s = scalar_of_num(&n);
	settle(s);
}

enum tri scalar_compare(u8 op, enum width width, const struct scalar *a, const struct scalar *b)
{
	bool is_whole = width == WIDTH_64;
	struct num na = is_whole ? whole(a) : half(a), nb = is_whole ? whole(b) : half(b);
	enum tri known = num_compare(op, &na, &nb, bits_of(width));
	struct scalar meet = *a;

	/* Numbers whose low halves differ differ. */
	if (known != TRI_MAYBE || !is_whole || (BPF_OP(op) != BPF_JEQ && BPF_OP(op) != BPF_JNE))
		return known;
	if (scalar_meet(&meet, b))
		return TRI_MAYBE;
	return BPF_OP(op) == BPF_JEQ ? TRI_NO : TRI_YES;
}

/*
 * Why what is dropped here cannot occur.
 *
 * The relation that holds is between members a of A and b of B, at the width
 * of the jump.  A number is dropped from A only when no member of B stands in
 * the relation to it, measured by bounds of B that hold for all its members
 * (and from B likewise, by bounds of A taken before A was narrowed, which are
 * looser and so drop less).  Three conditions carry this:
 *
 * 1. A 32-bit jump speaks of low halves.  It narrows r32 and the low bits, never r64 directly;
 *    r64 follows through scalar_sync(), which drops a number only when its low
 *    half is off r32.  Without this the following reads out of bounds with
 *    r1 = 0x100000005, whose low half is 5:
 *
 *	if w1 >= 10 goto out		; not "r1 < 10"
 *	r0 = map value of 16 bytes + r1
 *
 * 2. Bounds are taken in the order the jump compares in.  Here the unsigned
 *    bound says r1 <= 2^64 - 2.  Read in the signed order, as r1 <= -2, it
 *    would drop every r1 that comes to the load, which then is never checked:
 *
 *	r2 = -1
 *	if r1 >= r2 goto out
 *	if r1 s< 0 goto out
 *	r0 = *(u64 *)(map value + 4096)
 *
 * 3. "Not equal" removes a number only when the other side is one number.
 *    With r1 and r2 each 0 or 1, r1 = 0 is still possible behind the jump, and
 *    the sum may be -1:
 *
 *	if r1 == r2 goto out
 *	r1 += -1
 *	r0 = *(u8 *)(map value + r1)
 *
 * Corpus: bounds_32_leaves_upper_half, bounds_unsigned_is_not_signed,
 * bounds_unequal_unknown.
 *
 * tests/unit/domain/scalar_small_test.c asks all pairs of members for each.
 */
bool scalar_refine(u8 op, enum width width, bool taken, struct scalar *a, struct scalar *b)
{
	bool equal = BPF_OP(op) == (taken ? BPF_JEQ : BPF_JNE);
	struct num na, nb;

	if (width == WIDTH_64 && equal) {
		if (!scalar_meet(a, b))
			return false;
		*b = *a;
		return true;
	}

	if (width == WIDTH_64) {
		na = whole(a);
		nb = whole(b);
	} else {
		na = half(a);
		nb = half(b);
	}
	if (!num_refine(op, taken, &na, &nb, bits_of(width)))
		return false;
	if (width == WIDTH_64) {
		put_whole(a, &na);
		put_whole(b, &nb);
	} else {
		put_half(a, &na);
		put_half(b, &nb);
	}
	return scalar_sync(a) && scalar_sync(b);
}

bool scalar_meet(struct scalar *a, const struct scalar *b)
{
	struct range64 low;

	if (!tnum_meet(a->bits, b->bits, &a->bits) ||
	    !range_meet(a->r64, b->r64, SCALAR_BITS, &a->r64) ||
	    !range_meet(range_unpack(a->r32), range_unpack(b->r32), SCALAR_HALF, &low))
		return false;
	a->r32 = range_pack(low);
	return scalar_sync(a);
}

static bool range_is_sane(struct range64 r, u32 bits)
{
	u64 mask = range_mask(bits);

	return r.base <= mask && r.len <= mask && (r.len < mask || r.base == 0);
}

bool scalar_is_sane(const struct scalar *s)
{
	struct scalar copy = *s;

	return !(s->bits.value & s->bits.mask) &&
	       !((s->bits.value | s->bits.mask) & ~range_mask(SCALAR_BITS)) &&
	       range_is_sane(s->r64, SCALAR_BITS) &&
	       range_is_sane(range_unpack(s->r32), SCALAR_HALF) && scalar_sync(&copy);
}
