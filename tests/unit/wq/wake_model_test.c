/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wake_model_test.c - every interleaving of who queues and who sleeps in a pool
 *
 * Two shards; two users who queue one work each, into one shard or two; two workers, of
 * which the second may have to be made by the manager.  A step is one access of pool.c,
 * queue.c or worker.c that others can see without the lock.  Idle workers lie in one stack
 * or in two; who chooses looks into the one of his CPU first.  Before it sleeps a worker looks
 * once; or one of them polls, for ever or until its time is over.
 *
 *	stuck:	a work is never taken any more, though everybody goes on
 *	left:	only a work's function goes on, which may take long, and another work,
 *		which was there before that began, waits though one more may run
 *
 * All three ways to wake: as it is, and under the pool's lock or after it.  Each part of
 * the protocol is left out in turn, and then such a state must be found.
 */
#include <rove/workqueue.h>

#include "tests/model.h"

#define NR_WORKERS 2
#define NR_USERS 2
#define NR_SHARDS 2
#define NR_STACKS 2
#define MANAGER (NR_WORKERS + NR_USERS)		/* who may choose a worker */
#define NR_CHOOSERS (MANAGER + 1)

struct variant {
	bool no_look_after_doze, look_before_doze, no_look_when_quiet, choose_before_announce,
	     manager_not_asked, forget_early_wake, kick_for_own_shard_only, no_kick,
	     pop_own_stack_only, kick_not_for_announced, poll_not_for_announced,
	     poll_ends_counted, poller_runs_as_searching;
};

enum { QUIET, ANNOUNCING, KNOWN };
enum worker_pc { W_ABSENT, W_HINT, W_TAKE, W_TAKE_RING, W_FOUND, W_KICK, W_RUN, W_SEARCH, W_SPIN, W_POLL,
		 W_COLLECT, W_QUIET, W_QUIET_SAY, W_QUIET_LOOK, W_PUSH, W_DOZE, W_DOZE_RUNNING,
		 W_LOOK, W_SLEEP };
enum user_pc { U_PUSH, U_TELL, U_LOCK, U_ANNOUNCE, U_ADD, U_CHOOSE, U_WAKE,
	       U_WAKE_LATE, U_DONE };
enum manager_pc { M_SLEEP, M_LOOK };
enum choose_pc { C_NOT, C_SEARCHING, C_RUNNING, C_CLAIM, C_COUNT, C_POP, C_POP_OTHER, C_UNCOUNT,
		 C_UNCLAIM, C_ASK, C_CHOSEN };

/* All bytes, so that states compare and hash as memory. */
struct state {
	u8 works[NR_SHARDS], announced[NR_SHARDS];
	u8 in_stack, in_ring;		/* shards, as bits */
	u8 nr_searching, nr_running;
	u8 idle[NR_STACKS][NR_WORKERS];	/* stacks of workers, and 1; 0: none */
	u8 locked;
	u8 manager, asked;
	u8 poller;			/* a worker, and 1; 0: none */
	struct {
		u8 pc, searching, woken, shard, more, found, left, hint, taken, polled;
	} worker[NR_WORKERS];
	struct {
		u8 pc, shard;
	} user[NR_USERS];
	struct {
		u8 pc, chosen;
	} choose[NR_CHOOSERS];
};

static const struct variant *v;
static u8 wake_how, limit, nr_stacks;

enum { POLL_NOT, POLL_A_WHILE, POLL_FOREVER, NR_POLLS };
static u8 poll_how;

/* --- choosing ------------------------------------------------------------------------------ */

static u8 idle_pop_model(struct state *s, int stack)
{
	for (int i = NR_WORKERS; i-- > 0;) {
		u8 w = s->idle[stack][i];

		s->idle[stack][i] = 0;
		if (w)
			return w;
	}
	return 0;
}

static void idle_push_model(struct state *s, int w)
{
	u8 *stack = s->idle[(w + 1) % nr_stacks];	/* the manager is on the other CPU */

	while (*stack)
		stack++;
	*stack = w + 1;
}

