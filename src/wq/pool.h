/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/pool.h - workers that serve the same CPUs with the same priority
 *
 * A pool is told of a shard that has works ("announced"), and keeps it in a ring as
 * long as anybody looks; so queueing tells the pool only when nobody does.
 *
 * Invariant: a shard with works is announced, or whoever put the works there is about
 *            to announce it.
 *            While an announced shard has works that may run, a worker is awake and
 *            will look, or is being woken or made; unless ->limit workers run already:
 *            these look before they sleep.
 * Ordering:  shard.push -> shard.quiet, pool.announce -> pool.observe,
 *            pool.kick -> pool.doze, idle.push -> idle.pop (docs/memory-model.md).
 */
#ifndef ROVE_WQ_POOL_H
#define ROVE_WQ_POOL_H

#include "wq/pods.h"
#include "wq/shard.h"
#include "wq/worker.h"

/* A worker that searches looks at so many shards without a lock. */
#define POOL_HOT 16

/* Idle workers lie in so many stacks, by the CPU they went to sleep on. */
#define POOL_IDLE_STACKS 4

/* Two queues with the same key share a pool. */
struct pool_key {
	cpu_set_t	*pod;		/* the CPUs whose works it runs */
	cpu_set_t	*cpus;		/* where its workers may be */
	size_t		set_bytes;
	int		nice;
	u32		limit;		/* workers that run at the same time */
	bool		bh;		/* the softirq thread is its only worker */
	bool		pin;		/* bind the workers to ->cpus */
	bool		bound;		/* of bound queues: one CPU */
	u64		poll_ns;	/* so long an idle worker keeps looking; 0: as it pays */
	bool		home;		/* workers may leave ->pod, and go back before they sleep */
};

/*
 * I  set before the pool is visible, never changed
 * P  under ->lock
 * A  atomic; the ORDER tag at each access says why
 *
 * Pools are never freed, so that a signal handler may tell one of a shard it has left.
 */
struct worker_pool {
	struct shard		*announced;	/* A: stack, by ->announce_next */
	u64			idle[POOL_IDLE_STACKS]; /* A: of idle workers: tag and id */
	u32			nr_searching;	/* A: active, and have found nothing so far */
	u32			nr_running;	/* A: active workers */
	u32			need_worker;	/* A: nobody was idle: the manager shall make one */
	u32			nr_idle;	/* A: about */
	u32			limit;		/* I: ->key.limit, beside what queueing looks at */
	bool			is_bh;		/* I: ->key.bh */
	bool			roams;		/* I: workers may be on more than one CPU */

	struct mutex		lock __attribute__((aligned(CACHE_LINE)));
	struct list_head	ring;		/* P: shards that are looked at */
	u32			nr_ring;	/* P, read without: length of ->ring */
	struct shard		*hot[POOL_HOT];	/* P, read without: some of ->ring */
	struct list_head	workers;	/* P */
	u32			nr_workers;	/* P, read without */
	u32			nr_users;	/* under the list's lock: lanes */
	u32			max_workers;	/* A: ->limit and those that may wait */
	u32			dying;		/* A: nr_users is 0 */
	u64			next_retire_ns;	/* the manager */
	u64			rest_until_ns;	/* A: before that nobody polls */

	/* what who polls writes */
	u32			poller __attribute__((aligned(CACHE_LINE)));
						/* A: id of the worker that polls, or 0 */
	u64			rest_ns __attribute__((aligned(CACHE_LINE)));	/* by ->poller only: the last one */
	u64			polled_ns;	/* A: how long, since ever; by ->poller only */

	struct pool_key		key __attribute__((aligned(CACHE_LINE)));	/* I */
	u32			id;		/* I: for names */
	struct worker_pool	*next;		/* I: in the list of pools */
	struct bh		*bh;		/* I: what bh.c keeps */
};

extern struct worker_pool *pool_list;	/* A: all there ever were */

/* Context: any. */
static inline struct worker_pool *pools_first(void)
{
	/*
	 * ORDER pools.observe (acquire): pairs with pools.publish in pool_create().
	 */
	return load_acquire(&pool_list);
}

/* Context: any.  Where a shard is, or was a moment ago. */
static inline struct worker_pool *shard_pool(const struct shard *s)
{
	/*
	 * ORDER shard.settled (acquire): a pool is used after it was made.  Pairs with
	 * shard.settle in move_shard_locked().
	 */
	return load_acquire(&s->pool);
}

int pool_get(const struct pool_key *key, u32 max_workers, struct worker_pool **ret_pool);
void pool_put(struct worker_pool *pool);
void pool_add_user(struct worker_pool *pool);

void pool_announce(struct shard *s);
void pool_reannounce(struct shard *s);
void pool_collect_locked(struct worker_pool *pool);
bool pool_take(struct worker_pool *pool, struct worker *w);
bool pool_quiet(struct worker_pool *pool);
void pool_doze(struct worker_pool *pool, bool searching);
void pool_disown_locked(struct worker_pool *pool, struct shard *s);
void pool_adopt_locked(struct worker_pool *pool, struct shard *s);
void pool_remove_shard(struct worker_pool *pool, struct shard *s);

/* One of the shards that look as if they had works, or NULL.  Context: any.  A hint. */
static inline struct shard *pool_look(const struct worker_pool *pool)
{
	for (u32 i = 0; i < POOL_HOT; i++) {
		/* ORDER hot.observe (acquire): pairs with hot.publish in ring_add_locked(). */
		struct shard *s = load_acquire(&pool->hot[i]);

		if (s && !shard_looks_empty(s))
			return s;
	}
	return NULL;
}

/* Context: any.  A hint. */
static inline bool pool_looks_empty(const struct worker_pool *pool)
{
	return !READ_ONCE(pool->announced) && !pool_look(pool);
}

struct worker *pool_choose(struct worker_pool *pool);
void pool_kick(struct worker_pool *pool);
void pool_wake_and_unlock(struct worker_pool *pool, struct worker *w, u32 wake);
void idle_push(struct worker_pool *pool, struct worker *w);
struct worker *idle_pop(struct worker_pool *pool);
bool pool_has_idle(struct worker_pool *pool);

#endif
