/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * work_model_worker.h - the modelled state, what ought to be, and the steps of a worker
 *
 * Within work_model_test.c, which says what is checked.
 */
#ifndef ROVE_TESTS_UNIT_WQ_WORK_MODEL_WORKER_H
#define ROVE_TESTS_UNIT_WQ_WORK_MODEL_WORKER_H

#include "tests/model.h"
#include "wq/work_state.h"

#define NR_WORKERS 2
#define HELPER 2		/* takes from the front, too */
#define NR_USERS 3		/* the last one is a handler that interrupts the first */
#define HANDLER 2
#define NR_OPS 2
#define A 1
#define B 2
#define IN_STACK 1
#define IN_LIST 2

struct variant {
	bool claim_in_two_steps, begin_before_current, no_look_who_runs, no_attention,
	     look_before_attention, notice_before_end, no_wait, disable_after_leave,
	     leave_before_unlink, believe_fixed, believe_state, mark_unlocked,
	     take_unlocked, no_word_to_watchers, give_back_unclaimed, disarm_unwaited,
	     parked_unlocked, tell_at_once, front_unlocked;
};

enum { OP_NONE, OP_QUEUE_A, OP_QUEUE_B, OP_DELAY, OP_CANCEL, OP_SYNC, OP_FLUSH, OP_DISABLE,
       NR_OPERATIONS, OP_FREE = NR_OPERATIONS };

enum worker_pc { W_LOOK, W_FILL, W_FRONT, W_RUN, W_IS_IN, W_PARK, W_PARK_LOOK, W_PARK_SAY,
		 W_PARK_PUT, W_ENTER, W_BEGIN, W_NOTICE, W_WATCHED, W_WATCHED_PUT, W_CALL,
		 W_INSIDE, W_INSIDE_PUT, W_LEAVE, W_LEAVE_LATE, W_ATTEND, W_TELL, W_UNPARK, W_UNPARK_PUT };

enum user_pc { U_NEXT, U_CLAIM, U_PUT, U_READ, U_DISABLE, U_LOCK, U_CHECK, U_UNLINK, U_AGAIN,
	       U_LINK, U_SLOTS, U_PARKED, U_TIMER, U_TIMER_WAIT, U_OUT_LATE, U_LEFT, U_WATCHERS,
	       U_HAND_OVER, U_HANDED, U_DISABLE_LATE,
	       U_RUNNER, U_IS_IN, U_ATTEND, U_LOOK, U_WAIT, U_ENABLE, U_FLUSH, U_MARK, U_TABLE };

/* All bytes but the word, so that states compare and hash as memory. */
struct state {
	u64 word;
	struct {
		u8 pc, from, current, attention, slot, parked, locked, waiting, was_watched;
		u8 has_parked, told;
	} worker[NR_WORKERS + 1];	/* by number; 0: nobody */
	struct {
		u8 pc, op, shard, runner, pending, owns, told, waits_pending, waits_running;
	} user[NR_USERS];
	u8 in_shard[3];		/* by number: in its stack, or list */
	u8 locked[3];
	u8 front[3];		/* the list's first is the work still, that has been taken */
	u8 fixed;		/* the work's link says that it is in a list */
	u8 armed, timer;	/* the timer's thread: 1: looks at it; 2, 3: its callback */
	u8 gives;		/* the manager has it in its hands */
	u8 gives_left, fixes_left, requeues_left;
	u8 table, table_locked, ended;	/* users, as bits */
	u8 owed, running, freed;	/* what ought to be */
};

static const struct variant *v;
static u8 ops[NR_USERS][NR_OPS];

static u64 *word(struct state *s)
{
	if (s->freed)
		model_bad("ghost: touched after it was freed");
	return &s->word;
}

/* --- what ought to be ---------------------------------------------------------------------- */

static void is_queued(struct state *s)
{
	if (s->owed++)
		model_bad("doubled: queued while it was pending");
}

static void is_taken_back(struct state *s)
{
	if (!s->owed--)
		model_bad("doubled: taken back, but not pending");
	for (int u = 0; u < NR_USERS; u++)
		s->user[u].waits_pending = 0;
}

static void begins(struct state *s)
{
	if (!s->owed--)
		model_bad("doubled: begun, but not pending");
	for (int u = 0; u < NR_USERS; u++) {
		s->user[u].waits_running |= s->user[u].waits_pending;
		s->user[u].waits_pending = 0;
	}
}

