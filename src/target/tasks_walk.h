/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/tasks_walk.h - progs/tasks.bpf.c on the kernel: a walk to measure where
 * wakeup sources cannot be walked
 */
#ifndef ROVE_TARGET_TASKS_WALK_H
#define ROVE_TARGET_TASKS_WALK_H

#include "base/types.h"

#define TASKS_WALK_ATTRIBUTES 10

struct tasks_walk;

/* As wakeup_walk_open(), on the kernel. */
int tasks_walk_open(struct tasks_walk **ret_walk, char *why, size_t why_size);

/**
 * tasks_walk_run - read TASKS_WALK_ATTRIBUTES of each of @nr_objects tasks
 * @ret_ns: time of the walk
 *
 * Context: may sleep.
 * Return:  0; -ENOSPC (records were lost), or -errno.
 */
int tasks_walk_run(struct tasks_walk *walk, u32 nr_objects, u64 *ret_ns);

void tasks_walk_close(struct tasks_walk *walk);

#endif
