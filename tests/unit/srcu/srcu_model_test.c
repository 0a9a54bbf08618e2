/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu_model_test.c - every interleaving of a small grace period
 *
 * Two readers with two sections each, one writer that replaces an object twice.
 * Steps are single loads and stores; a reader's stores wait in a buffer, in order,
 * for as long as they like, as on x86 (the readers of per-CPU slots run no barrier).
 * All reachable states are visited; in none may a reader use a freed object.
 *
 * Each part of the algorithm is left out in turn, and then such a state must be
 * found: that is what the part is for.
 */
#include "tests/model.h"

#define NR_READERS 2
#define NR_SECTIONS 2
#define NR_ROUNDS 2
#define NR_BUFFERED (2 * NR_SECTIONS)

struct variant {
	bool no_first_wait, no_second_wait, no_barrier, beginnings_first;
};

enum reader_pc { R_LOAD_INDEX, R_COUNT_BEGIN, R_LOAD_CELL, R_USE, R_COUNT_END };
enum writer_phase { W_PUBLISH, W_FIRST_WAIT, W_FLIP, W_SECOND_WAIT, W_FREE, W_DONE };
enum look_step { L_SUM_A, L_BARRIER = L_SUM_A + NR_READERS, L_SUM_B,
		 L_COMPARE = L_SUM_B + NR_READERS };

/* A store in a buffer: 1 + which counter. */
enum { BEGIN = 0, END = 2 };

struct reader {
	u8 pc, idx, object, nr_left, nr_buffered;
	u8 buffer[NR_BUFFERED];
};

/* All bytes, so that states compare and hash as memory. */
struct state {
	struct reader readers[NR_READERS];
	u8 counts[NR_READERS][4];	/* by reader's slot; BEGIN or END, plus index */
	u8 idx, cell, freed;		/* freed: a bit for each object */
	u8 phase, step, sum_a, sum_b, round;
};

static const struct variant *v;

static void flush_one(struct state *s, int r)
{
	struct reader *reader = &s->readers[r];

	s->counts[r][reader->buffer[0] - 1]++;
	memmove(reader->buffer, reader->buffer + 1, NR_BUFFERED - 1);
	reader->buffer[NR_BUFFERED - 1] = 0;
	reader->nr_buffered--;
}

static void buffer(struct reader *reader, u8 which)
{
	reader->buffer[reader->nr_buffered++] = 1 + which;
}

static void reader_step(struct state *s, int r)
{
	struct reader *reader = &s->readers[r];

	switch (reader->pc) {
	case R_LOAD_INDEX:
		reader->idx = s->idx;
		break;
	case R_COUNT_BEGIN:
		buffer(reader, BEGIN + reader->idx);
		break;
	case R_LOAD_CELL:
		reader->object = s->cell;
		break;
	case R_USE:
		if (s->freed >> reader->object & 1)
			model_bad("freed: a reader uses it");
		break;
	case R_COUNT_END:
		buffer(reader, END + reader->idx);
		reader->nr_left--;
		reader->object = reader->idx = 0;
		break;
	}
	reader->pc = (reader->pc + 1) % (R_COUNT_END + 1);
}

/* One step of a look at the counts under @idx; the phase ends when the sums are equal. */
static void look_step(struct state *s, u8 idx)
{
	u8 first = v->beginnings_first ? BEGIN : END;

	if (s->step < L_BARRIER) {
		s->sum_a += s->counts[s->step - L_SUM_A][first + idx];
	} else if (s->step == L_BARRIER) {
		for (int r = 0; r < NR_READERS && !v->no_barrier; r++) {
			while (s->readers[r].nr_buffered)
				flush_one(s, r);
		}
	} else if (s->step < L_COMPARE) {
		s->sum_b += s->counts[s->step - L_SUM_B][(first ^ END) + idx];
	} else {
		s->phase += s->sum_a == s->sum_b;
		s->sum_a = s->sum_b = s->step = 0;
		return;
	}
	s->step++;
}

static void writer_step(struct state *s)
{
	switch (s->phase) {
	case W_PUBLISH:
		s->cell = s->round + 1;
		s->phase = v->no_first_wait ? W_FLIP : W_FIRST_WAIT;
		break;
	case W_FIRST_WAIT:
		look_step(s, !s->idx);
		break;
	case W_FLIP:
		s->idx = !s->idx;
		s->phase = v->no_second_wait ? W_FREE : W_SECOND_WAIT;
		break;
	case W_SECOND_WAIT:
		look_step(s, !s->idx);
		break;
	case W_FREE:
		s->freed |= 1 << s->round;
		s->phase = ++s->round < NR_ROUNDS ? W_PUBLISH : W_DONE;
		break;
	}
}

static void visit_successors(const void *state)
{
	const struct state *s = state;
	struct state next;

	for (int r = 0; r < NR_READERS; r++) {
		if (s->readers[r].nr_left) {
			next = *s;
			reader_step(&next, r);
			model_visit(&next);
		}
		if (s->readers[r].nr_buffered) {
			next = *s;
			flush_one(&next, r);
			model_visit(&next);
		}
	}
	if (s->phase != W_DONE) {
		next = *s;
		writer_step(&next);
		model_visit(&next);
	}
}

static const char *try(struct variant variant, const char *name)
{
	struct state first = { 0 };

	v = &variant;
	for (int r = 0; r < NR_READERS; r++)
		first.readers[r].nr_left = NR_SECTIONS;
	return model_end(name, model_run(&first, sizeof(first), visit_successors, NULL));
}

/* @part: what is left out, or done in its place. */
#define BROKEN_WITHOUT(part) EXPECT_TRUE(try((struct variant){ .part = true }, #part))

TEST(srcu_model, no_interleaving_uses_a_freed_object)
{
	EXPECT_PTR_EQ(try((struct variant){ .no_barrier = false }, "the algorithm"), NULL);
}

TEST(srcu_model, the_first_wait_is_needed)
{
	BROKEN_WITHOUT(no_first_wait);
}

TEST(srcu_model, the_second_wait_is_needed)
{
	BROKEN_WITHOUT(no_second_wait);
}

TEST(srcu_model, the_barrier_is_needed)
{
	BROKEN_WITHOUT(no_barrier);
}

TEST(srcu_model, ends_must_be_summed_first)
{
	BROKEN_WITHOUT(beginnings_first);
}
