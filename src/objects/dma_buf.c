/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/dma_buf.c - a buffer's life: exported, held, released
 *
 * Invariant: a buffer is listed and its memory is there as long as anybody holds a
 *            reference.  Its own descriptor holds none.
 * Ordering:  dmabuf.put -> dmabuf.last (docs/memory-model.md).
 * Not here:  the list (dma_buf_list.c), the memory (dma_buf_memory.c), names,
 *            attachments.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/context.h"
#include "objects/dma_buf_parts.h"
#include "objects/wakeup_source.h"

static const struct rove_dma_buf_options no_options = {
	.struct_bytes = sizeof(no_options),
};

/* Members that a later version has and this one does not know must be zero. */
static bool options_known(const struct rove_dma_buf_options *opts)
{
	const char *byte = (const char *)opts;

	if (opts->struct_bytes < sizeof(*opts) || opts->reserved ||
	    (opts->name && !dma_buf_name_fits(opts->name)))
		return false;
	for (size_t i = sizeof(*opts); i < opts->struct_bytes; i++)
		if (byte[i])
			return false;
	return true;
}

static size_t whole_pages(size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (size + page - 1) & ~(page - 1);
}

static struct dma_buf_block *block_new(const char *exp_name, const char *name)
{
	size_t exp_bytes = strlen(exp_name) + 1;
	void *allocated = calloc(1, sizeof(struct dma_buf_block) + exp_bytes + LINE_BYTES - 1);
	struct dma_buf_block *block;

	if (!allocated)
		return NULL;
	/* aligned_alloc() would take its slow path for each of them. */
	block = (void *)(((uintptr_t)allocated + LINE_BYTES - 1) & -(uintptr_t)LINE_BYTES);
	block->allocated = allocated;
	block->buf.file = &block->file;
	block->file.f_inode = &block->inode;
	block->buf.exp_name = memcpy(block->exp_name, exp_name, exp_bytes);
	if (name)
		block->buf.name = strcpy(block->first_name, name);
	list_init(&block->buf.attachments);
	return block;
}

static int block_fill(struct dma_buf_block *block, size_t size,
		      const struct rove_dma_buf_options *opts)
{
	int fd = dma_buf_memory_open(size, opts);

	if (fd < 0)
		return fd;
	block->buf.fd = fd;
	block->buf.memory = opts->memory;
	block->buf.size = size;
	block->inode.i_size = size;
	return 0;
}

/**
 * rove_dma_buf_export - see rove/dmabuf.h
 */
int rove_dma_buf_export(size_t size, const char *exp_name,
			const struct rove_dma_buf_options *opts, struct dma_buf **ret_dmabuf)
{
	struct dma_buf_block *block;
	int err;

	ctx_may_sleep();
	if (!opts)
		opts = &no_options;
	size = whole_pages(size);
	if (!size || size > PTRDIFF_MAX || !exp_name || !exp_name[0] || !options_known(opts))
		return -EINVAL;
	block = block_new(exp_name, opts->name);
	if (!block)
		return -ENOMEM;
	err = block_fill(block, size, opts);
	if (err) {
		free(block->allocated);
		return err;
	}
	dma_buf_list_add(&block->buf);
	*ret_dmabuf = &block->buf;
	return 0;
}

/**
 * rove_dma_buf_get - see rove/dmabuf.h
 */
void rove_dma_buf_get(struct dma_buf *dmabuf)
{
	s64 more;

	ctx_any();
	more = fetch_add_relaxed(&dmabuf->file->f_ref.refcnt.counter, 1);
	check(more >= 0);
}

/**
 * dma_buf_get_if_alive - one reference more, if there is one
 * @dmabuf:  its memory stays meanwhile: the caller holds the list's lock
 *
 * Context: thread.
 * Return:  false if the last reference is gone: then it is about to be released.
 */
bool dma_buf_get_if_alive(struct dma_buf *dmabuf)
{
	s64 *counter = &dmabuf->file->f_ref.refcnt.counter;
	s64 more = READ_ONCE(*counter);

	ctx_thread();
	do {
		if (more < 0)
			return false;
	} while (!cmpxchg_relaxed(counter, &more, more + 1));
	return true;
}

static void release(struct dma_buf *dmabuf)
{
	check(list_empty(&dmabuf->attachments));
	close(dmabuf->fd);
	dma_buf_name_free(dmabuf);
	if (dma_buf_list_del(dmabuf))
		dma_buf_free(dmabuf);
}

static void release_later(struct rove_srcu_head *head)
{
	release(&container_of(head, struct dma_buf_block, srcu)->buf);
}

static void free_later(struct rove_srcu_head *head)
{
	free(container_of(head, struct dma_buf_block, srcu)->allocated);
}

/**
 * dma_buf_free - the memory of a buffer that is in no list
 *
 * Context: thread.
 */
void dma_buf_free(struct dma_buf *dmabuf)
{
	struct dma_buf_block *block = dma_buf_block_of(dmabuf);

	ctx_thread();
	if (in_softirq())
		rove_srcu_call(wakeup_sources_srcu(), &block->srcu, free_later);
	else
		free(block->allocated);
}

static bool ref_put(struct file_ref *ref)
{
	/*
	 * ORDER dmabuf.put (release): this holder's accesses come before the count
	 * says that it is gone.  Pairs with dmabuf.last in ref_put().
	 * ORDER dmabuf.last (acquire): the buffer is released after everybody else's
	 * accesses.  Pairs with dmabuf.put in ref_put().
	 */
	return sub_fetch_acq_rel(&ref->refcnt.counter, 1) < 0;
}

/**
 * rove_dma_buf_put - see rove/dmabuf.h
 */
void rove_dma_buf_put(struct dma_buf *dmabuf)
{
	ctx_thread();
	if (!dmabuf || !ref_put(&dmabuf->file->f_ref))
		return;
	if (in_softirq())
		rove_srcu_call(wakeup_sources_srcu(), &dma_buf_block_of(dmabuf)->srcu,
			       release_later);
	else
		release(dmabuf);
}

/**
 * rove_dma_bufs_barrier - see rove/dmabuf.h
 */
void rove_dma_bufs_barrier(void)
{
	ctx_may_sleep();
	rove_srcu_barrier(wakeup_sources_srcu());
}

static u32 nr_attachments_locked(const struct dma_buf *dmabuf)
{
	const struct dma_buf_attachment *attach;
	u32 nr = 0;

	assert_held(&dmabuf->name_lock);
	list_for_each_entry(attach, &dmabuf->attachments, node)
		nr++;
	return nr;
}

/**
 * rove_dma_buf_read - see rove/dmabuf.h
 */
void rove_dma_buf_read(struct dma_buf *dmabuf, struct rove_dma_buf_attrs *ret_attrs)
{
	ctx_thread();
	dma_buf_learn_ino(dmabuf);
	*ret_attrs = (struct rove_dma_buf_attrs){
		.size = dmabuf->size,
		.ino = READ_ONCE(dmabuf->file->f_inode->i_ino),
		.nr_refs = READ_ONCE(dmabuf->file->f_ref.refcnt.counter) + 1,
		.nr_fds = READ_ONCE(dmabuf->nr_fds),
		.nr_maps = READ_ONCE(dmabuf->nr_maps),
		.exp_name = dmabuf->exp_name,
	};
	mutex_lock(&dmabuf->name_lock);
	ret_attrs->nr_attachments = nr_attachments_locked(dmabuf);
	if (dmabuf->name)
		strcpy(ret_attrs->name, dmabuf->name);
	mutex_unlock(&dmabuf->name_lock);
}
