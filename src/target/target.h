/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/target.h - the implementors of bpf(2) that libbpf can be pointed at
 *
 * libbpf is the only loader.  Each of its system calls that concerns bpf(2)
 * goes through the seam (target/seam.c), which asks the calling thread's
 * current target.  So one process uses the kernel and itself side by side.
 */
#ifndef ROVE_TARGET_TARGET_H
#define ROVE_TARGET_TARGET_H

#include <stdio.h>
#include <sys/types.h>

#include "base/types.h"

union bpf_attr;
struct epoll_event;

struct target {
	const char *name;
	/* All give -errno on failure. */
	int (*bpf)(int cmd, union bpf_attr *attr, unsigned int size);
	int (*close)(int fd);
	int (*mmap)(void *addr, size_t length, int prot, int flags, int fd, off_t offset,
		    void **ret_addr);
	int (*epoll_ctl)(int epoll_fd, int op, int fd, struct epoll_event *event);
	int (*ioctl)(int fd, unsigned long request, unsigned long arg);
	/* NULL: no BTF image of its own, the path is opened as it stands. */
	FILE *(*open_btf)(void);
};

extern const struct target target_kernel;
extern const struct target target_self;

/**
 * target_use - point the calling thread's libbpf calls at a target
 * @target: one of the above
 *
 * Context: any.
 * Return:  the target that was current; hand it back when done.
 */
const struct target *target_use(const struct target *target);

/**
 * target_find - by the name the command line uses
 * Return: the target, or NULL: there is none of that name.
 */
const struct target *target_find(const char *name);

#endif
