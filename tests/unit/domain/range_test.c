/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/domain/range_test.c - every pair of arcs of a small circle, as sets of numbers
 */
#include "tests/test.h"
#include "tests/unit/domain/concrete.h"

#include "bpf/verifier/domain/range.h"

#define BITS 5
#define N (1u << BITS)
#define MASK (N - 1)
#define NR_ARCS (N * MASK + 1)	/* N starts, MASK lengths short of the circle; the circle */

static struct range64 arcs[NR_ARCS];
static u32 sets[NR_ARCS];

static u32 set_of(struct range64 r)
{
	u32 set = 0;

	for (u64 i = 0; i <= r.len; i++)
		set |= 1u << ((r.base + i) & MASK);
	return set;
}

static void make_arcs(void)
{
	u32 nr = 0;

	for (u64 base = 0; base < N; base++) {
		for (u64 len = 0; len < MASK; len++)
			arcs[nr++] = (struct range64){ .base = base, .len = len };
	}
	arcs[nr++] = range_full(BITS);
	EXPECT_EQ(nr, NR_ARCS);
	for (u32 i = 0; i < NR_ARCS; i++)
		sets[i] = set_of(arcs[i]);
}

static void expect_sane(struct range64 r)
{
	EXPECT_TRUE(r.base <= MASK && r.len <= MASK);
	if (r.len == MASK)
		EXPECT_EQ(r.base, 0);
}

/* The set of all x + y: the set of y turned by every x. */
static u32 sums(u32 a, u32 b)
{
	u32 all = 0;

	for (u32 x = 0; x < N; x++) {
		if (a & (1u << x))
			all |= x ? (b << x) | (b >> (N - x)) : b;
	}
	return all;
}

static u32 negated(u32 a)
{
	u32 all = 0;

	for (u32 x = 0; x < N; x++) {
		if (a & (1u << x))
			all |= 1u << (-x & MASK);
	}
	return all;
}

TEST(range, membership_and_hulls_are_those_of_the_set)
{
	make_arcs();
	for (u32 i = 0; i < NR_ARCS; i++) {
		u64 umin = N, umax = 0;
		s64 smin = N, smax = -(s64)N;

		for (u64 x = 0; x < N; x++) {
			bool in = sets[i] & (1u << x);

			EXPECT_EQ(range_contains(arcs[i], x, BITS), in);
			if (!in)
				continue;
			umin = min(umin, x);
			umax = max(umax, x);
			smin = min(smin, as_signed(x, BITS));
			smax = max(smax, as_signed(x, BITS));
		}
		EXPECT_EQ(range_umin(arcs[i], BITS), umin);
		EXPECT_EQ(range_umax(arcs[i], BITS), umax);
		EXPECT_EQ(range_smin(arcs[i], BITS), smin);
		EXPECT_EQ(range_smax(arcs[i], BITS), smax);
	}
}

TEST(range, intervals_are_their_sets)
{
	for (s64 min = 0; min < N; min++) {
		for (s64 max = min; max < N; max++) {
			struct range64 u = range_unsigned(min, max, BITS);
			struct range64 s = range_signed_interval(min - N / 2, max - N / 2, BITS);

			expect_sane(u);
			expect_sane(s);
			EXPECT_EQ(range_umin(u, BITS), min);
			EXPECT_EQ(range_umax(u, BITS), max);
			EXPECT_EQ(range_smin(s, BITS), min - N / 2);
			EXPECT_EQ(range_smax(s, BITS), max - N / 2);
		}
	}
}

TEST(range, sums_differences_and_negations_are_exact)
{
	make_arcs();
	for (u32 i = 0; i < NR_ARCS; i++) {
		EXPECT_EQ(set_of(range_neg(arcs[i], BITS)), negated(sets[i]));
		for (u32 j = 0; j < NR_ARCS; j++) {
			struct range64 sum = range_add(arcs[i], arcs[j], BITS);
			struct range64 diff = range_sub(arcs[i], arcs[j], BITS);

			expect_sane(sum);
			expect_sane(diff);
			EXPECT_EQ(set_of(sum), sums(sets[i], sets[j]));
			EXPECT_EQ(set_of(diff), sums(sets[i], negated(sets[j])));
		}
	}
}

/* How many numbers the shortest arc around @set has. */
static u32 shortest_around(u32 set)
{
	u32 best = N;

	for (u32 i = 0; i < NR_ARCS; i++) {
		if (!(set & ~sets[i]))
			best = min(best, (u32)arcs[i].len + 1);
	}
	return best;
}

