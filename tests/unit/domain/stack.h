/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/domain/stack.h - values that are stored and loaded
 */
#ifndef ROVE_TESTS_UNIT_DOMAIN_STACK_H
#define ROVE_TESTS_UNIT_DOMAIN_STACK_H

#include "bpf/verifier/domain/alloc.h"
#include "bpf/verifier/domain/stack.h"
#include "tests/test.h"
#include "tests/unit/domain/concrete.h"

static int map;

static inline struct value number(u64 n)
{
	struct value val;

	value_set_const(&val, n);
	return val;
}

static inline struct value exact(u64 n)
{
	struct value val = number(n);

	val.precise = true;
	return val;
}

static inline struct value pointer(void)
{
	struct value val;

	value_set_map_value(&val, &map, 1);
	return val;
}

static inline struct value load(const struct stack *stack, s32 off, u32 size)
{
	struct value val;

	EXPECT_EQ(stack_read(stack, off, size, UNINIT_REFUSED, &val), 0);
	return val;
}

static inline bool is_const(struct value val)
{
	return value_is_const(&val);
}

static inline u64 load_const(const struct stack *stack, s32 off, u32 size)
{
	struct value val = load(stack, off, size);

	EXPECT_TRUE(value_is_const(&val));
	return scalar_value(&val.num);
}

static inline void store(struct stack *stack, s32 off, u32 size, struct value val)
{
	EXPECT_EQ(stack_write(stack, off, size, &val), 0);
}

#endif
