/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/timer_peer.h - what a way to be called later looks like to bench/timer
 *
 * One thread does everything, because that is what most of these libraries allow.
 */
#ifndef ROVE_BENCH_PEERS_TIMER_PEER_H
#define ROVE_BENCH_PEERS_TIMER_PEER_H

#include <errno.h>
#include <stdlib.h>

#include "base/types.h"

struct timer_peer {
	const char *name;
	u32 max_timers;		/* 0: any number */
	/* 0 or -errno.  @fired is to be called with the timer's number. */
	int (*init)(u32 nr, void (*fired)(u32 i));
	void (*fini)(void);
	void (*arm)(u32 i, u64 in_ns);
	void (*disarm)(u32 i);
	void (*wait)(u32 nr);	/* until so many have fired since init() or the last wait() */
};

/* What each shared object exports. */
#define TIMER_PEER_SYMBOL "timer_peer"
extern __attribute__((visibility("default"))) const struct timer_peer timer_peer;

#endif
