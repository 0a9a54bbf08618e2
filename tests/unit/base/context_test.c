/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * context_test.c - where am I
 */
#include "base/clock.h"
#include "base/context.h"
#include "tests/test.h"

TEST(context, a_thread_is_neither_nmi_nor_softirq)
{
	EXPECT_FALSE(in_nmi());
	EXPECT_FALSE(in_softirq());
}

TEST(context, sections_nest)
{
	ctx_nmi_enter();
	ctx_nmi_enter();
	ctx_nmi_exit();
	EXPECT_TRUE(in_nmi());
	ctx_nmi_exit();
	EXPECT_FALSE(in_nmi());
	ctx_softirq_enter();
	EXPECT_TRUE(in_softirq());
	EXPECT_FALSE(in_nmi());
	ctx_softirq_exit();
	EXPECT_FALSE(in_softirq());
	ctx_worker_enter();
	EXPECT_TRUE(in_worker());
	EXPECT_FALSE(in_softirq());
	ctx_worker_exit();
	EXPECT_FALSE(in_worker());
}

TEST(clock, it_does_not_go_back)
{
	u64 before = clock_mono_ns();

	EXPECT_NE(before, 0);
	EXPECT_TRUE(clock_mono_ns() >= before);
}
