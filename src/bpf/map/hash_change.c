/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/hash_change.c - elements put in, replaced, deleted and evicted
 *
 * An update never changes an element that readers may stand on: it puts a new one into
 * the old one's place, which is used again after a grace period.
 *
 * A signal handler may have interrupted whoever holds a bucket.  So it only tries the
 * lock, and when that is held it is told -EBUSY, whoever holds it; and memory is taken
 * before the lock and given back behind it (hash_mem.c).
 *
 * A map of the LRU type makes room for a new key: a hand goes round over the buckets
 * and takes the first element that was not looked up since it last came by.
 */
#include <errno.h>

#include "base/context.h"
#include "bpf/map/fields.h"
#include "bpf/map/hash.h"

/* False: in a signal handler, and somebody has it. */
bool bucket_lock(struct hash_bucket *bucket)
{
	if (in_nmi())
		return mutex_trylock(&bucket->lock);
	mutex_lock(&bucket->lock);
	return true;
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
	/* Who comes by this link to the next one has not seen the one who published that. */
	elem_publish(link_of_locked(bucket, elem), elem->next);
}

/*
 * In the place of @old, or in front.  One store: who looks meanwhile finds one of the two.
 * A new one in front and the old one out would not do for a reader who has passed the front.
 */
static void link_locked(struct hash_bucket *bucket, struct hash_elem *elem,
			const struct hash_elem *old)
{
	struct hash_elem **link = old ? link_of_locked(bucket, old) : &bucket->first;

	elem->next = old ? old->next : bucket->first;
	elem_publish(link, elem);
}

static bool count_up(struct hash_map *hash)
{
	u32 nr = READ_ONCE(hash->nr_elems);

	do {
		if (nr >= hash->most_elems)
			return false;
	} while (!cmpxchg_relaxed(&hash->nr_elems, &nr, nr + 1));
	return true;
}

static void count_down(struct hash_map *hash)
{
	add_fetch_relaxed(&hash->nr_elems, -1);
}

/* --- update ------------------------------------------------------------------------------- */

/* The bucket is locked.  *ret_old: taken out, to be retired; or NULL. */
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
	link_locked(bucket, elem, old);
	*ret_old = old;
	return 0;
}

static int try_insert(struct hash_map *hash, struct hash_elem *elem, u64 flags)
{
	struct hash_bucket *bucket = bucket_of(hash, elem->hash);
	struct hash_elem *old = NULL;
	int err;

	if (!bucket_lock(bucket))
		return -EBUSY;
	err = insert_locked(hash, bucket, elem, flags, &old);
	mutex_unlock(&bucket->lock);
	if (old)
		elem_retire(hash, old);
	return err;
}

/* The first element that nobody has looked up since the hand was here; NULL: none. */
static struct hash_elem *unused_locked(struct hash_bucket *bucket)
{
	struct hash_elem *elem = bucket->first;

	assert_held(&bucket->lock);
	while (elem && READ_ONCE(elem->used)) {
		WRITE_ONCE(elem->used, 0);
		elem = elem->next;
	}
	return elem;
}

static bool evict_from(struct hash_map *hash, struct hash_bucket *bucket)
{
	struct hash_elem *elem;

	if (!READ_ONCE(bucket->first) || !mutex_trylock(&bucket->lock))
		return false;
	elem = unused_locked(bucket);
	if (elem)
		unlink_locked(bucket, elem);
	mutex_unlock(&bucket->lock);
	if (!elem)
		return false;
	count_down(hash);
	elem_retire(hash, elem);
	return true;
}

/* Twice round finds what everybody uses, too.  False: others hold all buckets. */
static bool evict(struct hash_map *hash)
{
	u64 nr = 2 * ((u64)hash->mask + 1);

	while (nr--)
		if (evict_from(hash, bucket_of(hash, fetch_add_relaxed(&hash->hand, 1))))
			return true;
	return false;
}

/**
 * hash_insert - put an element in, or into the place of another
 * @elem: complete; the map's, or freed
 *
 * Context: any; in a read section.
 * Return:  0, -EEXIST, -ENOENT, -E2BIG (full), -ENOMEM (full of elements that all are being
 *          changed); in a signal handler also -EBUSY (somebody is changing the bucket).
 */
int hash_insert(struct hash_map *hash, struct hash_elem *elem, u64 flags)
{
	int err;

	ctx_any();
	do
		err = try_insert(hash, elem, flags);
	while (err == -E2BIG && hash_is_lru(hash) && evict(hash));
	if (err)
		elem_free(hash, elem);
	return err == -E2BIG && hash_is_lru(hash) ? -ENOMEM : err;
}

/**
 * hash_update - a map_ops.update of values that are bytes
 *
 * Context: any; in a read section.
 * Return:  as hash_insert(), or -EINVAL (flags), -ENOMEM.
 */
int hash_update(struct bpf_map *map, const void *key, const void *value, u64 flags)
{
	struct hash_map *hash = hash_of(map);
	struct hash_elem *elem;

	ctx_any();
	if (flags > BPF_EXIST)
		return -EINVAL;
	elem = elem_create(hash, hash_key(hash, key), key);
	if (!elem)
		return -ENOMEM;
	map_value_read(map, elem_value(hash, elem), value);
	return hash_insert(hash, elem, flags);
}

/* --- delete ------------------------------------------------------------------------------- */

/**
 * hash_lookup_and_delete - take an element out
 * @ret_value: what it was; may be NULL
 *
 * Context: any; in a read section.
 * Return:  0 or -ENOENT; in a signal handler also -EBUSY (somebody is changing the bucket).
 */
int hash_lookup_and_delete(struct bpf_map *map, const void *key, void *ret_value)
{
	struct hash_map *hash = hash_of(map);
	u32 h = hash_key(hash, key);
	struct hash_bucket *bucket = bucket_of(hash, h);
	struct hash_elem *elem;

	ctx_any();
	if (!bucket_lock(bucket))
		return -EBUSY;
	elem = hash_find(hash, h, key);
	if (elem)
		unlink_locked(bucket, elem);
	mutex_unlock(&bucket->lock);
	if (!elem)
		return -ENOENT;
	count_down(hash);
	if (ret_value)
		hash->values->show(hash, ret_value, elem);
	elem_retire(hash, elem);
	return 0;
}

/* As hash_lookup_and_delete(). */
int hash_delete(struct bpf_map *map, const void *key)
{
	return hash_lookup_and_delete(map, key, NULL);
}
