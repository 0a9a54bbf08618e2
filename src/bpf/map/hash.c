/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/hash.c - values found by a key of any bytes
 *
 * Lookups take no lock.  An update never changes an element that readers may
 * stand on: it links a new one in front and takes the old one out, which is
 * freed after a grace period.  A signal handler may have interrupted whoever holds
 * a bucket, so it is refused.
 *
 * Invariant: between the two steps of a replacement both elements are linked,
 *            the newer first; otherwise a key is linked at most once.
 * Ordering:  hash.publish -> hash.observe (docs/memory-model.md).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/context.h"
#include "base/mutex.h"
#include "bpf/map/fields.h"
#include "bpf/map/map.h"
#include "bpf/map/rcu.h"

#define HASH_FLAGS (BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE | MAP_ACCESS_FLAGS | \
		    BPF_F_ZERO_SEED)
#define HASH_MAX_ELEM_BYTES (4u << 20)	/* key and value, as in the kernel */
#define HASH_MAX_BUCKETS (1u << 28)	/* as in the kernel: their table stays below 4 GiB */

/*
 * I  set before the element is linked, never changed
 * L  written under the bucket's lock, read by anybody in a read section
 */
struct hash_elem {
	struct hash_elem	*next;		/* L */
	struct rcu_head		rcu;
	struct hash_map		*owner;		/* set when it is taken out, if it has fields */
	u32			hash;		/* I */
	u8			key[]		/* I; the value follows, 8-byte aligned */
		__attribute__((aligned(8)));
};

struct hash_bucket {
	struct hash_elem	*first;		/* L */
	struct mutex		lock;		/* leaf */
};

struct hash_map {
	struct bpf_map		map;
	struct hash_bucket	*buckets;
	u32			mask;		/* buckets, a power of two, less one */
	u32			nr_elems;	/* A: linked, or about to be */
	u32			value_off;	/* from ->key */
	u64			seed;
};

static struct hash_map *hash_of(struct bpf_map *map)
{
	return container_of(map, struct hash_map, map);
}

static void *elem_value(const struct hash_map *hash, struct hash_elem *elem)
{
	return elem->key + hash->value_off;
}

static int hash_check(const struct map_spec *spec)
{
	if (spec->flags & ~HASH_FLAGS)
		return -EINVAL;
	if (spec->flags & BPF_F_NO_COMMON_LRU)
		return -EINVAL;
	if (!spec->max_entries || !spec->key_size || !spec->value_size)
		return -EINVAL;
	if ((u64)spec->key_size + spec->value_size >= HASH_MAX_ELEM_BYTES - sizeof(struct hash_elem))
		return -E2BIG;
	if (spec->max_entries > HASH_MAX_BUCKETS)
		return -E2BIG;
	return 0;
}

static int hash_check_btf(const struct map_spec *spec)
{
	return spec->btf_key_type_id ? 0 : -EINVAL;
}

static u32 bucket_count(u32 max_entries)
{
	u32 nr = 1;

	while (nr < max_entries)
		nr *= 2;
	return nr;
}

static int hash_create(const struct map_spec *spec, struct bpf_map **ret_map, int *ret_memfd)
{
	u32 nr_buckets = bucket_count(spec->max_entries);
	struct hash_map *hash;
	int memfd;

	hash = calloc(1, sizeof(*hash));
	if (!hash)
		return -ENOMEM;
	hash->mask = nr_buckets - 1;
	hash->value_off = (spec->key_size + 7) & ~7u;
	if (!(spec->flags & BPF_F_ZERO_SEED) &&
	    getrandom(&hash->seed, sizeof(hash->seed), GRND_NONBLOCK) != sizeof(hash->seed))
		hash->seed = (uintptr_t)hash;
	hash->buckets = calloc(nr_buckets, sizeof(hash->buckets[0]));
	if (!hash->buckets) {
		free(hash);
		return -ENOMEM;
	}
	memfd = object_memfd_create(&map_object_ops, 0);
	if (memfd < 0) {
		free(hash->buckets);
		free(hash);
		return memfd;
	}
	*ret_map = &hash->map;
	*ret_memfd = memfd;
	return 0;
}

/* Nobody can look into the map any more. */
static void hash_free(struct bpf_map *map)
{
	struct hash_map *hash = hash_of(map);

	for (u64 i = 0; hash->nr_elems && i <= hash->mask; i++) {
		struct hash_elem *elem = hash->buckets[i].first, *next;

		for (; elem; elem = next) {
			next = elem->next;
			map_fields_release(map, elem_value(hash, elem));
			free(elem);
			hash->nr_elems--;
		}
	}
	free(hash->buckets);
	free(hash);
}

