/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * hrtimer_test.c - timers, rule by rule
 */
#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#include <rove/timer.h>

#include "base/clock.h"
#include "base/context.h"
#include "softirq/softirq.h"
#include "tests/unit/softirq/subject.h"

static void hold_inside(struct subject *s)
{
	fetch_add_seq_cst(&s->nr_calls, 1);
	WAIT_UNTIL(load_seq_cst(&s->release_it));
}

TEST(hrtimer, unknown_clocks_are_refused)
{
	struct rove_hrtimer timer;

	EXPECT_EQ(rove_hrtimer_init(&timer, CLOCK_TAI, called), -EINVAL);
	EXPECT_EQ(rove_hrtimer_init(&timer, CLOCK_MONOTONIC_COARSE, called), -EINVAL);
	EXPECT_EQ(rove_hrtimer_init(&timer, -1, called), -EINVAL);
}

TEST(hrtimer, calls_back_once_in_softirq_context_and_never_early)
{
	static const int clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME };

	for (u32 i = 0; i < ARRAY_SIZE(clocks); i++) {
		struct subject s;
		u64 expires_ns;

		subject_init(&s, clocks[i]);
		EXPECT_FALSE(rove_hrtimer_is_queued(&s.timer));
		expires_ns = softirq_clock_ns(s.timer.clock) + 2 * NSEC_PER_MSEC;
		rove_hrtimer_start(&s.timer, expires_ns, ROVE_HRTIMER_ABS);
		EXPECT_EQ(rove_hrtimer_expires_ns(&s.timer), expires_ns);
		WAIT_UNTIL(calls(&s));
		EXPECT_TRUE(s.called_ns >= expires_ns && s.softirq);
		EXPECT_EQ(rove_hrtimer_cancel(&s.timer), 0);
		EXPECT_EQ(calls(&s), 1);
		EXPECT_FALSE(rove_hrtimer_is_queued(&s.timer));
		EXPECT_TRUE(rove_hrtimer_remaining_ns(&s.timer) < 0);
	}
}

TEST(hrtimer, relative_times_count_from_now_and_do_not_overflow)
{
	struct subject s;
	u64 before = clock_mono_ns();

	subject_init(&s, CLOCK_MONOTONIC);
	rove_hrtimer_start(&s.timer, FAR, ROVE_HRTIMER_REL);
	EXPECT_TRUE(rove_hrtimer_expires_ns(&s.timer) >= before + FAR);
	EXPECT_TRUE(rove_hrtimer_remaining_ns(&s.timer) > FAR - 60 * NSEC_PER_SEC);
	rove_hrtimer_start(&s.timer, UINT64_MAX, ROVE_HRTIMER_REL);
	EXPECT_EQ(rove_hrtimer_expires_ns(&s.timer), INT64_MAX);
	rove_hrtimer_start(&s.timer, UINT64_MAX, ROVE_HRTIMER_ABS);
	EXPECT_EQ(rove_hrtimer_expires_ns(&s.timer), INT64_MAX);
	EXPECT_EQ(rove_hrtimer_cancel(&s.timer), 1);
	EXPECT_EQ(calls(&s), 0);
}

TEST(hrtimer, cancels_say_what_they_found)
{
	struct subject s;

	subject_init(&s, CLOCK_MONOTONIC);
	EXPECT_EQ(rove_hrtimer_try_to_cancel(&s.timer), 0);
	EXPECT_EQ(rove_hrtimer_cancel(&s.timer), 0);
	rove_hrtimer_start(&s.timer, FAR, ROVE_HRTIMER_REL);
	EXPECT_TRUE(rove_hrtimer_is_queued(&s.timer));
	EXPECT_EQ(rove_hrtimer_try_to_cancel(&s.timer), 1);
	EXPECT_EQ(rove_hrtimer_try_to_cancel(&s.timer), 0);
	rove_hrtimer_start(&s.timer, FAR, ROVE_HRTIMER_REL);
	EXPECT_EQ(rove_hrtimer_cancel(&s.timer), 1);

	s.inside = hold_inside;
	rove_hrtimer_start(&s.timer, 0, ROVE_HRTIMER_ABS);
	WAIT_UNTIL(calls(&s));
	EXPECT_TRUE(rove_hrtimer_callback_running(&s.timer));
	EXPECT_EQ(rove_hrtimer_try_to_cancel(&s.timer), -1);
	rove_hrtimer_start(&s.timer, FAR, ROVE_HRTIMER_REL);
	EXPECT_EQ(rove_hrtimer_try_to_cancel(&s.timer), -1);
	EXPECT_FALSE(rove_hrtimer_is_queued(&s.timer));
	store_seq_cst(&s.release_it, 1);
	EXPECT_EQ(rove_hrtimer_cancel(&s.timer), 0);
	EXPECT_FALSE(rove_hrtimer_callback_running(&s.timer));
	EXPECT_EQ(calls(&s), 2);
}

