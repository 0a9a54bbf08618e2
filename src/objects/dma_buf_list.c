/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/dma_buf_list.c - the list of all buffers, and walks over it
 *
 * Being listed is all that watching costs a buffer, and it costs nothing that other
 * CPUs would notice: a new buffer goes into the list of the CPU it is made on, and is
 * taken out there if nobody walks meanwhile.  A walk first moves what is new into the
 * one list that walks follow.  What dies there is only noted, again by CPU: the next
 * walk takes it out.  Who makes or releases a buffer never waits for a walk's steps.
 * Why: docs/decisions/0005-who-walks-pays.md.
 *
 * Invariant: a buffer is in one of the lists from its export until its last reference
 *            is gone, or longer: then it is among the dead of a CPU, too, and its memory
 *            stays until it is in neither.  Once taken over it stays where it is, so
 *            whoever holds a reference finds there, under the lock, what comes behind
 *            it.  Each list is sorted, newest first.
 * Not here:  the reference count (dma_buf.c).
 */
#include <sched.h>

#include "base/clock.h"
#include "base/context.h"
#include "objects/dma_buf_pace.h"
#include "objects/dma_buf_parts.h"

#define NR_SHARDS 64		/* CPUs beyond share */
#define SHARD_BYTES 128		/* two lines: neighbours are fetched in pairs */

#define MANY_DEAD 64		/* enough to be worth the registry's lock */

/*
 * What was made on one CPU and no walk has seen, and what walks have seen and was released
 * there.  L: under ->lock
 */
static struct shard {
	struct mutex		lock;		/* nests inside the registry's */
	u32			nr_fresh;	/* L: length of ->fresh; looked at without it */
	struct list_head	fresh;		/* L */
	u64			newest_ns;	/* L: ->export_ns of the last, all differ; as above */
	u64			taken_ns;	/* L: up to here walks have taken them over */
	u32			nr_dead;	/* L: length of ->dead; looked at without it */
	struct dma_buf		*dead;		/* L: linked by ->next_dead */
} __attribute__((aligned(SHARD_BYTES))) shards[NR_SHARDS];

/* L  under ->lock */
static struct {
	struct mutex		lock;		/* outside a shard's */
	struct list_head	bufs;		/* L: what walks follow */
	struct pace		pace;		/* L: of what walks take; looked at without it */
} registry __attribute__((aligned(SHARD_BYTES))) = {
	.bufs = LIST_INIT(registry.bufs),
};

/* Set while nothing is exported.  Not beside what walks write: each export reads it. */
static bool registry_off __attribute__((aligned(SHARD_BYTES)));

/**
 * dma_buf_registry_switch - for the benchmark: are buffers listed from now on?
 *
 * Context: thread; nobody exports meanwhile.
 */
void dma_buf_registry_switch(bool on)
{
	ctx_thread();
	WRITE_ONCE(registry_off, !on);
}

static u32 this_cpu(void)
{
	return (u32)sched_getcpu() % NR_SHARDS;
}

/**
 * dma_buf_list_add - walks that begin from now on find @dmabuf
 * @dmabuf:  complete, with a reference
 *
 * Context: thread.
 */
void dma_buf_list_add(struct dma_buf *dmabuf)
{
	u32 nr = this_cpu();
	struct shard *shard = &shards[nr];

	ctx_thread();
	if (unlikely(READ_ONCE(registry_off)))
		return;
	dmabuf->shard = nr;
	mutex_lock(&shard->lock);
	if (unlikely(!shard->fresh.next))
		list_init(&shard->fresh);
	dmabuf->export_ns = max(clock_mono_ns(), shard->newest_ns + 1);
	WRITE_ONCE(shard->newest_ns, dmabuf->export_ns);
	list_add(&dmabuf->list_node, &shard->fresh);
	WRITE_ONCE(shard->nr_fresh, shard->nr_fresh + 1);
	mutex_unlock(&shard->lock);
}

/* --- the end of a buffer ------------------------------------------------------------------ */

/* For the caller to unlink. */
static struct dma_buf *take_dead_locked(struct shard *shard)
{
	struct dma_buf *dead = shard->dead;

	assert_held(&shard->lock);
	shard->dead = NULL;
	WRITE_ONCE(shard->nr_dead, 0);
	return dead;
}

