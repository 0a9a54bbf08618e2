/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/wakeup_event.h - what the files of the wakeup sources offer each other
 */
#ifndef ROVE_OBJECTS_WAKEUP_EVENT_H
#define ROVE_OBJECTS_WAKEUP_EVENT_H

#include "base/clock.h"
#include "objects/wakeup_source.h"

static inline ktime_t ktime_get(void)
{
	return (ktime_t)clock_mono_ns();
}

/*
 * The writer of a record, under ->lock: ws_write_begin(), any number of
 * ws_store(), ws_write_end().
 */
static inline void ws_write_begin(struct wakeup_source *ws)
{
	assert_held(&ws->lock);
	WRITE_ONCE(ws->generation, ws->generation + 1);
}

/*
 * ORDER ws.store (release): the odd generation comes before any new value, so
 * that whoever sees a new value finds the generation changed.  Pairs with ws.load
 * in WS_LOAD().
 */
#define ws_store(field, value) store_release(&(field), (value))

static inline void ws_write_end(struct wakeup_source *ws)
{
	/*
	 * ORDER ws.end (release): the new values come before the even generation.
	 * Pairs with ws.open in wakeup_source_try_read().
	 */
	store_release(&ws->generation, ws->generation + 1);
}

static inline void ws_store_flag(struct wakeup_source *ws, u8 flag, bool set)
{
	ws_store(ws->flags, (u8)(set ? ws->flags | flag : ws->flags & ~flag));
}

/* wakeup_event.c: under ->lock */
void wakeup_source_timer_fn_locked(struct wakeup_source *ws, ktime_t now);

/* wakeup_count.c: events being handled, and since when a suspend is refused for them */
bool wakeup_count_checked(void);
void wakeup_count_begin(void);
void wakeup_count_end(void);

/* wakeup_timer.c: when to look at ->timer_expires */
void wakeup_timer_init(struct wakeup_source *ws);
void wakeup_timer_arm(struct wakeup_source *ws, u64 expires_ns);
void wakeup_timer_cancel_wait(struct wakeup_source *ws);

#endif
