/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/range.c - arcs on the circle of 2^bits numbers
 *
 * Everything is measured from the start of some arc, modulo 2^bits: a number
 * x lies on an arc exactly when x - base <= len.  That one comparison needs no
 * case for wrapping, and no sign.
 *
 * Invariant: each result contains every concrete result, and the full circle
 *            has one shape (tests/unit/domain/range_test.c asks every pair of arcs).
 */
#include "bpf/verifier/domain/range.h"

u64 range_mask(u32 bits)
{
	return ~0ull >> (64 - bits);
}

s64 range_signed(u64 value, u32 bits)
{
	return (s64)(value << (64 - bits)) >> (64 - bits);
}

static struct range64 range_make(u64 base, u64 len, u32 bits)
{
	u64 mask = range_mask(bits);

	if (len >= mask)
		return range_full(bits);
	return (struct range64){ .base = base & mask, .len = len };
}

struct range64 range_full(u32 bits)
{
	return (struct range64){ .base = 0, .len = range_mask(bits) };
}

struct range64 range_const(u64 value, u32 bits)
{
	return (struct range64){ .base = value & range_mask(bits), .len = 0 };
}

struct range64 range_unsigned(u64 min, u64 max, u32 bits)
{
	return range_make(min, max - min, bits);
}

struct range64 range_signed_interval(s64 min, s64 max, u32 bits)
{
	return range_make((u64)min, (u64)max - (u64)min, bits);
}

struct range32 range_pack(struct range64 r)
{
	return (struct range32){ .base = (u32)r.base, .len = (u32)r.len };
}

struct range64 range_unpack(struct range32 r)
{
	return (struct range64){ .base = r.base, .len = r.len };
}

bool range_is_full(struct range64 r, u32 bits)
{
	return r.len == range_mask(bits);
}

/* How far x is ahead of the start of @r. */
static u64 range_ahead(struct range64 r, u64 x, u32 bits)
{
	return (x - r.base) & range_mask(bits);
}

static u64 range_last(struct range64 r, u32 bits)
{
	return (r.base + r.len) & range_mask(bits);
}

bool range_contains(struct range64 r, u64 value, u32 bits)
{
	return range_ahead(r, value, bits) <= r.len;
}

bool range_covers(struct range64 outer, struct range64 inner, u32 bits)
{
	u64 ahead = range_ahead(outer, inner.base, bits);

	if (range_is_full(outer, bits))
		return true;
	return ahead <= outer.len && inner.len <= outer.len - ahead;
}

/* Does the arc run over the end of the unsigned line? */
static bool range_wraps(struct range64 r, u32 bits)
{
	return r.len > range_mask(bits) - r.base;
}

/* The same arc, turned so that the cut of the signed line becomes that of the unsigned. */
static struct range64 range_turn(struct range64 r, u32 bits)
{
	r.base = (r.base + (1ull << (bits - 1))) & range_mask(bits);
	return r;
}

u64 range_umin(struct range64 r, u32 bits)
{
	return range_wraps(r, bits) ? 0 : r.base;
}

u64 range_umax(struct range64 r, u32 bits)
{
	return range_wraps(r, bits) ? range_mask(bits) : r.base + r.len;
}

s64 range_smin(struct range64 r, u32 bits)
{
	bool wraps = range_wraps(range_turn(r, bits), bits);

	return range_signed(wraps ? 1ull << (bits - 1) : r.base, bits);
}

s64 range_smax(struct range64 r, u32 bits)
{
	bool wraps = range_wraps(range_turn(r, bits), bits);

	return range_signed(wraps ? (1ull << (bits - 1)) - 1 : r.base + r.len, bits);
}

struct range64 range_add(struct range64 a, struct range64 b, u32 bits)
{
	/* Steps ahead of a.base + b.base: at most a.len + b.len, if that is no round trip. */
	if (a.len > range_mask(bits) - b.len)
		return range_full(bits);
	return range_make(a.base + b.base, a.len + b.len, bits);
}

struct range64 range_sub(struct range64 a, struct range64 b, u32 bits)
{
	return range_add(a, range_neg(b, bits), bits);
}

struct range64 range_neg(struct range64 a, u32 bits)
{
	/* The last becomes the first. */
	return range_make(-(a.base + a.len), a.len, bits);
}

struct range64 range_low(struct range64 r, u32 bits)
{
	/* An arc longer than the small circle winds around it completely. */
	return range_make(r.base, r.len, bits);
}

/*
 * Two arcs meet in nothing, in one piece, or in two.  They meet in two when
 * each starts inside the other at a different place: then the union is the
 * whole circle, and between the two pieces lie the rest of a's circle on one
 * side and of b's on the other.  The only arcs that contain both pieces are a
 * and b themselves and longer ones, so the shorter of the two is the best
 * answer there is.
 *
 * Answering with one of the pieces would be unsound.  With 4 bits let
 * a = {14, 15, 0, 1, 2} and b = {1, ..., 15}: both hold for 1, 2, 14 and 15.
 * If the answer were {1, 2}, this program would be accepted and read at -2:
 *
 *	r1 = unknown number
 *	r2 = r1; r2 += 2; if r2 > 4 goto out	; -2 <= r1 <= 2
 *	if r1 == 0 goto out			; r1 is on the arc 1 .. -1
 *	r0 = *(u8 *)(map value + r1)		; "1 <= r1 <= 2"
 *
 * Corpus: bounds_meet_in_two_pieces.
 */
bool range_meet(struct range64 a, struct range64 b, u32 bits, struct range64 *ret_meet)
{
	u64 b_ahead = range_ahead(a, b.base, bits);
	u64 a_ahead = range_ahead(b, a.base, bits);
	bool b_starts_in_a = b_ahead <= a.len;
	bool a_starts_in_b = a_ahead <= b.len;

	if (!b_starts_in_a && !a_starts_in_b)
		return false;

	if (range_is_full(a, bits) || range_is_full(b, bits) ||
	    (b_starts_in_a && a_starts_in_b)) {
		*ret_meet = a.len <= b.len ? a : b;
		return true;
	}

	/* From the start that lies inside to whichever end comes first. */
	if (b_starts_in_a)
		*ret_meet = range_make(b.base, min(b.len, a.len - b_ahead), bits);
	else
		*ret_meet = range_make(a.base, min(a.len, b.len - a_ahead), bits);
	return true;
}

/* From the start of @a to the end of @b, or the whole circle if that leaves something out. */
static struct range64 range_span(struct range64 a, struct range64 b, u32 bits)
{
	struct range64 span = range_make(a.base, range_ahead(a, range_last(b, bits), bits), bits);

	if (range_covers(span, a, bits) && range_covers(span, b, bits))
		return span;
	return range_full(bits);
}

struct range64 range_join(struct range64 a, struct range64 b, u32 bits)
{
	struct range64 ab = range_span(a, b, bits);
	struct range64 ba = range_span(b, a, bits);

	if (range_covers(a, b, bits))
		return a;
	if (range_covers(b, a, bits))
		return b;
	return ab.len <= ba.len ? ab : ba;
}
