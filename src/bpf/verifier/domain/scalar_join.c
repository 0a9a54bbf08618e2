/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/scalar_join.c - two scalars of one place, where paths meet
 *
 * Each view is compared and widened for itself, so that what was widened is
 * also seen to be covered, view by view.
 *
 * Invariant: scalar_covers() is never true of a number that is outside; widening
 *            loses none.
 */
#include "bpf/verifier/domain/num.h"
#include "bpf/verifier/domain/scalar.h"

bool scalar_covers(const struct scalar *old, const struct scalar *cur)
{
	return tnum_covers(old->bits, cur->bits) &&
	       range_covers(old->r64, cur->r64, SCALAR_BITS) &&
	       range_covers(range_unpack(old->r32), range_unpack(cur->r32), SCALAR_HALF);
}

bool scalar_equal(const struct scalar *a, const struct scalar *b)
{
	return a->bits.value == b->bits.value && a->bits.mask == b->bits.mask &&
	       a->r64.base == b->r64.base && a->r64.len == b->r64.len &&
	       a->r32.base == b->r32.base && a->r32.len == b->r32.len;
}

/*
 * An arc that covers both, from a ladder of four and then the whole circle:
 * up to the greatest signed or unsigned number, down to the least.  Each step
 * only grows, so a loop climbs it at most to the top.
 */
static struct range64 widen_range(struct range64 old, struct range64 cur, u32 bits)
{
	s64 least = range_signed(1ull << (bits - 1), bits);
	struct range64 ladder[] = {
		range_signed_interval(range_smin(old, bits), ~least, bits),
		range_unsigned(range_umin(old, bits), range_mask(bits), bits),
		range_signed_interval(least, range_smax(old, bits), bits),
		range_unsigned(0, range_umax(old, bits), bits),
	};

	if (range_covers(old, cur, bits))
		return old;
	for (u32 i = 0; i < ARRAY_SIZE(ladder); i++) {
		if (range_covers(ladder[i], old, bits) && range_covers(ladder[i], cur, bits))
			return ladder[i];
	}
	return range_full(bits);
}

/*
 * The lowest bit that is no longer known takes all above it along: a counter
 * would otherwise free one bit a visit.  The bits below, its alignment, stay.
 */
static struct tnum widen_bits(struct tnum old, struct tnum cur)
{
	struct tnum join = tnum_join(old, cur);
	u64 freed = join.mask & ~old.mask;
	u64 all = freed ? range_mask(SCALAR_BITS) & -(freed & -freed) : 0;

	join.value &= ~all;
	join.mask |= all;
	return join;
}

struct scalar scalar_widen(const struct scalar *old, const struct scalar *cur)
{
	struct range64 low = widen_range(range_unpack(old->r32), range_unpack(cur->r32),
					 SCALAR_HALF);

	return (struct scalar){
		.bits = widen_bits(old->bits, cur->bits),
		.r64 = widen_range(old->r64, cur->r64, SCALAR_BITS),
		.r32 = range_pack(low),
	};
}
