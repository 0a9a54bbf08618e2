/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * work_model_test.c - every interleaving of a few threads and one work
 *
 * Two shards; two workers that both serve both; two users with two operations each; a
 * signal handler that interrupts the first user anywhere; the work's function, which may
 * queue it again; a timer; the manager, which gives back what waits in a slot; and
 * somebody who takes another work out of the middle of the same list.  A step is one
 * access that others can see; what becomes of the word is computed by wq/work_state.h
 * itself.  All reachable states are visited, for every choice of operations.
 *
 *	twice:	the function is called while it runs
 *	doubled: the work is put into one place while it is in another, or runs, or is
 *		taken back, once more often than it was queued
 *	ghost:	it is touched when the one who cancelled and waited has freed it; or
 *		somebody is told who does not wait
 *	early:	a cancel that waits returns while it is not idle, or a flush before the
 *		runs that it found have ended
 *	stuck:	from here on it cannot come about any more that all operations have
 *		returned and each queueing was followed by its run, or was taken back
 *
 * Each part of the protocol is left out in turn, and then such a state must be found.
 */
#include "tests/unit/wq/model.h"
#include "wq/work_state.h"

#define NR_WORKERS 2
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
	     parked_unlocked, tell_at_once;
};

enum { OP_NONE, OP_QUEUE_A, OP_QUEUE_B, OP_DELAY, OP_CANCEL, OP_SYNC, OP_FLUSH, OP_DISABLE,
       NR_OPERATIONS, OP_FREE = NR_OPERATIONS };

