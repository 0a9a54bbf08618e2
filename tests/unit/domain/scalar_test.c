/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/domain/scalar_test.c - scalars of the real width
 *
 * Random scalars around known members, every operation at both widths; then
 * what programs rely on: how much is known after the usual bounds checks.
 */
#include "tests/test.h"
#include "tests/unit/domain/concrete.h"

#include "bpf/verifier/domain/scalar.h"

#define MEMBERS 6
#define ROUNDS 8000

struct sample {
	struct scalar s;
	u64 member[MEMBERS];
	u32 nr;
};

/* Numbers near which mistakes live. */
static u64 interesting(u64 *seed)
{
	static const u64 corner[] = {
		0, 1, 7, 31, 32, 63, 64, 0xff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
		0x7fffffffffffffff, 0x8000000000000000, 0xffffffff80000000, 0xffffffffffffffff,
	};
	u64 r = next_random(seed), base = corner[r % ARRAY_SIZE(corner)];

	switch (r >> 8 & 3) {
	case 0:
		return base + (r >> 16 & 7) - 3;
	case 1:
		return next_random(seed) >> (r >> 16 & 63);
	case 2:
		return base;
	default:
		return next_random(seed);
	}
}

static u64 small_or_large(u64 *seed)
{
	u64 r = next_random(seed);

	return r >> (next_random(seed) & 63);
}

/* An arc of @bits with @x on it. */
static struct range64 arc_around(u64 x, u64 *seed, u32 bits)
{
	u64 before = small_or_large(seed) & mask_of(bits);
	u64 after = small_or_large(seed) & mask_of(bits);

	if (before > mask_of(bits) - after || next_random(seed) % 4 == 0)
		return range_full(bits);
	return range_signed_interval((s64)(x - before), (s64)(x + after), bits);
}

static struct sample random_sample(u64 *seed)
{
	struct sample sample = { .nr = 1 };
	u64 x = interesting(seed), unknown = small_or_large(seed) & next_random(seed);
	struct scalar *s = &sample.s;

	if (next_random(seed) % 4 == 0)
		unknown = ~0ull;
	s->bits = (struct tnum){ .value = x & ~unknown, .mask = unknown };
	s->r64 = arc_around(x, seed, 64);
	s->r32 = range_pack(arc_around(x & mask_of(32), seed, 32));
	EXPECT_TRUE(scalar_sync(s));
	EXPECT_TRUE(scalar_contains(s, x));

	sample.member[0] = x;
	for (u32 try = 0; try < 8 && sample.nr < MEMBERS; try++) {
		u64 y = s->r64.base + (try ? small_or_large(seed) % (s->r64.len | 1) : 0);

		y = (y & s->bits.mask) | s->bits.value;
		if (scalar_contains(s, y))
			sample.member[sample.nr++] = y;
	}
	return sample;
}

static u64 run_alu(const struct alu_case *c, enum width width, u64 a, u64 b)
{
	return concrete_alu(c->op, c->is_signed, a & mask_of(width), b & mask_of(width), width);
}

static void check_alu(const struct alu_case *c, enum width width)
{
	u64 seed = 0x2545f4914f6cdd1d + c->op;

	for (u32 round = 0; round < ROUNDS; round++) {
		struct sample a = random_sample(&seed), b = random_sample(&seed);
		struct scalar dst = a.s;

		scalar_alu(c->op, width, c->is_signed, &dst, &b.s);
		EXPECT_TRUE(scalar_is_sane(&dst));
		for (u32 k = 0; k < a.nr * b.nr; k++) {
			u64 x = a.member[k / b.nr], y = b.member[k % b.nr];

			if (!scalar_contains(&dst, run_alu(c, width, x, y)))
				print_error("%s%d: 0x%jx, 0x%jx gets lost\n", c->name, width,
					    (uintmax_t)x, (uintmax_t)y);
			EXPECT_TRUE(scalar_contains(&dst, run_alu(c, width, x, y)));
		}
	}
}

TEST(scalar, every_64_bit_operation_contains_its_results)
{
	for (u32 c = 0; c < ARRAY_SIZE(alu_cases); c++)
		check_alu(&alu_cases[c], WIDTH_64);
}

