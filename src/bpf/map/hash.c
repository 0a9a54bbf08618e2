/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/hash.c - values found by a key of any bytes
 *
 * Lookups take no lock, in any context.
 *
 * Invariant: a key is linked at most once; a key that is replaced is found by every
 *            lookup, before or after.
 * Ordering:  hash.publish -> hash.observe (docs/memory-model.md).
 * Not here:  how elements come and go (hash_change.c), their memory (hash_mem.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "bpf/map/fields.h"
#include "bpf/map/hash.h"
#include "bpf/map/hash_fn.h"

#define HASH_FLAGS (BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE | MAP_ACCESS_FLAGS | \
		    BPF_F_ZERO_SEED)
/* Key and value, as in the kernel, whose elements have that much more. */
#define HASH_MAX_ELEM_BYTES ((4u << 20) - 48)
#define HASH_MAX_BUCKETS (1u << 28)	/* as in the kernel: their table stays below 4 GiB */

int hash_check(const struct map_spec *spec)
{
	bool lru = hash_type_is_lru(spec->type);

	if (spec->flags & ~HASH_FLAGS)
		return -EINVAL;
	if (!lru && spec->flags & BPF_F_NO_COMMON_LRU)
		return -EINVAL;
	if (lru && spec->flags & BPF_F_NO_PREALLOC)
		return -ENOTSUPP;
	if (spec->flags & BPF_F_NUMA_NODE && spec->flags & BPF_F_NO_COMMON_LRU)
		return -EINVAL;
	if (!spec->max_entries || !spec->key_size || !spec->value_size)
		return -EINVAL;
	if ((u64)spec->key_size + spec->value_size >= HASH_MAX_ELEM_BYTES)
		return -E2BIG;
	if (spec->max_entries > HASH_MAX_BUCKETS)
		return -E2BIG;
	return 0;
}

int hash_check_btf(const struct map_spec *spec)
{
	return spec->btf_key_type_id ? 0 : -EINVAL;
}

/*
 * As in the kernel, where each CPU has as many as another one, a map without a common list has a
 * multiple of the CPUs' number.
 */
void hash_round(struct map_spec *spec)
{
	u32 nr_cpus = map_nr_cpus(), over = spec->max_entries % nr_cpus;

	if (!(spec->flags & BPF_F_NO_COMMON_LRU) || !over)
		return;
	if (spec->max_entries <= UINT32_MAX - nr_cpus)
		spec->max_entries += nr_cpus;
	spec->max_entries -= over;
}

static u32 bucket_count(u32 max_entries)
{
	u32 nr = 1;

	while (nr < max_entries)
		nr *= 2;
	return nr;
}

/* Behind the key, so that values are aligned where elements are. */
static u32 value_off(const struct map_spec *spec, u32 align)
{
	u64 end = sizeof(struct hash_elem) + (u64)spec->key_size;

	return ((end + align - 1) & ~(u64)(align - 1)) - sizeof(struct hash_elem);
}

static int hash_init(struct hash_map *hash, const struct map_spec *spec,
		     const struct hash_values *values)
{
	u32 nr_buckets = bucket_count(spec->max_entries);

	hash->values = values;
	hash->mask = nr_buckets - 1;
	hash->most_elems = spec->max_entries;
	hash->value_off = value_off(spec, values->align);
	if (!(spec->flags & BPF_F_ZERO_SEED) &&
	    getrandom(&hash->seed, sizeof(hash->seed), GRND_NONBLOCK) != sizeof(hash->seed))
		hash->seed = (uintptr_t)hash;
	hash->buckets = calloc(nr_buckets, sizeof(hash->buckets[0]));
	return hash_mem_init(hash, spec) ?: hash->buckets ? 0 : -ENOMEM;
}

/**
 * hash_make - a map_ops.create
 * @values: what its elements hold
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM or -EMFILE.
 */
int hash_make(const struct map_spec *spec, const struct hash_values *values,
	      struct bpf_map **ret_map, int *ret_memfd)
{
	struct hash_map *hash = calloc(1, sizeof(*hash));
	int err;

	if (!hash)
		return -ENOMEM;
	err = hash_init(hash, spec, values);
	if (!err) {
		*ret_memfd = object_memfd_create(&map_object_ops, 0);
		err = *ret_memfd < 0 ? *ret_memfd : 0;
	}
	if (err) {
		hash_mem_put(hash);
		return err;
	}
	*ret_map = &hash->map;
	return 0;
}