/* --- finding ------------------------------------------------------------------------------ */

static u64 mix(u64 h, u64 word)
{
	h = (h ^ word) * 0x9fb21c651e98df25ull;
	return h ^ (h >> 29);
}

static u32 hash_key(const struct hash_map *hash, const void *key)
{
	u32 left = hash->map.spec.key_size;
	u64 h = hash->seed ^ left, word;
	const u8 *bytes = key;

	for (; left >= 8; left -= 8, bytes += 8) {
		memcpy(&word, bytes, 8);
		h = mix(h, word);
	}
	word = 0;
	memcpy(&word, bytes, left);
	h = mix(h, word);
	return h ^ (h >> 32);
}

static struct hash_bucket *bucket_of(const struct hash_map *hash, u32 h)
{
	return &hash->buckets[h & hash->mask];
}

static struct hash_elem *elem_observe(struct hash_elem *const *link)
{
	/*
	 * ORDER hash.observe (acquire): key and value are read after the pointer
	 * to them.  Pairs with hash.publish in elem_publish().
	 */
	return load_acquire(link);
}

static void elem_publish(struct hash_elem **link, struct hash_elem *elem)
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
	return elem->hash == h && !memcmp(elem->key, key, hash->map.spec.key_size);
}

static struct hash_elem *hash_find(const struct hash_map *hash, u32 h, const void *key)
{
	struct hash_elem *elem = elem_observe(&bucket_of(hash, h)->first);

	while (elem && !elem_matches(hash, elem, h, key))
		elem = elem_observe(&elem->next);
	return elem;
}

static void *hash_lookup(struct bpf_map *map, const void *key)
{
	struct hash_map *hash = hash_of(map);
	struct hash_elem *elem = hash_find(hash, hash_key(hash, key), key);

	return elem ? elem_value(hash, elem) : NULL;
}

static struct hash_elem *first_from_bucket(const struct hash_map *hash, u64 i)
{
	struct hash_elem *elem = NULL;

	for (; !elem && i <= hash->mask; i++)
		elem = elem_observe(&hash->buckets[i].first);
	return elem;
}

static u64 hash_for_each(struct bpf_map *map, map_visit visit, void *arg)
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

static const void *hash_key_of(struct bpf_map *map, const void *value, u32 *room)
{
	return (const u8 *)value - hash_of(map)->value_off;
}

static int hash_next_key(struct bpf_map *map, const void *key, void *ret_key)
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

/* Under the lock, so that no element is there twice while it is replaced. */
static int hash_elems_at(struct bpf_map *map, u32 at, void *keys, void *values, u32 room,
			 u32 *ret_nr)
{
	struct hash_map *hash = hash_of(map);
	const struct map_spec *spec = &map->spec;
	struct hash_bucket *bucket;
	u8 *key = keys, *value = values;

	if (at > hash->mask)
		return -ENOENT;
	bucket = &hash->buckets[at];
	mutex_lock(&bucket->lock);
	*ret_nr = count_locked(bucket);
	for (struct hash_elem *elem = *ret_nr <= room ? bucket->first : NULL; elem;
	     elem = elem->next) {
		memcpy(key, elem->key, spec->key_size);
		map_value_read(map, value, elem_value(hash, elem));
		key += spec->key_size;
		value += spec->value_size;
	}
	mutex_unlock(&bucket->lock);
	return 0;
}

static int hash_elem_at(struct bpf_map *map, u32 at, u32 nth, const void **ret_key,
			void **ret_value)
{
	struct hash_map *hash = hash_of(map);
	struct hash_elem *elem;

	if (at > hash->mask)
		return -ERANGE;
	elem = elem_observe(&hash->buckets[at].first);
	for (; elem && nth; nth--)
		elem = elem_observe(&elem->next);
	if (!elem)
		return -ENOENT;
	*ret_key = elem->key;
	*ret_value = elem_value(hash, elem);
	return 0;
}

/* --- changing ----------------------------------------------------------------------------- */

static void elem_free_rcu(struct rcu_head *rcu)
{
	map_rcu_told_grace();
	free(container_of(rcu, struct hash_elem, rcu));
}

/* Who stood on the element may have put something into its fields after it was taken out. */
static void elem_free_fields_rcu(struct rcu_head *rcu)
{
	struct hash_elem *elem = container_of(rcu, struct hash_elem, rcu);
	struct hash_map *hash;

	map_rcu_told_grace();
	hash = elem->owner;
	map_fields_release(&hash->map, elem_value(hash, elem));
	free(elem);
	map_put(&hash->map);
}

