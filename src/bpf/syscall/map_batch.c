/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/syscall/map_batch.c - many elements of a map in one call
 *
 * The caller learns how many were done, also when one of them failed; but for
 * lookups into memory that is not there, which are no lookups.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/map/fields.h"
#include "bpf/map/map.h"
#include "bpf/map/rcu.h"
#include "bpf/syscall/call.h"
#include "bpf/syscall/map_ref.h"
#include "bpf/syscall/user.h"

/* As the only flag is BPF_F_LOCK, and no map here has a lock in its values: none at all. */
static int check_batch(const struct call *c, const struct map_ref *ref, bool can)
{
	if (!can || ref->map->ops->no_batches)
		return -ENOTSUPP;
	return c->attr.batch.elem_flags || c->attr.batch.flags ? -EINVAL : 0;
}

static u64 nth_key(const struct call *c, const struct map_ref *ref, u32 i)
{
	return c->attr.batch.keys + (u64)i * ref->map->spec.key_size;
}

static u64 nth_value(const struct call *c, const struct map_ref *ref, u32 i)
{
	return c->attr.batch.values + i * map_user_value_bytes(ref->map);
}

/* --- update and delete -------------------------------------------------------------------- */

static int update_nth(struct call *c, struct map_ref *ref, u32 i)
{
	int err = map_ref_read_key(ref, nth_key(c, ref, i));

	err = err ?: user_read(ref->value, nth_value(c, ref, i), map_user_value_bytes(ref->map));
	return err ?: map_ref_update(ref, 0);
}

static int delete_nth(struct call *c, struct map_ref *ref, u32 i)
{
	int err = map_ref_read_key(ref, nth_key(c, ref, i));

	return err ?: map_ref_delete(ref);
}

static int for_each_nth(struct call *c, struct map_ref *ref,
			int (*nth)(struct call *c, struct map_ref *ref, u32 i))
{
	u32 i = 0;
	int err = 0;

	if (!c->attr.batch.count)
		return 0;
	for (; i < c->attr.batch.count && !err; i += !err)
		err = nth(c, ref, i);
	return call_answer(c, batch.count, i) ?: err;
}

int cmd_map_update_batch(struct call *c)
{
	struct map_ref ref;
	int err = map_ref_get(c->attr.batch.map_fd, MAP_WRITE, &ref);

	if (err)
		return err;
	err = check_batch(c, &ref, ref.map->ops->update);
	err = err ?: for_each_nth(c, &ref, update_nth);
	map_ref_put(&ref);
	return err;
}

/* An array's elements are not deleted, not even none of them. */
int cmd_map_delete_batch(struct call *c)
{
	struct map_ref ref;
	int err = map_ref_get(c->attr.batch.map_fd, MAP_WRITE, &ref);

	if (err)
		return err;
	err = check_batch(c, &ref, ref.map->ops->elems_at || ref.map->ops->for_each_from);
	err = err ?: for_each_nth(c, &ref, delete_nth);
	map_ref_put(&ref);
	return err;
}

/* --- lookup by key ------------------------------------------------------------------------ */

/* The element behind ->key (NULL: the first) to the caller's place @i; ->key becomes its key. */
static int lookup_nth(struct call *c, struct map_ref *ref, const void *key, u32 i)
{
	u32 key_size = ref->map->spec.key_size;
	int err = map_ref_next_key(ref, key);

	if (err)
		return err;
	memcpy(ref->key, ref->next_key, key_size);
	err = map_ref_lookup(ref);
	err = err ?: user_write(nth_key(c, ref, i), ref->key, key_size);
	return err ?: user_write(nth_value(c, ref, i), ref->value,
				 map_user_value_bytes(ref->map));
}

/* An array: where to go on is named by the last key. */
static int lookup_by_key(struct call *c, struct map_ref *ref)
{
	u64 from = c->attr.batch.in_batch;
	u32 i = 0;
	int err = from ? user_read(ref->key, from, ref->map->spec.key_size) : 0;

	for (; i < c->attr.batch.count && !err; i += !err)
		err = lookup_nth(c, ref, i || from ? ref->key : NULL, i);
	if (err == -EFAULT)
		return err;
	if (call_answer(c, batch.count, i) ||
	    (i && user_write(c->attr.batch.out_batch, ref->key, ref->map->spec.key_size)))
		return -EFAULT;
	return err;
}

/* --- lookup by place ---------------------------------------------------------------------- */

/* Room for the elements of one place. */
struct place {
	void *keys, *values;
	u32 room, nr;
};

static int place_grow(struct place *p, const struct bpf_map *map, u32 nr)
{
	void *keys = realloc(p->keys, (size_t)nr * map->spec.key_size);
	void *values;

	if (!keys)
		return -ENOMEM;
	p->keys = keys;
	values = realloc(p->values, nr * map_user_value_bytes(map));
	if (!values)
		return -ENOMEM;
	p->values = values;
	p->room = nr;
	return 0;
}

