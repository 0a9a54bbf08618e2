/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/torture/walk_torture.c - BPF walks while sources come, go, wake and relax
 *
 * Four threads change sources as fast as they can.  Each activates a source
 * only when it is idle and relaxes it only when it is active, so every moment
 * of a source obeys a few equations; a record that breaks one must be flagged
 * torn.  ROVE_TORTURE_SECONDS (2) bounds the run.
 */
#include <pthread.h>
#include <unistd.h>

#include <rove/wakeup.h>

#include "base/clock.h"
#include "base/types.h"
#include "target/wakeup_walk.h"
#include "tests/test.h"
#include "tests/torture/torture.h"

#define NR_WRITERS 4
#define NR_SOURCES_EACH 32

static bool stop;

struct owned {
	struct wakeup_source *ws;
	bool active;
};

static void change_one(struct owned *o, u64 random)
{
	if (!o->ws) {
		if (rove_wakeup_source_register(NULL, "tortured", &o->ws))
			o->ws = NULL;
		o->active = false;
	} else if (random % 16 == 0) {
		rove_wakeup_source_unregister(o->ws);
		o->ws = NULL;
	} else if (o->active) {
		rove_pm_relax(o->ws);
		o->active = false;
	} else {
		rove_pm_stay_awake(o->ws);
		o->active = true;
	}
}

static void *writer(void *arg)
{
	struct owned owned[NR_SOURCES_EACH] = { 0 };
	u64 random = 88172645463325252ull + (uintptr_t)arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		u64 r = next_random(&random);

		change_one(&owned[r % NR_SOURCES_EACH], r >> 32);
	}
	for (u32 i = 0; i < NR_SOURCES_EACH; i++)
		if (owned[i].ws)
			rove_wakeup_source_unregister(owned[i].ws);
	return NULL;
}

/* What holds of a source of ours at every moment; @now_ns was read after the fields. */
static const char *contradiction(const struct rove_wakeup_record *rec)
{
	u64 active = rec->flags & ROVE_WAKEUP_ACTIVE;

	if (strcmp(rec->name, "tortured"))
		return "name";
	if (rec->event_count != rec->active_count)
		return "an event without an activation";
	if (rec->active_count != rec->relax_count + active)
		return "activations and relaxations do not fit the state";
	if (rec->expire_count || rec->wakeup_count)
		return "an expiry or wakeup that nobody caused";
	if (rec->max_time_ns > rec->total_time_ns)
		return "the longest time is longer than all of them";
	if (rec->total_time_ns > (s64)rec->relax_count * rec->max_time_ns)
		return "more time than the activations can have taken";
	if (rec->last_change_ns > (s64)rec->now_ns)
		return "changed in the future";
	return NULL;
}

struct totals {
	u64 walks, records, torn;
};

static void walk_once(struct wakeup_walk *walk, struct totals *totals)
{
	struct wakeup_walk_result res;
	u64 torn = 0;

	EXPECT_EQ(wakeup_walk_run(walk, &res), 0);
	EXPECT_EQ(res.lost, 0);
	EXPECT_EQ(res.end, ROVE_WAKEUP_WALK_COMPLETE);
	EXPECT_EQ(res.nr_records, res.visited);
	for (u64 i = 0; i < res.nr_records; i++) {
		const struct rove_wakeup_record *rec = wakeup_walk_at(&res, i);
		const char *wrong;

		if (rec->flags & ROVE_WAKEUP_TORN) {
			torn++;
			continue;
		}
		wrong = contradiction(rec);
		if (wrong) {
			print_error("%s: active_count %llu event_count %llu relax_count %llu flags %x "
				    "total %lld max %lld\n",
				    wrong, rec->active_count, rec->event_count, rec->relax_count,
				    rec->flags, rec->total_time_ns, rec->max_time_ns);
			fail();
		}
	}
	EXPECT_EQ(torn, res.torn);
	totals->walks++;
	totals->records += res.nr_records;
	totals->torn += torn;
}

TEST(walk_torture, every_record_is_consistent_or_flagged_torn)
{
	static char why[256 * 1024];
	pthread_t threads[NR_WRITERS];
	struct totals totals = { 0 };
	struct wakeup_walk *walk;
	u64 end_ns = clock_mono_ns() + torture_ns();
	int err;

	err = wakeup_walk_open(&(struct wakeup_walk_options){ .target = "self" }, &walk, why,
			       sizeof(why));
	if (err)
		print_error("%s\n", why);
	EXPECT_EQ(err, 0);
	for (uintptr_t i = 0; i < NR_WRITERS; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, writer, (void *)i), 0);
	while (clock_mono_ns() < end_ns)
		walk_once(walk, &totals);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (u32 i = 0; i < NR_WRITERS; i++)
		pthread_join(threads[i], NULL);
	wakeup_walk_close(walk);
	rove_wakeup_sources_barrier();
	print_message("# %ju walks, %ju records, %ju torn\n", totals.walks, totals.records, totals.torn);
	EXPECT_TRUE(totals.walks > 0 && totals.records > 0);
}
