/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * dma_buf_name_test.c - names, and readers who look while they change
 */
#include <errno.h>

#include "objects/dma_buf.h"
#include "objects/wakeup_source.h"
#include "tests/test.h"

#define LONGEST "0123456789012345678901234567890"	/* 31 bytes */

static struct dma_buf *buf_new(const char *name)
{
	struct rove_dma_buf_options opts = { .struct_bytes = sizeof(opts), .name = name };
	struct dma_buf *b = NULL;

	EXPECT_EQ(rove_dma_buf_export(1, "names", &opts, &b), 0);
	return b;
}

static void expect_name(struct dma_buf *b, const char *name)
{
	struct rove_dma_buf_attrs a;

	rove_dma_buf_read(b, &a);
	EXPECT_STR_EQ(a.name, name);
	EXPECT_STR_EQ(b->name, name);
}

TEST(dma_buf_name, it_may_be_there_from_the_beginning)
{
	struct dma_buf *b = buf_new("frame");

	expect_name(b, "frame");
	rove_dma_buf_put(b);
}

TEST(dma_buf_name, it_can_be_set_and_set_again_and_be_empty)
{
	struct dma_buf *b = buf_new(NULL);
	static const char *const names[] = { "a", "bb", "", LONGEST, "c" };

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_EQ(rove_dma_buf_set_name(b, names[i]), 0);
		expect_name(b, names[i]);
	}
	rove_dma_buf_put(b);
	rove_dma_bufs_barrier();
}

TEST(dma_buf_name, one_of_31_bytes_is_kept_whole_and_one_of_32_refused_not_cut)
{
	struct rove_dma_buf_options opts = { .struct_bytes = sizeof(opts), .name = LONGEST "x" };
	struct dma_buf *b = buf_new(LONGEST);

	expect_name(b, LONGEST);
	EXPECT_EQ(rove_dma_buf_set_name(b, LONGEST "x"), -EINVAL);
	EXPECT_EQ(rove_dma_buf_set_name(b, NULL), -EINVAL);
	expect_name(b, LONGEST);
	rove_dma_buf_put(b);
	EXPECT_EQ(rove_dma_buf_export(1, "names", &opts, &b), -EINVAL);
}

TEST(dma_buf_name, an_old_one_stays_as_long_as_a_section_that_saw_it)
{
	struct dma_buf *b = buf_new(NULL);
	const char *old;
	int idx;

	EXPECT_EQ(rove_dma_buf_set_name(b, "old"), 0);
	idx = wakeup_sources_read_lock();
	old = dma_buf_name_rcu(b);
	EXPECT_EQ(rove_dma_buf_set_name(b, "new"), 0);
	EXPECT_STR_EQ(dma_buf_name_rcu(b), "new");
	EXPECT_STR_EQ(old, "old");
	wakeup_sources_read_unlock(idx);
	rove_dma_buf_put(b);
	rove_dma_bufs_barrier();
}
