/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * softirq/tqueue.c - many timers of one clock, cheaply
 *
 * A node in a slot is linked by ->next and ->prev (NULL: the first), and marked by ->child.  That
 * also is the address of one that was HINT nodes further on when this one came: it is fetched
 * while this one is being moved.  It may be gone by now, so nothing else is done with it.
 */
#include "base/context.h"
#include "softirq/tqueue.h"
#include "softirq/tqueue_run.h"

/* So few are looked through for the first of them; else their slot's beginning must do. */
#define TQ_SCAN 16
#define HINT 4

struct place {
	u32 level, slot;
};

static u32 shift_of(u32 level)
{
	return TQ_NEAR_SHIFT + level * TQ_DIGIT_BITS;
}

static struct place place_of(const struct tqueue *q, u64 key)
{
	u32 level = (63 - __builtin_clzll(key ^ q->base_ns) - TQ_NEAR_SHIFT) / TQ_DIGIT_BITS;

	return (struct place){ level, key >> shift_of(level) & (TQ_SLOTS - 1) };
}

static bool is_near(const struct tqueue *q, u64 key)
{
	return key < q->base_ns || key - q->base_ns < TQ_NEAR_NS;
}

static bool is_far(const struct pheap_node *node)
{
	return (uintptr_t)node->child & TQ_FAR;
}

/* @next: the node that is going to be behind it. */
static struct pheap_node *hint(struct pheap_node *next)
{
	for (u32 i = 1; i < HINT && next; i++)
		next = next->next;
	return (struct pheap_node *)((uintptr_t)next | TQ_FAR);
}

static void fetch_hinted(const struct pheap_node *node)
{
	__builtin_prefetch((const void *)((uintptr_t)node->child & ~TQ_FAR));
}

/**
 * tqueue_add - queue a node by its key
 * @node:  not queued; ->key is set
 *
 * Context: any, under the queue's lock.
 */
void tqueue_add(struct tqueue *q, struct pheap_node *node)
{
	struct pheap_node **first;
	struct place at;

	check(!tqueue_is_queued(q, node));
	if (is_near(q, node->key)) {
		pheap_add(&q->near, node);
		return;
	}
	at = place_of(q, node->key);
	first = &q->slots[at.level][at.slot];
	node->child = hint(*first);
	node->prev = NULL;
	node->next = *first;
	if (*first)
		(*first)->prev = node;
	*first = node;
	q->used[at.level] |= (u64)1 << at.slot;
}

static void step_cursors_over(struct tqueue *q, const struct pheap_node *node)
{
	for (struct tqueue_cursor *c = q->cursors; c; c = c->next)
		if (c->at == node)
			c->at = node->next;
}

/**
 * tqueue_remove - take a queued node out
 *
 * Context: any, under the queue's lock.
 */
void tqueue_remove(struct tqueue *q, struct pheap_node *node)
{
	if (run_has(node)) {
		run_remove(node);
		return;
	}
	if (!is_far(node)) {
		pheap_remove(&q->near, node);
		return;
	}
	step_cursors_over(q, node);
	if (node->next)
		node->next->prev = node->prev;
	if (node->prev) {
		node->prev->next = node->next;
	} else {
		struct place at = place_of(q, node->key);

		check(q->slots[at.level][at.slot] == node);
		q->slots[at.level][at.slot] = node->next;
		if (!node->next)
			q->used[at.level] &= ~((u64)1 << at.slot);
	}
	node->child = node->next = node->prev = NULL;
}

/**
 * tqueue_postpone - give a queued node a later key
 *
 * It moves only if it must, so that a cursor in its slot meets it as before.
 *
 * Context: any, under the queue's lock.
 */
void tqueue_postpone(struct tqueue *q, struct pheap_node *node, u64 key)
{
	check(tqueue_is_queued(q, node) && key >= node->key);
	if (is_far(node)) {
		struct place from = place_of(q, node->key), to = place_of(q, key);

		if (from.level == to.level && from.slot == to.slot) {
			node->key = key;
			return;
		}
	}
	tqueue_remove(q, node);
	node->key = key;
	tqueue_add(q, node);
}

