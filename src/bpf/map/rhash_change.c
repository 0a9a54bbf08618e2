/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/rhash_change.c - elements put in, written and deleted
 *
 * As in the kernel, and other than in a hash: what is updated is written where it lies, so a
 * reader may see some of the old value and some of the new, and whoever has looked it
 * up sees the new one.
 */
#include <errno.h>

#include "base/context.h"
#include "bpf/map/fields.h"
#include "bpf/map/rhash.h"

static bool count_up(struct rhash_map *rhash, u32 *ret_nr)
{
	u32 nr = READ_ONCE(rhash->nr_elems);

	do {
		if (nr >= rhash->map.spec.max_entries)
			return false;
		/*
		 * ORDER rhash.count (seq_cst): who is resizing sees the number, or his end is
		 * seen behind it.  Pairs with rhash.idle in rhash_size_end().
		 */
	} while (!cmpxchg_seq_cst(&rhash->nr_elems, &nr, nr + 1));
	*ret_nr = nr + 1;
	return true;
}

static u32 count_down(struct rhash_map *rhash)
{
	/*
	 * ORDER rhash.count (seq_cst): who is resizing sees the number, or his end is seen
	 * behind it.  Pairs with rhash.idle in rhash_size_end().
	 */
	return fetch_add_seq_cst(&rhash->nr_elems, -1) - 1;
}

static int write_existing(struct bpf_map *map, struct rhash_elem *elem, const void *value,
			  u64 flags)
{
	void *old = rhash_value(rhash_of(map), elem);

	if (flags & BPF_NOEXIST)
		return -EEXIST;
	map_value_assign(map, old, value);
	map_fields_release(map, old);
	return 0;
}

/* The element that has its key already, or NULL. */
static struct rhash_elem *link_elem(struct rhash_map *rhash, struct rhash_elem *elem)
{
	struct rhash_node *from = &rhash->posts[elem->node.hash & rhash_mask(rhash)];
	struct rhash_node *other = rhash_link(rhash, from, &elem->node);

	return other ? rhash_elem_of(other) : NULL;
}

/* There was none. */
static int insert(struct rhash_map *rhash, const void *key, const void *value, u64 flags)
{
	struct rhash_elem *elem, *other;
	u32 nr;

	if (!count_up(rhash, &nr))
		return -E2BIG;
	elem = rhash_elem_create(rhash, rhash_key(rhash, key), key);
	if (!elem) {
		count_down(rhash);
		return -ENOMEM;
	}
	map_value_assign(&rhash->map, rhash_value(rhash, elem), value);
	other = link_elem(rhash, elem);
	if (!other) {
		rhash_size_check(rhash, nr);
		return 0;
	}
	count_down(rhash);
	rhash_elem_free(rhash, elem);
	return write_existing(&rhash->map, other, value, flags);
}

/**
 * rhash_update - a map_ops.update
 *
 * Context: any; in a read section.  Lock-free.
 * Return:  0, -EEXIST, -ENOENT, -E2BIG (full), -EINVAL (flags), -ENOMEM.
 */
int rhash_update(struct bpf_map *map, const void *key, const void *value, u64 flags)
{
	struct rhash_map *rhash = rhash_of(map);
	struct rhash_elem *elem;

	ctx_any();
	if (flags > BPF_EXIST)
		return -EINVAL;
	elem = rhash_find(rhash, key);
	if (elem)
		return write_existing(map, elem, value, flags);
	if (flags & BPF_EXIST)
		return -ENOENT;
	return insert(rhash, key, value, flags);
}

/**
 * rhash_lookup_and_delete - take an element out
 * @ret_value: what it was; may be NULL
 *
 * Context: any; in a read section.  Lock-free.
 * Return:  0 or -ENOENT.
 */
int rhash_lookup_and_delete(struct bpf_map *map, const void *key, void *ret_value)
{
	struct rhash_map *rhash = rhash_of(map);
	struct rhash_elem *elem;

	ctx_any();
	elem = rhash_take(rhash, key);
	if (!elem)
		return -ENOENT;
	if (ret_value)
		map_value_read(map, ret_value, rhash_value(rhash, elem));
	rhash_elem_retire(rhash, elem);
	rhash_size_check(rhash, count_down(rhash));
	return 0;
}

/* As rhash_lookup_and_delete(). */
int rhash_delete(struct bpf_map *map, const void *key)
{
	return rhash_lookup_and_delete(map, key, NULL);
}
