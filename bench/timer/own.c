/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/timer/own.c - rove's timers, and timerfd with epoll
 *
 * "rove, absolute" is given a time, as the event loops give their timers the loop's idea of
 * now; for those that must fire at a time it reads the clock, as they do.  "rove, relative"
 * reads it always.  "rove, 1 ms slack" is called with others within a millisecond, as the
 * timers of libuv and libev are.  These disarm by rove_hrtimer_try_to_cancel(), and let go of
 * the memory at the end; "rove, waiting" disarms by rove_hrtimer_cancel(), after which the
 * memory may be freed, as it may be after the event loops' calls.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <rove/irq_work.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/futex.h"
#include "bench/timer/own.h"

static struct rove_hrtimer *timers;
static u32 nr_timers, nr_fired, wanted;
static u64 loop_now_ns;
static void (*tell)(u32 i);

static enum rove_hrtimer_restart rove_fired(struct rove_hrtimer *timer)
{
	tell(timer - timers);
	if (add_fetch_acq_rel(&nr_fired, 1) == READ_ONCE(wanted))
		futex_wake(&nr_fired, 1);
	return ROVE_HRTIMER_NORESTART;
}

static int rove_init(u32 nr, void (*fired)(u32 i))
{
	tell = fired;
	nr_timers = nr;
	loop_now_ns = clock_mono_ns();
	timers = aligned_alloc(64, (nr * sizeof(*timers) + 63) / 64 * 64);
	for (u32 i = 0; timers && i < nr; i++)
		rove_hrtimer_init(&timers[i], CLOCK_MONOTONIC, rove_fired);
	return timers ? rove_softirq_start() : -ENOMEM;
}

static void rove_fini(void)
{
	for (u32 i = 0; i < nr_timers; i++)
		rove_hrtimer_cancel(&timers[i]);
	free(timers);
	nr_fired = 0;
}

static void rove_arm_absolute(u32 i, u64 in_ns)
{
	u64 now_ns = in_ns < 60 * NSEC_PER_SEC ? clock_mono_ns() : loop_now_ns;

	rove_hrtimer_start(&timers[i], now_ns + in_ns, ROVE_HRTIMER_ABS);
}

static void rove_arm_relative(u32 i, u64 in_ns)
{
	rove_hrtimer_start(&timers[i], in_ns, ROVE_HRTIMER_REL);
}

/* As coarse as the milliseconds of the event loops. */
static void rove_arm_lax(u32 i, u64 in_ns)
{
	u64 now_ns = in_ns < 60 * NSEC_PER_SEC ? clock_mono_ns() : loop_now_ns;
	struct rove_hrtimer_when when = {
		.expires_ns = now_ns + in_ns,
		.slack_ns = NSEC_PER_MSEC,
		.cpu = -1,
	};

	rove_hrtimer_start_range(&timers[i], &when);
}

static void rove_disarm(u32 i)
{
	rove_hrtimer_try_to_cancel(&timers[i]);
}

static void rove_disarm_waiting(u32 i)
{
	rove_hrtimer_cancel(&timers[i]);
}

static void rove_wait(u32 nr)
{
	u32 now;

	WRITE_ONCE(wanted, nr);
	while ((now = load_acquire(&nr_fired)) < nr)
		futex_wait(&nr_fired, now, 10 * NSEC_PER_MSEC);
	fetch_add_relaxed(&nr_fired, -nr);
}

const struct timer_peer rove_absolute_peer = {
	.name = "rove, absolute",
	.init = rove_init,
	.fini = rove_fini,
	.arm = rove_arm_absolute,
	.disarm = rove_disarm,
	.wait = rove_wait,
};

const struct timer_peer rove_relative_peer = {
	.name = "rove, relative",
	.init = rove_init,
	.fini = rove_fini,
	.arm = rove_arm_relative,
	.disarm = rove_disarm,
	.wait = rove_wait,
};

const struct timer_peer rove_waiting_peer = {
	.name = "rove, waiting",
	.init = rove_init,
	.fini = rove_fini,
	.arm = rove_arm_absolute,
	.disarm = rove_disarm_waiting,
	.wait = rove_wait,
};

const struct timer_peer rove_lax_peer = {
	.name = "rove, 1 ms slack",
	.init = rove_init,
	.fini = rove_fini,
	.arm = rove_arm_lax,
	.disarm = rove_disarm,
	.wait = rove_wait,
};

static int *fds, epoll_fd;

static int timerfd_init(u32 nr, void (*fired)(u32 i))
{
	tell = fired;
	nr_timers = nr;
	fds = calloc(nr, sizeof(*fds));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (u32 i = 0; fds && i < nr; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };

		fds[i] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
		if (fds[i] < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fds[i], &event))
			return -errno;
	}
	return fds ? 0 : -ENOMEM;
}

static void timerfd_fini(void)
{
	for (u32 i = 0; i < nr_timers; i++)
		close(fds[i]);
	close(epoll_fd);
	free(fds);
}

static void timerfd_arm(u32 i, u64 in_ns)
{
	struct itimerspec in = { .it_value = { in_ns / NSEC_PER_SEC, in_ns % NSEC_PER_SEC } };

	timerfd_settime(fds[i], 0, &in, NULL);
}

static void timerfd_disarm(u32 i)
{
	const struct itimerspec off = { .it_value = { 0 } };

	timerfd_settime(fds[i], 0, &off, NULL);
}

static void timerfd_wait(u32 nr)
{
	struct epoll_event events[64];

	while (nr) {
		int got = epoll_wait(epoll_fd, events, ARRAY_SIZE(events), -1);

		for (int e = 0; e < got; e++) {
			u64 count;

			if (read(fds[events[e].data.u32], &count, sizeof(count)) < 0)
				continue;
			tell(events[e].data.u32);
			nr--;
		}
	}
}

const struct timer_peer timerfd_peer = {
	.name = "timerfd and epoll",
	.max_timers = 4000,
	.init = timerfd_init,
	.fini = timerfd_fini,
	.arm = timerfd_arm,
	.disarm = timerfd_disarm,
	.wait = timerfd_wait,
};
