/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/dma_buf_list.c - the list of all buffers, and walks over it
 *
 * Being listed is all that watching costs a buffer: two times a lock and four
 * pointers.  Why one list and one lock: docs/decisions/0005-*.md.
 *
 * Invariant: a buffer is in the list from its export until its last reference is
 *            gone, at the place where it was put.  So whoever holds a reference
 *            finds there, under the lock, what comes behind it.
 * Not here:  the reference count (dma_buf.c).
 */
#include "base/context.h"
#include "objects/dma_buf_parts.h"

/* L  under ->lock */
static struct {
	struct mutex		lock;		/* leaf */
	bool			off;		/* set while nothing is exported */
	struct list_head	bufs;		/* L: newest first */
} registry __attribute__((aligned(64))) = {
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
 * @dmabuf:  complete, with a reference; ->list_node is zero
 *
 * Context: thread.
 */
void dma_buf_list_add(struct dma_buf *dmabuf)
{
	ctx_thread();
	if (unlikely(READ_ONCE(registry.off)))
		return;
	mutex_lock(&registry.lock);
	list_add(&dmabuf->list_node, &registry.bufs);
	mutex_unlock(&registry.lock);
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
	if (unlikely(!dmabuf->list_node.next))
		return;
	mutex_lock(&registry.lock);
	list_del(&dmabuf->list_node);
	mutex_unlock(&registry.lock);
}

static struct dma_buf *get_behind(struct list_head *pos)
{
	struct dma_buf *found = NULL;

	mutex_lock(&registry.lock);
	for (pos = pos->next; pos != &registry.bufs && !found; pos = pos->next) {
		struct dma_buf *dmabuf = list_entry(pos, struct dma_buf, list_node);

		if (dma_buf_get_if_alive(dmabuf))
			found = dmabuf;
	}
	mutex_unlock(&registry.lock);
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
