/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/num_cond.c - conditions: are they known, and what follows from them
 *
 * A jump and its outcome become one relation that holds; "greater" becomes
 * "less" with the sides exchanged.  Six relations remain.
 *
 * Invariant: num_refine() keeps a in A whenever some b in B stands in the
 *            relation to it, and the other way round.
 */
#include <linux/bpf.h>

#include "bpf/verifier/domain/num.h"

enum relation {
	REL_EQ,
	REL_NE,
	REL_LT,
	REL_LE,
	REL_SET,	/* a & b is not 0 */
	REL_CLEAR,	/* a & b is 0 */
};

/* What holds when the jump is taken. */
struct jump_rule {
	u8 relation;		/* enum relation */
	bool is_signed;
	bool exchange;		/* between b and a */
	bool known;
};

static const struct jump_rule jump_rules[16] = {
	[BPF_JEQ >> 4] = { REL_EQ, .known = true },
	[BPF_JNE >> 4] = { REL_NE, .known = true },
	[BPF_JSET >> 4] = { REL_SET, .known = true },
	[BPF_JLT >> 4] = { REL_LT, .known = true },
	[BPF_JLE >> 4] = { REL_LE, .known = true },
	[BPF_JGT >> 4] = { REL_LT, .known = true, .exchange = true },
	[BPF_JGE >> 4] = { REL_LE, .known = true, .exchange = true },
	[BPF_JSLT >> 4] = { REL_LT, .known = true, .is_signed = true },
	[BPF_JSLE >> 4] = { REL_LE, .known = true, .is_signed = true },
	[BPF_JSGT >> 4] = { REL_LT, .known = true, .is_signed = true, .exchange = true },
	[BPF_JSGE >> 4] = { REL_LE, .known = true, .is_signed = true, .exchange = true },
};

/* What holds when the jump is not taken: not a < b is b <= a. */
static struct jump_rule negate(struct jump_rule rule)
{
	static const u8 opposite[] = {
		[REL_EQ] = REL_NE, [REL_NE] = REL_EQ, [REL_SET] = REL_CLEAR,
		[REL_CLEAR] = REL_SET, [REL_LT] = REL_LE, [REL_LE] = REL_LT,
	};

	if (rule.relation == REL_LT || rule.relation == REL_LE)
		rule.exchange = !rule.exchange;
	rule.relation = opposite[rule.relation];
	return rule;
}

/* Least and greatest; numbers of a signed comparison are shifted to compare unsigned. */
struct ends {
	u64 min;
	u64 max;
};

static struct ends ends_of(const struct num *n, bool is_signed, u32 bits)
{
	u64 sign = 1ull << (bits - 1), mask = range_mask(bits);

	if (!is_signed)
		return (struct ends){ .min = num_umin(n, bits), .max = num_umax(n, bits) };
	return (struct ends){ .min = ((u64)num_smin(n, bits) + sign) & mask,
			      .max = ((u64)num_smax(n, bits) + sign) & mask };
}

/* The numbers whose shifted counterparts are [@min, @max]. */
static struct range64 arc_between(u64 min, u64 max, bool is_signed, u32 bits)
{
	struct range64 r = range_unsigned(min, max, bits);

	if (is_signed && !range_is_full(r, bits))
		r.base = (r.base + (1ull << (bits - 1))) & range_mask(bits);
	return r;
}

static bool can_hold(struct jump_rule rule, const struct num *a, const struct num *b, u32 bits)
{
	struct ends ea = ends_of(a, rule.is_signed, bits), eb = ends_of(b, rule.is_signed, bits);
	struct num meet = *a;

	switch ((enum relation)rule.relation) {
	case REL_EQ:
		return num_meet(&meet, b, bits);
	case REL_NE:
		return !num_is_const(a) || !num_is_const(b) || a->t.value != b->t.value;
	case REL_LT:
		return ea.min < eb.max;
	case REL_LE:
		return ea.min <= eb.max;
	case REL_SET:
		return tnum_umax(a->t) & tnum_umax(b->t);
	case REL_CLEAR:
		return !(a->t.value & b->t.value);
	}
	return true;
}

enum tri num_compare(u8 op, const struct num *a, const struct num *b, u32 bits)
{
	struct jump_rule rule = jump_rules[BPF_OP(op) >> 4];
	const struct num *left = rule.exchange ? b : a, *right = rule.exchange ? a : b;

	if (!rule.known)
		return TRI_MAYBE;
	if (!can_hold(rule, left, right, bits))
		return TRI_NO;
	rule = negate(rule);
	left = rule.exchange ? b : a;
	right = rule.exchange ? a : b;
	return can_hold(rule, left, right, bits) ? TRI_MAYBE : TRI_YES;
}

