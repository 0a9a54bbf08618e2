/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/self.c - this process's own bpf(2)
 *
 * Descriptors are real ones, so most system calls work on them as they are.
 * Four need help: a ring buffer is mapped with its data twice in a row, it is
 * waited for through an eventfd, an event is given a program, and "vmlinux" BTF is an image in
 * memory.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rove/bpf.h>

#include "target/target.h"

static int self_close(int fd)
{
	int err = rove_bpf_close(fd);

	if (err != -EBADF)
		return err;
	return target_kernel.close(fd);
}

static int self_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset,
		     void **ret_addr)
{
	/* libbpf asks for a fixed address only to put an array's pages there. */
	if (fd >= 0 && !(flags & MAP_FIXED) && rove_bpf_owns(fd))
		return rove_bpf_mmap(fd, length, prot, flags, offset, ret_addr);
	return target_kernel.mmap(addr, length, prot, flags, fd, offset, ret_addr);
}

/*
 * The eventfd counts wakeups and nobody reads it, so it is ready from the first
 * one on: only its edges tell, where a ring buffer of the kernel's has levels.
 */
static int self_epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
	struct epoll_event edge;
	int poll_fd = rove_bpf_poll_fd(fd);

	if (poll_fd < 0)
		return target_kernel.epoll_ctl(epoll_fd, op, fd, event);
	if (event) {
		edge = *event;
		edge.events |= EPOLLET;
		event = &edge;
	}
	return target_kernel.epoll_ctl(epoll_fd, op, poll_fd, event);
}

/* What libbpf does where it finds no links of events. */
static int self_ioctl(int fd, unsigned long request, unsigned long arg)
{
	if (request == PERF_EVENT_IOC_SET_BPF)
		return rove_bpf_perf_event_set(fd, (int)arg);
	return target_kernel.ioctl(fd, request, arg);
}

static FILE *self_open_btf(void)
{
	size_t size;
	const void *data = rove_bpf_btf(&size);

	/* Opened for reading only: the stream never writes to the image. */
	return fmemopen((void *)data, size, "r");
}

const struct target target_self = {
	.name = "self",
	.bpf = rove_bpf,
	.close = self_close,
	.mmap = self_mmap,
	.epoll_ctl = self_epoll_ctl,
	.ioctl = self_ioctl,
	.open_btf = self_open_btf,
};
