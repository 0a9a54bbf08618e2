/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/timer_uv.c - libuv's uv_timer
 *
 * It counts whole milliseconds from the loop's idea of now, which is brought up to date for
 * each timer that has to fire at a time, as the documentation advises; not for those that are
 * far away.
 */
#include <uv.h>

#include "bench/peers/timer_peer.h"

static uv_loop_t loop;
static uv_timer_t *timers;
static u32 nr_timers, nr_fired;
static void (*tell)(u32 i);

static void uv_fired(uv_timer_t *timer)
{
	nr_fired++;
	tell(timer - timers);
}

static int uv_peer_init(u32 nr, void (*fired)(u32 i))
{
	tell = fired;
	nr_timers = nr;
	timers = calloc(nr, sizeof(*timers));
	if (!timers || uv_loop_init(&loop))
		return -ENOMEM;
	for (u32 i = 0; i < nr; i++)
		uv_timer_init(&loop, &timers[i]);
	return 0;
}

static void uv_peer_fini(void)
{
	for (u32 i = 0; i < nr_timers; i++)
		uv_close((uv_handle_t *)&timers[i], NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	free(timers);
	nr_fired = 0;
}

static void uv_arm(u32 i, u64 in_ns)
{
	if (in_ns < 60000000000ull)
		uv_update_time(&loop);
	uv_timer_start(&timers[i], uv_fired, in_ns / 1000000, 0);
}

static void uv_disarm(u32 i)
{
	uv_timer_stop(&timers[i]);
}

static void uv_wait(u32 nr)
{
	while (nr_fired < nr)
		uv_run(&loop, UV_RUN_ONCE);
	nr_fired -= nr;
}

const struct timer_peer timer_peer = {
	.name = "libuv uv_timer",
	.init = uv_peer_init,
	.fini = uv_peer_fini,
	.arm = uv_arm,
	.disarm = uv_disarm,
	.wait = uv_wait,
};
