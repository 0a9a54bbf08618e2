/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/dmabuf_walk.h - progs/dmabuf.bpf.c, loaded into a target and run
 */
#ifndef ROVE_TARGET_DMABUF_WALK_H
#define ROVE_TARGET_DMABUF_WALK_H

#include <linux/types.h>

#include <rove/dmabuf_record.h>

#include "base/types.h"

struct dmabuf_walk;

struct dmabuf_walk_options {
	const char *target;	/* "kernel" or "self" */
	bool by_link;		/* take iter/dmabuf although the open-coded iterator is there */
	u64 max_objects;	/* 0: all of them */
	u64 budget_ns;		/* 0: no bound */
};

struct dmabuf_walk_result {
	const void *first;	/* records, each with its length: dmabuf_walk_next() */
	u64 bytes;
	u64 visited, lost, torn;
	u32 end;		/* enum rove_dmabuf_walk_end */
	u32 nr_walks;		/* more than one: the first ones lost records */
	u64 walk_ns;		/* of the last run, buffers and holders */
};

/**
 * dmabuf_walk_next - go through the records of a result
 * @at: 0 to begin with
 *
 * In the order of the program: buffers (newest first) with their attachments, then
 * descriptors, mappings, and the buffers that are in the list after all that.
 *
 * Context: any.
 * Return:  the record's type, enum rove_dmabuf_record_type, is its first member; or NULL.
 */
const u32 *dmabuf_walk_next(const struct dmabuf_walk_result *res, u64 *at);

/**
 * dmabuf_walk_open - load the programs into a target
 * @options:  borrowed for the call
 * @ret_walk: set on success only; free with dmabuf_walk_close()
 * @why:      one sentence when it fails, for a rejected program followed by the
 *            verifier's log; may be NULL
 * @why_size: its room in bytes
 *
 * Context: may sleep.
 * Return:  0; -ENOTSUP (@why: what the target lacks), -EPERM (@why: which
 *          capability), -ENOMEM, or the verifier's error.
 */
int dmabuf_walk_open(const struct dmabuf_walk_options *options, struct dmabuf_walk **ret_walk,
		     char *why, size_t why_size);

/**
 * dmabuf_walk_run - buffers and who holds them, once, completely
 * @walk:    from dmabuf_walk_open()
 * @ret_res: valid until the next run or the close
 *
 * Records that find no room are counted, and the walk is repeated with more.
 *
 * Context: may sleep.
 * Return:  0 or -errno.  A walk that stopped early is a success: see @ret_res->end.
 */
int dmabuf_walk_run(struct dmabuf_walk *walk, struct dmabuf_walk_result *ret_res);

/* Does this target tell who holds a buffer?  A process knows only its own objects. */
bool dmabuf_walk_knows_holders(const struct dmabuf_walk *walk);

void dmabuf_walk_close(struct dmabuf_walk *walk); /* NULL is fine */

#endif
