/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/task.h - a thread, as programs see it, and what maps keep of each thread
 *
 * A program is given the thread that it runs on and no other one.  So what is kept of
 * a thread is found by its number, and goes when the thread ends.
 */
#ifndef ROVE_BPF_MAP_TASK_H
#define ROVE_BPF_MAP_TASK_H

#include "base/types.h"

struct bpf_map;

#define TASK_COMM_BYTES 16

/* The kernel's name and members. */
struct task_struct {
	s32 pid;			/* the thread's number */
	s32 tgid;			/* the process's */
	char comm[TASK_COMM_BYTES];	/* its name, when a program asked for it */
};

/**
 * task_prepare - get ready for threads' ends to be noticed
 *
 * Context: may sleep.
 * Return:  0 or -EAGAIN.
 */
int task_prepare(void);

/* The calling thread; valid on it, while it lives.  Context: any. */
struct task_struct *task_current(void);

/**
 * task_watch_end - from here on the calling thread's end takes what is kept of it
 *
 * Context: any, after task_prepare().
 * Return:  false: it is ending, or this cannot be seen to in a signal handler.
 */
bool task_watch_end(void);

/* --- maps with a value for each thread (task_storage.c) ----------------------------------------- */

/**
 * task_storage_get - the value of a thread
 * @task:  the calling thread, or NULL
 * @value: what a new one begins with; NULL: zero
 * @flags: BPF_LOCAL_STORAGE_GET_F_CREATE, or 0
 *
 * Context: any; in a read section of maps.
 * Return:  NULL: there is none, and none may or can be made.
 */
void *task_storage_get(struct bpf_map *map, const struct task_struct *task, const void *value,
		       u64 flags);

/* Context: any.  Return: 0, -EINVAL (no thread), -ENOENT; -EBUSY in a signal handler. */
int task_storage_delete(struct bpf_map *map, const struct task_struct *task);

/* In no map is anything kept of the thread @tid.  Context: any. */
void task_storage_forget(u32 tid);

#endif
