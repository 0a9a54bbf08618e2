/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * hrtimer_model_test.c - every interleaving of a small timer
 *
 * One timer; two writers with two operations each (a start for time 1 or 2, or a
 * cancel that does not wait), the thread, maybe somebody who cancels and waits and then
 * frees the timer, and a clock that may move on between any two steps.  A step is one access
 * that others can see; what the state becomes is computed by softirq/hrtimer_state.h
 * itself.  All reachable states are visited, for every choice of operations.
 *
 *	lost:	nobody has anything to do and the thread sleeps, but the timer is armed and
 *		the thread will look later than at its time
 *	early:	it is called before the time of the start that armed it
 *	ghost:	it is linked or touched when the one who waited, or the callback, has freed
 *		it; or a RESTART overrules a newer operation
 *	said:	a cancel said that the callback runs, or that it does not, and was wrong
 *
 * Each part of the protocol is left out in turn, and then such a state must be found.
 */
#include "tests/unit/softirq/hrtimer_model_thread.h"

/* --- who waits and frees, or empties the list for another timer's sake ----------------------- */

static void freer_step(struct state *s)
{
	struct hrt_state next;

	switch (s->freer) {
	case F_CANCEL:
		s->freer = s->flags & HRT_LINKED ? F_LOCK : F_WAIT;
		put(s, hrt_cancel(get(s)));
		return;
	case F_LOCK:	/* not while the thread is looking at it, which is under the lock */
		take_change(s, false);
		next = get(s);
		if (!(next.ctl & HRT_ARMED) && (next.ctl & HRT_QUEUED)) {
			s->key = 0;
			put(s, hrt_unqueue(next));
		}
		s->freer = F_WAIT;
		return;
	case F_TAKE:
		take_change(s, false);
		s->freer = F_NONE;
		return;
	case F_WAIT:	/* only when nothing runs; if something did, once more from the start */
		s->freer = F_DONE;
		return;
	}
}

static bool freer_can_step(const struct state *s)
{
	switch (s->freer) {
	case F_CANCEL:	/* nobody may start what is about to be freed */
		return s->writers[0].op == NR_OPS && s->writers[1].op == NR_OPS;
	case F_LOCK:
	case F_TAKE:
		return s->pc != T_PLAN && (s->running == HRT_RUNS_NOT || s->running == HRT_RUNS);
	case F_WAIT:
		return s->running == HRT_RUNS_NOT;
	}
	return false;
}

/* --- all of it ------------------------------------------------------------------------------ */

/* Also when a writer stands still, but for the few steps in which it publishes. */
static void check_lost(const struct state *s)
{
	for (int w = 0; w < NR_WRITERS; w++) {
		u8 pc = s->writers[w].pc;

		if (pc == W_PUSH || pc == W_LOOK || pc == W_WAKE)
			return;
	}
	if (s->pc != T_ASLEEP || s->rouse_pending || s->freer == F_LOCK)
		return;
	if ((s->flags & HRT_ARMED) && s->wake > s->expires)
		model_bad("lost");
}

static void visit_successors(const void *state)
{
	const struct state *s = state;
	struct state next;

	check_lost(s);
	if (s->now < LAST_NS) {
		next = *s;
		next.now++;
		model_visit(&next);
	}
	for (int w = 0; w < NR_WRITERS; w++) {
		if (s->writers[w].op == NR_OPS)
			continue;
		next = *s;
		if (ops[w][s->writers[w].op] == OP_NONE)
			next.writers[w].op = NR_OPS;
		else if (s->writers[w].pc == W_FOUND)
			writer_found(&next, w);
		else
			writer_step(&next, w);
		model_visit(&next);
	}
	if (thread_can_step(s)) {
		next = *s;
		thread_step(&next);
		model_visit(&next);
	}
	if (freer_can_step(s)) {
		next = *s;
		freer_step(&next);
		model_visit(&next);
	}
}

