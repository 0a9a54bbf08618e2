/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/dma_buf_memory.c - where a buffer's memory comes from, and who has it open
 *
 * All memory is a descriptor: a memfd, or a DMA-buf of the kernel's that other
 * drivers take.  The inode number is the descriptor's in either case, so /proc and
 * fstat(2) agree with what a walk shows.  The two count separately.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>

#include "base/context.h"
#include "objects/dma_buf_parts.h"

#define UDMABUF_PATH "/dev/udmabuf"
#define HEAP_PATH "/dev/dma_heap/"

static int memfd_open(size_t size, unsigned int flags)
{
	int fd = memfd_create("dma_buf", MFD_CLOEXEC | flags), err;

	if (fd < 0)
		return -errno;
	if (!ftruncate(fd, size))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* One ioctl of a device that is opened for it; what it returns, or -errno. */
static int device_ioctl(const char *path, int flags, unsigned long request, void *arg)
{
	int fd = open(path, flags | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = ioctl(fd, request, arg);
	if (ret < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* The pages stay those of the memfd, which may no longer shrink. */
static int udmabuf_open(size_t size)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = size };
	int memfd = memfd_open(size, MFD_ALLOW_SEALING), fd;

	if (memfd < 0)
		return memfd;
	create.memfd = memfd;
	fd = fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK) ?
		     -errno : device_ioctl(UDMABUF_PATH, O_RDWR, UDMABUF_CREATE, &create);
	close(memfd);
	return fd;
}

static int heap_open(size_t size, const char *heap)
{
	struct dma_heap_allocation_data data = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };
	char path[sizeof(HEAP_PATH) + NAME_MAX];
	int err;

	if (!heap)
		heap = "system";
	if (!heap[0] || strchr(heap, '/') || strlen(heap) > NAME_MAX)
		return -EINVAL;
	snprintf(path, sizeof(path), HEAP_PATH "%s", heap);
	err = device_ioctl(path, O_RDONLY, DMA_HEAP_IOCTL_ALLOC, &data);
	return err < 0 ? err : (int)data.fd;
}

static int name_fd(int fd, const char *name)
{
	return ioctl(fd, DMA_BUF_SET_NAME_B, (u64)(uintptr_t)name) ? -errno : 0;
}

static int real_named(int fd, const char *name)
{
	int err = fd >= 0 && name ? name_fd(fd, name) : 0;

	if (!err)
		return fd;
	close(fd);
	return err;
}

/**
 * dma_buf_memory_open - memory as asked for, all zero
 * @size:  bytes, whole pages
 *
 * Context: may sleep.
 * Return:  its descriptor, or -errno as rove_dma_buf_export().
 */
int dma_buf_memory_open(size_t size, const struct rove_dma_buf_options *opts)
{
	ctx_may_sleep();
	if (opts->heap && opts->memory != ROVE_DMA_BUF_HEAP)
		return -EINVAL;
	switch (opts->memory) {
	case ROVE_DMA_BUF_MEMFD:
		return memfd_open(size, 0);
	case ROVE_DMA_BUF_UDMABUF:
		return real_named(udmabuf_open(size), opts->name);
	case ROVE_DMA_BUF_HEAP:
		return real_named(heap_open(size, opts->heap), opts->name);
	default:
		return -EINVAL;
	}
}

/**
 * dma_buf_learn_ino - whoever looks at a buffer first asks for its number
 * @dmabuf:  held by the caller
 *
 * A buffer that nobody looks at is spared the system call.  Two who ask at once are
 * told the same.
 *
 * Context: thread.
 */
void dma_buf_learn_ino(struct dma_buf *dmabuf)
{
	struct statx st;

	ctx_thread();
	if (!READ_ONCE(dmabuf->file->f_inode->i_ino) &&
	    !statx(dmabuf->fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &st))
		WRITE_ONCE(dmabuf->file->f_inode->i_ino, st.stx_ino);
}

/**
 * dma_buf_memory_name - give the kernel's buffer the same name, if there is one
 *
 * Context: may sleep.
 * Return:  0 or -errno of the ioctl.
 */
int dma_buf_memory_name(const struct dma_buf *dmabuf, const char *name)
{
	ctx_may_sleep();
	return dmabuf->memory == ROVE_DMA_BUF_MEMFD ? 0 : name_fd(dmabuf->fd, name);
}

/**
 * rove_dma_buf_map - see rove/dmabuf.h
 */
int rove_dma_buf_map(struct dma_buf *dmabuf, int prot, void **ret_addr)
{
	void *addr;

	ctx_may_sleep();
	addr = mmap(NULL, dmabuf->size, prot, MAP_SHARED, dmabuf->fd, 0);
	if (addr == MAP_FAILED)
		return -errno;
	rove_dma_buf_get(dmabuf);
	fetch_add_relaxed(&dmabuf->nr_maps, 1);
	*ret_addr = addr;
	return 0;
}

/* False if there was none left. */
static bool count_down(u32 *nr)
{
	u32 n = READ_ONCE(*nr);

	do {
		if (!n)
			return false;
	} while (!cmpxchg_relaxed(nr, &n, n - 1));
	return true;
}

/**
 * rove_dma_buf_unmap - see rove/dmabuf.h
 */
void rove_dma_buf_unmap(struct dma_buf *dmabuf, void *addr)
{
	bool counted;

	ctx_may_sleep();
	munmap(addr, dmabuf->size);
	counted = count_down(&dmabuf->nr_maps);
	check(counted);
	rove_dma_buf_put(dmabuf);
}

/**
 * rove_dma_buf_fd - see rove/dmabuf.h
 */
int rove_dma_buf_fd(struct dma_buf *dmabuf)
{
	int fd;

	ctx_may_sleep();
	fd = fcntl(dmabuf->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	rove_dma_buf_get(dmabuf);
	fetch_add_relaxed(&dmabuf->nr_fds, 1);
	return fd;
}

static bool is_of(const struct dma_buf *dmabuf, int fd)
{
	struct stat own, other;

	return fd != dmabuf->fd && !fstat(fd, &other) && !fstat(dmabuf->fd, &own) &&
	       own.st_ino == other.st_ino && own.st_dev == other.st_dev;
}

/**
 * rove_dma_buf_close - see rove/dmabuf.h
 */
int rove_dma_buf_close(struct dma_buf *dmabuf, int fd)
{
	ctx_may_sleep();
	if (!is_of(dmabuf, fd) || !count_down(&dmabuf->nr_fds))
		return -EBADF;
	close(fd);
	rove_dma_buf_put(dmabuf);
	return 0;
}
