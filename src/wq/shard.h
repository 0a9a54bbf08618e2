/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/shard.h - where works wait: one place for each queue and CPU
 *
 * Any context puts works on a stack, with one compare-and-exchange for as many as it
 * has.  Who takes works out holds the shard's lock, turns the whole stack over to the
 * end of a list, and takes from its front.
 *
 * On the stack works come in chains: ->next leads from the oldest of a chain to its
 * newest, ->link from the chain's oldest to the next older chain.  In the list ->next
 * leads on; ->link of the works up to ->fixed is the work before, with LINK_FIXED: it
 * is needed to take one out of the middle only, so it is set when that happens, once
 * for each work.
 *
 * Invariant: a work that is in no list has no LINK_FIXED in its ->link.
 * Ordering:  shard.push -> shard.splice, shard.quiet, shard.move (docs/memory-model.md).
 */
#ifndef ROVE_WQ_SHARD_H
#define ROVE_WQ_SHARD_H

#include <rove/workqueue.h>

#include "base/list.h"
#include "base/mutex.h"
#include "wq/age.h"

struct worker_pool;
struct lane;

#define CACHE_LINE 64

#define LINK_FIXED	1ul	/* in the list, and this is who is before it */
#define LINK_COUNTED	2ul	/* was taken once, and is in flight since */
#define LINK_COLOR	4ul	/* with LINK_COUNTED: under this color */
#define LINK_BITS	7ul

/* shard.announced */
enum {
	SHARD_QUIET,		/* its pool does not know that it may have works */
	SHARD_ANNOUNCING,	/* somebody is about to say so, or has: in a pool's stack */
	SHARD_KNOWN,		/* in its pool's ring, or starved */
};

/*
 * I  set before the shard is visible, never changed while its queue lives
 * L  under ->lock
 * P  under the lock of ->pool
 * A  atomic; the ORDER tag at each access says why
 *
 * Shards are never freed, only used again: whoever has a stale pointer finds a lock,
 * and under it that the shard is another's.
 */
struct shard {
	/* what queueing touches */
	struct rove_work	*stack;		/* A: newest chain */
	u32			announced;	/* A: above; changed to KNOWN, and from it, under the
						 * pool's lock */
	u32			id;		/* I: in the table of shards, with the generation
						 * (work_state.h) */
	struct worker_pool	*pool;		/* A, changed under ->lock and both pools' locks */
	struct rove_workqueue	*wq;		/* A: NULL: not used */
	u64			announce_ns;	/* A: when it was last announced */
	struct shard		*announce_next;	/* in the pool's stack of announced shards */
	u32			hand_over;	/* A: works come one by one, and somebody polls for
						 * them: who queues gives him a moment (poll.c) */
	u64			nr_wakeups;	/* A: workers woken by queueing */

	/* what taking touches */
	struct mutex		lock __attribute__((aligned(CACHE_LINE)));
						/* nests inside pool.lock */
	u32			color;		/* L: of what is taken from now on */
	u32			nr_turns;	/* L: of the color, since ever */
	struct rove_work	*first;		/* L, read without: 0 or not */
	struct rove_work	*last;		/* L */
	struct rove_work	*fixed;		/* L: last one whose ->link is known; NULL: none */
	u64			nr_listed;	/* L: length of the list */
	u64			splice_ns;	/* L: about when the stack was last taken */
	struct lane		*lane;		/* as ->pool */
	struct shard_age	age;		/* L: of those in the list */
	u64			nr_taken;	/* L: begun or about to be, since ever */
	u64			nr_helped;	/* L */
	u32			batch_mean;	/* L: works taken at a time, times POLL_BATCH_ONE */
	struct list_head	ring;		/* P: in the pool's ring; empty: not there */

	/* what ends touch */
	u32			nr_flying[2] __attribute__((aligned(CACHE_LINE)));
						/* A: taken and not ended, by color */
	u32			flush_waits;	/* A: 0, or which flush waits for nr_flying[!color] to
						 * be 0 (flush.c) */
	u64			tokens;		/* A: rights to run, of the lane's, kept here; and
						 * lane.id above (active.c) */
	u32			run_ns;		/* A: what one work takes, about; 0: not known */
	u32			starved;	/* A, changed under ->lock: works, but no token */

	/* what happens rarely */
	u64			nr_cm_wakeups __attribute__((aligned(CACHE_LINE)));
						/* A: works that waited */
	u64			nr_cpu_intensive; /* A: works that computed for long */
	u64			cpu_time_ns;	/* A: of its works, as far as the manager looked */
};

struct shard *shard_alloc(void);
void shard_release(struct shard *s);
struct shard *shard_by_id(u32 id);

bool shard_push(struct shard *s, struct rove_work *first, struct rove_work *last, u32 nr);
void shard_splice_locked(struct shard *s);
struct rove_work *shard_pop_locked(struct shard *s, u32 *ret_color_bits);
void shard_append_locked(struct shard *s, struct rove_work *work);
void shard_unpop_locked(struct shard *s, struct rove_work *work, u32 color);
bool shard_unlink_locked(struct shard *s, struct rove_work *work, u32 *ret_color_bits);

/**
 * shard_push_linked - put a chain of works on the stack, of which all links but one are set
 * @first:  oldest; the last one's ->next is NULL; the caller owns them all
 *
 * Context: any.  Lock-free.
 * Return:  true if the pool has to be told (pool_announce()).
 */
static inline bool shard_push_linked(struct shard *s, struct rove_work *first)
{
	struct rove_work *older = READ_ONCE(s->stack);

	/*
	 * ORDER shard.push (seq_cst): the chain comes before the stack shows it, and
	 * the push before the looks at ->announced and ->pool.  Pairs with shard.splice,
	 * shard.quiet and shard.move in shard_splice_locked(), quiet_shard_locked() and
	 * move_shard_locked().
	 */
	do
		WRITE_ONCE(first->link, older);
	while (unlikely(!cmpxchg_seq_cst(&s->stack, &older, first)));
	return !load_seq_cst(&s->announced);
}

/**
 * shard_pop_newest_locked - take the work that was queued last, if it came alone and none older waits
 *
 * Context: thread, under s->lock: nobody else takes works off the stack, so what is on top
 *          of it is what was there at the first look.
 * Return:  false: it is not so.
 */
static inline bool shard_pop_newest_locked(struct shard *s, struct rove_work *work)
{
	struct rove_work *newest = work;

	assert_held(&s->lock);
	/*
	 * ORDER shard.splice (acquire): as in shard_splice_locked().  Pairs with shard.push in
	 * shard_push_linked().
	 */
	return load_acquire(&s->stack) == work && !READ_ONCE(work->next) &&
	       !READ_ONCE(work->link) && cmpxchg_seq_cst(&s->stack, &newest, NULL);
}

/*
 * The caller is about to take what is there, and all of that is in the memory of another CPU: it
 * may come at the same time.  The work is not looked into, so it may be gone.  Context: any.
 */
static inline void shard_fetch(struct shard *s)
{
	fetch_to_write(&s->stack);
	fetch_to_write(READ_ONCE(s->stack));
}

/* Context: any.  May be wrong in both directions for a moment without the lock. */
static inline bool shard_looks_empty(const struct shard *s)
{
	return !READ_ONCE(s->stack) && !READ_ONCE(s->first);
}

#endif
