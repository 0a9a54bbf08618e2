/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * async_model_test.c - every interleaving of a small timer in a map's value
 *
 * One field, which has a cell with program A's callback at first, armed or not, and
 * room for another cell.  Two users of the field with one or two operations each, the one who
 * closes the map's last descriptor, the softirq thread, liburcu's thread, and those who
 * unload programs.  A step is one access that others can see; what a cell's word allows
 * is bpf/async/cell_state.h itself.  The timer is taken as exact, which
 * hrtimer_model_test shows; so are grace periods: what is queued behind one runs
 * when all sections that were open then are over, at any time after that.
 *
 *	freed:	a cell or a program is used after it was freed
 *	late:	a callback begins after the release of its cell has returned
 *	lost:	an operation says 0 and was never in effect
 *	leak:	when all is over, a cell or a reference to a program is left
 *
 * Each part of the protocol is left out in turn, and then such a state must be found.
 */
#include "tests/unit/async/async_model.h"

/* --- a user -------------------------------------------------------------------------------- */

static void op_done(struct state *s, int u)
{
	s->users[u].pc = U_BEGIN;
	s->users[u].op++;
	s->users[u].cell = NO_CELL;
	s->users[u].seen = s->users[u].in_section = 0;
	end_section(s, 1 << u);
}

static void detach(struct state *s, int u)
{
	u8 cell = s->field;

	if (cell == NO_CELL) {
		op_done(s, u);
		return;
	}
	s->field = NO_CELL;
	s->users[u].cell = cell;
	s->users[u].pc = U_DIE;
	touch(s, cell);
	s->users[u].seen = s->cells[cell].func;
}

static void init_begin(struct state *s, int u)
{
	for (u8 c = 0; c < NR_CELLS; c++)
		if (s->cells[c].life == SPARE && s->field == NO_CELL) {
			s->cells[c].life = LIVE;
			s->users[u].cell = c;
			s->users[u].pc = U_ATTACH;
			return;
		}
	op_done(s, u);
}

static void found(struct state *s, int u, u8 op)
{
	if (op == OP_INIT) {
		init_begin(s, u);
	} else if (s->field == NO_CELL) {
		op_done(s, u);
	} else {
		s->users[u].cell = s->field;
		s->users[u].pc = U_LOOK;
	}
}

static void attach(struct state *s, int u)
{
	u8 cell = s->users[u].cell;

	if (s->field != NO_CELL) {
		reap_later(s, cell);
		op_done(s, u);
		return;
	}
	s->field = cell;
	s->users[u].pc = U_ASK;
}

static void ask_for_user(struct state *s, int u)
{
	if (s->has_user || v->no_user_check)
		op_done(s, u);
	else
		s->users[u].pc = U_DETACH;
}

static u8 func_to_set(u8 op)
{
	return op == OP_SET_A ? 1 : op == OP_SET_B ? 2 : 0;
}

/* The first look at the cell. */
static void look(struct state *s, int u, u8 op)
{
	u8 func = s->cells[s->users[u].cell].func;

	touch(s, s->users[u].cell);
	if (op == OP_START) {
		if (cell_func_start_error(word(func)))
			op_done(s, u);
		else
			s->users[u].pc = U_ARM;
		return;
	}
	if (func_to_set(op) && !v->no_reference)
		s->progs[func_to_set(op) - 1].refs++;
	s->users[u].seen = func;
	s->users[u].pc = U_CHANGE;
}

/* One try of a compare and exchange; false: ->seen is what was there. */
static bool exchange(struct state *s, int u, u8 func)
{
	u8 *at = &s->cells[s->users[u].cell].func;

	touch(s, s->users[u].cell);
	if (*at != s->users[u].seen) {
		s->users[u].seen = *at;
		return false;
	}
	*at = func;
	if (cell_func_is_callable(word(s->users[u].seen)))
		put_later(s, s->users[u].seen);
	return true;
}

static void set_done(struct state *s, int u, u8 op)
{
	if (op == OP_CANCEL)
		s->users[u].pc = U_DISARM;
	else
		op_done(s, u);
}

static void change(struct state *s, int u, u8 op)
{
	if (cell_func_is_last(word(s->users[u].seen))) {
		if (func_to_set(op) && !v->no_put_when_dead)
			put_later(s, func_to_set(op));
		set_done(s, u, op);
		return;
	}
	if (exchange(s, u, func_to_set(op))) {
		set_done(s, u, op);
		return;
	}
	if (v->no_retry) {
		if (func_to_set(op))
			put_later(s, func_to_set(op));
		model_bad("lost: a callback was set, but never stood there");
	}
}

static void die(struct state *s, int u)
{
	if (cell_func_is_last(word(s->users[u].seen)))
		model_bad("freed: a cell dies twice");
	if (exchange(s, u, v->no_dead ? 0 : DEAD))
		s->users[u].pc = U_LAST_DISARM;
}

