/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * softirq/tqueue_run.c - a slot's timers, sorted at once
 */
#include <string.h>

#include "base/context.h"
#include "softirq/tqueue.h"
#include "softirq/tqueue_run.h"

#define RUN_MAX 4096
#define FETCH_AHEAD 4
#define FEW 32				/* so few are sorted as they come */
#define DIGIT_BITS (TQ_NEAR_SHIFT / 2)	/* two digits tell the keys of a slot apart */
#define NR_DIGITS (1u << DIGIT_BITS)

_Static_assert(TQ_NEAR_SHIFT % 2 == 0, "two digits");

struct due {
	u64			key;
	struct pheap_node	*node;	/* NULL: was taken out */
};

static struct {
	const struct tqueue	*of;	/* NULL: nobody's */
	u32			at;	/* the first that may be there still */
	u32			end;
	u32			nr;	/* that are there */
	struct due		due[RUN_MAX], spare[RUN_MAX];
	u32			count[NR_DIGITS];
} run;

/* Context: any, under the queue's lock.  Return: false: it is in use. */
bool run_begin(const struct tqueue *q)
{
	if (run.of)
		return false;
	run.of = q;
	run.at = run.end = run.nr = 0;
	return true;
}

/**
 * run_add - add a node, in any order
 * @node:  not queued; ->key is set
 *
 * Context: any, under the queue's lock, after run_begin() and before run_sort().
 * Return:  false: there is no room.
 */
bool run_add(struct pheap_node *node)
{
	if (run.end == RUN_MAX)
		return false;
	node->child = (struct pheap_node *)TQ_IN_RUN;
	run.due[run.end++] = (struct due){ node->key, node };
	return true;
}

static void insert(u32 i)
{
	struct due due = run.due[i];

	for (; i && run.due[i - 1].key > due.key; i--)
		run.due[i] = run.due[i - 1];
	run.due[i] = due;
}

static u32 digit(u64 key, u64 start_ns, u32 shift)
{
	return (key - start_ns) >> shift & (NR_DIGITS - 1);
}

/* Stable: the order of a lower digit stays. */
static void sort_by_digit(const struct due *from, struct due *to, u64 start_ns, u32 shift)
{
	u32 sum = 0;

	memset(run.count, 0, sizeof(run.count));
	for (u32 i = 0; i < run.end; i++)
		run.count[digit(from[i].key, start_ns, shift)]++;
	for (u32 d = 0; d < NR_DIGITS; d++) {
		u32 nr = run.count[d];

		run.count[d] = sum;
		sum += nr;
	}
	for (u32 i = 0; i < run.end; i++)
		to[run.count[digit(from[i].key, start_ns, shift)]++] = from[i];
}

/**
 * run_sort - all have been added
 * @start_ns:  of their slot; no key is TQ_NEAR_NS later, or earlier
 *
 * Context: any, under the queue's lock.
 */
void run_sort(u64 start_ns)
{
	if (run.end <= FEW) {
		for (u32 i = 1; i < run.end; i++)
			insert(i);
	} else {
		sort_by_digit(run.due, run.spare, start_ns, 0);
		sort_by_digit(run.spare, run.due, start_ns, DIGIT_BITS);
	}
	for (u32 i = 0; i < run.end; i++)
		run.due[i].node->next = (struct pheap_node *)(uintptr_t)i;
	run.nr = run.end;
	if (!run.nr)
		run.of = NULL;
}

/* What a node is part of begins before it. */
static void fetch(u32 i)
{
	const char *node = i < run.end ? (const char *)run.due[i].node : NULL;

	__builtin_prefetch(node);
	__builtin_prefetch(node ? node - sizeof(struct pheap_node) : NULL);
}

/* Context: any, under the queue's lock. */
void run_remove(struct pheap_node *node)
{
	uintptr_t i = (uintptr_t)node->next;

	check(i < run.end && run.due[i].node == node);
	fetch(i + FETCH_AHEAD);
	run.due[i].node = NULL;
	node->child = node->next = node->prev = NULL;
	while (run.at < run.end && !run.due[run.at].node)
		run.at++;
	if (!--run.nr)
		run.of = NULL;
}

/* Context: any, under the queue's lock.  Return: the one with the smallest key, or NULL. */
struct pheap_node *run_first(const struct tqueue *q)
{
	return run.of == q ? run.due[run.at].node : NULL;
}

/* Context: any, under the queue's lock.  Return: NULL behind the last. */
struct pheap_node *run_next(const struct pheap_node *node)
{
	for (u32 i = (uintptr_t)node->next + 1; i < run.end; i++)
		if (run.due[i].node)
			return run.due[i].node;
	return NULL;
}

/* In a child of fork().  Context: the only thread. */
void run_forget(void)
{
	run.of = NULL;
}
