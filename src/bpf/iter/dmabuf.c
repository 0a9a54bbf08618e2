/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/iter/dmabuf.c - all DMA-bufs, newest first
 *
 * The buffer at hand is held by a reference, between two reads too: so programs
 * may sleep, and the next read begins where this one ended.
 *
 * A read section lasts as long as one read: names and attachments that programs
 * find meanwhile stay, even if they are replaced.
 */
#include "bpf/iter/iter.h"
#include "objects/dma_buf.h"
#include "objects/wakeup_source.h"

struct state {
	bool begun;
	int section;		/* of this read */
	struct dma_buf *at;	/* held; NULL: not begun, or behind the last */
};

_Static_assert(sizeof(struct state) <= ITER_STATE_BYTES, "state fits");

/*
 * Here and not when reading begins: that may be the one thread which all descriptors wait
 * for, and the walk's lock and a read section are held then.
 */
static int open_walk(void *state, const struct iter_bind *bind)
{
	dma_buf_walk_wait();
	return 0;
}

static void *start(void *state)
{
	struct state *s = state;

	s->section = wakeup_sources_read_lock();
	if (!s->begun)
		s->at = dma_buf_iter_begin();
	s->begun = true;
	return s->at;
}

static void *next(void *state, void *obj)
{
	struct state *s = state;

	s->at = dma_buf_iter_next(obj);
	return s->at;
}

static void stop(void *state, void *obj)
{
	wakeup_sources_read_unlock(((struct state *)state)->section);
}

static void close_walk(void *state)
{
	struct state *s = state;

	if (s->at)
		dma_buf_iter_end(s->at);
}

static void show(void *state, void *obj, u64 *words)
{
	words[0] = (uintptr_t)obj;
}

const struct iter_ops iter_ops_dmabuf = {
	.open = open_walk, .start = start, .next = next, .stop = stop, .close = close_walk, .show = show,
};