enum worker_pc { W_LOOK, W_FILL, W_RUN, W_IS_IN, W_PARK, W_PARK_LOOK, W_PARK_SAY,
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

/* --- a user -------------------------------------------------------------------------------- */

static void done(struct state *s, int u)
{
	s->user[u].op++;
	s->user[u].pc = U_NEXT;
	s->user[u].shard = s->user[u].runner = s->user[u].pending = s->user[u].owns = 0;
	s->ended &= ~(1 << u);
}

static u8 op_of(const struct state *s, int u)
{
	return ops[u][s->user[u].op];
}

static bool disables(u8 op)
{
	return op == OP_SYNC || op == OP_FREE || op == OP_DISABLE;
}

/* Claimed and put, or found pending, or disabled. */
static void queue_step(struct state *s, int u)
{
	u8 op = op_of(s, u), shard = op == OP_QUEUE_B ? B : A;
	u64 flags = op == OP_DELAY ? WORK_TIMER : 0;

	switch (s->user[u].pc) {
	case U_NEXT:
		if (v->claim_in_two_steps) {
			s->user[u].pending = !!(s->word & WORK_PENDING);
			s->user[u].pc = U_CLAIM;
			return;
		}
		if (work_state_try_queue(word(s), shard, flags) > 0) {
			is_queued(s);
			s->user[u].pc = U_PUT;
		} else {
			done(s, u);
		}
		return;
	case U_CLAIM:
		if (s->user[u].pending || work_state_disabled(s->word)) {
			done(s, u);
			return;
		}
		is_queued(s);
		work_state_move(word(s), shard, flags, WORK_WATCHED);
		s->user[u].pc = U_PUT;
		return;
	case U_PUT:
		if (flags) {
			check_nowhere(s);
			s->armed = 1;
		} else {
			put_into(s, shard, false);
		}
		done(s, u);
		return;
	}
}

/* The work is the user's, and is in no list. */
static void leave(struct state *s, int u)
{
	u8 disable = disables(op_of(s, u)) && !v->disable_after_leave;
	u64 old = work_state_leave(word(s), disable, WORK_WATCHED);

	is_taken_back(s);
	s->user[u].owns = 0;
	s->user[u].runner = work_state_worker(old);
	s->user[u].pc = U_LEFT;
	if (!(old & WORK_WATCHED) || v->no_word_to_watchers)
		return;
	s->table_locked = !v->take_unlocked;
	s->user[u].pc = U_WATCHERS;
}

static void took_back(struct state *s, int u)
{
	s->user[u].pc = v->disable_after_leave && disables(op_of(s, u)) ? U_DISABLE_LATE : U_RUNNER;
	if (s->user[u].pc == U_RUNNER && op_of(s, u) == OP_CANCEL)
		done(s, u);
	else if (s->user[u].pc == U_RUNNER && op_of(s, u) == OP_DISABLE)
		s->user[u].pc = U_ENABLE;
}

static void look_where(struct state *s, int u)
{
	u64 now = *word(s);

	if (!(now & WORK_PENDING)) {
		s->user[u].pc = U_DISABLE;
		if (!disables(op_of(s, u)))
			took_back(s, u);
		return;
	}
	s->user[u].shard = work_state_shard(now);
	s->user[u].runner = work_state_worker(now);
	s->user[u].pc = now & WORK_TIMER ? U_TIMER : now & WORK_PARKED ? U_PARKED : U_LOCK;
}

static bool is_in(struct state *s, u8 shard)
{
	return work_state_waits_in(*word(s), shard);
}

static void claim_from_list(struct state *s, int u)
{
	u8 shard = s->user[u].shard;

	if (s->in_shard[shard] != IN_LIST)
		model_bad("doubled: taken out of a list that it is not in");
	s->locked[shard] = 0;
	s->user[u].owns = 1;
	if (v->leave_before_unlink) {
		leave(s, u);
		s->user[u].pc = U_OUT_LATE;
		return;
	}
	unlink_from(s, shard);
	s->user[u].pc = U_LEFT;
}

static void unlink_step(struct state *s, int u)
{
	u8 shard = s->user[u].shard;
	bool in_list;

	(void)word(s);
	switch (s->user[u].pc) {
	case U_UNLINK:
		if (s->in_shard[shard]) {
			s->in_shard[shard] = IN_LIST;
			s->fixed = 1;
		}
		if (s->fixed && v->believe_fixed) {
			claim_from_list(s, u);
			return;
		}
		s->user[u].pc = U_AGAIN;
		in_list = s->fixed;
		break;
	case U_AGAIN:
		in_list = is_in(s, shard);
		if (in_list && v->believe_state) {
			claim_from_list(s, u);
			return;
		}
		s->user[u].pc = U_LINK;
		break;
	default:
		in_list = s->fixed;
		if (in_list)
			claim_from_list(s, u);
		break;
	}
	if (in_list)
		return;
	s->locked[shard] = 0;
	s->user[u].pc = U_SLOTS;
}

static void slots_step(struct state *s, int u)
{
	for (int w = 1; w <= NR_WORKERS; w++) {
		if (!s->worker[w].slot || s->user[u].owns)
			continue;
		s->worker[w].slot = 0;
		s->user[u].owns = 1;
	}
	s->user[u].pc = s->user[u].owns ? U_LEFT : U_READ;
}

static void take_step(struct state *s, int u)
{
	u8 shard = s->user[u].shard, runner = s->user[u].runner;

	switch (s->user[u].pc) {
	case U_LOCK:
		s->locked[shard] = 1;
		s->user[u].pc = U_CHECK;
		return;
	case U_CHECK:
		s->locked[shard] = is_in(s, shard);
		s->user[u].pc = s->locked[shard] ? U_UNLINK : U_SLOTS;
		return;
	case U_PARKED:
		s->user[u].owns = s->worker[runner].parked;
		s->worker[runner].parked = 0;
		s->user[u].pc = s->user[u].owns ? U_LEFT : U_READ;
		return;
	case U_TIMER:
		s->user[u].owns = s->armed;
		s->armed = 0;
		s->user[u].pc = U_TIMER_WAIT;
		return;
	case U_TIMER_WAIT:
		s->user[u].pc = s->user[u].owns ? U_LEFT : U_READ;
		return;
	}
}

static void wait_step(struct state *s, int u)
{
	u8 runner = s->user[u].runner;

	switch (s->user[u].pc) {
	case U_RUNNER:
		s->user[u].runner = work_state_worker(*word(s));
		s->user[u].pc = s->user[u].runner && !v->no_wait ? U_IS_IN : U_ENABLE;
		return;
	case U_IS_IN:
		s->user[u].pc = s->worker[runner].current ? U_ATTEND : U_ENABLE;
		return;
	case U_ATTEND:
		s->worker[runner].locked = 1;
		s->worker[runner].attention |= !v->no_attention;
		s->user[u].pc = U_LOOK;
		return;
	case U_LOOK:
		if (s->worker[runner].current)
			s->worker[runner].waiting |= 1 << u;
		s->user[u].pc = s->worker[runner].current ? U_WAIT : U_ENABLE;
		s->worker[runner].locked = 0;
		return;
	case U_WAIT:
		s->user[u].pc = U_ENABLE;
		return;
	}
}

/* A cancel or flush that has waited. */
static void return_step(struct state *s, int u)
{
	u8 op = op_of(s, u);

	if (op == OP_FLUSH) {
		if (s->user[u].waits_pending || s->user[u].waits_running)
			model_bad("early: a flush");
		done(s, u);
		return;
	}
	if (op != OP_DISABLE && (s->running || s->owed))
		model_bad("early: a cancel that waits");
	if (op == OP_FREE)
		s->freed = 1;
	else
		work_state_enable(word(s));
	done(s, u);
}

static void flush_step(struct state *s, int u)
{
	switch (s->user[u].pc) {
	case U_NEXT:
		s->user[u].waits_pending = s->owed && !(s->word & WORK_TIMER);
		s->user[u].waits_running = s->running;
		s->user[u].pc = U_FLUSH;
		return;
	case U_FLUSH:
		s->user[u].pc = (*word(s) & (WORK_PENDING | WORK_TIMER)) == WORK_PENDING ?
				U_MARK : U_RUNNER;
		return;
	case U_MARK:
		s->user[u].pc = work_state_watch(word(s)) ? U_TABLE : U_FLUSH;
		s->table_locked = s->user[u].pc == U_TABLE && !v->mark_unlocked;
		return;
	case U_TABLE:
		s->table |= 1 << u;
		s->table_locked = 0;
		s->user[u].pc = U_WAIT;
		return;
	}
}

/* Who waited for the run that will not be waits for the one that is, if there is one. */
static void watchers_step(struct state *s, int u)
{
	u8 runner = s->user[u].runner;

	switch (s->user[u].pc) {
	case U_WATCHERS:
		s->user[u].told = s->table;
		s->table = s->table_locked = 0;
		s->user[u].pc = U_HAND_OVER;
		if (runner && !v->tell_at_once)
			return;
		break;
	case U_HAND_OVER:
		s->worker[runner].locked = 1;
		s->worker[runner].attention = 1;
		s->user[u].pc = U_HANDED;
		return;
	case U_HANDED:
		s->worker[runner].locked = 0;
		if (!s->worker[runner].current)
			break;
		s->worker[runner].waiting |= s->user[u].told;
		s->user[u].told = 0;
		break;
	}
	tell(s, s->user[u].told);
	s->user[u].told = 0;
	took_back(s, u);
}

static void user_step(struct state *s, int u)
{
	u8 op = op_of(s, u), pc = s->user[u].pc;

	if (op == OP_NONE) {
		done(s, u);
	} else if (op == OP_QUEUE_A || op == OP_QUEUE_B || op == OP_DELAY) {
		queue_step(s, u);
	} else if (pc == U_ENABLE) {
		return_step(s, u);
	} else if (pc >= U_RUNNER && pc <= U_WAIT) {
		wait_step(s, u);
	} else if (op == OP_FLUSH) {
		flush_step(s, u);
	} else if (pc == U_NEXT || pc == U_READ) {
		look_where(s, u);
	} else if (pc == U_DISABLE) {
		s->user[u].pc = U_READ;
		if (work_state_disable(word(s)))
			took_back(s, u);
	} else if (pc == U_OUT_LATE) {
		unlink_from(s, s->user[u].shard);
		took_back(s, u);
	} else if (pc == U_UNLINK || pc == U_AGAIN || pc == U_LINK) {
		unlink_step(s, u);
	} else if (pc == U_SLOTS) {
		slots_step(s, u);
	} else if (pc == U_LEFT) {
		if (s->user[u].owns)
			leave(s, u);
		else
			took_back(s, u);
	} else if (pc == U_WATCHERS || pc == U_HAND_OVER || pc == U_HANDED) {
		watchers_step(s, u);
	} else if (pc == U_DISABLE_LATE) {
		s->user[u].pc = U_RUNNER;
		s->word += WORK_DISABLED_ONE;
	} else {
		take_step(s, u);
	}
}

static bool user_can_step(const struct state *s, int u)
{
	if (s->user[u].op == NR_OPS || (u == 0 && s->user[HANDLER].pc != U_NEXT))
		return false;
	switch (s->user[u].pc) {
	case U_NEXT:
		if (op_of(s, u) == OP_FREE) {	/* nobody may use what is about to be freed */
			for (int other = 0; other < NR_USERS; other++)
				if (other != u && s->user[other].op != NR_OPS)
					return false;
		}
		return true;
	case U_LOCK:
		return !s->locked[s->user[u].shard];
	case U_LEFT:
		return !s->user[u].owns || !(s->word & WORK_WATCHED) || !s->table_locked;
	case U_WATCHERS:
		return !v->take_unlocked || !s->table_locked;
	case U_MARK:
		return !s->table_locked;
	case U_PARKED:
	case U_ATTEND:
	case U_HAND_OVER:
		return !s->worker[s->user[u].runner].locked;
	case U_TIMER_WAIT:
		return !s->timer || v->disarm_unwaited;
	case U_WAIT:
		return s->ended & (1 << u);
	}
	return true;
}

/* --- all of it ------------------------------------------------------------------------------ */

/* The thread looks at the timer, which may be disarmed meanwhile; the callback queues. */
static void timer_step(struct state *s)
{
	(void)word(s);
	switch (s->timer) {
	case 0:
		s->timer = 1;
		return;
	case 1:
		s->timer = s->armed ? 2 : 0;
		s->armed = 0;
		return;
	case 2:
		work_state_move(word(s), A, 0, 0);
		s->timer = 3;
		return;
	case 3:
		put_into(s, A, false);
		s->timer = 0;
		return;
	}
}

static void visit_takes(const struct state *s, int w)
{
	struct state next;

	for (u8 shard = A; shard <= B; shard++) {
		if (s->worker[w].pc != W_LOOK || !s->in_shard[shard] || s->locked[shard])
			continue;
		memcpy(&next, s, sizeof(next));
		worker_takes(&next, w, shard);
		model_visit(&next);
	}
}

static void visit_manager(const struct state *s)
{
	struct state next;

	for (int w = 1; w <= NR_WORKERS; w++) {
		if (!s->gives_left || !s->worker[w].slot)
			continue;
		memcpy(&next, s, sizeof(next));
		next.gives_left--;
		next.gives = 1;
		next.worker[w].slot = v->give_back_unclaimed;
		model_visit(&next);
	}
	if (s->gives && !s->locked[work_state_shard(s->word)]) {
		memcpy(&next, s, sizeof(next));
		next.gives = 0;
		put_into(&next, work_state_shard(*word(&next)), true);
		model_visit(&next);
	}
}

/* Who takes another one out of the middle of the list lets each know who is before it. */
static void visit_fix(const struct state *s)
{
	struct state next;

	for (u8 shard = A; shard <= B; shard++) {
		if (!s->fixes_left || !s->in_shard[shard] || s->locked[shard] || s->fixed)
			continue;
		memcpy(&next, s, sizeof(next));
		next.fixes_left--;
		next.fixed = 1;
		next.in_shard[shard] = IN_LIST;
		model_visit(&next);
	}
}

static void visit_successors(const void *state)
{
	const struct state *s = state;
	struct state next;

	for (int w = 1; w <= NR_WORKERS; w++) {
		visit_takes(s, w);
		if (!worker_can_step(s, w))
			continue;
		memcpy(&next, s, sizeof(next));
		worker_step(&next, w);
		model_visit(&next);
	}
	for (int u = 0; u < NR_USERS; u++) {
		if (!user_can_step(s, u))
			continue;
		memcpy(&next, s, sizeof(next));
		user_step(&next, u);
		model_visit(&next);
	}
	if (s->armed || s->timer) {
		memcpy(&next, s, sizeof(next));
		timer_step(&next);
		model_visit(&next);
	}
	visit_manager(s);
	visit_fix(s);
}

static bool is_finished(const void *state)
{
	const struct state *s = state;

	for (int u = 0; u < NR_USERS; u++) {
		if (s->user[u].op != NR_OPS)
			return false;
	}
	for (int w = 1; w <= NR_WORKERS; w++) {
		if (s->worker[w].pc != W_LOOK || s->worker[w].slot || s->worker[w].parked)
			return false;
	}
	return !s->in_shard[A] && !s->in_shard[B] && !s->armed && !s->timer && !s->gives && !s->owed;
}

/* What may be in the way, besides the users' operations. */
enum { BY_HANDLER = 1, BY_FUNCTION = 2, BY_MANAGER = 4, BY_FIXING = 8 };

/* The first user queues and does @x, the second does @y and @z. */
static u32 explore(u8 x, u8 y, u8 z, u8 with)
{
	struct state first;

	memset(&first, 0, sizeof(first));
	memset(ops, OP_NONE, sizeof(ops));
	ops[0][0] = OP_QUEUE_A;
	ops[0][1] = x;
	ops[1][0] = y;
	ops[1][1] = z;
	ops[HANDLER][0] = with & BY_HANDLER ? OP_QUEUE_B : OP_NONE;
	first.requeues_left = !!(with & BY_FUNCTION);
	first.gives_left = !!(with & BY_MANAGER);
	first.fixes_left = !!(with & BY_FIXING);
	return model_run(&first, sizeof(first), visit_successors, is_finished);
}

/* From and to, each; all that @with says at most, two at a time. */
static const struct family {
	u8 x[2], y[2], z[2], with[2];
} families[] = {
	{ .x = { OP_NONE, OP_DISABLE }, .y = { OP_NONE, OP_FREE } },
	{ .x = { OP_FLUSH, OP_FLUSH }, .y = { OP_CANCEL, OP_FREE }, .with = { 1, 1 } },
	{ .x = { OP_QUEUE_A, OP_QUEUE_A }, .y = { OP_CANCEL, OP_CANCEL }, .with = { 9, 10 } },
	{ .y = { OP_NONE, OP_FREE }, .with = { 1, 15 } },
	{ .y = { OP_QUEUE_A, OP_DISABLE }, .z = { OP_QUEUE_A, OP_FREE } },
};

static u64 explore_family(const struct family *f, u8 with)
{
	u64 nr_states = 0;

	for (u8 x = f->x[0]; x <= f->x[1] && !model.bad; x++) {
		for (u8 y = f->y[0]; y <= f->y[1] && !model.bad; y++) {
			for (u8 z = f->z[0]; z <= f->z[1] && !model.bad; z++)
				nr_states += explore(x, y, z, with);
		}
	}
	return nr_states;
}

static const char *whats_broken(const struct variant *variant, u64 *ret_nr_states)
{
	const char *broken;

	v = variant;
	*ret_nr_states = 0;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const struct family *f = &families[i];

		for (u8 with = f->with[0]; with <= f->with[1]; with++) {
			if (__builtin_popcount(with) <= 2)
				*ret_nr_states += explore_family(f, with);
		}
	}
	broken = model.bad;
	model_free();
	return broken;
}

