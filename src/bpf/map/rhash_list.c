/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/rhash_list.c - one ordered list that any context changes, without a lock
 *
 * A node is taken out in two steps.  Its own pointer is marked, which says whose it is and
 * keeps it from ever changing again: nothing is put in behind a node that goes.  Then the
 * pointer to it is moved on, by the one who marked it or by anybody who comes along; the
 * former looks until it is gone before he gives the node away.
 *
 * Elements whose hashes are equal, but for the highest bit, stand in a row, and a new one goes
 * behind the last of them.  So two who put the same key in want to change the same pointer, and the
 * second one, refused, finds the first one's.
 *
 * Invariant: the unmarked nodes are ordered, and no two of them have one key.  Who walks from
 *            a signpost meets every node behind it that is linked all the time: a marked pointer
 *            leads to what stood behind when it was marked.
 * Ordering:  rhash.publish -> rhash.observe (docs/memory-model.md).
 * Not here:  when a node's memory is used again.  All of this is in a read section, so never
 *            while somebody stands on it, and a node that has gone does not come back.
 */
#include "base/context.h"
#include "bpf/map/hash_fn.h"
#include "bpf/map/rhash.h"

/* False, and *found is there: somebody else came first. */
static bool rhash_swap(struct rhash_node **link, struct rhash_node **found, struct rhash_node *to)
{
	/*
	 * ORDER rhash.publish (acq_rel): what a node says comes before the pointer to it,
	 * also to one that somebody else published.  Pairs with rhash.observe in
	 * rhash_observe().
	 */
	return cmpxchg_acq_rel(link, found, to);
}

/* Context: any, in a read section. */
bool rhash_node_holds(const struct rhash_map *rhash, const struct rhash_node *node, u32 hash,
		      const void *key)
{
	const struct rhash_elem *elem = rhash_elem_of((struct rhash_node *)node);

	return node->hash == hash && rhash_is_elem(node) &&
	       hash_keys_equal(elem->key, key, rhash->map.spec.key_size);
}

/* Is @node the one that is looked for?  @like: a node in the list, or to be in it. */
static bool is_same(const struct rhash_map *rhash, const struct rhash_node *node,
		    const struct rhash_node *like, const void *key)
{
	if (!key)
		return node == like;
	return rhash_node_holds(rhash, node, like->hash, key);
}

/*
 * One walk from a signpost; unlinks what is marked.  False: it has to begin anew, because
 * what it stood on has gone.  @spot->node is the node that was looked for if *ret_found.
 */
static bool walk_to(const struct rhash_map *rhash, struct rhash_node *from,
		    const struct rhash_node *like, const void *key, struct rhash_spot *spot,
		    bool *ret_found)
{
	struct rhash_node *node, *next;

	*ret_found = false;
	spot->link = &from->next;
	for (node = rhash_observe(spot->link);; node = next) {
		if (rhash_is_out(node))
			return false;
		spot->node = node;
		if (!node)
			return true;
		next = rhash_observe(&node->next);
		if (rhash_is_out(next)) {
			next = rhash_behind(next);
			if (!rhash_swap(spot->link, &node, next))
				return false;
			continue;
		}
		if (node->order > like->order)
			return true;
		if (node->order == like->order && is_same(rhash, node, like, key)) {
			*ret_found = true;
			return true;
		}
		spot->link = &node->next;
	}
}

/*
 * @from is a signpost in front of it that is not going: one below the size that the caller
 * read in its section.
 */
static bool look_for(const struct rhash_map *rhash, struct rhash_node *from,
		     const struct rhash_node *like, const void *key, struct rhash_spot *spot)
{
	bool found;

	while (!walk_to(rhash, from, like, key, spot, &found))
		;
	return found;
}

static const void *key_of_node(const struct rhash_node *node)
{
	return rhash_is_elem(node) ? rhash_elem_of((struct rhash_node *)node)->key : NULL;
}

/**
 * rhash_link - put a node in
 * @from: a signpost in front of it
 * @node: complete but for ->next; a signpost that is not linked, or an element's
 *
 * Context: any, in a read section.  Lock-free.
 * Return:  NULL, or the one that has its key.
 */
struct rhash_node *rhash_link(const struct rhash_map *rhash, struct rhash_node *from,
			      struct rhash_node *node)
{
	struct rhash_spot spot;

	ctx_any();
	do {
		if (look_for(rhash, from, node, key_of_node(node), &spot))
			return spot.node;
		WRITE_ONCE(node->next, spot.node);
	} while (!rhash_swap(spot.link, &spot.node, node));
	return NULL;
}

/* True: the node is the caller's; false: somebody else's. */
static bool mark(struct rhash_node *node)
{
	struct rhash_node *next = rhash_observe(&node->next);

	while (!rhash_is_out(next))
		if (rhash_swap(&node->next, &next, (struct rhash_node *)((uintptr_t)next | 1)))
			return true;
	return false;
}

/* The caller has marked it.  Afterwards nobody comes to it any more who begins now. */
static void unlink_marked(const struct rhash_map *rhash, struct rhash_node *from,
			  struct rhash_spot *spot, struct rhash_node *node)
{
	struct rhash_node *found = node;

	if (!rhash_swap(spot->link, &found, rhash_behind(READ_ONCE(node->next))))
		look_for(rhash, from, node, NULL, spot);
}

/**
 * rhash_take - take the element with a key out
 *
 * Context: any, in a read section.  Lock-free.
 * Return:  the caller's; NULL: there is none.
 */
struct rhash_elem *rhash_take(const struct rhash_map *rhash, const void *key)
{
	u32 hash = rhash_key(rhash, key);
	struct rhash_node like = { .hash = hash, .order = rhash_reverse(hash) | 1 };
	struct rhash_node *from = &rhash->posts[hash & rhash_mask(rhash)];
	struct rhash_spot spot;

	ctx_any();
	while (look_for(rhash, from, &like, key, &spot)) {
		struct rhash_node *node = spot.node;

		if (!mark(node))
			continue;
		unlink_marked(rhash, from, &spot, node);
		return rhash_elem_of(node);
	}
	return NULL;
}

/**
 * rhash_unlink_post - take a signpost out
 * @from: one in front of it that stays
 *
 * Context: thread, in a read section; nobody begins a walk at @post.
 */
void rhash_unlink_post(const struct rhash_map *rhash, struct rhash_node *from,
		       struct rhash_node *post)
{
	struct rhash_spot spot;

	ctx_thread();
	/* Somebody may have begun before. */
	mark(post);
	look_for(rhash, from, post, NULL, &spot);
}
