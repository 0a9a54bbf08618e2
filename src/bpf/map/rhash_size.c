/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/rhash_size.c - as many signposts as elements ask for
 *
 * A work does it, so whoever puts elements in or takes them out, a signal handler too, only
 * says that it is wanted.  To grow waits for nobody, because a program that puts many
 * elements in is one read section from its beginning to its end: new signposts are linked,
 * one by one, and then used.  To shrink waits twice: the size is made smaller; when nobody
 * begins a walk at one of the others any more they are unlinked; and when nobody stands on
 * them their memory is given back.
 *
 * Invariant: signposts below the size are linked.  ->resizing says that the work is queued,
 *            runs, or waits for readers; then it has a reference.
 *
 * A child of fork() has no work that was queued or ran, but its own: who finds the parent's does
 * it all again, so each step may be done twice, and what is half done is known to be begun.
 * Ordering:  rhash.grown -> rhash.sized, rhash.count -> rhash.idle (docs/memory-model.md).
 */
#include <errno.h>
#include <sys/mman.h>

#include "base/context.h"
#include "base/forks.h"
#include "bpf/map/leak.h"
#include "bpf/map/rcu.h"
#include "bpf/map/rhash.h"

/* As in the kernel. */
#define LEAST_POSTS 64u		/* unless the map's creator says how many elements there will be */
#define LEAST_HINTED 4u

#define POSTS_A_SECTION 1024u	/* linked, or unlinked, before readers' grace periods go on */

static u64 power_of_two_from(u64 nr)
{
	u64 power = 1;

	while (power < nr)
		power *= 2;
	return power;
}

/* In ->resizing: liburcu has been told; its queue is kept over fork(). */
#define RESIZE_WAITS 1

static void resize(struct rove_work *work);

/* In ->resizing: this process's work is queued, or runs. */
static u32 resize_begun(void)
{
	return process_forks << 2 | 2;
}

/* --- memory of signposts ------------------------------------------------------------------ */

static u64 bytes_of(u64 nr_posts)
{
	return (nr_posts * sizeof(struct rhash_node) + map_page_bytes() - 1) &
	       ~(map_page_bytes() - 1);
}

