/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/num.c - known bits and one arc that tell each other what they know
 *
 * Invariant: num_sync() and num_meet() never lose a number that belongs to
 *            both views of what they are given.
 * Not here:  arithmetic (num_alu.c), conditions (num_cond.c).
 */
#include "bpf/verifier/domain/num.h"

struct num num_unknown(u32 bits)
{
	return (struct num){ .t = tnum_low(TNUM_UNKNOWN, bits), .r = range_full(bits) };
}

struct num num_const(u64 value, u32 bits)
{
	value &= range_mask(bits);
	return (struct num){ .t = tnum_const(value), .r = range_const(value, bits) };
}

bool num_is_const(const struct num *n)
{
	return tnum_is_const(n->t);
}

bool num_contains(const struct num *n, u64 value, u32 bits)
{
	return tnum_contains(n->t, value) && range_contains(n->r, value, bits);
}

u64 num_umin(const struct num *n, u32 bits)
{
	return max(range_umin(n->r, bits), tnum_umin(n->t));
}

u64 num_umax(const struct num *n, u32 bits)
{
	return min(range_umax(n->r, bits), tnum_umax(n->t));
}

s64 num_smin(const struct num *n, u32 bits)
{
	u64 sign = 1ull << (bits - 1);
	s64 least = range_signed(n->t.value | (n->t.mask & sign), bits);

	return max(range_smin(n->r, bits), least);
}

s64 num_smax(const struct num *n, u32 bits)
{
	u64 sign = 1ull << (bits - 1);
	s64 greatest = range_signed(n->t.value | (n->t.mask & ~sign), bits);

	return min(range_smax(n->r, bits), greatest);
}

/*
 * The least member of @t that is at least @x; when there is none, the least of
 * all, which comes next on the circle.
 */
static u64 next_member(struct tnum t, u64 x)
{
	u64 wrong = (x ^ t.value) & ~t.mask;
	u64 top, free_zeros;

	if (!wrong)
		return x;

	/* Above the highest known bit that x has wrong, x may stay as it is. */
	top = 1ull << (63 - __builtin_clzll(wrong));
	if (t.value & top)
		return (x & ~(top | (top - 1))) | (t.value & (top | (top - 1)));

	/* x has a 1 there that must be 0: a higher unknown 0 has to become 1 instead. */
	free_zeros = t.mask & ~x & ~(top | (top - 1));
	if (!free_zeros)
		return tnum_umin(t);
	top = free_zeros & -free_zeros;
	return (x & ~(top | (top - 1))) | top | (t.value & (top - 1));
}

/* The greatest member that is at most @x, else the greatest of all: the mirror image. */
static u64 prev_member(struct tnum t, u64 x, u32 bits)
{
	return ~next_member(tnum_low(tnum_not(t), bits), ~x & range_mask(bits)) & range_mask(bits);
}

/* Move both ends of the arc inwards to members of the bits; false when they pass each other. */
static bool trim(struct num *n, u32 bits)
{
	u64 mask = range_mask(bits);
	u64 first, last, skipped;

	/* Cut at the other end of the line the arc would have the same length. */
	if (range_is_full(n->r, bits)) {
		n->r = range_unsigned(tnum_umin(n->t), tnum_umax(n->t), bits);
		return true;
	}

	first = next_member(n->t, n->r.base);
	skipped = (first - n->r.base) & mask;
	if (skipped > n->r.len)
		return false;

	/* There is a member on the arc, so the way back from its end finds one too. */
	last = prev_member(n->t, (n->r.base + n->r.len) & mask, bits);
	n->r.base = first;
	n->r.len = (last - first) & mask;
	return true;
}

bool num_sync(struct num *n, u32 bits)
{
	if (tnum_is_const(n->t)) {
		if (!range_contains(n->r, n->t.value, bits))
			return false;
		n->r = range_const(n->t.value, bits);
		return true;
	}

	/* Bits narrow the arc, whose common prefix may then fix more bits, once or twice. */
	for (int round = 0; round < 3; round++) {
		struct tnum before = n->t;

		if (!trim(n, bits))
			return false;
		if (!tnum_meet(n->t, tnum_range(range_umin(n->r, bits), range_umax(n->r, bits)),
			       &n->t))
			return false;
		if (n->t.mask == before.mask)
			break;
	}
	return true;
}

bool num_meet(struct num *a, const struct num *b, u32 bits)
{
	return tnum_meet(a->t, b->t, &a->t) && range_meet(a->r, b->r, bits, &a->r) &&
	       num_sync(a, bits);
}

struct num num_join(const struct num *a, const struct num *b, u32 bits)
{
	return (struct num){ .t = tnum_join(a->t, b->t), .r = range_join(a->r, b->r, bits) };
}
