/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/wq_peer.h - what a way to run work items looks like to bench/workqueue
 *
 * One file a library, built as a shared object of its own (tools/bench-peers.mk)
 * and opened in a child process that measures nothing else: what a library keeps
 * running afterwards disturbs no other.
 *
 * Not here: the load, and when an item counts as done (bench/workqueue/load.h).
 */
#ifndef ROVE_BENCH_PEERS_WQ_PEER_H
#define ROVE_BENCH_PEERS_WQ_PEER_H

#ifdef __cplusplus
#include <cerrno>
#include <cstddef>
#include <cstdint>
extern "C" {
typedef uint32_t u32;
typedef uint64_t u64;
#else
#include <errno.h>

#include "base/types.h"
#endif

#define WQ_MAX_PRODUCERS 64
#define WQ_MAX_WORKERS 64

/* The head of each item; what a peer needs of its own comes behind it. */
struct wq_item {
	void (*run)(struct wq_item *item);
	void *ctx; /* the load's */
};

struct wq_conf {
	u32 nr_workers;
	u32 nr_producers;
	u32 max_in_flight; /* of one producer */
};

struct wq_peer {
	const char *name;
	const char *note; /* what the reader of its row must know, or NULL */
	u32 item_bytes; /* of one item, its head included; zeroed before item_init() */
	/* 0 or -errno; on error *why may name the reason, in static memory. */
	int (*init)(const struct wq_conf *conf, const char **why);
	void (*fini)(void);
	void (*item_init)(struct wq_item *item); /* or NULL */
	void (*submit)(struct wq_item *item, u32 producer);
	/* All of a batch by one call, or NULL. */
	void (*submit_many)(struct wq_item *const *items, u32 nr, u32 producer);
	/* Waits for this producer's batch; NULL: the load waits until as many have run. */
	void (*wait)(struct wq_item *const *items, u32 nr, u32 producer);
	/* Runs fn(0) .. fn(nr - 1) at once and waits; NULL: one pthread each. */
	void (*producers)(u32 nr, void (*fn)(u32 producer));
};

/* What each shared object exports; ends with a NULL. */
#define WQ_PEERS_SYMBOL "wq_peers"
extern __attribute__((visibility("default"))) const struct wq_peer *const wq_peers[];

#ifdef __cplusplus
}
#endif

#endif
