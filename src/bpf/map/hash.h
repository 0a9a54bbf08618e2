/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/hash.h - a hash map's parts, for its own files
 *
 * hash.c finds, hash_change.c changes, hash_mem.c has the elements' memory.
 */
#ifndef ROVE_BPF_MAP_HASH_H
#define ROVE_BPF_MAP_HASH_H

#include "base/mutex.h"
#include "base/refcount.h"
#include "bpf/map/map.h"
#include "bpf/map/pool.h"
#include "bpf/map/retire.h"

/*
 * I  set before the element is linked, never changed
 * L  written under the bucket's lock, read by anybody in a read section
 * A  atomic
 */
struct hash_elem {
	u32			pool_link;	/* the pool's */
	u32			hash;		/* I */
	struct hash_elem	*next;		/* L */
	struct llist_node	retired;	/* after it was taken out */
	u32			used;		/* A: looked up since the hand came by (LRU) */
	u8			key[]		/* I; the value follows, 8-byte aligned */
		__attribute__((aligned(8)));
};

struct hash_bucket {
	struct hash_elem	*first;		/* L */
	struct mutex		lock;		/* leaf; signal handlers only try it */
};

/*
 * I  set before the map is published, never changed
 * A  atomic
 */
struct hash_map {
	struct bpf_map		map;
	struct hash_bucket	*buckets;	/* I */
	u32			mask;		/* I: buckets, a power of two, less one */
	u32			value_off;	/* I: from ->key */
	u64			seed;		/* I */
	u32			nr_elems;	/* A: linked, or about to be */
	u32			hand;		/* A: the next bucket to evict from (LRU) */
	struct map_pool		pool;		/* for everybody */
	struct map_pool		spare;		/* when that is empty, for who may not allocate */
	struct retire		retire;
	struct refcount		refs;		/* of this struct: the map's, the retired elements' */
};

static inline struct hash_map *hash_of(struct bpf_map *map)
{
	return container_of(map, struct hash_map, map);
}

static inline void *elem_value(const struct hash_map *hash, struct hash_elem *elem)
{
	return elem->key + hash->value_off;
}

static inline bool hash_is_lru(const struct hash_map *hash)
{
	return hash->map.spec.type == BPF_MAP_TYPE_LRU_HASH;
}

static inline struct hash_bucket *bucket_of(const struct hash_map *hash, u32 h)
{
	return &hash->buckets[h & hash->mask];
}

u32 hash_key(const struct hash_map *hash, const void *key);
struct hash_elem *hash_find(const struct hash_map *hash, u32 h, const void *key);
void elem_publish(struct hash_elem **link, struct hash_elem *elem);

int hash_update(struct bpf_map *map, const void *key, const void *value, u64 flags);
int hash_lookup_and_delete(struct bpf_map *map, const void *key, void *ret_value);
int hash_delete(struct bpf_map *map, const void *key);

int hash_mem_init(struct hash_map *hash, const struct map_spec *spec);
void hash_mem_put(struct hash_map *hash);
struct hash_elem *elem_create(struct hash_map *hash, u32 h, const void *key, const void *value);
void elem_free(struct hash_map *hash, struct hash_elem *elem);
void elem_retire(struct hash_map *hash, struct hash_elem *elem);

#endif
