/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * flush_model_test.c - every interleaving of flushes of a queue and the ends of works
 *
 * One shard; one user who flushes three times, so that the color comes round; two workers
 * that run two works each, from an empty list: the mark of a flush is reached at once.  A
 * step is one access of flush.c or take.c that others can see without the lock; what is
 * written for a flush that waits is computed by wq/flush.h itself.
 *
 *	early:	a flush returns while a work is in flight that was taken before it began
 *	twice:	a flush that nobody waits for is ended
 *	stuck:	from here on it cannot come about any more that all flushes have returned
 *
 * Each part of the protocol is left out in turn, and then such a state must be found.
 */
#include "tests/model.h"
#include "wq/flush.h"

#define NR_WORKERS 2
#define NR_WORKS 2		/* of each worker */
#define NR_FLUSHES 3
#define USER NR_WORKERS		/* who may check, too */

struct variant {
	bool no_number, no_look_after_landing, look_before_landing, end_without_exchange,
	     flush_does_not_look;
};

enum pc { LOOK, LAND, LAND_LATE, CHECK, IS_FLYING, END, WAIT, DONE };

/* Bytes without padding. */
struct state {
	struct {
		u32 waits;			/* as it was when he looked */
		u8 pc, nr_left, color, before;	/* taken before the flush that is under way */
	} actor[NR_WORKERS + 1];
	u32 turns, flush_waits;
	u8 color, flying[2];
	u8 saw_waiting[NR_WORKERS], nr_done, nr_begun, zero;
};

static const struct variant *v;

static u32 waits_for(const struct state *s, u32 color)
{
	return flush_waits_for(v->no_number ? 0 : s->turns, color);
}

static void after_check(struct state *s, int a)
{
	s->actor[a].pc = a == USER ? WAIT : LOOK;
	s->actor[a].waits = 0;
}

static void take(struct state *s, int w)
{
	s->actor[w].nr_left--;
	s->actor[w].color = s->color;
	s->flying[s->color]++;
	s->actor[w].pc = LAND;
}

static void land(struct state *s, int w)
{
	bool last = !--s->flying[s->actor[w].color];

	if (v->look_before_landing)
		last &= s->saw_waiting[w];
	s->saw_waiting[w] = 0;
	s->actor[w].before = 0;
	s->actor[w].pc = last && !v->no_look_after_landing ? CHECK : LOOK;
}

/* Nothing waits, so the mark is reached at once. */
static void begin_flush(struct state *s)
{
	u32 old = s->color;

	for (int w = 0; w < NR_WORKERS; w++)
		s->actor[w].before = s->actor[w].pc == LAND || s->actor[w].pc == LAND_LATE;
	s->nr_begun++;
	s->color = !old;
	s->turns++;
	s->flush_waits = waits_for(s, old);
	s->actor[USER].pc = v->flush_does_not_look ? WAIT : CHECK;
}

static void end_flush(struct state *s)
{
	if (s->nr_done == s->nr_begun)
		model_bad("twice: the end of no flush");
	s->nr_done++;
	for (int w = 0; w < NR_WORKERS; w++) {
		if (s->actor[w].before)
			model_bad("early: a flush");
	}
}

static void check_step(struct state *s, int a)
{
	u32 waits = s->actor[a].waits;

	switch (s->actor[a].pc) {
	case CHECK:
		s->actor[a].waits = s->flush_waits;
		s->actor[a].pc = IS_FLYING;
		if (!s->flush_waits)
			after_check(s, a);
		return;
	case IS_FLYING:
		s->actor[a].pc = END;
		if (s->flying[waits & FLUSH_COLOR])
			after_check(s, a);
		return;
	case END:
		after_check(s, a);
		if (s->flush_waits != waits && !v->end_without_exchange)
			return;
		s->flush_waits = 0;
		end_flush(s);
		return;
	}
}

static bool can_step(const struct state *s, int a)
{
	switch (s->actor[a].pc) {
	case LOOK:
		return s->actor[a].nr_left > 0;
	case WAIT:
		return s->nr_done == s->nr_begun;
	}
	return s->actor[a].pc != DONE;
}

static void step(struct state *s, int a)
{
	switch (s->actor[a].pc) {
	case LOOK:
		if (a == USER) {
			s->actor[a].nr_left--;
			begin_flush(s);
		} else {
			take(s, a);
		}
		return;
	case LAND:
		if (v->look_before_landing) {
			s->saw_waiting[a] = s->flush_waits != 0;
			s->actor[a].pc = LAND_LATE;
			return;
		}
		land(s, a);
		return;
	case LAND_LATE:
		land(s, a);
		return;
	case WAIT:
		s->actor[a].pc = LOOK;
		return;
	default:
		check_step(s, a);
	}
}

static void visit_successors(const void *state)
{
	const struct state *s = state;
	struct state next;

	for (int a = 0; a <= USER; a++) {
		if (!can_step(s, a))
			continue;
		memcpy(&next, s, sizeof(next));
		step(&next, a);
		model_visit(&next);
	}
}

static bool is_finished(const void *state)
{
	const struct state *s = state;

	return s->nr_done == NR_FLUSHES && s->actor[USER].pc == LOOK && !s->flying[0] && !s->flying[1];
}

static const char *try(struct variant variant, const char *name)
{
	struct state first;

	v = &variant;
	memset(&first, 0, sizeof(first));
	for (int w = 0; w < NR_WORKERS; w++)
		first.actor[w].nr_left = NR_WORKS;
	first.actor[USER].nr_left = NR_FLUSHES;
	return model_end(name, model_run(&first, sizeof(first), visit_successors, is_finished));
}

/* @part: what is left out, or done in its place. */
#define BROKEN_WITHOUT(part) EXPECT_TRUE(try((struct variant){ .part = true }, #part) != NULL)

TEST(flush_model, no_flush_returns_early_or_never)
{
	EXPECT_PTR_EQ(try((struct variant){ .no_number = false }, "the protocol"), NULL);
}

TEST(flush_model, a_flush_is_told_from_the_one_after_the_next)
{
	BROKEN_WITHOUT(no_number);
}

TEST(flush_model, who_ends_the_last_work_looks_whether_a_flush_waits)
{
	BROKEN_WITHOUT(no_look_after_landing);
	BROKEN_WITHOUT(look_before_landing);
}

TEST(flush_model, a_flush_looks_itself_when_nothing_flies)
{
	BROKEN_WITHOUT(flush_does_not_look);
}

TEST(flush_model, one_of_all_who_find_nothing_flying_ends_a_flush)
{
	BROKEN_WITHOUT(end_without_exchange);
}
