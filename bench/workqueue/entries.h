/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/workqueue/entries.h - all that can be measured here, and what is missing
 */
#ifndef ROVE_BENCH_WORKQUEUE_ENTRIES_H
#define ROVE_BENCH_WORKQUEUE_ENTRIES_H

#include "bench/workqueue/load.h"

#define WQ_MAX_ENTRIES 64

/* Ends with a NULL: the ways rove itself is measured (bench/workqueue/rove.c). */
extern const struct wq_peer *const rove_peers[];

/* rove's queues by affinity scope, each woken under the lock and after it, in that order. */
extern const struct wq_peer *const rove_scope_peers[];

u32 entries_of(const struct wq_peer *const *peers, struct wq_entry *entries, u32 max);
u32 entries_scan(struct wq_entry *entries, u32 max);

#endif
