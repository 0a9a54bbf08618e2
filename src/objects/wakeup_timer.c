/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/wakeup_timer.c - when a timed event of a source ends
 *
 * Invariant: a source with ->timer_expires set has its timer armed for no later than
 *            that, or its callback is about to look at it.  The timer may be armed in
 *            vain: wakeup_source_timer_fn_locked() sees what is still true.
 */
#include "base/context.h"
#include "objects/wakeup_event.h"

static enum rove_hrtimer_restart look_at_source(struct rove_hrtimer *timer)
{
	struct wakeup_source *ws = container_of(timer, struct wakeup_source, timer);

	mutex_lock(&ws->lock);
	wakeup_source_timer_fn_locked(ws, clock_mono_ns());
	mutex_unlock(&ws->lock);
	return ROVE_HRTIMER_NORESTART;
}

/**
 * wakeup_timer_init - a source that nobody sees yet
 *
 * Context: thread.
 */
void wakeup_timer_init(struct wakeup_source *ws)
{
	ctx_thread();
	rove_hrtimer_init(&ws->timer, CLOCK_MONOTONIC, look_at_source);
}

/**
 * wakeup_timer_arm - look at a source when a time has come
 * @expires_ns:  CLOCK_MONOTONIC
 *
 * Context: thread, under ws->lock.
 */
void wakeup_timer_arm(struct wakeup_source *ws, u64 expires_ns)
{
	assert_held(&ws->lock);
	rove_hrtimer_start(&ws->timer, expires_ns, ROVE_HRTIMER_ABS);
}

/**
 * wakeup_timer_cancel_wait - nobody will look at a source any more
 * @ws:  nobody arms it again
 *
 * Context: may sleep, not under ws->lock.
 */
void wakeup_timer_cancel_wait(struct wakeup_source *ws)
{
	ctx_may_sleep();
	rove_hrtimer_cancel(&ws->timer);
}
