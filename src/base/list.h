/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/list.h - intrusive doubly linked list
 *
 * The member names are the kernel's, because BPF programs walk such lists by
 * CO-RE.  A list is a ring through its head.
 *
 * Ordering: list.publish -> list.observe (docs/memory-model.md): the _rcu
 *           variants let readers walk forward, without the writers' lock, while
 *           entries come and go.  A removed entry keeps ->next, so that a
 *           reader standing on it finds its way; it may be freed after a grace
 *           period only.
 * Not here: who protects the writers (their lock), when an entry may be freed
 *           (srcu/).
 */
#ifndef ROVE_BASE_LIST_H
#define ROVE_BASE_LIST_H

#include "base/atomic.h"
#include "base/types.h"

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_INIT(name) { &(name), &(name) }

static inline void list_init(struct list_head *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_empty(const struct list_head *head)
{
	return READ_ONCE(head->next) == head;
}

static inline void list_insert_between(struct list_head *entry, struct list_head *prev,
				       struct list_head *next)
{
	entry->next = next;
	entry->prev = prev;
	next->prev = entry;
	prev->next = entry;
}

/* Right after @head: a walk finds the newest first. */
static inline void list_add(struct list_head *entry, struct list_head *head)
{
	list_insert_between(entry, head, head->next);
}

/* Right before @head: a walk finds the oldest first. */
static inline void list_add_tail(struct list_head *entry, struct list_head *head)
{
	list_insert_between(entry, head->prev, head);
}

/* Leaves @entry an empty list, so removing it twice is harmless. */
static inline void list_del(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	entry->prev->next = entry->next;
	list_init(entry);
}

/* Move all entries of @from to the front of @to; @from is empty afterwards. */
static inline void list_splice(struct list_head *from, struct list_head *to)
{
	if (list_empty(from))
		return;
	from->next->prev = to;
	from->prev->next = to->next;
	to->next->prev = from->prev;
	to->next = from->next;
	list_init(from);
}

static inline void list_add_rcu(struct list_head *entry, struct list_head *head)
{
	struct list_head *next = head->next;

	entry->prev = head;
	WRITE_ONCE(entry->next, next);
	WRITE_ONCE(next->prev, entry);
	/*
	 * ORDER list.publish (release): what built the entry comes before the
	 * list shows it.  Pairs with list.observe in list_next_rcu().
	 */
	store_release(&head->next, entry);
}

static inline void list_add_tail_rcu(struct list_head *entry, struct list_head *head)
{
	list_add_rcu(entry, head->prev);
}

/* ->next stays: readers may stand on @entry until their sections end. */
static inline void list_del_rcu(struct list_head *entry)
{
	struct list_head *next = entry->next, *prev = entry->prev;

	WRITE_ONCE(next->prev, prev);
	WRITE_ONCE(prev->next, next);
	WRITE_ONCE(entry->prev, NULL);
}

static inline struct list_head *list_next_rcu(const struct list_head *pos)
{
	/*
	 * ORDER list.observe (acquire): the entry's content is read after the
	 * pointer to it.  Pairs with list.publish in list_add_rcu().
	 */
	return load_acquire(&pos->next);
}

#define list_entry(pos, type, member) container_of(pos, type, member)
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_last_entry(head, type, member) list_entry((head)->prev, type, member)

#define list_for_each_entry(pos, head, member)                                       \
	for (pos = list_entry((head)->next, __typeof__(*pos), member);               \
	     &pos->member != (head);                                                 \
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))

/* @pos may be removed or freed in the body; @tmp is of the same type. */
#define list_for_each_entry_safe(pos, tmp, head, member)                             \
	for (pos = list_entry((head)->next, __typeof__(*pos), member),               \
	    tmp = list_entry(pos->member.next, __typeof__(*pos), member);            \
	     &pos->member != (head);                                                 \
	     pos = tmp, tmp = list_entry(tmp->member.next, __typeof__(*pos), member))

#define list_for_each_entry_rcu(pos, head, member)                                   \
	for (pos = list_entry(list_next_rcu(head), __typeof__(*pos), member);        \
	     &pos->member != (head);                                                 \
	     pos = list_entry(list_next_rcu(&pos->member), __typeof__(*pos), member))

#endif
