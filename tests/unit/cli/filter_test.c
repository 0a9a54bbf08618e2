/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/cli/filter_test.c - conditions on rows
 */
#include <errno.h>

#include "tests/test.h"

#include "cli/model/filter.h"
#include "cli/model/wakeup.h"

static bool holds(const char *expr, const struct wakeup_row *row)
{
	struct filter *filter = NULL;
	char why[256];
	int result;

	EXPECT_EQ(filter_parse(&wakeup_noun, expr, &filter, why, sizeof(why)), 0);
	result = filter_holds(filter, row);
	filter_free(filter);
	EXPECT_TRUE(result >= 0);
	return result;
}

TEST(filter, an_unknown_value_fulfils_nothing)
{
	struct wakeup_row row = { .known = 0 };

	EXPECT_FALSE(holds("active_count=0", &row));
	EXPECT_FALSE(holds("active_count!=0", &row));
	EXPECT_FALSE(holds("total<1", &row));
	EXPECT_FALSE(holds("total>=0", &row));
	EXPECT_FALSE(holds("active=0", &row));
	EXPECT_FALSE(holds("name~.*", &row));
	EXPECT_FALSE(holds("name!~x", &row));
	EXPECT_FALSE(holds("device=", &row));
}

TEST(filter, every_operator_on_less_equal_and_greater)
{
	static const struct { const char *op; bool less, equal, greater; } ops[] = {
		{ "=", false, true, false }, { "==", false, true, false },
		{ "!=", true, false, true }, { "<", true, false, false },
		{ "<=", true, true, false }, { ">", false, false, true },
		{ ">=", false, true, true },
	};
	struct wakeup_row row = { .known = 0 };
	char expr[64];

	for (u32 i = 0; i < ARRAY_SIZE(ops); i++) {
		snprintf(expr, sizeof(expr), "active_count%s7", ops[i].op);
		wakeup_row_set(&row, WAKEUP_ACTIVE_COUNT, 6);
		EXPECT_EQ(holds(expr, &row), ops[i].less);
		wakeup_row_set(&row, WAKEUP_ACTIVE_COUNT, 7);
		EXPECT_EQ(holds(expr, &row), ops[i].equal);
		wakeup_row_set(&row, WAKEUP_ACTIVE_COUNT, -1);	/* the largest count */
		EXPECT_EQ(holds(expr, &row), ops[i].greater);
	}
}

TEST(filter, a_time_without_a_unit_is_in_that_of_its_name)
{
	struct wakeup_row row = { .known = 0 };

	wakeup_row_set(&row, WAKEUP_TOTAL_TIME, 1500000000);
	EXPECT_TRUE(holds("TOTAL=1500", &row));
	EXPECT_TRUE(holds("total_time_ms=1500", &row));
	EXPECT_TRUE(holds("total_time_ns=1500000000", &row));
	EXPECT_TRUE(holds("total=1.5s", &row));
	EXPECT_TRUE(holds("total_time_ns=1.5s", &row));
	EXPECT_TRUE(holds("total=1500000us", &row));
	EXPECT_TRUE(holds("total<1m,total<1h,total<1d,total>1ns", &row));
	wakeup_row_set(&row, WAKEUP_TOTAL_TIME, -1);
	EXPECT_TRUE(holds("total<0", &row));
	EXPECT_TRUE(holds("total>-1s", &row));
}

TEST(filter, a_backslash_keeps_a_comma_in_its_value)
{
	struct wakeup_row row = { .string = { [WAKEUP_NAME] = "a,b\\c" } };

	EXPECT_TRUE(holds("name=a\\,b\\\\c", &row));
	EXPECT_TRUE(holds("name~^a\\,", &row));
	EXPECT_TRUE(holds("name~a.b", &row));
	EXPECT_FALSE(holds("name~a\\.b", &row));
}

static int parse_error(const char *expr, char *why, size_t size)
{
	struct filter *filter = NULL;
	int err = filter_parse(&wakeup_noun, expr, &filter, why, size);

	filter_free(filter);
	return err;
}

TEST(filter, nonsense_is_refused_with_a_reason)
{
	static const char *const bad[] = {
		"", ",", "name", "=", "=x", "nosuch=1", "total=", "total=x", "total=1x",
		"total=1e300s", "total=9223372036854775807s", "total=99999999999999999999",
		"total=.", "total=nan", "total=1.5.5s", "active=2", "active<1", "active~1",
		"active_count=", "active_count=-1", "active_count=99999999999999999999",
		"active_count~1", "name~(", "name=a,", ",name=a", "name=a,,name=b",
		"averyveryveryveryveryverylongcolumnname=1",
	};
	char why[256];

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		why[0] = '\0';
		EXPECT_EQ(parse_error(bad[i], why, sizeof(why)), -EINVAL);
		EXPECT_TRUE(why[0]);
	}
}

TEST(filter, a_reason_never_overruns_its_room)
{
	char why[8 + 1], expr[300];

	memset(expr, 'x', sizeof(expr) - 1);
	expr[sizeof(expr) - 1] = '\0';
	why[8] = 'S';
	EXPECT_EQ(parse_error(expr, why, 8), -EINVAL);
	EXPECT_EQ(why[8], 'S');
	EXPECT_TRUE(strlen(why) < 8);
}