TEST(scalar, every_32_bit_operation_contains_its_results)
{
	for (u32 c = 0; c < ARRAY_SIZE(alu_cases); c++)
		check_alu(&alu_cases[c], WIDTH_32);
}

static void check_pair(u8 op, enum width width, const struct sample *a, const struct sample *b)
{
	enum tri known = scalar_compare(op, width, &a->s, &b->s);
	struct scalar ra[2] = { a->s, a->s }, rb[2] = { b->s, b->s };
	bool possible[2];

	for (int taken = 0; taken < 2; taken++)
		possible[taken] = scalar_refine(op, width, taken, &ra[taken], &rb[taken]);
	for (u32 k = 0; k < a->nr * b->nr; k++) {
		u64 x = a->member[k / b->nr], y = b->member[k % b->nr];
		bool taken = concrete_jump(op, x & mask_of(width), y & mask_of(width), width);

		EXPECT_TRUE(known == TRI_MAYBE || (known == TRI_YES) == taken);
		EXPECT_TRUE(possible[taken]);
		EXPECT_TRUE(scalar_contains(&ra[taken], x));
		EXPECT_TRUE(scalar_contains(&rb[taken], y));
		EXPECT_TRUE(scalar_is_sane(&ra[taken]) && scalar_is_sane(&rb[taken]));
	}
}

static void check_jump(u8 op, enum width width)
{
	u64 seed = 0x9e3779b97f4a7c15 + op;

	for (u32 round = 0; round < ROUNDS; round++) {
		struct sample a = random_sample(&seed), b = random_sample(&seed);

		/* Unrelated numbers meet too seldom. */
		if (round % 4 == 0)
			b.s = scalar_const(b.member[0] = a.member[0]), b.nr = 1;
		check_pair(op, width, &a, &b);
	}
}

TEST(scalar, every_64_bit_condition_loses_no_pair)
{
	for (u32 c = 0; c < ARRAY_SIZE(jump_ops); c++)
		check_jump(jump_ops[c], WIDTH_64);
}

TEST(scalar, every_32_bit_condition_loses_no_pair)
{
	for (u32 c = 0; c < ARRAY_SIZE(jump_ops); c++)
		check_jump(jump_ops[c], WIDTH_32);
}

static u64 reversed(u64 x, u32 bits)
{
	u64 out = 0;

	for (u32 i = 0; i < bits; i += 8)
		out = out << 8 | (x >> i & 0xff);
	return out;
}

TEST(scalar, extensions_cuts_and_byte_orders_contain_every_result)
{
	u64 seed = 42;

	for (u32 round = 0; round < ROUNDS; round++) {
		struct sample a = random_sample(&seed);

		for (u32 bits = 8; bits <= 64; bits *= 2) {
			struct scalar cut = a.s, sext = a.s, be = a.s, le = a.s;

			scalar_trunc(&cut, bits / 8);
			scalar_end(&le, ORDER_LE, bits);
			if (bits > 8)
				scalar_end(&be, bits > 32 ? ORDER_SWAP : ORDER_BE, bits);
			if (bits < 64)
				scalar_sext(&sext, bits);
			for (u32 k = 0; k < a.nr; k++) {
				u64 x = a.member[k], low = x & mask_of(bits);

				EXPECT_TRUE(scalar_contains(&cut, low));
				EXPECT_TRUE(scalar_contains(&le, low));
				EXPECT_TRUE(scalar_contains(&sext, as_signed(x, bits)));
				EXPECT_TRUE(bits == 8 || scalar_contains(&be, reversed(x, bits)));
			}
			EXPECT_TRUE(scalar_umax(&cut) <= mask_of(bits));
		}
	}
}

TEST(scalar, widening_covers_both)
{
	u64 seed = 7;

	for (u32 round = 0; round < ROUNDS; round++) {
		struct sample a = random_sample(&seed), b = random_sample(&seed);
		struct scalar wide = scalar_widen(&a.s, &b.s);

		EXPECT_TRUE(scalar_covers(&wide, &a.s) && scalar_covers(&wide, &b.s));
		EXPECT_TRUE(scalar_is_sane(&wide));
		for (u32 k = 0; k < b.nr; k++)
			EXPECT_TRUE(!scalar_covers(&a.s, &b.s) ||
				    scalar_contains(&a.s, b.member[k]));
	}
}

