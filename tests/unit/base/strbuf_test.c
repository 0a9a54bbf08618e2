/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * strbuf_test.c - text that grows
 */
#include <errno.h>

#include "base/strbuf.h"
#include "tests/test.h"

TEST(strbuf, an_empty_one_reads_as_an_empty_string)
{
	struct strbuf sb = STRBUF_INIT;

	EXPECT_STR_EQ(strbuf_text(&sb), "");
	EXPECT_EQ(strbuf_error(&sb), 0);
	strbuf_fini(&sb);
}

TEST(strbuf, pieces_are_joined_in_order)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_puts(&sb, "one");
	strbuf_putc(&sb, ' ');
	strbuf_printf(&sb, "%d+%s", 2, "three");
	strbuf_add(&sb, "!?", 1);
	EXPECT_STR_EQ(strbuf_text(&sb), "one 2+three!");
	EXPECT_EQ(sb.len, strlen("one 2+three!"));
	strbuf_fini(&sb);
}

TEST(strbuf, a_piece_may_be_longer_than_all_room_so_far)
{
	for (size_t len = 0; len < 300; len++) {
		struct strbuf sb = STRBUF_INIT;

		strbuf_putc(&sb, '<');
		strbuf_printf(&sb, "%0*d", (int)len + 1, 7);
		EXPECT_EQ(sb.len, len + 2);
		EXPECT_EQ(strlen(strbuf_text(&sb)), len + 2);
		EXPECT_EQ(sb.text[sb.len - 1], '7');
		strbuf_fini(&sb);
	}
}

TEST(strbuf, bytes_may_be_zero)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_add(&sb, "a\0b", 3);
	EXPECT_EQ(sb.len, 3);
	EXPECT_MEM_EQ(sb.text, "a\0b", 4);
	strbuf_fini(&sb);
}

TEST(strbuf, a_cleared_one_keeps_its_memory_and_starts_anew)
{
	struct strbuf sb = STRBUF_INIT;
	char *before;

	strbuf_puts(&sb, "old");
	before = sb.text;
	strbuf_clear(&sb);
	EXPECT_STR_EQ(strbuf_text(&sb), "");
	strbuf_puts(&sb, "new");
	EXPECT_PTR_EQ(sb.text, before);
	EXPECT_STR_EQ(strbuf_text(&sb), "new");
	strbuf_fini(&sb);
}

TEST(strbuf, after_an_error_nothing_is_added_and_the_text_stays)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_puts(&sb, "kept");
	sb.err = -ENOMEM;
	strbuf_puts(&sb, "lost");
	strbuf_printf(&sb, "%s", "lost");
	EXPECT_STR_EQ(strbuf_text(&sb), "kept");
	EXPECT_EQ(strbuf_error(&sb), -ENOMEM);
	strbuf_fini(&sb);
}
