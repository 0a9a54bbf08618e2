/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/wakeup_walk.h - progs/wakeup.bpf.c, loaded into a target and run
 */
#ifndef ROVE_TARGET_WAKEUP_WALK_H
#define ROVE_TARGET_WAKEUP_WALK_H

#include <linux/types.h>

#include <rove/wakeup_record.h>

#include "base/types.h"

struct wakeup_walk;

struct wakeup_walk_options {
	const char *target;	/* "kernel" or "self" */
	u64 max_objects;	/* 0: all of them */
	u64 budget_ns;		/* 0: no bound */
};

struct wakeup_walk_result {
	const void *first;	/* records lie stride bytes apart: wakeup_walk_at() */
	u32 stride;
	u64 nr_records;
	u64 visited, lost, torn;
	u32 end;		/* enum rove_wakeup_walk_end */
	u32 nr_walks;		/* more than one: the first ones lost records, the room was grown */
	u64 walk_ns;		/* the last run, from the caller's side */
	u64 lock_ns;		/* of that, with the read lock held */
	u64 bytes;		/* of records */
};

/* Record @i of 0 to nr_records - 1, in the order of the list: newest source first. */
static inline const struct rove_wakeup_record *
wakeup_walk_at(const struct wakeup_walk_result *res, u64 i)
{
	return (const void *)((const char *)res->first + i * res->stride);
}

/**
 * wakeup_walk_open - load the program into a target
 * @options: borrowed for the call
 * @ret_walk: set on success only; free with wakeup_walk_close()
 * @why:      one sentence when it fails, for a rejected program followed by the
 *            verifier's log; may be NULL
 * @why_size: its room in bytes
 *
 * Context: may sleep.
 * Return:  0; -ENOTSUP (@why: what the kernel lacks), -EPERM (@why: which
 *          capability), -ENOMEM, or the verifier's error.
 */
int wakeup_walk_open(const struct wakeup_walk_options *options, struct wakeup_walk **ret_walk,
		     char *why, size_t why_size);

/**
 * wakeup_walk_run - walk once, completely
 * @walk:    from wakeup_walk_open()
 * @ret_res: valid until the next run or the close
 *
 * When the ring buffer was too small the program is loaded anew with enough
 * room and the walk repeated, so records are lost only when the largest ring
 * buffer there is does not hold them.
 *
 * Context: may sleep.
 * Return:  0 or -errno.  A walk that stopped early is a success: see @ret_res->end.
 */
int wakeup_walk_run(struct wakeup_walk *walk, struct wakeup_walk_result *ret_res);

void wakeup_walk_close(struct wakeup_walk *walk); /* NULL is fine */

/* The object file as it was compiled: for tests that hold it against the file on disk. */
const void *wakeup_walk_object(size_t *ret_size);

#endif
