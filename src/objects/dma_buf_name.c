/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/dma_buf_name.c - what a buffer is used for
 *
 * A name is never changed in place: readers find the old one or the new one whole.
 *
 * Invariant: ->name is NULL, the block's ->first_name, or the text of a struct
 *            renamed that lives a grace period longer than ->name shows it.
 * Ordering:  dmabuf.rename -> dmabuf.named (docs/memory-model.md).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "objects/dma_buf_parts.h"
#include "objects/wakeup_source.h"

struct renamed {
	struct rove_srcu_head	srcu;
	char			text[ROVE_DMA_BUF_NAME_BYTES];
};

/**
 * dma_buf_name_fits - may a buffer have this name?
 *
 * Context: any.
 */
bool dma_buf_name_fits(const char *name)
{
	ctx_any();
	return strnlen(name, ROVE_DMA_BUF_NAME_BYTES) < ROVE_DMA_BUF_NAME_BYTES;
}

/* NULL if there is nothing to free: no name yet, or the first one. */
static struct renamed *renamed_of(struct dma_buf *dmabuf, const char *text)
{
	if (!text || text == dma_buf_block_of(dmabuf)->first_name)
		return NULL;
	return container_of(text, struct renamed, text[0]);
}

static void renamed_free(struct rove_srcu_head *head)
{
	free(container_of(head, struct renamed, srcu));
}

/* @text becomes the name; the old one is for the caller to free. */
static int name_replace(struct dma_buf *dmabuf, const char *text, struct renamed **ret_stale)
{
	int err;

	mutex_lock(&dmabuf->name_lock);
	err = dma_buf_memory_name(dmabuf, text);
	if (err)
		goto unlock;
	*ret_stale = renamed_of(dmabuf, dmabuf->name);
	/*
	 * ORDER dmabuf.rename (release): the text comes before the pointer to it.
	 * Pairs with dmabuf.named in dma_buf_name_rcu().
	 */
	store_release(&dmabuf->name, text);
unlock:
	mutex_unlock(&dmabuf->name_lock);
	return err;
}

/**
 * rove_dma_buf_set_name - see rove/dmabuf.h
 */
int rove_dma_buf_set_name(struct dma_buf *dmabuf, const char *name)
{
	struct renamed *fresh, *stale = NULL;
	int err;

	ctx_may_sleep();
	if (!name || !dma_buf_name_fits(name))
		return -EINVAL;
	fresh = calloc(1, sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;
	strcpy(fresh->text, name);
	err = name_replace(dmabuf, fresh->text, &stale);
	if (err)
		free(fresh);
	if (stale)
		rove_srcu_call(wakeup_sources_srcu(), &stale->srcu, renamed_free);
	return err;
}

/**
 * dma_buf_name_rcu - the name, without the lock
 *
 * Context: any, inside a section of wakeup_sources_srcu(), the buffer held.
 * Return:  NULL if it has none; stays until the section ends.
 */
const char *dma_buf_name_rcu(const struct dma_buf *dmabuf)
{
	ctx_any();
	/*
	 * ORDER dmabuf.named (acquire): the text is read after the pointer to it.
	 * Pairs with dmabuf.rename in name_replace().
	 */
	return load_acquire(&dmabuf->name);
}

/**
 * dma_buf_name_free - the end of a buffer's name
 * @dmabuf:  without references
 *
 * Context: thread.
 */
void dma_buf_name_free(struct dma_buf *dmabuf)
{
	ctx_thread();
	free(renamed_of(dmabuf, dmabuf->name));
}
