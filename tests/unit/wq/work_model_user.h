/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * work_model_user.h - the steps of those who queue, cancel and wait
 *
 * Within work_model_test.c, which says what is checked.
 */
#ifndef ROVE_TESTS_UNIT_WQ_WORK_MODEL_USER_H
#define ROVE_TESTS_UNIT_WQ_WORK_MODEL_USER_H

#include "tests/unit/wq/work_model_worker.h"

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
		if ((!flags && work_state_try_queue_idle(word(s), shard)) ||
		    work_state_try_queue(word(s), shard, flags) > 0) {
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

#endif
