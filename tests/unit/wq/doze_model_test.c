/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * doze_model_test.c - every interleaving of the manager that goes to sleep and workers that begin
 *
 * Two workers begin to run a work each, one after it was woken, one after it has polled; nobody
 * queues anything after that.  A step is one access of manager.c, manager.h, pool.c or poll.c
 * that others can see.  When nothing goes on any more but works, which may wait for ever, the
 * manager must not sleep until it is woken: it would find no work that waits.
 *
 * Each part of the protocol is left out in turn, and then such a state must be found.
 */
#include "tests/model.h"

struct variant {
	bool no_look_after_doze, no_look_at_word, look_at_word_before;
};

enum manager_pc { M_LOOK, M_SAY, M_LOOK_AGAIN, M_ASLEEP };
enum worker_pc { W_COUNT, W_LOOK, W_RUN };	/* in this order */
enum { WOKEN, POLLED, NR_WORKERS };
enum { LOOK_NOT, LOOK_NOW, LOOK_ASLEEP };

/* All bytes, so that states compare and hash as memory. */
struct state {
	u8 word;		/* manager_word */
	u8 nr_running, polls;
	u8 manager, found;
	u8 pc[NR_WORKERS];
};

static const struct variant *v;

static bool is_busy(const struct state *s)
{
	return s->nr_running > s->polls;
}

static void manager_step(struct state *s)
{
	switch (s->manager) {
	case M_LOOK:
		/* Busy: it naps for a tick, and looks again. */
		s->word = LOOK_NOT;
		s->found = is_busy(s);
		s->manager = s->found ? M_LOOK : M_SAY;
		return;
	case M_SAY:
		s->manager = s->word == LOOK_NOT ? M_LOOK_AGAIN : M_LOOK;
		if (s->word == LOOK_NOT)
			s->word = LOOK_ASLEEP;
		return;
	case M_LOOK_AGAIN:
		s->found = is_busy(s) && !v->no_look_after_doze;
		s->manager = s->found ? M_LOOK : M_ASLEEP;
		return;
	case M_ASLEEP:
		s->manager = M_LOOK;
		return;
	}
}

static bool manager_can_step(const struct state *s)
{
	return s->manager != M_ASLEEP || s->word != LOOK_ASLEEP;
}

static void look_at_word(struct state *s)
{
	if (s->word == LOOK_ASLEEP && !v->no_look_at_word)
		s->word = LOOK_NOW;
}

static void begin(struct state *s, int w)
{
	if (w == WOKEN)
		s->nr_running++;
	else
		s->polls = 0;
}

static void worker_step(struct state *s, int w)
{
	if ((s->pc[w] == W_COUNT) != v->look_at_word_before)
		begin(s, w);
	else
		look_at_word(s);
	s->pc[w]++;
}

static void visit_successors(const void *state)
{
	const struct state *s = state;
	struct state next;

	if (manager_can_step(s)) {
		memcpy(&next, s, sizeof(next));
		manager_step(&next);
		model_visit(&next);
	}
	for (int w = 0; w < NR_WORKERS; w++) {
		if (s->pc[w] == W_RUN)
			continue;
		memcpy(&next, s, sizeof(next));
		worker_step(&next, w);
		model_visit(&next);
	}
	if (s->pc[WOKEN] == W_RUN && s->pc[POLLED] == W_RUN && !manager_can_step(s))
		model_bad("asleep");
}

/* The other one is in a work already, or not there. */
static u32 explore(int without)
{
	struct state first;

	memset(&first, 0, sizeof(first));
	first.nr_running = first.polls = without != POLLED;
	if (without < NR_WORKERS)
		first.pc[without] = W_RUN;
	return model_run(&first, sizeof(first), visit_successors, NULL);
}

static const char *try(struct variant variant, const char *name)
{
	u64 nr_states = 0;

	v = &variant;
	for (int without = 0; without <= NR_WORKERS && !model.bad; without++)
		nr_states += explore(without);
	return model_end(name, nr_states);
}

/* @part: what is left out, or done in its place. */
#define BROKEN_WITHOUT(part) EXPECT_TRUE(try((struct variant){ .part = true }, #part) != NULL)

TEST(doze_model, the_manager_is_awake_while_a_work_runs_however_that_began)
{
	EXPECT_PTR_EQ(try((struct variant){ .no_look_at_word = false }, "the protocol"), NULL);
}

TEST(doze_model, the_manager_looks_once_more_after_it_has_said_that_it_sleeps)
{
	BROKEN_WITHOUT(no_look_after_doze);
}

TEST(doze_model, who_runs_works_looks_whether_the_manager_sleeps_after_that_is_known)
{
	BROKEN_WITHOUT(no_look_at_word);
	BROKEN_WITHOUT(look_at_word_before);
}
