/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/wakeup_event.c - active, inactive, and what is counted on the way
 *
 * Invariant: a source is active from its first event until it is relaxed, by its
 *            owner or by the end of a timed event.  While it is active it counts
 *            as one event being handled (wakeup_count.c).
 * Not here:  the list (wakeup_source.c), when time runs out (wakeup_timer.c).
 */
#include <rove/irq_work.h>

#include "base/context.h"
#include "objects/wakeup_event.h"

static bool is_active(const struct wakeup_source *ws)
{
	return ws->flags & WAKEUP_SOURCE_ACTIVE;
}

static void activate(struct wakeup_source *ws)
{
	ktime_t now = ktime_get();

	ws_store_flag(ws, WAKEUP_SOURCE_ACTIVE, true);
	ws_store(ws->active_count, ws->active_count + 1);
	ws_store(ws->last_time, now);
	if (ws->flags & WAKEUP_SOURCE_AUTOSLEEP)
		ws_store(ws->start_prevent_time, now);
	wakeup_count_begin();
}

static void report_event(struct wakeup_source *ws)
{
	ws_store(ws->event_count, ws->event_count + 1);
	if (wakeup_count_checked())
		ws_store(ws->wakeup_count, ws->wakeup_count + 1);
	if (!is_active(ws))
		activate(ws);
}

static void count_prevented_sleep(struct wakeup_source *ws, ktime_t now)
{
	ws_store(ws->prevent_sleep_time,
		 ws->prevent_sleep_time + now - ws->start_prevent_time);
}

static void deactivate(struct wakeup_source *ws, ktime_t now)
{
	ktime_t duration = now - ws->last_time;

	ws_store_flag(ws, WAKEUP_SOURCE_ACTIVE, false);
	ws_store(ws->relax_count, ws->relax_count + 1);
	ws_store(ws->total_time, ws->total_time + duration);
	if (duration > ws->max_time)
		ws_store(ws->max_time, duration);
	ws_store(ws->last_time, now);
	ws_store(ws->timer_expires, 0);
	if (ws->flags & WAKEUP_SOURCE_AUTOSLEEP)
		count_prevented_sleep(ws, now);
	wakeup_count_end();
}

/**
 * rove_pm_stay_awake - see rove/wakeup.h
 */
void rove_pm_stay_awake(struct wakeup_source *ws)
{
	ctx_thread();
	if (!ws)
		return;
	mutex_lock(&ws->lock);
	ws_write_begin(ws);
	report_event(ws);
	ws_store(ws->timer_expires, 0);
	ws_write_end(ws);
	mutex_unlock(&ws->lock);
}

/**
 * wakeup_source_relax_locked - make it inactive if it is active
 *
 * Context: thread, under ->lock.
 */
static void wakeup_source_relax_locked(struct wakeup_source *ws)
{
	assert_held(&ws->lock);
	if (!is_active(ws))
		return;
	ws_write_begin(ws);
	deactivate(ws, ktime_get());
	ws_write_end(ws);
}

/**
 * rove_pm_relax - see rove/wakeup.h
 */
void rove_pm_relax(struct wakeup_source *ws)
{
	ctx_thread();
	if (!ws)
		return;
	mutex_lock(&ws->lock);
	wakeup_source_relax_locked(ws);
	mutex_unlock(&ws->lock);
}

/* An earlier event's later end stays. */
static void expire_at(struct wakeup_source *ws, unsigned long expires_ns)
{
	if (ws->timer_expires && expires_ns <= ws->timer_expires)
		return;
	ws_store(ws->timer_expires, expires_ns);
	wakeup_timer_arm(ws, expires_ns);
}

/**
 * rove_pm_wakeup_event - see rove/wakeup.h
 */
int rove_pm_wakeup_event(struct wakeup_source *ws, unsigned int msec)
{
	int err = 0;

	ctx_thread();
	if (!ws)
		return 0;
	if (msec)
		err = rove_softirq_start();
	mutex_lock(&ws->lock);
	ws_write_begin(ws);
	report_event(ws);
	if (msec && !err)
		expire_at(ws, ktime_get() + msec * NSEC_PER_MSEC);
	else
		deactivate(ws, ktime_get());
	ws_write_end(ws);
	mutex_unlock(&ws->lock);
	return err;
}

/**
 * wakeup_source_timer_fn_locked - a source's timer has come to its time
 * @now:  what it takes for the present
 *
 * The timer is not taken back when its event ends early or is prolonged: here is
 * where that is noticed.
 *
 * Context: thread, under ->lock.
 */
void wakeup_source_timer_fn_locked(struct wakeup_source *ws, ktime_t now)
{
	assert_held(&ws->lock);
	if (!is_active(ws) || !ws->timer_expires)
		return;
	if ((unsigned long)now < ws->timer_expires) {
		wakeup_timer_arm(ws, ws->timer_expires);
		return;
	}
	ws_write_begin(ws);
	deactivate(ws, ktime_get());
	ws_store(ws->expire_count, ws->expire_count + 1);
	ws_write_end(ws);
}

static void set_autosleep(struct wakeup_source *ws, bool set)
{
	ktime_t now = ktime_get();

	if (set == !!(ws->flags & WAKEUP_SOURCE_AUTOSLEEP))
		return;
	ws_write_begin(ws);
	ws_store_flag(ws, WAKEUP_SOURCE_AUTOSLEEP, set);
	if (is_active(ws) && set)
		ws_store(ws->start_prevent_time, now);
	else if (is_active(ws))
		count_prevented_sleep(ws, now);
	ws_write_end(ws);
}

/**
 * rove_pm_wakep_autosleep_enabled - see rove/wakeup.h
 */
void rove_pm_wakep_autosleep_enabled(bool set)
{
	struct wakeup_source *ws;
	int idx;

	ctx_may_sleep();
	idx = wakeup_sources_read_lock();
	for (ws = wakeup_sources_first(); ws; ws = wakeup_sources_next(ws)) {
		mutex_lock(&ws->lock);
		set_autosleep(ws, set);
		mutex_unlock(&ws->lock);
	}
	wakeup_sources_read_unlock(idx);
}