/* C_NOT at the end: nobody; C_CHOSEN: ->chosen. */
static void choose_step(struct state *s, int who)
{
	u8 *pc = &s->choose[who].pc;

	switch (*pc) {
	case C_SEARCHING:
		*pc = s->nr_searching ? C_NOT : C_RUNNING;
		return;
	case C_RUNNING:
		*pc = s->nr_running >= limit ? C_NOT : C_CLAIM;
		return;
	case C_CLAIM:
		*pc = s->nr_searching ? C_NOT : C_COUNT;
		s->nr_searching += *pc == C_COUNT;
		return;
	case C_COUNT:
		s->nr_running++;
		*pc = C_POP;
		return;
	case C_POP:
	case C_POP_OTHER:
		s->choose[who].chosen = idle_pop_model(s, (who + (*pc == C_POP_OTHER)) % NR_STACKS);
		if (s->choose[who].chosen)
			*pc = C_CHOSEN;
		else
			*pc = *pc == C_POP && !v->pop_own_stack_only ? C_POP_OTHER : C_UNCOUNT;
		return;
	case C_UNCOUNT:
		s->nr_running--;
		*pc = C_UNCLAIM;
		return;
	case C_UNCLAIM:
		s->nr_searching--;
		*pc = C_ASK;
		return;
	case C_ASK:
		s->asked |= !v->manager_not_asked;
		*pc = C_NOT;
		return;
	}
}

static void wake_chosen(struct state *s, int who)
{
	if (s->choose[who].chosen)
		s->worker[s->choose[who].chosen - 1].woken = 1;
	s->choose[who].chosen = s->choose[who].pc = 0;
}

/* --- who queues ---------------------------------------------------------------------------- */

static void start_choosing(struct state *s, int u, u8 then)
{
	s->choose[NR_WORKERS + u].pc = C_SEARCHING;
	s->user[u].pc = then;
}

static void user_step(struct state *s, int u)
{
	u8 shard = s->user[u].shard;

	switch (s->user[u].pc) {
	case U_PUSH:
		s->works[shard]++;
		s->user[u].pc = wake_how == ROVE_WQ_WAKE_DEFAULT ? U_TELL : U_LOCK;
		return;
	case U_TELL:
		s->user[u].pc = s->announced[shard] != QUIET ? U_DONE : U_ANNOUNCE;
		if (v->choose_before_announce && s->user[u].pc == U_ANNOUNCE)
			start_choosing(s, u, U_ANNOUNCE);
		return;
	case U_LOCK:
		s->locked = 1;
		s->user[u].pc = U_ANNOUNCE;
		return;
	case U_ANNOUNCE:
		if (s->announced[shard] == QUIET) {
			s->announced[shard] = ANNOUNCING;
			s->user[u].pc = U_ADD;
		} else {
			s->user[u].pc = U_CHOOSE;
		}
		return;
	case U_ADD:
		s->in_stack |= 1 << shard;
		s->user[u].pc = U_CHOOSE;
		return;
	case U_CHOOSE:
		if (v->choose_before_announce)
			s->user[u].pc = U_WAKE;
		else
			start_choosing(s, u, U_WAKE);
		return;
	case U_WAKE:
		if (wake_how == ROVE_WQ_WAKE_AFTER)
			s->locked = 0;
		s->user[u].pc = U_WAKE_LATE;
		return;
	case U_WAKE_LATE:
		if (s->choose[NR_WORKERS + u].chosen && wake_how == ROVE_WQ_WAKE_DEFAULT)
			s->worker[s->choose[NR_WORKERS + u].chosen - 1].hint = shard + 1;
		wake_chosen(s, NR_WORKERS + u);
		if (wake_how == ROVE_WQ_WAKE_UNDER)
			s->locked = 0;
		s->user[u].pc = U_DONE;
		return;
	}
}

static bool user_can_step(const struct state *s, int u)
{
	u8 choosing = s->choose[NR_WORKERS + u].pc;

	if (choosing != C_NOT && choosing != C_CHOSEN)
		return false;
	return s->user[u].pc != U_DONE && (s->user[u].pc != U_LOCK || !s->locked);
}

/* --- a worker ------------------------------------------------------------------------------ */

static void collect(struct state *s)
{
	for (u8 shard = 0; shard < NR_SHARDS; shard++) {
		if (s->in_stack & (1 << shard))
			s->announced[shard] = KNOWN;
	}
	s->in_ring |= s->in_stack;
	s->in_stack = 0;
}

static void take_work(struct state *s, int w, u8 shard)
{
	s->works[shard]--;
	s->worker[w].more = s->works[shard];
	s->worker[w].taken = shard;
	s->worker[w].pc = W_FOUND;
}

static void take_from_ring(struct state *s, int w)
{
	s->worker[w].pc = W_SEARCH;
	for (u8 shard = 0; shard < NR_SHARDS; shard++) {
		if (!(s->in_ring & (1 << shard)) || !s->works[shard] || s->worker[w].pc == W_FOUND)
			continue;
		take_work(s, w, shard);
	}
}