static struct dma_buf *take_dead(struct shard *shard)
{
	struct dma_buf *dead;

	mutex_lock(&shard->lock);
	dead = take_dead_locked(shard);
	mutex_unlock(&shard->lock);
	return dead;
}

/* They join *@unlinked. */
static void unlink_locked(struct dma_buf *dead, struct dma_buf **unlinked)
{
	struct dma_buf *next;

	assert_held(&registry.lock);
	for (; dead; dead = next) {
		next = dead->next_dead;
		list_del(&dead->list_node);
		dead->next_dead = *unlinked;
		*unlinked = dead;
	}
}

static void free_all(struct dma_buf *unlinked)
{
	struct dma_buf *next;

	for (; unlinked; unlinked = next) {
		next = unlinked->next_dead;
		dma_buf_free(unlinked);
	}
}

/* If somebody has the registry's lock, that is a walk: a step of it, or its beginning. */
static void bury_unless_walked(struct shard *shard)
{
	struct dma_buf *unlinked = NULL;

	if (!mutex_trylock(&registry.lock))
		return;
	unlink_locked(take_dead(shard), &unlinked);
	mutex_unlock(&registry.lock);
	free_all(unlinked);
}

/* No walk has taken it over. */
static bool is_fresh_locked(const struct shard *shard, const struct dma_buf *dmabuf)
{
	assert_held(&shard->lock);
	return dmabuf->export_ns > shard->taken_ns;
}

static void del_fresh_locked(struct shard *shard, struct dma_buf *dmabuf)
{
	list_del(&dmabuf->list_node);
	WRITE_ONCE(shard->nr_fresh, shard->nr_fresh - 1);
}

/* The next walk takes it out, or whoever finds that many wait for one. */
static u32 leave_to_walk_locked(struct shard *shard, struct dma_buf *dmabuf)
{
	dmabuf->next_dead = shard->dead;
	shard->dead = dmabuf;
	WRITE_ONCE(shard->nr_dead, shard->nr_dead + 1);
	return shard->nr_dead;
}

/**
 * dma_buf_list_del - no walk stands on @dmabuf or will
 * @dmabuf:  without references, and without anything but its memory
 *
 * Context: thread.
 * Return:  true if it is in no list: the caller frees it.  False if it still is in the
 *          one that walks follow: it is freed here, with dma_buf_free(), once it is not.
 */
bool dma_buf_list_del(struct dma_buf *dmabuf)
{
	struct shard *shard = &shards[dmabuf->shard];
	u32 nr_dead = 0;
	bool fresh;

	ctx_thread();
	if (unlikely(!dmabuf->export_ns))
		return true;
	mutex_lock(&shard->lock);
	fresh = is_fresh_locked(shard, dmabuf);
	if (fresh)
		del_fresh_locked(shard, dmabuf);
	else
		nr_dead = leave_to_walk_locked(shard, dmabuf);
	mutex_unlock(&shard->lock);
	if (unlikely(nr_dead >= MANY_DEAD))
		bury_unless_walked(shard);
	return fresh;
}

/* --- a walk begins: in with the new, out with the dead ------------------------------------ */

static struct dma_buf *buf_at(struct list_head *pos)
{
	return list_entry(pos, struct dma_buf, list_node);
}

/* What was in *@from is in the empty @to.  Nobody else looks at the buffers' nodes. */
static void adopt(struct list_head *to, const struct list_head *from)
{
	*to = *from;
	to->next->prev = to;
	to->prev->next = to;
}

/*
 * Its dead; what is fresh goes to the empty @taken, and *@nr_taken of them.  Buffers are not
 * touched under the lock: to fetch their lines takes long, and who makes others waits.
 */
static struct dma_buf *take_shard(struct shard *shard, struct list_head *taken, u32 *nr_taken)
{
	struct list_head fresh;
	struct dma_buf *dead;

	mutex_lock(&shard->lock);
	*nr_taken = shard->nr_fresh;
	fresh = shard->fresh;
	list_init(&shard->fresh);
	shard->taken_ns = shard->newest_ns;
	WRITE_ONCE(shard->nr_fresh, 0);
	dead = take_dead_locked(shard);
	mutex_unlock(&shard->lock);
	if (*nr_taken)
		adopt(taken, &fresh);
	return dead;
}

