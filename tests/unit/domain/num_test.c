/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/domain/num_test.c - every operation and condition on bits and arc together
 *
 * With 3 bits every pair of numbers that can arise, with 4 bits a fixed
 * selection; always every member of each.
 */
#include "tests/test.h"
#include "tests/unit/domain/concrete.h"

#include "bpf/verifier/domain/num.h"

#define MAX_NUMS 4096

struct nums {
	u32 bits;
	u32 nr;
	struct num num[MAX_NUMS];
	u32 set[MAX_NUMS];
};

static struct nums nums;

static u32 set_of(const struct num *n, u32 bits)
{
	u32 set = 0;

	for (u64 x = 0; x < 1u << bits; x++)
		set |= (u32)num_contains(n, x, bits) << x;
	return set;
}

static bool same(const struct num *a, const struct num *b)
{
	return a->t.value == b->t.value && a->t.mask == b->t.mask && a->r.base == b->r.base &&
	       a->r.len == b->r.len;
}

static void add_num(const struct num *n)
{
	for (u32 i = 0; i < nums.nr; i++) {
		if (same(&nums.num[i], n))
			return;
	}
	EXPECT_TRUE(nums.nr < MAX_NUMS);
	nums.set[nums.nr] = set_of(n, nums.bits);
	nums.num[nums.nr++] = *n;
}

/* Every synced combination of a tnum and an arc; checks num_sync() on the way. */
static void make_nums(u32 bits)
{
	u64 mask = mask_of(bits);

	nums.bits = bits;
	nums.nr = 0;
	for (u64 m = 0; m <= mask; m++) {
		for (u64 v = 0; v <= mask; v++) {
			for (u64 i = 0; i <= mask * (mask + 1) && !(v & m); i++) {
				struct num n = { .t = { .value = v, .mask = m } };
				u32 before, after;
				bool any;

				n.r.base = i / mask;
				n.r.len = i % mask;
				if (i == mask * (mask + 1))
					n.r = range_full(bits);
				before = set_of(&n, bits);
				any = num_sync(&n, bits);
				EXPECT_EQ(any, before != 0);
				if (!any)
					continue;
				after = set_of(&n, bits);
				EXPECT_EQ(after, before);
				add_num(&n);
			}
		}
	}
}

static void expect_sane(const struct num *n, u32 bits)
{
	EXPECT_EQ(n->t.value & n->t.mask, 0);
	EXPECT_TRUE((n->t.value | n->t.mask) <= mask_of(bits));
	EXPECT_TRUE(n->r.base <= mask_of(bits) && n->r.len <= mask_of(bits));
	EXPECT_TRUE(n->r.len < mask_of(bits) || !n->r.base);
}

static u32 concrete_results(const struct alu_case *c, u32 a_set, u32 b_set, u32 bits)
{
	u32 all = 0;

	for (u32 a = a_set; a; a &= a - 1) {
		for (u32 b = b_set; b; b &= b - 1)
			all |= 1u << concrete_alu(c->op, c->is_signed, __builtin_ctz(a),
						  __builtin_ctz(b), bits);
	}
	return all;
}

static void check_alu(const struct alu_case *c, u32 i, u32 j)
{
	struct num res = num_alu(c->op, c->is_signed, &nums.num[i], &nums.num[j], nums.bits);
	u32 lost = concrete_results(c, nums.set[i], nums.set[j], nums.bits) &
		   ~set_of(&res, nums.bits);

	expect_sane(&res, nums.bits);
	if (lost)
		print_error("%s: sets 0x%x and 0x%x lose 0x%x\n", c->name, nums.set[i],
			    nums.set[j], lost);
	EXPECT_EQ(lost, 0);
}

static void check_jump(u8 op, u32 i, u32 j)
{
	u32 a_yes = 0, a_no = 0, b_yes = 0, b_no = 0;
	enum tri known = num_compare(op, &nums.num[i], &nums.num[j], nums.bits);

	for (u32 as = nums.set[i]; as; as &= as - 1) {
		for (u32 bs = nums.set[j]; bs; bs &= bs - 1) {
			u32 a = __builtin_ctz(as), b = __builtin_ctz(bs);

			if (concrete_jump(op, a, b, nums.bits)) {
				a_yes |= 1u << a;
				b_yes |= 1u << b;
			} else {
				a_no |= 1u << a;
				b_no |= 1u << b;
			}
		}
	}
	EXPECT_TRUE(known != TRI_YES || !a_no);
	EXPECT_TRUE(known != TRI_NO || !a_yes);

	for (int taken = 0; taken < 2; taken++) {
		struct num a = nums.num[i], b = nums.num[j];
		u32 a_set = taken ? a_yes : a_no, b_set = taken ? b_yes : b_no;

		if (!num_refine(op, taken, &a, &b, nums.bits)) {
			EXPECT_EQ(a_set, 0);
			continue;
		}
		expect_sane(&a, nums.bits);
		expect_sane(&b, nums.bits);
		EXPECT_EQ(a_set & ~set_of(&a, nums.bits), 0);
		EXPECT_EQ(b_set & ~set_of(&b, nums.bits), 0);
		/* Arcs that meet in two pieces may be exchanged, never for a longer one. */
		EXPECT_TRUE(a.r.len <= nums.num[i].r.len && b.r.len <= nums.num[j].r.len);
		EXPECT_TRUE(tnum_covers(nums.num[i].t, a.t) && tnum_covers(nums.num[j].t, b.t));
	}
}