/* The shard that it was woken for, or saw while it looked: without asking the pool. */
static void take_hinted(struct state *s, int w)
{
	u8 shard = s->worker[w].hint - 1;

	s->worker[w].hint = 0;
	if (s->works[shard])
		take_work(s, w, shard);
	else
		s->worker[w].pc = W_TAKE;
}

/* Somebody has its lock: looks whether it is quiet. */
static bool shard_is_locked(const struct state *s, u8 shard)
{
	for (int w = 0; w < NR_WORKERS; w++) {
		if ((s->worker[w].pc == W_QUIET_SAY || s->worker[w].pc == W_QUIET_LOOK) &&
		    s->worker[w].shard == shard)
			return true;
	}
	return false;
}

static bool looks_empty(const struct state *s)
{
	return !s->in_stack && !(s->in_ring & 1 && s->works[0]) && !(s->in_ring & 2 && s->works[1]);
}

static u8 shards_with_works(const struct state *s)
{
	return (s->works[0] ? 1 : 0) | (s->works[1] ? 2 : 0);
}

/* As leaves_any() in worker.c. */
static bool leaves_any_model(const struct state *s, int w)
{
	u8 own = 1 << s->worker[w].taken;

	if (s->worker[w].more || (shards_with_works(s) & own))
		return true;
	if (v->kick_for_own_shard_only)
		return false;
	return (s->in_ring & shards_with_works(s)) ||
	       (!v->kick_not_for_announced && (s->in_stack & ~own));
}

static void next_quiet(struct state *s, int w)
{
	u8 *shard = &s->worker[w].shard;

	while (*shard < NR_SHARDS && !(s->in_ring & (1 << *shard)))
		++*shard;
	if (*shard < NR_SHARDS)
		return;
	s->locked = *shard = 0;
	s->worker[w].pc = s->worker[w].found ? W_TAKE : W_PUSH;
	s->worker[w].found = 0;
}

/* One shard: is it empty, is it said to be, and is it still? */
static void quiet_step(struct state *s, int w)
{
	u8 shard = s->worker[w].shard;

	if (s->worker[w].pc == W_QUIET && !s->works[shard]) {
		s->worker[w].pc = W_QUIET_SAY;
		return;
	}
	if (s->worker[w].pc == W_QUIET_SAY) {
		s->announced[shard] = QUIET;
		s->worker[w].pc = W_QUIET_LOOK;
		return;
	}
	if (s->worker[w].pc == W_QUIET) {
		s->worker[w].found = 1;
	} else if (s->works[shard] && !v->no_look_when_quiet && s->announced[shard] == QUIET) {
		s->announced[shard] = KNOWN;
		s->worker[w].found = 1;
	} else {
		s->in_ring &= ~(1 << shard);
	}
	s->worker[w].shard++;
	s->worker[w].pc = W_QUIET;
	next_quiet(s, w);
}

static void doze_step(struct state *s, int w)
{
	switch (s->worker[w].pc) {
	case W_PUSH:
		s->worker[w].searching = 0;
		s->worker[w].more = !looks_empty(s);	/* of the variant that looks too early */
		idle_push_model(s, w);
		s->worker[w].pc = W_DOZE;
		return;
	case W_DOZE:
		s->nr_searching--;
		s->worker[w].pc = W_DOZE_RUNNING;
		return;
	case W_DOZE_RUNNING:
		s->nr_running--;
		s->worker[w].pc = W_LOOK;
		return;
	case W_LOOK:
		if (v->look_before_doze ? s->worker[w].more :
		    (s->in_stack || s->in_ring) && !v->no_look_after_doze)
			s->choose[w].pc = C_SEARCHING;
		s->worker[w].more = 0;
		s->worker[w].pc = W_SLEEP;
		if (v->forget_early_wake)
			s->worker[w].woken = 0;
		return;
	}
}

static void look_around(struct state *s, int w, bool announced)
{
	u8 with_works = s->in_ring & shards_with_works(s);

	if (with_works)
		s->worker[w].hint = with_works & 1 ? 1 : 2;
	s->worker[w].pc = with_works ? W_HINT : announced && s->in_stack ? W_TAKE : W_COLLECT;
}

/* It has found something, or its time is over. */
static void poll_step(struct state *s, int w)
{
	s->poller = 0;
	look_around(s, w, !v->poll_not_for_announced);
	if (s->worker[w].pc == W_COLLECT && v->poll_ends_counted)
		s->worker[w].pc = W_SLEEP;
	s->worker[w].polled = 1;
}

static bool poller_finds(const struct state *s)
{
	return (s->in_ring & shards_with_works(s)) || (s->in_stack && !v->poll_not_for_announced);
}

