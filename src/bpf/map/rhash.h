/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/rhash.h - a resizable hash map's parts, for its own files
 *
 * All elements are in one list, in the order of their hashes' bits read backwards.  The table is a
 * row of signposts into that list, each in front of the elements whose hashes end in the bits of
 * its index.  Twice as many signposts are one bit more: a new one is put into the middle of
 * what an old one stood for, and no element moves.  So readers walk on while the table
 * grows and shrinks, and meet what was there all the time exactly once.
 *
 * rhash.c finds and walks, rhash_list.c changes the list, rhash_change.c the map, rhash_size.c
 * the table's size; rhash_mem.c has the elements' memory.
 */
#ifndef ROVE_BPF_MAP_RHASH_H
#define ROVE_BPF_MAP_RHASH_H

#include <rove/workqueue.h>

#include "base/refcount.h"
#include "bpf/map/map.h"
#include "bpf/map/pool.h"
#include "bpf/map/retire.h"

/*
 * Of the list: a signpost, or an element's.
 *
 * I  set before it is linked, never changed
 * A  atomic
 */
struct rhash_node {
	struct rhash_node *next;	/* A: the lowest bit: this one is taken out */
	u32 hash;			/* I: of a signpost its index */
	u32 order;			/* I: its bits backwards; the lowest is 1 but in signposts */
};

struct rhash_elem {
	u32			pool_link;	/* the pool's */
	struct llist_node	retired;	/* after it was taken out */
	struct rhash_node	node;
	u8			key[]		/* I; the value follows, 8-byte aligned */
		__attribute__((aligned(8)));
};

/* Where a key is, or would be. */
struct rhash_spot {
	struct rhash_node **link;	/* holds ->node */
	struct rhash_node *node;	/* the key's, or the first that comes behind it; or NULL */
};

/*
 * I  set before the map is published, never changed
 * A  atomic
 * R  of who is resizing
 */
struct rhash_map {
	struct bpf_map		map;
	struct rhash_node	*posts;		/* I: address space for as many as there may be */
	u64			most_posts;	/* I: a power of two */
	u32			least_posts;	/* I: the same */
	u32			mask;		/* A: signposts in use, a power of two, less one */
	u32			value_off;	/* I: from ->key */
	u64			seed;		/* I */
	u32			nr_elems;	/* A: linked, or about to be */
	u32			resizing;	/* A: rhash_size.c */
	u32			cut_to;		/* R: signposts to be left; 0: none is to go */
	u64			cut_from;	/* R: as many there were */
	bool			is_cut;		/* R: the others can be met no more, but for readers */
	struct rove_workqueue	*wq;		/* I */
	struct rove_work	resize;
	struct rcu_head		rcu;		/* R */
	struct map_pool		pool;		/* of elements, for everybody */
	struct map_pool		spare;		/* when that is empty, for who may not allocate */
	struct retire		retire;
	struct refcount		refs;		/* of this struct: the map's, the retired elements',
						   the resizer's */
};

static inline struct rhash_map *rhash_of(struct bpf_map *map)
{
	return container_of(map, struct rhash_map, map);
}

static inline struct rhash_elem *rhash_elem_of(struct rhash_node *node)
{
	return container_of(node, struct rhash_elem, node);
}

static inline void *rhash_value(const struct rhash_map *rhash, struct rhash_elem *elem)
{
	return elem->key + rhash->value_off;
}

static inline bool rhash_is_elem(const struct rhash_node *node)
{
	return node->order & 1;
}

static inline bool rhash_is_out(const struct rhash_node *next)
{
	return (uintptr_t)next & 1;
}

static inline struct rhash_node *rhash_behind(const struct rhash_node *next)
{
	return (struct rhash_node *)((uintptr_t)next & ~(uintptr_t)1);
}

/* What follows, with the mark of whose ->next it is. */
static inline struct rhash_node *rhash_observe(struct rhash_node *const *link)
{
	/*
	 * ORDER rhash.observe (acquire): key and value are read after the pointer to
	 * them.  Pairs with rhash.publish in rhash_swap().
	 */
	return load_acquire(link);
}

/* Signposts in use, less one; all of them are linked. */
static inline u32 rhash_mask(const struct rhash_map *rhash)
{
	/*
	 * ORDER rhash.sized (acquire): a signpost is used after it was linked.  Pairs
	 * with rhash.grown in rhash_set_size().
	 */
	return load_acquire(&rhash->mask);
}

static inline u32 rhash_reverse(u32 bits)
{
	bits = (bits >> 1 & 0x55555555) | (bits & 0x55555555) << 1;
	bits = (bits >> 2 & 0x33333333) | (bits & 0x33333333) << 2;
	bits = (bits >> 4 & 0x0f0f0f0f) | (bits & 0x0f0f0f0f) << 4;
	return __builtin_bswap32(bits);
}

/* rhash.c */
u32 rhash_key(const struct rhash_map *rhash, const void *key);
struct rhash_elem *rhash_find(const struct rhash_map *rhash, const void *key);

/* rhash_list.c */
bool rhash_node_holds(const struct rhash_map *rhash, const struct rhash_node *node, u32 hash,
		      const void *key);
struct rhash_node *rhash_link(const struct rhash_map *rhash, struct rhash_node *from,
			      struct rhash_node *node);
struct rhash_elem *rhash_take(const struct rhash_map *rhash, const void *key);
void rhash_unlink_post(const struct rhash_map *rhash, struct rhash_node *from,
		       struct rhash_node *post);

/* rhash_change.c */
int rhash_update(struct bpf_map *map, const void *key, const void *value, u64 flags);
int rhash_lookup_and_delete(struct bpf_map *map, const void *key, void *ret_value);
int rhash_delete(struct bpf_map *map, const void *key);

/* rhash_size.c */
int rhash_size_init(struct rhash_map *rhash, const struct map_spec *spec);
void rhash_size_fini(struct rhash_map *rhash);
void rhash_size_check(struct rhash_map *rhash, u32 nr_elems);
void rhash_size_forget(struct rhash_map *rhash);

/* rhash_mem.c */
int rhash_mem_init(struct rhash_map *rhash, const struct map_spec *spec);
void rhash_put(struct rhash_map *rhash);
struct rhash_elem *rhash_elem_create(struct rhash_map *rhash, u32 hash, const void *key);
void rhash_elem_free(struct rhash_map *rhash, struct rhash_elem *elem);
void rhash_elem_retire(struct rhash_map *rhash, struct rhash_elem *elem);
void rhash_release_all(struct bpf_map *map);

#endif