/* --- how much is known ------------------------------------------------------------------------ */

static void apply(struct scalar *s, u8 op, enum width width, u64 imm)
{
	struct scalar src = scalar_const(imm);

	scalar_alu(op, width, 0, s, &src);
}

static void assume(struct scalar *s, u8 op, enum width width, bool taken, u64 imm)
{
	struct scalar src = scalar_const(imm);

	EXPECT_TRUE(scalar_refine(op, width, taken, s, &src));
}

TEST(scalar, an_upper_bound_is_known_behind_the_check)
{
	struct scalar s = scalar_unknown();

	assume(&s, BPF_JLT, WIDTH_64, true, 100);
	EXPECT_EQ(scalar_umin(&s), 0);
	EXPECT_EQ(scalar_umax(&s), 99);
	EXPECT_EQ(scalar_smin(&s), 0);
	EXPECT_EQ(scalar_smax(&s), 99);
	EXPECT_EQ(scalar_umax32(&s), 99);
	EXPECT_EQ(s.bits.mask, 127);
	assume(&s, BPF_JGT, WIDTH_64, false, 49);
	EXPECT_EQ(scalar_umax(&s), 49);
	assume(&s, BPF_JNE, WIDTH_64, true, 0);
	EXPECT_EQ(scalar_umin(&s), 1);
}

TEST(scalar, masking_bounds)
{
	struct scalar s = scalar_unknown();

	apply(&s, BPF_AND, WIDTH_64, 7);
	EXPECT_EQ(scalar_umax(&s), 7);
	apply(&s, BPF_LSH, WIDTH_64, 3);
	EXPECT_EQ(scalar_umax(&s), 56);
	EXPECT_TRUE(tnum_is_aligned(s.bits, 8));
	apply(&s, BPF_ADD, WIDTH_64, 4);
	EXPECT_EQ(scalar_umin(&s), 4);
	EXPECT_EQ(scalar_umax(&s), 60);
	EXPECT_TRUE(tnum_is_aligned(s.bits, 4));
}

TEST(scalar, masking_keeps_a_smaller_bound)
{
	struct scalar s = scalar_unsigned(0, 5), any = scalar_unknown();

	apply(&s, BPF_AND, WIDTH_64, 7);
	EXPECT_EQ(scalar_umax(&s), 5);
	s = scalar_unsigned(0, 5);
	scalar_alu(BPF_AND, WIDTH_64, 0, &any, &s);
	EXPECT_EQ(scalar_umax(&any), 5);
}

TEST(scalar, rounding_down_and_turning_over_keep_both_bounds)
{
	struct scalar s = scalar_unsigned(17, 100);

	apply(&s, BPF_AND, WIDTH_64, -8);
	EXPECT_EQ(scalar_umin(&s), 16);
	EXPECT_EQ(scalar_umax(&s), 96);
	s = scalar_signed(-9, 9);
	apply(&s, BPF_AND, WIDTH_64, -8);
	EXPECT_EQ(scalar_smin(&s), -16);
	EXPECT_EQ(scalar_smax(&s), 8);
	s = scalar_unsigned(3, 10);
	apply(&s, BPF_XOR, WIDTH_64, -1);
	EXPECT_EQ(scalar_smin(&s), -11);
	EXPECT_EQ(scalar_smax(&s), -4);
}

TEST(scalar, a_32_bit_check_bounds_a_zero_extended_number)
{
	struct scalar s = scalar_unknown_bytes(4);

	assume(&s, BPF_JLT, WIDTH_32, true, 10);
	EXPECT_EQ(scalar_umax(&s), 9);
	EXPECT_EQ(scalar_umin(&s), 0);
}

TEST(scalar, a_32_bit_check_does_not_bound_the_upper_half)
{
	struct scalar s = scalar_unknown();

	assume(&s, BPF_JLT, WIDTH_32, true, 10);
	EXPECT_EQ(scalar_umax32(&s), 9);
	EXPECT_TRUE(scalar_contains(&s, 0x100000005));
	EXPECT_FALSE(scalar_contains(&s, 0x10000000a));
}

