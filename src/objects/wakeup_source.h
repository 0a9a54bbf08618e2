/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/wakeup_source.h - the source itself, and how readers walk all of them
 *
 * Readers take no lock: wakeup_sources_read_lock(), then follow the list.  They
 * read a record whole if ->generation is even and the same before and after.
 *
 * Ordering: list.publish -> list.observe for the walk;
 *           ws.store -> ws.load and ws.end -> ws.open for the record
 *           (docs/memory-model.md).
 * Not here: what programs may call (bpf/kfunc).
 */
#ifndef ROVE_OBJECTS_WAKEUP_SOURCE_H
#define ROVE_OBJECTS_WAKEUP_SOURCE_H

#include <rove/timer.h>
#include <rove/wakeup.h>

#include "base/list.h"
#include "base/mutex.h"
#include "base/types.h"
#include "objects/device.h"

typedef s64 ktime_t;

struct wake_irq;

#define WAKEUP_SOURCE_ACTIVE 1u
#define WAKEUP_SOURCE_AUTOSLEEP 2u

/*
 * Member names and types are the kernel's, the layout is ours.  Times are ns of
 * CLOCK_MONOTONIC.
 *
 * I  set before the source is visible, never changed
 * L  written under ->lock inside a generation; readers without the lock load whole
 * W  under the list's lock; readers follow ->entry.next in a read section
 */
struct wakeup_source {
	const char		*name;			/* I */
	int			id;			/* I: the N of wakeupN */
	struct mutex		lock;			/* nests inside the list's */
	struct list_head	entry;			/* W */
	u64			generation;		/* L: odd while a writer is inside */
	union {
		struct {
			bool	active:1;		/* L */
			bool	autosleep_enabled:1;	/* L */
		};
		u8		flags;			/* L: both, as one whole access */
	};
	unsigned long		event_count;		/* L */
	unsigned long		active_count;		/* L */
	unsigned long		relax_count;		/* L */
	unsigned long		expire_count;		/* L */
	unsigned long		wakeup_count;		/* L */
	ktime_t			total_time;		/* L: without the time active now */
	ktime_t			max_time;		/* L */
	ktime_t			last_time;		/* L: ns of the last change */
	ktime_t			start_prevent_time;	/* L */
	ktime_t			prevent_sleep_time;	/* L */
	struct device		*dev;			/* I: wakeupN, on the real one */
	struct wake_irq		*wakeirq;		/* I: NULL */
	unsigned long		timer_expires;		/* L: ns; 0: no timed event */
	struct rove_hrtimer	timer;			/* when to look at it */
};

int wakeup_sources_read_lock(void);
void wakeup_sources_read_unlock(int idx);
struct list_head *wakeup_sources_head(void);
struct rove_srcu *wakeup_sources_srcu(void);

/* Newest first; NULL after the last.  Inside one read section, one step is O(1). */
struct wakeup_source *wakeup_sources_first(void);
struct wakeup_source *wakeup_sources_next(const struct wakeup_source *ws);

bool wakeup_source_try_read(const struct wakeup_source *ws, struct rove_wakeup_attrs *ret_attrs);

#endif
