/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * softirq/sleep.c - how long the thread sleeps, and on what
 *
 * On a futex with an absolute time while only CLOCK_MONOTONIC has timers.  While another
 * clock has some, on two descriptors: a timerfd that becomes readable when CLOCK_REALTIME
 * is set or the machine resumes, and an eventfd for those who wake it.  Without
 * descriptors it looks at the clocks a few times a second instead.
 *
 * Ordering: softirq.doze -> softirq.rouse (docs/memory-model.md).
 */
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/context.h"
#include "softirq/hrtimer_state.h"
#include "softirq/softirq.h"

/* How late a set clock may be noticed when descriptors cannot be had. */
#define BLIND_NS (100 * NSEC_PER_MSEC)

/* Added to what a clock says: how tests set clocks. */
s64 softirq_shift_ns[NR_SOFTIRQ_CLOCKS];

static const clockid_t clock_ids[NR_SOFTIRQ_CLOCKS] = {
	[SOFTIRQ_MONOTONIC] = CLOCK_MONOTONIC,
	[SOFTIRQ_REALTIME] = CLOCK_REALTIME,
	[SOFTIRQ_BOOTTIME] = CLOCK_BOOTTIME,
};

/**
 * softirq_clock_ns - the time of a clock
 *
 * Context: any.
 */