TEST(hrtimer, the_newest_start_decides_also_if_it_is_later_or_earlier)
{
	u64 first_ns, later_ns;
	struct subject s;

	subject_init(&s, CLOCK_MONOTONIC);
	/* On a busy machine the first time may have come before the second start. */
	do {
		rove_hrtimer_cancel(&s.timer);
		store_seq_cst(&s.nr_calls, 0);
		rove_hrtimer_start(&s.timer, NSEC_PER_MSEC, ROVE_HRTIMER_REL);
		first_ns = rove_hrtimer_expires_ns(&s.timer);
		later_ns = first_ns + 5 * NSEC_PER_MSEC;
		rove_hrtimer_start(&s.timer, later_ns, ROVE_HRTIMER_ABS);
	} while (clock_mono_ns() >= first_ns);
	WAIT_UNTIL(calls(&s));
	EXPECT_TRUE(s.called_ns >= later_ns);
	EXPECT_EQ(rove_hrtimer_cancel(&s.timer), 0);

	rove_hrtimer_start(&s.timer, FAR, ROVE_HRTIMER_REL);
	EXPECT_EQ(rove_hrtimer_try_to_cancel(&s.timer), 1);
	rove_hrtimer_start(&s.timer, FAR / 2, ROVE_HRTIMER_REL);
	rove_hrtimer_start(&s.timer, NSEC_PER_MSEC, ROVE_HRTIMER_REL);
	WAIT_UNTIL(calls(&s) == 2);
	EXPECT_EQ(rove_hrtimer_cancel(&s.timer), 0);
	EXPECT_EQ(calls(&s), 2);
}

static void measure_sleep(struct subject *s)
{
	s->called_ns = clock_mono_ns();
}

TEST(hrtimer, a_periodic_timer_moves_on_by_whole_intervals)
{
	struct subject s;
	u64 first_ns;

	subject_init(&s, CLOCK_MONOTONIC);
	s.interval_ns = 100 * NSEC_PER_USEC;
	s.nr_restarts = 20;
	s.inside = measure_sleep;
	first_ns = clock_mono_ns() + NSEC_PER_MSEC;
	rove_hrtimer_start(&s.timer, first_ns, ROVE_HRTIMER_ABS);
	WAIT_UNTIL(calls(&s) == 21);
	EXPECT_EQ(rove_hrtimer_cancel(&s.timer), 0);
	EXPECT_EQ(calls(&s), 21);
	EXPECT_TRUE(s.called_ns >= first_ns + 20 * s.interval_ns);
	EXPECT_EQ((rove_hrtimer_expires_ns(&s.timer) - first_ns) % s.interval_ns, 0);
}

static void forward_far(struct subject *s)
{
	struct rove_hrtimer *timer = &s->timer;
	u64 at = rove_hrtimer_expires_ns(timer);

	s->result = rove_hrtimer_forward(timer, at - 1, 10) == 0 &&
		    rove_hrtimer_forward(timer, at, 10) == 1 &&
		    rove_hrtimer_forward(timer, at + 35, 10) == 3 &&
		    timer->next_expires == at + 40 &&
		    rove_hrtimer_forward(timer, at + 40, UINT64_MAX) == 1 &&
		    timer->next_expires == INT64_MAX;
}

TEST(hrtimer, forward_counts_intervals_and_stops_at_the_end_of_time)
{
	struct subject s;

	subject_init(&s, CLOCK_MONOTONIC);
	s.inside = forward_far;
	rove_hrtimer_start(&s.timer, clock_mono_ns(), ROVE_HRTIMER_ABS);
	WAIT_UNTIL(calls(&s));
	EXPECT_TRUE(s.result);
	EXPECT_EQ(rove_hrtimer_cancel(&s.timer), 0);
}

