/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * work_model_test.c - every interleaving of a few threads and one work
 *
 * Two shards; two workers that both serve both, one of them also as a helper does; two
 * users with two operations each; a signal handler that interrupts the first user anywhere;
 * the work's function, which may queue it again; a timer; the manager, which gives back
 * what waits in a slot; and somebody who takes another work out of the middle of the same
 * list.  A step is one access that others can see; what becomes of the word is computed by
 * wq/work_state.h itself.  All reachable states are visited, for every choice of operations.
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
#include "tests/unit/wq/work_model_user.h"

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
		bool first = s->in_shard[shard] || s->front[shard];

		if (s->worker[w].pc != W_LOOK || !first || s->locked[shard])
			continue;
		memcpy(&next, s, sizeof(next));
		worker_takes(&next, w, shard);
		model_visit(&next);
		if (!s->in_shard[shard] || s->fixed || w != HELPER)
			continue;
		memcpy(&next, s, sizeof(next));
		helper_takes(&next, w, shard);
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

static u64 explore_all(void)
{
	u64 nr_states = 0;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const struct family *f = &families[i];

		for (u8 with = f->with[0]; with <= f->with[1]; with++) {
			if (__builtin_popcount(with) <= 2)
				nr_states += explore_family(f, with);
		}
	}
	return nr_states;
}

static const char *try(struct variant variant, const char *name)
{
	v = &variant;
	return model_end(name, explore_all());
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

TEST(work_model, what_was_taken_from_the_front_is_out_of_the_list_before_the_lock_is_free)
{
	BROKEN_WITHOUT(front_unlocked);
}

TEST(work_model, a_work_is_parked_under_the_lock)
{
	BROKEN_WITHOUT(parked_unlocked);
}