static void worker_step(struct state *s, int w)
{
	switch (s->worker[w].pc) {
	case W_HINT:
		take_hinted(s, w);
		return;
	case W_TAKE:
		collect(s);
		s->worker[w].pc = W_TAKE_RING;
		return;
	case W_TAKE_RING:
		take_from_ring(s, w);
		return;
	case W_FOUND:
		if (!v->poller_runs_as_searching || !s->worker[w].polled) {
			s->nr_searching -= s->worker[w].searching;
			s->worker[w].searching = 0;
		}
		s->worker[w].polled = 0;
		s->worker[w].pc = W_KICK;
		return;
	case W_KICK:
		if (!v->no_kick && leaves_any_model(s, w))
			s->choose[w].pc = C_SEARCHING;
		s->worker[w].more = 0;
		s->worker[w].left = !!((s->in_stack | s->in_ring) & shards_with_works(s));
		s->worker[w].pc = W_RUN;
		return;
	case W_RUN:
		s->worker[w].left = 0;
		s->worker[w].pc = W_TAKE;
		return;
	case W_SEARCH:
		s->nr_searching += !s->worker[w].searching;
		s->worker[w].searching = 1;
		s->worker[w].pc = poll_how != POLL_NOT && !s->poller ? W_POLL : W_SPIN;
		if (s->worker[w].pc == W_POLL)
			s->poller = w + 1;
		return;
	case W_SPIN:
		look_around(s, w, true);
		return;
	case W_POLL:
		poll_step(s, w);
		return;
	case W_COLLECT:
		s->locked = 1;
		collect(s);
		s->worker[w].pc = W_QUIET;
		next_quiet(s, w);
		return;
	case W_QUIET:
	case W_QUIET_SAY:
	case W_QUIET_LOOK:
		quiet_step(s, w);
		return;
	case W_SLEEP:
		s->worker[w].woken = 0;
		s->worker[w].searching = 1;
		s->worker[w].pc = s->worker[w].hint ? W_HINT : W_TAKE;
		return;
	default:
		doze_step(s, w);
		return;
	}
}

static bool worker_can_step(const struct state *s, int w)
{
	if (s->choose[w].pc != C_NOT)
		return false;
	switch (s->worker[w].pc) {
	case W_ABSENT:
		return false;
	case W_HINT:
		return !shard_is_locked(s, s->worker[w].hint - 1);
	case W_TAKE:
	case W_TAKE_RING:
	case W_COLLECT:
		return !s->locked;
	case W_SLEEP:
		return s->worker[w].woken;
	case W_POLL:
		return poll_how == POLL_A_WHILE || poller_finds(s);
	}
	return true;
}

/* --- the manager --------------------------------------------------------------------------- */

static void make_worker(struct state *s)
{
	for (int w = 0; w < NR_WORKERS; w++) {
		if (s->worker[w].pc != W_ABSENT)
			continue;
		s->worker[w].pc = W_TAKE;
		s->worker[w].searching = 1;
		s->nr_running++;
		s->nr_searching++;
		return;
	}
}

static void manager_step(struct state *s)
{
	if (s->manager == M_SLEEP) {
		s->asked = 0;
		s->manager = M_LOOK;
		return;
	}
	if (s->idle[0][0] || s->idle[1][0])
		s->choose[MANAGER].pc = C_SEARCHING;
	else if (s->nr_running < limit)
		make_worker(s);
	s->manager = M_SLEEP;
}

static bool manager_can_step(const struct state *s)
{
	return s->choose[MANAGER].pc == C_NOT && (s->asked || s->manager != M_SLEEP);
}

/* --- all of it ----------------------------------------------------------------------------- */

static void visit_choosers(const struct state *s, u32 *nr_steps)
{
	struct state next;

	for (int who = 0; who < NR_CHOOSERS; who++) {
		u8 pc = s->choose[who].pc;
		bool is_user = who >= NR_WORKERS && who < MANAGER;

		if (pc == C_NOT || (pc == C_CHOSEN && is_user))
			continue;
		memcpy(&next, s, sizeof(next));
		if (pc == C_CHOSEN)
			wake_chosen(&next, who);
		else
			choose_step(&next, who);
		model_visit(&next);
		++*nr_steps;
	}
}

