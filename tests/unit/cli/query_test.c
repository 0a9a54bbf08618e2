/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/cli/query_test.c - which rows are wanted, and in what order
 */
#include <errno.h>

#include "tests/test.h"

#include "cli/model/query.h"
#include "cli/model/wakeup.h"

static struct wakeup_row rows[6];

static void copy_row(const struct listing *listing, u64 index, void *ret_row)
{
	*(struct wakeup_row *)ret_row = rows[index];
}

/* Totals 3 1 ? 3 2 ? */
static void make_listing(struct listing *listing)
{
	static const char *const names[] = { "c10", "a", "b", "c9", "d", "c1" };
	static const s64 totals[] = { 3, 1, -1, 3, 2, -1 };

	listing_begin(listing, &wakeup_noun, "test");
	listing->nr_rows = ARRAY_SIZE(rows);
	listing->row = copy_row;
	memset(rows, 0, sizeof(rows));
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		rows[i].string[WAKEUP_NAME] = names[i];
		if (totals[i] >= 0)
			wakeup_row_set(&rows[i], WAKEUP_TOTAL_TIME, totals[i]);
	}
}

/* The names of the selected rows, joined. */
static const char *selected(const struct query *query)
{
	static char text[64];
	struct listing listing;
	struct selection selection;

	make_listing(&listing);
	EXPECT_EQ(query_run(query, &listing, &selection), 0);
	text[0] = '\0';
	for (u64 i = 0; i < selection.nr; i++) {
		strcat(text, i ? " " : "");
		strcat(text, rows[selection_row(&selection, i)].string[WAKEUP_NAME]);
	}
	selection_free(&selection);
	return text;
}

static const char *sorted(const char *spec, u64 top)
{
	struct query query = { .top = top };

	EXPECT_EQ(query_parse_sort(&wakeup_noun, spec, &query), 0);
	return selected(&query);
}

TEST(query, without_wishes_it_is_the_listing_in_its_order)
{
	struct query query = { .top = 0 };

	EXPECT_STR_EQ(selected(&query), "c10 a b c9 d c1");
	query.top = 2;
	EXPECT_STR_EQ(selected(&query), "c10 a");
	query.top = 7;
	EXPECT_STR_EQ(selected(&query), "c10 a b c9 d c1");
}

TEST(query, equal_rows_keep_their_order_and_unknown_ones_come_last)
{
	EXPECT_STR_EQ(sorted("TOTAL", 0), "c10 c9 d a b c1");
	EXPECT_STR_EQ(sorted("TOTAL:d", 0), "c10 c9 d a b c1");
	EXPECT_STR_EQ(sorted("TOTAL:a", 0), "a d c10 c9 b c1");
	EXPECT_STR_EQ(sorted("TOTAL:a", 3), "a d c10");
}

TEST(query, text_ascends_by_itself_and_counts_its_digits)
{
	EXPECT_STR_EQ(sorted("name", 0), "a b c1 c9 c10 d");
	EXPECT_STR_EQ(sorted("name:d", 0), "d c10 c9 c1 b a");
	EXPECT_STR_EQ(sorted("device", 0), "c10 a b c9 d c1");
}

TEST(query, any_pattern_may_match_and_the_order_stays)
{
	char *patterns[] = { "d", "c?", NULL };
	struct query query = { .patterns = patterns, .nr_patterns = 2 };

	EXPECT_STR_EQ(selected(&query), "c9 d c1");
	query.nr_patterns = 1;
	EXPECT_STR_EQ(selected(&query), "d");
	query.patterns = (char *[]){ "*" };
	EXPECT_STR_EQ(selected(&query), "c10 a b c9 d c1");
}

TEST(query, a_row_without_a_name_matches_no_pattern)
{
	struct query query = { .patterns = (char *[]){ "*" }, .nr_patterns = 1 };
	struct listing listing;
	struct selection selection;

	make_listing(&listing);
	rows[1].string[WAKEUP_NAME] = NULL;
	EXPECT_EQ(query_run(&query, &listing, &selection), 0);
	EXPECT_EQ(selection.nr, 5);
	selection_free(&selection);
}

TEST(query, a_bad_order_is_refused)
{
	struct query query = { .top = 0 };

	EXPECT_EQ(query_parse_sort(&wakeup_noun, "NOSUCH", &query), -ENOENT);
	EXPECT_EQ(query_parse_sort(&wakeup_noun, "", &query), -ENOENT);
	EXPECT_EQ(query_parse_sort(&wakeup_noun, "NAME:", &query), -EINVAL);
	EXPECT_EQ(query_parse_sort(&wakeup_noun, "NAME:ad", &query), -EINVAL);
}

TEST(query, more_rows_than_an_index_counts_are_refused)
{
	struct query query = { .top = 1 };
	struct listing listing;
	struct selection selection;

	make_listing(&listing);
	listing.nr_rows = 1ull << 32;
	EXPECT_EQ(query_run(&query, &listing, &selection), -E2BIG);
}