TEST(scalar, a_32_bit_check_refines_within_a_known_upper_half)
{
	struct scalar s = scalar_unsigned(0x500000000, 0x5ffffffff);

	assume(&s, BPF_JGE, WIDTH_32, true, 16);
	assume(&s, BPF_JLE, WIDTH_32, true, 32);
	EXPECT_EQ(scalar_umin(&s), 0x500000010);
	EXPECT_EQ(scalar_umax(&s), 0x500000020);
}

TEST(scalar, equality_with_a_constant_makes_a_constant)
{
	struct scalar s = scalar_unknown();

	assume(&s, BPF_JEQ, WIDTH_64, true, 42);
	EXPECT_TRUE(scalar_is_const(&s));
	EXPECT_EQ(scalar_value(&s), 42);
	s = scalar_unknown();
	assume(&s, BPF_JNE, WIDTH_64, false, -1ull);
	EXPECT_TRUE(scalar_is_const(&s));
	EXPECT_EQ(scalar_smax(&s), -1);
}

TEST(scalar, a_32_bit_equality_makes_a_zero_extended_constant)
{
	struct scalar s = scalar_unknown_bytes(4);

	assume(&s, BPF_JEQ, WIDTH_32, true, 7);
	EXPECT_TRUE(scalar_is_const(&s));
	EXPECT_EQ(scalar_value(&s), 7);
}

TEST(scalar, two_numbers_found_equal_know_what_both_knew)
{
	struct scalar a = scalar_unsigned(0, 100), b = scalar_unsigned(50, 200);

	EXPECT_TRUE(scalar_refine(BPF_JEQ, WIDTH_64, true, &a, &b));
	EXPECT_EQ(scalar_umin(&a), 50);
	EXPECT_EQ(scalar_umax(&b), 100);
	EXPECT_TRUE(scalar_equal(&a, &b));
}

TEST(scalar, signed_bounds_on_both_sides_of_zero_survive_an_addition)
{
	struct scalar s = scalar_unknown();

	assume(&s, BPF_JSGT, WIDTH_64, true, -5);
	assume(&s, BPF_JSLT, WIDTH_64, true, 5);
	EXPECT_EQ(scalar_smin(&s), -4);
	EXPECT_EQ(scalar_smax(&s), 4);
	apply(&s, BPF_ADD, WIDTH_64, 4);
	EXPECT_EQ(scalar_umin(&s), 0);
	EXPECT_EQ(scalar_umax(&s), 8);
}

TEST(scalar, two_registers_bound_each_other)
{
	struct scalar a = scalar_unknown(), b = scalar_unsigned(10, 20);

	EXPECT_TRUE(scalar_refine(BPF_JLT, WIDTH_64, true, &a, &b));
	EXPECT_EQ(scalar_umax(&a), 19);
	a = scalar_unsigned(15, 30);
	EXPECT_TRUE(scalar_refine(BPF_JLE, WIDTH_64, true, &a, &b));
	EXPECT_EQ(scalar_umax(&a), 20);
	EXPECT_EQ(scalar_umin(&b), 15);
}

TEST(scalar, an_unsigned_check_says_nothing_about_the_sign)
{
	struct scalar s = scalar_unknown();

	assume(&s, BPF_JGE, WIDTH_64, false, -1);
	EXPECT_TRUE(scalar_contains(&s, 5));
	assume(&s, BPF_JSLT, WIDTH_64, false, 0);
	EXPECT_TRUE(scalar_contains(&s, 5));
}

TEST(scalar, inequality_with_an_unknown_number_removes_nothing)
{
	struct scalar a = scalar_unsigned(0, 1), b = scalar_unsigned(0, 1);

	EXPECT_TRUE(scalar_refine(BPF_JNE, WIDTH_64, true, &a, &b));
	EXPECT_TRUE(scalar_contains(&a, 0) && scalar_contains(&b, 1));
}