u64 softirq_clock_ns(enum softirq_clock clock)
{
	struct timespec ts;

	clock_gettime(clock_ids[clock], &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec + READ_ONCE(softirq_shift_ns[clock]);
}

/**
 * softirq_sleep_init - the kernel adds no slack of its own to the thread's sleeps
 *
 * Context: the thread.
 */
void softirq_sleep_init(void)
{
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
}

/**
 * softirq_sleep_fini - close the descriptors, in a child of fork()
 *
 * Context: the only thread of the process.
 */
void softirq_sleep_fini(void)
{
	if (softirq.wake_fd >= 0)
		close(softirq.wake_fd);
	if (softirq.step_fd >= 0)
		close(softirq.step_fd);
}

static bool needs_poll_locked(void)
{
	return !tqueue_is_empty(&softirq.queues[SOFTIRQ_REALTIME]) ||
	       !tqueue_is_empty(&softirq.queues[SOFTIRQ_BOOTTIME]);
}

/* It never expires; it is there to be cancelled when the clock is set. */
static int open_step_fd(void)
{
	const struct itimerspec never = { .it_value.tv_sec = INT64_MAX / NSEC_PER_SEC };
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd >= 0 && timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool open_descriptors(void)
{
	if (softirq.step_fd < 0)
		softirq.step_fd = open_step_fd();
	if (softirq.wake_fd < 0)
		WRITE_ONCE(softirq.wake_fd, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	return softirq.step_fd >= 0 && softirq.wake_fd >= 0;
}

/* The first limit of all queues, as a time of CLOCK_MONOTONIC. */
static u64 first_limit_locked(const u64 *now_ns)
{
	u64 first_ns = HRT_NEVER;

	for (u32 c = 0; c < NR_SOFTIRQ_CLOCKS; c++) {
		u64 next_ns = tqueue_next_ns(&softirq.queues[c]), in_ns;

		if (next_ns >= HRT_NEVER)
			continue;
		in_ns = next_ns > now_ns[c] ? next_ns - now_ns[c] : 0;
		first_ns = min(first_ns, now_ns[SOFTIRQ_MONOTONIC] + in_ns);
	}
	return first_ns;
}

/*
 * From here on callers wake the thread for anything earlier than *@ret_until_ns.  A clock
 * without timers is watched by nobody yet, so its first timer wakes it in any case.
 */
static u32 plan_sleep_locked(u64 *ret_until_ns)
{
	bool poll = needs_poll_locked() && open_descriptors();
	u64 now_ns[NR_SOFTIRQ_CLOCKS], until_ns;

	assert_held(&softirq.lock);
	for (u32 c = 0; c < (needs_poll_locked() ? NR_SOFTIRQ_CLOCKS : 1); c++)
		now_ns[c] = softirq_clock_ns(c);
	until_ns = first_limit_locked(now_ns);
	if (needs_poll_locked() && !poll)
		until_ns = min(until_ns, now_ns[SOFTIRQ_MONOTONIC] + BLIND_NS);
	/*
	 * ORDER softirq.doze (seq_cst): before the last look at the lists.  Pairs with
	 * softirq.rouse in softirq_rouse() and softirq_rouse_by().
	 */
	store_seq_cst(&softirq.asleep, poll ? SOFTIRQ_IN_POLL : SOFTIRQ_IN_FUTEX);
	for (u32 c = 0; c < NR_SOFTIRQ_CLOCKS; c++) {
		u64 wake_ns = SOFTIRQ_FOREVER;

		if (c == SOFTIRQ_MONOTONIC && until_ns < HRT_NEVER)
			wake_ns = until_ns;
		else if (c != SOFTIRQ_MONOTONIC && !tqueue_is_empty(&softirq.queues[c]))
			wake_ns = until_ns < HRT_NEVER ?
				until_ns - now_ns[SOFTIRQ_MONOTONIC] + now_ns[c] : SOFTIRQ_FOREVER;
		/* ORDER softirq.doze (seq_cst): as above.  Pairs with softirq.rouse in softirq_rouse_by(). */
		store_seq_cst(&softirq.wake_ns[c], wake_ns);
	}
	*ret_until_ns = until_ns;
	return poll ? SOFTIRQ_IN_POLL : SOFTIRQ_IN_FUTEX;
}

static struct timespec to_timespec(u64 ns)
{
	return (struct timespec){ .tv_sec = ns / NSEC_PER_SEC, .tv_nsec = ns % NSEC_PER_SEC };
}

static void sleep_in_futex(u64 until_ns)
{
	struct timespec until = to_timespec(until_ns);

	syscall(SYS_futex, &softirq.asleep, FUTEX_WAIT_BITSET_PRIVATE, SOFTIRQ_IN_FUTEX,
		until_ns < HRT_NEVER ? &until : NULL, NULL, FUTEX_BITSET_MATCH_ANY);
}

/* Both descriptors are read so that they are quiet again; what they say is looked up. */
static void sleep_in_poll(u64 until_ns)
{
	struct pollfd fds[] = {
		{ .fd = softirq.wake_fd, .events = POLLIN },
		{ .fd = softirq.step_fd, .events = POLLIN },
	};
	u64 now_ns = softirq_clock_ns(SOFTIRQ_MONOTONIC), count;
	struct timespec timeout = to_timespec(until_ns > now_ns ? until_ns - now_ns : 0);

	if (ppoll(fds, ARRAY_SIZE(fds), until_ns < HRT_NEVER ? &timeout : NULL, NULL) <= 0)
		return;
	for (u32 i = 0; i < ARRAY_SIZE(fds); i++) {
		ssize_t ignored = fds[i].revents ? read(fds[i].fd, &count, sizeof(count)) : 0;

		(void)ignored;
	}
}

/**
 * softirq_sleep - until there is something to do; maybe for nothing
 *
 * Context: the thread.
 */
void softirq_sleep(void)
{
	u64 until_ns;
	u32 where;

	softirq_move_anywhere();
	mutex_lock(&softirq.lock);
	hrtimer_take_changes_locked();
	where = plan_sleep_locked(&until_ns);
	mutex_unlock(&softirq.lock);
	if (llist_empty(&softirq.works) && llist_empty(&softirq.changes)) {
		if (where == SOFTIRQ_IN_POLL)
			sleep_in_poll(until_ns);
		else
			sleep_in_futex(until_ns);
	}
	/* Awake: nobody need wake it, and before it sleeps again it looks at the lists. */
	WRITE_ONCE(softirq.asleep, SOFTIRQ_AWAKE);
	for (u32 c = 0; c < NR_SOFTIRQ_CLOCKS; c++)
		WRITE_ONCE(softirq.wake_ns[c], 0);
}