/* Also into the section: to have been in it for longer only keeps others waiting. */
static void begin(struct state *s, int u, u8 op)
{
	s->users[u].in_section = 1;
	if (op == OP_CLOSE) {
		s->has_user = 0;
		s->users[u].pc = U_DETACH;
	} else if (op == OP_RELEASE) {
		detach(s, u);
	} else {
		found(s, u, op);
	}
}

static void user_step(struct state *s, int u)
{
	u8 op = ops[u][s->users[u].op], cell = s->users[u].cell;

	switch (s->users[u].pc) {
	case U_BEGIN:
		begin(s, u, op);
		return;
	case U_DETACH:
		detach(s, u);
		return;
	case U_ATTACH:
		attach(s, u);
		return;
	case U_ASK:
		ask_for_user(s, u);
		return;
	case U_LOOK:
		look(s, u, op);
		return;
	case U_CHANGE:
		change(s, u, op);
		return;
	case U_DIE:
		die(s, u);
		return;
	case U_ARM:
	case U_DISARM:
		touch(s, cell);
		s->cells[cell].armed = s->users[u].pc == U_ARM;
		if (s->users[u].pc == U_ARM)
			op_done(s, u);
		else
			s->users[u].pc = U_WAIT;
		return;
	case U_WAIT:
		touch(s, cell);
		op_done(s, u);
		return;
	case U_LAST_DISARM:
		touch(s, cell);
		s->cells[cell].armed = 0;
		s->users[u].pc = U_REAP;
		return;
	case U_REAP:
		reap_later(s, cell);
		s->cells[cell].released = 1;
		op_done(s, u);
		return;
	}
}

static bool user_can_step(const struct state *s, int u)
{
	if (s->users[u].op == NR_OPS || ops[u][s->users[u].op] == OP_NONE)
		return false;
	return s->users[u].pc != U_WAIT || s->softirq.cell != s->users[u].cell;
}

/* --- the softirq thread -------------------------------------------------------------------- */

static void fire(struct state *s, u8 cell)
{
	touch(s, cell);
	s->cells[cell].armed = 0;
	s->softirq.cell = cell;
	s->softirq.pc = S_LOAD;
}

static void load_func(struct state *s)
{
	u8 cell = s->softirq.cell, func = s->cells[cell].func;

	touch(s, cell);
	s->softirq.in_section = !v->no_section_in_callback;
	s->softirq.pc = S_LEAVE;
	if (!cell_func_is_callable(word(func)))
		return;
	if (s->cells[cell].released)
		model_bad("late: a callback begins after the release of its cell");
	s->softirq.func = func;
	s->softirq.pc = S_CALL;
}

static void softirq_step(struct state *s)
{
	switch (s->softirq.pc) {
	case S_LOAD:
		load_func(s);
		return;
	case S_CALL:
		touch(s, s->softirq.cell);
		if (!s->progs[s->softirq.func - 1].refs)
			model_bad("freed: a program is called");
		s->softirq.func = 0;
		s->softirq.pc = S_LEAVE;
		return;
	case S_LEAVE:
		s->softirq.in_section = 0;
		end_section(s, SOFTIRQ_BIT);
		s->softirq.pc = S_END;
		return;
	case S_END:
		s->softirq.cell = NO_CELL;
		s->softirq.pc = S_IDLE;
		return;
	}
}

/* --- liburcu's thread ---------------------------------------------------------------------- */

static bool reap_step(struct state *s, u8 cell)
{
	if (s->cells[cell].life == QUEUED && !s->cells[cell].waits_for) {
		if (!v->no_cancel_at_reap)
			s->cells[cell].armed = 0;
		s->cells[cell].life = ENDING;
		return true;
	}
	if (s->cells[cell].life == ENDING &&
	    (s->softirq.cell != cell || v->no_wait_at_reap || v->no_cancel_at_reap)) {
		s->cells[cell].life = FREED;
		return true;
	}
	return false;
}

static bool put_step(struct state *s, int i)
{
	if (!s->puts[i].prog || s->puts[i].waits_for)
		return false;
	put_now(s, s->puts[i].prog - 1);
	memmove(&s->puts[i], &s->puts[i + 1], (NR_PUTS - 1 - i) * sizeof(s->puts[0]));
	memset(&s->puts[NR_PUTS - 1], 0, sizeof(s->puts[0]));
	return true;
}

/* The programs that call it are running; so who may still set a callback of one holds it. */
static bool unload_step(struct state *s, u8 prog)
{
	u8 setter = prog ? OP_SET_B : OP_SET_A;

	if (!s->progs[prog].loaded)
		return false;
	for (int u = 0; u < NR_USERS; u++)
		for (u8 i = s->users[u].op; i < NR_OPS; i++)
			if (ops[u][i] == setter)
				return false;
	s->progs[prog].loaded = 0;
	put_now(s, prog);
	return true;
}

