/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/pools.c - which pools there are
 *
 * Queues with the same needs share pools.  A pool that nobody uses loses its workers,
 * and stays for the next one with these needs.
 *
 * Ordering: pools.publish -> pools.observe (docs/memory-model.md).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wq/fork.h"
#include "wq/bh.h"
#include "wq/manager.h"
#include "wq/pool.h"

struct worker_pool *pool_list;

struct mutex pools_lock;

static bool keys_equal(const struct pool_key *a, const struct pool_key *b)
{
	return a->set_bytes == b->set_bytes && a->nice == b->nice && a->limit == b->limit &&
	       a->bh == b->bh && a->pin == b->pin && a->bound == b->bound && a->home == b->home && a->poll_ns == b->poll_ns &&
	       !memcmp(a->pod, b->pod, a->set_bytes) && !memcmp(a->cpus, b->cpus, a->set_bytes);
}

static int copy_key(const struct pool_key *key, struct pool_key *to)
{
	*to = *key;
	to->pod = malloc(key->set_bytes);
	to->cpus = malloc(key->set_bytes);
	if (!to->pod || !to->cpus) {
		free(to->pod);
		free(to->cpus);
		return -ENOMEM;
	}
	memcpy(to->pod, key->pod, key->set_bytes);
	memcpy(to->cpus, key->cpus, key->set_bytes);
	return 0;
}

static struct worker_pool *pool_create(const struct pool_key *key)
{
	struct worker_pool *pool = aligned_alloc(CACHE_LINE, sizeof(*pool));
	static u32 last_id;

	if (!pool)
		return NULL;
	*pool = (struct worker_pool){ .id = last_id, .limit = key->limit, .is_bh = key->bh };
	if (copy_key(key, &pool->key)) {
		free(pool);
		return NULL;
	}
	last_id++;
	list_init(&pool->ring);
	list_init(&pool->workers);
	pool->roams = CPU_COUNT_S(pool->key.set_bytes, pool->key.cpus) > 1;
	pool->next = pool_list;
	/*
	 * ORDER pools.publish (release): the pool is complete before the list shows it.
	 * Pairs with pools.observe in pools_first().
	 */
	store_release(&pool_list, pool);
	return pool;
}

static struct worker_pool *find_pool(const struct pool_key *key)
{
	struct worker_pool *pool = pool_list;

	while (pool && !keys_equal(&pool->key, key))
		pool = pool->next;
	return pool;
}

/**
 * pool_get - a pool for a lane, with a worker at least
 * @key:          copied
 * @max_workers:  that it may have at least; of all that ask the most counts
 * @ret_pool:     set on success only; pool_put() when the lane is gone
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM or -EAGAIN.
 */
int pool_get(const struct pool_key *key, u32 max_workers, struct worker_pool **ret_pool)
{
	struct worker_pool *pool;
	int err = -ENOMEM;

	mutex_lock(&pools_lock);
	pool = find_pool(key) ?: pool_create(key);
	if (!pool)
		goto unlock;
	err = 0;
	WRITE_ONCE(pool->dying, 0);	/* the last worker does not end any more (manager.c) */
	WRITE_ONCE(pool->max_workers, max(pool->max_workers, max_workers));
	if (key->bh)
		err = bh_start(pool);
	else if (!READ_ONCE(pool->nr_workers))
		err = worker_start(pool);
	if (!err)
		pool->nr_users++;
	if (!err)
		*ret_pool = pool;
	WRITE_ONCE(pool->dying, !pool->nr_users);
unlock:
	mutex_unlock(&pools_lock);
	return err;
}

/**
 * pool_put - a lane is gone
 *
 * Context: thread.
 */
void pool_put(struct worker_pool *pool)
{
	mutex_lock(&pools_lock);
	if (!--pool->nr_users) {
		WRITE_ONCE(pool->dying, 1);
		manager_wake();
	}
	mutex_unlock(&pools_lock);
}

/* In a child of fork(): without workers, shards and users.  Context: the only thread. */
void pools_empty(void)
{
	for (struct worker_pool *pool = pool_list; pool; pool = pool->next) {
		*pool = (struct worker_pool){
			.max_workers = pool->max_workers,
			.dying = 1,
			.limit = pool->limit,
			.is_bh = pool->is_bh,
			.roams = pool->roams,
			.key = pool->key,
			.id = pool->id,
			.next = pool->next,
			.bh = pool->bh,
		};
		list_init(&pool->ring);
		list_init(&pool->workers);
		if (pool->bh)
			bh_restart(pool);
	}
}

/* The same: a lane is in the pool.  Context: the only thread. */
void pool_add_user(struct worker_pool *pool)
{
	pool->nr_users++;
	pool->dying = 0;
}