TEST(range, meet_keeps_what_is_in_both_and_sees_when_nothing_is)
{
	make_arcs();
	for (u32 i = 0; i < NR_ARCS; i++) {
		for (u32 j = 0; j < NR_ARCS; j++) {
			u32 both = sets[i] & sets[j];
			struct range64 r;

			EXPECT_EQ(range_meet(arcs[i], arcs[j], BITS, &r), both != 0);
			if (!both)
				continue;
			expect_sane(r);
			EXPECT_EQ(both & ~set_of(r), 0);
			EXPECT_TRUE(set_of(r) == sets[i] || set_of(r) == sets[j] ||
				    set_of(r) == both);
		}
	}
}

TEST(range, join_keeps_both_and_covers_is_inclusion)
{
	make_arcs();
	for (u32 i = 0; i < NR_ARCS; i++) {
		for (u32 j = 0; j < NR_ARCS; j++) {
			struct range64 r = range_join(arcs[i], arcs[j], BITS);

			expect_sane(r);
			EXPECT_EQ((sets[i] | sets[j]) & ~set_of(r), 0);
			EXPECT_EQ(range_covers(arcs[i], arcs[j], BITS), !(sets[j] & ~sets[i]));
		}
	}
}

TEST(range, meet_and_join_are_the_shortest_arcs)
{
	make_arcs();
	/* Every seventh pair: the search for the shortest is slow. */
	for (u32 i = 0; i < NR_ARCS; i += 7) {
		for (u32 j = 0; j < NR_ARCS; j += 5) {
			struct range64 r = range_join(arcs[i], arcs[j], BITS);

			EXPECT_EQ(r.len + 1, shortest_around(sets[i] | sets[j]));
			if (range_meet(arcs[i], arcs[j], BITS, &r))
				EXPECT_EQ(r.len + 1, shortest_around(sets[i] & sets[j]));
		}
	}
}

TEST(range, low_bits_contain_those_of_every_number)
{
	make_arcs();
	for (u32 i = 0; i < NR_ARCS; i++) {
		for (u32 bits = 1; bits <= BITS; bits++) {
			struct range64 low = range_low(arcs[i], bits);

			for (u64 x = 0; x < N; x++) {
				if (sets[i] & (1u << x))
					EXPECT_TRUE(range_contains(low, x & mask_of(bits), bits));
			}
		}
	}
}

TEST(range, meet_in_two_pieces_keeps_both)
{
	/* 14, 15, 0, 1, 2 and 1 .. 15 of 16: neither -2 nor 2 may get lost. */
	struct range64 a = { .base = 14, .len = 4 }, b = { .base = 1, .len = 14 }, r;

	EXPECT_TRUE(range_meet(a, b, 4, &r));
	EXPECT_TRUE(range_contains(r, 1, 4));
	EXPECT_TRUE(range_contains(r, 2, 4));
	EXPECT_TRUE(range_contains(r, 14, 4));
	EXPECT_TRUE(range_contains(r, 15, 4));
	EXPECT_EQ(r.len, 4);
}

TEST(range, the_widest_circle_has_no_special_case)
{
	struct range64 r = range_signed_interval(-5, 10, 64);

	EXPECT_EQ(range_smin(r, 64), -5);
	EXPECT_EQ(range_smax(r, 64), 10);
	EXPECT_EQ(range_umin(r, 64), 0);
	EXPECT_EQ(range_umax(r, 64), -1);
	r = range_add(r, range_const(5, 64), 64);
	EXPECT_EQ(range_umin(r, 64), 0);
	EXPECT_EQ(range_umax(r, 64), 15);
	EXPECT_TRUE(range_is_full(range_unsigned(0, ~0ull, 64), 64));
	EXPECT_TRUE(range_is_full(range_signed_interval(INT64_MIN, INT64_MAX, 64), 64));
	EXPECT_TRUE(range_is_full(range_add(range_full(64), range_const(1, 64), 64), 64));
	r = range_unsigned(0, 1ull << 32, 64);
	EXPECT_TRUE(range_is_full(range_low(r, 32), 32));
	r = range_unsigned(0xfffffffe, 0x100000001, 64);
	EXPECT_EQ(range_smin(range_low(r, 32), 32), -2);
	EXPECT_EQ(range_smax(range_low(r, 32), 32), 1);
}
