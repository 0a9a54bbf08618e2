/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/pheap.h - intrusive priority queue (a pairing heap)
 *
 * Invariant: no node's key is smaller than its parent's.
 * Not here:  locking; whoever owns the heap has a lock.
 */
#ifndef ROVE_BASE_PHEAP_H
#define ROVE_BASE_PHEAP_H

#include "base/types.h"

struct pheap_node {
	u64			key;
	struct pheap_node	*child;		/* first of them */
	struct pheap_node	*next;		/* sibling */
	struct pheap_node	*prev;		/* sibling, or parent; NULL: root, or not queued */
};

struct pheap {
	struct pheap_node *root;		/* the smallest key; NULL: empty */
};

#define PHEAP_INIT { NULL }

void pheap_add(struct pheap *heap, struct pheap_node *node);
void pheap_remove(struct pheap *heap, struct pheap_node *node);

/* @node must be zeroed before its first use, and belong to no other heap. */
static inline bool pheap_is_queued(const struct pheap *heap, const struct pheap_node *node)
{
	return node->prev || heap->root == node;
}

static inline struct pheap_node *pheap_first(const struct pheap *heap)
{
	return heap->root;
}

#endif
