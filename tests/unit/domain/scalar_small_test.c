/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/domain/scalar_small_test.c - scalars of 8 and 4 bits, every member of each
 *
 * There are too many scalars for all pairs; a fixed random selection, biased
 * to few members and to arcs that wrap, meets each other completely.
 */
#include "tests/test.h"
#include "tests/unit/domain/concrete.h"
#include "tests/unit/domain/small.h"

#define BITS SCALAR_BITS
#define HALF SCALAR_HALF
#define N (1u << BITS)
#define NR 96

static struct scalar scalars[NR];
static u8 members[NR][N];
static u32 nr_members[NR];

static u32 collect(const struct scalar *s, u8 *ret_members)
{
	u32 nr = 0;

	for (u64 x = 0; x < N; x++) {
		if (scalar_contains(s, x))
			ret_members[nr++] = x;
	}
	return nr;
}

static struct range64 random_arc(u64 *seed, u32 bits)
{
	u64 r = next_random(seed), mask = mask_of(bits);
	s64 base;

	if (r % 3 == 0)
		return range_full(bits);
	if (r % 3 == 1)
		return range_unsigned(r >> 8 & mask, (r >> 8 & mask) | (r >> 16 & mask), bits);
	/* Around one of the two cuts, or anywhere. */
	base = (s64)(r >> 8 & mask);
	return range_signed_interval(base, base + (s64)(r >> 20 & mask), bits);
}

static struct scalar random_views(u64 *seed)
{
	u64 known = next_random(seed) >> 24, value = next_random(seed) >> 24;
	struct scalar s;

	if (known & 0x100)
		known &= next_random(seed) >> 30;
	s.bits.mask = ~known & mask_of(BITS);
	s.bits.value = value & known & mask_of(BITS);
	s.r64 = random_arc(seed, BITS);
	s.r32 = range_pack(random_arc(seed, HALF));
	return s;
}

static void make_scalars(void)
{
	u64 seed = 0x9e3779b97f4a7c15;
	u32 nr = 0;

	while (nr < NR) {
		struct scalar s = random_views(&seed);

		if (!scalar_sync(&s))
			continue;
		nr_members[nr] = collect(&s, members[nr]);
		/* A few with many members are enough. */
		if (nr_members[nr] && (nr_members[nr] < 24 || nr % 16 == 0))
			scalars[nr++] = s;
	}
}

TEST(scalar_small, sync_loses_nothing_and_reports_only_real_contradictions)
{
	u64 seed = 88172645463325252;
	u32 contradictions = 0, missed = 0;

	for (u32 i = 0; i < 200000; i++) {
		struct scalar s = random_views(&seed), before = s;
		u8 was[N], is[N];
		u32 nr_was = collect(&before, was), nr_is;

		if (!scalar_sync(&s)) {
			EXPECT_EQ(nr_was, 0);
			contradictions++;
			continue;
		}
		nr_is = collect(&s, is);
		EXPECT_EQ(nr_was, nr_is);
		EXPECT_MEM_EQ(was, is, nr_is);
		missed += !nr_is;
	}
	/* Three views together may hide one now and then. */
	EXPECT_TRUE(contradictions > 10000);
	EXPECT_TRUE(missed * 50 < contradictions);
}

static u64 concrete_result(const struct alu_case *c, enum width width, u64 a, u64 b)
{
	if (width == WIDTH_64)
		return concrete_alu(c->op, c->is_signed, a, b, BITS);
	return concrete_alu(c->op, c->is_signed, a & mask_of(HALF), b & mask_of(HALF), HALF);
}

static void check_alu(const struct alu_case *c, enum width width, u32 i, u32 j)
{
	struct scalar dst = scalars[i];

	scalar_alu(c->op, width, c->is_signed, &dst, &scalars[j]);
	EXPECT_TRUE(scalar_is_sane(&dst));
	for (u32 k = 0; k < nr_members[i]; k++) {
		for (u32 l = 0; l < nr_members[j]; l++) {
			u64 x = concrete_result(c, width, members[i][k], members[j][l]);

			if (!scalar_contains(&dst, x))
				print_error("%s: %u, %u gives %u\n", c->name, members[i][k],
					    members[j][l], (u32)x);
			EXPECT_TRUE(scalar_contains(&dst, x));
		}
	}
}

static void check_alu_width(enum width width)
{
	make_scalars();
	for (u32 c = 0; c < ARRAY_SIZE(alu_cases); c++) {
		for (u32 i = 0; i < NR; i++) {
			for (u32 j = 0; j < NR; j++)
				check_alu(&alu_cases[c], width, i, j);
		}
	}
}

TEST(scalar_small, whole_width_arithmetic_contains_every_result)
{
	check_alu_width(WIDTH_64);
}

TEST(scalar_small, half_width_arithmetic_contains_every_result)
{
	check_alu_width(WIDTH_32);
}

