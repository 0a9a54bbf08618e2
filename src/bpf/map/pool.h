/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/pool.h - blocks of one size, taken and given back from any context
 *
 * One stretch of address space for all of a map's blocks, which takes memory only
 * where a block has been touched: blocks that were given back are taken first, and
 * fresh ones in the order of their addresses.
 *
 * Free blocks hang in lists, one for some CPUs each, linked by number.  A list's
 * head counts its changes beside the first number, so a taker who was interrupted
 * between reading the first block's link and taking it notices that the block was
 * taken and given back meanwhile.
 *
 * Invariant: a block is in one list, or fresh, or somebody's.  Its first four bytes
 *            are the link, and belong to the pool always.
 * Ordering:  pool.give -> pool.take (docs/memory-model.md).
 */
#ifndef ROVE_BPF_MAP_POOL_H
#define ROVE_BPF_MAP_POOL_H

#include "base/types.h"

#define MAP_POOL_SHARDS 8u

struct map_pool_shard {
	u64 head;	/* A: changes << 32 | number of the first block, 0: none */
} __attribute__((aligned(64)));

/*
 * I  set by map_pool_init()
 * A  atomic
 */
struct map_pool {
	u8			*base;		/* I */
	u64			stride;		/* I: bytes of one, of 8 */
	u32			nr;		/* I: blocks */
	u32			nr_fresh_taken;	/* A */
	struct map_pool_shard	shards[MAP_POOL_SHARDS];
};

/*
 * @nr: at most UINT32_MAX - 1.  Context: may sleep.  Return: 0 or -ENOMEM.
 */
int map_pool_init(struct map_pool *pool, u32 nr, u64 block_bytes);

/* Nobody has or takes a block any more.  Context: thread. */
void map_pool_fini(struct map_pool *pool);

/*
 * What is behind the link is what its last owner left there, or zero.
 *
 * Context: any.  Lock-free.  Return: NULL: all are taken.
 */
void *map_pool_take(struct map_pool *pool);

/* Context: any.  Lock-free. */
void map_pool_give(struct map_pool *pool, void *block);

/* Number 1 and up, for who keeps blocks by it. */
static inline u32 map_pool_number(const struct map_pool *pool, const void *block)
{
	return ((const u8 *)block - pool->base) / pool->stride + 1;
}

static inline void *map_pool_block(const struct map_pool *pool, u32 number)
{
	return pool->base + (u64)(number - 1) * pool->stride;
}

static inline bool map_pool_owns(const struct map_pool *pool, const void *block)
{
	return (u64)((const u8 *)block - pool->base) < pool->stride * pool->nr;
}

#endif