static void stop_inside(struct subject *s)
{
	s->result = rove_hrtimer_try_to_cancel(&s->timer);
}

static void start_inside(struct subject *s)
{
	rove_hrtimer_start(&s->timer, FAR, ROVE_HRTIMER_REL);
}

TEST(hrtimer, a_restart_does_not_overrule_a_newer_operation)
{
	struct subject s;

	subject_init(&s, CLOCK_MONOTONIC);
	s.interval_ns = NSEC_PER_USEC;
	s.nr_restarts = 1;
	s.inside = stop_inside;
	rove_hrtimer_start(&s.timer, 0, ROVE_HRTIMER_ABS);
	WAIT_UNTIL(calls(&s) && !rove_hrtimer_callback_running(&s.timer));
	EXPECT_EQ(s.result, -1);
	EXPECT_FALSE(rove_hrtimer_is_queued(&s.timer));
	EXPECT_EQ(rove_hrtimer_cancel(&s.timer), 0);
	EXPECT_EQ(calls(&s), 1);

	s.nr_restarts = 1;
	s.inside = start_inside;
	rove_hrtimer_start(&s.timer, 0, ROVE_HRTIMER_ABS);
	WAIT_UNTIL(calls(&s) == 2 && !rove_hrtimer_callback_running(&s.timer));
	EXPECT_TRUE(rove_hrtimer_remaining_ns(&s.timer) > FAR / 2);
	EXPECT_EQ(rove_hrtimer_cancel(&s.timer), 1);
	EXPECT_EQ(calls(&s), 2);
}

static void cancel_inside(struct subject *s)
{
	s->result = rove_hrtimer_cancel(&s->timer);
}

TEST(hrtimer, waiting_for_ones_own_callback_is_refused_and_changes_nothing)
{
	struct subject s;

	subject_init(&s, CLOCK_MONOTONIC);
	s.interval_ns = NSEC_PER_USEC;
	s.nr_restarts = 1;
	s.inside = cancel_inside;
	rove_hrtimer_start(&s.timer, 0, ROVE_HRTIMER_ABS);
	WAIT_UNTIL(calls(&s) == 2);
	EXPECT_EQ(s.result, -EDEADLK);
	EXPECT_EQ(rove_hrtimer_cancel(&s.timer), 0);
}

static void cancel_other(struct subject *s)
{
	s->result = rove_hrtimer_cancel(&s->other->timer);
}

TEST(hrtimer, two_callbacks_that_cancel_each_other_do_not_wait)
{
	struct subject a, b, holder;

	subject_init(&a, CLOCK_MONOTONIC);
	subject_init(&b, CLOCK_MONOTONIC);
	subject_init(&holder, CLOCK_MONOTONIC);
	a.inside = b.inside = cancel_other;
	a.other = &b;
	b.other = &a;
	holder.inside = hold_inside;
	rove_hrtimer_start(&holder.timer, 0, ROVE_HRTIMER_ABS);
	WAIT_UNTIL(calls(&holder));
	rove_hrtimer_start(&a.timer, 1, ROVE_HRTIMER_ABS);
	rove_hrtimer_start(&b.timer, 2, ROVE_HRTIMER_ABS);
	store_seq_cst(&holder.release_it, 1);
	WAIT_UNTIL(calls(&a) + calls(&b));
	rove_hrtimer_cancel(&holder.timer);
	/* The first cancelled the second before that was called. */
	EXPECT_EQ(rove_hrtimer_cancel(&a.timer) + rove_hrtimer_cancel(&b.timer), 0);
	EXPECT_EQ(calls(&a), 1);
	EXPECT_EQ(a.result, 1);
	EXPECT_EQ(calls(&b), 0);
}

static void rearm_slowly(struct subject *s)
{
	fetch_add_seq_cst(&s->nr_calls, 1);
	WAIT_UNTIL(load_seq_cst(&s->release_it));
	rove_hrtimer_start(&s->timer, 0, ROVE_HRTIMER_ABS);
}

