/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/pool.c - which shards have works, and who is woken for them
 *
 * Why no work is forgotten.  Somebody puts a work into a shard and finds it announced:
 * then it is in the ring, or on its way there, and whoever would take it out of the
 * ring, before sleeping, looks into the shard once more after it has said that it is
 * not announced any more (shard.push -> shard.quiet).  Or he finds it not
 * announced: then he announces it and looks for somebody to wake.  If he finds one
 * that searches, or as many as may run, then each of those looks at what is announced
 * once more after it has stopped to be counted (pool.kick -> pool.doze).
 */
#include "base/clock.h"
#include "wq/bh.h"
#include "wq/cpu.h"
#include "wq/manager.h"
#include "wq/pool.h"
#include "wq/take.h"

/* --- the stacks of idle workers --- */

#define IDLE_TAG_ONE (1ull << 32)

/**
 * idle_push - a worker is about to sleep
 * @w:  ->idle_cpu says in which stack
 *
 * Context: any.
 */
void idle_push(struct worker_pool *pool, struct worker *w)
{
	u64 *stack = &pool->idle[w->idle_cpu % POOL_IDLE_STACKS];
	u64 head = READ_ONCE(*stack);

	fetch_add_relaxed(&pool->nr_idle, 1);
	/*
	 * ORDER idle.push (release): what the worker did comes before it is chosen.  The
	 * tag tells one visit from the next.  Pairs with idle.pop in pop_from().
	 */
	do
		WRITE_ONCE(w->idle_next, (u32)head);
	while (!cmpxchg_seq_cst(stack, &head,
				((head + IDLE_TAG_ONE) & ~(IDLE_TAG_ONE - 1)) | w->id));
}

static struct worker *pop_from(u64 *stack)
{
	/*
	 * ORDER idle.pop (acquire): pairs with idle.push in idle_push().
	 */
	u64 head = load_seq_cst(stack);
	struct worker *w;

	do {
		if (!(u32)head)
			return NULL;
		w = worker_by_id((u32)head);
	} while (!cmpxchg_seq_cst(stack, &head, ((head + IDLE_TAG_ONE) & ~(IDLE_TAG_ONE - 1)) |
						READ_ONCE(w->idle_next)));
	return w;
}

/**
 * idle_pop - claim a worker that sleeps
 *
 * The one that went to sleep last on this CPU, if there is one: its cache is warm, the oldest
 * can be let go, and the CPU does not sleep.  To wake one on a CPU that does takes three times
 * as long.  Else the one that went to sleep last on another CPU.
 *
 * Context: any.
 * Return:  NULL: none is idle, or one has become so only while the others were looked at: that
 *          one will look at what is announced.  Else nobody else will choose it: the caller
 *          wakes it.
 */
struct worker *idle_pop(struct worker_pool *pool)
{
	u32 here = cpu_now();

	for (u32 i = 0; i < POOL_IDLE_STACKS; i++) {
		struct worker *w = pop_from(&pool->idle[(here + i) % POOL_IDLE_STACKS]);

		if (w) {
			fetch_add_relaxed(&pool->nr_idle, -1);
			return w;
		}
	}
	return NULL;
}

/* Context: any. */
bool pool_has_idle(struct worker_pool *pool)
{
	for (u32 i = 0; i < POOL_IDLE_STACKS; i++) {
		if ((u32)load_seq_cst(&pool->idle[i]))
			return true;
	}
	return false;
}

/* --- waking --- */

/**
 * pool_choose - who shall be woken for works that are announced
 *
 * A worker that searches, or as many running as there may be, find the works without
 * being woken.
 *
 * Context: any.
 * Return:  a worker for worker_wake(), claimed and counted; NULL: nobody need or can be.
 */
struct worker *pool_choose(struct worker_pool *pool)
{
	struct worker *w;
	u32 none = 0;

	if (unlikely(pool->is_bh)) {
		bh_kick(pool);
		return NULL;
	}
	/*
	 * ORDER pool.kick (seq_cst): after the announcement.  Whoever is counted here looks
	 * at what is announced after it is counted no more.  Pairs with pool.doze in
	 * pool_doze().
	 */
	if (load_seq_cst(&pool->nr_searching) ||
	    load_seq_cst(&pool->nr_running) >= pool->limit)
		return NULL;
	if (!cmpxchg_seq_cst(&pool->nr_searching, &none, 1))
		return NULL;
	fetch_add_seq_cst(&pool->nr_running, 1);
	w = idle_pop(pool);
	if (likely(w))
		return w;
	/* The claim goes to the worker that the manager is going to make. */
	fetch_add_seq_cst(&pool->nr_running, -1);
	fetch_add_seq_cst(&pool->nr_searching, -1);
	WRITE_ONCE(pool->need_worker, 1);
	manager_wake();
	return NULL;
}