static void ends(struct state *s)
{
	s->running--;
	for (int u = 0; u < NR_USERS; u++)
		s->user[u].waits_running = 0;
}

static void check_nowhere(const struct state *s)
{
	if (s->in_shard[A] || s->in_shard[B] || s->worker[1].slot || s->worker[2].slot ||
	    s->worker[1].parked || s->worker[2].parked || s->armed)
		model_bad("doubled: in two places");
}

static void put_into(struct state *s, u8 shard, bool front)
{
	(void)word(s);
	check_nowhere(s);
	s->in_shard[shard] = front ? IN_LIST : IN_STACK;
	s->fixed = front;
}

static void unlink_from(struct state *s, u8 shard)
{
	(void)word(s);
	s->in_shard[shard] = s->fixed = 0;
}

static void tell(struct state *s, u8 users)
{
	for (int u = 0; u < NR_USERS; u++) {
		if (users & (1 << u) && s->user[u].pc != U_WAIT)
			model_bad("ghost: told, but does not wait");
	}
	s->ended |= users;
}

/* --- a worker ------------------------------------------------------------------------------ */

static void worker_takes(struct state *s, int w, u8 shard)
{
	s->locked[shard] = 1;
	unlink_from(s, shard);
	s->worker[w].from = shard;
	s->worker[w].pc = W_FILL;
}

/* A helper, from the front: it says in the end how much of the list it has left. */
static void helper_takes(struct state *s, int w, u8 shard)
{
	s->locked[shard] = !v->front_unlocked;
	unlink_from(s, shard);
	check_nowhere(s);
	s->front[shard] = 1;
	s->worker[w].slot = 1;
	s->worker[w].from = shard;
	s->worker[w].pc = W_FRONT;
}

static void enter(struct state *s, int w)
{
	s->worker[w].pc = v->begin_before_current ? W_BEGIN : W_ENTER;
}

static void park_step(struct state *s, int w)
{
	int runner = work_state_worker(s->word);

	switch (s->worker[w].pc) {
	case W_PARK:
		s->worker[runner].locked = 1;
		if (v->look_before_attention && !s->worker[runner].current) {
			s->worker[runner].locked = 0;
			enter(s, w);
			return;
		}
		if (!v->look_before_attention && !v->no_attention)
			s->worker[runner].attention = 1;
		s->worker[w].pc = W_PARK_LOOK;
		return;
	case W_PARK_LOOK:
		if (v->look_before_attention)
			s->worker[runner].attention = 1;
		else if (!s->worker[runner].current) {
			s->worker[runner].locked = 0;
			enter(s, w);
			return;
		}
		s->worker[w].pc = W_PARK_SAY;
		return;
	case W_PARK_SAY:
		work_state_park(word(s), true, runner);
		if (v->parked_unlocked)
			s->worker[runner].locked = 0;
		s->worker[w].pc = W_PARK_PUT;
		return;
	case W_PARK_PUT:
		check_nowhere(s);
		s->worker[runner].parked = 1;
		s->worker[runner].locked = 0;
		s->worker[w].pc = W_LEAVE;
		return;
	}
}

static void begin(struct state *s, int w)
{
	s->worker[w].was_watched = !!(work_state_begin(word(s), w, WORK_WATCHED) & WORK_WATCHED);
	s->table_locked = s->worker[w].was_watched && !v->take_unlocked;
	begins(s);
}

static void attend(struct state *s, int w)
{
	s->worker[w].attention = 0;
	if (!s->worker[w].current) {
		s->worker[w].told = s->worker[w].waiting;
		s->worker[w].has_parked = s->worker[w].parked;
		s->worker[w].waiting = s->worker[w].parked = 0;
	}
	s->worker[w].attention = s->worker[w].waiting || s->worker[w].parked;
	s->worker[w].pc = W_TELL;
}

static void after_notice(struct state *s, int w)
{
	s->worker[w].pc = s->worker[w].current ? W_CALL : W_LOOK;
}

static void inside_step(struct state *s, int w)
{
	if (s->worker[w].pc == W_INSIDE_PUT) {
		put_into(s, work_state_shard(*word(s)), false);
		ends(s);
		s->worker[w].pc = W_LEAVE;
	} else if (s->requeues_left) {
		s->requeues_left--;
		if (work_state_try_queue(word(s), B, 0) > 0) {
			is_queued(s);
			s->worker[w].pc = W_INSIDE_PUT;
		}
	} else {
		ends(s);
		s->worker[w].pc = W_LEAVE;
	}
}

