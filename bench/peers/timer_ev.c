/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/timer_ev.c - libev's ev_timer
 *
 * It counts from the loop's idea of now, which is brought up to date for each timer that has
 * to fire at a time; not for those that are far away.
 */
#include <ev.h>

#include "bench/peers/timer_peer.h"

static struct ev_loop *loop;
static ev_timer *timers;
static u32 nr_fired;
static void (*tell)(u32 i);

static void ev_fired(struct ev_loop *l, ev_timer *timer, int revents)
{
	nr_fired++;
	tell(timer - timers);
}

static int ev_peer_init(u32 nr, void (*fired)(u32 i))
{
	tell = fired;
	timers = calloc(nr, sizeof(*timers));
	loop = ev_loop_new(EVFLAG_AUTO);
	if (!timers || !loop)
		return -ENOMEM;
	for (u32 i = 0; i < nr; i++)
		ev_timer_init(&timers[i], ev_fired, 0, 0);
	return 0;
}

static void ev_peer_fini(void)
{
	ev_loop_destroy(loop);
	free(timers);
	nr_fired = 0;
}

static void ev_arm(u32 i, u64 in_ns)
{
	if (in_ns < 60000000000ull)
		ev_now_update(loop);
	ev_timer_set(&timers[i], in_ns / 1e9, 0);
	ev_timer_start(loop, &timers[i]);
}

static void ev_disarm(u32 i)
{
	ev_timer_stop(loop, &timers[i]);
}

static void ev_wait(u32 nr)
{
	while (nr_fired < nr)
		ev_run(loop, EVRUN_ONCE);
	nr_fired -= nr;
}

const struct timer_peer timer_peer = {
	.name = "libev ev_timer",
	.init = ev_peer_init,
	.fini = ev_peer_fini,
	.arm = ev_arm,
	.disarm = ev_disarm,
	.wait = ev_wait,
};
