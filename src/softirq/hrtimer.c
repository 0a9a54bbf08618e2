/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * softirq/hrtimer.c - timers: what callers ask for
 *
 * Invariant: nothing here but rove_hrtimer_cancel() takes a lock, and nothing touches a
 *            timer after the exchange that arms it (hrtimer_state.h).
 * Not here:  the queue and the callbacks (hrtimer_run.c).
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "base/context.h"
#include "softirq/hrtimer.h"

static int clock_of(int id)
{
	switch (id) {
	case CLOCK_MONOTONIC:
		return SOFTIRQ_MONOTONIC;
	case CLOCK_REALTIME:
		return SOFTIRQ_REALTIME;
	case CLOCK_BOOTTIME:
		return SOFTIRQ_BOOTTIME;
	}
	return -EINVAL;
}

/**
 * rove_hrtimer_init - see rove/timer.h
 */
int rove_hrtimer_init(struct rove_hrtimer *timer, int clock, rove_hrtimer_fn *fn)
{
	int internal = clock_of(clock);

	ctx_any();
	if (internal < 0)
		return internal;
	memset(timer, 0, sizeof(*timer));
	timer->state[1] = softirq.generation;
	timer->clock = internal;
	timer->fn = fn;
	return 0;
}

/*
 * Progress: lock-free.  An exchange fails only because another operation on the same timer,
 * or the thread, has got on.  Publishing is done again only if the thread has emptied the
 * list between the two steps.
 */
static void arm(struct rove_hrtimer *timer, struct hrt_state want)
{
	enum softirq_clock clock = timer->clock;
	struct hrt_state s = hrtimer_read(timer), next;
	enum hrt_step step;

	for (;;) {
		step = hrt_start(s, want, &next);
		if (!hrtimer_exchange(timer, &s, next))
			continue;
		if (step != HRT_PUBLISH)
			break;
		llist_push(&softirq.changes, (struct llist_node *)&timer->next);
		/* Another start may have armed it meanwhile, and woken the thread in vain. */
		s = hrtimer_read(timer);
		if (s.ctl & HRT_ARMED)
			softirq_rouse_by(clock, s.expires_ns);
	}
	/* The timer may be gone. */
	if (step == HRT_WAKE)
		softirq_rouse_by(clock, hrt_limit(want));
}

static u64 absolute_ns(const struct rove_hrtimer *timer, u64 expires_ns, u32 mode)
{
	if (mode & ROVE_HRTIMER_REL)
		expires_ns = min(expires_ns, HRT_NEVER) + softirq_clock_ns(timer->clock);
	return min(expires_ns, HRT_NEVER);
}

/* The CPU plus 1; none at all rather than a wrong one. */
static u64 cpu_field(int cpu)
{
	return cpu >= 0 && cpu < HRT_CPU_MAX ? (u64)cpu + 1 : 0;
}

/**
 * rove_hrtimer_start - see rove/timer.h
 */
void rove_hrtimer_start(struct rove_hrtimer *timer, uint64_t expires_ns, uint32_t mode)
{
	u64 cpu = unlikely(mode & ROVE_HRTIMER_PINNED) ? cpu_field(sched_getcpu()) : 0;

	ctx_any();
	arm(timer, (struct hrt_state){
		.expires_ns = absolute_ns(timer, expires_ns, mode),
		.ctl = cpu << HRT_CPU_SHIFT,
	});
}

/**
 * rove_hrtimer_start_range - see rove/timer.h
 */
void rove_hrtimer_start_range(struct rove_hrtimer *timer, const struct rove_hrtimer_when *when)
{
	u64 slack_ns = min(when->slack_ns, ROVE_HRTIMER_SLACK_MAX - 1), cpu = 0;

	ctx_any();
	if (when->cpu >= 0)
		cpu = cpu_field(when->cpu);
	else if (when->mode & ROVE_HRTIMER_PINNED)
		cpu = cpu_field(sched_getcpu());
	arm(timer, (struct hrt_state){
		.expires_ns = absolute_ns(timer, when->expires_ns, when->mode),
		.ctl = cpu << HRT_CPU_SHIFT | slack_ns << HRT_SLACK_SHIFT,
	});
}

/* Progress: lock-free.  Return: the state before. */
static struct hrt_state disarm(struct rove_hrtimer *timer)
{
	struct hrt_state s = hrtimer_read(timer);

	while (!hrtimer_exchange(timer, &s, hrt_cancel(s)))
		;
	return s;
}

/**
 * rove_hrtimer_try_to_cancel - see rove/timer.h
 */