static void visit_successors(const void *state)
{
	const struct state *s = state;
	struct state next;
	u32 nr_steps = 0;

	visit_choosers(s, &nr_steps);
	for (int u = 0; u < NR_USERS; u++) {
		if (!user_can_step(s, u))
			continue;
		memcpy(&next, s, sizeof(next));
		user_step(&next, u);
		model_visit(&next);
		nr_steps++;
	}
	for (int w = 0; w < NR_WORKERS; w++) {
		if (!worker_can_step(s, w))
			continue;
		memcpy(&next, s, sizeof(next));
		worker_step(&next, w);
		model_visit(&next);
		nr_steps += s->worker[w].pc != W_RUN;
	}
	if (manager_can_step(s)) {
		memcpy(&next, s, sizeof(next));
		manager_step(&next);
		model_visit(&next);
		nr_steps++;
	}
	if (!nr_steps && (s->worker[0].left || s->worker[1].left) &&
	    (s->works[0] || s->works[1]) && s->nr_running < limit)
		model_bad("left");
}

static bool is_finished(const void *state)
{
	const struct state *s = state;

	for (int u = 0; u < NR_USERS; u++) {
		if (s->user[u].pc != U_DONE)
			return false;
	}
	return !s->works[0] && !s->works[1];
}

/* Not after a work only: there are but two. */
static void poll_already(struct state *s)
{
	for (int stack = 0; stack < nr_stacks; stack++) {
		for (int i = 0; i < NR_WORKERS; i++) {
			if (s->idle[stack][i] == 1)
				s->idle[stack][i] = 0;
		}
		if (!s->idle[stack][0]) {
			s->idle[stack][0] = s->idle[stack][1];
			s->idle[stack][1] = 0;
		}
	}
	s->worker[0].pc = W_POLL;
	s->worker[0].searching = 1;
	s->nr_searching = s->nr_running = s->poller = 1;
}

/*
 * @how: 1: the second worker exists, 2: works go to two shards, 4: two may run, 8: workers go to
 * sleep on two CPUs.
 */
static u32 explore(u8 how)
{
	struct state first;

	memset(&first, 0, sizeof(first));
	limit = how & 4 ? 2 : 1;
	nr_stacks = how & 8 ? 2 : 1;
	for (int w = 0; w < (how & 1 ? 2 : 1); w++) {
		first.worker[w].pc = W_SLEEP;
		idle_push_model(&first, w);
	}
	first.user[1].shard = !!(how & 2);
	if (poll_how == POLL_FOREVER)
		poll_already(&first);
	return model_run(&first, sizeof(first), visit_successors, is_finished);
}

static const char *try(struct variant variant, const char *name)
{
	u64 nr_states = 0;

	v = &variant;
	for (u8 how = 0; how < 16 * 3 * NR_POLLS && !model.bad; how++) {
		poll_how = how / 48;
		wake_how = how / 16 % 3;
		nr_states += explore(how % 16);
	}
	return model_end(name, nr_states);
}

/* @part: what is left out, or done in its place. */
#define BROKEN_WITHOUT(part) EXPECT_TRUE(try((struct variant){ .part = true }, #part) != NULL)

TEST(wake_model, no_work_is_forgotten_whoever_is_woken_when)
{
	EXPECT_PTR_EQ(try((struct variant){ .no_kick = false }, "the protocol"), NULL);
}

TEST(wake_model, who_is_not_counted_any_more_must_look_once_more)
{
	BROKEN_WITHOUT(no_look_after_doze);
	BROKEN_WITHOUT(look_before_doze);
}

TEST(wake_model, who_says_that_a_shard_is_quiet_must_look_once_more)
{
	BROKEN_WITHOUT(no_look_when_quiet);
}

TEST(wake_model, a_shard_is_announced_before_somebody_is_chosen)
{
	BROKEN_WITHOUT(choose_before_announce);
}

TEST(wake_model, who_finds_nobody_idle_asks_the_manager)
{
	BROKEN_WITHOUT(manager_not_asked);
}

TEST(wake_model, who_chooses_looks_into_the_stacks_of_other_cpus_too)
{
	BROKEN_WITHOUT(pop_own_stack_only);
}

TEST(wake_model, who_is_woken_before_it_sleeps_does_not_sleep)
{
	BROKEN_WITHOUT(forget_early_wake);
}

TEST(wake_model, who_stops_searching_wakes_another_for_what_is_left_in_any_shard)
{
	BROKEN_WITHOUT(no_kick);
	BROKEN_WITHOUT(kick_for_own_shard_only);
	BROKEN_WITHOUT(kick_not_for_announced);
}

TEST(wake_model, who_polls_looks_at_what_is_announced_too)
{
	BROKEN_WITHOUT(poll_not_for_announced);
}

TEST(wake_model, who_has_polled_in_vain_is_not_counted_any_more_before_it_sleeps)
{
	BROKEN_WITHOUT(poll_ends_counted);
}

TEST(wake_model, who_found_a_work_by_polling_does_not_search_while_it_runs_it)
{
	BROKEN_WITHOUT(poller_runs_as_searching);
}
