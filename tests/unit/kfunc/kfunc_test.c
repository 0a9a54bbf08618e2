/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Kfuncs as functions, and what BTF says about them.
 */
#include <errno.h>
#include <limits.h>

#include <rove/dmabuf.h>
#include <rove/wakeup.h>

#include "bpf/btf/btf.h"
#include "bpf/kfunc/cast.h"
#include "bpf/kfunc/dmabuf.h"
#include "bpf/kfunc/iter_num.h"
#include "bpf/kfunc/kfunc.h"
#include "bpf/kfunc/wakeup.h"
#include "objects/wakeup_source.h"
#include "tests/test.h"

static const char *const names[] = {
	"bpf_iter_num_new", "bpf_iter_num_next", "bpf_iter_num_destroy", "bpf_rdonly_cast",
	"bpf_wakeup_sources_read_lock", "bpf_wakeup_sources_read_unlock",
	"bpf_wakeup_sources_get_head", "bpf_iter_wakeup_source_new",
	"bpf_iter_wakeup_source_next", "bpf_iter_wakeup_source_destroy",
	"bpf_iter_dmabuf_new", "bpf_iter_dmabuf_next", "bpf_iter_dmabuf_destroy",
};

TEST(kfunc, every_one_is_in_our_btf_under_its_name)
{
	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_TRUE(kfunc_find(names[i]) != NULL);
		EXPECT_TRUE(btf_find(btf_self(), names[i], BTF_KIND_FUNC) != 0);
	}
	EXPECT_PTR_EQ(kfunc_find("kfunc_find"), NULL);
}

TEST(kfunc, parameter_names_tell_the_verifier_what_they_are)
{
	const struct btf *btf = btf_self();
	u32 id = btf_find(btf, "bpf_rdonly_cast", BTF_KIND_FUNC);
	const struct btf_type *proto = btf_type(btf, btf_type(btf, id)->type);

	EXPECT_EQ(btf_vlen(proto), 2);
	EXPECT_STR_EQ(btf_str(btf, btf_params(proto)[0].name_off), "obj__ign");
	EXPECT_STR_EQ(btf_str(btf, btf_params(proto)[1].name_off), "btf_id__k");
}

TEST(iter_num, counts_from_start_to_end)
{
	struct bpf_iter_num it;

	EXPECT_EQ(bpf_iter_num_new(&it, -2, 2), 0);
	for (int i = -2; i < 2; i++)
		EXPECT_EQ(*bpf_iter_num_next(&it), i);
	EXPECT_PTR_EQ(bpf_iter_num_next(&it), NULL);
	EXPECT_PTR_EQ(bpf_iter_num_next(&it), NULL);
	bpf_iter_num_destroy(&it);
}

TEST(iter_num, ranges_that_are_empty_backward_or_too_long)
{
	struct bpf_iter_num it;

	EXPECT_EQ(bpf_iter_num_new(&it, 5, 5), 0);
	EXPECT_PTR_EQ(bpf_iter_num_next(&it), NULL);
	EXPECT_EQ(bpf_iter_num_new(&it, 5, 4), -EINVAL);
	EXPECT_PTR_EQ(bpf_iter_num_next(&it), NULL);
	EXPECT_EQ(bpf_iter_num_new(&it, 0, ITER_NUM_MAX), 0);
	EXPECT_EQ(bpf_iter_num_new(&it, 0, ITER_NUM_MAX + 1), -E2BIG);
	EXPECT_PTR_EQ(bpf_iter_num_next(&it), NULL);
	EXPECT_EQ(bpf_iter_num_new(&it, INT_MIN, INT_MAX), -E2BIG);
}

TEST(iter_num, the_ends_of_all_numbers)
{
	struct bpf_iter_num it;

	EXPECT_EQ(bpf_iter_num_new(&it, INT_MIN, INT_MIN + 1), 0);
	EXPECT_EQ(*bpf_iter_num_next(&it), INT_MIN);
	EXPECT_PTR_EQ(bpf_iter_num_next(&it), NULL);
	EXPECT_EQ(bpf_iter_num_new(&it, INT_MAX - 1, INT_MAX), 0);
	EXPECT_EQ(*bpf_iter_num_next(&it), INT_MAX - 1);
	EXPECT_PTR_EQ(bpf_iter_num_next(&it), NULL);
}