/* -ENOSPC: there are more than @left. */
static int place_read(struct place *p, struct bpf_map *map, u32 at, u32 left)
{
	int err = map->ops->elems_at(map, at, p->keys, p->values, p->room, &p->nr);

	while (!err && p->nr > p->room) {
		if (p->nr > left)
			return -ENOSPC;
		err = place_grow(p, map, p->nr);
		err = err ?: map->ops->elems_at(map, at, p->keys, p->values, p->room, &p->nr);
	}
	return !err && p->nr > left ? -ENOSPC : err;
}

/*
 * A place comes whole or waits for the next call; only a first place that has
 * more elements than there is room for is an error.
 */
static int lookup_places(struct call *c, struct map_ref *ref, struct place *p, u32 *at, u32 *ret_nr)
{
	u64 key_bytes = ref->map->spec.key_size, value_bytes = map_user_value_bytes(ref->map);
	u32 nr = 0;
	int err;

	for (;; ++*at) {
		err = place_read(p, ref->map, *at, c->attr.batch.count - nr);
		if (err)
			break;
		err = user_write(nth_key(c, ref, nr), p->keys, p->nr * key_bytes) ?:
		      user_write(nth_value(c, ref, nr), p->values, p->nr * value_bytes);
		if (err)
			break;
		nr += p->nr;
	}
	*ret_nr = nr;
	return err == -ENOSPC && nr ? 0 : err;
}

/* A hash: where to go on is the number of a place, so elements may come and go meanwhile. */
static int lookup_by_place(struct call *c, struct map_ref *ref)
{
	struct place p = { NULL };
	u32 at = 0, nr;
	int err = 0;

	if (c->attr.batch.in_batch)
		err = user_read(&at, c->attr.batch.in_batch, sizeof(at));
	if (err)
		return err;
	err = lookup_places(c, ref, &p, &at, &nr);
	free(p.keys);
	free(p.values);
	if (err && err != -ENOENT && err != -ENOSPC)
		return err;
	if (user_write_u32(c->attr.batch.out_batch, at) || call_answer(c, batch.count, nr))
		return -EFAULT;
	return err;
}

/* --- lookup from a key on ----------------------------------------------------------------- */

struct from_key {
	struct call *c;
	struct map_ref *ref;
	u32 nr;
	bool has_next;		/* ->key of the reference is that of the next one */
	int err;
};

/* One more for the caller; or, when that was all that he has room for, where to go on. */
static u64 give_nth(void *arg, const void *key, void *value)
{
	struct from_key *f = arg;
	struct map_ref *ref = f->ref;

	memcpy(ref->key, key, ref->map->spec.key_size);
	f->has_next = f->nr == f->c->attr.batch.count;
	if (f->has_next)
		return 1;
	map_value_read(ref->map, ref->value, value);
	f->err = user_write(nth_key(f->c, ref, f->nr), ref->key, ref->map->spec.key_size);
	f->err = f->err ?: user_write(nth_value(f->c, ref, f->nr), ref->value,
				      map_user_value_bytes(ref->map));
	f->nr += !f->err;
	return f->err != 0;
}

/* A resizable hash: where to go on is named by the next key, and lost with it. */
static int lookup_from_key(struct call *c, struct map_ref *ref)
{
	struct from_key f = { .c = c, .ref = ref };
	u64 from = c->attr.batch.in_batch;
	int err = from ? user_read(ref->next_key, from, ref->map->spec.key_size) : 0;

	if (err)
		return err;
	map_rcu_read_lock();
	err = ref->map->ops->for_each_from(ref->map, from ? ref->next_key : NULL, give_nth, &f);
	map_rcu_read_unlock();
	err = err ?: f.err;
	if (err)
		return err;
	if (f.has_next && user_write(c->attr.batch.out_batch, ref->key, ref->map->spec.key_size))
		return -EFAULT;
	return call_answer(c, batch.count, f.nr) ?: f.has_next ? 0 : -ENOENT;
}

static int lookup(struct call *c, struct map_ref *ref)
{
	const struct map_ops *ops = ref->map->ops;

	int err = check_batch(c, ref, ops->next_key);

	if (err)
		return err;
	if (!c->attr.batch.count)
		return 0;
	if (call_answer(c, batch.count, 0))
		return -EFAULT;
	if (ops->for_each_from)
		return lookup_from_key(c, ref);
	return ops->elems_at ? lookup_by_place(c, ref) : lookup_by_key(c, ref);
}

int cmd_map_lookup_batch(struct call *c)
{
	struct map_ref ref;
	int err = map_ref_get(c->attr.batch.map_fd, MAP_READ, &ref);

	if (err)
		return err;
	err = lookup(c, &ref);
	map_ref_put(&ref);
	return err;
}