static bool keep_arc(struct num *n, struct range64 arc, u32 bits)
{
	return range_meet(n->r, arc, bits, &n->r);
}

static bool keep_bits(struct num *n, struct tnum t)
{
	return tnum_meet(n->t, t, &n->t);
}

/* Where the unsigned or the signed line is cut. */
static bool is_end_of_line(u64 value, u32 bits)
{
	u64 sign = 1ull << (bits - 1);

	return value == 0 || value == range_mask(bits) || value == sign || value == sign - 1;
}

/*
 * @n is not @value: an end of its arc may move.  A full circle has no end, and
 * is cut only where a bound follows from it.  Cutting it anywhere would say
 * more and prove less: in
 *
 *	if r1 == 5 goto a;  a: if r1 == 6 goto b;  b: if r1 == 7 goto c;  c: ...
 *
 * the path with r1 = 5 would not be covered at b by the one before, on which
 * r1 is anything but 5, so every case would walk the rest of the chain.
 * (tests/unit/search/search_test.c counts the instructions)
 */
static bool exclude(struct num *n, u64 value, u32 bits)
{
	u64 mask = range_mask(bits);

	if (n->r.len == 0)
		return n->r.base != value;
	if (range_is_full(n->r, bits)) {
		if (is_end_of_line(value, bits))
			n->r = (struct range64){ .base = (value + 1) & mask, .len = mask - 1 };
	} else if (n->r.base == value) {
		n->r = (struct range64){ .base = (value + 1) & mask, .len = n->r.len - 1 };
	} else if (((n->r.base + n->r.len) & mask) == value) {
		n->r.len--;
	}
	return true;
}

static bool refine_ne(struct num *a, struct num *b, u32 bits)
{
	if (num_is_const(b) && !exclude(a, b->t.value, bits))
		return false;
	return !num_is_const(a) || exclude(b, a->t.value, bits);
}

static bool refine_less(struct num *a, struct num *b, bool is_signed, u64 gap, u32 bits)
{
	struct ends ea = ends_of(a, is_signed, bits), eb = ends_of(b, is_signed, bits);
	u64 mask = range_mask(bits);

	/* a + gap <= b, so a <= max(b) - gap and b >= min(a) + gap; neither may wrap. */
	if (eb.max < gap || ea.min > mask - gap)
		return false;
	return keep_arc(a, arc_between(0, eb.max - gap, is_signed, bits), bits) &&
	       keep_arc(b, arc_between(ea.min + gap, mask, is_signed, bits), bits);
}

static bool refine_set(struct num *a, struct num *b, u32 bits)
{
	u64 common = tnum_umax(a->t) & tnum_umax(b->t);
	struct tnum forced = { .value = common, .mask = range_mask(bits) & ~common };

	if (!common)
		return false;
	/* The only bit they can have in common they have. */
	if (!(common & (common - 1)))
		return keep_bits(a, forced) && keep_bits(b, forced);
	return exclude(a, 0, bits) && exclude(b, 0, bits);
}

static bool refine_clear(struct num *a, struct num *b, u32 bits)
{
	u64 a_ones = a->t.value, b_ones = b->t.value, mask = range_mask(bits);

	return keep_bits(a, (struct tnum){ .value = 0, .mask = mask & ~b_ones }) &&
	       keep_bits(b, (struct tnum){ .value = 0, .mask = mask & ~a_ones });
}

static bool refine(struct jump_rule rule, struct num *a, struct num *b, u32 bits)
{
	switch ((enum relation)rule.relation) {
	case REL_EQ:
		if (!num_meet(a, b, bits))
			return false;
		*b = *a;
		return true;
	case REL_NE:
		return refine_ne(a, b, bits);
	case REL_LT:
		return refine_less(a, b, rule.is_signed, 1, bits);
	case REL_LE:
		return refine_less(a, b, rule.is_signed, 0, bits);
	case REL_SET:
		return refine_set(a, b, bits);
	case REL_CLEAR:
		return refine_clear(a, b, bits);
	}
	return true;
}

bool num_refine(u8 op, bool taken, struct num *a, struct num *b, u32 bits)
{
	struct jump_rule rule = jump_rules[BPF_OP(op) >> 4];

	if (!rule.known)
		return true;
	if (!taken)
		rule = negate(rule);
	if (!(rule.exchange ? refine(rule, b, a, bits) : refine(rule, a, b, bits)))
		return false;
	return num_sync(a, bits) && num_sync(b, bits);
}