/* --- all of it ----------------------------------------------------------------------------- */

static void check_end(const struct state *s)
{
	if (s->field != NO_CELL)
		model_bad("leak: a cell in a map that nobody can reach");
	for (int c = 0; c < NR_CELLS; c++)
		if (s->cells[c].life != SPARE && s->cells[c].life != FREED)
			model_bad("leak: a cell");
	for (int p = 0; p < NR_PROGS; p++)
		if (s->progs[p].refs)
			model_bad("leak: a program");
}

#define TRY(condition, step)                \
	do {                                \
		next = *s;                  \
		if (condition) {            \
			step;               \
			model_visit(&next); \
			any = true;         \
		}                           \
	} while (0)

static void visit_successors(const void *state)
{
	const struct state *s = state;
	struct state next;
	bool any = false;

	for (int u = 0; u < NR_USERS; u++)
		TRY(user_can_step(s, u), user_step(&next, u));
	for (u8 c = 0; c < NR_CELLS; c++) {
		TRY(s->softirq.pc == S_IDLE && s->cells[c].armed, fire(&next, c));
		TRY(reap_step(&next, c), (void)0);
	}
	TRY(s->softirq.pc != S_IDLE, softirq_step(&next));
	for (int i = 0; i < NR_PUTS; i++)
		TRY(put_step(&next, i), (void)0);
	for (u8 p = 0; p < NR_PROGS; p++)
		TRY(unload_step(&next, p), (void)0);
	if (!any)
		check_end(s);
}

static struct state first_state(bool armed)
{
	struct state s = { .has_user = 1, .softirq.cell = NO_CELL };

	s.cells[0].life = LIVE;
	s.cells[0].func = 1;
	s.cells[0].armed = armed;
	for (int p = 0; p < NR_PROGS; p++)
		s.progs[p].refs = s.progs[p].loaded = 1;
	s.progs[0].refs++;
	for (int u = 0; u < NR_USERS; u++)
		s.users[u].cell = NO_CELL;
	return s;
}

static u64 explore(bool armed)
{
	struct state first = first_state(armed);

	return model_run(&first, sizeof(first), visit_successors, NULL);
}

/* Every choice: two operations of one user beside one of the other, and the closing. */
static u64 explore_all(void)
{
	u64 nr_states = 0;

	for (u32 choice = 0; choice < 2 * NR_OPERATIONS * NR_OPERATIONS * NR_OPERATIONS && !model.bad;
	     choice++) {
		u32 rest = choice / 2;

		memset(ops, OP_NONE, sizeof(ops));
		ops[0][0] = rest % NR_OPERATIONS;
		ops[0][1] = rest / NR_OPERATIONS % NR_OPERATIONS;
		ops[1][0] = rest / NR_OPERATIONS / NR_OPERATIONS;
		ops[2][0] = OP_CLOSE;
		if (ops[0][0] != OP_NONE)
			nr_states += explore(choice & 1);
	}
	return nr_states;
}

static const char *try(struct variant variant, const char *name)
{
	v = &variant;
	return model_end(name, explore_all());
}

/* @part: what is left out. */
#define BROKEN_WITHOUT(part) EXPECT_TRUE(try((struct variant){ .part = true }, #part))

TEST(async_model, no_interleaving_uses_what_is_freed_or_calls_too_late_or_leaks)
{
	EXPECT_PTR_EQ(try((struct variant){ .no_dead = false }, "the protocol"), NULL);
}

TEST(async_model, a_detached_cell_must_be_dead)
{
	BROKEN_WITHOUT(no_dead);
}

TEST(async_model, a_cell_is_disarmed_once_more_before_it_is_freed)
{
	BROKEN_WITHOUT(no_cancel_at_reap);
}

TEST(async_model, and_its_callback_is_waited_for)
{
	BROKEN_WITHOUT(no_wait_at_reap);
}

TEST(async_model, a_cell_stays_for_those_who_have_found_it)
{
	BROKEN_WITHOUT(no_grace_for_cells);
}

TEST(async_model, a_program_stays_for_a_callback_that_has_been_read)
{
	BROKEN_WITHOUT(no_grace_for_programs);
}

TEST(async_model, a_callback_is_read_and_called_in_one_section)
{
	BROKEN_WITHOUT(no_section_in_callback);
}

TEST(async_model, who_finds_the_cell_dead_gives_its_reference_back)
{
	BROKEN_WITHOUT(no_put_when_dead);
}

TEST(async_model, who_attaches_asks_whether_anybody_can_still_detach)
{
	BROKEN_WITHOUT(no_user_check);
}

TEST(async_model, a_callback_that_is_overtaken_is_set_again)
{
	BROKEN_WITHOUT(no_retry);
}

TEST(async_model, a_cell_holds_the_program_of_its_callback)
{
	BROKEN_WITHOUT(no_reference);
}
