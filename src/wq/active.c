/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/active.c - tokens
 */
#include "wq/active.h"
#include "wq/pool.h"
#include "wq/worker.h"

/* Works of a lane that need no other CPU's token. */
#define KEEP_MAX 8

/* shard.tokens: how many, and above them of which lane: a token never changes lanes. */
#define TOKENS_LANE_SHIFT 32

static bool take_spare(struct lane *lane)
{
	s32 n = READ_ONCE(lane->spare);

	/*
	 * ORDER token.get (acquire): the work that is begun with the token comes after the
	 * one that was ended with it.  Pairs with token.put in token_put().
	 */
	while (n > 0) {
		if (cmpxchg_acq_rel(&lane->spare, &n, n - 1))
			return true;
	}
	return false;
}

static bool take_kept(struct lane *lane, struct shard *s)
{
	u64 kept = load_seq_cst(&s->tokens);

	/*
	 * ORDER token.get (acquire): as in take_spare().  Pairs with token.put in
	 * token_put().
	 */
	while ((u32)kept && kept >> TOKENS_LANE_SHIFT == lane->id) {
		if (cmpxchg_seq_cst(&s->tokens, &kept, kept - 1))
			return true;
	}
	return false;
}

static bool put_kept(struct lane *lane, struct shard *s)
{
	u64 kept = READ_ONCE(s->tokens);

	while (kept >> TOKENS_LANE_SHIFT == lane->id && (u32)kept < READ_ONCE(lane->keep)) {
		/*
		 * ORDER token.put (seq_cst): as in token_put().  Pairs with token.get and
		 * token.starve in take_kept() and token_get_locked().
		 */
		if (cmpxchg_seq_cst(&s->tokens, &kept, kept + 1))
			return true;
	}
	return false;
}

/**
 * lane_adopt_locked - tokens of another lane leave a shard, those of this one may come
 *
 * Context: thread, under s->lock.
 * Return:  how many there were.
 */
u32 lane_adopt_locked(struct lane *lane, struct shard *s)
{
	assert_held(&s->lock);
	return xchg_seq_cst(&s->tokens, (u64)lane->id << TOKENS_LANE_SHIFT);
}

/**
 * token_try_get_locked - the right to run works of a shard, if there is one left
 *
 * Context: thread, under s->lock.
 */
bool token_try_get_locked(struct shard *s)
{
	struct lane *lane = s->lane;

	if (likely(take_kept(lane, s)) || take_spare(lane))
		return true;
	for (u32 i = 0; i < lane->nr_shards; i++) {
		if (take_kept(lane, lane->shards[i]))
			return true;
	}
	return false;
}

/**
 * token_get_locked - the right to run one work of a shard at a time
 *
 * Context: thread, under s->lock.
 * Return:  false: none is left; the shard is starved then, and announced to its pool
 *          again when a token comes back.
 */
bool token_get_locked(struct shard *s)
{
	assert_held(&s->lock);
	if (likely(token_try_get_locked(s)))
		return true;
	if (!s->starved) {
		WRITE_ONCE(s->starved, 1);
		/*
		 * ORDER token.starve (seq_cst): before the second look for a token.  Either
		 * that finds the one put back, or who puts it back finds the shard starved.
		 * Pairs with token.put in token_put().
		 */
		fetch_add_seq_cst(&s->lane->nr_starved, 1);
	}
	if (!token_try_get_locked(s))
		return false;
	WRITE_ONCE(s->starved, 0);
	fetch_add_seq_cst(&s->lane->nr_starved, -1);
	return true;
}

/* Context: thread; takes locks of shards. */
static void lane_feed(struct lane *lane)
{
	for (u32 i = 0; i < lane->nr_shards; i++) {
		struct shard *s = lane->shards[i];
		bool was;

		if (!READ_ONCE(s->starved))
			continue;
		mutex_lock(&s->lock);
		was = s->lane == lane && s->starved;
		if (was) {
			WRITE_ONCE(s->starved, 0);
			fetch_add_seq_cst(&lane->nr_starved, -1);
		}
		mutex_unlock(&s->lock);
		if (was)
			pool_reannounce(s);
	}
}

