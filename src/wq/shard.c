/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/shard.c - works that wait
 *
 * Not here: who may run them (active.c), who is told (pool.c).
 */
#include <stdlib.h>

#include "wq/fork.h"
#include "wq/idtable.h"
#include "wq/shard.h"
#include "wq/work_state.h"

#define SHARD_INDEX_MASK ((1u << WORK_GENERATION_SHIFT) - 1)

_Static_assert(IDTABLE_CHUNK * IDTABLE_CHUNKS <= 1u << WORK_GENERATION_SHIFT, "all indices fit");

static struct idtable shards = IDTABLE_INIT;

/**
 * shard_alloc - an unused shard
 *
 * Context: thread.
 * Return:  NULL: no memory, or too many.  ->id is set, and nobody else's.
 */
struct shard *shard_alloc(void)
{
	struct shard *s = idtable_reuse(&shards);

	ctx_thread();
	if (s) {
		s->nr_taken = s->nr_helped = 0;
		s->age = (struct shard_age){ 0 };
		WRITE_ONCE(s->run_ns, 0);
		return s;
	}
	s = aligned_alloc(CACHE_LINE, sizeof(*s));
	if (!s)
		return NULL;
	*s = (struct shard){ 0 };
	list_init(&s->ring);
	if (!idtable_add(&shards, s, &s->id)) {
		free(s);
		return NULL;
	}
	s->id |= work_generation << WORK_GENERATION_SHIFT;
	return s;
}

/* The next queue begins with nothing: a token kept from this one would be one too many. */
static void forget_locked(struct shard *s)
{
	assert_held(&s->lock);
	s->splice_ns = s->nr_taken = s->nr_helped = 0;
	s->age = (struct shard_age){ 0 };
	WRITE_ONCE(s->announce_ns, 0);
	WRITE_ONCE(s->tokens, 0);
	WRITE_ONCE(s->starved, 0);
	WRITE_ONCE(s->hand_over, 0);
	s->batch_mean = 0;
	WRITE_ONCE(s->run_ns, 0);
	WRITE_ONCE(s->nr_wakeups, 0);
	WRITE_ONCE(s->nr_cm_wakeups, 0);
	WRITE_ONCE(s->nr_cpu_intensive, 0);
	WRITE_ONCE(s->cpu_time_ns, 0);
}

/**
 * shard_release - a shard is empty and not used any more
 *
 * Context: thread.
 */
void shard_release(struct shard *s)
{
	ctx_thread();
	check(shard_looks_empty(s));
	mutex_lock(&s->lock);
	WRITE_ONCE(s->wq, NULL);
	forget_locked(s);
	mutex_unlock(&s->lock);
	idtable_release(&shards, s->id & SHARD_INDEX_MASK);
}

/**
 * shard_by_id - the shard with a number
 *
 * Context: any.
 * Return:  NULL: there never was one.  The generation in the number does not count.
 */
struct shard *shard_by_id(u32 id)
{
	return idtable_get(&shards, id & SHARD_INDEX_MASK);
}

static struct rove_work *link_of(unsigned long link)
{
	return (struct rove_work *)(link & ~LINK_BITS);
}

static unsigned long get_link(const struct rove_work *work)
{
	return (unsigned long)READ_ONCE(work->link);
}

static void set_link(struct rove_work *work, unsigned long link)
{
	WRITE_ONCE(work->link, (struct rove_work *)link);
}

/**
 * shard_push - put a chain of works on the stack
 * @first:  oldest; @last->next is NULL; the caller owns them all
 * @nr:     how many; more than 1: ->link of the second says which is last, and ->link
 *          of the last how many, unless it is the second
 *
 * Context: any.  Lock-free.
 * Return:  true if the pool has to be told (pool_announce()).
 */
bool shard_push(struct shard *s, struct rove_work *first, struct rove_work *last, u32 nr)
{
	WRITE_ONCE(last->next, NULL);
	if (nr > 2)
		set_link(last, (unsigned long)nr << 3);
	if (nr > 1)
		set_link(first->next, (unsigned long)last);
	return shard_push_linked(s, first);
}

/* Who is before a work in the list. */
static void set_prev(struct rove_work *work, struct rove_work *prev, unsigned long bits)
{
	/*
	 * ORDER link.fix (release): the work was queued to this shard before its link says
	 * so.  Pairs with link.look in is_fixed_here().
	 */
	store_release(&work->link, (struct rove_work *)((unsigned long)prev | bits));
}

/*
 * Is the work in this list, and its link known?  The link alone does not say so: while
 * the caller has the lock, what was in a batch may be run, be queued to another shard and
 * get its link there.  But then the word has said so between the two looks at the link,
 * or it says this shard again; and what has come back since is still on the stack.
 */
static bool is_fixed_here(const struct shard *s, const struct rove_work *work)
{
	assert_held(&s->lock);
	/*
	 * ORDER link.look (acquire): before the look at the word, and that before the second
	 * one at the link.  Pairs with link.fix in set_prev().
	 */
	return (unsigned long)load_acquire(&work->link) & LINK_FIXED &&
	       work_state_waits_in(load_acquire(&work->state), s->id) &&
	       get_link(work) & LINK_FIXED;
}

/* Of a chain of two or more. */
static struct rove_work *chain_last(struct rove_work *first, u32 *ret_nr)
{
	struct rove_work *second = first->next, *last = link_of(get_link(second));

	*ret_nr = last == second ? 2 : get_link(last) >> 3;
	set_link(second, 0);
	set_link(last, 0);
	return last;
}

