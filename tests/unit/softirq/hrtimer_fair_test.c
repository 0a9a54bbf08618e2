/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * hrtimer_fair_test.c - timers that are due again at once keep no others waiting
 */
#include "softirq/hrtimer.h"
#include "tests/unit/softirq/subject.h"

static u32 no_more;

/* Due again at once, for ever. */
static enum rove_hrtimer_restart due_at_once(struct rove_hrtimer *timer)
{
	return load_seq_cst(&no_more) ? ROVE_HRTIMER_NORESTART : ROVE_HRTIMER_RESTART;
}

TEST(hrtimer_fair, one_that_is_always_due_keeps_no_other_clocks_timers_waiting)
{
	static const int clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME };

	for (u32 greedy = 0; greedy < ARRAY_SIZE(clocks); greedy++) {
		struct rove_hrtimer always;

		store_seq_cst(&no_more, 0);
		EXPECT_EQ(rove_hrtimer_init(&always, clocks[greedy], due_at_once), 0);
		start();
		rove_hrtimer_start(&always, 0, ROVE_HRTIMER_ABS);
		for (u32 i = 0; i < ARRAY_SIZE(clocks); i++) {
			struct subject s;

			if (i == greedy)
				continue;
			subject_init(&s, clocks[i]);
			rove_hrtimer_start(&s.timer, NSEC_PER_USEC, ROVE_HRTIMER_REL);
			WAIT_UNTIL(calls(&s));
			EXPECT_EQ(rove_hrtimer_cancel(&s.timer), 0);
		}
		store_seq_cst(&no_more, 1);
		rove_hrtimer_cancel(&always);
	}
}

static enum rove_hrtimer_restart start_for_the_past(struct rove_hrtimer *timer)
{
	if (!load_seq_cst(&no_more))
		rove_hrtimer_start(timer, 1, ROVE_HRTIMER_ABS);
	return ROVE_HRTIMER_NORESTART;
}

static enum rove_hrtimer_restart go_on_too_slowly(struct rove_hrtimer *timer)
{
	rove_hrtimer_forward(timer, rove_hrtimer_expires_ns(timer), 1);
	return due_at_once(timer);
}

TEST(hrtimer_fair, those_that_are_always_due_keep_no_others_of_their_clock_waiting)
{
	static rove_hrtimer_fn *const greedy[] = { due_at_once, start_for_the_past, go_on_too_slowly };
	static const int clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME };
	static struct rove_hrtimer always[3 * ARRAY_SIZE(greedy)];

	start();
	for (u32 c = 0; c < ARRAY_SIZE(clocks); c++) {
		store_seq_cst(&no_more, 0);
		for (u32 i = 0; i < ARRAY_SIZE(always); i++) {
			EXPECT_EQ(rove_hrtimer_init(&always[i], clocks[c], greedy[i / 3]), 0);
			rove_hrtimer_start(&always[i], i % 3, ROVE_HRTIMER_ABS);
		}
		for (u32 i = 0; i < 100; i++) {
			struct subject s;

			subject_init(&s, clocks[c]);
			rove_hrtimer_start(&s.timer, i * 10 * NSEC_PER_USEC, ROVE_HRTIMER_REL);
			WAIT_UNTIL(calls(&s));
			EXPECT_EQ(rove_hrtimer_cancel(&s.timer), 0);
		}
		store_seq_cst(&no_more, 1);
		for (u32 i = 0; i < ARRAY_SIZE(always); i++)
			rove_hrtimer_cancel(&always[i]);
	}
}

static u32 inside, go_on;	/* A */

static void wait_inside(struct subject *s)
{
	store_seq_cst(&inside, 1);
	while (!load_seq_cst(&go_on))
		sched_yield();
}

/* What is queued while the softirq thread is busy, as by a cancel that waits. */
static void queue_now(void)
{
	mutex_lock(&softirq.lock);
	hrtimer_take_changes_locked();
	mutex_unlock(&softirq.lock);
}

/*
 * The clock jumps by an hour and back while the thread is in a callback.  In between, one timer
 * is queued late, that is by the time of the jump, and one that has to wait ten minutes.
 */
TEST(hrtimer_fair, a_clock_that_is_set_back_leaves_nobody_behind_who_was_late)
{
	const s64 hour_ns = 3600 * (s64)NSEC_PER_SEC;
	struct subject busy, late, later;

	start();
	subject_init(&busy, CLOCK_REALTIME);
	subject_init(&late, CLOCK_REALTIME);
	subject_init(&later, CLOCK_REALTIME);
	busy.inside = wait_inside;
	store_seq_cst(&inside, 0);
	store_seq_cst(&go_on, 0);
	rove_hrtimer_start(&busy.timer, 1, ROVE_HRTIMER_ABS);
	WAIT_UNTIL(load_seq_cst(&inside));
	rove_hrtimer_start(&later.timer, hour_ns / 6, ROVE_HRTIMER_REL);
	queue_now();
	WRITE_ONCE(softirq_shift_ns[SOFTIRQ_REALTIME], hour_ns);
	rove_hrtimer_start(&late.timer, 1, ROVE_HRTIMER_ABS);
	queue_now();
	WRITE_ONCE(softirq_shift_ns[SOFTIRQ_REALTIME], 0);
	store_seq_cst(&go_on, 1);
	WAIT_UNTIL(calls(&late));
	EXPECT_EQ(calls(&later), 0);
	EXPECT_EQ(rove_hrtimer_cancel(&later.timer), 1);
	rove_hrtimer_cancel(&late.timer);
	rove_hrtimer_cancel(&busy.timer);
}
