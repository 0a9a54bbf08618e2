/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/kfunc/dmabuf.h - walk the DMA-bufs from a program
 *
 * The buffer that next() gives is held until the iterator moves on or ends, and
 * the verifier lets no program keep it for longer.
 */
#ifndef ROVE_BPF_KFUNC_DMABUF_H
#define ROVE_BPF_KFUNC_DMABUF_H

#include "base/types.h"

struct dma_buf;

struct bpf_iter_dmabuf {
	u64 opaque[1];
} __attribute__((aligned(8)));

int bpf_iter_dmabuf_new(struct bpf_iter_dmabuf *it);
struct dma_buf *bpf_iter_dmabuf_next(struct bpf_iter_dmabuf *it);
void bpf_iter_dmabuf_destroy(struct bpf_iter_dmabuf *it);

#endif