/**
 * shard_splice_locked - move the stack to the end of the list, oldest first
 *
 * Context: thread, under s->lock.
 */
void shard_splice_locked(struct shard *s)
{
	struct rove_work *chain, *older, *head = NULL, *last = NULL, *tail;
	u32 nr, nr_all = 0;

	assert_held(&s->lock);
	if (!READ_ONCE(s->stack))
		return;
	/*
	 * ORDER shard.splice (acquire): chains are walked after they were made.  Pairs
	 * with shard.push in shard_push_linked().
	 */
	for (chain = xchg_seq_cst(&s->stack, NULL); chain; chain = older) {
		older = link_of(get_link(chain));
		nr = 1;
		tail = chain->next ? chain_last(chain, &nr) : chain;
		set_link(chain, 0);
		tail->next = head;
		head = chain;
		if (!last)
			last = tail;
		nr_all += nr;
	}
	s->nr_listed += nr_all;
	if (s->first)
		s->last->next = head;
	else
		WRITE_ONCE(s->first, head);
	s->last = last;
}

/* LINK_COUNTED and LINK_COLOR of what leaves the list. */
static u32 leave_list(struct shard *s, struct rove_work *work)
{
	u32 bits = get_link(work) & (LINK_COUNTED | LINK_COLOR);

	set_link(work, 0);
	s->nr_listed--;
	age_leave_locked(&s->age);
	return bits;
}

/**
 * shard_pop_locked - take the oldest work of the list
 * @ret_color_bits:  LINK_COUNTED and LINK_COLOR
 *
 * Context: thread, under s->lock.
 * Return:  NULL: the list is empty.
 */
struct rove_work *shard_pop_locked(struct shard *s, u32 *ret_color_bits)
{
	struct rove_work *work = s->first;

	assert_held(&s->lock);
	if (!work)
		return NULL;
	WRITE_ONCE(s->first, work->next);
	if (s->fixed == work)
		s->fixed = NULL;
	else if (s->fixed)
		set_prev(work->next, NULL, get_link(work->next) & LINK_BITS);
	*ret_color_bits = leave_list(s, work);
	return work;
}

/**
 * shard_append_locked - put one work behind all that are there
 *
 * Context: thread, under s->lock, spliced.
 */
void shard_append_locked(struct shard *s, struct rove_work *work)
{
	assert_held(&s->lock);
	work->next = NULL;
	set_link(work, 0);
	if (s->first)
		s->last->next = work;
	else
		WRITE_ONCE(s->first, work);
	s->last = work;
	s->nr_listed++;
}

/**
 * shard_unpop_locked - put a work that was taken back to the front
 * @color:  under which it is in flight
 *
 * Context: thread, under s->lock.
 */
void shard_unpop_locked(struct shard *s, struct rove_work *work, u32 color)
{
	struct rove_work *next = s->first;

	assert_held(&s->lock);
	work->next = next;
	set_prev(work, NULL, LINK_FIXED | LINK_COUNTED | (color ? LINK_COLOR : 0));
	if (!next)
		s->last = work;
	if (s->fixed)
		set_prev(next, work, get_link(next) & LINK_BITS);
	else
		s->fixed = work;
	WRITE_ONCE(s->first, work);
	s->nr_listed++;
	age_return_locked(&s->age);
}

/* Let every work of the list know who is before it. */
static void fix_links(struct shard *s)
{
	struct rove_work *prev = s->fixed, *work = prev ? prev->next : s->first;

	for (; work; prev = work, work = work->next)
		set_prev(work, prev, LINK_FIXED | (get_link(work) & (LINK_COUNTED | LINK_COLOR)));
	s->fixed = prev;
}

/**
 * shard_unlink_locked - take one work out of the list
 * @work:  pending in this shard; the stack has been spliced
 *
 * Constant time, but for the works that came since the last time.
 *
 * Context: thread, under s->lock.
 * Return:  false if it is not in the list: somebody is about to put it there, or has it.
 */
bool shard_unlink_locked(struct shard *s, struct rove_work *work, u32 *ret_color_bits)
{
	struct rove_work *prev, *next;

	assert_held(&s->lock);
	if (s->first == work) {
		shard_pop_locked(s, ret_color_bits);
		return true;
	}
	if (!is_fixed_here(s, work))
		fix_links(s);
	if (!is_fixed_here(s, work))
		return false;
	prev = link_of(get_link(work));
	next = work->next;
	prev->next = next;
	if (s->last == work)
		s->last = prev;
	if (s->fixed == work)
		s->fixed = prev;
	else
		set_prev(next, prev, get_link(next) & LINK_BITS);
	*ret_color_bits = leave_list(s, work);
	return true;
}

/* --- in a child of fork() ------------------------------------------------------------------ */

/* The table's, for those who fork: what is in it is complete under it.  Context: any. */
struct mutex *shards_lock(void)
{
	return &shards.lock;
}

/* Works of the parent are in its lists, and stay there.  Context: the only thread. */
void shards_empty(void)
{
	for (u32 id = 1; id < idtable_end(&shards); id++) {
		struct shard *s = idtable_get(&shards, id);
		struct worker_pool *pool = s->pool;

		*s = (struct shard){ .id = id | work_generation << WORK_GENERATION_SHIFT };
		s->pool = pool;
		list_init(&s->ring);
	}
}

static bool is_unused(void *thing)
{
	return !((struct shard *)thing)->wq;
}

/* After the queues have said which are theirs.  Context: the only thread. */
void shards_refill(void)
{
	idtable_refill(&shards, is_unused);
}
