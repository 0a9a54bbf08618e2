/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/help.c - a thread that waits for works runs them itself
 *
 * It is a worker without a pool meanwhile: it needs a token, what it runs is in flight,
 * and others find it in the work.  It takes the works it waits for and no others, which
 * might need what the caller holds; of an ordered queue only the one whose turn it is.
 *
 * Invariant: helper_of[d] of a thread is used by the d-th help inside of each other.
 */
#include <errno.h>

#include "wq/active.h"
#include "wq/help.h"
#include "wq/take.h"
#include "wq/watch.h"
#include "wq/work_state.h"
#include "wq/wq.h"

/* Deeper nested helps wait instead. */
#define HELP_DEPTH 8

static __thread struct worker *helper_of[HELP_DEPTH]
	__attribute__((tls_model("initial-exec")));
static __thread u32 help_depth __attribute__((tls_model("initial-exec")));
static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
static bool exit_key_made;

static void thread_exits(void *arg)
{
	for (u32 i = 0; i < HELP_DEPTH; i++) {
		if (helper_of[i])
			worker_release(helper_of[i]);
		helper_of[i] = NULL;
	}
}

static void make_exit_key(void)
{
	exit_key_made = !pthread_key_create(&exit_key, thread_exits);
}

static struct worker *__attribute__((noinline)) make_helper(void)
{
	struct worker *w;

	pthread_once(&exit_once, make_exit_key);
	if (!exit_key_made || pthread_setspecific(exit_key, &helper_of))
		return NULL;
	w = worker_alloc();
	helper_of[help_depth] = w;
	return w;
}

/* NULL: cannot help. */
static inline struct worker *helper(void)
{
	if (unlikely(help_depth >= HELP_DEPTH))
		return NULL;
	return likely(helper_of[help_depth] != NULL) ? helper_of[help_depth] : make_helper();
}

static bool is_waiting_in(const struct rove_work *work, const struct shard *s)
{
	return work_state_waits_in(READ_ONCE(work->state), s->id);
}

/* What a helper has taken; the first it has claimed, the others are in its slots. */
struct help_take {
	unsigned long	first;		/* as in a slot; 0: nothing */
	u32		nr_slots;
	u32		nr_new;		/* that were not in flight before */
};

/* The first is begun at once: nobody need find it in a slot. */
static inline void take_slot(struct worker *w, struct help_take *take, unsigned long slot)
{
	/* ORDER slot.fill (release): as in fill_slots_locked().  Pairs with slot.claim. */
	if (likely(take->first))
		store_release(&w->slot[take->nr_slots++], slot);
	else
		take->first = slot;
}

/* One that may be anywhere.  Return: what goes into a slot, or 0. */
static unsigned long __attribute__((noinline))
take_from_list_locked(struct shard *s, struct rove_work *work, struct help_take *take)
{
	u32 bits, color = s->color;

	if (!is_waiting_in(work, s))
		return 0;
	if ((s->wq->flags & ROVE_WQ_ORDERED) && s->first != work)
		return 0;
	if (!shard_unlink_locked(s, work, &bits))
		return 0;
	if (unlikely(bits & LINK_COUNTED))
		color = !!(bits & LINK_COLOR);
	else
		take->nr_new++;
	s->nr_helped++;
	return (unsigned long)work | (color ? SLOT_COLOR : 0);
}

/*
 * Those in front of the list, as far as they are the ones waited for, in the same order: they
 * are waited for as they were queued.  Nothing is written in them; that they are not in the
 * list any more is, under the lock, written once, after all.
 *
 * Return: how many.
 */
static size_t take_front_locked(struct shard *s, struct worker *w, struct help_take *take,
				struct rove_work *const *works, size_t nr)
{
	unsigned long color = s->color ? SLOT_COLOR : 0;
	struct rove_work *work = s->first;
	size_t i, nr_max = min(nr, (size_t)(WORKER_SLOTS - take->nr_slots + !take->first));

	assert_held(&s->lock);
	if (unlikely(s->fixed))
		return 0;
	for (i = 0; i < nr_max && work == works[i]; i++) {
		struct rove_work *next = work->next;

		take_slot(w, take, (unsigned long)work | color);
		work = next;
	}
	WRITE_ONCE(s->first, work);
	s->nr_listed -= i;
	s->nr_helped += i;
	take->nr_new += i;
	return i;
}

/* Return: how many from the beginning are not worth another try. */
static size_t take_locked(struct shard *s, struct worker *w, struct help_take *take,
			  struct rove_work *const *works, size_t nr)
{
	size_t i = take_front_locked(s, w, take, works, nr);

	while (unlikely(i < nr) && take->nr_slots < WORKER_SLOTS) {
		unsigned long slot = take_from_list_locked(s, works[i++], take);

		if (slot)
			take_slot(w, take, slot);
		i += take_front_locked(s, w, take, works + i, nr - i);
	}
	return i;
}