static u32 explore(u8 other, bool with_restart)
{
	struct state first = { .running = HRT_RUNS_NOT, .freer = other, .restart_left = with_restart };

	return model_run(&first, sizeof(first), visit_successors, NULL);
}

/*
 * The writers' operations, by a number.  Return: false if there is nothing to do, or the same
 * is done with the writers exchanged.
 */
static bool choose_ops(u32 choice, bool unless_running)
{
	for (int i = 0; i < NR_WRITERS * NR_OPS; i++, choice /= NR_OPERATIONS)
		ops[i / NR_OPS][i % NR_OPS] = choice % NR_OPERATIONS;
	if (!unless_running)
		return ops[0][0] != OP_NONE && memcmp(ops[0], ops[1], NR_OPS) >= 0;
	/* In place of the last operation of the second writer. */
	if (ops[1][1] != OP_NONE)
		return false;
	ops[1][ops[1][0] != OP_NONE] = OP_UNLESS_RUNNING;
	return true;
}

/* Every choice of operations, with each who may be there besides, with and without a restart. */
static const char *try_with(struct variant variant, bool unless_running, const char *name)
{
	static const u8 others[] = { F_NONE, F_CANCEL, F_TAKE, F_BY_CALLBACK };
	u32 nr_choices = NR_OPERATIONS * NR_OPERATIONS * NR_OPERATIONS * NR_OPERATIONS;
	u64 nr_states = 0;

	v = &variant;
	for (u32 choice = 0; choice < nr_choices * 8 && !model.bad; choice++) {
		if (choose_ops(choice / 8, unless_running))
			nr_states += explore(others[choice / 2 % 4], choice & 1);
	}
	return model_end(name, nr_states);
}

static const char *try(struct variant variant, const char *name)
{
	return try_with(variant, false, name);
}

/* @part: what is left out, or done in its place. */
#define BROKEN_WITHOUT(part) EXPECT_TRUE(try((struct variant){ .part = true }, #part))

TEST(hrtimer_model, no_interleaving_loses_or_invents_a_call)
{
	EXPECT_PTR_EQ(try((struct variant){ .no_maybe = false }, "the protocol"), NULL);
}

TEST(hrtimer_model, who_publishes_must_look_for_others)
{
	BROKEN_WITHOUT(no_look_after_publish);
}

TEST(hrtimer_model, the_thread_must_look_once_more_before_it_sleeps)
{
	BROKEN_WITHOUT(no_look_before_sleep);
}

TEST(hrtimer_model, who_empties_the_list_for_the_thread_must_wake_it)
{
	BROKEN_WITHOUT(no_rouse_when_taken_by_another);
}

TEST(hrtimer_model, only_what_is_not_earlier_is_covered)
{
	BROKEN_WITHOUT(covered_by_expiry_of_idle_only);
}

TEST(hrtimer_model, a_call_is_announced_before_the_exchange)
{
	BROKEN_WITHOUT(no_maybe);
}

TEST(hrtimer_model, an_announced_call_is_believed_only_if_it_fired)
{
	BROKEN_WITHOUT(no_phase);
}

TEST(hrtimer_model, arming_is_the_last_time_that_a_start_touches_it)
{
	BROKEN_WITHOUT(arm_first);
}

TEST(hrtimer_model, a_restart_yields_to_newer_operations)
{
	BROKEN_WITHOUT(restart_always);
}

TEST(hrtimer_model, what_fires_must_be_off_the_list)
{
	BROKEN_WITHOUT(no_take_at_fire);
}

TEST(hrtimer_model, a_cancel_unless_it_runs_changes_nothing_while_it_runs)
{
	EXPECT_PTR_EQ(try_with((struct variant){ .no_maybe = false }, true, "unless running"), NULL);
}

TEST(hrtimer_model, and_must_look_before_its_exchange)
{
	EXPECT_TRUE(try_with((struct variant){ .no_look_at_running = true }, true,
			     "no_look_at_running"));
}
