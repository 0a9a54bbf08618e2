/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/domain/tnum_test.c - every pair of tnums of few bits, every member of each
 */
#include "tests/test.h"
#include "tests/unit/domain/concrete.h"

#include "bpf/verifier/domain/tnum.h"

#define BITS 5
#define N (1u << BITS)
#define MASK (N - 1)

/* 3^BITS: each bit 0, 1 or unknown. */
#define NR_TNUMS 243

static struct tnum tnums[NR_TNUMS];

static void make_tnums(void)
{
	u32 nr = 0;

	for (u64 mask = 0; mask < N; mask++) {
		for (u64 value = 0; value < N; value++) {
			if (!(value & mask))
				tnums[nr++] = (struct tnum){ .value = value, .mask = mask };
		}
	}
	EXPECT_EQ(nr, NR_TNUMS);
}

static bool member(struct tnum t, u64 x)
{
	return (x & ~t.mask) == t.value;
}

/* The smallest tnum of BITS with every number of @set. */
static struct tnum best(u32 set)
{
	u64 ones = MASK, any = 0;

	for (u64 x = 0; x < N; x++) {
		if (set & (1u << x)) {
			ones &= x;
			any |= x;
		}
	}
	return (struct tnum){ .value = ones, .mask = any & ~ones };
}

static u32 set_of(struct tnum t)
{
	u32 set = 0;

	for (u64 x = 0; x < N; x++)
		set |= (u32)member(t, x) << x;
	return set;
}

typedef struct tnum binary_fn(struct tnum a, struct tnum b);

/* @exact: nothing less would do. */
static void check_binary(binary_fn *fn, u8 op, bool exact)
{
	make_tnums();
	for (u32 i = 0; i < NR_TNUMS; i++) {
		for (u32 j = 0; j < NR_TNUMS; j++) {
			struct tnum t = tnum_low(fn(tnums[i], tnums[j]), BITS);
			u32 results = 0;

			EXPECT_EQ(t.value & t.mask, 0);
			for (u64 ab = 0; ab < N * N; ab++) {
				u64 a = ab / N, b = ab % N;

				if (member(tnums[i], a) && member(tnums[j], b))
					results |= 1u << concrete_alu(op, false, a, b, BITS);
			}
			EXPECT_EQ(results & ~set_of(t), 0);
			if (exact)
				EXPECT_EQ(set_of(t), set_of(best(results)));
		}
	}
}

TEST(tnum, add_contains_every_sum_and_is_the_best)
{
	check_binary(tnum_add, BPF_ADD, true);
}

TEST(tnum, sub_contains_every_difference_and_is_the_best)
{
	check_binary(tnum_sub, BPF_SUB, true);
}

TEST(tnum, mul_contains_every_product)
{
	check_binary(tnum_mul, BPF_MUL, false);
}

TEST(tnum, and_or_xor_are_the_best)
{
	check_binary(tnum_and, BPF_AND, true);
	check_binary(tnum_or, BPF_OR, true);
	check_binary(tnum_xor, BPF_XOR, true);
}

TEST(tnum, division_and_remainder_contain_every_result_by_zero_too)
{
	check_binary(tnum_udiv, BPF_DIV, false);
	check_binary(tnum_umod, BPF_MOD, false);
}

TEST(tnum, shifts_by_a_known_amount_are_the_best)
{
	make_tnums();
	for (u32 i = 0; i < NR_TNUMS; i++) {
		for (u32 shift = 0; shift < BITS; shift++) {
			struct tnum left = tnum_low(tnum_lsh(tnums[i], shift), BITS);
			u32 lsh = 0, rsh = 0, arsh = 0;

			for (u64 a = 0; a < N; a++) {
				if (!member(tnums[i], a))
					continue;
				lsh |= 1u << ((a << shift) & MASK);
				rsh |= 1u << (a >> shift);
				arsh |= 1u << ((as_signed(a, BITS) >> shift) & MASK);
			}
			EXPECT_EQ(set_of(left), set_of(best(lsh)));
			EXPECT_EQ(set_of(tnum_rsh(tnums[i], shift)), set_of(best(rsh)));
			EXPECT_EQ(set_of(tnum_arsh(tnums[i], shift, BITS)), set_of(best(arsh)));
		}
	}
}

