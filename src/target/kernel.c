/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/kernel.c - the kernel's bpf(2)
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "target/target.h"

static int kernel_bpf(int cmd, union bpf_attr *attr, unsigned int size)
{
	long ret = syscall(__NR_bpf, cmd, attr, size);

	return ret < 0 ? -errno : ret;
}

static int kernel_close(int fd)
{
	return close(fd) ? -errno : 0;
}

static int kernel_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset,
		       void **ret_addr)
{
	void *mapped = mmap(addr, length, prot, flags, fd, offset);

	if (mapped == MAP_FAILED)
		return -errno;
	*ret_addr = mapped;
	return 0;
}

static int kernel_epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
	return epoll_ctl(epoll_fd, op, fd, event) ? -errno : 0;
}

static int kernel_ioctl(int fd, unsigned long request, unsigned long arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

const struct target target_kernel = {
	.name = "kernel",
	.bpf = kernel_bpf,
	.close = kernel_close,
	.mmap = kernel_mmap,
	.epoll_ctl = kernel_epoll_ctl,
	.ioctl = kernel_ioctl,
};
