/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/kfunc/dmabuf.c - walk the DMA-bufs from a program
 *
 * A step takes the list's lock and may drop a buffer's last reference: it waits
 * for short whiles only, but no signal handler may wait.
 *
 * A read section lasts from new to destroy: names and attachments that the program
 * finds meanwhile stay, even if they are replaced.
 */
#include "bpf/kfunc/dmabuf.h"
#include "bpf/kfunc/kfunc.h"
#include "objects/dma_buf.h"
#include "objects/wakeup_source.h"

/*
 * What the opaque bytes are: a buffer that is held, or one of two that do not exist;
 * the lowest bit, which is 0 in their addresses, is the index of the read section.
 */
static struct dma_buf before_first, behind_last;

#define SECTION_BIT ((uintptr_t)1)

_Static_assert(_Alignof(struct dma_buf) > SECTION_BIT, "the bit is free");
_Static_assert(sizeof(uintptr_t) <= sizeof(struct bpf_iter_dmabuf), "state fits");

static struct dma_buf *at_of(const struct bpf_iter_dmabuf *it)
{
	return (struct dma_buf *)((uintptr_t)it->opaque[0] & ~SECTION_BIT);
}

static void move_to(struct bpf_iter_dmabuf *it, struct dma_buf *buf)
{
	it->opaque[0] = (uintptr_t)buf | (it->opaque[0] & SECTION_BIT);
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
	it->opaque[0] = wakeup_sources_read_lock();
	move_to(it, &before_first);
	return 0;
}

/*
 * The same for programs that may sleep: only what they hold themselves waits with them, and
 * what is freed after all programs that run.
 */
static int new_in_turn(struct bpf_iter_dmabuf *it)
{
	dma_buf_walk_wait();
	return bpf_iter_dmabuf_new(it);
}

/**
 * bpf_iter_dmabuf_next - the next buffer
 *
 * Context: thread.
 * Return:  NULL after the last, and from then on; otherwise held until the next call.
 */
struct dma_buf *bpf_iter_dmabuf_next(struct bpf_iter_dmabuf *it)
{
	struct dma_buf *at = at_of(it), *buf = NULL;

	if (at == &before_first)
		buf = dma_buf_iter_begin();
	else if (is_held(at))
		buf = dma_buf_iter_next(at);
	move_to(it, buf ?: &behind_last);
	return buf;
}

void bpf_iter_dmabuf_destroy(struct bpf_iter_dmabuf *it)
{
	if (is_held(at_of(it)))
		dma_buf_iter_end(at_of(it));
	move_to(it, &behind_last);
	wakeup_sources_read_unlock(it->opaque[0] & SECTION_BIT);
}

const struct kfunc kfuncs_dmabuf[] = {
	{ "bpf_iter_dmabuf_new", KF_ITER_NEW | KF_SLEEPABLE | KF_THREAD,
	  .fn = ANY_FN(bpf_iter_dmabuf_new), .fn_sleepable = ANY_FN(new_in_turn) },
	{ "bpf_iter_dmabuf_next",
	  KF_ITER_NEXT | KF_RET_NULL | KF_SLEEPABLE | KF_THREAD | KF_SCOPED,
	  .fn = ANY_FN(bpf_iter_dmabuf_next) },
	{ "bpf_iter_dmabuf_destroy", KF_ITER_DESTROY | KF_SLEEPABLE | KF_THREAD,
	  .fn = ANY_FN(bpf_iter_dmabuf_destroy) },
	{ NULL },
};