/* Nobody can look into the map any more; what it retired may still be waited for. */
void hash_free(struct bpf_map *map)
{
	struct hash_map *hash = hash_of(map);

	for (u64 i = 0; hash->nr_elems && i <= hash->mask; i++) {
		struct hash_elem *elem = hash->buckets[i].first, *next;

		for (; elem; elem = next) {
			next = elem->next;
			if (hash->values->drop)
				hash->values->drop(hash, elem);
			elem_free(hash, elem);
			hash->nr_elems--;
		}
	}
	hash_mem_put(hash);
}

/* --- finding ------------------------------------------------------------------------------ */

u32 hash_key(const struct hash_map *hash, const void *key)
{
	return hash_bytes(hash->seed, key, hash->map.spec.key_size);
}

static struct hash_elem *elem_observe(struct hash_elem *const *link)
{
	/*
	 * ORDER hash.observe (acquire): key and value are read after the pointer
	 * to them.  Pairs with hash.publish in elem_publish().
	 */
	return load_acquire(link);
}

/* The bucket is locked. */
void elem_publish(struct hash_elem **link, struct hash_elem *elem)
{
	/*
	 * ORDER hash.publish (release): key and value come before the pointer
	 * to them.  Pairs with hash.observe in elem_observe().
	 */
	store_release(link, elem);
}

static bool elem_matches(const struct hash_map *hash, const struct hash_elem *elem, u32 h,
			 const void *key)
{
	return elem->hash == h && hash_keys_equal(elem->key, key, hash->map.spec.key_size);
}

/* NULL: there is none.  Context: any, in a read section or with the bucket locked. */
struct hash_elem *hash_find(const struct hash_map *hash, u32 h, const void *key)
{
	struct hash_elem *elem = elem_observe(&bucket_of(hash, h)->first);

	while (elem && !elem_matches(hash, elem, h, key))
		elem = elem_observe(&elem->next);
	return elem;
}

/**
 * hash_lookup_elem - for a program
 *
 * Context: any, in a read section.
 * Return:  NULL: there is none.
 */
struct hash_elem *hash_lookup_elem(struct hash_map *hash, const void *key)
{
	struct hash_elem *elem = hash_find(hash, hash_key(hash, key), key);

	/* What programs look up is not evicted soon. */
	if (hash_is_lru(hash) && elem && !READ_ONCE(elem->used))
		WRITE_ONCE(elem->used, 1);
	return elem;
}

static void *hash_lookup(struct bpf_map *map, const void *key)
{
	struct hash_map *hash = hash_of(map);
	struct hash_elem *elem = hash_find(hash, hash_key(hash, key), key);

	return elem ? elem_value(hash, elem) : NULL;
}

static void *lru_lookup(struct bpf_map *map, const void *key)
{
	struct hash_map *hash = hash_of(map);
	struct hash_elem *elem = hash_lookup_elem(hash, key);

	return elem ? elem_value(hash, elem) : NULL;
}

/* What bpf(2) looks up is not used by that. */
int hash_read(struct bpf_map *map, const void *key, void *ret_value)
{
	struct hash_map *hash = hash_of(map);
	struct hash_elem *elem = hash_find(hash, hash_key(hash, key), key);

	if (!elem)
		return -ENOENT;
	hash->values->show(hash, ret_value, elem);
	return 0;
}

static struct hash_elem *first_from_bucket(const struct hash_map *hash, u64 i)
{
	struct hash_elem *elem = NULL;

	for (; !elem && i <= hash->mask; i++)
		elem = elem_observe(&hash->buckets[i].first);
	return elem;
}

u64 hash_for_each(struct bpf_map *map, map_visit visit, void *arg)
{
	struct hash_map *hash = hash_of(map);
	u64 nr = 0;

	for (u64 i = 0; i <= hash->mask; i++) {
		struct hash_elem *elem = elem_observe(&hash->buckets[i].first);

		for (; elem; elem = elem_observe(&elem->next)) {
			nr++;
			if (visit(arg, elem->key, elem_value(hash, elem)))
				return nr;
		}
	}
	return nr;
}

const void *hash_key_of(struct bpf_map *map, const void *value, u32 *room)
{
	return (const u8 *)value - hash_of(map)->value_off;
}

