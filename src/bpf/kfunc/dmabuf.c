/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/kfunc/dmabuf.c - walk the DMA-bufs from a program
 *
 * A step takes the list's lock and may drop a buffer's last reference: it waits
 * for short whiles only, but no signal handler may wait.
 */
#include "bpf/kfunc/dmabuf.h"
#include "bpf/kfunc/kfunc.h"
#include "objects/dma_buf.h"

/* What the opaque bytes are: a buffer that is held, or one of two that do not exist. */
static struct dma_buf before_first, behind_last;

static struct dma_buf **at_of(struct bpf_iter_dmabuf *it)
{
	_Static_assert(sizeof(struct dma_buf *) <= sizeof(*it), "state fits");
	return (struct dma_buf **)it;
}

static bool is_held(const struct dma_buf *buf)
{
	return buf != &before_first && buf != &behind_last;
}

/**
 * bpf_iter_dmabuf_new - begin a walk over all buffers, newest first
 *
 * Context: thread.
 * Return:  0.
 */
int bpf_iter_dmabuf_new(struct bpf_iter_dmabuf *it)
{
	*at_of(it) = &before_first;
	return 0;
}

/**
 * bpf_iter_dmabuf_next - the next buffer
 *
 * Context: thread.
 * Return:  NULL after the last, and from then on; otherwise held until the next call.
 */
struct dma_buf *bpf_iter_dmabuf_next(struct bpf_iter_dmabuf *it)
{
	struct dma_buf **at = at_of(it), *buf = NULL;

	if (*at == &before_first)
		buf = dma_buf_iter_begin();
	else if (is_held(*at))
		buf = dma_buf_iter_next(*at);
	*at = buf ?: &behind_last;
	return buf;
}

void bpf_iter_dmabuf_destroy(struct bpf_iter_dmabuf *it)
{
	if (is_held(*at_of(it)))
		dma_buf_iter_end(*at_of(it));
	*at_of(it) = &behind_last;
}

const struct kfunc kfuncs_dmabuf[] = {
	{ "bpf_iter_dmabuf_new", KF_ITER_NEW | KF_SLEEPABLE | KF_THREAD,
	  .fn = ANY_FN(bpf_iter_dmabuf_new) },
	{ "bpf_iter_dmabuf_next",
	  KF_ITER_NEXT | KF_RET_NULL | KF_SLEEPABLE | KF_THREAD | KF_SCOPED,
	  .fn = ANY_FN(bpf_iter_dmabuf_next) },
	{ "bpf_iter_dmabuf_destroy", KF_ITER_DESTROY | KF_SLEEPABLE | KF_THREAD,
	  .fn = ANY_FN(bpf_iter_dmabuf_destroy) },
	{ NULL },
};
