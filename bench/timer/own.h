/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/timer/own.h - the peers of bench/timer that need no other library
 */
#ifndef ROVE_BENCH_TIMER_OWN_H
#define ROVE_BENCH_TIMER_OWN_H

#include <rove/timer.h>

#include "bench/peers/timer_peer.h"

extern const struct timer_peer rove_absolute_peer, rove_relative_peer, rove_waiting_peer,
	rove_lax_peer, timerfd_peer;

#endif
