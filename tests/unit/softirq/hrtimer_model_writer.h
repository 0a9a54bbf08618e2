/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * hrtimer_model_writer.h - the modelled state, and the steps of who starts and cancels
 *
 * Within hrtimer_model_test.c, which says what is checked.
 */
#ifndef ROVE_TESTS_UNIT_SOFTIRQ_HRTIMER_MODEL_WRITER_H
#define ROVE_TESTS_UNIT_SOFTIRQ_HRTIMER_MODEL_WRITER_H

#include "softirq/hrtimer_state.h"
#include "tests/model.h"

#define NR_WRITERS 2
#define NR_OPS 2
#define LAST_NS 2
#define NOBODY 0xff

struct variant {
	bool no_look_after_publish, no_look_before_sleep, no_rouse_when_taken_by_another,
	     arm_first, covered_by_expiry_of_idle_only, no_maybe, no_phase, no_take_at_fire,
	     restart_always, no_look_at_running;
};

enum { OP_NONE, OP_START_1, OP_START_2, OP_CANCEL, NR_OPERATIONS, OP_UNLESS_RUNNING };

enum writer_pc { W_NEXT, W_LOADED, W_PUSH, W_LOOK, W_WAKE, W_FOUND, W_NOT_RUNNING };
enum thread_pc { T_AWAKE, T_PLAN, T_CALLED, T_SLEEPY, T_ASLEEP };
enum other_pc { F_NONE, F_CANCEL, F_LOCK, F_WAIT, F_DONE, F_TAKE, F_BY_CALLBACK };

/* All bytes, so that states compare and hash as memory. */
struct state {
	/* The timer. */
	u8 expires, flags;	/* flags: the low byte of ctl */
	u8 in_list, key;	/* key: 0: not in the heap */
	u8 running;		/* enum hrt_running */
	/* The thread. */
	u8 pc, wake, asleep, restart_left, rouse_pending;
	u8 now;
	struct {
		u8 pc, op, seen_expires, seen_flags, before_flags;
		u8 overtaken;	/* by a start, since its cancel */
		u8 has_armed;	/* in this operation */
		u8 saw_call;	/* during an UNLESS_RUNNING */
		u8 nr_calls;	/* since it has seen the state */
	} writers[NR_WRITERS];
	u8 freer;
	u8 armed_by;		/* time of the newest start, for "early" */
	u8 newer;		/* than the call: an operation of a writer */
};

static u8 ops[NR_WRITERS][NR_OPS];
static const struct variant *v;

static struct hrt_state get(const struct state *s)
{
	return (struct hrt_state){ .expires_ns = s->expires, .ctl = s->flags };
}

static void put(struct state *s, struct hrt_state next)
{
	s->expires = next.expires_ns;
	s->flags = next.ctl;
}

static void touch(const struct state *s)
{
	if (s->freer == F_DONE)
		model_bad("ghost: touched after it was freed");
}

static void rouse(struct state *s)
{
	if (s->asleep) {
		s->asleep = 0;
		s->rouse_pending = 1;
	}
}

static void rouse_by(struct state *s, u8 limit)
{
	if (limit < s->wake)
		rouse(s);
}

static void armed(struct state *s, u8 time)
{
	s->armed_by = time;
	for (int w = 0; w < NR_WRITERS; w++)
		s->writers[w].overtaken = s->writers[w].pc == W_FOUND;
}

/* --- a writer ------------------------------------------------------------------------------ */

static void writer_done(struct state *s, int w)
{
	s->writers[w].pc = W_NEXT;
	s->writers[w].op++;
	s->writers[w].seen_expires = s->writers[w].seen_flags = s->writers[w].before_flags = 0;
	s->writers[w].has_armed = s->writers[w].saw_call = s->writers[w].nr_calls = 0;
}

/* The exchange: it fails, and the state is read again, if it has changed. */
static bool exchange(struct state *s, int w, struct hrt_state next)
{
	if (s->expires != s->writers[w].seen_expires || s->flags != s->writers[w].seen_flags) {
		s->writers[w].seen_expires = s->expires;
		s->writers[w].seen_flags = s->flags;
		return false;
	}
	put(s, next);
	return true;
}

static enum hrt_step start_step(struct hrt_state seen, struct hrt_state want,
				 struct hrt_state *next)
{
	enum hrt_step step = hrt_start(seen, want, next);

