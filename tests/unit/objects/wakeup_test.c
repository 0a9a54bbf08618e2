/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wakeup_test.c - wakeup sources against a model of the rules
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/objects/wakeup.h"

/* --- registration and the list ------------------------------------------------------------- */

TEST(wakeup, a_new_source_has_a_name_and_nothing_else)
{
	struct wakeup_source *ws = source_new(NULL, "new one");
	struct rove_wakeup_attrs a = attrs_of(ws);

	EXPECT_STR_EQ(a.name, "new one");
	EXPECT_EQ(a.active_count + a.relax_count + a.event_count, 0);
	EXPECT_EQ(a.wakeup_count + a.expire_count, 0);
	EXPECT_EQ(a.active_time_ns + a.total_time_ns + a.max_time_ns + a.last_change_ns, 0);
	EXPECT_EQ(a.prevent_suspend_time_ns, 0);
	EXPECT_FALSE(a.active);
	rove_wakeup_source_unregister(ws);
}

TEST(wakeup, its_class_device_is_numbered_and_sits_on_the_real_one)
{
	struct device_driver *driver = NULL;
	struct device *bus = NULL, *dev = NULL;
	struct wakeup_source *ws, *orphan;
	char name[32];

	EXPECT_EQ(rove_device_driver_create("button", &driver), 0);
	EXPECT_EQ(rove_device_create(NULL, NULL, "bus", &bus), 0);
	EXPECT_EQ(rove_device_create(bus, driver, "PNP0C0C:00", &dev), 0);
	ws = source_new(dev, "power button");
	orphan = source_new(NULL, "orphan");
	snprintf(name, sizeof(name), "wakeup%d", ws->id);
	EXPECT_STR_EQ(ws->dev->kobj.name, name);
	EXPECT_STR_EQ(ws->dev->parent->kobj.name, "PNP0C0C:00");
	EXPECT_STR_EQ(ws->dev->parent->driver->name, "button");
	EXPECT_STR_EQ(ws->dev->parent->parent->kobj.name, "bus");
	EXPECT_PTR_EQ(orphan->dev->parent, NULL);
	EXPECT_NE(orphan->id, ws->id);
	rove_device_put(dev);
	rove_device_put(bus);
	rove_device_driver_put(driver);
	EXPECT_STR_EQ(ws->dev->parent->parent->kobj.name, "bus");	/* still held */
	rove_wakeup_source_unregister(ws);
	rove_wakeup_source_unregister(orphan);
	rove_wakeup_sources_barrier();
}

TEST(wakeup, the_walk_finds_the_newest_first)
{
	struct wakeup_source *a = source_new(NULL, "a"), *b = source_new(NULL, "b");
	int idx = wakeup_sources_read_lock();

	EXPECT_PTR_EQ(wakeup_sources_first(), b);
	EXPECT_PTR_EQ(wakeup_sources_next(b), a);
	EXPECT_PTR_EQ(wakeup_sources_head()->next, &b->entry);
	wakeup_sources_read_unlock(idx);
	rove_wakeup_source_unregister(b);
	EXPECT_FALSE(is_listed(b));
	EXPECT_TRUE(is_listed(a));
	rove_wakeup_source_unregister(a);
	EXPECT_FALSE(is_listed(a));
}

TEST(wakeup, a_reader_may_stay_on_a_source_that_is_unregistered_meanwhile)
{
	struct wakeup_source *a = source_new(NULL, "a"), *b = source_new(NULL, "b");
	struct wakeup_source *c = source_new(NULL, "c");
	int idx = wakeup_sources_read_lock();

	rove_wakeup_source_unregister(b);
	rove_wakeup_source_unregister(a);
	usleep(5000);
	EXPECT_STR_EQ(b->name, "b");
	EXPECT_PTR_EQ(wakeup_sources_next(b), a);
	EXPECT_PTR_EQ(wakeup_sources_first(), c);
	wakeup_sources_read_unlock(idx);
	rove_wakeup_source_unregister(c);
	rove_wakeup_sources_barrier();
}

TEST(wakeup, arguments_that_make_no_sense_are_refused)
{
	struct device_driver *driver = NULL;
	struct wakeup_source *ws = NULL;
	struct device *dev = NULL;

	EXPECT_EQ(rove_wakeup_source_register(NULL, NULL, &ws), -EINVAL);
	EXPECT_EQ(rove_device_create(NULL, NULL, NULL, &dev), -EINVAL);
	EXPECT_EQ(rove_device_create(NULL, NULL, "", &dev), -EINVAL);
	EXPECT_EQ(rove_device_driver_create(NULL, &driver), -EINVAL);
	EXPECT_EQ(rove_device_driver_create("", &driver), -EINVAL);
	EXPECT_TRUE(!ws && !dev && !driver);
}