TEST(scalar, an_impossible_side_is_seen)
{
	struct scalar a = scalar_unsigned(0, 10), b = scalar_const(11);

	EXPECT_FALSE(scalar_refine(BPF_JGE, WIDTH_64, true, &a, &b));
	a = scalar_unsigned(0, 10);
	EXPECT_EQ(scalar_compare(BPF_JGE, WIDTH_64, &a, &b), TRI_NO);
	EXPECT_EQ(scalar_compare(BPF_JSLT, WIDTH_32, &a, &b), TRI_YES);
	EXPECT_EQ(scalar_compare(BPF_JNE, WIDTH_64, &a, &b), TRI_YES);
	a = scalar_unknown();
	b = scalar_const(0);
	EXPECT_EQ(scalar_compare(BPF_JLT, WIDTH_64, &a, &b), TRI_NO);
	EXPECT_EQ(scalar_compare(BPF_JGE, WIDTH_64, &a, &b), TRI_YES);
	EXPECT_EQ(scalar_compare(BPF_JSLT, WIDTH_64, &a, &b), TRI_MAYBE);
}

TEST(scalar, a_cleared_bit_test_shows_alignment)
{
	struct scalar s = scalar_unknown();

	assume(&s, BPF_JSET, WIDTH_64, false, 7);
	EXPECT_TRUE(tnum_is_aligned(s.bits, 8));
	s = scalar_unknown();
	assume(&s, BPF_JSET, WIDTH_64, true, 8);
	EXPECT_EQ(s.bits.value, 8);
}

TEST(scalar, shifting_up_and_back_extends_the_sign)
{
	struct scalar s = scalar_unknown();

	apply(&s, BPF_LSH, WIDTH_64, 32);
	apply(&s, BPF_ARSH, WIDTH_64, 32);
	EXPECT_EQ(scalar_smin(&s), INT32_MIN);
	EXPECT_EQ(scalar_smax(&s), INT32_MAX);
	s = scalar_unknown();
	apply(&s, BPF_LSH, WIDTH_64, 32);
	apply(&s, BPF_RSH, WIDTH_64, 32);
	EXPECT_EQ(scalar_umax(&s), UINT32_MAX);
}

TEST(scalar, quotients_and_remainders_are_bounded)
{
	struct scalar s = scalar_unsigned(0, 1000), any = scalar_unknown();

	apply(&s, BPF_DIV, WIDTH_64, 10);
	EXPECT_EQ(scalar_umax(&s), 100);
	apply(&any, BPF_MOD, WIDTH_64, 16);
	EXPECT_EQ(scalar_umax(&any), 15);
	s = scalar_unsigned(5, 9);
	apply(&s, BPF_MUL, WIDTH_64, 12);
	EXPECT_EQ(scalar_umin(&s), 60);
	EXPECT_EQ(scalar_umax(&s), 108);
}

TEST(scalar, division_by_zero_gives_zero_and_no_remainder_is_taken)
{
	struct scalar s = scalar_unsigned(3, 5);

	apply(&s, BPF_DIV, WIDTH_64, 0);
	EXPECT_EQ(scalar_umax(&s), 0);
	s = scalar_unsigned(3, 5);
	apply(&s, BPF_MOD, WIDTH_64, 0);
	EXPECT_EQ(scalar_umin(&s), 3);
	EXPECT_EQ(scalar_umax(&s), 5);
}

TEST(scalar, the_least_number_by_minus_one_is_itself)
{
	struct scalar s = scalar_const(1ull << 63), minus_one = scalar_const(-1);

	scalar_alu(BPF_DIV, WIDTH_64, 1, &s, &minus_one);
	EXPECT_TRUE(scalar_is_const(&s));
	EXPECT_EQ(scalar_value(&s), INT64_MIN);
	scalar_alu(BPF_MOD, WIDTH_64, 1, &s, &minus_one);
	EXPECT_TRUE(scalar_is_const(&s));
	EXPECT_EQ(scalar_value(&s), 0);
}

TEST(scalar, difference_of_bounded_numbers_is_bounded)
{
	struct scalar a = scalar_unsigned(10, 20), b = scalar_unsigned(1, 5);

	scalar_alu(BPF_SUB, WIDTH_64, 0, &a, &b);
	EXPECT_EQ(scalar_umin(&a), 5);
	EXPECT_EQ(scalar_umax(&a), 19);
	scalar_alu(BPF_NEG, WIDTH_64, 0, &a, &a);
	EXPECT_EQ(scalar_smin(&a), -19);
	EXPECT_EQ(scalar_smax(&a), -5);
}