static const char *try(struct variant variant, const char *name)
{
	const char *broken;
	u64 nr_states;

#ifdef __SANITIZE_THREAD__
	SKIP("one thread: ThreadSanitizer would see nothing, and take minutes");
#endif
	broken = whats_broken(&variant, &nr_states);
	printf("# %s: %s after %llu states\n", name, broken ?: "sound",
	       (unsigned long long)nr_states);
	return broken;
}

/* @part: what is left out, or done in its place. */
#define BROKEN_WITHOUT(part) EXPECT_TRUE(try((struct variant){ .part = true }, #part) != NULL)

TEST(work_model, no_interleaving_loses_doubles_or_touches_too_late)
{
	EXPECT_PTR_EQ(try((struct variant){ .no_wait = false }, "the protocol"), NULL);
}

TEST(work_model, a_work_is_claimed_by_one_instruction)
{
	BROKEN_WITHOUT(claim_in_two_steps);
}

TEST(work_model, a_worker_is_in_a_work_before_it_can_be_queued_again)
{
	BROKEN_WITHOUT(begin_before_current);
}

TEST(work_model, who_begins_a_work_must_look_who_runs_it)
{
	BROKEN_WITHOUT(no_look_who_runs);
}

TEST(work_model, who_waits_must_ask_for_attention)
{
	BROKEN_WITHOUT(no_attention);
}

