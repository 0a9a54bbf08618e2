/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * hrtimer_view_test.c - a walk over all armed timers
 *
 * The softirq thread is not there: the tests move the queues' time themselves.
 */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "softirq/hrtimer.h"
#include "softirq/hrtimer_view.h"
#include "tests/test.h"

#define NR 3000
#define FAR (3600 * NSEC_PER_SEC)

struct subject {
	struct rove_hrtimer timer;
	u64 expires_ns, slack_ns;
	u32 clock, nr_shown;
	int cpu;
	bool armed;
};

static struct subject subjects[NR];
static u64 random_state = 7;

static u64 random_next(void)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return random_state >> 11;
}

static enum rove_hrtimer_restart never(struct rove_hrtimer *timer)
{
	return ROVE_HRTIMER_NORESTART;
}

static void arm(struct subject *s, u64 expires_ns, u64 slack_ns, int cpu)
{
	rove_hrtimer_start_range(&s->timer, &(struct rove_hrtimer_when){
		.expires_ns = expires_ns, .slack_ns = slack_ns, .cpu = cpu });
	*s = (struct subject){ s->timer, expires_ns, slack_ns, s->clock, 0, cpu, true };
}

static void init_all(u32 nr)
{
	static const u32 clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME };

	for (u32 i = 0; i < nr; i++) {
		subjects[i] = (struct subject){ .clock = clocks[i % 3] };
		EXPECT_EQ(rove_hrtimer_init(&subjects[i].timer, clocks[i % 3], never), 0);
	}
}

static void cancel_all(u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		rove_hrtimer_cancel(&subjects[i].timer);
	for (u32 c = 0; c < NR_SOFTIRQ_CLOCKS; c++) {
		EXPECT_TRUE(tqueue_is_empty(&softirq.queues[c]));
		softirq.queues[c].base_ns = 0;
	}
}

/* Any magnitude, so that every level is used. */
static u64 random_expires(void)
{
	return clock_mono_ns() + (random_next() >> (random_next() % 53));
}

static u64 limit_of(const struct timer_view *v)
{
	return min(v->expires_ns + v->slack_ns, (u64)INT64_MAX);
}

static void expect_as_armed(const struct timer_view *v)
{
	struct subject *s = container_of((struct rove_hrtimer *)(uintptr_t)v->address,
					 struct subject, timer);

	EXPECT_TRUE(s >= subjects && s < subjects + NR);
	s->nr_shown++;
	EXPECT_EQ(v->expires_ns, s->expires_ns);
	EXPECT_EQ(v->slack_ns, s->slack_ns);
	EXPECT_EQ(v->clock, s->clock);
	EXPECT_EQ(v->cpu, s->cpu);
	EXPECT_EQ(v->function, (uintptr_t)never);
}

/* Between two parts @between is called.  Each armed one once, no other, and in order. */
static u32 walk(u32 nr, void (*between)(u32 nth))
{
	struct hrtimer_walk w = { 0 };
	struct timer_view last = { .clock = ~0u };
	u32 nr_parts = 0;

	for (;; nr_parts++) {
		EXPECT_EQ(hrtimer_walk_next(&w), 0);
		if (!w.nr)
			break;
		for (u32 i = 0; i < w.nr; last = w.timers[i++]) {
			expect_as_armed(&w.timers[i]);
			EXPECT_TRUE(last.clock != w.timers[i].clock ||
				    limit_of(&last) < limit_of(&w.timers[i]) ||
				    (limit_of(&last) == limit_of(&w.timers[i]) &&
				     last.address < w.timers[i].address));
		}
		if (between)
			between(nr_parts);
	}
	EXPECT_EQ(hrtimer_walk_next(&w), 0);
	EXPECT_EQ(w.nr, 0);
	hrtimer_walk_fini(&w);
	for (u32 i = 0; i < nr; i++) {
		EXPECT_EQ(subjects[i].nr_shown, subjects[i].armed);
		subjects[i].nr_shown = 0;
	}
	return nr_parts;
}

TEST(hrtimer_view, without_timers_there_is_nothing)
{
	EXPECT_EQ(walk(0, NULL), 0);
}

TEST(hrtimer_view, each_armed_timer_is_shown_once_by_clock_limit_and_address)
{
	init_all(NR);
	for (u32 i = 0; i < NR; i++)
		arm(&subjects[i], random_expires(), i % 4 ? 0 : random_next() % (FAR / 4),
		    i % 5 ? -1 : 1);
	/* Some of the same time; some idle again. */
	for (u32 i = 300; i < 600; i++)
		arm(&subjects[i], subjects[i % 3].expires_ns, 0, -1);
	for (u32 i = 600; i < 700; i++) {
		rove_hrtimer_try_to_cancel(&subjects[i].timer);
		subjects[i].armed = false;
	}
	EXPECT_TRUE(walk(NR, NULL) > 10);
	/* Looking has changed nothing. */
	walk(NR, NULL);
	cancel_all(NR);
	EXPECT_EQ(walk(0, NULL), 0);
}

TEST(hrtimer_view, many_of_one_slot_come_in_pieces_and_are_one_part)
{
	u64 base_ns = ((clock_mono_ns() >> 40) + 2) << 40;

	init_all(NR);
	for (u32 i = 0; i < NR; i++)
		arm(&subjects[i], base_ns + (NR - i) * 1000, 0, -1);
	EXPECT_EQ(walk(NR, NULL), 3);
	cancel_all(NR);
}

/* The queue's key stays early when a start puts a timer off. */
static void put_off_all(u32 nr, u64 most_ns)
{
	struct hrtimer_walk w = { 0 };

	/* So that they are in the queue, and not only published. */
	EXPECT_EQ(hrtimer_walk_next(&w), 0);
	hrtimer_walk_fini(&w);
	for (u32 i = 0; i < nr; i++)
		arm(&subjects[i], subjects[i].expires_ns + random_next() % most_ns, 0, -1);
}

TEST(hrtimer_view, timers_that_were_put_off_are_shown_once_too)
{
	static const u64 most_ns[] = { 10, NSEC_PER_SEC, FAR, 1000 * FAR };

	for (u32 m = 0; m < ARRAY_SIZE(most_ns); m++) {
		init_all(NR);
		for (u32 i = 0; i < NR; i++)
			arm(&subjects[i], random_expires(), 0, -1);
		put_off_all(NR, most_ns[m]);
		walk(NR, NULL);
		cancel_all(NR);
	}
}

static u64 time_ns;

/* As the thread does; nothing is called, though it is due. */
static void let_time_pass(u32 nth)
{
	time_ns += time_ns / 8 + (random_next() >> (random_next() % 53)) % (100 * FAR);
	mutex_lock(&softirq.lock);
	for (u32 c = 0; c < NR_SOFTIRQ_CLOCKS; c++)
		tqueue_advance(&softirq.queues[c], time_ns);
	mutex_unlock(&softirq.lock);
}

TEST(hrtimer_view, slots_may_be_emptied_into_others_between_two_parts)
{
	for (u32 round = 0; round < 10; round++) {
		init_all(NR);
		for (u32 i = 0; i < NR; i++)
			arm(&subjects[i], random_expires(), 0, -1);
		put_off_all(NR, FAR);
		time_ns = clock_mono_ns();
		walk(NR, let_time_pass);
		cancel_all(NR);
	}
}
