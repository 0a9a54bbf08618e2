/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/dma_buf_attach.c - the devices that use a buffer
 *
 * Invariant: an attachment is in its buffer's list from rove_dma_buf_attach() to
 *            rove_dma_buf_detach(), holds the buffer and the device so long, and its
 *            memory lives until the sections of wakeup_sources_srcu() that may have
 *            found it have ended.
 * Ordering:  list.publish -> list.observe (docs/memory-model.md).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/context.h"
#include "objects/dma_buf_parts.h"
#include "objects/wakeup_source.h"

/**
 * rove_dma_buf_attach - see rove/dmabuf.h
 */
int rove_dma_buf_attach(struct dma_buf *dmabuf, struct device *dev,
			struct dma_buf_attachment **ret_attach)
{
	struct dma_buf_attachment *attach;

	ctx_may_sleep();
	if (!dev)
		return -EINVAL;
	attach = calloc(1, sizeof(*attach));
	if (!attach)
		return -ENOMEM;
	rove_dma_buf_get(dmabuf);
	attach->dmabuf = dmabuf;
	attach->dev = device_get(dev);
	mutex_lock(&dmabuf->name_lock);
	list_add_rcu(&attach->node, &dmabuf->attachments);
	mutex_unlock(&dmabuf->name_lock);
	*ret_attach = attach;
	return 0;
}

static void attach_free(struct rove_srcu_head *head)
{
	free(container_of(head, struct dma_buf_attachment, srcu));
}

/**
 * rove_dma_buf_detach - see rove/dmabuf.h
 */
void rove_dma_buf_detach(struct dma_buf_attachment *attach)
{
	struct dma_buf *dmabuf;

	ctx_may_sleep();
	if (!attach)
		return;
	dmabuf = attach->dmabuf;
	mutex_lock(&dmabuf->name_lock);
	list_del_rcu(&attach->node);
	mutex_unlock(&dmabuf->name_lock);
	rove_device_put(attach->dev);
	rove_srcu_call(wakeup_sources_srcu(), &attach->srcu, attach_free);
	rove_dma_buf_put(dmabuf);
}