static void *release_when_waited_for(void *arg)
{
	struct subject *s = arg;

	WAIT_UNTIL(load_seq_cst(&softirq.nr_waiters));
	store_seq_cst(&s->release_it, 1);
	return NULL;
}

TEST(hrtimer, a_waiting_cancel_also_stops_what_the_callback_starts)
{
	for (u32 i = 0; i < 100; i++) {
		struct subject *s = calloc(1, sizeof(*s));
		pthread_t thread;

		subject_init(s, CLOCK_MONOTONIC);
		s->inside = rearm_slowly;
		rove_hrtimer_start(&s->timer, 0, ROVE_HRTIMER_ABS);
		WAIT_UNTIL(calls(s));
		EXPECT_EQ(pthread_create(&thread, NULL, release_when_waited_for, s), 0);
		rove_hrtimer_cancel(&s->timer);
		EXPECT_FALSE(rove_hrtimer_is_queued(&s->timer));
		pthread_join(thread, NULL);
		memset(s, 0x5a, sizeof(*s));
		free(s);
	}
}

TEST(hrtimer, a_cancelled_timer_may_be_freed_at_once_in_every_state)
{
	for (u32 i = 0; i < 4000; i++) {
		struct subject *s = malloc(sizeof(*s));

		subject_init(s, i & 1 ? CLOCK_MONOTONIC : CLOCK_REALTIME);
		if (i & 2)
			rove_hrtimer_start(&s->timer, FAR, ROVE_HRTIMER_REL);
		if (i & 4)
			rove_hrtimer_start(&s->timer, i % 64 * NSEC_PER_USEC, ROVE_HRTIMER_REL);
		if (i & 8)
			rove_hrtimer_try_to_cancel(&s->timer);
		rove_hrtimer_cancel(&s->timer);
		memset(s, 0x5a, sizeof(*s));
		free(s);
	}
}

static u32 nr_freed;

static enum rove_hrtimer_restart free_itself(struct rove_hrtimer *timer)
{
	memset(timer, 0x5a, sizeof(*timer));
	free(timer);
	fetch_add_seq_cst(&nr_freed, 1);
	return ROVE_HRTIMER_NORESTART;
}

TEST(hrtimer, a_callback_may_free_its_timer)
{
	start();
	for (u32 i = 0; i < 4000; i++) {
		struct rove_hrtimer *timer = aligned_alloc(16, sizeof(*timer));

		EXPECT_EQ(rove_hrtimer_init(timer, CLOCK_MONOTONIC, free_itself), 0);
		if (i & 1)
			rove_hrtimer_start(timer, FAR, ROVE_HRTIMER_REL);
		rove_hrtimer_start(timer, i % 8 * NSEC_PER_USEC, ROVE_HRTIMER_REL);
		if (i & 2)
			WAIT_UNTIL(load_seq_cst(&nr_freed) == i + 1);
	}
	WAIT_UNTIL(load_seq_cst(&nr_freed) == 4000);
}

static struct subject from_handler;
static int handler_result[3];

static void use_timer(void)
{
	rove_hrtimer_start(&from_handler.timer, FAR, ROVE_HRTIMER_REL);
	handler_result[0] = rove_hrtimer_try_to_cancel(&from_handler.timer);
	handler_result[1] = rove_hrtimer_try_to_cancel(&from_handler.timer);
	rove_hrtimer_start(&from_handler.timer, NSEC_PER_USEC, ROVE_HRTIMER_REL);
	handler_result[2] = 7;
}

TEST(hrtimer, a_signal_handler_starts_and_cancels_as_a_thread_does)
{
	subject_init(&from_handler, CLOCK_MONOTONIC);
	in_signal_handler(use_timer);
	EXPECT_EQ(handler_result[0], 1);
	EXPECT_EQ(handler_result[1], 0);
	EXPECT_EQ(handler_result[2], 7);
	WAIT_UNTIL(calls(&from_handler));
	EXPECT_EQ(rove_hrtimer_cancel(&from_handler.timer), 0);
	EXPECT_EQ(calls(&from_handler), 1);
}

