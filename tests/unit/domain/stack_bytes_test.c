/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * stack_bytes_test.c - what is known of a stack, against the bytes of a real one
 */
#include <errno.h>

#include "tests/unit/domain/stack.h"

struct model {
	struct stack stack;
	u8 mem[STACK_BYTES];	/* mem[0] is fp - 512 */
	bool written[STACK_BYTES];
};

#define POINTER_BITS 0xdeadbeefcafef00d

/* A value, and the bits it has in the real memory. */
static struct value random_value(u64 *seed, u64 *ret_bits)
{
	u64 r = next_random(seed);
	struct value val = pointer();
	struct scalar num;

	*ret_bits = POINTER_BITS;
	if (r % 5 == 0)
		return val;
	*ret_bits = r % 5 == 1 ? 0 : next_random(seed) >> (r >> 8 & 63);
	num = scalar_const(*ret_bits);
	if (r % 5 == 3) {
		num = scalar_unknown();
		num.bits.mask = next_random(seed);
		num.bits.value = *ret_bits & ~num.bits.mask;
		EXPECT_TRUE(scalar_sync(&num));
	}
	value_set_scalar(&val, &num);
	val.precise = r >> 20 & 1;
	return val;
}

static void model_write(struct model *m, s32 off, u32 size, u64 bits)
{
	memcpy(&m->mem[STACK_BYTES + off], &bits, size);
	memset(&m->written[STACK_BYTES + off], 1, size);
}

static void random_step(struct model *m, u64 *seed)
{
	u64 r = next_random(seed), bits;
	u32 size = 1u << (r & 3);
	/* The uppermost 48 bytes, so that writes meet. */
	s32 min_off = -48 + (s32)((r >> 8) % (48 / size)) * (s32)size;
	s32 max_off = min_off + (s32)((r >> 16) % 3) * (s32)size;
	struct value val = random_value(seed, &bits);

	if (max_off + (s32)size > 0)
		max_off = min_off;
	switch (r >> 32 & 7) {
	case 0:
		/* Somewhere: here at one of the ends. */
		EXPECT_EQ(stack_write_var(&m->stack, min_off, max_off, size, &val), 0);
		memcpy(&m->mem[STACK_BYTES + (r >> 40 & 1 ? min_off : max_off)], &bits, size);
		break;
	case 1:
		EXPECT_EQ(stack_write_misc(&m->stack, min_off, size), 0);
		model_write(m, min_off, size, next_random(seed));
		break;
	default:
		EXPECT_EQ(stack_write(&m->stack, min_off, size, &val), 0);
		model_write(m, min_off, size, bits);
	}
}

static void check_load(const struct model *m, s32 off, u32 size)
{
	struct value val;
	u64 bits = 0;
	bool all = true;

	for (u32 i = 0; i < size; i++)
		all &= m->written[STACK_BYTES + off + (s32)i];
	EXPECT_EQ(stack_read(&m->stack, off, size, UNINIT_REFUSED, &val), all ? 0 : -EACCES);
	if (!all)
		return;
	memcpy(&bits, &m->mem[STACK_BYTES + off], size);
	if (val.kind == V_SCALAR)
		EXPECT_TRUE(scalar_contains(&val.num, bits));
	else
		EXPECT_TRUE(size == 8 && bits == POINTER_BITS);
}

TEST(stack, loads_contain_the_bytes_a_real_stack_has)
{
	u64 seed = 0xabcdef;

	for (u32 run = 0; run < 300; run++) {
		struct model m = { 0 };

		for (u32 step = 0; step < 40; step++) {
			random_step(&m, &seed);
			for (u32 size = 1; size <= 8; size *= 2) {
				for (s32 off = -48; off < 0; off += (s32)size)
					check_load(&m, off, size);
			}
		}
		stack_clear(&m.stack);
	}
}

/* Every load the old stack allowed gives, from the current one, something covered. */
static void check_loads_covered(const struct stack *old, const struct stack *cur)
{
	for (u32 size = 1; size <= 8; size *= 2) {
		for (s32 off = -48; off < 0; off += (s32)size) {
			struct value a, b;
			struct idmap ids;

			if (stack_read(old, off, size, UNINIT_REFUSED, &a))
				continue;
			EXPECT_EQ(stack_read(cur, off, size, UNINIT_REFUSED, &b), 0);
			idmap_init(&ids);
			/* Any bits allow for a pointer's. */
			if (!value_is_scalar(&b) && scalar_is_unknown(&a.num))
				continue;
			EXPECT_TRUE(value_covers(&a, &b, &ids, COVER_WITHIN));
		}
	}
}

TEST(stack, what_is_covered_gives_nothing_new_to_any_load)
{
	u64 seed = 0x5eed;
	u32 covered = 0, not_covered = 0;

	for (u32 run = 0; run < 4000; run++) {
		struct model old = { 0 }, cur = { 0 };
		struct idmap ids;

		for (u32 step = 0; step < 6; step++)
			random_step(&old, &seed);
		EXPECT_EQ(stack_copy(&cur.stack, &old.stack), 0);
		for (u32 step = 0; step < 1 + run % 2; step++)
			random_step(&cur, &seed);
		idmap_init(&ids);
		if (stack_covers(&old.stack, &cur.stack, &ids, COVER_WITHIN)) {
			check_loads_covered(&old.stack, &cur.stack);
			covered++;
		} else {
			not_covered++;
		}
		idmap_init(&ids);
		EXPECT_TRUE(stack_covers(&cur.stack, &cur.stack, &ids, COVER_EXACT));
		stack_clear(&old.stack);
		stack_clear(&cur.stack);
	}
	EXPECT_TRUE(covered > 300 && not_covered > 300);
}
