/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * hrtimer_model_thread.h - the steps of the thread that calls what is due
 *
 * Within hrtimer_model_test.c, which says what is checked.
 */
#ifndef ROVE_TESTS_UNIT_SOFTIRQ_HRTIMER_MODEL_THREAD_H
#define ROVE_TESTS_UNIT_SOFTIRQ_HRTIMER_MODEL_THREAD_H

#include "tests/unit/softirq/hrtimer_model_writer.h"

/* --- the thread ---------------------------------------------------------------------------- */

/* Under the lock, so without steps in between, but the timer's state is shared: one exchange. */
static void take_change(struct state *s, bool is_thread)
{
	struct hrt_state next;

	if (!s->in_list)
		return;
	touch(s);
	s->in_list = 0;
	next = hrt_take(get(s));
	put(s, next);
	if (!(next.ctl & HRT_QUEUED)) {
		s->key = 0;
		return;
	}
	if (!s->key || s->key > hrt_limit(next))
		s->key = hrt_limit(next);
	if (!is_thread && !v->no_rouse_when_taken_by_another)
		rouse_by(s, s->key);
}

static void fire(struct state *s)
{
	if (s->now < s->armed_by)
		model_bad("early");
	s->pc = T_CALLED;
	s->newer = 0;
	for (int w = 0; w < NR_WRITERS; w++)
		if (s->writers[w].pc != W_NEXT && s->writers[w].op < NR_OPS &&
		    ops[w][s->writers[w].op] == OP_UNLESS_RUNNING) {
			s->writers[w].saw_call = 1;
			s->writers[w].nr_calls = min(s->writers[w].nr_calls + 1, 2);
		}
	if ((s->flags & HRT_PUBLISHED) && !v->no_take_at_fire)
		take_change(s, true);
}

/* Two steps: what may be called is named, then the exchange decides. */
static void look_at_first(struct state *s)
{
	struct hrt_state next;
	enum hrt_due due = hrt_look(get(s), s->now, &next);

	touch(s);
	if (due == HRT_FIRE && s->running == HRT_RUNS_NOT && !v->no_maybe) {
		s->running = hrt_maybe(get(s));
		return;
	}
	s->key = due == HRT_LATER ? hrt_limit(next) : 0;
	put(s, next);
	if (due == HRT_FIRE)
		fire(s);
	else
		s->running = HRT_RUNS_NOT;
}

/* Who has started it and does nothing more has given it to the callback. */
static bool callback_may_free(const struct state *s)
{
	for (int w = 0; w < NR_WRITERS; w++) {
		u8 op = s->writers[w].op;

		if (op < NR_OPS && ops[w][op] != OP_NONE &&
		    !(s->writers[w].has_armed && (op + 1 == NR_OPS || ops[w][op + 1] == OP_NONE)))
			return false;
	}
	return s->freer == F_BY_CALLBACK && !s->newer;
}

static void end_call(struct state *s)
{
	struct hrt_state next;

	if (callback_may_free(s)) {
		s->freer = F_DONE;
		if (s->in_list || s->key)
			model_bad("ghost: still linked when its callback frees it");
	} else if (s->restart_left) {
		s->restart_left = 0;
		touch(s);
		if (hrt_restart(get(s), s->expires, &next) || v->restart_always) {
			if (s->newer)
				model_bad("ghost: a restart overruled a newer operation");
			if (v->restart_always)
				next.ctl |= HRT_ARMED | HRT_QUEUED;
			put(s, next);
			armed(s, s->expires);
			if (next.ctl & HRT_QUEUED)
				s->key = hrt_limit(next);
		}
	}
	s->running = HRT_RUNS_NOT;
	s->pc = T_AWAKE;
}

static void thread_step(struct state *s)
{
	switch (s->pc) {
	case T_AWAKE:
		if (s->in_list && s->running == HRT_RUNS_NOT)
			take_change(s, true);
		else if (s->key && (s->key <= s->now || s->running != HRT_RUNS_NOT))
			look_at_first(s);
		else
			s->pc = T_PLAN;
		return;
	case T_PLAN:	/* under the same lock */
		s->asleep = 1;
		s->wake = s->key ?: NOBODY;
		s->pc = T_SLEEPY;
		return;
	case T_CALLED:
		if (s->running != HRT_RUNS)
			s->running = HRT_RUNS;
		else
			end_call(s);
		return;
	case T_SLEEPY:
		s->pc = s->in_list && !v->no_look_before_sleep ? T_AWAKE : T_ASLEEP;
		if (s->pc == T_ASLEEP)
			return;
		break;
	case T_ASLEEP:
		s->pc = T_AWAKE;
		break;
	}
	s->asleep = s->wake = s->rouse_pending = 0;
}

static bool thread_can_step(const struct state *s)
{
	return s->pc != T_ASLEEP || s->rouse_pending || s->wake <= s->now;
}

#endif
