/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tqueue_test.c - the queue of timers against a plain array
 */
#include "base/clock.h"
#include "softirq/tqueue.h"
#include "tests/test.h"

#define NR 300

static u64 random_state = 1;

static u64 random_next(void)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return random_state >> 11;
}

static struct pheap_node nodes[NR];

static u64 smallest_key(struct tqueue *q)
{
	u64 smallest = UINT64_MAX;

	for (u32 i = 0; i < NR; i++) {
		if (tqueue_is_queued(q, &nodes[i]))
			smallest = min(smallest, nodes[i].key);
	}
	return smallest;
}

/* Any magnitude, so that every level is used. */
static u64 random_key(u64 now_ns)
{
	return now_ns + (random_next() >> (random_next() % 53)) + random_next() % 3;
}

static void expect_agreement(struct tqueue *q, u64 now_ns)
{
	u64 smallest = smallest_key(q);
	struct pheap_node *first = tqueue_first(q);

	EXPECT_EQ(tqueue_is_empty(q), smallest == UINT64_MAX);
	EXPECT_TRUE(tqueue_next_ns(q) <= smallest);
	EXPECT_EQ(tqueue_next_ns(q) == UINT64_MAX, tqueue_is_empty(q));
	if (first)
		EXPECT_EQ(first->key, smallest);
	if (smallest <= now_ns)
		EXPECT_TRUE(first);
	else if (smallest != UINT64_MAX)
		EXPECT_TRUE(tqueue_next_ns(q) > now_ns);
}

static void empty(struct tqueue *q)
{
	for (u32 i = 0; i < NR; i++) {
		if (tqueue_is_queued(q, &nodes[i]))
			tqueue_remove(q, &nodes[i]);
	}
	EXPECT_TRUE(tqueue_is_empty(q));
}

static u64 step_clock(struct tqueue *q, u64 now_ns, u64 n)
{
	u64 next_ns = tqueue_next_ns(q);

	switch (n % 16) {
	case 0:
		return random_key(now_ns);
	case 1:		/* it is set back */
		return now_ns - min(now_ns / 2, 3600 * NSEC_PER_SEC);
	case 2:
	case 3:
		return next_ns == UINT64_MAX ? now_ns : max(now_ns, next_ns);
	}
	return now_ns;
}

TEST(tqueue, a_long_random_life_agrees_with_a_plain_array)
{
	for (u32 life = 0; life < 20; life++) {
		struct tqueue q = { .base_ns = 0 };
		u64 now_ns = 12345 * NSEC_PER_SEC;

		for (u32 step = 0; step < 3000; step++) {
			u64 n = random_next();
			struct pheap_node *node = &nodes[n % NR];

			if (tqueue_is_queued(&q, node)) {
				tqueue_remove(&q, node);
			} else {
				node->key = n & 1024 ? random_key(now_ns) : now_ns - n % now_ns;
				tqueue_add(&q, node);
			}
			now_ns = step_clock(&q, now_ns, n >> 11);
			tqueue_advance(&q, now_ns);
			expect_agreement(&q, now_ns);
		}
		empty(&q);
	}
}

TEST(tqueue, drains_sorted_and_wakes_a_lonely_timers_owner_once)
{
	static struct tqueue q;
	u64 now_ns = 99 * NSEC_PER_SEC, last = 0;

	tqueue_advance(&q, now_ns);
	nodes[0].key = now_ns + 3600 * NSEC_PER_SEC + 12345;
	tqueue_add(&q, &nodes[0]);
	EXPECT_EQ(tqueue_next_ns(&q), nodes[0].key);
	tqueue_remove(&q, &nodes[0]);
	for (u32 i = 0; i < NR; i++) {
		nodes[i].key = now_ns + random_next() % (20 * NSEC_PER_SEC);
		tqueue_add(&q, &nodes[i]);
	}
	for (u32 nr = 0; nr < NR;) {
		struct pheap_node *first = tqueue_first(&q);

		if (!first || first->key > now_ns) {
			now_ns = tqueue_next_ns(&q);
			tqueue_advance(&q, now_ns);
			continue;
		}
		EXPECT_TRUE(first->key >= last);
		last = first->key;
		tqueue_remove(&q, first);
		nr++;
	}
	EXPECT_TRUE(tqueue_is_empty(&q));
}
