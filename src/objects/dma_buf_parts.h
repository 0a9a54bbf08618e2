/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/dma_buf_parts.h - what the files of the DMA-bufs offer each other
 */
#ifndef ROVE_OBJECTS_DMA_BUF_PARTS_H
#define ROVE_OBJECTS_DMA_BUF_PARTS_H

#include "objects/dma_buf.h"

#define LINE_BYTES 64

/* One allocation for a buffer, what programs reach through it, and its first texts. */
struct dma_buf_block {
	struct dma_buf		buf;		/* at the beginning of a cache line */
	struct file		file;
	struct inode		inode;
	void			*allocated;	/* what free() takes */
	struct rove_srcu_head	srcu;		/* when its end comes where nobody may wait */
	char			first_name[ROVE_DMA_BUF_NAME_BYTES];
	char			exp_name[];
};

_Static_assert(offsetof(struct dma_buf_block, buf.export_ns) == LINE_BYTES &&
	       offsetof(struct dma_buf_block, inode.i_size) == 2 * LINE_BYTES,
	       "what walks write is one line");

static inline struct dma_buf_block *dma_buf_block_of(struct dma_buf *dmabuf)
{
	return container_of(dmabuf, struct dma_buf_block, buf);
}

/* dma_buf.c */
bool dma_buf_get_if_alive(struct dma_buf *dmabuf);
void dma_buf_free(struct dma_buf *dmabuf);

/* dma_buf_list.c */
void dma_buf_list_add(struct dma_buf *dmabuf);
bool dma_buf_list_del(struct dma_buf *dmabuf);

/* dma_buf_name.c */
bool dma_buf_name_fits(const char *name);
void dma_buf_name_free(struct dma_buf *dmabuf);

/* dma_buf_memory.c */
void dma_buf_learn_ino(struct dma_buf *dmabuf);
int dma_buf_memory_open(size_t size, const struct rove_dma_buf_options *opts);
int dma_buf_memory_name(const struct dma_buf *dmabuf, const char *name);

#endif