/* It is linked no more, but readers may stand on it until their sections end. */
static void elem_retire(struct hash_map *hash, struct hash_elem *elem)
{
	if (!hash->map.spec.fields.nr) {
		map_call_rcu(&elem->rcu, elem_free_rcu);
		return;
	}
	map_fields_release(&hash->map, elem_value(hash, elem));
	map_get(&hash->map);
	elem->owner = hash;
	map_call_rcu(&elem->rcu, elem_free_fields_rcu);
}

static struct hash_elem *elem_create(const struct hash_map *hash, u32 h, const void *key,
				     const void *value)
{
	const struct map_spec *spec = &hash->map.spec;
	struct hash_elem *elem;

	elem = malloc(sizeof(*elem) + hash->value_off + map_value_stride(spec));
	if (!elem)
		return NULL;
	elem->hash = h;
	memcpy(elem->key, key, spec->key_size);
	map_value_read(&hash->map, elem_value(hash, elem), value);
	return elem;
}

/* The link that holds @elem, or the last one. */
static struct hash_elem **link_of_locked(struct hash_bucket *bucket, const struct hash_elem *elem)
{
	struct hash_elem **link = &bucket->first;

	assert_held(&bucket->lock);
	while (*link && *link != elem)
		link = &(*link)->next;
	return link;
}

/* Readers may stand on @elem until their sections end. */
static void unlink_locked(struct hash_bucket *bucket, struct hash_elem *elem)
{
	WRITE_ONCE(*link_of_locked(bucket, elem), elem->next);
}

static bool count_up(struct hash_map *hash)
{
	if (add_fetch_relaxed(&hash->nr_elems, 1) <= hash->map.spec.max_entries)
		return true;
	add_fetch_relaxed(&hash->nr_elems, -1);
	return false;
}

/* The bucket is locked.  *ret_old: taken out, to be freed; or NULL. */
static int insert_locked(struct hash_map *hash, struct hash_bucket *bucket,
			 struct hash_elem *elem, u64 flags, struct hash_elem **ret_old)
{
	struct hash_elem *old = hash_find(hash, elem->hash, elem->key);

	assert_held(&bucket->lock);
	if (old && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!old && flags == BPF_EXIST)
		return -ENOENT;
	if (!old && !count_up(hash))
		return -E2BIG;
	elem->next = bucket->first;
	elem_publish(&bucket->first, elem);
	if (old)
		unlink_locked(bucket, old);
	*ret_old = old;
	return 0;
}

static int hash_update(struct bpf_map *map, const void *key, const void *value, u64 flags)
{
	struct hash_map *hash = hash_of(map);
	u32 h = hash_key(hash, key);
	struct hash_bucket *bucket = bucket_of(hash, h);
	struct hash_elem *elem, *old = NULL;
	int err;

	if (flags > BPF_EXIST)
		return -EINVAL;
	if (in_nmi())
		return -EBUSY;
	elem = elem_create(hash, h, key, value);
	if (!elem)
		return -ENOMEM;
	mutex_lock(&bucket->lock);
	err = insert_locked(hash, bucket, elem, flags, &old);
	mutex_unlock(&bucket->lock);
	if (err)
		free(elem);
	if (old)
		elem_retire(hash, old);
	return err;
}

/* @ret_value may be NULL. */
static int hash_lookup_and_delete(struct bpf_map *map, const void *key, void *ret_value)
{
	struct hash_map *hash = hash_of(map);
	u32 h = hash_key(hash, key);
	struct hash_bucket *bucket = bucket_of(hash, h);
	struct hash_elem *elem;

	if (in_nmi())
		return -EBUSY;
	mutex_lock(&bucket->lock);
	elem = hash_find(hash, h, key);
	if (elem)
		unlink_locked(bucket, elem);
	mutex_unlock(&bucket->lock);
	if (!elem)
		return -ENOENT;
	add_fetch_relaxed(&hash->nr_elems, -1);
	if (ret_value)
		map_value_read(map, ret_value, elem_value(hash, elem));
	elem_retire(hash, elem);
	return 0;
}

static int hash_delete(struct bpf_map *map, const void *key)
{
	return hash_lookup_and_delete(map, key, NULL);
}

const struct map_ops map_hash_ops = {
	.has_fields = true,
	.accepts = hash_check,
	.check_btf = hash_check_btf,
	.create = hash_create,
	.free = hash_free,
	.lookup = hash_lookup,
	.update = hash_update,
	.delete = hash_delete,
	.lookup_and_delete = hash_lookup_and_delete,
	.next_key = hash_next_key,
	.for_each = hash_for_each,
	.key_of = hash_key_of,
	.elems_at = hash_elems_at,
	.elem_at = hash_elem_at,
};
