/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/dmabuf_set.h - join DMA-bufs with who holds them
 *
 * Sources tell of buffers, of attachments, and of single descriptors and mappings, in any
 * order; the set makes rows of them.
 *
 * Invariant: after dmabuf_set_finish() the rows are whole, and stay until the next
 * dmabuf_set_clear().
 */
#ifndef ROVE_CLI_COLLECT_DMABUF_SET_H
#define ROVE_CLI_COLLECT_DMABUF_SET_H

#include "cli/model/dmabuf.h"

struct dmabuf_hold {
	u64 inode;
	u64 pid;
	u64 nr_fds, nr_maps;
	u64 space, place;		/* one that is in the same place is the same; ->space 0: unlike all */
	const char *comm;		/* stays in place, or from dmabuf_set_text() */
};

struct dmabuf_attach {
	u64 inode;
	const char *device;		/* as ->comm */
};

struct dmabuf_set {
	struct dmabuf_row *rows;	/* in the order they were added */
	u64 nr_rows, rows_room;
	u32 *index;			/* by inode: number of a row + 1, or 0 */
	u64 index_room;			/* a power of two */
	struct dmabuf_hold *holds;
	u64 nr_holds, holds_room;
	struct dmabuf_attach *attaches;
	u64 nr_attaches, attaches_room;
	void **kept;			/* texts and arrays that rows point to */
	u64 nr_kept, kept_room;

	/* Set by the source before the end: */
	bool knows_devices;		/* attachments were added, for every buffer */
	bool knows_holders;		/* holds were added */
	bool misses_holders;		/* some processes could not be looked into */
};

void dmabuf_set_clear(struct dmabuf_set *set);
void dmabuf_set_fini(struct dmabuf_set *set);
int dmabuf_set_add(struct dmabuf_set *set, u64 inode, struct dmabuf_row **ret_row);
struct dmabuf_row *dmabuf_set_find(const struct dmabuf_set *set, u64 inode);
int dmabuf_set_hold(struct dmabuf_set *set, const struct dmabuf_hold *hold);
int dmabuf_set_attach(struct dmabuf_set *set, const struct dmabuf_attach *attach);
const char *dmabuf_set_text(struct dmabuf_set *set, const char *bytes);
int dmabuf_set_finish(struct dmabuf_set *set);
void dmabuf_set_listing(const struct dmabuf_set *set, struct listing *listing);

#endif
