/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * rove/dmabuf.h - DMA-bufs: memory that several holders share, and who holds it
 *
 * An exporter makes a buffer of memory; holders take references, descriptors,
 * mappings and attachments of devices.  Each of these counts in the buffer's
 * reference count, and the buffer is released when the last one is given back.
 * The rules are those of the Linux kernel's DMA-bufs.
 *
 * A buffer's number is the inode number of its descriptors, as fstat(2) shows it.
 * Of two living buffers with the same kind of memory it is never the same.
 *
 * After fork() the buffers of the parent are of no use in the child.  It may make its own if no
 * other thread was inside of a function of this header while it was forked: one that was may
 * have left a lock taken for ever.
 */
#ifndef ROVE_DMABUF_H
#define ROVE_DMABUF_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct dma_buf;
struct dma_buf_attachment;
struct device;

/* The longest name, with its end. */
#define ROVE_DMA_BUF_NAME_BYTES 32

enum rove_dma_buf_memory {
	ROVE_DMA_BUF_MEMFD = 0,		/* a memfd: everywhere */
	ROVE_DMA_BUF_UDMABUF = 1,	/* the kernel's own DMA-buf over a memfd: /dev/udmabuf */
	ROVE_DMA_BUF_HEAP = 2,		/* the kernel's own DMA-buf from /dev/dma_heap/HEAP */
};

/* Zero is the default of every member, of those that later versions add too. */
struct rove_dma_buf_options {
	size_t struct_bytes;		/* sizeof(struct rove_dma_buf_options) */
	const char *name;		/* as rove_dma_buf_set_name() takes it */
	const char *heap;		/* "system"; for ROVE_DMA_BUF_HEAP only */
	uint32_t memory;		/* enum rove_dma_buf_memory */
	uint32_t reserved;		/* 0 */
};

struct rove_dma_buf_attrs {
	uint64_t size;			/* bytes, whole pages */
	uint64_t ino;			/* inode number */
	int64_t nr_refs;		/* references of all kinds */
	uint32_t nr_fds;		/* descriptors handed out and not given back */
	uint32_t nr_maps;		/* mappings made and not undone */
	uint32_t nr_attachments;	/* devices attached */
	char name[ROVE_DMA_BUF_NAME_BYTES];	/* "" when it has none */
	const char *exp_name;		/* as long as the caller holds the buffer */
};

/**
 * rove_dma_buf_export - make a buffer, newest first among all
 * @size:       bytes, made whole pages; the memory is zero
 * @exp_name:   who makes it; copied
 * @opts:       NULL for a memfd without a name
 * @ret_dmabuf: set on success only; the caller's reference: rove_dma_buf_put()
 *
 * Context: may sleep.
 * Return:  0; -EINVAL (no size, a size that does not fit, no or empty exporter name,
 *          a name that is too long, options that this version does not know); -ENOMEM;
 *          -ENOENT or -EACCES when the machine has no such memory or denies it; what
 *          memfd_create(2), ftruncate(2) or the device's ioctl(2) says: -EMFILE, ...
 */
int rove_dma_buf_export(size_t size, const char *exp_name,
			const struct rove_dma_buf_options *opts, struct dma_buf **ret_dmabuf);

/**
 * rove_dma_buf_get - one reference more
 * @dmabuf:  the caller holds a reference already
 *
 * Context: any.
 */
void rove_dma_buf_get(struct dma_buf *dmabuf);

/**
 * rove_dma_buf_put - give a reference back
 * @dmabuf:  NULL does nothing.  With its last reference the buffer is gone: from
 *           the list, and its memory unless someone else has it open
 *
 * Context: thread.
 */
void rove_dma_buf_put(struct dma_buf *dmabuf);

/**
 * rove_dma_bufs_barrier - wait until what was replaced or taken away is freed: names,
 * attachments, and buffers whose last reference was given back on a timer thread
 *
 * Context: may sleep.
 */
void rove_dma_bufs_barrier(void);

/**
 * rove_dma_buf_set_name - say what the buffer is used for
 * @name:  up to 31 bytes, copied; "" is a name too
 *
 * A longer name is refused, not cut, as in the kernel.
 *
 * Context: may sleep; @dmabuf held by the caller.
 * Return:  0, -EINVAL (no name, or one too long) or -ENOMEM; then the old one stays.
 */
int rove_dma_buf_set_name(struct dma_buf *dmabuf, const char *name);

/**
 * rove_dma_buf_attach - a device is going to use the buffer
 * @dev:         from rove_device_create() (rove/wakeup.h); kept by a reference
 * @ret_attach:  set on success only; end it with rove_dma_buf_detach()
 *
 * Context: may sleep; @dmabuf held by the caller; the attachment holds it too.
 * Return:  0, -EINVAL (no device) or -ENOMEM.
 */
int rove_dma_buf_attach(struct dma_buf *dmabuf, struct device *dev,
			struct dma_buf_attachment **ret_attach);

/**
 * rove_dma_buf_detach - the device is done with the buffer
 * @attach:  NULL, or an attachment; the caller must not use it any more
 *
 * Context: may sleep.
 */
void rove_dma_buf_detach(struct dma_buf_attachment *attach);

/**
 * rove_dma_buf_map - the buffer's memory, all of it, shared
 * @prot:      PROT_READ and PROT_WRITE, as for mmap(2)
 * @ret_addr:  set on success only; undo with rove_dma_buf_unmap()
 *
 * Context: may sleep; @dmabuf held by the caller; the mapping holds it too.
 * Return:  0, or what mmap(2) says: -ENOMEM, -EACCES, -EINVAL, ...
 */
int rove_dma_buf_map(struct dma_buf *dmabuf, int prot, void **ret_addr);

/**
 * rove_dma_buf_unmap - undo a mapping
 * @addr:  what rove_dma_buf_map() gave, and nobody unmapped since
 *
 * Context: may sleep.
 */
void rove_dma_buf_unmap(struct dma_buf *dmabuf, void *addr);

/**
 * rove_dma_buf_fd - a descriptor of the memory, closed on exec
 *
 * It may be duplicated, mapped and sent to other processes as any other; it holds the
 * buffer until it is given back with rove_dma_buf_close().  A plain close(2) of it is
 * not seen here: the buffer would stay.
 *
 * Context: may sleep; @dmabuf held by the caller.
 * Return:  the descriptor, or what fcntl(2) says: -EMFILE, ...
 */
int rove_dma_buf_fd(struct dma_buf *dmabuf);

/**
 * rove_dma_buf_close - give a descriptor back
 * @fd:  closed, if it is one of @dmabuf
 *
 * Context: may sleep.
 * Return:  0, or -EBADF if @fd is not open or is of something else; nothing is done then.
 */
int rove_dma_buf_close(struct dma_buf *dmabuf, int fd);

/**
 * rove_dma_buf_read - what is known of a buffer
 *
 * Each number is true at some moment of the call; not all at the same.
 *
 * Context: thread; @dmabuf held by the caller.
 */
void rove_dma_buf_read(struct dma_buf *dmabuf, struct rove_dma_buf_attrs *ret_attrs);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