int rove_hrtimer_try_to_cancel(struct rove_hrtimer *timer)
{
	struct hrt_state before = disarm(timer);

	ctx_any();
	/* It is said to run before it is disarmed for that, so this is looked at second. */
	return hrt_cancel_found(before, softirq_running(timer));
}

/**
 * hrtimer_cancel_unless_running - disarm it, but not while its callback runs
 *
 * Unlike rove_hrtimer_try_to_cancel() it lets a start stand that was made while the callback
 * runs.  The exchange succeeds only on the state that was read before the callback was found
 * not to run, and a call changes the state.  (Two calls and a start for the same time bring
 * the same state back: between those two steps nobody can tell them from none.)
 *
 * Context: any.  Lock-free, as disarm().
 * Return:  1 (was armed), 0 (was not), -1 (the callback runs: nothing is changed).
 */
int hrtimer_cancel_unless_running(struct rove_hrtimer *timer)
{
	struct hrt_state s = hrtimer_read(timer);

	ctx_any();
	s.expires_ns = READ_ONCE(timer->state[0]);
	/*
	 * ORDER hrtimer.look (acquire): whether it runs is looked at after its state.
	 * Pairs with hrtimer.change in hrtimer_exchange().
	 */
	s.ctl = load_acquire(&timer->state[1]);
	do {
		if (hrt_cancel_found(s, softirq_running(timer)) < 0)
			return -1;
	} while (!hrtimer_exchange(timer, &s, hrt_cancel(s)));
	return (s.ctl & HRT_ARMED) != 0;
}

static bool is_running(const void *timer)
{
	return softirq_is_running(timer);
}

/*
 * A callback begins and ends under the lock.  So one that does not run now did not run when
 * the timer was disarmed either, and cannot have armed it since.  Without the lock, one that
 * ran then might have armed the timer and ended before it was found not to run.
 *
 * A PUBLISHED that is left belongs to a start that has not returned yet, which is newer.
 */
static bool try_to_end(struct rove_hrtimer *timer, bool *was_armed)
{
	struct hrt_state before;
	bool is_idle;

	mutex_lock(&softirq.lock);
	/* The exchange comes after the thread's last one: what is not linked is free. */
	before = disarm(timer);
	*was_armed |= (before.ctl & HRT_ARMED) != 0;
	is_idle = !softirq_is_running(timer);
	if (before.ctl & HRT_LINKED) {
		hrtimer_take_changes_locked();
		hrtimer_unqueue_idle_locked(timer);
	}
	mutex_unlock(&softirq.lock);
	return is_idle;
}

/**
 * rove_hrtimer_cancel - see rove/timer.h
 */
int rove_hrtimer_cancel(struct rove_hrtimer *timer)
{
	bool was_armed = false;

	ctx_thread();
	if (softirq_is_this_thread() && softirq_is_running(timer))
		return -EDEADLK;
	while (!try_to_end(timer, &was_armed))
		softirq_wait_while(is_running, timer);
	return was_armed;
}

/**
 * rove_hrtimer_forward - see rove/timer.h
 */
uint64_t rove_hrtimer_forward(struct rove_hrtimer *timer, uint64_t now_ns, uint64_t interval_ns)
{
	u64 expires_ns = timer->next_expires, nr;

	check(softirq_is_this_thread() && softirq_is_running(timer));
	if (now_ns < expires_ns || !interval_ns)
		return 0;
	nr = (now_ns - expires_ns) / interval_ns + 1;
	if (interval_ns > (HRT_NEVER - expires_ns) / nr)
		timer->next_expires = HRT_NEVER;
	else
		timer->next_expires = expires_ns + nr * interval_ns;
	return nr;
}

uint64_t rove_hrtimer_forward_now(struct rove_hrtimer *timer, uint64_t interval_ns)
{
	return rove_hrtimer_forward(timer, softirq_clock_ns(timer->clock), interval_ns);
}

bool rove_hrtimer_is_queued(const struct rove_hrtimer *timer)
{
	struct hrt_state s = { .ctl = READ_ONCE(timer->state[1]) };

	return (s.ctl & HRT_ARMED) && !hrtimer_is_parents(s);
}

bool rove_hrtimer_callback_running(const struct rove_hrtimer *timer)
{
	return softirq_running(timer) == HRT_RUNS;
}

uint64_t rove_hrtimer_expires_ns(const struct rove_hrtimer *timer)
{
	return READ_ONCE(timer->state[0]);
}

int64_t rove_hrtimer_remaining_ns(const struct rove_hrtimer *timer)
{
	return (s64)(rove_hrtimer_expires_ns(timer) - softirq_clock_ns(timer->clock));
}
