/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/pheap.c - intrusive priority queue (a pairing heap)
 *
 * Adding is O(1), removing O(log n) amortised; no memory of its own.
 */
#include "base/pheap.h"
#include "base/context.h"

/* Both are roots: ->next and ->prev unused.  The smaller key becomes the parent. */
static struct pheap_node *meld(struct pheap_node *a, struct pheap_node *b)
{
	struct pheap_node *parent = a, *child = b;

	if (!a || !b)
		return a ? a : b;
	if (b->key < a->key) {
		parent = b;
		child = a;
	}
	child->prev = parent;
	child->next = parent->child;
	if (child->next)
		child->next->prev = child;
	parent->child = child;
	return parent;
}

/* Meld siblings into one root: in pairs from the left, then the pairs from the right. */
static struct pheap_node *meld_siblings(struct pheap_node *first)
{
	struct pheap_node *pairs = NULL, *root = NULL;

	while (first) {
		struct pheap_node *a = first, *b = a->next;

		first = b ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b)
			b->next = b->prev = NULL;
		a = meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct pheap_node *next = pairs->next;

		pairs->next = NULL;
		root = meld(root, pairs);
		pairs = next;
	}
	return root;
}

/**
 * pheap_add - queue a node by its key
 * @node:  not queued; ->key is set
 *
 * Context: any, under the heap's lock.
 */
void pheap_add(struct pheap *heap, struct pheap_node *node)
{
	check(!pheap_is_queued(heap, node));
	node->child = node->next = node->prev = NULL;
	heap->root = meld(heap->root, node);
}

/**
 * pheap_remove - take a queued node out
 *
 * Context: any, under the heap's lock.
 */
void pheap_remove(struct pheap *heap, struct pheap_node *node)
{
	struct pheap_node *below = meld_siblings(node->child);

	check(pheap_is_queued(heap, node));
	if (heap->root == node) {
		heap->root = below;
	} else {
		if (node->prev->child == node)
			node->prev->child = node->next;
		else
			node->prev->next = node->next;
		if (node->next)
			node->next->prev = node->prev;
		heap->root = meld(heap->root, below);
	}
	node->child = node->next = node->prev = NULL;
}