/* The worker that ran it last does not change while it is pending. */
static void claim_slot(struct state *s, int w)
{
	int last = work_state_worker(s->word);

	if (!s->worker[w].slot)
		s->worker[w].pc = W_LEAVE;
	else if (last && last != w && !v->no_look_who_runs)
		s->worker[w].pc = W_IS_IN;
	else
		enter(s, w);
	s->worker[w].slot = 0;
}

static void worker_step(struct state *s, int w)
{
	int last;

	switch (s->worker[w].pc) {
	case W_FILL:
		check_nowhere(s);
		s->worker[w].slot = 1;
		s->locked[s->worker[w].from] = 0;
		s->worker[w].from = 0;
		s->worker[w].pc = W_RUN;
		return;
	case W_FRONT:
		s->front[s->worker[w].from] = 0;
		s->locked[s->worker[w].from] = 0;
		s->worker[w].from = 0;
		s->worker[w].pc = W_RUN;
		return;
	case W_RUN:
		claim_slot(s, w);
		return;
	case W_IS_IN:
		last = work_state_worker(s->word);
		if (s->worker[last].current)
			s->worker[w].pc = W_PARK;
		else
			enter(s, w);
		return;
	case W_PARK: case W_PARK_LOOK: case W_PARK_SAY: case W_PARK_PUT:
		park_step(s, w);
		return;
	case W_ENTER:
		s->worker[w].current = 1;
		s->worker[w].pc = v->begin_before_current ? W_NOTICE : W_BEGIN;
		return;
	case W_BEGIN:
		begin(s, w);
		s->worker[w].pc = s->worker[w].was_watched ? W_WATCHED :
				  v->begin_before_current ? W_ENTER : W_NOTICE;
		return;
	case W_NOTICE:
		if (s->worker[w].attention)
			s->worker[w].pc = W_ATTEND;
		else
			after_notice(s, w);
		return;
	case W_WATCHED:
		s->worker[w].told = s->table;
		s->table = s->table_locked = s->worker[w].was_watched = 0;
		s->worker[w].pc = W_WATCHED_PUT;
		return;
	case W_WATCHED_PUT:
		s->worker[w].waiting |= s->worker[w].told;
		s->worker[w].attention = 1;
		s->worker[w].told = 0;
		s->worker[w].pc = v->begin_before_current ? W_ENTER : W_NOTICE;
		return;
	case W_CALL:
		if (s->running++)
			model_bad("twice: it runs already");
		s->worker[w].pc = W_INSIDE;
		return;
	case W_INSIDE:
	case W_INSIDE_PUT:
		inside_step(s, w);
		return;
	case W_LEAVE:
		if (v->notice_before_end && !s->worker[w].attention) {
			s->worker[w].pc = W_LEAVE_LATE;
			return;
		}
		s->worker[w].current = 0;
		s->worker[w].pc = W_NOTICE;
		return;
	case W_LEAVE_LATE:
		s->worker[w].current = 0;
		s->worker[w].pc = W_LOOK;
		return;
	case W_ATTEND:
		attend(s, w);
		return;
	case W_TELL:
		tell(s, s->worker[w].told);
		s->worker[w].told = 0;
		if (s->worker[w].has_parked)
			s->worker[w].pc = W_UNPARK;
		else
			after_notice(s, w);
		return;
	case W_UNPARK:
		work_state_park(word(s), false, w);
		s->worker[w].pc = W_UNPARK_PUT;
		return;
	case W_UNPARK_PUT:
		put_into(s, work_state_shard(*word(s)), true);
		s->worker[w].has_parked = 0;
		s->worker[w].pc = W_LOOK;
		return;
	}
}

static bool worker_can_step(const struct state *s, int w)
{
	switch (s->worker[w].pc) {
	case W_LOOK:
		return false;	/* visit_takes() */
	case W_PARK:
		return !s->worker[work_state_worker(s->word)].locked;
	case W_BEGIN:
		return !(s->word & WORK_WATCHED) || !s->table_locked;
	case W_WATCHED:
		return !v->take_unlocked || !s->table_locked;
	case W_WATCHED_PUT:
	case W_ATTEND:
		return !s->worker[w].locked;
	case W_UNPARK_PUT:
		return !s->locked[work_state_shard(s->word)];
	}
	return true;
}

#endif
