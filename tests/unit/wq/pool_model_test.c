/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * pool_model_test.c - every interleaving of queues that come and go and a pool's last worker
 *
 * Two users each get a pool and put it two times, as pools.c does it; the manager makes workers
 * and lets idle ones end, as manager.c does it: because nobody uses the pool, or because they
 * were idle for long.  Threads may fail to be made, at any time.  A step is one access that
 * others can see: of pool->dying, or of pool->nr_workers, which is changed under the pool's lock.
 *
 *	alone:	somebody has got the pool, and it has no worker
 *	stuck:	from here on it cannot come about any more that nobody uses the pool and all
 *		its workers have ended
 *
 * Both did it without the lock of pools once, and looked at the other's word after they had
 * written their own (manager_undoes); that is found to be wrong here, too.
 */
#include "tests/model.h"

#define NR_USERS 2
#define NR_ROUNDS 2		/* of each user */
#define NR_ALIVE_MAX 3		/* so many workers are enough */
#define MANAGER NR_USERS	/* who may lock, too */

struct variant {
	bool no_second_look, manager_undoes, manager_ends_without_lock, manager_makes_without_lock,
	     users_without_lock, put_says_nothing, failure_says_nothing;
};

enum manager_pc { CHOOSE, CHOSEN, DECIDE, COUNT, LOOK_COUNT, LOOK_DYING, UNDO, END, ADD, MAKE, FAIL };

enum user_pc { OUT, REVIVE, LOOK, START, CREATE, FAILED, ENTER, USES, PUT };

/* Bytes without padding. */
struct state {
	u8 nr_users, nr_workers, dying;		/* of the pool */
	u8 alive;				/* workers that have not ended */
	u8 lock;				/* pools_lock: who holds it, and 1 */
	u8 manager;
	struct {
		u8 pc, nr_left;
	} user[NR_USERS];
};

static const struct variant *v;

static void lock(struct state *s, u32 who)
{
	s->lock = who + 1;
}

static void unlock(struct state *s, u32 who)
{
	if (s->lock == who + 1)
		s->lock = 0;
}

/* --- the manager: make_worker(), let_go(), end_worker() --- */

static void manager_begins(const struct state *s, u8 with, bool without_lock)
{
	struct state next;

	if (s->lock && !without_lock)
		return;
	memcpy(&next, s, sizeof(next));
	if (!without_lock)
		lock(&next, MANAGER);
	next.manager = with;
	model_visit(&next);
}

/* Without the lock it chooses a worker that may end; of works that were queued it knows late. */
static void choose(const struct state *s)
{
	if (s->alive && (s->dying || s->nr_workers > 1))
		manager_begins(s, CHOSEN, true);
	if (s->alive < NR_ALIVE_MAX)
		manager_begins(s, ADD, v->manager_makes_without_lock);
}

static void manager_is_done(struct state *s)
{
	unlock(s, MANAGER);
	s->manager = CHOOSE;
}

static void manager_step(struct state *s)
{
	switch (s->manager) {
	case DECIDE:
		s->manager = COUNT;
		if (s->nr_workers <= 1 && !s->dying)
			manager_is_done(s);
		return;
	case COUNT:
		s->nr_workers--;
		unlock(s, MANAGER);
		s->manager = v->manager_undoes ? LOOK_COUNT : END;
		return;
	case LOOK_COUNT:
		s->manager = s->nr_workers ? END : LOOK_DYING;
		return;
	case LOOK_DYING:
		s->manager = s->dying ? END : UNDO;
		return;
	case UNDO:
		s->nr_workers++;
		s->manager = CHOOSE;
		return;
	case END:
		s->alive--;
		s->manager = CHOOSE;
		return;
	case ADD:
		s->nr_workers++;
		s->manager = MAKE;
		return;
	case MAKE:
		s->alive++;
		manager_is_done(s);
		return;
	case FAIL:
		s->nr_workers--;
		manager_is_done(s);
		return;
	}
}

/* --- a user: pool_get(), pool_put() --- */

static bool user_can_lock(const struct state *s)
{
	return v->users_without_lock || !s->lock;
}

static void enter(struct state *s, u32 u)
{
	s->nr_users++;
	s->dying = 0;
	unlock(s, u);
	s->user[u].pc = USES;
}

static void put(struct state *s, u32 u)
{
	if (!--s->nr_users && !v->put_says_nothing)
		s->dying = 1;
	s->user[u].pc = OUT;
	s->user[u].nr_left--;
}

static void give_up(struct state *s, u32 u)
{
	if (!v->failure_says_nothing)
		s->dying = !s->nr_users;
	unlock(s, u);
	s->user[u].pc = OUT;
	s->user[u].nr_left--;
}

