/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * softirq/tqueue_run.h - a slot's timers, sorted at once
 *
 * When a slot comes close all its nodes are fetched from memory, which may be anywhere.  Kept
 * in a heap each would be touched again a dozen times.  So their keys go into an array, are
 * sorted there, and a node is touched next when its turn has come, and has been fetched ahead.
 *
 * Invariant: there is one run, of one queue, or of nobody.  A node in it says so in ->child, and
 *            where in ->next.
 * Not here:  locking; who owns the queue has a lock, the same for all queues.
 */
#ifndef ROVE_SOFTIRQ_TQUEUE_RUN_H
#define ROVE_SOFTIRQ_TQUEUE_RUN_H

#include "base/pheap.h"
#include "base/types.h"

struct tqueue;

/* ->child of a node that is in no heap. */
#define TQ_FAR ((uintptr_t)1)		/* with an address: in a slot */
#define TQ_IN_RUN ((uintptr_t)2)

bool run_begin(const struct tqueue *q);
bool run_add(struct pheap_node *node);
void run_sort(u64 start_ns);
void run_remove(struct pheap_node *node);
struct pheap_node *run_first(const struct tqueue *q);
struct pheap_node *run_next(const struct pheap_node *node);
void run_forget(void);

static inline bool run_has(const struct pheap_node *node)
{
	return (uintptr_t)node->child == TQ_IN_RUN;
}

#endif