/**
 * pool_kick - see to it that somebody looks at what is announced
 *
 * Context: any.
 */
void pool_kick(struct worker_pool *pool)
{
	struct worker *w = pool_choose(pool);

	if (w)
		worker_wake(w);
}

/**
 * pool_wake_and_unlock - wake who was chosen, under the pool's lock or after it
 * @w:     of pool_choose(), or NULL
 * @wake:  ROVE_WQ_WAKE_UNDER or ROVE_WQ_WAKE_AFTER
 *
 * Context: thread, drops pool->lock.
 */
void pool_wake_and_unlock(struct worker_pool *pool, struct worker *w, u32 wake)
{
	assert_held(&pool->lock);
	if (w && wake == ROVE_WQ_WAKE_UNDER)
		worker_wake(w);
	mutex_unlock(&pool->lock);
	if (w && wake == ROVE_WQ_WAKE_AFTER)
		worker_wake(w);
}

/* --- announced shards --- */

static void push_announced(struct worker_pool *pool, struct shard *s)
{
	struct shard *head = READ_ONCE(pool->announced);

	/*
	 * ORDER pool.announce (seq_cst): the works come before the announcement, and that
	 * before the look who is awake.  Pairs with pool.observe in
	 * pool_collect_locked() and pool.doze in pool_doze().
	 */
	do
		WRITE_ONCE(s->announce_next, head);
	while (!cmpxchg_seq_cst(&pool->announced, &head, s));
}

/**
 * pool_announce - a shard has works, and may be unknown to its pool
 *
 * Context: any.  Lock-free.
 */
void pool_announce(struct shard *s)
{
	u32 quiet = SHARD_QUIET;

	if (!cmpxchg_seq_cst(&s->announced, &quiet, SHARD_ANNOUNCING))
		return;
	WRITE_ONCE(s->announce_ns, clock_mono_ns());
	push_announced(shard_pool(s), s);
}

static void ring_add_locked(struct worker_pool *pool, struct shard *s)
{
	assert_held(&pool->lock);
	list_add_tail(&s->ring, &pool->ring);
	WRITE_ONCE(pool->nr_ring, pool->nr_ring + 1);
	for (u32 i = 0; i < POOL_HOT; i++) {
		if (pool->hot[i])
			continue;
		/*
		 * ORDER hot.publish (release): the shard was made before it is looked
		 * into.  Pairs with hot.observe in pool_look().
		 */
		store_release(&pool->hot[i], s);
		break;
	}
}

static void ring_del_locked(struct worker_pool *pool, struct shard *s)
{
	assert_held(&pool->lock);
	if (list_empty(&s->ring))
		return;
	list_del(&s->ring);
	WRITE_ONCE(pool->nr_ring, pool->nr_ring - 1);
	for (u32 i = 0; i < POOL_HOT; i++) {
		if (pool->hot[i] == s)
			WRITE_ONCE(pool->hot[i], NULL);
	}
}

/* Context: thread, under pool->lock. */
void pool_collect_locked(struct worker_pool *pool)
{
	struct shard *s, *next;

	assert_held(&pool->lock);
	if (likely(!READ_ONCE(pool->announced)))
		return;
	/*
	 * ORDER pool.observe (acquire): pairs with pool.announce in push_announced().
	 */
	for (s = xchg_seq_cst(&pool->announced, NULL); s; s = next) {
		next = READ_ONCE(s->announce_next);
		if (likely(READ_ONCE(s->pool) == pool)) {
			WRITE_ONCE(s->announced, SHARD_KNOWN);
			ring_add_locked(pool, s);
		} else {
			/* It was moved after somebody had looked where it is. */
			push_announced(shard_pool(s), s);
			pool_kick(shard_pool(s));
		}
	}
}

/* A shard that left the ring without being quiet comes back.  Context: thread. */
void pool_reannounce(struct shard *s)
{
	struct worker_pool *pool = shard_pool(s);

	mutex_lock(&pool->lock);
	pool_collect_locked(pool);
	if (READ_ONCE(s->pool) == pool && list_empty(&s->ring) && READ_ONCE(s->announced) == SHARD_KNOWN)
		ring_add_locked(pool, s);
	mutex_unlock(&pool->lock);
	pool_kick(pool);
}

static struct shard *next_of_ring_locked(struct worker_pool *pool)
{
	struct shard *s = list_first_entry(&pool->ring, struct shard, ring);

	list_del(&s->ring);
	list_add_tail(&s->ring, &pool->ring);
	return s;
}

/* Not if it was fed, or moved to another pool, meanwhile. */
static void drop_starved_locked(struct worker_pool *pool, struct shard *s)
{
	if (READ_ONCE(s->starved) && READ_ONCE(s->pool) == pool)
		ring_del_locked(pool, s);
}

