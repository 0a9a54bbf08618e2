/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wakeup_handshake_test.c - may the system sleep, what is kept of sources, reading unlocked
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/objects/wakeup.h"

/* --- the handshake ------------------------------------------------------------------------- */

TEST(handshake, events_are_counted_as_wakeups_only_while_watched)
{
	struct wakeup_source *ws = source_new(NULL, "watched");

	stop_watching();
	rove_pm_wakeup_event(ws, 0);
	EXPECT_EQ(attrs_of(ws).wakeup_count, 0);
	EXPECT_TRUE(rove_pm_save_wakeup_count(handled_now()));
	rove_pm_wakeup_event(ws, 0);
	rove_pm_stay_awake(ws);
	EXPECT_EQ(attrs_of(ws).wakeup_count, 2);
	EXPECT_TRUE(rove_pm_wakeup_pending());
	rove_pm_stay_awake(ws);
	EXPECT_EQ(attrs_of(ws).wakeup_count, 2);
	rove_wakeup_source_unregister(ws);
}

TEST(handshake, an_event_between_the_halves_refuses_the_suspend)
{
	struct wakeup_source *ws = source_new(NULL, "between");
	u32 count = handled_now();

	rove_pm_wakeup_event(ws, 0);
	EXPECT_EQ(handled_now(), count + 1);
	EXPECT_FALSE(rove_pm_save_wakeup_count(count));
	EXPECT_FALSE(rove_pm_wakeup_pending());		/* nothing is watched */
	EXPECT_TRUE(rove_pm_save_wakeup_count(count + 1));
	EXPECT_FALSE(rove_pm_wakeup_pending());
	rove_wakeup_source_unregister(ws);
	stop_watching();
}

TEST(handshake, an_event_in_progress_refuses_the_suspend)
{
	struct wakeup_source *ws = source_new(NULL, "in progress");
	u32 count = handled_now(), same;

	rove_pm_stay_awake(ws);
	EXPECT_FALSE(rove_pm_get_wakeup_count(&same));
	EXPECT_EQ(same, count);
	EXPECT_FALSE(rove_pm_save_wakeup_count(count));
	rove_pm_relax(ws);
	rove_wakeup_source_unregister(ws);
}

TEST(handshake, an_event_after_it_is_pending_once)
{
	struct wakeup_source *ws = source_new(NULL, "after");

	EXPECT_TRUE(rove_pm_save_wakeup_count(handled_now()));
	rove_pm_stay_awake(ws);
	EXPECT_TRUE(rove_pm_wakeup_pending());
	EXPECT_FALSE(rove_pm_wakeup_pending());
	rove_pm_relax(ws);
	rove_wakeup_source_unregister(ws);
}

TEST(handshake, an_unregistered_source_is_no_longer_in_progress)
{
	struct wakeup_source *ws = source_new(NULL, "gone");
	u32 count = handled_now();

	rove_pm_stay_awake(ws);
	rove_wakeup_source_unregister(ws);
	EXPECT_EQ(handled_now(), count + 1);
}

TEST(handshake, waiting_ends_in_time_when_nothing_is_relaxed)
{
	struct wakeup_source *ws = source_new(NULL, "stubborn");
	u64 before = clock_mono_ns();
	u32 count;

	rove_pm_stay_awake(ws);
	EXPECT_FALSE(rove_pm_wait_wakeup_count(&count, 10));
	EXPECT_TRUE(clock_mono_ns() - before >= 10 * NSEC_PER_MSEC);
	rove_wakeup_source_unregister(ws);
}

static void *relax_later(void *ws)
{
	usleep(10000);
	rove_pm_relax(ws);
	return NULL;
}

TEST(handshake, waiting_ends_when_the_last_event_is_handled)
{
	struct wakeup_source *ws = source_new(NULL, "soon");
	u32 before = handled_now(), count = 0;
	pthread_t thread;

	rove_pm_stay_awake(ws);
	EXPECT_EQ(pthread_create(&thread, NULL, relax_later, ws), 0);
	EXPECT_TRUE(rove_pm_wait_wakeup_count(&count, -1));
	EXPECT_EQ(count, before + 1);
	pthread_join(thread, NULL);
	rove_wakeup_source_unregister(ws);
}

/* --- autosleep ----------------------------------------------------------------------------- */