/**
 * tqueue_is_queued - is @node in @q?
 * @node:  zeroed before its first use, and never in another queue
 *
 * Context: any, under the queue's lock.
 */
bool tqueue_is_queued(const struct tqueue *q, const struct pheap_node *node)
{
	return is_far(node) || run_has(node) || pheap_is_queued(&q->near, node);
}

/* The slot that begins first; a lower level's slots all begin before a higher one's. */
static bool first_slot(const struct tqueue *q, struct place *ret_at)
{
	for (u32 level = 0; level < TQ_LEVELS; level++) {
		if (!q->used[level])
			continue;
		*ret_at = (struct place){ level, __builtin_ctzll(q->used[level]) };
		return true;
	}
	return false;
}

/* The digits above the slot's are those of the base, those below are 0. */
static u64 slot_start_ns(const struct tqueue *q, struct place at)
{
	u64 below = ((u64)TQ_SLOTS << shift_of(at.level)) - 1;	/* all ones at the last level */

	return (q->base_ns & ~below) | (u64)at.slot << shift_of(at.level);
}

/**
 * tqueue_is_empty - has it no node at all?
 *
 * Context: any, under the queue's lock.
 */
bool tqueue_is_empty(const struct tqueue *q)
{
	struct place at;

	return !tqueue_near_first(q) && !first_slot(q, &at);
}

static void spread_slot(struct tqueue *q, struct place at)
{
	struct pheap_node *node = q->slots[at.level][at.slot], *next;
	bool to_run = at.level == 0 && run_begin(q);

	for (struct tqueue_cursor *c = q->cursors; c; c = c->next)
		c->spread |= c->slot == &q->slots[at.level][at.slot];
	q->slots[at.level][at.slot] = NULL;
	q->used[at.level] &= ~((u64)1 << at.slot);
	for (; node; node = next) {
		next = node->next;
		fetch_hinted(node);
		node->child = node->next = node->prev = NULL;
		if (!to_run || !run_add(node))
			tqueue_add(q, node);
	}
	if (to_run)
		run_sort(q->base_ns);
}

/**
 * tqueue_advance - what is due by a time comes into the run or the heap
 * @now_ns:  before the last one: nothing happens
 *
 * Context: any, under the queue's lock.
 */
void tqueue_advance(struct tqueue *q, u64 now_ns)
{
	u64 base_ns = now_ns & ~(TQ_NEAR_NS - 1);
	struct place at;

	if (base_ns <= q->base_ns)
		return;
	while (first_slot(q, &at) && slot_start_ns(q, at) <= now_ns) {
		q->base_ns = slot_start_ns(q, at);
		spread_slot(q, at);
	}
	q->base_ns = base_ns;
}

static struct pheap_node *earliest_of_few(struct pheap_node *node)
{
	struct pheap_node *earliest = node;

	for (u32 n = 0; node; node = node->next, n++) {
		if (n == TQ_SCAN)
			return NULL;
		if (node->key < earliest->key)
			earliest = node;
	}
	return earliest;
}

/**
 * tqueue_first - the node with the smallest key
 *
 * Context: any, under the queue's lock.
 * Return:  NULL if there is none, or too many that are not due for long.
 */
struct pheap_node *tqueue_first(const struct tqueue *q)
{
	struct pheap_node *heap = pheap_first(&q->near), *near = run_first(q);
	struct place at;

	if (!near || (heap && heap->key < near->key))
		near = heap;
	if (near || !first_slot(q, &at))
		return near;
	return earliest_of_few(q->slots[at.level][at.slot]);
}

/**
 * tqueue_next_ns - when to advance and look again
 *
 * Context: any, under the queue's lock.
 * Return:  the smallest key, or an earlier time; UINT64_MAX if the queue is empty.
 */
u64 tqueue_next_ns(const struct tqueue *q)
{
	struct pheap_node *first = tqueue_first(q);
	struct place at;

	if (first)
		return first->key;
	return first_slot(q, &at) ? slot_start_ns(q, at) : UINT64_MAX;
}
