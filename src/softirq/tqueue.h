/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * softirq/tqueue.h - many timers of one clock, cheaply
 *
 * What is due within a few milliseconds is in a heap, exactly ordered and small.  What is
 * later lies unordered in slots, 64 to a level, each level's slots 64 times as long; as time
 * goes on slots are emptied into shorter ones, and at last the shortest is sorted at once
 * (tqueue_run.h).  So a million timers cost each a few list operations, not the walk through
 * a heap of a million.
 *
 * Invariant: a key before ->base_ns + TQ_NEAR_NS is in the heap or the run.  Any other is in the slot
 *            given by the highest digit, in base 64, in which it differs from ->base_ns; there
 *            it is the larger.  ->base_ns only grows; a clock that is set back has its
 *            timers in the heap, which is slower and as right.
 * Not here:  locking; whoever owns the queue has a lock.
 */
#ifndef ROVE_SOFTIRQ_TQUEUE_H
#define ROVE_SOFTIRQ_TQUEUE_H

#include "base/pheap.h"
#include "base/types.h"

#define TQ_NEAR_SHIFT 22			/* about 4 ms */
#define TQ_NEAR_NS ((u64)1 << TQ_NEAR_SHIFT)
#define TQ_DIGIT_BITS 6
#define TQ_LEVELS 7				/* 22 + 7 * 6 = 64 bits */
#define TQ_SLOTS (1u << TQ_DIGIT_BITS)

/*
 * Where somebody who goes through a slot has stopped.  It stays right while the lock is not held:
 * what is taken out is stepped over, what is added comes in front, and is not met.
 */
struct tqueue_cursor {
	struct tqueue_cursor	*next;
	struct pheap_node	**slot;
	struct pheap_node	*at;		/* the next one; NULL: there is none left */
	bool			spread;		/* the slot has been emptied into others */
};

/* A part of a queue: all nodes with keys before ->end_ns that are in no earlier part. */
struct tqueue_place {
	u64			end_ns;
	struct pheap_node	**slot;		/* NULL: it is what is near */
};

struct tqueue {
	struct pheap		near;
	u64			base_ns;		/* a multiple of TQ_NEAR_NS */
	u64			used[TQ_LEVELS];	/* a bit for each slot that has nodes */
	struct tqueue_cursor	*cursors;
	struct pheap_node	*slots[TQ_LEVELS][TQ_SLOTS];
};

void tqueue_add(struct tqueue *q, struct pheap_node *node);
void tqueue_remove(struct tqueue *q, struct pheap_node *node);
bool tqueue_is_queued(const struct tqueue *q, const struct pheap_node *node);
bool tqueue_is_empty(const struct tqueue *q);
void tqueue_advance(struct tqueue *q, u64 now_ns);
struct pheap_node *tqueue_first(const struct tqueue *q);
u64 tqueue_next_ns(const struct tqueue *q);
void tqueue_postpone(struct tqueue *q, struct pheap_node *node, u64 key);

/* tqueue_walk.c */
bool tqueue_place_from(const struct tqueue *q, u64 from_ns, struct tqueue_place *ret_place);
struct pheap_node *tqueue_near_first(const struct tqueue *q);
struct pheap_node *tqueue_near_next(const struct tqueue *q, struct pheap_node *node);
void tqueue_cursor_begin(struct tqueue *q, struct tqueue_cursor *c, struct pheap_node **slot);
void tqueue_cursor_end(struct tqueue *q, struct tqueue_cursor *c);

#endif
