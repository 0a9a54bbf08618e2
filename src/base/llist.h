/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/llist.h - a list that any context adds to and one taker empties
 *
 * Adding is lock-free and a signal handler may do it, also one that interrupted
 * an adding; taking is wait-free and takes everything.
 *
 * Ordering: llist.push -> llist.take (docs/memory-model.md).  Both are seq_cst,
 *           so an adder may look at a sleeper's word afterwards, and a sleeper at
 *           the list after it has set that word.
 * Not here: who may add an entry (once, until it is taken), taking one entry.
 */
#ifndef ROVE_BASE_LLIST_H
#define ROVE_BASE_LLIST_H

#include "base/atomic.h"
#include "base/types.h"

struct llist_node {
	struct llist_node *next;
};

struct llist {
	struct llist_node *newest;
};

/* Context: any. */
static inline void llist_push(struct llist *list, struct llist_node *node)
{
	struct llist_node *newest = READ_ONCE(list->newest);

	/*
	 * ORDER llist.push (seq_cst): what the adder did comes before the entry is
	 * seen.  Pairs with llist.take in llist_take_oldest_first().
	 */
	do
		node->next = newest;
	while (!cmpxchg_seq_cst(&list->newest, &newest, node));
}

/* Context: any. */
static inline bool llist_empty(const struct llist *list)
{
	/*
	 * ORDER llist.take (seq_cst): after the sleeper's word is set.  Pairs with
	 * llist.push in llist_push().
	 */
	return !load_seq_cst(&list->newest);
}

/* Context: any.  Empties the list; NULL-terminated. */
static inline struct llist_node *llist_take_oldest_first(struct llist *list)
{
	struct llist_node *node, *oldest = NULL;

	if (!READ_ONCE(list->newest))
		return NULL;
	/*
	 * ORDER llist.take (seq_cst): entries are looked at after what their
	 * adders did.  Pairs with llist.push in llist_push().
	 */
	node = xchg_seq_cst(&list->newest, NULL);
	while (node) {
		struct llist_node *next = node->next;

		node->next = oldest;
		oldest = node;
		node = next;
	}
	return oldest;
}

#endif
