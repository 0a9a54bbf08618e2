/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * irq_work_model_test.c - every interleaving of a small work
 *
 * Three callers queue one work, each after it has written something; two of them may be
 * handlers that interrupt the first, which is one of the interleavings.  A step is one access
 * that others can see, in the order of src/softirq/irq_work.c and sleep.c.
 *
 *	lost:	all callers are done and the thread sleeps, but the work is pending
 *	blind:	a call has come after all were done, or none has, that saw not all they wrote
 *	twice:	the work is in the list twice, or called more often than it was claimed
 *
 * Each part is left out in turn, and then such a state must be found.
 */
#include "tests/model.h"

#define NR_CALLERS 3

struct variant {
	bool no_look_before_sleep, no_rouse, clear_after_call, claim_by_load_and_store;
};

enum caller_pc { C_WRITE, C_CLAIM, C_STORE, C_PUSH, C_ROUSE, C_DONE };
enum thread_pc { T_TAKE, T_CLEAR, T_CALL, T_END, T_PLAN, T_LOOK, T_ASLEEP };

/* All bytes, so that states compare and hash as memory. */
struct state {
	u8 callers[NR_CALLERS];
	u8 written;		/* a bit for each caller */
	u8 pending, nr_in_list, nr_claims, nr_calls, seen;
	u8 thread, asleep, roused;
};

static const struct variant *v;

static void claimed(struct state *s, int c, bool was_pending)
{
	s->nr_claims += !was_pending;
	s->callers[c] = was_pending ? C_DONE : C_PUSH;
}

static void caller_step(struct state *s, int c)
{
	switch (s->callers[c]) {
	case C_WRITE:
		s->written |= 1 << c;
		s->callers[c] = C_CLAIM;
		return;
	case C_CLAIM:
		if (v->claim_by_load_and_store && !s->pending) {
			s->callers[c] = C_STORE;
			return;
		}
		claimed(s, c, s->pending);
		s->pending = 1;
		return;
	case C_STORE:
		s->pending = 1;
		claimed(s, c, false);
		return;
	case C_PUSH:
		if (s->nr_in_list++)
			model_bad("twice: in the list");
		s->callers[c] = C_ROUSE;
		return;
	case C_ROUSE:
		if (s->asleep && !v->no_rouse) {
			s->asleep = 0;
			s->roused = 1;
		}
		s->callers[c] = C_DONE;
		return;
	}
}

static void thread_step(struct state *s)
{
	switch (s->thread) {
	case T_TAKE:
		s->thread = s->nr_in_list ? (v->clear_after_call ? T_CALL : T_CLEAR) : T_PLAN;
		s->nr_in_list = 0;
		return;
	case T_CLEAR:
		s->pending = 0;
		s->thread = v->clear_after_call ? T_END : T_CALL;
		return;
	case T_CALL:
		s->seen = s->written;
		if (++s->nr_calls > s->nr_claims)
			model_bad("twice: called");
		s->thread = v->clear_after_call ? T_CLEAR : T_END;
		return;
	case T_END:
		s->thread = T_TAKE;
		return;
	case T_PLAN:
		s->asleep = 1;
		s->thread = T_LOOK;
		return;
	case T_LOOK:
		if (!s->nr_in_list || v->no_look_before_sleep) {
			s->thread = T_ASLEEP;
			return;
		}
		break;
	}
	s->asleep = s->roused = 0;
	s->thread = T_TAKE;
}

static void check_end(const struct state *s)
{
	for (int c = 0; c < NR_CALLERS; c++) {
		if (s->callers[c] != C_DONE)
			return;
	}
	if (s->thread != T_ASLEEP || s->roused)
		return;
	if (s->pending || s->nr_in_list)
		model_bad("lost");
	else if (s->seen != s->written)
		model_bad("blind");
}

static void visit_successors(const void *state)
{
	const struct state *s = state;
	struct state next;

	check_end(s);
	for (int c = 0; c < NR_CALLERS; c++) {
		if (s->callers[c] == C_DONE)
			continue;
		next = *s;
		caller_step(&next, c);
		model_visit(&next);
	}
	if (s->thread != T_ASLEEP || s->roused) {
		next = *s;
		thread_step(&next);
		model_visit(&next);
	}
}

static const char *try(struct variant variant, const char *name)
{
	struct state first = { .nr_calls = 0 };

	v = &variant;
	return model_end(name, model_run(&first, sizeof(first), visit_successors, NULL));
}

#define BROKEN_WITHOUT(part) EXPECT_TRUE(try((struct variant){ .part = true }, #part))

TEST(irq_work_model, every_claim_is_one_call_and_the_last_sees_everything)
{
	EXPECT_PTR_EQ(try((struct variant){ .no_rouse = false }, "the protocol"), NULL);
}

TEST(irq_work_model, the_thread_must_look_once_more_before_it_sleeps)
{
	BROKEN_WITHOUT(no_look_before_sleep);
}

TEST(irq_work_model, who_pushes_must_look_whether_the_thread_sleeps)
{
	BROKEN_WITHOUT(no_rouse);
}

TEST(irq_work_model, it_must_stop_being_pending_before_the_call)
{
	BROKEN_WITHOUT(clear_after_call);
}

TEST(irq_work_model, the_claim_must_be_one_step)
{
	BROKEN_WITHOUT(claim_by_load_and_store);
}
