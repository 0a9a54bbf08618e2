/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/pool.c - blocks of one size, taken and given back from any context
 */
#include <errno.h>
#include <sched.h>
#include <sys/mman.h>

#include "base/atomic.h"
#include "base/context.h"
#include "bpf/map/leak.h"
#include "bpf/map/pool.h"

int map_pool_init(struct map_pool *pool, u32 nr, u64 block_bytes)
{
	u64 stride = (block_bytes + 7) & ~7ull;
	void *base;

	ctx_may_sleep();
	*pool = (struct map_pool){ .stride = stride, .nr = nr };
	if (!nr)
		return 0;
	if (stride > (u64)INT64_MAX / nr)
		return -ENOMEM;
	base = mmap(NULL, stride * nr, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -ENOMEM;
	pool->base = base;
	leak_check_begin(base, stride * nr);
	return 0;
}

void map_pool_fini(struct map_pool *pool)
{
	if (!pool->base)
		return;
	leak_check_end(pool->base, pool->stride * pool->nr);
	munmap(pool->base, pool->stride * pool->nr);
}

static u32 *link_of(const struct map_pool *pool, u32 number)
{
	return map_pool_block(pool, number);
}

static u32 own_shard(void)
{
	int cpu = sched_getcpu();

	return cpu < 0 ? 0 : (u32)cpu % MAP_POOL_SHARDS;
}

static u64 next_head(u64 head, u32 first)
{
	return ((head >> 32) + 1) << 32 | first;
}

static void *shard_take(struct map_pool *pool, struct map_pool_shard *shard)
{
	/*
	 * ORDER pool.take (acquire): the first block's link is read, and the block
	 * used, after its last owner gave it back.  Pairs with pool.give in
	 * map_pool_give().
	 */
	u64 head = load_acquire(&shard->head);

	while ((u32)head) {
		/* Whoever has taken the block meanwhile has changed the head. */
		u32 next = READ_ONCE(*link_of(pool, (u32)head));
		u32 number = (u32)head;

		/*
		 * ORDER pool.take (acquire): as above, also where it fails.  Pairs with
		 * pool.give in map_pool_give().
		 */
		if (cmpxchg_acquire(&shard->head, &head, next_head(head, next)))
			return map_pool_block(pool, number);
	}
	return NULL;
}

static void *take_fresh(struct map_pool *pool)
{
	u32 taken = READ_ONCE(pool->nr_fresh_taken);

	while (taken < pool->nr)
		if (cmpxchg_relaxed(&pool->nr_fresh_taken, &taken, taken + 1))
			return map_pool_block(pool, taken + 1);
	return NULL;
}

void *map_pool_take(struct map_pool *pool)
{
	u32 own = own_shard();
	void *block = NULL;

	ctx_any();
	for (u32 i = 0; i < MAP_POOL_SHARDS && !block; i++)
		block = shard_take(pool, &pool->shards[(own + i) % MAP_POOL_SHARDS]);
	return block ?: take_fresh(pool);
}

void map_pool_give(struct map_pool *pool, void *block)
{
	struct map_pool_shard *shard = &pool->shards[own_shard()];
	u32 number = map_pool_number(pool, block);
	u64 head = READ_ONCE(shard->head);

	ctx_any();
	/*
	 * ORDER pool.give (release): the owner is done with the block, and its link is
	 * written, before it can be taken.  Pairs with pool.take in shard_take().
	 */
	do
		WRITE_ONCE(*link_of(pool, number), (u32)head);
	while (!cmpxchg_release(&shard->head, &head, next_head(head, number)));
}