TEST(wakeup, null_is_a_source_that_does_nothing)
{
	rove_pm_stay_awake(NULL);
	rove_pm_relax(NULL);
	EXPECT_EQ(rove_pm_wakeup_event(NULL, 5), 0);
	rove_wakeup_source_unregister(NULL);
	rove_device_put(NULL);
	rove_device_driver_put(NULL);
}

/* --- events against a model ---------------------------------------------------------------- */

/* The rules, written down once more, with the source's own clock readings. */
struct model {
	u64 active_count, event_count, wakeup_count, relax_count;
	s64 total, max, last, prevent, prevent_since;
	bool active, autosleep, watched;
};

static void model_event(struct model *m, s64 now)
{
	m->event_count++;
	m->wakeup_count += m->watched;
	if (m->active)
		return;
	m->active = true;
	m->active_count++;
	m->last = now;
	m->prevent_since = now;
}

static void model_relax(struct model *m, s64 now)
{
	if (!m->active)
		return;
	m->active = false;
	m->relax_count++;
	m->total += now - m->last;
	m->max = max(m->max, now - m->last);
	m->last = now;
	if (m->autosleep)
		m->prevent += now - m->prevent_since;
}

static void expect_model(struct wakeup_source *ws, const struct model *m)
{
	struct rove_wakeup_attrs a = attrs_of(ws);

	EXPECT_EQ(a.active_count, m->active_count);
	EXPECT_EQ(a.event_count, m->event_count);
	EXPECT_EQ(a.wakeup_count, m->wakeup_count);
	EXPECT_EQ(a.relax_count, m->relax_count);
	EXPECT_EQ(a.expire_count, 0);
	EXPECT_EQ(a.active, m->active);
	EXPECT_EQ(a.last_change_ns, m->last);
	EXPECT_EQ(ws->total_time, m->total);
	EXPECT_EQ(ws->max_time, m->max);
	EXPECT_EQ(a.total_time_ns, m->total + a.active_time_ns);
	EXPECT_EQ(a.max_time_ns, max(m->max, a.active_time_ns));
	if (!m->active)
		EXPECT_EQ(a.active_time_ns, 0);
	if (!m->autosleep || !m->active)
		EXPECT_EQ(a.prevent_suspend_time_ns, m->prevent);
	else
		EXPECT_EQ(a.prevent_suspend_time_ns,
			  m->prevent + a.last_change_ns + a.active_time_ns - m->prevent_since);
}

/* The one clock reading the model cannot take from ->last_time. */
static void model_autosleep(struct wakeup_source *ws, struct model *m, bool set)
{
	s64 before = ws->prevent_sleep_time;

	rove_pm_wakep_autosleep_enabled(set);
	if (set == m->autosleep)
		return;
	m->autosleep = set;
	if (m->active && set)
		m->prevent_since = ws->start_prevent_time;
	else if (m->active)
		m->prevent += ws->prevent_sleep_time - before;
}

static void model_step(struct wakeup_source *ws, struct model *m, u64 random)
{
	switch (random % 8) {
	case 0:
	case 1:
		rove_pm_stay_awake(ws);
		model_event(m, ws->last_time);
		break;
	case 2:
	case 3:
		rove_pm_relax(ws);
		model_relax(m, ws->last_time);
		break;
	case 4:
		/* At once active and relaxed: the first reading is known by the time between. */
		rove_pm_wakeup_event(ws, 0);
		model_event(m, m->active ? 0 : ws->last_time - (ws->total_time - m->total));
		model_relax(m, ws->last_time);
		break;
	case 5:
		rove_pm_wakeup_event(ws, 1000000);
		model_event(m, ws->last_time);
		break;
	case 6:
		model_autosleep(ws, m, random / 8 % 2);
		break;
	case 7:
		/* While it is active itself the count cannot be saved: then nothing is watched. */
		m->watched = rove_pm_save_wakeup_count(m->active ? 0 : handled_now());
		EXPECT_EQ(m->watched, !m->active);
		break;
	}
}

TEST(wakeup, a_long_random_life_agrees_with_the_model)
{
	struct wakeup_source *ws = source_new(NULL, "modelled");
	struct model m = { 0 };
	u64 random = 7;

	for (int i = 0; i < 20000; i++) {
		random = random * 6364136223846793005ull + 1442695040888963407ull;
		model_step(ws, &m, random >> 33);
		expect_model(ws, &m);
	}
	rove_pm_wakep_autosleep_enabled(false);
	rove_wakeup_source_unregister(ws);
	stop_watching();
}

