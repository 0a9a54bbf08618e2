/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/dma_buf_list.c - the list of all buffers, and walks over it
 *
 * Being listed is all that watching costs a buffer, and it costs nothing that other
 * CPUs would notice: a new buffer goes into the list of the CPU it is made on, and is
 * taken out there if nobody walks meanwhile.  A walk first moves what is new into the
 * one list that walks follow.  Why: docs/decisions/0005-who-walks-pays.md.
 *
 * Invariant: a buffer is in one of the lists from its export until its last reference
 *            is gone.  Once ->known it stays where it is, so whoever holds a reference
 *            finds there, under the lock, what comes behind it.  Each list is sorted,
 *            newest first.
 * Not here:  the reference count (dma_buf.c).
 */
#include <sched.h>

#include "base/clock.h"
#include "base/context.h"
#include "objects/dma_buf_parts.h"

#define NR_SHARDS 64		/* CPUs beyond share */
#define SHARD_BYTES 128		/* two lines: neighbours are fetched in pairs */

/* What one CPU made and no walk has seen.  L: under ->lock */
static struct shard {
	struct mutex		lock;		/* nests inside the registry's */
	u32			nr_fresh;	/* L: length of ->fresh; looked at without it */
	struct list_head	fresh;		/* L */
} __attribute__((aligned(SHARD_BYTES))) shards[NR_SHARDS];

/* L  under ->lock */
static struct {
	struct mutex		lock;		/* outside a shard's */
	bool			off;		/* set while nothing is exported */
	struct list_head	bufs;		/* L: what walks follow */
} registry __attribute__((aligned(SHARD_BYTES))) = {
	.bufs = LIST_INIT(registry.bufs),
};

/**
 * dma_buf_registry_switch - for the benchmark: are buffers listed from now on?
 *
 * Context: thread; nobody exports meanwhile.
 */
void dma_buf_registry_switch(bool on)
{
	ctx_thread();
	WRITE_ONCE(registry.off, !on);
}

/**
 * dma_buf_list_add - walks that begin from now on find @dmabuf
 * @dmabuf:  complete, with a reference
 *
 * Context: thread.
 */
void dma_buf_list_add(struct dma_buf *dmabuf)
{
	u32 nr = (u32)sched_getcpu() % NR_SHARDS;
	struct shard *shard = &shards[nr];

	ctx_thread();
	if (unlikely(READ_ONCE(registry.off)))
		return;
	dmabuf->listed = true;
	dmabuf->shard = nr;
	dmabuf->known = false;
	mutex_lock(&shard->lock);
	if (unlikely(!shard->fresh.next))
		list_init(&shard->fresh);
	dmabuf->export_ns = clock_mono_ns();
	list_add(&dmabuf->list_node, &shard->fresh);
	WRITE_ONCE(shard->nr_fresh, shard->nr_fresh + 1);
	mutex_unlock(&shard->lock);
}

/* False if a walk has moved it. */
static bool del_fresh(struct dma_buf *dmabuf)
{
	struct shard *shard = &shards[dmabuf->shard];
	bool fresh;

	mutex_lock(&shard->lock);
	fresh = !dmabuf->known;
	if (fresh) {
		list_del(&dmabuf->list_node);
		WRITE_ONCE(shard->nr_fresh, shard->nr_fresh - 1);
	}
	mutex_unlock(&shard->lock);
	return fresh;
}

/**
 * dma_buf_list_del - no walk stands on @dmabuf or will
 * @dmabuf:  without references
 *
 * Context: thread.
 */
void dma_buf_list_del(struct dma_buf *dmabuf)
{
	ctx_thread();
	if (unlikely(!dmabuf->listed))
		return;
	if (!READ_ONCE(dmabuf->known) && del_fresh(dmabuf))
		return;
	mutex_lock(&registry.lock);
	list_del(&dmabuf->list_node);
	mutex_unlock(&registry.lock);
}

/* --- what is new, moved to where walks find it -------------------------------------------- */

static struct dma_buf *buf_at(struct list_head *pos)
{
	return list_entry(pos, struct dma_buf, list_node);
}

static void take_fresh(struct shard *shard, struct list_head *taken)
{
	struct dma_buf *dmabuf;

	mutex_lock(&shard->lock);
	list_for_each_entry(dmabuf, &shard->fresh, list_node)
		WRITE_ONCE(dmabuf->known, true);
	list_splice(&shard->fresh, taken);
	WRITE_ONCE(shard->nr_fresh, 0);
	mutex_unlock(&shard->lock);
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

/*
 * A buffer whose export came before the walk is in the count that is looked at here, or
 * its CPU's list is taken anyway.
 */
static void gather(void)
{
	struct list_head taken = LIST_INIT(taken);

	mutex_lock(&registry.lock);
	for (u32 i = 0; i < NR_SHARDS; i++) {
		if (!READ_ONCE(shards[i].nr_fresh))
			continue;
		take_fresh(&shards[i], &taken);
		merge_locked(&taken);
	}
	mutex_unlock(&registry.lock);
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