TEST(work_model, who_parks_must_look_after_it_has_asked)
{
	BROKEN_WITHOUT(look_before_attention);
}

TEST(work_model, a_worker_must_look_after_it_has_left)
{
	BROKEN_WITHOUT(notice_before_end);
}

TEST(work_model, a_cancel_must_wait_for_the_run)
{
	BROKEN_WITHOUT(no_wait);
}

TEST(work_model, a_cancel_disables_as_it_takes_back)
{
	BROKEN_WITHOUT(disable_after_leave);
}

TEST(work_model, a_work_is_out_of_the_list_before_it_can_be_queued)
{
	BROKEN_WITHOUT(leave_before_unlink);
}

TEST(work_model, a_link_alone_does_not_say_which_list)
{
	BROKEN_WITHOUT(believe_fixed);
}

TEST(work_model, a_link_and_then_the_state_do_not_say_which_list)
{
	BROKEN_WITHOUT(believe_state);
}

TEST(work_model, the_word_and_the_table_say_together_who_waits)
{
	BROKEN_WITHOUT(mark_unlocked);
}

TEST(work_model, those_who_wait_are_taken_as_the_run_begins_and_no_later)
{
	BROKEN_WITHOUT(take_unlocked);
}

TEST(work_model, who_takes_back_tells_those_who_wait)
{
	BROKEN_WITHOUT(no_word_to_watchers);
}

TEST(work_model, what_is_given_back_is_claimed_first)
{
	BROKEN_WITHOUT(give_back_unclaimed);
}

TEST(work_model, who_waits_for_what_is_taken_back_waits_for_what_runs)
{
	BROKEN_WITHOUT(tell_at_once);
}

TEST(work_model, who_disarms_waits_for_the_thread)
{
	BROKEN_WITHOUT(disarm_unwaited);
}

TEST(work_model, a_work_is_parked_under_the_lock)
{
	BROKEN_WITHOUT(parked_unlocked);
}
