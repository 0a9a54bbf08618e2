/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/iter_differ/machine.h - all that a program over iterators can do, visited
 *
 * What a value is - zero, the buffer at hand of an iterator, one that is gone - and what an
 * iterator is - none, active, at its end - are all that decides where a program goes and what
 * is wrong with it.  So there are finitely many states, and the answer is exact.
 *
 * A number that was a pointer is not zero, but a verifier need not know: @vague asks what it
 * could do if it might be.
 */
#ifndef ROVE_TESTS_TOOL_ITER_DIFFER_MACHINE_H
#define ROVE_TESTS_TOOL_ITER_DIFFER_MACHINE_H

#include "tests/tool/iter_differ/program.h"

enum { IS_ZERO, IS_GONE, IS_OF };	/* IS_OF + iterator */
enum { ITER_NONE, ITER_ON, ITER_AT_END };

union spot {
	struct {
		u8 at, values[NR_VALUES], iters[NR_ITERS];
	};
	u64 word;
};

_Static_assert(sizeof(union spot) == 8, "no padding");

enum edge { EDGE_PLAIN, EDGE_MOVED, EDGE_MADE };

struct way {
	u32 from, to;
	u8 edge, iter;
};

#define MAX_SPOTS (1u << 16)
#define MAX_WAYS (3 * MAX_SPOTS)

/* What was found: a use that is wrong, or a round without end; NULL: neither. */
struct machine {
	const struct iter_program *p;
	bool vague, gone_is_fine;
	const char *wrong;
	const char *endless;
	union spot spots[MAX_SPOTS];
	u32 nr_spots, table[4 * MAX_SPOTS];
	struct way ways[MAX_WAYS];
	u32 nr_ways;
	/* Of the search for rounds: */
	u32 order[MAX_SPOTS], low[MAX_SPOTS], group[MAX_SPOTS], stack[MAX_SPOTS], nr_stack, nr_order;
	u32 first[MAX_SPOTS], next[MAX_WAYS];
};

static inline u32 spot_number(struct machine *m, union spot spot)
{
	u32 slot = (spot.word * 0x9e3779b97f4a7c15ull) >> 46;

	while (m->table[slot] && m->spots[m->table[slot] - 1].word != spot.word)
		slot = (slot + 1) % ARRAY_SIZE(m->table);
	if (!m->table[slot]) {
		if (m->nr_spots == MAX_SPOTS)
			abort();
		m->spots[m->nr_spots++] = spot;
		m->table[slot] = m->nr_spots;
	}
	return m->table[slot] - 1;
}

static inline void go(struct machine *m, u32 from, union spot to, enum edge edge, u8 iter)
{
	if (m->nr_ways == MAX_WAYS)
		abort();
	m->ways[m->nr_ways++] = (struct way){ from, spot_number(m, to), edge, iter };
}

/* What was lent by an iterator that moves or ends is gone. */
static inline void take_back(union spot *s, u8 iter)
{
	for (u32 i = 0; i < NR_VALUES; i++)
		if (s->values[i] == IS_OF + iter)
			s->values[i] = IS_GONE;
}

static inline void go_next(struct machine *m, u32 from, union spot s, const struct step_of *step)
{
	if (s.iters[step->a] == ITER_NONE) {
		m->wrong = "an iterator moves that is none";
		return;
	}
	take_back(&s, step->a);
	if (s.iters[step->a] == ITER_ON) {
		s.values[step->b] = IS_OF + step->a;
		go(m, from, s, EDGE_MOVED, step->a);
	}
	s.iters[step->a] = ITER_AT_END;
	s.values[step->b] = IS_ZERO;
	go(m, from, s, EDGE_PLAIN, 0);
}

/* A callback that moves the iterator, so many times: none, too. */
static inline void go_loop(struct machine *m, u32 from, union spot s, const struct step_of *step)
{
	go(m, from, s, EDGE_PLAIN, 0);
	if (s.iters[step->a] == ITER_NONE) {
		m->wrong = "a callback moves what is no iterator";
		return;
	}
	take_back(&s, step->a);
	if (s.iters[step->a] == ITER_ON)
		go(m, from, s, EDGE_MOVED, step->a);
	s.iters[step->a] = ITER_AT_END;
	go(m, from, s, EDGE_PLAIN, 0);
}

static inline void go_branch(struct machine *m, u32 from, union spot s, const struct step_of *step)
{
	u8 value = s.values[step->a];
	bool may_be_null = value == IS_ZERO || (m->vague && value == IS_GONE);
	bool may_be_some = value != IS_ZERO;
	union spot jumped = s;

	jumped.at = step->to;
	if (step->op == OP_IF_NULL ? may_be_null : may_be_some)
		go(m, from, jumped, EDGE_PLAIN, 0);
	if (step->op == OP_IF_NULL ? may_be_some : may_be_null)
		go(m, from, s, EDGE_PLAIN, 0);
}

