/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/report/log_test.c - the window onto the log, and what a rejection leaves
 */
#include <errno.h>

#include "bpf/verifier/report/log.h"
#include "tests/test.h"

struct fixture {
	struct vrf_request req;
	struct vrf_result res;
	struct vrf v;
	char buf[256];
};

static void setup(struct fixture *fx, u32 level, u32 size)
{
	memset(fx, 0, sizeof(*fx));
	memset(fx->buf, '#', sizeof(fx->buf));
	fx->req.log_level = level;
	fx->req.log_buf = size ? fx->buf : NULL;
	fx->req.log_size = size;
	fx->v = (struct vrf){ .req = &fx->req, .res = &fx->res };
	EXPECT_EQ(vlog_create(&fx->req, &fx->v.log), 0);
}

static void finish(struct fixture *fx, int want, u32 want_size)
{
	u32 size = 0;

	EXPECT_EQ(vlog_finish(fx->v.log, &size), want);
	EXPECT_EQ(size, want_size);
	vlog_free(fx->v.log);
}

TEST(log, a_text_that_fits_is_kept_whole)
{
	struct fixture fx;

	setup(&fx, 1, 8);
	vlog_print(&fx.v, 1, "abc%d", 7);
	vlog_print(&fx.v, 1, "def");
	finish(&fx, 0, 8);
	EXPECT_STR_EQ(fx.buf, "abc7def");
	EXPECT_EQ(fx.buf[8], '#');
}

TEST(log, the_end_is_kept_when_there_is_no_room)
{
	struct fixture fx;

	setup(&fx, 1, 8);
	for (u32 i = 0; i < 26; i++)
		vlog_print(&fx.v, 1, "%c", 'a' + i);
	finish(&fx, -ENOSPC, 27);
	EXPECT_STR_EQ(fx.buf, "tuvwxyz");
	EXPECT_EQ(fx.buf[8], '#');

	setup(&fx, 1, 8);
	vlog_print(&fx.v, 1, "one piece that is longer than the buffer");
	finish(&fx, -ENOSPC, 41);
	EXPECT_STR_EQ(fx.buf, " buffer");
}

TEST(log, the_beginning_is_kept_when_fixed)
{
	struct fixture fx;

	setup(&fx, 1 | 8, 8);
	for (u32 i = 0; i < 26; i++)
		vlog_print(&fx.v, 1, "%c", 'a' + i);
	finish(&fx, -ENOSPC, 27);
	EXPECT_STR_EQ(fx.buf, "abcdefg");
	EXPECT_EQ(fx.buf[8], '#');
}

TEST(log, every_size_keeps_as_much_as_fits)
{
	static const char text[] = "the quick brown fox jumps over the lazy dog";

	for (u32 size = 1; size <= sizeof(text) + 2; size++) {
		for (u32 step = 1; step < 12; step++) {
			struct fixture fx;
			u32 len = sizeof(text) - 1, kept = min(len, size - 1);

			setup(&fx, 1, size);
			for (u32 at = 0; at < len; at += step)
				vlog_print(&fx.v, 1, "%.*s", (int)step, text + at);
			finish(&fx, len + 1 > size ? -ENOSPC : 0, len + 1);
			EXPECT_STR_EQ(fx.buf, text + len - kept);
		}
	}
}

TEST(log, what_was_reset_is_not_in_the_text)
{
	struct fixture fx;
	u64 mark;

	setup(&fx, 1, 32);
	vlog_print(&fx.v, 1, "kept ");
	mark = vlog_mark(&fx.v);
	vlog_print(&fx.v, 1, "a path that was proved");
	vlog_reset(&fx.v, mark);
	vlog_print(&fx.v, 1, "end");
	finish(&fx, 0, 28);
	EXPECT_STR_EQ(fx.buf, "kept end");
	/* Level 2 tells every path. */
	setup(&fx, 2, 32);
	vlog_print(&fx.v, 1, "a path");
	vlog_reset(&fx.v, 0);
	finish(&fx, 0, 7);
	EXPECT_STR_EQ(fx.buf, "a path");
}

TEST(log, without_a_buffer_only_the_size_is_counted)
{
	struct fixture fx;

	setup(&fx, 1, 0);
	vlog_print(&fx.v, 1, "12345");
	finish(&fx, 0, 6);
}

TEST(log, levels_decide_what_is_written)
{
	struct fixture fx;

	setup(&fx, 4, 32);
	EXPECT_FALSE(vlog_wants(&fx.v, 1));
	EXPECT_TRUE(vlog_wants(&fx.v, 4));
	vlog_print(&fx.v, 1 | 2, "no");
	vlog_print(&fx.v, 4, "yes");
	finish(&fx, 0, 4);
	EXPECT_STR_EQ(fx.buf, "yes");
	setup(&fx, 2, 32);
	EXPECT_TRUE(vlog_wants(&fx.v, 1));
	finish(&fx, 0, 1);
}

TEST(log, requests_that_make_no_sense_are_refused)
{
	static const struct {
		u32 level, size;
		bool has_buf;
	} bad[] = {
		{ 1, 0, true }, { 1, 16, false }, { 0, 16, true }, { 16, 16, true },
		{ 1, 1u << 31, true },
	};

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		char buf[16];
		struct vrf_request req = {
			.log_level = bad[i].level, .log_size = bad[i].size,
			.log_buf = bad[i].has_buf ? buf : NULL,
		};
		struct vlog *log;

		EXPECT_EQ(vlog_create(&req, &log), -EINVAL);
	}
}

TEST(log, the_first_rejection_is_told_as_data_too)
{
	struct fixture fx;

	setup(&fx, 0, 0);
	fx.v.pc = 7;
	EXPECT_EQ(vlog_reject(&fx.v, -EACCES, WHY_NULL, "R%d may be NULL", 1), -EACCES);
	fx.v.pc = 8;
	EXPECT_EQ(vlog_reject(&fx.v, -EINVAL, WHY_TYPE, "another"), -EINVAL);
	EXPECT_EQ(fx.res.reject_errno, -EACCES);
	EXPECT_EQ(fx.res.reject_pc, 7);
	vlog_free(fx.v.log);
}

TEST(log, every_class_of_mistake_is_explained)
{
	for (u32 i = 0; i < WHY_KINDS; i++) {
		char meaning[128], remedy[128];
		struct fixture fx;
		u32 size;

		setup(&fx, 1, sizeof(fx.buf));
		vlog_reject(&fx.v, -EINVAL, i, "no");
		EXPECT_EQ(vlog_finish(fx.v.log, &size), 0);
		EXPECT_EQ(sscanf(fx.buf, "no\n  (%127[^;]; %127[^)])", meaning, remedy), 2);
		EXPECT_TRUE(strcmp(meaning, "(null)") && strcmp(remedy, "(null)"));
		vlog_free(fx.v.log);
	}
}
