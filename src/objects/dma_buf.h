/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/dma_buf.h - the buffer itself, and how walkers visit all of them
 *
 * A walk:
 *
 *	dma_buf_walk_wait();			where it may sleep
 *	for (b = dma_buf_iter_begin(); b; b = dma_buf_iter_next(b))
 *		...			leaving early: dma_buf_iter_end(b); break;
 *
 * What it promises:
 *
 *   - newest first;
 *   - each buffer given is held by a reference of the walk until the next step;
 *   - one that lived through the whole walk is given, and none is given twice;
 *   - one whose last reference is gone is not given;
 *   - no lock is held between steps, so a walk may wait, and may end on another
 *     thread than the one it began on;
 *   - a step itself does not wait, but for the lists' locks, which are held shortly: for
 *     one step, or at the beginning to sort in what is new.  So a walk may be made on
 *     a timer thread (softirq), where a last reference is handed to another thread.
 *     Not in a signal handler;
 *   - what all walks together take away from those who make buffers is bounded, if all
 *     call dma_buf_walk_wait() first (dma_buf_pace.h).
 *
 * ->name and the attachments may be replaced while one looks.  What they pointed to
 * stays until the section of wakeup_sources_srcu() in which they were read has ended
 * or the walk goes on: whoever follows them holds a section, or reads with checked
 * loads and believes nothing.
 *
 * Ordering: dmabuf.put -> dmabuf.last for the count, dmabuf.rename -> dmabuf.named,
 *           list.publish -> list.observe for the attachments (docs/memory-model.md).
 * Not here: what programs may call (bpf/kfunc).
 */
#ifndef ROVE_OBJECTS_DMA_BUF_H
#define ROVE_OBJECTS_DMA_BUF_H

#include <rove/dmabuf.h>

#include "base/list.h"
#include "base/mutex.h"
#include "base/types.h"
#include "objects/device.h"

/* References less one; negative when the last is gone.  As the kernel keeps them. */
struct file_ref {
	struct {
		s64	counter;
	} refcnt;
};

/*
 * I  set before the buffer is visible, never changed
 * A  atomic
 */
struct inode {
	unsigned long	i_ino;		/* A: st_ino of the descriptors; 0: nobody asked yet */
	s64		i_size;		/* I: bytes */
};

struct file {
	struct file_ref	f_ref;		/* A: references of all kinds, walks included */
	struct inode	*f_inode;	/* I */
};

/*
 * Member names and types of what the kernel has are the kernel's, the layout is ours.
 *
 * I  set before the buffer is visible, never changed
 * A  atomic; the ORDER tag at each access says why
 * L  changed under ->name_lock
 * R  under the lock of the list it is in: its CPU's, or the registry's once a walk has
 *    taken it over
 * N  a number for show: atomic, orders nothing
 */
struct dma_buf {
	size_t			size;		/* I: bytes, whole pages */
	struct file		*file;		/* I */
	struct list_head	attachments;	/* L: newest first; readers follow ->next */
	const char		*exp_name;	/* I */
	const char		*name;		/* A, L: NULL: none */
	struct mutex		name_lock;	/* leaf */

	/* The kernel has none of these. */
	u32			nr_fds;		/* N: descriptors handed out and not given back */
	u32			nr_maps;	/* N: mappings made here and not undone */
	int			fd;		/* I: the buffer's own descriptor of its memory */

	/* What walks write is one cache line, with the file and the number behind it. */
	u64			export_ns;	/* I: CLOCK_MONOTONIC; 0: listed nowhere */
	struct list_head	list_node;	/* R */
	struct dma_buf		*next_dead;	/* whose it is: of the CPU's dead, or who took them */
	u32			memory;		/* I: enum rove_dma_buf_memory */
	u32			shard;		/* I: where it was listed first */
};

/* I  set before the attachment is visible, never changed */
struct dma_buf_attachment {
	struct dma_buf		*dmabuf;	/* I: referenced */
	struct device		*dev;		/* I: referenced */
	struct list_head	node;		/* L of ->dmabuf */
	struct rove_srcu_head	srcu;
};

void dma_buf_walk_wait(void);
struct dma_buf *dma_buf_iter_begin(void);
struct dma_buf *dma_buf_iter_next(struct dma_buf *cur);
void dma_buf_iter_end(struct dma_buf *cur);

const char *dma_buf_name_rcu(const struct dma_buf *dmabuf);

/* For the benchmark of the list's cost only: buffers exported meanwhile are not listed. */
void dma_buf_registry_switch(bool on);

#endif