static void check_jump(u8 op, enum width width, u32 i, u32 j)
{
	enum tri known = scalar_compare(op, width, &scalars[i], &scalars[j]);
	struct scalar a[2] = { scalars[i], scalars[i] }, b[2] = { scalars[j], scalars[j] };
	bool possible[2];

	for (int taken = 0; taken < 2; taken++)
		possible[taken] = scalar_refine(op, width, taken, &a[taken], &b[taken]);

	for (u32 k = 0; k < nr_members[i]; k++) {
		for (u32 l = 0; l < nr_members[j]; l++) {
			u64 mask = width == WIDTH_64 ? mask_of(BITS) : mask_of(HALF);
			u64 x = members[i][k], y = members[j][l];
			bool taken = concrete_jump(op, x & mask, y & mask,
						   width == WIDTH_64 ? BITS : HALF);

			EXPECT_TRUE(known == TRI_MAYBE || (known == TRI_YES) == taken);
			EXPECT_TRUE(possible[taken]);
			EXPECT_TRUE(scalar_contains(&a[taken], x));
			EXPECT_TRUE(scalar_contains(&b[taken], y));
		}
	}
}

static void check_jump_width(enum width width)
{
	make_scalars();
	for (u32 c = 0; c < ARRAY_SIZE(jump_ops); c++) {
		for (u32 i = 0; i < NR; i++) {
			for (u32 j = 0; j < NR; j++)
				check_jump(jump_ops[c], width, i, j);
		}
	}
}

TEST(scalar_small, whole_width_conditions_lose_no_pair)
{
	check_jump_width(WIDTH_64);
}

TEST(scalar_small, half_width_conditions_lose_no_pair)
{
	check_jump_width(WIDTH_32);
}

TEST(scalar_small, extensions_contain_every_result)
{
	make_scalars();
	for (u32 i = 0; i < NR; i++) {
		struct scalar zext = scalars[i];

		scalar_zext32(&zext);
		for (u32 k = 0; k < nr_members[i]; k++)
			EXPECT_TRUE(scalar_contains(&zext, members[i][k] & mask_of(HALF)));
		EXPECT_EQ(scalar_umax(&zext) & ~mask_of(HALF), 0);

		for (u32 bits = 1; bits <= HALF; bits++) {
			struct scalar sext = scalars[i];

			scalar_sext(&sext, bits);
			EXPECT_TRUE(scalar_is_sane(&sext));
			for (u32 k = 0; k < nr_members[i]; k++)
				EXPECT_TRUE(scalar_contains(
					&sext, as_signed(members[i][k], bits) & mask_of(BITS)));
		}
	}
}

TEST(scalar_small, bounds_hold_for_every_member)
{
	make_scalars();
	for (u32 i = 0; i < NR; i++) {
		for (u32 k = 0; k < nr_members[i]; k++) {
			const struct scalar *s = &scalars[i];
			u64 x = members[i][k], low = x & mask_of(HALF);

			EXPECT_TRUE(scalar_umin(s) <= x && x <= scalar_umax(s));
			EXPECT_TRUE(scalar_smin(s) <= as_signed(x, BITS));
			EXPECT_TRUE(scalar_smax(s) >= as_signed(x, BITS));
			EXPECT_TRUE(scalar_umin32(s) <= low && low <= scalar_umax32(s));
			EXPECT_TRUE(scalar_smin32(s) <= as_signed(x, HALF));
			EXPECT_TRUE(scalar_smax32(s) >= as_signed(x, HALF));
		}
	}
}

static bool includes(u32 outer, u32 inner)
{
	for (u32 k = 0; k < nr_members[inner]; k++) {
		if (!scalar_contains(&scalars[outer], members[inner][k]))
			return false;
	}
	return true;
}

TEST(scalar_small, covering_is_inclusion_and_widening_covers)
{
	make_scalars();
	for (u32 i = 0; i < NR; i++) {
		for (u32 j = 0; j < NR; j++) {
			struct scalar wide = scalar_widen(&scalars[i], &scalars[j]);
			struct scalar meet = scalars[i];
			bool any = scalar_meet(&meet, &scalars[j]);

			EXPECT_TRUE(!scalar_covers(&scalars[i], &scalars[j]) || includes(i, j));
			EXPECT_TRUE(scalar_is_sane(&wide));
			EXPECT_TRUE(scalar_covers(&wide, &scalars[i]));
			EXPECT_TRUE(scalar_covers(&wide, &scalars[j]));
			for (u32 k = 0; k < nr_members[i]; k++) {
				if (scalar_contains(&scalars[j], members[i][k]))
					EXPECT_TRUE(any && scalar_contains(&meet, members[i][k]));
			}
		}
	}
}

TEST(scalar_small, widening_stops_after_few_steps)
{
	u64 seed = 0x123456789abcdef;

	make_scalars();
	for (u32 i = 0; i < 2000; i++) {
		struct scalar s = scalars[i % NR];
		u32 changes = 0;

		for (u32 visit = 0; visit < 60; visit++) {
			struct scalar next = scalar_widen(&s, &scalars[next_random(&seed) % NR]);

			changes += !scalar_equal(&s, &next);
			s = next;
		}
		EXPECT_TRUE(changes <= 12);
	}
}
