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

/* Nodes of one slot: between 2 and 3 times 2^28 ns. */
static void fill_slot(struct tqueue *q)
{
	for (u32 i = 0; i < NR; i++) {
		nodes[i].key = ((u64)2 << 28) + random_next() % ((u64)1 << 28);
		tqueue_add(q, &nodes[i]);
	}
}

TEST(tqueue, a_cursor_meets_what_is_not_taken_out_before_it_comes_there)
{
	static u32 nr_met[NR];
	struct tqueue q = { .base_ns = 0 };
	struct tqueue_cursor c, other;
	struct tqueue_place place;
	bool taken_out[NR] = { false };

	fill_slot(&q);
	EXPECT_TRUE(tqueue_place_from(&q, 0, &place));
	EXPECT_TRUE(place.slot);
	EXPECT_EQ(place.end_ns, (u64)3 << 28);
	EXPECT_TRUE(!tqueue_place_from(&q, place.end_ns, &place));
	tqueue_cursor_begin(&q, &c, place.slot);
	tqueue_cursor_begin(&q, &other, place.slot);
	while (c.at) {
		struct pheap_node *met = c.at;

		c.at = met->next;
		nr_met[met - nodes]++;
		for (u32 n = 0; n < 2; n++) {
			u64 i = c.at && n ? (u64)(c.at - nodes) : random_next() % NR;

			if (!taken_out[i] && random_next() % 4 == 0) {
				tqueue_remove(&q, &nodes[i]);
				taken_out[i] = true;
				nr_met[i]++;
			}
		}
		/* What is put off within the slot stays where it is. */
		if (c.at)
			tqueue_postpone(&q, c.at, max(c.at->key, ((u64)3 << 28) - 1));
	}
	EXPECT_TRUE(other.at == NULL || tqueue_is_queued(&q, other.at));
	tqueue_cursor_end(&q, &c);
	tqueue_cursor_end(&q, &other);
	EXPECT_TRUE(!q.cursors);
	for (u32 i = 0; i < NR; i++)
		EXPECT_TRUE(nr_met[i] >= 1 && nr_met[i] <= 1u + taken_out[i]);
	EXPECT_TRUE(!c.spread);
	empty(&q);
}

TEST(tqueue, a_cursor_says_that_its_slot_was_emptied_into_others)
{
	struct tqueue q = { .base_ns = 0 };
	struct tqueue_cursor c;
	struct tqueue_place place;

	fill_slot(&q);
	EXPECT_TRUE(tqueue_place_from(&q, 0, &place));
	tqueue_cursor_begin(&q, &c, place.slot);
	tqueue_advance(&q, ((u64)2 << 28) - 1);
	EXPECT_TRUE(!c.spread);
	tqueue_advance(&q, (u64)2 << 28);
	EXPECT_TRUE(c.spread);
	tqueue_cursor_end(&q, &c);
	empty(&q);
}

TEST(tqueue, places_hold_each_node_once_and_follow_each_other)
{
	struct tqueue q = { .base_ns = 0 };
	u64 now_ns = 12345 * NSEC_PER_SEC, from_ns = 0;
	u32 nr_met[NR] = { 0 };
	struct tqueue_place place;

	tqueue_advance(&q, now_ns);
	for (u32 i = 0; i < NR; i++) {
		nodes[i].key = i % 3 ? random_key(now_ns) : now_ns - random_next() % now_ns;
		tqueue_add(&q, &nodes[i]);
	}
	while (tqueue_place_from(&q, from_ns, &place)) {
		struct pheap_node *n = place.slot ? *place.slot : tqueue_near_first(&q);

		for (; n; n = place.slot ? n->next : tqueue_near_next(&q, n)) {
			nr_met[n - nodes]++;
			EXPECT_TRUE(n->key >= from_ns && n->key < place.end_ns);
		}
		EXPECT_TRUE(place.end_ns > from_ns);
		from_ns = place.end_ns;
	}
	for (u32 i = 0; i < NR; i++)
		EXPECT_EQ(nr_met[i], 1);
	empty(&q);
}

/* More in one slot than are sorted at once; some are taken out, and others come meanwhile. */
TEST(tqueue, a_crowded_slot_drains_sorted_while_nodes_come_and_go)
{
	enum { CROWD = 6000 };
	static struct pheap_node crowd[CROWD];
	struct tqueue q = { .base_ns = 0 };
	u64 now_ns = (u64)3 << 28, last = 0;
	u32 nr_queued = CROWD, nr_seen = 0;

	for (u32 i = 0; i < CROWD; i++) {
		crowd[i].key = now_ns + random_next() % TQ_NEAR_NS;
		tqueue_add(&q, &crowd[i]);
	}
	tqueue_advance(&q, now_ns);
	while (!tqueue_is_empty(&q)) {
		struct pheap_node *first = tqueue_first(&q), *any = &crowd[random_next() % CROWD];

		if (!first) {
			tqueue_advance(&q, tqueue_next_ns(&q));
			continue;
		}
		EXPECT_TRUE(first->key >= last);
		last = first->key;
		tqueue_remove(&q, first);
		nr_queued--;
		nr_seen++;
		if (!tqueue_is_queued(&q, any)) {
			if (nr_seen % 4)
				continue;
			any->key = last + random_next() % TQ_NEAR_NS;
			tqueue_add(&q, any);
			nr_queued++;
		} else if (nr_seen % 3 == 0) {
			tqueue_remove(&q, any);
			nr_queued--;
		}
		tqueue_advance(&q, last);
	}
	EXPECT_EQ(nr_queued, 0);
	EXPECT_TRUE(nr_seen > CROWD / 2);
	EXPECT_TRUE(tqueue_next_ns(&q) == UINT64_MAX);
}

/* Two queues, each with a slot that is due: only one of them is sorted at once. */
TEST(tqueue, two_may_have_a_slot_that_comes_close)
{
	struct tqueue a = { .base_ns = 0 }, b = { .base_ns = 0 };
	u64 now_ns = (u64)5 << TQ_NEAR_SHIFT;

	for (u32 i = 0; i < NR; i++) {
		nodes[i].key = now_ns + random_next() % TQ_NEAR_NS;
		tqueue_add(i % 2 ? &a : &b, &nodes[i]);
	}
	tqueue_advance(&a, now_ns);
	tqueue_advance(&b, now_ns);
	for (u32 k = 0; k < 2; k++) {
		struct tqueue *q = k ? &a : &b;
		struct pheap_node *first;
		u64 last = 0;

		for (u32 nr = 0; (first = tqueue_first(q)); nr++) {
			EXPECT_TRUE(first->key >= last);
			EXPECT_EQ((first - nodes) % 2, k);
			last = first->key;
			tqueue_remove(q, first);
		}
		EXPECT_TRUE(tqueue_is_empty(q));
	}
}
