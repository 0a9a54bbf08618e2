/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/domain/refs_test.c - what a path holds
 */
#include <errno.h>

#include "tests/test.h"

#include "bpf/verifier/domain/alloc.h"
#include "bpf/verifier/domain/refs.h"

static int lock_a, lock_b;

static int acquire(struct refset *set, enum ref_kind kind, u32 id, const void *key)
{
	struct ref ref = { .kind = kind, .id = id, .pc = 10 + id, .key = key };

	return refs_acquire(set, &ref);
}

TEST(refs, what_is_acquired_is_found_until_it_is_released)
{
	struct refset set = { 0 };

	EXPECT_PTR_EQ(refs_first_leak(&set), NULL);
	EXPECT_EQ(acquire(&set, REF_OBJECT, 1, NULL), 0);
	EXPECT_EQ(acquire(&set, REF_RCU, 2, NULL), 0);
	EXPECT_EQ(refs_find(&set, 2)->pc, 12);
	EXPECT_EQ(refs_first_leak(&set)->id, 1);
	EXPECT_EQ(refs_release(&set, 1), 0);
	EXPECT_EQ(refs_release(&set, 1), -ENOENT);
	EXPECT_PTR_EQ(refs_find(&set, 1), NULL);
	EXPECT_EQ(refs_first_leak(&set)->id, 2);
	EXPECT_EQ(refs_release(&set, 2), 0);
	EXPECT_PTR_EQ(refs_first_leak(&set), NULL);
	refs_clear(&set);
}

TEST(refs, sections_are_counted_by_kind)
{
	struct refset set = { 0 };

	for (u32 id = 1; id <= 9; id++)
		EXPECT_EQ(acquire(&set, id % 3 ? REF_RCU : REF_PREEMPT, id, NULL), 0);
	EXPECT_EQ(refs_count(&set, REF_RCU), 6);
	EXPECT_EQ(refs_count(&set, REF_PREEMPT), 3);
	EXPECT_EQ(refs_count(&set, REF_IRQ), 0);
	EXPECT_EQ(refs_last(&set, REF_PREEMPT)->id, 9);
	EXPECT_EQ(refs_release(&set, 9), 0);
	EXPECT_EQ(refs_count(&set, REF_PREEMPT), 2);
	EXPECT_EQ(refs_last(&set, REF_PREEMPT)->id, 6);
	EXPECT_PTR_EQ(refs_last(&set, REF_IRQ), NULL);
	refs_clear(&set);
	EXPECT_EQ(refs_count(&set, REF_RCU), 0);
}

TEST(refs, the_order_survives_a_release_in_the_middle)
{
	struct refset set = { 0 };

	for (u32 id = 1; id <= 5; id++)
		EXPECT_EQ(acquire(&set, REF_IRQ, id, NULL), 0);
	EXPECT_EQ(refs_release(&set, 3), 0);
	EXPECT_EQ(refs_last(&set, REF_IRQ)->id, 5);
	EXPECT_EQ(refs_release(&set, 5), 0);
	EXPECT_EQ(refs_last(&set, REF_IRQ)->id, 4);
	EXPECT_EQ(refs_release(&set, 4), 0);
	EXPECT_EQ(refs_last(&set, REF_IRQ)->id, 2);
	refs_clear(&set);
}

TEST(refs, a_copy_is_independent)
{
	struct refset set = { 0 }, copy = { 0 };

	EXPECT_EQ(acquire(&set, REF_OBJECT, 1, NULL), 0);
	EXPECT_EQ(refs_copy(&copy, &set), 0);
	EXPECT_EQ(refs_release(&set, 1), 0);
	EXPECT_EQ(refs_find(&copy, 1)->id, 1);
	EXPECT_EQ(refs_count(&copy, REF_OBJECT), 1);
	EXPECT_EQ(refs_copy(&copy, &set), 0);
	EXPECT_PTR_EQ(refs_first_leak(&copy), NULL);
	refs_clear(&set);
	refs_clear(&copy);
}

TEST(refs, cover_asks_for_the_same_things_under_any_names)
{
	struct refset old = { 0 }, cur = { 0 };
	struct idmap ids;

	acquire(&old, REF_OBJECT, 1, NULL);
	acquire(&old, REF_LOCK, 2, &lock_a);
	acquire(&cur, REF_OBJECT, 7, NULL);
	idmap_init(&ids);
	EXPECT_FALSE(refs_cover(&old, &cur, &ids));
	acquire(&cur, REF_LOCK, 9, &lock_a);
	idmap_init(&ids);
	EXPECT_TRUE(refs_cover(&old, &cur, &ids));
	EXPECT_TRUE(idmap_match(&ids, 2, 9));
	refs_release(&cur, 9);
	acquire(&cur, REF_LOCK, 9, &lock_b);
	idmap_init(&ids);
	EXPECT_FALSE(refs_cover(&old, &cur, &ids));
	refs_release(&cur, 9);
	acquire(&cur, REF_IRQ, 9, &lock_a);
	idmap_init(&ids);
	EXPECT_FALSE(refs_cover(&old, &cur, &ids));
	refs_clear(&old);
	refs_clear(&cur);
}

static void *no_memory(size_t size)
{
	return NULL;
}

TEST(refs, without_memory_nothing_changes)
{
	void *(*alloc)(size_t) = domain_alloc;
	struct refset set = { 0 }, copy = { 0 };

	for (u32 id = 1; id <= 4; id++)
		EXPECT_EQ(acquire(&set, REF_OBJECT, id, NULL), 0);
	domain_alloc = no_memory;
	EXPECT_EQ(acquire(&set, REF_OBJECT, 5, NULL), -ENOMEM);
	EXPECT_EQ(refs_copy(&copy, &set), -ENOMEM);
	domain_alloc = alloc;
	EXPECT_EQ(refs_count(&set, REF_OBJECT), 4);
	EXPECT_PTR_EQ(refs_find(&set, 5), NULL);
	EXPECT_PTR_EQ(refs_first_leak(&copy), NULL);
	refs_clear(&set);
}
