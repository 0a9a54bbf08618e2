/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * pheap_test.c - the priority queue against a sorted array
 */
#include "base/pheap.h"
#include "tests/test.h"

#define NR 8

static void expect_sorted_drain(struct pheap *heap, int nr)
{
	u64 last = 0;

	while (nr--) {
		struct pheap_node *first = pheap_first(heap);

		EXPECT_TRUE(first != NULL);
		EXPECT_TRUE(first->key >= last);
		last = first->key;
		pheap_remove(heap, first);
		EXPECT_FALSE(pheap_is_queued(heap, first));
	}
	EXPECT_PTR_EQ(pheap_first(heap), NULL);
}

/* Every order of seven keys, one of them twice. */
TEST(pheap, every_order_of_adding_drains_sorted)
{
	for (unsigned long code = 0; code < 5040; code++) {
		struct pheap heap = PHEAP_INIT;
		struct pheap_node nodes[NR] = { 0 };
		u64 keys[NR] = { 1, 2, 3, 4, 5, 6, 7 };
		unsigned long rest = code;

		for (int left = 7; left; left--) {
			int pick = rest % left;

			rest /= left;
			nodes[left].key = keys[pick];
			keys[pick] = keys[left - 1];
			pheap_add(&heap, &nodes[left]);
		}
		nodes[0].key = 4;
		pheap_add(&heap, &nodes[0]);
		expect_sorted_drain(&heap, NR);
	}
}

TEST(pheap, any_node_may_be_removed)
{
	for (int gone = 0; gone < NR; gone++) {
		for (int popped = 0; popped < 3; popped++) {
			struct pheap heap = PHEAP_INIT;
			struct pheap_node nodes[NR] = { 0 };
			int left = NR;

			for (int i = 0; i < NR; i++) {
				nodes[i].key = (i * 5 + 3) % NR;
				pheap_add(&heap, &nodes[i]);
			}
			for (int i = 0; i < popped; i++, left--)
				pheap_remove(&heap, pheap_first(&heap));
			if (pheap_is_queued(&heap, &nodes[gone])) {
				pheap_remove(&heap, &nodes[gone]);
				left--;
			}
			expect_sorted_drain(&heap, left);
		}
	}
}

/* The oracle is a plain array that is searched. */
TEST(pheap, a_long_random_life_agrees_with_a_plain_array)
{
	struct pheap heap = PHEAP_INIT;
	struct pheap_node nodes[200] = { 0 };
	u64 random = 1;

	for (int step = 0; step < 20000; step++) {
		struct pheap_node *node, *smallest = NULL;

		random = random * 6364136223846793005ull + 1442695040888963407ull;
		node = &nodes[(random >> 33) % ARRAY_SIZE(nodes)];
		if (pheap_is_queued(&heap, node)) {
			pheap_remove(&heap, node);
		} else {
			node->key = random >> 40;
			pheap_add(&heap, node);
		}
		for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
			if (pheap_is_queued(&heap, &nodes[i]) &&
			    (!smallest || nodes[i].key < smallest->key))
				smallest = &nodes[i];
		}
		EXPECT_EQ(!!pheap_first(&heap), !!smallest);
		if (smallest)
			EXPECT_EQ(pheap_first(&heap)->key, smallest->key);
	}
}
