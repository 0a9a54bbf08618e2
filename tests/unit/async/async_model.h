/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/async/async_model.h - a state of the model, and what all of its actors do to it
 *
 * Sections, grace periods, references.
 * Who the actors are, and what is looked for: async_model_test.c.
 */
#ifndef ROVE_TESTS_UNIT_ASYNC_ASYNC_MODEL_H
#define ROVE_TESTS_UNIT_ASYNC_ASYNC_MODEL_H

#include "bpf/async/cell_state.h"
#include "tests/model.h"

#define NR_CELLS 2
#define NR_PROGS 2
#define NR_USERS 3
#define NR_OPS 2
#define NR_PUTS 6

struct variant {
	bool no_dead, no_cancel_at_reap, no_wait_at_reap, no_grace_for_cells,
	     no_grace_for_programs, no_section_in_callback, no_put_when_dead, no_user_check,
	     no_retry, no_reference;
};

enum { OP_NONE, OP_INIT, OP_SET_A, OP_SET_B, OP_START, OP_CANCEL, OP_RELEASE, NR_OPERATIONS,
       OP_CLOSE = NR_OPERATIONS };

enum user_pc { U_BEGIN, U_DETACH, U_ATTACH, U_ASK, U_LOOK, U_CHANGE, U_DIE, U_ARM, U_DISARM, U_WAIT,
	       U_LAST_DISARM, U_REAP };
enum softirq_pc { S_IDLE, S_LOAD, S_CALL, S_LEAVE, S_END };
enum life { SPARE, LIVE, QUEUED, ENDING, FREED };

#define NO_CELL 0xff
#define SOFTIRQ_BIT (1 << NR_USERS)

/* A cell's word: 0, the number of a program plus 1, or this. */
#define DEAD 0xff

/* All bytes, so that states compare and hash as memory. */
struct state {
	u8 field, has_user;
	struct {
		u8 life, func, armed;
		u8 waits_for;		/* sections: a bit for each user, and the thread's */
		u8 released;		/* its release has returned */
	} cells[NR_CELLS];
	struct {
		u8 refs, loaded;
	} progs[NR_PROGS];
	struct {
		u8 prog, waits_for;	/* prog: plus 1 */
	} puts[NR_PUTS];
	struct {
		u8 pc, op, cell, seen, in_section;
	} users[NR_USERS];
	struct {
		u8 pc, cell, func, in_section;
	} softirq;
};

static u8 ops[NR_USERS][NR_OPS];
static const struct variant *v;

/* The word as the code under test sees it. */
static const struct bpf_func *word(u8 func)
{
	static char funcs[NR_PROGS][8];

	if (func == DEAD)
		return CELL_DEAD;
	return func ? (const struct bpf_func *)funcs[func - 1] : NULL;
}

/* --- memory, sections, references ---------------------------------------------------------- */

static void touch(const struct state *s, u8 cell)
{
	if (s->cells[cell].life == FREED)
		model_bad("freed: a cell");
}

static u8 open_sections(const struct state *s)
{
	u8 mask = s->softirq.in_section ? SOFTIRQ_BIT : 0;

	for (int u = 0; u < NR_USERS; u++)
		mask |= s->users[u].in_section ? 1 << u : 0;
	return mask;
}

static void end_section(struct state *s, u8 bit)
{
	for (int c = 0; c < NR_CELLS; c++)
		s->cells[c].waits_for &= ~bit;
	for (int i = 0; i < NR_PUTS; i++)
		s->puts[i].waits_for &= ~bit;
}

static void put_now(struct state *s, u8 prog)
{
	if (!s->progs[prog].refs)
		model_bad("freed: a program is put too often");
	else
		s->progs[prog].refs--;
}

/* The order of what waits means nothing, so it is kept sorted. */
static void put_later(struct state *s, u8 func)
{
	u8 prog = func, waits_for = open_sections(s);

	if (v->no_grace_for_programs) {
		put_now(s, func - 1);
		return;
	}
	for (int i = 0; i < NR_PUTS; i++) {
		u8 p = s->puts[i].prog, w = s->puts[i].waits_for;

		if (p > prog || (p == prog && w >= waits_for))
			continue;
		s->puts[i].prog = prog;
		s->puts[i].waits_for = waits_for;
		prog = p;
		waits_for = w;
	}
	if (prog) {
		fprintf(stderr, "the model outgrew its queue\n");
		abort();
	}
}

static void reap_later(struct state *s, u8 cell)
{
	if (s->cells[cell].life != LIVE && s->cells[cell].life != SPARE)
		model_bad("freed: a cell is released twice");
	s->cells[cell].life = QUEUED;
	s->cells[cell].waits_for = v->no_grace_for_cells ? 0 : open_sections(s);
}

#endif