static inline void go_on(struct machine *m, u32 from)
{
	union spot s = m->spots[from];
	const struct step_of *step = &m->p->steps[s.at++];

	switch ((enum op)step->op) {
	case OP_NEW:
		if (s.iters[step->a] != ITER_NONE)
			m->wrong = "an iterator is made over another";
		s.iters[step->a] = ITER_ON;
		go(m, from, s, EDGE_MADE, step->a);
		break;
	case OP_END:
		if (s.iters[step->a] == ITER_NONE)
			m->wrong = "an iterator ends that is none";
		take_back(&s, step->a);
		s.iters[step->a] = ITER_NONE;
		go(m, from, s, EDGE_PLAIN, 0);
		break;
	case OP_NEXT:
	case OP_NEXT_SUB:
		go_next(m, from, s, step);
		break;
	case OP_LOOP:
		go_loop(m, from, s, step);
		break;
	case OP_COPY:
		s.values[step->a] = s.values[step->b];
		go(m, from, s, EDGE_PLAIN, 0);
		break;
	case OP_ZERO:
		s.values[step->a] = IS_ZERO;
		go(m, from, s, EDGE_PLAIN, 0);
		break;
	case OP_LOOK:
	case OP_LOOK_SUB:
		if (s.values[step->a] == IS_ZERO)
			m->wrong = "nothing is followed";
		if (s.values[step->a] == IS_GONE && !m->gone_is_fine)
			m->wrong = "a buffer is followed that is gone";
		go(m, from, s, EDGE_PLAIN, 0);
		break;
	case OP_IF_NULL:
	case OP_IF_SOME:
		go_branch(m, from, s, step);
		break;
	case OP_PERHAPS:
		go(m, from, s, EDGE_PLAIN, 0);
		s.at = step->to;
		go(m, from, s, EDGE_PLAIN, 0);
		break;
	case OP_LEAVE:
		for (u32 i = 0; i < NR_ITERS; i++)
			if (s.iters[i] != ITER_NONE)
				m->wrong = "an iterator is left behind";
		break;
	}
}

/* --- rounds without end --------------------------------------------------------------------- */

static inline bool is_cut(const struct way *w, u32 still)
{
	return w->edge == EDGE_MOVED && still >> w->iter & 1;
}

/* Tarjan's: ->group of each, by the lowest that it comes back to. */
static inline void find_groups(struct machine *m, u32 spot, u32 still)
{
	m->order[spot] = m->low[spot] = ++m->nr_order;
	m->stack[m->nr_stack++] = spot;
	for (u32 i = m->first[spot]; i; i = m->next[i - 1]) {
		u32 to = m->ways[i - 1].to;

		if (is_cut(&m->ways[i - 1], still))
			continue;
		if (!m->order[to])
			find_groups(m, to, still);
		if (m->group[to] == UINT32_MAX)
			m->low[spot] = min(m->low[spot], m->low[to]);
	}
	while (m->low[spot] == m->order[spot] && m->group[spot] == UINT32_MAX)
		m->group[m->stack[--m->nr_stack]] = spot;
}

/*
 * A round without end: in it each iterator stands @still, or is made anew each time; one that
 * only moves comes to its end.
 */
static inline bool has_round(struct machine *m, u32 still)
{
	u8 *has = calloc(m->nr_spots, 1);
	bool found = false;
	u8 all = 1;

	memset(m->order, 0, m->nr_spots * sizeof(u32));
	memset(m->group, 0xff, m->nr_spots * sizeof(u32));
	m->nr_order = m->nr_stack = 0;
	for (u32 i = 0; i < m->nr_spots; i++)
		if (!m->order[i])
			find_groups(m, i, still);
	for (u32 k = 0; k < NR_ITERS; k++)
		all |= still >> k & 1 ? 0 : 2u << k;
	for (u32 i = 0; i < m->nr_ways; i++) {
		const struct way *w = &m->ways[i];

		if (is_cut(w, still) || m->group[w->from] != m->group[w->to])
			continue;
		has[m->group[w->from]] |= 1 | (w->edge == EDGE_MADE ? 2u << w->iter : 0);
	}
	for (u32 i = 0; i < m->nr_spots; i++)
		found |= (has[i] & all) == all;
	free(has);
	return found;
}

static inline void find_rounds(struct machine *m)
{
	memset(m->first, 0, m->nr_spots * sizeof(u32));
	for (u32 i = 0; i < m->nr_ways; i++) {
		m->next[i] = m->first[m->ways[i].from];
		m->first[m->ways[i].from] = i + 1;
	}
	for (u32 still = 0; still < 1u << NR_ITERS; still++)
		if (has_round(m, still))
			m->endless = "a round has no end";
}

/* Everything that @p can do.  @m is large: not on the stack. */
static inline void machine_run(struct machine *m, const struct iter_program *p, bool vague,
			       bool gone_is_fine)
{
	m->p = p;
	m->vague = vague;
	m->gone_is_fine = gone_is_fine;
	m->wrong = m->endless = NULL;
	m->nr_spots = m->nr_ways = 0;
	memset(m->table, 0, sizeof(m->table));
	spot_number(m, (union spot){ .word = 0 });
	for (u32 i = 0; i < m->nr_spots; i++)
		go_on(m, i);
	find_rounds(m);
}

#endif