/* A handler that interrupts whoever holds the heap's lock. */
TEST(hrtimer, a_signal_handler_needs_no_lock)
{
	subject_init(&from_handler, CLOCK_MONOTONIC);
	mutex_lock(&softirq.lock);
	in_signal_handler(use_timer);
	EXPECT_EQ(handler_result[0], 1);
	mutex_unlock(&softirq.lock);
	WAIT_UNTIL(calls(&from_handler));
	EXPECT_EQ(rove_hrtimer_cancel(&from_handler.timer), 0);
}

TEST(hrtimer, the_callback_runs_on_the_cpu_that_was_asked_for)
{
	struct subject s;
	cpu_set_t allowed;
	u32 nr = 0;

	EXPECT_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	subject_init(&s, CLOCK_MONOTONIC);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		struct rove_hrtimer_when when = { .mode = ROVE_HRTIMER_REL, .cpu = cpu,
						  .expires_ns = 100 * NSEC_PER_USEC };

		if (!CPU_ISSET(cpu, &allowed))
			continue;
		rove_hrtimer_start_range(&s.timer, &when);
		nr++;
		WAIT_UNTIL(calls(&s) == nr);
		EXPECT_EQ(s.cpu, cpu);
	}
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		cpu_set_t one;

		if (!CPU_ISSET(cpu, &allowed))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		EXPECT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
		rove_hrtimer_start(&s.timer, 10 * NSEC_PER_USEC, ROVE_HRTIMER_REL | ROVE_HRTIMER_PINNED);
		nr++;
		WAIT_UNTIL(calls(&s) == nr);
		EXPECT_EQ(s.cpu, cpu);
	}
	EXPECT_EQ(sched_setaffinity(0, sizeof(allowed), &allowed), 0);
	EXPECT_EQ(rove_hrtimer_cancel(&s.timer), 0);
}

TEST(hrtimer, slack_lets_two_timers_share_one_wakeup)
{
	struct subject lax, strict;
	u64 at = clock_mono_ns() + 5 * NSEC_PER_MSEC;
	struct rove_hrtimer_when when = { .expires_ns = at, .slack_ns = FAR, .cpu = -1 };

	subject_init(&lax, CLOCK_MONOTONIC);
	subject_init(&strict, CLOCK_MONOTONIC);
	rove_hrtimer_start_range(&lax.timer, &when);
	rove_hrtimer_start(&strict.timer, at + 5 * NSEC_PER_MSEC, ROVE_HRTIMER_ABS);
	WAIT_UNTIL(calls(&strict));
	WAIT_UNTIL(calls(&lax));
	/* Alone it would have been called an hour later. */
	EXPECT_TRUE(lax.called_ns >= at);
	EXPECT_EQ(rove_hrtimer_cancel(&lax.timer) + rove_hrtimer_cancel(&strict.timer), 0);
}

TEST(hrtimer, a_clock_that_is_set_is_noticed)
{
	struct subject real, boot;
	struct timespec now;

	subject_init(&real, CLOCK_REALTIME);
	subject_init(&boot, CLOCK_BOOTTIME);
	rove_hrtimer_start(&real.timer, FAR, ROVE_HRTIMER_REL);
	rove_hrtimer_start(&boot.timer, 2 * FAR, ROVE_HRTIMER_REL);
	WAIT_UNTIL(load_seq_cst(&softirq.asleep) == SOFTIRQ_IN_POLL);
	WRITE_ONCE(softirq_shift_ns[SOFTIRQ_REALTIME], FAR);
	clock_gettime(CLOCK_REALTIME, &now);
	if (clock_settime(CLOCK_REALTIME, &now)) {
		WRITE_ONCE(softirq_shift_ns[SOFTIRQ_REALTIME], 0);
		rove_hrtimer_cancel(&real.timer);
		rove_hrtimer_cancel(&boot.timer);
		SKIP("this process may not set the clock");
	}
	WAIT_UNTIL(calls(&real));
	EXPECT_EQ(calls(&boot), 0);
	WRITE_ONCE(softirq_shift_ns[SOFTIRQ_BOOTTIME], 2 * FAR);
	clock_gettime(CLOCK_REALTIME, &now);
	EXPECT_EQ(clock_settime(CLOCK_REALTIME, &now), 0);
	WAIT_UNTIL(calls(&boot));
	WRITE_ONCE(softirq_shift_ns[SOFTIRQ_REALTIME], 0);
	WRITE_ONCE(softirq_shift_ns[SOFTIRQ_BOOTTIME], 0);
	EXPECT_EQ(rove_hrtimer_cancel(&real.timer) + rove_hrtimer_cancel(&boot.timer), 0);
}

