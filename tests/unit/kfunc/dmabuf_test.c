/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * dmabuf_test.c - the iterator over DMA-bufs: what it gives, holds and protects
 */
#include "bpf/kfunc/dmabuf.h"
#include "objects/dma_buf.h"
#include "objects/wakeup_source.h"
#include "srcu/domain.h"
#include "tests/test.h"

static struct dma_buf *buf_new(const char *name)
{
	struct dma_buf *b = NULL;

	EXPECT_EQ(rove_dma_buf_export(1, "kfunc", NULL, &b), 0);
	EXPECT_EQ(rove_dma_buf_set_name(b, name), 0);
	return b;
}

static s64 refs_of(struct dma_buf *b)
{
	struct rove_dma_buf_attrs a;

	rove_dma_buf_read(b, &a);
	return a.nr_refs;
}

/* Read sections that have begun and not ended; nobody else has one here. */
static s64 nr_sections(void)
{
	const struct rove_srcu *dom = wakeup_sources_srcu();
	s64 nr = 0;

	for (u32 i = 0; i < dom->nr_fast; i++)
		nr += dom->fast[i].nr_locks[0] + dom->fast[i].nr_locks[1] -
		      dom->fast[i].nr_unlocks[0] - dom->fast[i].nr_unlocks[1];
	for (u32 i = 0; i < SRCU_SHARED_SLOTS; i++)
		nr += dom->shared[i].nr_locks[0] + dom->shared[i].nr_locks[1] -
		      dom->shared[i].nr_unlocks[0] - dom->shared[i].nr_unlocks[1];
	return nr;
}

TEST(dmabuf_kfunc, the_iterator_gives_each_buffer_once_newest_first_and_then_nothing)
{
	struct dma_buf *a = buf_new("a"), *b = buf_new("b");
	struct bpf_iter_dmabuf it;

	EXPECT_EQ(bpf_iter_dmabuf_new(&it), 0);
	EXPECT_PTR_EQ(bpf_iter_dmabuf_next(&it), b);
	EXPECT_EQ(refs_of(b), 2);
	EXPECT_PTR_EQ(bpf_iter_dmabuf_next(&it), a);
	EXPECT_EQ(refs_of(b), 1);
	EXPECT_PTR_EQ(bpf_iter_dmabuf_next(&it), NULL);
	EXPECT_PTR_EQ(bpf_iter_dmabuf_next(&it), NULL);
	EXPECT_EQ(refs_of(a), 1);
	bpf_iter_dmabuf_destroy(&it);
	rove_dma_buf_put(a);
	rove_dma_buf_put(b);
	rove_dma_bufs_barrier();
}

TEST(dmabuf_kfunc, a_name_that_was_found_stays_until_the_iterator_is_destroyed)
{
	struct dma_buf *b = buf_new("old");
	struct bpf_iter_dmabuf it;
	const char *name;

	for (u32 round = 0; round < 3; round++) {
		rove_dma_bufs_barrier();
		EXPECT_EQ(nr_sections(), 0);
		bpf_iter_dmabuf_new(&it);
		EXPECT_EQ(nr_sections(), 1);
		name = bpf_iter_dmabuf_next(&it)->name;
		EXPECT_EQ(rove_dma_buf_set_name(b, "new"), 0);
		EXPECT_EQ(rove_dma_buf_set_name(b, "old"), 0);
		EXPECT_STR_EQ(name, "old");
		EXPECT_EQ(nr_sections(), 1);
		bpf_iter_dmabuf_destroy(&it);
		EXPECT_EQ(nr_sections(), 0);
		EXPECT_EQ(refs_of(b), 1);
	}
	rove_dma_buf_put(b);
	rove_dma_bufs_barrier();
}

TEST(dmabuf_kfunc, a_walk_that_is_left_early_gives_back_what_it_held)
{
	struct dma_buf *b = buf_new("b");
	struct bpf_iter_dmabuf it;

	bpf_iter_dmabuf_new(&it);
	bpf_iter_dmabuf_destroy(&it);
	EXPECT_EQ(nr_sections(), 0);
	bpf_iter_dmabuf_new(&it);
	EXPECT_PTR_EQ(bpf_iter_dmabuf_next(&it), b);
	bpf_iter_dmabuf_destroy(&it);
	EXPECT_EQ(refs_of(b), 1);
	EXPECT_EQ(nr_sections(), 0);
	rove_dma_buf_put(b);
	rove_dma_bufs_barrier();
}
