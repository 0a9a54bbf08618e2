/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/timer_event.c - libevent's timers, with EVENT_BASE_FLAG_PRECISE_TIMER
 */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/time.h>

#include "bench/peers/timer_peer.h"

static struct event_base *base;
static struct event *timers;
static u32 nr_timers, nr_fired;
static void (*tell)(u32 i);

static void event_fired(evutil_socket_t fd, short what, void *arg)
{
	nr_fired++;
	tell((struct event *)arg - timers);
}

static int event_peer_init(u32 nr, void (*fired)(u32 i))
{
	struct event_config *config = event_config_new();

	tell = fired;
	nr_timers = nr;
	timers = calloc(nr, sizeof(*timers));
	if (config)
		event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	base = config ? event_base_new_with_config(config) : NULL;
	if (config)
		event_config_free(config);
	if (!timers || !base)
		return -ENOMEM;
	for (u32 i = 0; i < nr; i++)
		evtimer_assign(&timers[i], base, event_fired, &timers[i]);
	return 0;
}

static void event_peer_fini(void)
{
	for (u32 i = 0; i < nr_timers; i++)
		evtimer_del(&timers[i]);
	event_base_free(base);
	free(timers);
	nr_fired = 0;
}

static void event_arm(u32 i, u64 in_ns)
{
	struct timeval in = { in_ns / 1000000000, in_ns % 1000000000 / 1000 };

	evtimer_add(&timers[i], &in);
}

static void event_disarm(u32 i)
{
	evtimer_del(&timers[i]);
}

static void event_wait(u32 nr)
{
	while (nr_fired < nr)
		event_base_loop(base, EVLOOP_ONCE);
	nr_fired -= nr;
}

const struct timer_peer timer_peer = {
	.name = "libevent, precise",
	.init = event_peer_init,
	.fini = event_peer_fini,
	.arm = event_arm,
	.disarm = event_disarm,
	.wait = event_wait,
};
