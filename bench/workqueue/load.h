/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/workqueue/load.h - one load on one peer, in a child process
 *
 * Producers submit items in batches and wait for each batch; each submission is
 * timed.  An item counts as done by one atomic decrement in its callback; the
 * last one of a batch wakes the producer, which sleeps on a futex meanwhile.
 * It is the same for each peer, but for those with a wait of their own in which
 * the waiter runs items (wq_peer.wait).
 */
#ifndef ROVE_BENCH_WORKQUEUE_LOAD_H
#define ROVE_BENCH_WORKQUEUE_LOAD_H

#include "bench/peers/wq_peer.h"
#include "bench/tick.h"

#define LIBRARY_PATH_BYTES 256

/* A way to run items, in this program or in a shared object that only the child opens. */
struct wq_entry {
	char name[64];
	char note[96];
	const struct wq_peer *peer; /* NULL: the next two say where it is */
	char library[LIBRARY_PATH_BYTES];
	u32 index; /* in that object's wq_peers[] */
};

enum wq_kind {
	WQ_THROUGHPUT,
	WQ_WAKEUP, /* one item at a time from one producer; how long until it runs? */
};

struct wq_load {
	enum wq_kind kind;
	u32 nr_producers;
	u32 nr_workers;
	u32 nr_items; /* of each producer */
	u32 batch; /* items before a wait; 0: all */
	u32 pause_us; /* between two items of WQ_WAKEUP */
	bool pinned; /* producer i on CPU i, modulo their number */
	bool shared; /* every item also counts in one counter of all producers */
};

/* Latencies in ns, the reading of the clock included. */
struct wq_sample {
	int err;
	char why[160];
	double items_per_s;
	double cpu_ns; /* of the whole process, for one item */
	double mean_ns, p50_ns, p90_ns, p99_ns;
};

void load_run(const struct wq_entry *entry, const struct wq_load *load,
	      const struct tick_clock *clock, struct wq_sample *ret_sample);

#endif