static int start_without_a_thread(void)
{
	struct subject s = { .interval_ns = 0 };

	rove_hrtimer_init(&s.timer, CLOCK_MONOTONIC, called);
	rove_hrtimer_start(&s.timer, 0, ROVE_HRTIMER_REL);
	if (!rove_hrtimer_is_queued(&s.timer) || calls(&s))
		return 1;
	if (rove_hrtimer_try_to_cancel(&s.timer) != 1 || rove_hrtimer_cancel(&s.timer))
		return 2;
	rove_hrtimer_start(&s.timer, 0, ROVE_HRTIMER_REL);
	if (rove_softirq_start())
		return 3;
	WAIT_UNTIL(calls(&s));
	return rove_hrtimer_cancel(&s.timer);
}

TEST(hrtimer, what_is_started_before_there_is_a_thread_is_kept)
{
#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer does not follow threads started after fork()");
#endif
	EXPECT_EQ(in_child(start_without_a_thread), 0);
}

static int set_clock_without_descriptors(void)
{
	struct subject s = { .interval_ns = 0 };
	struct rlimit limit;

	/* The hard limit stays: valgrind lets nobody change it. */
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 1;
	limit.rlim_cur = 0;
	if (setrlimit(RLIMIT_NOFILE, &limit) || rove_softirq_start())
		return 1;
	rove_hrtimer_init(&s.timer, CLOCK_REALTIME, called);
	rove_hrtimer_start(&s.timer, FAR, ROVE_HRTIMER_REL);
	WAIT_UNTIL(load_seq_cst(&softirq.asleep) == SOFTIRQ_IN_FUTEX &&
		   load_seq_cst(&softirq.wake_ns[SOFTIRQ_REALTIME]) < SOFTIRQ_FOREVER);
	WRITE_ONCE(softirq_shift_ns[SOFTIRQ_REALTIME], FAR);
	WAIT_UNTIL(calls(&s));
	return rove_hrtimer_cancel(&s.timer);
}

TEST(hrtimer, without_descriptors_a_set_clock_is_noticed_a_little_later)
{
#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer does not follow threads started after fork()");
#endif
	EXPECT_EQ(in_child(set_clock_without_descriptors), 0);
}

static struct subject of_parent[3];

static int use_armed_of_parent(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(of_parent); i++) {
		if (rove_hrtimer_is_queued(&of_parent[i].timer) ||
		    rove_hrtimer_try_to_cancel(&of_parent[i].timer) ||
		    rove_hrtimer_cancel(&of_parent[i].timer))
			return 1;
	}
	rove_hrtimer_start(&of_parent[0].timer, 0, ROVE_HRTIMER_REL);
	rove_hrtimer_start(&of_parent[1].timer, NSEC_PER_MSEC, ROVE_HRTIMER_REL);
	rove_hrtimer_start(&of_parent[2].timer, FAR, ROVE_HRTIMER_REL);
	if (rove_softirq_start())
		return 2;
	WAIT_UNTIL(calls(&of_parent[0]) && calls(&of_parent[1]));
	return rove_hrtimer_cancel(&of_parent[2].timer) == 1 && !calls(&of_parent[2]) ? 0 : 3;
}

/* One near, in the heap; two far, one behind the other in a slot. */
TEST(hrtimer, of_the_parent_are_idle_in_a_child_and_can_be_used_there)
{
#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer does not follow threads started after fork()");
#endif
	for (u32 i = 0; i < ARRAY_SIZE(of_parent); i++) {
		subject_init(&of_parent[i], CLOCK_MONOTONIC);
		rove_hrtimer_start(&of_parent[i].timer, i ? FAR : FAR / 1000, ROVE_HRTIMER_REL);
	}
	WAIT_UNTIL(load_seq_cst(&softirq.asleep));
	EXPECT_EQ(in_child(use_armed_of_parent), 0);
	for (u32 i = 0; i < ARRAY_SIZE(of_parent); i++)
		EXPECT_EQ(rove_hrtimer_cancel(&of_parent[i].timer), 1);
}