static void user_step(struct state *s, u32 u)
{
	u8 *pc = &s->user[u].pc;

	switch (*pc) {
	case OUT:
		if (!v->users_without_lock)
			lock(s, u);
		*pc = REVIVE;
		return;
	case REVIVE:
		s->dying = 0;
		*pc = LOOK;
		return;
	case LOOK:
		*pc = s->nr_workers ? ENTER : START;
		return;
	case START:
		s->nr_workers++;
		*pc = CREATE;
		return;
	case CREATE:
		s->alive++;
		*pc = ENTER;
		return;
	case FAILED:
		give_up(s, u);
		return;
	case ENTER:
		enter(s, u);
		return;
	case USES:
		*pc = PUT;
		return;
	case PUT:
		put(s, u);
		return;
	}
}

static bool user_can_step(const struct state *s, u32 u)
{
	switch (s->user[u].pc) {
	case OUT:
		return s->user[u].nr_left && user_can_lock(s);
	case PUT:
		return user_can_lock(s);
	}
	return true;
}

/* --- all of them --- */

static void look_for_bad(const struct state *s)
{
	for (u32 u = 0; u < NR_USERS; u++) {
		if ((s->user[u].pc == USES || s->user[u].pc == PUT) && !s->alive)
			model_bad("alone: a user of the pool, and no worker");
	}
}

/* The next step is that no thread can be had. */
static void without_a_thread(const struct state *s, u32 who)
{
	struct state next;

	memcpy(&next, s, sizeof(next));
	if (who == MANAGER) {
		next.manager = FAIL;
	} else {
		next.nr_workers--;
		next.user[who].pc = FAILED;
	}
	model_visit(&next);
}

static void visit_manager(const struct state *s)
{
	struct state next;

	if (s->manager == CHOOSE) {
		choose(s);
		return;
	}
	if (s->manager == CHOSEN) {
		manager_begins(s, v->no_second_look || v->manager_undoes ? COUNT : DECIDE,
			       v->manager_undoes || v->manager_ends_without_lock);
		return;
	}
	memcpy(&next, s, sizeof(next));
	manager_step(&next);
	model_visit(&next);
	if (s->manager == MAKE)
		without_a_thread(s, MANAGER);
}

static void visit_successors(const void *state)
{
	const struct state *s = state;
	struct state next;

	look_for_bad(s);
	visit_manager(s);
	for (u32 u = 0; u < NR_USERS; u++) {
		if (!user_can_step(s, u))
			continue;
		memcpy(&next, s, sizeof(next));
		user_step(&next, u);
		model_visit(&next);
		if (s->user[u].pc == CREATE)
			without_a_thread(s, u);
	}
}

static bool is_finished(const void *state)
{
	const struct state *s = state;
	u32 nr_left = 0;

	for (u32 u = 0; u < NR_USERS; u++)
		nr_left += s->user[u].nr_left;
	return !nr_left && !s->alive && s->manager == CHOOSE;
}

/* A pool that was left with a worker: nobody uses it, and that has not ended yet. */
static const char *try(struct variant variant, const char *name)
{
	struct state first;

	v = &variant;
	memset(&first, 0, sizeof(first));
	first.nr_workers = first.alive = first.dying = 1;
	for (u32 u = 0; u < NR_USERS; u++)
		first.user[u].nr_left = NR_ROUNDS;
	return model_end(name, model_run(&first, sizeof(first), visit_successors, is_finished));
}

/* @part: what is left out, or done in its place. */
#define BROKEN_WITHOUT(part) EXPECT_TRUE(try((struct variant){ .part = true }, #part) != NULL)

TEST(pool_model, who_uses_a_pool_has_a_worker_and_a_pool_that_is_left_loses_all)
{
	EXPECT_PTR_EQ(try((struct variant){ .no_second_look = false }, "the protocol"), NULL);
}

TEST(pool_model, the_manager_looks_once_more_under_the_lock_whether_a_worker_may_end)
{
	BROKEN_WITHOUT(no_second_look);
	BROKEN_WITHOUT(manager_ends_without_lock);
	BROKEN_WITHOUT(manager_undoes);
}

TEST(pool_model, a_worker_that_the_manager_makes_is_counted_by_nobody_before_it_is_there)
{
	BROKEN_WITHOUT(manager_makes_without_lock);
}

TEST(pool_model, a_pool_is_got_and_put_under_the_lock)
{
	BROKEN_WITHOUT(users_without_lock);
}

TEST(pool_model, whoever_leaves_it_without_a_user_says_so)
{
	BROKEN_WITHOUT(put_says_nothing);
	BROKEN_WITHOUT(failure_says_nothing);
}
