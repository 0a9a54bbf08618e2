/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * softirq/tqueue_walk.c - all timers of a queue, part by part
 *
 * A part is what is near, that is the run and the heap, or a slot.  Parts follow each other by their keys, so a walk that
 * knows up to what key it has come goes on there, however the nodes have moved since.
 *
 * Not here:  what a node says (hrtimer_view.c).
 */
#include "base/context.h"
#include "softirq/tqueue.h"
#include "softirq/tqueue_run.h"

static u32 shift_of(u32 level)
{
	return TQ_NEAR_SHIFT + level * TQ_DIGIT_BITS;
}

static u64 slot_end_ns(const struct tqueue *q, u32 level, u32 slot)
{
	u64 below = ((u64)TQ_SLOTS << shift_of(level)) - 1;
	u64 last = (q->base_ns & ~below) | (u64)slot << shift_of(level) |
		   (((u64)1 << shift_of(level)) - 1);

	return last == UINT64_MAX ? last : last + 1;
}

/**
 * tqueue_place_from - the first part that may have keys from a time on
 * @ret_place:  keys before @from_ns may be in it too; set if there is one
 *
 * Context: any, under the queue's lock.
 */
bool tqueue_place_from(const struct tqueue *q, u64 from_ns, struct tqueue_place *ret_place)
{
	u64 near_end_ns = q->base_ns + TQ_NEAR_NS;

	if (tqueue_near_first(q) && from_ns < near_end_ns) {
		*ret_place = (struct tqueue_place){ .end_ns = near_end_ns };
		return true;
	}
	for (u32 level = 0; level < TQ_LEVELS; level++) {
		for (u64 left = q->used[level]; left; left &= left - 1) {
			u32 slot = __builtin_ctzll(left);
			u64 end_ns = slot_end_ns(q, level, slot);

			if (end_ns <= from_ns)
				continue;
			*ret_place = (struct tqueue_place){
				.end_ns = end_ns,
				.slot = (struct pheap_node **)&q->slots[level][slot],
			};
			return true;
		}
	}
	return false;
}

/**
 * tqueue_near_first - the first node of what is near, in no order of their keys
 *
 * Context: any, under the queue's lock.
 * Return:  NULL: nothing is.
 */
struct pheap_node *tqueue_near_first(const struct tqueue *q)
{
	return run_first(q) ?: pheap_first(&q->near);
}

/**
 * tqueue_near_next - the node after one of what is near
 *
 * From the first on this meets each node once, in a time that their number bounds.
 *
 * Context: any, under the queue's lock, and nothing near changes meanwhile.
 * Return:  NULL behind the last.
 */
struct pheap_node *tqueue_near_next(const struct tqueue *q, struct pheap_node *node)
{
	if (run_has(node))
		return run_next(node) ?: pheap_first(&q->near);
	if (node->child)
		return node->child;
	while (!node->next) {
		/* Back along the siblings to the first, whose ->prev is the parent. */
		while (node->prev && node->prev->child != node)
			node = node->prev;
		node = node->prev;
		if (!node)
			return NULL;
	}
	return node->next;
}

/**
 * tqueue_cursor_begin - stand in front of a slot's first node
 *
 * Context: any, under the queue's lock.
 */
void tqueue_cursor_begin(struct tqueue *q, struct tqueue_cursor *c, struct pheap_node **slot)
{
	*c = (struct tqueue_cursor){ .next = q->cursors, .slot = slot, .at = *slot };
	q->cursors = c;
}

/**
 * tqueue_cursor_end - the queue forgets the cursor
 *
 * Context: any, under the queue's lock.
 */
void tqueue_cursor_end(struct tqueue *q, struct tqueue_cursor *c)
{
	struct tqueue_cursor **at = &q->cursors;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
}