static bool pay_debt(struct lane *lane)
{
	s32 n = READ_ONCE(lane->spare);

	while (n < 0) {
		if (cmpxchg_acq_rel(&lane->spare, &n, n + 1))
			return true;
	}
	return false;
}

/**
 * token_put - the right is given back
 * @lane:  of which it was taken; not used any more when this returns
 * @s:     for which it was taken; may be in another lane by now
 *
 * Context: thread, under no lock.
 */
void token_put(struct lane *lane, struct shard *s)
{
	if (unlikely(READ_ONCE(lane->spare) < 0) && pay_debt(lane))
		return;
	/*
	 * ORDER token.put (seq_cst): the works that ran come before the next one with this
	 * token, and the token before the look who starves.  Pairs with token.get
	 * and token.starve in take_spare() and token_get_locked().
	 *
	 * Who takes tokens in lets the lane owe first and then looks into the shards; who
	 * keeps one in a shard looks then whether the lane owes.
	 */
	if (!put_kept(lane, s) ||
	    (unlikely(load_seq_cst(&lane->spare) < 0) && take_kept(lane, s)))
		fetch_add_seq_cst(&lane->spare, 1);
	if (unlikely(load_seq_cst(&lane->nr_starved)))
		lane_feed(lane);
}

/**
 * lane_set_max_active - change the number of tokens
 * @max_active:  0: nothing begins
 *
 * Too many that are out are taken in when they come back.
 *
 * Context: thread, under the lock of the queue's configuration.
 */
void lane_set_max_active(struct lane *lane, u32 max_active)
{
	s32 more = (s32)max_active - (s32)lane->max_active;
	u32 each = lane->nr_shards ? max_active / (2 * lane->nr_shards) : 0;

	lane->max_active = max_active;
	WRITE_ONCE(lane->keep, min(each, (u32)KEEP_MAX));
	fetch_add_seq_cst(&lane->spare, more);
	for (u32 i = 0; i < lane->nr_shards && READ_ONCE(lane->spare) < 0; i++) {
		while (READ_ONCE(lane->spare) < 0 && take_kept(lane, lane->shards[i]))
			fetch_add_seq_cst(&lane->spare, 1);
	}
	if (load_seq_cst(&lane->nr_starved))
		lane_feed(lane);
}

/**
 * lane_holds - are tokens of a lane out that is not used any more, or frozen?
 *
 * Context: thread, under the lock of the queue's configuration.
 */
bool lane_holds(struct lane *lane)
{
	return load_seq_cst(&lane->spare) < (s32)lane->max_active;
}

static u32 nr_parked_puts;	/* A */

/**
 * token_put_parked - give back a token that was with a work, not with a worker
 *
 * Context: as token_put().
 */
void token_put_parked(struct lane *lane, struct shard *s)
{
	fetch_add_seq_cst(&nr_parked_puts, 1);
	token_put(lane, s);
	/* ORDER lane.leave (release): as in worker_end_batch().  Pairs with lane.reap. */
	fetch_add_seq_cst(&nr_parked_puts, -1);
}

/**
 * lane_is_left - may a lane be freed that its queue does not use any more?
 *
 * Who puts the last token back has said before that the lane is in use, and says after it
 * that it is not.  So whoever finds all tokens there finds the first, or both.
 *
 * Context: thread, under the lock of the queue's configuration.
 */
bool lane_is_left(struct lane *lane)
{
	if (lane_holds(lane))
		return false;
	/*
	 * ORDER lane.reap (acquire): what is done with the lane comes before it is freed.
	 * Pairs with lane.leave in worker_end_batch() and token_put_parked().
	 */
	if (load_seq_cst(&nr_parked_puts))
		return false;
	for (u32 id = 1; id < worker_id_end(); id++) {
		struct worker *w = worker_by_id(id);

		if (w && load_acquire(&w->lane) == lane)
			return false;
	}
	return true;
}