TEST(tnum, negation_and_complement_contain_every_result)
{
	make_tnums();
	for (u32 i = 0; i < NR_TNUMS; i++) {
		for (u64 a = 0; a < N; a++) {
			if (!member(tnums[i], a))
				continue;
			EXPECT_TRUE(tnum_contains(tnum_low(tnum_neg(tnums[i]), BITS), -a & MASK));
			EXPECT_TRUE(tnum_contains(tnum_low(tnum_not(tnums[i]), BITS), ~a & MASK));
		}
	}
}

TEST(tnum, meet_is_the_intersection_and_join_the_best_union)
{
	make_tnums();
	for (u32 i = 0; i < NR_TNUMS; i++) {
		for (u32 j = 0; j < NR_TNUMS; j++) {
			u32 a = set_of(tnums[i]), b = set_of(tnums[j]);
			struct tnum t;

			EXPECT_EQ(tnum_meet(tnums[i], tnums[j], &t), (a & b) != 0);
			if (a & b)
				EXPECT_EQ(set_of(t), a & b);
			EXPECT_EQ(set_of(tnum_join(tnums[i], tnums[j])), set_of(best(a | b)));
			EXPECT_EQ(tnum_covers(tnums[i], tnums[j]), !(b & ~a));
		}
	}
}

TEST(tnum, range_is_the_best_for_an_interval)
{
	for (u64 min = 0; min < N; min++) {
		u32 set = 0;

		for (u64 max = min; max < N; max++) {
			set |= 1u << max;
			EXPECT_EQ(set_of(tnum_range(min, max)), set_of(best(set)));
		}
	}
	EXPECT_TRUE(tnum_is_unknown(tnum_range(0, ~0ull)));
	EXPECT_TRUE(tnum_is_const(tnum_range(~0ull, ~0ull)));
}

TEST(tnum, least_and_greatest_are_members)
{
	make_tnums();
	for (u32 i = 0; i < NR_TNUMS; i++) {
		u32 set = set_of(tnums[i]);

		EXPECT_EQ(tnum_umin(tnums[i]), __builtin_ctz(set));
		EXPECT_EQ(tnum_umax(tnums[i]), 31 - __builtin_clz(set));
		for (u64 size = 1; size < N; size *= 2) {
			bool aligned = true;

			for (u64 x = 0; x < N; x++)
				aligned &= !(set & (1u << x)) || x % size == 0;
			EXPECT_EQ(tnum_is_aligned(tnums[i], size), aligned);
		}
	}
}

TEST(tnum, sign_extension_spreads_what_is_known_of_the_sign)
{
	struct tnum unknown_sign = { .value = 1, .mask = 0x80 };

	EXPECT_EQ(tnum_sext(tnum_const(0x80), 8).value, 0xffffffffffffff80);
	EXPECT_EQ(tnum_sext(tnum_const(0x7f), 8).value, 0x7f);
	EXPECT_EQ(tnum_sext(unknown_sign, 8).mask, 0xffffffffffffff80);
	EXPECT_EQ(tnum_sext(tnum_const(5), 64).value, 5);
}

TEST(tnum, bytes_change_places)
{
	struct tnum t = { .value = 0x1200, .mask = 0xff };

	EXPECT_EQ(tnum_bswap(t, 16).value, 0x0012);
	EXPECT_EQ(tnum_bswap(t, 16).mask, 0xff00);
	EXPECT_EQ(tnum_bswap(tnum_const(0x11223344), 32).value, 0x44332211);
	EXPECT_EQ(tnum_bswap(tnum_const(0x1122334455667788), 64).value, 0x8877665544332211);
}
