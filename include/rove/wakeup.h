/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * rove/wakeup.h - wakeup sources: who keeps the system awake, and for how long
 *
 * A driver registers a source for each thing that may have to keep the system
 * from suspending, and says when an event is being handled.  The rules and the
 * numbers are those of the Linux kernel's wakeup sources.
 *
 * After fork() the sources of the parent are of no use in the child.  It may make its own if no
 * other thread was inside of a function of this header while it was forked: one that was may
 * have left a lock taken for ever.
 */
#ifndef ROVE_WAKEUP_H
#define ROVE_WAKEUP_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct wakeup_source;
struct device;
struct device_driver;

/* The ten attributes, and relax_count.  Times in ns; *_count in events. */
struct rove_wakeup_attrs {
	const char *name;		/* as long as the source is registered */
	uint64_t active_count;		/* times the source became active */
	uint64_t event_count;		/* events reported */
	uint64_t wakeup_count;		/* events reported while a suspend was being tried */
	uint64_t expire_count;		/* timed events whose time ran out */
	uint64_t relax_count;		/* times the source became inactive */
	int64_t active_time_ns;		/* since it became active; 0 when inactive */
	int64_t total_time_ns;		/* active, altogether, with active_time_ns */
	int64_t max_time_ns;		/* longest time active, with active_time_ns */
	int64_t last_change_ns;		/* CLOCK_MONOTONIC of the last activation or relaxation */
	int64_t prevent_suspend_time_ns; /* active while autosleep was on */
	bool active;
};

/**
 * rove_device_driver_create - make a driver that devices may be bound to
 * @name:  copied
 *
 * Context: may sleep.
 * Return:  0, -EINVAL (no or empty name) or -ENOMEM.
 */
int rove_device_driver_create(const char *name, struct device_driver **ret_driver);

/* Give the creator's reference back; devices bound to it keep it.  Takes NULL. */
void rove_device_driver_put(struct device_driver *driver);

/**
 * rove_device_create - make a device
 * @parent:  NULL, or the device it sits on; kept by a reference
 * @driver:  NULL, or its driver; kept by a reference
 * @name:    copied
 *
 * Context: may sleep.
 * Return:  0, -EINVAL (no or empty name) or -ENOMEM.
 */
int rove_device_create(struct device *parent, struct device_driver *driver, const char *name,
		       struct device **ret_dev);

/* Give the creator's reference back; sources and children keep it.  Takes NULL. */
void rove_device_put(struct device *dev);

/**
 * rove_wakeup_source_register - add a source, newest first
 * @dev:     NULL, or the device it belongs to; kept by a reference
 * @name:    copied; need not be unique
 * @ret_ws:  set on success only
 *
 * Context: may sleep.
 * Return:  0, -EINVAL (no name) or -ENOMEM.
 */
int rove_wakeup_source_register(struct device *dev, const char *name,
				struct wakeup_source **ret_ws);

/**
 * rove_wakeup_source_unregister - take a source away
 * @ws:  NULL, or a source; the caller must not use it any more.  It is relaxed,
 *       its numbers are added to those of the deleted, and its memory is freed
 *       when the readers that may see it are done
 *
 * Context: may sleep; also inside a read section.
 */
void rove_wakeup_source_unregister(struct wakeup_source *ws);

/**
 * rove_wakeup_sources_barrier - wait until every unregistered source is freed
 *
 * Context: may sleep.
 */
void rove_wakeup_sources_barrier(void);

/**
 * rove_pm_stay_awake - an event is being handled: keep awake until relaxed
 * @ws:  NULL does nothing
 *
 * Context: thread.
 */
void rove_pm_stay_awake(struct wakeup_source *ws);

/**
 * rove_pm_relax - the event is handled
 * @ws:  NULL or an inactive source: nothing happens
 *
 * Context: thread.
 */
void rove_pm_relax(struct wakeup_source *ws);

/**
 * rove_pm_wakeup_event - an event that will be handled within a time
 * @ws:    NULL does nothing
 * @msec:  relaxed by itself after so many milliseconds, counted as expired; an
 *         earlier event's later end stays.  0: relaxed at once
 *
 * The first timed event starts the softirq thread (rove/irq_work.h).
 *
 * Context: thread.
 * Return:  0, or -EAGAIN if that thread cannot be started; then the event is
 *          counted, and the source relaxed at once.
 */
int rove_pm_wakeup_event(struct wakeup_source *ws, unsigned int msec);

/**
 * rove_pm_wakep_autosleep_enabled - tell all registered sources that the system
 * suspends by itself (or does no longer): active time counts as prevented sleep
 *
 * A source registered later starts without, as in the kernel.
 *
 * Context: may sleep.
 */
void rove_pm_wakep_autosleep_enabled(bool set);

/**
 * rove_pm_get_wakeup_count - first half of the handshake before a suspend
 * @ret_count:  events handled so far; always set
 *
 * Context: thread.
 * Return:  true if no event is being handled.
 */
bool rove_pm_get_wakeup_count(uint32_t *ret_count);

/**
 * rove_pm_wait_wakeup_count - the same, after waiting until no event is being handled
 * @timeout_ms:  negative waits without end
 *
 * Context: may sleep.
 * Return:  true if no event is being handled, false if the time ran out.
 */
bool rove_pm_wait_wakeup_count(uint32_t *ret_count, int timeout_ms);

/**
 * rove_pm_save_wakeup_count - second half: refuse to suspend for events after @count
 * @count:  what the first half gave
 *
 * Context: thread.
 * Return:  true if nothing happened since, and events are watched from now on;
 *          false if the suspend must not go ahead.
 */
bool rove_pm_save_wakeup_count(uint32_t count);

/**
 * rove_pm_wakeup_pending - must the suspend that is under way be given up?
 *
 * Says so once: events are no longer watched after true.
 *
 * Context: thread.
 * Return:  true if an event came since rove_pm_save_wakeup_count(), or is being handled.
 */
bool rove_pm_wakeup_pending(void);

/**
 * rove_wakeup_source_read - the attributes of one source, all of one moment
 *
 * Context: thread.
 */
void rove_wakeup_source_read(struct wakeup_source *ws, struct rove_wakeup_attrs *ret_attrs);

/**
 * rove_wakeup_deleted_read - the sums of the sources that were unregistered
 *
 * Context: thread.
 */
void rove_wakeup_deleted_read(struct rove_wakeup_attrs *ret_attrs);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
