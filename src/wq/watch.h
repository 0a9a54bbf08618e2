/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/watch.h - waiting for the end of one run of one work
 */
#ifndef ROVE_WQ_WATCH_H
#define ROVE_WQ_WATCH_H

#include "wq/worker.h"

/* On the stack of who waits. */
struct watcher {
	struct watcher		*next;
	const struct rove_work	*work;
	u32			ended;		/* A: a futex */
};

bool watch_pending(struct rove_work *work, struct watcher *watcher);
bool watch_run(struct worker *w, const struct rove_work *work, struct watcher *watcher);
void watch_wait(struct watcher *watcher);

void watch_begin(struct worker *w, struct rove_work *work);
u64 watch_leave(struct rove_work *work, u64 disable, struct watcher **ret_watchers);
u64 watch_move(struct rove_work *work, u32 shard, u64 flags, struct watcher **ret_watchers);
void watch_left(struct watcher *watchers, const struct rove_work *work, u32 worker);
struct watcher *watch_take_ended_locked(struct worker *w);
void watch_tell(struct watcher *watchers);

#endif