TEST(num, least_and_greatest_are_those_of_the_set)
{
	make_nums(4);
	for (u32 i = 0; i < nums.nr; i++) {
		s64 smin = 8, smax = -9;

		for (u32 as = nums.set[i]; as; as &= as - 1) {
			smin = min(smin, as_signed(__builtin_ctz(as), 4));
			smax = max(smax, as_signed(__builtin_ctz(as), 4));
		}
		EXPECT_EQ(num_umin(&nums.num[i], 4), __builtin_ctz(nums.set[i]));
		EXPECT_EQ(num_umax(&nums.num[i], 4), 31 - __builtin_clz(nums.set[i]));
		EXPECT_EQ(num_smin(&nums.num[i], 4), smin);
		EXPECT_EQ(num_smax(&nums.num[i], 4), smax);
	}
}

TEST(num, sync_keeps_the_set_and_finds_every_contradiction)
{
	make_nums(3);
	EXPECT_TRUE(nums.nr > 50);
	make_nums(4);
	EXPECT_TRUE(nums.nr > 500);
}

TEST(num, arithmetic_of_three_bits_contains_every_result)
{
	make_nums(3);
	for (u32 k = 0; k < ARRAY_SIZE(alu_cases); k++) {
		for (u32 i = 0; i < nums.nr; i++) {
			for (u32 j = 0; j < nums.nr; j++)
				check_alu(&alu_cases[k], i, j);
		}
	}
}

TEST(num, arithmetic_of_four_bits_contains_every_result)
{
	make_nums(4);
	for (u32 k = 0; k < ARRAY_SIZE(alu_cases); k++) {
		for (u32 i = 0; i < nums.nr; i++) {
			for (u32 j = i % 13; j < nums.nr; j += 13)
				check_alu(&alu_cases[k], i, j);
		}
	}
}

TEST(num, conditions_of_three_bits_lose_no_pair)
{
	make_nums(3);
	for (u32 k = 0; k < ARRAY_SIZE(jump_ops); k++) {
		for (u32 i = 0; i < nums.nr; i++) {
			for (u32 j = 0; j < nums.nr; j++)
				check_jump(jump_ops[k], i, j);
		}
	}
}

TEST(num, conditions_of_four_bits_lose_no_pair)
{
	make_nums(4);
	for (u32 k = 0; k < ARRAY_SIZE(jump_ops); k++) {
		for (u32 i = 0; i < nums.nr; i++) {
			for (u32 j = i % 13; j < nums.nr; j += 13)
				check_jump(jump_ops[k], i, j);
		}
	}
}

TEST(num, meet_and_join_keep_what_they_must)
{
	make_nums(4);
	for (u32 i = 0; i < nums.nr; i++) {
		for (u32 j = i % 3; j < nums.nr; j += 3) {
			struct num a = nums.num[i], join = num_join(&nums.num[i], &nums.num[j], 4);
			u32 both = nums.set[i] & nums.set[j];

			EXPECT_EQ((nums.set[i] | nums.set[j]) & ~set_of(&join, 4), 0);
			if (num_meet(&a, &nums.num[j], 4))
				EXPECT_EQ(both & ~set_of(&a, 4), 0);
			else
				EXPECT_EQ(both, 0);
		}
	}
}

/* Against a constant the answer must be as good as the set allows. */
TEST(num, a_comparison_with_a_constant_is_decided_whenever_all_members_agree)
{
	make_nums(4);
	for (u32 k = 0; k < ARRAY_SIZE(jump_ops); k++) {
		if (jump_ops[k] == BPF_JSET)
			continue;
		for (u32 i = 0; i < nums.nr; i++) {
			for (u64 c = 0; c < 16; c++) {
				struct num b = num_const(c, 4);
				bool yes = false, no = false;

				for (u32 as = nums.set[i]; as; as &= as - 1) {
					if (concrete_jump(jump_ops[k], __builtin_ctz(as), c, 4))
						yes = true;
					else
						no = true;
				}
				EXPECT_EQ(num_compare(jump_ops[k], &nums.num[i], &b, 4),
					  yes && no ? TRI_MAYBE : yes ? TRI_YES : TRI_NO);
			}
		}
	}
}