int hash_next_key(struct bpf_map *map, const void *key, void *ret_key)
{
	struct hash_map *hash = hash_of(map);
	struct hash_elem *elem = NULL;
	u64 from = 0;

	if (key) {
		u32 h = hash_key(hash, key);

		elem = hash_find(hash, h, key);
		if (elem) {
			from = (h & hash->mask) + 1;
			elem = elem_observe(&elem->next);
		}
	}
	if (!elem)
		elem = first_from_bucket(hash, from);
	if (!elem)
		return -ENOENT;
	memcpy(ret_key, elem->key, map->spec.key_size);
	return 0;
}

static u32 count_locked(const struct hash_bucket *bucket)
{
	u32 nr = 0;

	assert_held(&bucket->lock);
	for (const struct hash_elem *elem = bucket->first; elem; elem = elem->next)
		nr++;
	return nr;
}

/* Under the lock, so that they are as many as are counted. */
int hash_elems_at(struct bpf_map *map, u32 at, void *keys, void *values, u32 room, u32 *ret_nr)
{
	struct hash_map *hash = hash_of(map);
	u64 value_bytes = map_user_value_bytes(map);
	struct hash_bucket *bucket;
	u8 *key = keys, *value = values;

	if (at > hash->mask)
		return -ENOENT;
	bucket = &hash->buckets[at];
	mutex_lock(&bucket->lock);
	*ret_nr = count_locked(bucket);
	for (struct hash_elem *elem = *ret_nr <= room ? bucket->first : NULL; elem;
	     elem = elem->next) {
		memcpy(key, elem->key, map->spec.key_size);
		hash->values->show(hash, value, elem);
		key += map->spec.key_size;
		value += value_bytes;
	}
	mutex_unlock(&bucket->lock);
	return 0;
}

int hash_elem_at(struct bpf_map *map, u32 *at, u32 nth, const void **ret_key, void **ret_value)
{
	struct hash_map *hash = hash_of(map);
	struct hash_elem *elem;

	if (*at > hash->mask)
		return -ERANGE;
	elem = elem_observe(&hash->buckets[*at].first);
	for (; elem && nth; nth--)
		elem = elem_observe(&elem->next);
	if (!elem)
		return -ENOENT;
	*ret_key = elem->key;
	*ret_value = elem_value(hash, elem);
	return 0;
}

/* What is taken out keeps its ->next until the readers' sections have ended. */
int hash_elem_behind(struct bpf_map *map, const void *key, const void **ret_key,
		     void **ret_value)
{
	struct hash_elem *elem = container_of((u8 *)key, struct hash_elem, key[0]);

	elem = elem_observe(&elem->next);
	if (!elem)
		return -ENOENT;
	*ret_key = elem->key;
	*ret_value = elem_value(hash_of(map), elem);
	return 0;
}

u32 hash_nr_elems(const struct bpf_map *map)
{
	return READ_ONCE(container_of(map, struct hash_map, map)->nr_elems);
}

/* --- values that are bytes ----------------------------------------------------------------- */

static u64 bytes_room(const struct map_spec *spec)
{
	return map_value_stride(spec);
}

static void bytes_show(struct hash_map *hash, void *dst, struct hash_elem *elem)
{
	map_value_read(&hash->map, dst, elem_value(hash, elem));
}

static void bytes_drop(struct hash_map *hash, struct hash_elem *elem)
{
	map_fields_release(&hash->map, elem_value(hash, elem));
}

const struct hash_values hash_plain_values = {
	.align = 8, .room = bytes_room, .show = bytes_show, .drop = bytes_drop,
};

static int bytes_create(const struct map_spec *spec, struct bpf_map **ret_map, int *ret_memfd)
{
	return hash_make(spec, &hash_plain_values, ret_map, ret_memfd);
}

#define COMMON_OPS                                                                   \
	.has_fields = true, \
	.accepts = hash_check, \
	.check_btf = hash_check_btf, \
	.create = bytes_create, \
	.free = hash_free, \
	.update = hash_update, \
	.delete = hash_delete, \
	.lookup_and_delete = hash_lookup_and_delete, \
	.next_key = hash_next_key, \
	.for_each = hash_for_each, \
	.key_of = hash_key_of, \
	.elems_at = hash_elems_at, \
	.elem_at = hash_elem_at, \
	.elem_behind = hash_elem_behind, \
	.nr_elems = hash_nr_elems

const struct map_ops map_hash_ops = {
	.lookup = hash_lookup,
	COMMON_OPS,
};

const struct map_ops map_lru_hash_ops = {
	.no_locks = true,
	.round = hash_round,
	.lookup = lru_lookup,
	.read = hash_read,
	COMMON_OPS,
};