/* @slot: one that the caller has claimed, before those of the batch; or 0. */
static void help_run(struct worker *w, unsigned long slot)
{
	help_depth++;
	w->outer = worker_self;
	worker_run_batch(w, slot);
	help_depth--;
}

/* May a helper run works of a shard?  Then the lock is held.  Context: thread, takes s->lock. */
static inline bool help_enter_locks(struct shard *s, struct worker *w)
{
	mutex_lock(&s->lock);
	if (likely(s->wq && (s->wq->flags & ROVE_WQ_HELP)) && likely(token_try_get_locked(s))) {
		worker_board_locked(w, s);
		return true;
	}
	mutex_unlock(&s->lock);
	return false;
}

/* Run what was taken.  Context: may sleep, drops s->lock. */
static inline void help_run_and_unlock(struct shard *s, struct worker *w,
				       const struct help_take *take)
{
	w->nr_batch = take->nr_slots;
	shard_left_locked(s, take->nr_new);
	shard_begin_locked(s, take->nr_new);
	mutex_unlock(&s->lock);
	help_run(w, take->first);
}

/* Context: may sleep.  Return: how many from the beginning are not worth another try. */
static size_t help_from_shard(struct shard *s, struct worker *w,
			      struct rove_work *const *works, size_t nr)
{
	struct help_take take = { 0 };
	size_t nr_done;

	if (!help_enter_locks(s, w))
		return nr;
	shard_splice_locked(s);
	nr_done = take_locked(s, w, &take, works, nr);
	help_run_and_unlock(s, w, &take);
	return nr_done;
}

/* Nothing is to be run here: the work is idle again.  Context: thread. */
static void forget_queueing(struct rove_work *work)
{
	struct watcher *watchers;
	u64 old = watch_leave(work, 0, &watchers);

	watch_left(watchers, work, work_state_worker(old));
}

/**
 * help_instead - run a work at once instead of queueing it
 * @s:     where it would have been queued
 * @work:  the caller has made it pending
 *
 * Context: may sleep.
 * Return:  1, or -EAGAIN: as many as may run already; the work is idle again.
 */
int help_instead(struct shard *s, struct rove_work *work)
{
	struct worker *w = helper();
	unsigned long slot = 0;
	bool may;

	mutex_lock(&s->lock);
	may = w && !(s->wq->flags & ROVE_WQ_ORDERED) && token_try_get_locked(s);
	if (may) {
		worker_board_locked(w, s);
		shard_begin_locked(s, 1);
		slot = (unsigned long)work | (s->color ? SLOT_COLOR : 0);
		w->nr_batch = 0;
	}
	mutex_unlock(&s->lock);
	if (may)
		help_run(w, slot);
	else
		forget_queueing(work);
	return may ? 1 : -EAGAIN;
}

/**
 * help_with_many - run those works of many that have not begun, where one may
 *
 * Context: may sleep.
 * Return:  the number of the worker that ran them, which is in none now; 0: none did.
 */
u32 help_with_many(struct rove_work *const *works, size_t nr)
{
	struct worker *w = helper();

	for (size_t i = 0; w && i < nr;) {
		u64 state = READ_ONCE(works[i]->state);
		struct shard *s = state & WORK_PENDING ? shard_by_id(work_state_shard(state)) : NULL;

		if (s && is_waiting_in(works[i], s))
			i += help_from_shard(s, w, works + i, nr - i);
		else
			i++;
	}
	return w ? w->id : 0;
}

/* The newest of a shard need not be looked for.  Return: the work has been taken. */
static inline bool take_newest_locked(struct shard *s, struct rove_work *work,
				      struct help_take *take)
{
	if (((s->wq->flags & ROVE_WQ_ORDERED) && s->first) || !shard_pop_newest_locked(s, work))
		return false;
	take->first = (unsigned long)work | (s->color ? SLOT_COLOR : 0);
	take->nr_new = 1;
	s->nr_helped++;
	return true;
}

/**
 * help_with - run a work that is being waited for
 *
 * Context: may sleep.
 * Return:  true: it has been run.
 */
bool help_with(struct rove_work *work)
{
	struct help_take take = { 0 };
	struct worker *w = helper();
	u64 state = READ_ONCE(work->state), nr_begun;
	struct shard *s = shard_by_id(work_state_shard(state));

	if (!w || !s || !is_waiting_in(work, s) || !help_enter_locks(s, w))
		return false;
	nr_begun = w->nr_begun;
	if (!take_newest_locked(s, work, &take)) {
		shard_splice_locked(s);
		take_locked(s, w, &take, &work, 1);
	}
	help_run_and_unlock(s, w, &take);
	return w->nr_begun != nr_begun;
}

/* Does this thread keep a worker for helping?  Context: thread. */
bool help_uses(const struct worker *w)
{
	for (u32 i = 0; i < HELP_DEPTH; i++) {
		if (helper_of[i] == w)
			return true;
	}
	return false;
}