	if (v->arm_first && step == HRT_PUBLISH) {
		*next = want;
		next->ctl |= HRT_ARMED | HRT_PUBLISHED | (seen.ctl & HRT_LINKED);
	}
	if (v->covered_by_expiry_of_idle_only && step != HRT_COVERED && (seen.ctl & HRT_QUEUED)) {
		*next = want;
		next->ctl |= HRT_ARMED | (seen.ctl & HRT_LINKED);
		return HRT_COVERED;
	}
	return step;
}

static void start_exchange(struct state *s, int w, u8 time)
{
	struct hrt_state seen = { s->writers[w].seen_expires, s->writers[w].seen_flags }, next;
	enum hrt_step step = start_step(seen, (struct hrt_state){ .expires_ns = time }, &next);

	if (!exchange(s, w, next))
		return;
	if (step != HRT_PUBLISH || v->arm_first) {
		armed(s, time);
		s->writers[w].has_armed = s->newer = 1;
	}
	if (step == HRT_PUBLISH)
		s->writers[w].pc = W_PUSH;
	else if (step == HRT_WAKE)
		s->writers[w].pc = W_WAKE;
	else
		writer_done(s, w);
}

/* hrtimer_cancel_unless_running(), from its look at what runs on. */
static void unless_running_step(struct state *s, int w)
{
	struct hrt_state seen = { s->writers[w].seen_expires, s->writers[w].seen_flags };

	if (s->writers[w].pc == W_LOADED) {
		s->writers[w].pc = W_NOT_RUNNING;
		if (v->no_look_at_running || hrt_cancel_found(seen, s->running) >= 0)
			return;
		if (!s->writers[w].saw_call)
			model_bad("said: -1, but nothing was called meanwhile");
		writer_done(s, w);
		return;
	}
	s->writers[w].pc = W_LOADED;
	if (!exchange(s, w, hrt_cancel(seen))) {
		s->writers[w].nr_calls = 0;
		return;
	}
	/* Two calls and a start for the same time: it says so itself. */
	if (s->pc == T_CALLED && s->writers[w].nr_calls < 2)
		model_bad("said: not -1, but the callback is being called");
	s->newer = 1;
	writer_done(s, w);
}

static void writer_step(struct state *s, int w)
{
	u8 op = ops[w][s->writers[w].op], time = op;	/* OP_START_n is for time n */
	struct hrt_state seen;

	switch (s->writers[w].pc) {
	case W_NEXT:
		s->writers[w].seen_expires = s->expires;
		s->writers[w].seen_flags = s->flags;
		s->writers[w].pc = W_LOADED;
		s->writers[w].saw_call = op == OP_UNLESS_RUNNING && s->pc == T_CALLED;
		return;
	case W_NOT_RUNNING:
		unless_running_step(s, w);
		return;
	case W_LOADED:
		if (op == OP_UNLESS_RUNNING) {
			unless_running_step(s, w);
			return;
		}
		if (op != OP_CANCEL) {
			start_exchange(s, w, time);
			return;
		}
		seen = (struct hrt_state){ s->writers[w].seen_expires, s->writers[w].seen_flags };
		if (!exchange(s, w, hrt_cancel(seen)))
			return;
		s->writers[w].before_flags = seen.ctl;
		s->newer = 1;
		s->writers[w].pc = W_FOUND;
		return;
	case W_PUSH:
		touch(s);
		s->in_list = 1;
		s->writers[w].pc = W_LOOK;
		return;
	case W_LOOK:
		touch(s);
		if (!v->no_look_after_publish && (s->flags & HRT_ARMED))
			rouse_by(s, s->expires);
		s->writers[w].seen_expires = s->expires;
		s->writers[w].seen_flags = s->flags;
		s->writers[w].pc = v->arm_first ? W_WAKE : W_LOADED;
		return;
	case W_WAKE:
		rouse_by(s, time);
		writer_done(s, w);
		return;
	}
}

/*
 * What a cancel says against what is so: the callback is being called, in the eyes of
 * everybody, in T_CALLED and from the exchange that fires.
 */
static void writer_found(struct state *s, int w)
{
	struct hrt_state before = { .ctl = s->writers[w].before_flags };
	int found = hrt_cancel_found(before, s->running);

	if (v->no_phase)
		found = s->running != HRT_RUNS_NOT ? -1 : (before.ctl & HRT_ARMED) != 0;
	/* With a start after the cancel both answers have been true. */
	if (!s->writers[w].overtaken && found == -1 && s->pc != T_CALLED)
		model_bad("said: -1, but nothing is being called");
	if (!s->writers[w].overtaken && found != -1 && s->pc == T_CALLED)
		model_bad("said: not -1, but the callback is being called");
	s->writers[w].overtaken = 0;
	writer_done(s, w);
}

#endif
