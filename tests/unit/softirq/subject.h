/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/softirq/subject.h - a timer that notes how its callback was called
 */
#ifndef ROVE_TESTS_UNIT_SOFTIRQ_SUBJECT_H
#define ROVE_TESTS_UNIT_SOFTIRQ_SUBJECT_H

#include <rove/timer.h>

#include "base/clock.h"
#include "base/context.h"
#include "softirq/softirq.h"
#include "tests/unit/softirq/wait.h"

#define FAR (3600 * NSEC_PER_SEC)

/* What the callback does and has seen. */
struct subject {
	struct rove_hrtimer timer;
	u32 nr_calls, release_it;
	u32 nr_restarts;	/* so often RESTART */
	u64 interval_ns;
	u64 called_ns;		/* by its clock */
	int cpu, result;
	bool softirq;
	void (*inside)(struct subject *subject);
	struct subject *other;
};

static enum rove_hrtimer_restart called(struct rove_hrtimer *timer)
{
	struct subject *s = container_of(timer, struct subject, timer);
	bool again = s->nr_restarts && s->nr_restarts--;

	s->called_ns = softirq_clock_ns(timer->clock);
	s->cpu = sched_getcpu();
	s->softirq = in_softirq();
	if (s->interval_ns)
		rove_hrtimer_forward_now(timer, s->interval_ns);
	if (s->inside)
		s->inside(s);
	fetch_add_seq_cst(&s->nr_calls, 1);
	return again ? ROVE_HRTIMER_RESTART : ROVE_HRTIMER_NORESTART;
}

static void subject_init(struct subject *s, int clock)
{
	memset(s, 0, sizeof(*s));
	start();
	EXPECT_EQ(rove_hrtimer_init(&s->timer, clock, called), 0);
}

static u32 calls(struct subject *s)
{
	return load_seq_cst(&s->nr_calls);
}

#endif