TEST(autosleep, only_active_time_while_it_is_on_counts_as_prevented)
{
	struct wakeup_source *ws = source_new(NULL, "preventing");
	s64 prevented;

	rove_pm_stay_awake(ws);
	usleep(2000);
	EXPECT_EQ(attrs_of(ws).prevent_suspend_time_ns, 0);
	rove_pm_wakep_autosleep_enabled(true);
	usleep(2000);
	EXPECT_TRUE(attrs_of(ws).prevent_suspend_time_ns >= 2000000);
	EXPECT_TRUE(attrs_of(ws).prevent_suspend_time_ns < attrs_of(ws).active_time_ns);
	rove_pm_wakep_autosleep_enabled(false);
	prevented = attrs_of(ws).prevent_suspend_time_ns;
	EXPECT_TRUE(prevented >= 2000000);
	usleep(1000);
	EXPECT_EQ(attrs_of(ws).prevent_suspend_time_ns, prevented);
	rove_wakeup_source_unregister(ws);
}

TEST(autosleep, a_source_registered_later_starts_without)
{
	struct wakeup_source *ws;

	rove_pm_wakep_autosleep_enabled(true);
	ws = source_new(NULL, "late");
	rove_pm_stay_awake(ws);
	usleep(1000);
	rove_pm_relax(ws);
	EXPECT_EQ(attrs_of(ws).prevent_suspend_time_ns, 0);
	rove_pm_wakep_autosleep_enabled(false);
	rove_wakeup_source_unregister(ws);
}

/* --- the deleted --------------------------------------------------------------------------- */

TEST(deleted, the_numbers_of_a_source_outlive_it)
{
	struct rove_wakeup_attrs before = deleted_attrs(), after, a;
	struct wakeup_source *ws = source_new(NULL, "mourned");

	rove_pm_wakeup_event(ws, 0);
	rove_pm_stay_awake(ws);
	rove_pm_stay_awake(ws);
	usleep(1000);
	rove_pm_relax(ws);
	a = attrs_of(ws);
	rove_wakeup_source_unregister(ws);
	after = deleted_attrs();
	EXPECT_STR_EQ(after.name, "deleted");
	EXPECT_EQ(after.event_count - before.event_count, 3);
	EXPECT_EQ(after.active_count - before.active_count, 2);
	EXPECT_EQ(after.relax_count - before.relax_count, 2);
	EXPECT_EQ(after.total_time_ns - before.total_time_ns, a.total_time_ns);
	EXPECT_EQ(after.max_time_ns, max(before.max_time_ns, a.max_time_ns));
}

TEST(deleted, a_source_that_never_had_an_event_counts_as_active_once)
{
	struct rove_wakeup_attrs before = deleted_attrs(), after;

	rove_wakeup_source_unregister(source_new(NULL, "unused"));
	after = deleted_attrs();
	EXPECT_EQ(after.active_count - before.active_count, 1);
	EXPECT_EQ(after.event_count, before.event_count);
}

/* --- reading without the lock -------------------------------------------------------------- */

TEST(try_read, a_settled_record_is_read_as_under_the_lock)
{
	struct wakeup_source *ws = source_new(NULL, "settled");
	struct rove_wakeup_attrs a, b;

	rove_pm_wakeup_event(ws, 0);
	EXPECT_TRUE(wakeup_source_try_read(ws, &a));
	b = attrs_of(ws);
	EXPECT_MEM_EQ(&a, &b, offsetof(struct rove_wakeup_attrs, active));
	EXPECT_EQ(a.active, b.active);
	EXPECT_EQ(ws->generation % 2, 0);
	rove_wakeup_source_unregister(ws);
}

TEST(try_read, a_record_with_a_writer_inside_is_refused)
{
	struct wakeup_source *ws = source_new(NULL, "being written");
	struct rove_wakeup_attrs a;

	mutex_lock(&ws->lock);
	ws_write_begin(ws);
	EXPECT_FALSE(wakeup_source_try_read(ws, &a));
	ws_write_end(ws);
	mutex_unlock(&ws->lock);
	EXPECT_TRUE(wakeup_source_try_read(ws, &a));
	rove_wakeup_source_unregister(ws);
}

TEST(try_read, the_two_flags_are_the_two_bits)
{
	struct wakeup_source *ws = source_new(NULL, "flags");

	rove_pm_stay_awake(ws);
	EXPECT_TRUE(ws->active);
	EXPECT_FALSE(ws->autosleep_enabled);
	EXPECT_EQ(ws->flags, WAKEUP_SOURCE_ACTIVE);
	rove_pm_wakep_autosleep_enabled(true);
	EXPECT_TRUE(ws->autosleep_enabled);
	rove_pm_relax(ws);
	EXPECT_FALSE(ws->active);
	EXPECT_EQ(ws->flags, WAKEUP_SOURCE_AUTOSLEEP);
	rove_pm_wakep_autosleep_enabled(false);
	rove_wakeup_source_unregister(ws);
}