TEST(wakeup_kfunc, the_lock_is_never_null_and_may_be_held_more_than_once)
{
	struct bpf_ws_lock *a = bpf_wakeup_sources_read_lock();
	struct bpf_ws_lock *b = bpf_wakeup_sources_read_lock();

	EXPECT_TRUE(a && b);
	EXPECT_PTR_EQ(bpf_wakeup_sources_get_head(), wakeup_sources_head());
	bpf_wakeup_sources_read_unlock(a);
	bpf_wakeup_sources_read_unlock(b);
	rove_srcu_synchronize(wakeup_sources_srcu());	/* both are over, or this does not end */
}

TEST(wakeup_kfunc, the_iterator_gives_each_source_once_newest_first)
{
	struct wakeup_source *ws[3], *got;
	struct bpf_iter_wakeup_source it;

	for (u32 i = 0; i < 3; i++)
		EXPECT_EQ(rove_wakeup_source_register(NULL, "some", &ws[i]), 0);
	EXPECT_EQ(bpf_iter_wakeup_source_new(&it), 0);
	for (int i = 2; i >= 0; i--) {
		got = bpf_iter_wakeup_source_next(&it);
		EXPECT_PTR_EQ(got, ws[i]);
	}
	EXPECT_PTR_EQ(bpf_iter_wakeup_source_next(&it), NULL);
	EXPECT_PTR_EQ(bpf_iter_wakeup_source_next(&it), NULL);
	bpf_iter_wakeup_source_destroy(&it);
	for (u32 i = 0; i < 3; i++)
		rove_wakeup_source_unregister(ws[i]);
	rove_wakeup_sources_barrier();
}

TEST(wakeup_kfunc, an_iterator_over_nothing_ends_at_once)
{
	struct bpf_iter_wakeup_source it;

	EXPECT_EQ(bpf_iter_wakeup_source_new(&it), 0);
	EXPECT_PTR_EQ(bpf_iter_wakeup_source_next(&it), NULL);
	bpf_iter_wakeup_source_destroy(&it);
	rove_srcu_synchronize(wakeup_sources_srcu());
}

/* --- DMA-bufs ----------------------------------------------------------------------------- */

static s64 refs_of(struct dma_buf *buf)
{
	struct rove_dma_buf_attrs attrs;

	rove_dma_buf_read(buf, &attrs);
	return attrs.nr_refs;
}

TEST(dmabuf_kfunc, the_iterator_gives_each_buffer_once_and_holds_one_at_a_time)
{
	struct bpf_iter_dmabuf it;
	struct dma_buf *bufs[3];

	for (u32 i = 0; i < 3; i++)
		EXPECT_EQ(rove_dma_buf_export(4096, "test", NULL, &bufs[i]), 0);
	EXPECT_EQ(bpf_iter_dmabuf_new(&it), 0);
	for (int i = 2; i >= 0; i--) {
		EXPECT_PTR_EQ(bpf_iter_dmabuf_next(&it), bufs[i]);
		for (int j = 0; j < 3; j++)
			EXPECT_EQ(refs_of(bufs[j]), j == i ? 2 : 1);
	}
	EXPECT_PTR_EQ(bpf_iter_dmabuf_next(&it), NULL);
	EXPECT_PTR_EQ(bpf_iter_dmabuf_next(&it), NULL);
	bpf_iter_dmabuf_destroy(&it);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(refs_of(bufs[i]), 1);

	/* Left half-way, and before the first. */
	EXPECT_EQ(bpf_iter_dmabuf_new(&it), 0);
	EXPECT_PTR_EQ(bpf_iter_dmabuf_next(&it), bufs[2]);
	bpf_iter_dmabuf_destroy(&it);
	EXPECT_EQ(refs_of(bufs[2]), 1);
	EXPECT_EQ(bpf_iter_dmabuf_new(&it), 0);
	bpf_iter_dmabuf_destroy(&it);
	for (int i = 0; i < 3; i++)
		rove_dma_buf_put(bufs[i]);
	rove_dma_bufs_barrier();
}