/**
 * pool_take - find works for a worker
 *
 * Context: thread.
 * Return:  true: the worker has a batch.
 */
bool pool_take(struct worker_pool *pool, struct worker *w)
{
	enum take_result result = TAKE_NONE;
	u32 nr_left;

	if (!READ_ONCE(pool->nr_ring) && !READ_ONCE(pool->announced))
		return false;
	mutex_lock(&pool->lock);
	pool_collect_locked(pool);
	for (nr_left = pool->nr_ring; nr_left && pool->nr_ring && result != TAKE_SOME; nr_left--) {
		struct shard *s = next_of_ring_locked(pool);

		if (shard_looks_empty(s))
			continue;
		mutex_unlock(&pool->lock);
		result = shard_take(s, w);
		if (result == TAKE_SOME)
			return true;
		mutex_lock(&pool->lock);
		if (result == TAKE_STARVED)
			drop_starved_locked(pool, s);
	}
	mutex_unlock(&pool->lock);
	return false;
}

/* Return: false: somebody is announcing it.  Context: under pool->lock. */
static bool make_known_locked(struct shard *s)
{
	u32 quiet = SHARD_QUIET;

	return cmpxchg_seq_cst(&s->announced, &quiet, SHARD_KNOWN);
}

/* True if it has works after all.  Under pool->lock. */
static bool quiet_shard_locked(struct worker_pool *pool, struct shard *s)
{
	bool found;

	mutex_lock(&s->lock);
	found = !shard_looks_empty(s);
	if (s->starved) {
		ring_del_locked(pool, s);
		found = false;
	} else if (!found) {
		/*
		 * ORDER shard.quiet (seq_cst): before the last look into the shard.  Pairs
		 * with shard.push in shard_push_linked().
		 */
		store_seq_cst(&s->announced, SHARD_QUIET);
		found = load_seq_cst(&s->stack) && make_known_locked(s);
		if (!found)
			ring_del_locked(pool, s);
	}
	mutex_unlock(&s->lock);
	return found;
}

/**
 * pool_quiet - nothing is left to do: from now on queueing has to say so
 *
 * Context: thread.
 * Return:  false: there is something to do.
 */
bool pool_quiet(struct worker_pool *pool)
{
	struct list_head *at, *next;
	bool found = false;

	mutex_lock(&pool->lock);
	pool_collect_locked(pool);
	for (at = pool->ring.next; at != &pool->ring; at = next) {
		next = at->next;
		found |= quiet_shard_locked(pool, list_entry(at, struct shard, ring));
	}
	mutex_unlock(&pool->lock);
	return !found;
}

/**
 * pool_doze - a worker is not counted any more
 * @searching:  it was counted as searching too
 *
 * Context: thread.  It is in the stack of idle workers, or in a work that waits.
 */
void pool_doze(struct worker_pool *pool, bool searching)
{
	/*
	 * ORDER pool.doze (seq_cst): before the last look at what is announced.  Pairs with
	 * pool.kick in pool_choose() and pool.announce in push_announced().
	 */
	if (searching)
		fetch_add_seq_cst(&pool->nr_searching, -1);
	fetch_add_seq_cst(&pool->nr_running, -1);
	if (load_seq_cst(&pool->announced) || READ_ONCE(pool->nr_ring))
		pool_kick(pool);
}

/* A shard changes pools.  Context: thread, under pool->lock. */
void pool_disown_locked(struct worker_pool *pool, struct shard *s)
{
	pool_collect_locked(pool);
	ring_del_locked(pool, s);
}

/*
 * If it was known to the old pool it is to the new; if somebody is about to announce it,
 * that will get here.  Context: thread, under pool->lock and s->lock.
 */
void pool_adopt_locked(struct worker_pool *pool, struct shard *s)
{
	if (READ_ONCE(s->announced) == SHARD_KNOWN ||
	    (load_seq_cst(&s->stack) && make_known_locked(s)))
		ring_add_locked(pool, s);
}

/**
 * pool_remove_shard - an empty shard leaves its pool
 *
 * A thread that queued a work, which has been run since, may announce the shard even
 * after this: then it is in the ring once more, until somebody finds it empty.
 *
 * Context: thread.
 */
void pool_remove_shard(struct worker_pool *pool, struct shard *s)
{
	mutex_lock(&pool->lock);
	pool_collect_locked(pool);
	mutex_lock(&s->lock);
	check(!s->starved);
	if (READ_ONCE(s->announced) == SHARD_KNOWN) {
		ring_del_locked(pool, s);
		WRITE_ONCE(s->announced, SHARD_QUIET);
	}
	WRITE_ONCE(s->wq, NULL);
	WRITE_ONCE(s->lane, NULL);
	WRITE_ONCE(s->tokens, 0);
	mutex_unlock(&s->lock);
	mutex_unlock(&pool->lock);
}
