/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * list_test.c - intrusive lists
 */
#include "base/list.h"
#include "tests/test.h"

struct item {
	int value;
	struct list_head link;
};

/* The values along ->next as digits, and the same along ->prev backwards. */
static int forward(struct list_head *head)
{
	struct item *it;
	int digits = 0;

	list_for_each_entry(it, head, link)
		digits = digits * 10 + it->value;
	return digits;
}

static int backward(struct list_head *head)
{
	int digits = 0, scale = 1;

	for (struct list_head *pos = head->prev; pos != head; pos = pos->prev, scale *= 10)
		digits += list_entry(pos, struct item, link)->value * scale;
	return digits;
}

static void expect_order(struct list_head *head, int digits)
{
	EXPECT_EQ(forward(head), digits);
	EXPECT_EQ(backward(head), digits);
}

TEST(list, a_new_head_is_empty)
{
	struct list_head head = LIST_INIT(head);

	EXPECT_TRUE(list_empty(&head));
	expect_order(&head, 0);
}

TEST(list, add_puts_first_and_add_tail_last)
{
	struct list_head head = LIST_INIT(head);
	struct item a = { 1 }, b = { 2 }, c = { 3 };

	list_add(&a.link, &head);
	list_add(&b.link, &head);
	list_add_tail(&c.link, &head);
	expect_order(&head, 213);
	EXPECT_PTR_EQ(list_first_entry(&head, struct item, link), &b);
	EXPECT_PTR_EQ(list_last_entry(&head, struct item, link), &c);
}

TEST(list, a_removed_entry_may_be_removed_again)
{
	struct list_head head = LIST_INIT(head);
	struct item a = { 1 }, b = { 2 }, c = { 3 };

	list_add_tail(&a.link, &head);
	list_add_tail(&b.link, &head);
	list_add_tail(&c.link, &head);
	list_del(&b.link);
	list_del(&b.link);
	expect_order(&head, 13);
}

TEST(list, entries_may_be_removed_while_walking_safely)
{
	struct list_head head = LIST_INIT(head);
	struct item items[5], *it, *tmp;

	for (int i = 0; i < 5; i++) {
		items[i].value = i + 1;
		list_add_tail(&items[i].link, &head);
	}
	list_for_each_entry_safe(it, tmp, &head, link) {
		if (it->value % 2 == 0)
			list_del(&it->link);
	}
	expect_order(&head, 135);
}

TEST(list, splice_moves_all_to_the_front_and_empties_the_source)
{
	struct list_head to = LIST_INIT(to), from = LIST_INIT(from);
	struct item a = { 1 }, b = { 2 }, c = { 3 };

	list_add_tail(&a.link, &to);
	list_splice(&from, &to);
	expect_order(&to, 1);
	list_add_tail(&b.link, &from);
	list_add_tail(&c.link, &from);
	list_splice(&from, &to);
	expect_order(&to, 231);
	EXPECT_TRUE(list_empty(&from));
}

TEST(list, a_reader_on_a_removed_entry_finds_its_way)
{
	struct list_head head = LIST_INIT(head);
	struct item a = { 1 }, b = { 2 }, c = { 3 }, *it;
	int digits = 0;

	list_add_tail_rcu(&a.link, &head);
	list_add_tail_rcu(&b.link, &head);
	list_add_rcu(&c.link, &head);
	expect_order(&head, 312);
	list_del_rcu(&a.link);
	expect_order(&head, 32);
	EXPECT_PTR_EQ(list_next_rcu(&a.link), &b.link);
	list_for_each_entry_rcu(it, &head, link)
		digits = digits * 10 + it->value;
	EXPECT_EQ(digits, 32);
}
