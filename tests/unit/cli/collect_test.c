/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/cli/collect_test.c - which source is taken, and what it comes to when none is
 */
#include "tests/test.h"

#include "cli/collect/collect.h"
#include "cli/model/wakeup.h"

static enum collect_verdict answers[3];
static u32 nr_opened, nr_closed;

static enum collect_verdict answer(u32 i, void **ret_state, struct collect_status *status)
{
	if (answers[i] != COLLECT_OK)
		return collect_refuse(status, answers[i], -1, "source %u said %d", i, answers[i]);
	nr_opened++;
	*ret_state = &answers[i];
	return COLLECT_OK;
}

static enum collect_verdict open_0(const struct collect_options *options, void **ret_state,
				   struct collect_status *status)
{
	return answer(0, ret_state, status);
}

static enum collect_verdict open_1(const struct collect_options *options, void **ret_state,
				   struct collect_status *status)
{
	return answer(1, ret_state, status);
}

static enum collect_verdict open_2(const struct collect_options *options, void **ret_state,
				   struct collect_status *status)
{
	return answer(2, ret_state, status);
}

static int run(void *state, struct listing *ret_listing)
{
	listing_begin(ret_listing, &wakeup_noun, "test");
	return 0;
}

static void close_it(void *state)
{
	nr_closed++;
}

static const struct collect_source first = {
	.name = "first", .automatic = true, .keeps_budget = true,
	.open = open_0, .run = run, .close = close_it,
};
static const struct collect_source second = {
	.name = "second", .automatic = true, .open = open_1, .run = run, .close = close_it,
};
static const struct collect_source named_only = {
	.name = "named", .open = open_2, .run = run, .close = close_it,
};
static const struct collect_source *const sources[] = { &first, &second, &named_only };
static const struct collect_noun noun = { &wakeup_noun, sources, ARRAY_SIZE(sources) };

static enum collect_verdict try_all(const char *name, u64 budget_ns, const char **ret_source)
{
	const struct collect_options options = { .budget_ns = budget_ns };
	struct collector collector;
	enum collect_verdict verdict = collector_open(&collector, &noun, name, &options);

	*ret_source = collector.source ? collector.source->name : NULL;
	collector_close(&collector);
	EXPECT_EQ(nr_opened, nr_closed);
	return verdict;
}

TEST(collect, auto_takes_the_first_that_opens)
{
	const char *source;

	answers[0] = answers[1] = answers[2] = COLLECT_OK;
	EXPECT_EQ(try_all("auto", 0, &source), COLLECT_OK);
	EXPECT_STR_EQ(source, "first");
	for (answers[0] = COLLECT_OLD; answers[0] < NR_COLLECT_VERDICTS; answers[0]++) {
		EXPECT_EQ(try_all("auto", 0, &source), COLLECT_OK);
		EXPECT_STR_EQ(source, "second");
	}
}

TEST(collect, auto_never_takes_what_must_be_named)
{
	const char *source;

	answers[0] = answers[1] = COLLECT_ABSENT;
	answers[2] = COLLECT_OK;
	EXPECT_EQ(try_all("auto", 0, &source), COLLECT_ABSENT);
	EXPECT_EQ(try_all("named", 0, &source), COLLECT_OK);
	EXPECT_STR_EQ(source, "named");
}

TEST(collect, a_fault_of_ours_is_the_answer_before_anything_else)
{
	const char *source;

	answers[1] = COLLECT_ABSENT;
	answers[0] = COLLECT_REJECTED;
	EXPECT_EQ(try_all("auto", 0, &source), COLLECT_REJECTED);
	answers[0] = COLLECT_FAILED;
	EXPECT_EQ(try_all("auto", 0, &source), COLLECT_FAILED);
	answers[1] = COLLECT_REJECTED;
	EXPECT_EQ(try_all("auto", 0, &source), COLLECT_REJECTED);
}

TEST(collect, permission_is_the_answer_only_when_nothing_is_missing)
{
	static const struct { enum collect_verdict one, two, all; } cases[] = {
		{ COLLECT_OLD, COLLECT_ABSENT, COLLECT_ABSENT },
		{ COLLECT_OLD, COLLECT_OLD, COLLECT_ABSENT },
		{ COLLECT_OLD, COLLECT_DENIED, COLLECT_DENIED },
		{ COLLECT_DENIED, COLLECT_DENIED, COLLECT_DENIED },
		{ COLLECT_DENIED, COLLECT_ABSENT, COLLECT_ABSENT },
		{ COLLECT_ABSENT, COLLECT_DENIED, COLLECT_ABSENT },
	};
	const char *source;

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		answers[0] = cases[i].one;
		answers[1] = cases[i].two;
		EXPECT_EQ(try_all("auto", 0, &source), cases[i].all);
		EXPECT_PTR_EQ(source, NULL);
	}
}

TEST(collect, a_named_source_says_its_own_verdict)
{
	const char *source;

	for (answers[0] = COLLECT_OLD; answers[0] < NR_COLLECT_VERDICTS; answers[0]++)
		EXPECT_EQ(try_all("first", 0, &source), answers[0]);
}

TEST(collect, a_source_that_cannot_keep_a_budget_is_passed_over)
{
	const char *source;

	answers[0] = COLLECT_ABSENT;
	answers[1] = COLLECT_OK;
	EXPECT_EQ(try_all("auto", 1, &source), COLLECT_ABSENT);
	answers[0] = COLLECT_OK;
	EXPECT_EQ(try_all("auto", 1, &source), COLLECT_OK);
	EXPECT_STR_EQ(source, "first");
}