TEST(wakeup, time_passes_while_active_and_only_then)
{
	struct wakeup_source *ws = source_new(NULL, "timed");
	struct rove_wakeup_attrs a, b;

	rove_pm_stay_awake(ws);
	usleep(2000);
	a = attrs_of(ws);
	EXPECT_TRUE(a.active_time_ns >= 2000000);
	EXPECT_EQ(a.total_time_ns, a.active_time_ns);
	EXPECT_EQ(a.max_time_ns, a.active_time_ns);
	rove_pm_relax(ws);
	b = attrs_of(ws);
	EXPECT_TRUE(b.total_time_ns >= a.total_time_ns);
	EXPECT_TRUE(b.last_change_ns > a.last_change_ns);
	usleep(2000);
	EXPECT_EQ(attrs_of(ws).total_time_ns, b.total_time_ns);
	rove_wakeup_source_unregister(ws);
}

/* --- timed events -------------------------------------------------------------------------- */

static void expect_soon_inactive(struct wakeup_source *ws)
{
	for (int i = 0; i < 5000 && attrs_of(ws).active; i++)
		usleep(1000);
	EXPECT_FALSE(attrs_of(ws).active);
}

TEST(wakeup, a_timed_event_expires_once_and_not_too_early)
{
	struct wakeup_source *ws = source_new(NULL, "expiring");
	struct rove_wakeup_attrs a;

	EXPECT_EQ(rove_pm_wakeup_event(ws, 20), 0);
	EXPECT_TRUE(attrs_of(ws).active);
	expect_soon_inactive(ws);
	a = attrs_of(ws);
	EXPECT_EQ(a.expire_count, 1);
	EXPECT_EQ(a.relax_count, 1);
	EXPECT_TRUE(a.total_time_ns >= 20000000);
	usleep(30000);
	EXPECT_EQ(attrs_of(ws).expire_count, 1);
	rove_wakeup_source_unregister(ws);
}

TEST(wakeup, of_two_timed_events_the_later_end_stays)
{
	struct wakeup_source *prolonged = source_new(NULL, "prolonged");
	struct wakeup_source *kept = source_new(NULL, "kept");

	rove_pm_wakeup_event(prolonged, 5);
	rove_pm_wakeup_event(prolonged, 60);
	rove_pm_wakeup_event(kept, 60);
	rove_pm_wakeup_event(kept, 5);
	expect_soon_inactive(prolonged);
	expect_soon_inactive(kept);
	EXPECT_TRUE(attrs_of(prolonged).total_time_ns >= 60000000);
	EXPECT_TRUE(attrs_of(kept).total_time_ns >= 60000000);
	EXPECT_EQ(attrs_of(prolonged).expire_count, 1);
	EXPECT_EQ(attrs_of(kept).expire_count, 1);
	EXPECT_EQ(attrs_of(kept).event_count, 2);
	rove_wakeup_source_unregister(prolonged);
	rove_wakeup_source_unregister(kept);
}

TEST(wakeup, staying_awake_takes_a_timed_end_back)
{
	struct wakeup_source *ws = source_new(NULL, "awake");

	rove_pm_wakeup_event(ws, 5);
	rove_pm_stay_awake(ws);
	usleep(20000);
	EXPECT_TRUE(attrs_of(ws).active);
	EXPECT_EQ(attrs_of(ws).expire_count, 0);
	rove_wakeup_source_unregister(ws);
}

TEST(wakeup, an_event_relaxed_before_its_end_does_not_expire)
{
	struct wakeup_source *ws = source_new(NULL, "relaxed");

	rove_pm_wakeup_event(ws, 10);
	rove_pm_relax(ws);
	usleep(20000);
	EXPECT_EQ(attrs_of(ws).expire_count, 0);
	EXPECT_EQ(attrs_of(ws).relax_count, 1);
	/* The timer is still queued for the old end: an earlier new one must not wait for it. */
	rove_pm_wakeup_event(ws, 100000);
	rove_pm_relax(ws);
	rove_pm_wakeup_event(ws, 5);
	expect_soon_inactive(ws);
	EXPECT_EQ(attrs_of(ws).expire_count, 1);
	rove_wakeup_source_unregister(ws);
}

TEST(wakeup, a_source_may_go_while_its_timed_event_runs)
{
	for (int i = 0; i < 50; i++) {
		struct wakeup_source *ws = source_new(NULL, "going");

		rove_pm_wakeup_event(ws, 1);
		usleep(i * 40);
		rove_wakeup_source_unregister(ws);
	}
	rove_wakeup_sources_barrier();
	handled_now();		/* none is left in progress */
}

TEST(wakeup, many_timed_events_end_each_at_its_time)
{
	struct wakeup_source *ws[64];

	for (int i = 0; i < 64; i++) {
		ws[i] = source_new(NULL, "one of many");
		rove_pm_wakeup_event(ws[i], 1 + i * 37 % 64);
	}
	for (int i = 0; i < 64; i++) {
		expect_soon_inactive(ws[i]);
		EXPECT_TRUE(attrs_of(ws[i]).total_time_ns >= (1 + i * 37 % 64) * 1000000);
		EXPECT_EQ(attrs_of(ws[i]).expire_count, 1);
		rove_wakeup_source_unregister(ws[i]);
	}
}
