/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/seam.c - libbpf's system calls, sent to the thread's current target
 *
 * Each function has the contract of the C library's function it stands for:
 * -1 and errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "target/seam.h"
#include "target/target.h"

static _Thread_local const struct target *current = &target_kernel;

static const struct target *const all_targets[] = { &target_kernel, &target_self };

const struct target *target_use(const struct target *target)
{
	const struct target *was = current;

	current = target;
	return was;
}

const struct target *target_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_targets); i++)
		if (!strcmp(all_targets[i]->name, name))
			return all_targets[i];
	return NULL;
}

/* -errno to the C library's convention. */
static int libc_result(int ret)
{
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

long rove_seam_syscall(long number, ...)
{
	long arg[6];
	va_list ap;

	va_start(ap, number);
	for (size_t i = 0; i < ARRAY_SIZE(arg); i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);

	if (number == __NR_bpf)
		return libc_result(current->bpf(arg[0], (union bpf_attr *)arg[1], arg[2]));
	return syscall(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

/* The places where libbpf looks for the BTF of what it loads into. */
static bool is_btf_path(const char *path)
{
	return !strcmp(path, "/sys/kernel/btf/vmlinux");
}

int rove_seam_faccessat(int dir_fd, const char *path, int mode, int flags)
{
	if (current->open_btf && is_btf_path(path))
		return 0;
	return faccessat(dir_fd, path, mode, flags);
}

FILE *rove_seam_fopen64(const char *path, const char *mode)
{
	if (current->open_btf && is_btf_path(path))
		return current->open_btf();
	return fopen(path, mode);
}

/* libbpf since 1.6 would map the file; where it cannot, it reads it (rove_seam_fopen64()). */
int rove_seam_open64(const char *path, int flags, ...)
{
	int mode;
	va_list ap;

	if (current->open_btf && is_btf_path(path))
		return libc_result(-ENOENT);
	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, int) : 0;
	va_end(ap);
	return open(path, flags, mode);
}

void *rove_seam_mmap64(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	void *mapped;
	int err = current->mmap(addr, length, prot, flags, fd, offset, &mapped);

	if (!err)
		return mapped;
	errno = -err;
	return MAP_FAILED;
}

int rove_seam_close(int fd)
{
	return libc_result(current->close(fd));
}

int rove_seam_ioctl(int fd, unsigned long request, ...)
{
	unsigned long arg;
	va_list ap;

	va_start(ap, request);
	arg = va_arg(ap, unsigned long);
	va_end(ap);
	return libc_result(current->ioctl(fd, request, arg));
}

int rove_seam_epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
	return libc_result(current->epoll_ctl(epoll_fd, op, fd, event));
}