/* Both are sorted; @taken is empty afterwards. */
static void merge_locked(struct list_head *taken)
{
	struct list_head *pos = registry.bufs.next;

	assert_held(&registry.lock);
	while (!list_empty(taken)) {
		struct dma_buf *dmabuf = buf_at(taken->next);

		while (pos != &registry.bufs && buf_at(pos)->export_ns > dmabuf->export_ns)
			pos = pos->next;
		list_del(&dmabuf->list_node);
		list_add_tail(&dmabuf->list_node, pos);
	}
}

static bool is_quiet(const struct shard *shard)
{
	return !READ_ONCE(shard->nr_fresh) && !READ_ONCE(shard->nr_dead);
}

/*
 * There is nothing to take, and was not a moment ago.  A CPU where buffers are made is not
 * quiet because whoever makes them was put aside for the walk that asks.
 */
static bool all_quiet_since(u64 ns)
{
	for (u32 i = 0; i < NR_SHARDS; i++)
		if (!is_quiet(&shards[i]) || READ_ONCE(shards[i].newest_ns) > ns)
			return false;
	return true;
}

/*
 * A buffer whose export came before the walk is in the count that is looked at here, or
 * its CPU's list is taken anyway.
 */
static void gather(void)
{
	struct list_head taken = LIST_INIT(taken);
	struct dma_buf *unlinked = NULL;
	u32 nr, most = 0;

	mutex_lock(&registry.lock);
	for (u32 i = 0; i < NR_SHARDS; i++) {
		struct shard *shard = &shards[i];

		if (is_quiet(shard))
			continue;
		unlink_locked(take_shard(shard, &taken, &nr), &unlinked);
		merge_locked(&taken);
		/* One more for the CPU's list itself. */
		most = max(most, nr + 1);
	}
	if (most)
		pace_taken(&registry.pace, most);
	mutex_unlock(&registry.lock);
	free_all(unlinked);
}

/* --- walks -------------------------------------------------------------------------------- */

static struct dma_buf *get_behind(struct list_head *pos)
{
	struct dma_buf *found = NULL;

	mutex_lock(&registry.lock);
	for (pos = pos->next; pos != &registry.bufs && !found; pos = pos->next)
		if (dma_buf_get_if_alive(buf_at(pos)))
			found = buf_at(pos);
	mutex_unlock(&registry.lock);
	if (found)
		dma_buf_learn_ino(found);
	return found;
}

/**
 * dma_buf_walk_wait - let those who make buffers recover from the walks before
 *
 * Who may wait calls it before dma_buf_iter_begin(), outside of locks and if possible of
 * read sections.  It returns at once unless walks have taken many new buffers over in the
 * last moments, and buffers are being made or released.
 *
 * Context: may sleep, up to PACE_WAIT_MAX_NS; no signal ends it.
 */
void dma_buf_walk_wait(void)
{
	u64 due_ns;

	ctx_may_sleep();
	due_ns = pace_due_ns(&registry.pace);
	if (due_ns && !all_quiet_since(dma_buf_pace_clock->now_ns() - PACE_QUIET_NS))
		dma_buf_pace_clock->sleep_until(due_ns);
}

/**
 * dma_buf_iter_begin - the newest buffer
 *
 * Context: thread.
 * Return:  NULL if there is none; otherwise referenced until dma_buf_iter_next() or
 *          dma_buf_iter_end().
 */
struct dma_buf *dma_buf_iter_begin(void)
{
	ctx_thread();
	gather();
	return get_behind(&registry.bufs);
}

/**
 * dma_buf_iter_next - the buffer exported before @cur
 * @cur:  what the step before gave; its reference is given back
 *
 * Context: thread.
 * Return:  NULL after the last; otherwise as dma_buf_iter_begin().
 */
struct dma_buf *dma_buf_iter_next(struct dma_buf *cur)
{
	struct dma_buf *next;

	ctx_thread();
	next = get_behind(&cur->list_node);
	rove_dma_buf_put(cur);
	return next;
}

/**
 * dma_buf_iter_end - leave a walk before its end
 * @cur:  NULL, or what the last step gave; its reference is given back
 *
 * Context: thread.
 */
void dma_buf_iter_end(struct dma_buf *cur)
{
	ctx_thread();
	rove_dma_buf_put(cur);
}
