/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/hash.h - a hash map's parts, for its own files
 *
 * hash.c finds, hash_change.c changes, hash_mem.c has the elements' memory; hash_percpu.c has
 * values of each CPU, hash_of_maps.c maps for values.
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

struct hash_map;

/* What is in an element where its value is. */
struct hash_values {
	u32 align;					/* bytes, 8 or more */
	u64 (*room)(const struct map_spec *spec);	/* bytes, a multiple of ->align */
	/* As bpf(2) shows it: map_user_value_bytes(). */
	void (*show)(struct hash_map *hash, void *dst, struct hash_elem *elem);
	/* It can be found no more; those who found it may stand on it.  NULL: nothing to do. */
	void (*drop)(struct hash_map *hash, struct hash_elem *elem);
};

/*
 * I  set before the map is published, never changed
 * A  atomic
 */
struct hash_map {
	struct bpf_map		map;
	const struct hash_values *values;	/* I */
	struct hash_bucket	*buckets;	/* I */
	u32			mask;		/* I: buckets, a power of two, less one */
	u32			value_off;	/* I: from ->key */
	u64			seed;		/* I */
	u32			nr_elems;	/* A: linked, or about to be */
	u32			most_elems;	/* I */
	struct hash_map		*next_storage;	/* of task_storage.c */
	u32			sweep_at;	/* A: elements; of the same */
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

static inline struct hash_elem *elem_of_value(const struct hash_map *hash, const void *value)
{
	return container_of((u8 *)value - hash->value_off, struct hash_elem, key[0]);
}

static inline bool hash_type_is_lru(u32 type)
{
	return type == BPF_MAP_TYPE_LRU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static inline bool hash_is_lru(const struct hash_map *hash)
{
	return hash_type_is_lru(hash->map.spec.type);
}

static inline struct hash_bucket *bucket_of(const struct hash_map *hash, u32 h)
{
	return &hash->buckets[h & hash->mask];
}

u32 hash_key(const struct hash_map *hash, const void *key);
struct hash_elem *hash_find(const struct hash_map *hash, u32 h, const void *key);
void elem_publish(struct hash_elem **link, struct hash_elem *elem);

/* hash.c: what all types of a hash have in their tables. */
extern const struct hash_values hash_plain_values;
int hash_check(const struct map_spec *spec);
int hash_check_btf(const struct map_spec *spec);
void hash_round(struct map_spec *spec);
int hash_make(const struct map_spec *spec, const struct hash_values *values,
	      struct bpf_map **ret_map, int *ret_memfd);
void hash_free(struct bpf_map *map);
struct hash_elem *hash_lookup_elem(struct hash_map *hash, const void *key);
int hash_next_key(struct bpf_map *map, const void *key, void *ret_key);
u64 hash_for_each(struct bpf_map *map, map_visit visit, void *arg);
const void *hash_key_of(struct bpf_map *map, const void *value, u32 *room);
int hash_elems_at(struct bpf_map *map, u32 at, void *keys, void *values, u32 room, u32 *ret_nr);
int hash_elem_at(struct bpf_map *map, u32 *at, u32 nth, const void **ret_key, void **ret_value);
int hash_elem_behind(struct bpf_map *map, const void *key, const void **ret_key,
		     void **ret_value);
int hash_read(struct bpf_map *map, const void *key, void *ret_value);
u32 hash_nr_elems(const struct bpf_map *map);

bool bucket_lock(struct hash_bucket *bucket);
int hash_insert(struct hash_map *hash, struct hash_elem *elem, u64 flags);
int hash_update(struct bpf_map *map, const void *key, const void *value, u64 flags);
int hash_lookup_and_delete(struct bpf_map *map, const void *key, void *ret_value);
int hash_delete(struct bpf_map *map, const void *key);

int hash_mem_init(struct hash_map *hash, const struct map_spec *spec);
void hash_mem_put(struct hash_map *hash);
struct hash_elem *elem_create(struct hash_map *hash, u32 h, const void *key);
void elem_free(struct hash_map *hash, struct hash_elem *elem);
void elem_retire(struct hash_map *hash, struct hash_elem *elem);

#endif
