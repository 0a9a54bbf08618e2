/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/tnum.c - arithmetic on numbers of which some bits are known
 *
 * Addition, subtraction and multiplication follow Vishwanathan, Shachnai,
 * Narayana and Nagarakatte, "Sound, Precise, and Fast Abstract Interpretation
 * with Tristate Numbers" (CGO 2022): run the operation on the extreme members
 * and call every bit unknown in which they differ.
 *
 * Invariant: each result contains every concrete result (tests/unit/domain/tnum_test.c
 *            asks every pair of members of every pair of tnums).
 */
#include "bpf/verifier/domain/tnum.h"

static u64 low_mask(u32 bits)
{
	return bits >= 64 ? ~0ull : (1ull << bits) - 1;
}

static struct tnum tnum_make(u64 value, u64 unknown)
{
	return (struct tnum){ .value = value & ~unknown, .mask = unknown };
}

struct tnum tnum_const(u64 value)
{
	return (struct tnum){ .value = value, .mask = 0 };
}

struct tnum tnum_range(u64 min, u64 max)
{
	u64 differ = min ^ max;
	u32 bits = differ ? 64 - __builtin_clzll(differ) : 0;

	return tnum_make(min, low_mask(bits));
}

bool tnum_is_const(struct tnum t)
{
	return t.mask == 0;
}

bool tnum_is_unknown(struct tnum t)
{
	return t.mask == ~0ull;
}

u64 tnum_umin(struct tnum t)
{
	return t.value;
}

u64 tnum_umax(struct tnum t)
{
	return t.value | t.mask;
}

bool tnum_contains(struct tnum t, u64 value)
{
	return (value & ~t.mask) == t.value;
}

bool tnum_covers(struct tnum outer, struct tnum inner)
{
	return !(inner.mask & ~outer.mask) && tnum_contains(outer, inner.value);
}

bool tnum_is_aligned(struct tnum t, u64 size)
{
	return !((t.value | t.mask) & (size - 1));
}

struct tnum tnum_add(struct tnum a, struct tnum b)
{
	u64 least = a.value + b.value;
	u64 greatest = least + a.mask + b.mask;

	/* A carry that differs between the extremes shows in their difference. */
	return tnum_make(least, (least ^ greatest) | a.mask | b.mask);
}

struct tnum tnum_sub(struct tnum a, struct tnum b)
{
	u64 middle = a.value - b.value;
	u64 borrows = (middle + a.mask) ^ (middle - b.mask);

	return tnum_make(middle, borrows | a.mask | b.mask);
}

struct tnum tnum_neg(struct tnum a)
{
	return tnum_sub(tnum_const(0), a);
}

struct tnum tnum_mul(struct tnum a, struct tnum b)
{
	struct tnum noise = tnum_const(0);
	u64 known = a.value * b.value;

	/*
	 * Long multiplication of what the known product leaves out: a known 1
	 * of @a adds the unknown bits of @b, an unknown bit of @a adds all of @b
	 * or nothing.
	 */
	for (; a.value | a.mask; a.value >>= 1, a.mask >>= 1) {
		if (a.mask & 1)
			noise = tnum_add(noise, tnum_make(0, b.value | b.mask));
		else if (a.value & 1)
			noise = tnum_add(noise, tnum_make(0, b.mask));
		b.value <<= 1;
		b.mask <<= 1;
	}
	return tnum_add(tnum_const(known), noise);
}

struct tnum tnum_and(struct tnum a, struct tnum b)
{
	u64 ones = a.value & b.value;
	u64 maybe = tnum_umax(a) & tnum_umax(b);

	return (struct tnum){ .value = ones, .mask = maybe & ~ones };
}

struct tnum tnum_or(struct tnum a, struct tnum b)
{
	u64 ones = a.value | b.value;

	return (struct tnum){ .value = ones, .mask = (a.mask | b.mask) & ~ones };
}

struct tnum tnum_xor(struct tnum a, struct tnum b)
{
	return tnum_make(a.value ^ b.value, a.mask | b.mask);
}

struct tnum tnum_not(struct tnum a)
{
	return tnum_make(~a.value, a.mask);
}

struct tnum tnum_udiv(struct tnum a, struct tnum b)
{
	u64 divisor = b.value;

	if (tnum_is_const(b) && !divisor)
		return tnum_const(0);
	if (tnum_is_const(b) && tnum_is_const(a))
		return tnum_const(a.value / divisor);
	if (tnum_is_const(b) && !(divisor & (divisor - 1)))
		return tnum_rsh(a, __builtin_ctzll(divisor));

	/* At most the greatest by the least divisor that is not 0; 0 when that one occurs. */
	return tnum_range(0, tnum_umax(a) / (divisor ?: 1));
}

struct tnum tnum_umod(struct tnum a, struct tnum b)
{
	u64 multiple = tnum_umax(b);
	u32 kept = multiple ? __builtin_ctzll(multiple) : 64;
	u64 greatest;

	if (tnum_is_const(b) && tnum_is_const(a))
		return tnum_const(b.value ? a.value % b.value : a.value);

	/*
	 * What is taken away are multiples of b, so the zero bits at its end
	 * leave those of a as they are; also when b is 0, for then all of a stays.
	 */
	if (kept >= 64)
		return a;
	greatest = tnum_umax(a);
	if (b.value && multiple - 1 < greatest)
		greatest = multiple - 1;
	return tnum_or(tnum_and(a, tnum_const(low_mask(kept))),
		       tnum_and(tnum_range(0, greatest), tnum_const(~low_mask(kept))));
}

struct tnum tnum_lsh(struct tnum a, u32 shift)
{
	return (struct tnum){ .value = a.value << shift, .mask = a.mask << shift };
}

struct tnum tnum_rsh(struct tnum a, u32 shift)
{
	return (struct tnum){ .value = a.value >> shift, .mask = a.mask >> shift };
}

struct tnum tnum_arsh(struct tnum a, u32 shift, u32 bits)
{
	struct tnum wide = tnum_sext(a, bits);

	/* An unknown sign is a 1 of the mask, so it spreads as unknown. */
	wide.value = (u64)((s64)wide.value >> shift);
	wide.mask = (u64)((s64)wide.mask >> shift);
	return tnum_low(wide, bits);
}

struct tnum tnum_low(struct tnum t, u32 bits)
{
	return (struct tnum){ .value = t.value & low_mask(bits), .mask = t.mask & low_mask(bits) };
}

static u64 sign_extend(u64 value, u32 bits)
{
	return (u64)((s64)(value << (64 - bits)) >> (64 - bits));
}

struct tnum tnum_sext(struct tnum t, u32 bits)
{
	return (struct tnum){ .value = sign_extend(t.value, bits),
			      .mask = sign_extend(t.mask, bits) };
}

static u64 swap_bytes(u64 value, u32 bits)
{
	return __builtin_bswap64(value) >> (64 - bits);
}

struct tnum tnum_bswap(struct tnum t, u32 bits)
{
	return (struct tnum){ .value = swap_bytes(t.value, bits),
			      .mask = swap_bytes(t.mask, bits) };
}

bool tnum_meet(struct tnum a, struct tnum b, struct tnum *ret_meet)
{
	if ((a.value ^ b.value) & ~a.mask & ~b.mask)
		return false;
	*ret_meet = tnum_make(a.value | b.value, a.mask & b.mask);
	return true;
}

struct tnum tnum_join(struct tnum a, struct tnum b)
{
	return tnum_make(a.value, a.mask | b.mask | (a.value ^ b.value));
}
