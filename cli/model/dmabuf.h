/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/dmabuf.h - one DMA-buf as a plain row, with who holds it
 *
 * A process holds a buffer by descriptors and by mappings.  With n processes that do,
 *	RSS of a process	counts the whole size for each of them,
 *	PSS			counts size / n, rounded down,
 *	kernel-only		is n = 0: held by a driver, by a device that imported it, or
 *				by a descriptor on its way through a socket.
 *
 * Invariant: an attribute whose bit in ->known is clear could not be read and its number
 * means nothing.
 * The key of a row is the inode only while the buffer lives: inodes are used again.
 *
 * Not here: sums over buffers (model/dmabuf_views.h), two listings compared
 * (model/dmabuf_views.h).
 */
#ifndef ROVE_CLI_MODEL_DMABUF_H
#define ROVE_CLI_MODEL_DMABUF_H

#include "cli/model/listing.h"

enum dmabuf_attr {
	DMABUF_INODE,
	DMABUF_SIZE,			/* bytes */
	DMABUF_REFS,			/* to its file, by anybody */
	DMABUF_NR_ATTACHMENTS,
	DMABUF_NR_PROCESSES,		/* that hold it */
	DMABUF_NR_FDS,			/* in all of them */
	DMABUF_NR_MAPS,
	DMABUF_RSS,			/* size * processes, bytes */
	DMABUF_PSS,			/* size / processes, bytes; unknown where there is none */
	DMABUF_KERNEL_ONLY,		/* 0 or 1 */
	DMABUF_TORN,			/* 0 or 1 */
	DMABUF_NAME_TRUNCATED,		/* 0 or 1 */
	NR_DMABUF_ATTRS,
};

enum dmabuf_string { DMABUF_EXPORTER, DMABUF_NAME, DMABUF_OWNER, NR_DMABUF_STRINGS };

/* A process that holds a buffer. */
struct dmabuf_holder {
	u64 pid;
	u64 nr_fds, nr_maps;
	const char *comm;		/* NULL: unknown */
};

struct dmabuf_device {
	const char *name;		/* NULL: unknown */
};

/* Strings and arrays live as long as the listing. */
struct dmabuf_row {
	u64 attr[NR_DMABUF_ATTRS];
	u32 known;			/* bit n: attr[n] was read */
	bool knows_devices, knows_holders;	/* else the arrays say nothing */
	const char *string[NR_DMABUF_STRINGS];	/* NULL: unknown */
	const struct dmabuf_holder *holders;	/* by pid */
	u64 nr_holders;
	const struct dmabuf_device *devices;	/* one for each attachment */
	u64 nr_devices;
};

static inline void dmabuf_row_set(struct dmabuf_row *row, enum dmabuf_attr attr, u64 number)
{
	row->attr[attr] = number;
	row->known |= 1u << attr;
}

static inline bool dmabuf_row_knows(const struct dmabuf_row *row, enum dmabuf_attr attr)
{
	return row->known & (1u << attr);
}

/* Do both rows describe one buffer, as far as can be known? */
bool dmabuf_row_is_same(const struct dmabuf_row *a, const struct dmabuf_row *b);

const struct dmabuf_holder *dmabuf_row_holder(const struct dmabuf_row *row, u64 pid);

extern const struct noun dmabuf_noun, dmabuf_holder_noun, dmabuf_device_noun;

#define DMABUF_FOOTNOTE "dma-buf memory is not all GPU memory"

#endif