TEST(scalar, a_32_bit_sum_wraps_and_clears_the_upper_half)
{
	struct scalar s = scalar_unsigned(0xfffffff0, 0xffffffff);

	apply(&s, BPF_ADD, WIDTH_32, 0x10);
	EXPECT_EQ(scalar_umin(&s), 0);
	EXPECT_EQ(scalar_umax(&s), 15);
	s = scalar_const(-1);
	apply(&s, BPF_ADD, WIDTH_32, 0);
	EXPECT_EQ(scalar_value(&s), 0xffffffff);
}

TEST(scalar, constants_stay_constants_through_everything)
{
	u64 seed = 99;

	for (u32 c = 0; c < ARRAY_SIZE(alu_cases); c++) {
		for (u32 round = 0; round < 2000; round++) {
			u64 a = interesting(&seed), b = interesting(&seed);
			enum width width = round & 1 ? WIDTH_32 : WIDTH_64;
			struct scalar dst = scalar_const(a), src = scalar_const(b);

			scalar_alu(alu_cases[c].op, width, alu_cases[c].is_signed, &dst, &src);
			EXPECT_TRUE(scalar_is_const(&dst));
			EXPECT_EQ(scalar_value(&dst), run_alu(&alu_cases[c], width, a, b));
		}
	}
}

TEST(scalar, a_counter_widens_to_what_its_limit_then_narrows)
{
	struct scalar first = scalar_const(0), next = scalar_const(1);
	struct scalar wide = scalar_widen(&first, &next);

	EXPECT_EQ(scalar_umin(&wide), 0);
	EXPECT_EQ(scalar_smin(&wide), 0);
	assume(&wide, BPF_JLT, WIDTH_64, true, 64);
	EXPECT_EQ(scalar_umax(&wide), 63);
	next = scalar_const(8);
	wide = scalar_widen(&first, &next);
	EXPECT_TRUE(tnum_is_aligned(wide.bits, 8));
}

TEST(scalar, insane_scalars_are_recognised)
{
	struct scalar s = scalar_const(5);

	EXPECT_TRUE(scalar_is_sane(&s));
	s.bits.mask = 1;
	EXPECT_FALSE(scalar_is_sane(&s));
	s = scalar_const(5);
	s.r64.base = 6;
	EXPECT_FALSE(scalar_is_sane(&s));
	s = scalar_const(5);
	s.r32.base = 6;
	EXPECT_FALSE(scalar_is_sane(&s));
	s = scalar_unknown();
	s.r64.base = 1;
	EXPECT_FALSE(scalar_is_sane(&s));
}

TEST(scalar, an_unknown_operation_gives_an_unknown_number)
{
	struct scalar s = scalar_const(5);

	scalar_alu(0xe0, WIDTH_64, 0, &s, &s);
	EXPECT_TRUE(scalar_is_unknown(&s));
}

TEST(scalar, not_equal_moves_an_end_and_cuts_no_circle)
{
	struct scalar s = scalar_unknown();

	assume(&s, BPF_JNE, WIDTH_64, true, 5);
	assume(&s, BPF_JNE, WIDTH_32, true, 5);
	EXPECT_TRUE(scalar_is_unknown(&s));
	assume(&s, BPF_JNE, WIDTH_64, true, UINT64_MAX);
	EXPECT_EQ(scalar_umax(&s), UINT64_MAX - 1);

	s = scalar_unknown();
	assume(&s, BPF_JNE, WIDTH_64, true, (u64)INT64_MIN);
	EXPECT_EQ(scalar_smin(&s), INT64_MIN + 1);

	s = scalar_unknown();
	assume(&s, BPF_JNE, WIDTH_64, true, INT64_MAX);
	EXPECT_EQ(scalar_smax(&s), INT64_MAX - 1);

	s = scalar_unknown();
	assume(&s, BPF_JNE, WIDTH_32, true, 0);
	EXPECT_EQ(scalar_umin32(&s), 1);

	s = scalar_unsigned(5, 8);
	assume(&s, BPF_JNE, WIDTH_64, true, 8);
	assume(&s, BPF_JNE, WIDTH_64, true, 6);
	assume(&s, BPF_JNE, WIDTH_64, true, 5);
	EXPECT_EQ(scalar_umin(&s), 6);
	EXPECT_EQ(scalar_umax(&s), 7);
}
