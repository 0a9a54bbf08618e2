/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wakeup_sample_test.c - the made-up machine, and what happens when memory runs out
 */
#include <unistd.h>

#include "base/clock.h"
#include "objects/wakeup_sample.h"
#include "objects/wakeup_source.h"
#include "tests/failing.h"
#include "tests/test.h"

static u64 nr_listed(void)
{
	int idx = wakeup_sources_read_lock();
	struct wakeup_source *ws;
	u64 nr = 0;

	for (ws = wakeup_sources_first(); ws; ws = wakeup_sources_next(ws))
		nr++;
	wakeup_sources_read_unlock(idx);
	return nr;
}

static struct wakeup_sample *sample_new(u32 nr_sources, u32 nr_threads, u64 seed)
{
	struct wakeup_sample_options options = {
		.nr_sources = nr_sources,
		.nr_threads = nr_threads,
		.seed = seed,
	};
	struct wakeup_sample *s = NULL;

	EXPECT_EQ(wakeup_sample_start(&options, &s), 0);
	return s;
}

/* What a seed decides, as one number. */
static u64 fingerprint(void)
{
	int idx = wakeup_sources_read_lock();
	struct wakeup_source *ws;
	u64 hash = 14695981039346656037ull;

	for (ws = wakeup_sources_first(); ws; ws = wakeup_sources_next(ws)) {
		for (const char *c = ws->name; *c; c++)
			hash = (hash ^ *c) * 1099511628211ull;
		for (const char *c = ws->dev->parent ? ws->dev->parent->kobj.name : "-"; *c; c++)
			hash = (hash ^ *c) * 1099511628211ull;
		hash = (hash ^ ws->event_count) * 1099511628211ull;
	}
	wakeup_sources_read_unlock(idx);
	return hash;
}

static u64 sum_of_events(void)
{
	int idx = wakeup_sources_read_lock();
	struct rove_wakeup_attrs a;
	struct wakeup_source *ws;
	u64 sum = 0;

	for (ws = wakeup_sources_first(); ws; ws = wakeup_sources_next(ws)) {
		rove_wakeup_source_read(ws, &a);
		sum += a.event_count;
	}
	wakeup_sources_read_unlock(idx);
	return sum;
}

TEST(wakeup_sample, it_has_as_many_sources_as_asked_for_and_none_afterwards)
{
	static const u32 sizes[] = { 1, 2, 7, 150, 5000 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct wakeup_sample *s = sample_new(sizes[i], 0, i);

		EXPECT_EQ(nr_listed(), sizes[i]);
		wakeup_sample_stop(s);
		EXPECT_EQ(nr_listed(), 0);
	}
}

TEST(wakeup_sample, no_sources_is_refused)
{
	struct wakeup_sample_options options = { 0 };
	struct wakeup_sample *s = NULL;

	EXPECT_EQ(wakeup_sample_start(&options, &s), -EINVAL);
	EXPECT_PTR_EQ(s, NULL);
	wakeup_sample_stop(NULL);
}

TEST(wakeup_sample, the_same_seed_makes_the_same_machine)
{
	u64 prints[3];
	static const u64 seeds[] = { 5, 5, 6 };

	for (int i = 0; i < 3; i++) {
		struct wakeup_sample *s = sample_new(300, 0, seeds[i]);

		prints[i] = fingerprint();
		wakeup_sample_stop(s);
	}
	EXPECT_EQ(prints[0], prints[1]);
	EXPECT_NE(prints[0], prints[2]);
}

TEST(wakeup_sample, its_past_is_one_a_real_source_could_have)
{
	struct wakeup_sample *s = sample_new(2000, 0, 3);
	u64 nr_used = 0, nr_orphans = 0, nr_spaces = 0;
	int idx = wakeup_sources_read_lock();
	struct rove_wakeup_attrs a;
	struct wakeup_source *ws;

	for (ws = wakeup_sources_first(); ws; ws = wakeup_sources_next(ws)) {
		rove_wakeup_source_read(ws, &a);
		EXPECT_EQ(a.relax_count, a.active_count);
		EXPECT_TRUE(a.event_count >= a.active_count);
		EXPECT_TRUE(a.expire_count <= a.relax_count);
		EXPECT_TRUE(a.wakeup_count <= a.event_count);
		EXPECT_TRUE(a.max_time_ns <= a.total_time_ns);
		EXPECT_TRUE(a.prevent_suspend_time_ns <= a.total_time_ns);
		EXPECT_TRUE(a.last_change_ns + 0 <= (s64)clock_mono_ns());
		EXPECT_TRUE(a.total_time_ns <= (s64)clock_mono_ns());
		nr_used += a.active_count > 0;
		nr_orphans += !ws->dev->parent;
		nr_spaces += strchr(ws->name, ' ') != NULL;
	}
	wakeup_sources_read_unlock(idx);
	EXPECT_TRUE(nr_used > 1000 && nr_used < 2000);
	EXPECT_TRUE(nr_orphans > 100 && nr_orphans < 1000);
	EXPECT_TRUE(nr_spaces > 100);
	wakeup_sample_stop(s);
}

TEST(wakeup_sample, its_threads_keep_some_sources_busy)
{
	struct wakeup_sample *s = sample_new(100, 2, 1);
	u64 before = sum_of_events();

	for (int i = 0; i < 5000 && sum_of_events() < before + 20; i++)
		usleep(1000);
	EXPECT_TRUE(sum_of_events() >= before + 20);
	wakeup_sample_stop(s);
	EXPECT_EQ(nr_listed(), 0);
}

TEST(wakeup_sample, whichever_allocation_fails_nothing_is_left_behind)
{
	struct wakeup_sample_options options = { .nr_sources = 40, .seed = 1 };
	struct wakeup_sample *s = NULL;
	long nr_failures = 0;
	int err;

	/* The thread of the callbacks, which allocates too, is there before. */
	wakeup_sample_stop(sample_new(1, 0, 1));
	do {
		fail_nth(++nr_failures);
		err = wakeup_sample_start(&options, &s);
		fail_none();
		if (err) {
			EXPECT_EQ(err, -ENOMEM);
			EXPECT_PTR_EQ(s, NULL);
			EXPECT_EQ(nr_listed(), 0);
		}
	} while (err);
	EXPECT_TRUE(nr_failures > 40);
	EXPECT_EQ(nr_listed(), 40);
	wakeup_sample_stop(s);
}