/* Address space, which takes no memory, and memory of the first one. */
static bool reserve(struct rhash_map *rhash)
{
	void *base = mmap(NULL, bytes_of(rhash->most_posts), PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		return false;
	if (mprotect(base, bytes_of(1), PROT_READ | PROT_WRITE)) {
		munmap(base, bytes_of(rhash->most_posts));
		return false;
	}
	rhash->posts = base;
	leak_check_begin(base, bytes_of(rhash->most_posts));
	return true;
}

static bool take_memory(struct rhash_map *rhash, u64 nr_posts, u64 nr_before)
{
	u64 had = bytes_of(nr_before), wants = bytes_of(nr_posts);

	return wants == had ||
	       !mprotect((u8 *)rhash->posts + had, wants - had, PROT_READ | PROT_WRITE);
}

/* All but that of the first @nr_posts. */
static void give_memory(struct rhash_map *rhash, u64 nr_posts, u64 nr_before)
{
	u8 *end = (u8 *)rhash->posts + bytes_of(nr_posts);
	u64 nr_bytes = bytes_of(nr_before) - bytes_of(nr_posts);

	if (!nr_bytes || madvise(end, nr_bytes, MADV_DONTNEED))
		return;
	mprotect(end, nr_bytes, PROT_NONE);
}

void rhash_size_fini(struct rhash_map *rhash)
{
	if (!rhash->posts)
		return;
	leak_check_end(rhash->posts, bytes_of(rhash->most_posts));
	munmap(rhash->posts, bytes_of(rhash->most_posts));
}

/* --- a size ------------------------------------------------------------------------------- */

static void rhash_set_size(struct rhash_map *rhash, u32 nr_posts)
{
	/*
	 * ORDER rhash.grown (release): signposts are linked before the size says that
	 * they are there.  Pairs with rhash.sized in rhash_mask().
	 */
	store_release(&rhash->mask, nr_posts - 1);
}

/* For this many elements, where there is a table of @nr_posts. */
static u64 posts_for(const struct rhash_map *rhash, u64 nr_elems, u64 nr_posts)
{
	if (nr_elems > nr_posts / 4 * 3)
		return min(power_of_two_from((nr_elems * 4 + 2) / 3), rhash->most_posts);
	if (nr_elems < nr_posts * 3 / 10 && nr_posts > rhash->least_posts)
		return max(power_of_two_from(nr_elems * 3 / 2), (u64)rhash->least_posts);
	return nr_posts;
}

static void link_post(struct rhash_map *rhash, u32 i, u32 nr_posts)
{
	struct rhash_node *post = &rhash->posts[i];

	post->hash = i;
	post->order = rhash_reverse(i);
	rhash_link(rhash, &rhash->posts[i & (nr_posts - 1)], post);
}

static void unlink_post(struct rhash_map *rhash, u32 i, u32 nr_posts)
{
	rhash_unlink_post(rhash, &rhash->posts[i & (nr_posts - 1)], &rhash->posts[i]);
}

/* @nr_posts: those in front of which nothing is done, a power of two. */
static void for_posts(struct rhash_map *rhash, u64 from, u64 to, u32 nr_posts,
		      void (*each)(struct rhash_map *rhash, u32 i, u32 nr_posts))
{
	while (from < to) {
		u64 end = min(to, from + POSTS_A_SECTION);

		map_rcu_read_lock();
		for (; from < end; from++)
			each(rhash, from, nr_posts);
		map_rcu_read_unlock();
	}
}

/* Twice as many.  False: there is no memory, so rows get longer. */
static bool grow(struct rhash_map *rhash)
{
	u64 nr = (u64)rhash->mask + 1;

	if (!take_memory(rhash, 2 * nr, nr))
		return false;
	for_posts(rhash, nr, 2 * nr, nr, link_post);
	rhash_set_size(rhash, 2 * nr);
	return true;
}

/**
 * rhash_size_init - the first table, and who makes others of it
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM or -EAGAIN (no thread).
 */
int rhash_size_init(struct rhash_map *rhash, const struct map_spec *spec)
{
	int err;

	ctx_may_sleep();
	err = rove_system_workqueue(ROVE_SYSTEM_UNBOUND_WQ, &rhash->wq);
	if (err)
		return err;
	rove_work_init(&rhash->resize, resize);
	rhash->least_posts = LEAST_POSTS;
	if (spec->extra)
		rhash->least_posts = max(power_of_two_from(spec->extra * 4 / 3), (u64)LEAST_HINTED);
	rhash->most_posts = max(power_of_two_from(spec->max_entries), (u64)rhash->least_posts);
	if (!reserve(rhash))
		return -ENOMEM;
	while (rhash->mask + 1 < rhash->least_posts)
		if (!grow(rhash))
			return -ENOMEM;
	return 0;
}

/* --- resizing ----------------------------------------------------------------------------- */

static void readers_have_gone(struct rcu_head *rcu)
{
	struct rhash_map *rhash = container_of(rcu, struct rhash_map, rcu);

	map_rcu_told_grace();
	WRITE_ONCE(rhash->resizing, resize_begun());
	rove_queue_work(rhash->wq, &rhash->resize);
}

static void wait_for_readers(struct rhash_map *rhash)
{
	WRITE_ONCE(rhash->resizing, RESIZE_WAITS);
	map_call_rcu(&rhash->rcu, readers_have_gone);
}

/* ->cut_to comes last: a child of fork() that finds it has no readers of the others either. */
static void cut_begin(struct rhash_map *rhash, u32 nr_posts)
{
	u64 nr_before = (u64)rhash->mask + 1;

	rhash_set_size(rhash, nr_posts);
	rhash->is_cut = false;
	rhash->cut_from = nr_before;
	WRITE_ONCE(rhash->cut_to, nr_posts);
	wait_for_readers(rhash);
}

/* True: there is more to wait for. */
static bool cut_go_on(struct rhash_map *rhash)
{
	if (!rhash->is_cut) {
		for_posts(rhash, rhash->cut_to, rhash->cut_from, rhash->cut_to, unlink_post);
		rhash->is_cut = true;
		wait_for_readers(rhash);
		return true;
	}
	give_memory(rhash, rhash->cut_to, rhash->cut_from);
	WRITE_ONCE(rhash->cut_to, 0);
	return false;
}

/* False: it goes on when the readers have gone. */
static bool make_right(struct rhash_map *rhash)
{
	for (;;) {
		u64 nr = (u64)rhash->mask + 1;
		u64 wanted = posts_for(rhash, READ_ONCE(rhash->nr_elems), nr);

		if (wanted == nr || (wanted > nr && !grow(rhash)))
			return true;
		if (wanted < nr) {
			cut_begin(rhash, wanted);
			return false;
		}
	}
}

static bool is_wanted(const struct rhash_map *rhash, u32 nr_elems)
{
	u64 nr = (u64)READ_ONCE(rhash->mask) + 1;

	return posts_for(rhash, nr_elems, nr) != nr;
}

/* True: the caller resizes; *ret_was is not 0 if a parent's work did, whose reference is his. */
static bool become_resizer(struct rhash_map *rhash, u32 *ret_was)
{
	*ret_was = load_seq_cst(&rhash->resizing);
	if (*ret_was == RESIZE_WAITS || *ret_was == resize_begun())
		return false;
	return cmpxchg_seq_cst(&rhash->resizing, ret_was, resize_begun());
}

/* True: who came too late to be seen has left something to do. */
static bool rhash_size_end(struct rhash_map *rhash)
{
	u32 was;

	/*
	 * ORDER rhash.idle (seq_cst): before the number is read.  Who changed it too late
	 * to be seen finds nobody resizing.  Pairs with rhash.count in count_up() and
	 * count_down().
	 */
	store_seq_cst(&rhash->resizing, 0);
	return is_wanted(rhash, load_seq_cst(&rhash->nr_elems)) && become_resizer(rhash, &was);
}

static void resize(struct rove_work *work)
{
	struct rhash_map *rhash = container_of(work, struct rhash_map, resize);

	if (rhash->cut_to && cut_go_on(rhash))
		return;
	do
		if (!make_right(rhash))
			return;
	while (rhash_size_end(rhash));
	rhash_put(rhash);
}

/**
 * rhash_size_check - elements came or went
 * @nr_elems: how many there were then
 *
 * Context: any; in a read section, of a map that is there.
 */
void rhash_size_check(struct rhash_map *rhash, u32 nr_elems)
{
	u32 was;

	ctx_any();
	if (likely(!is_wanted(rhash, nr_elems)) || !become_resizer(rhash, &was))
		return;
	if (!was)
		refcount_get(&rhash->refs);
	rove_queue_work(rhash->wq, &rhash->resize);
}

/**
 * rhash_size_forget - the map goes
 *
 * Context: thread.  Gives the reference of a parent's work back, which nobody else would.
 */
void rhash_size_forget(struct rhash_map *rhash)
{
	u32 was;

	ctx_thread();
	if (!become_resizer(rhash, &was))
		return;
	WRITE_ONCE(rhash->resizing, 0);
	if (was)
		rhash_put(rhash);
}
