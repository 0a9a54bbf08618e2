/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * dma_buf_failure_test.c - whatever fails, nothing is left behind
 *
 * The n-th allocation or system call of a buffer's whole life fails, for every n.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rove/wakeup.h>

#include "objects/dma_buf.h"
#include "tests/failing.h"
#include "tests/left.h"
#include "tests/test.h"

#if ANY_CALL_CAN_FAIL
int memfd_create(const char *name, unsigned int flags)
{
	return call_fails(EMFILE) ? -1 : syscall(SYS_memfd_create, name, flags);
}

int ftruncate(int fd, off_t bytes)
{
	return call_fails(EFBIG) ? -1 : syscall(SYS_ftruncate, fd, bytes);
}

int fcntl(int fd, int cmd, ...)
{
	va_list args;
	long arg;

	va_start(args, cmd);
	arg = va_arg(args, long);
	va_end(args);
	return call_fails(EMFILE) ? -1 : syscall(SYS_fcntl, fd, cmd, arg);
}

void *mmap(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	return call_fails(ENOMEM) ? MAP_FAILED :
			       (void *)syscall(SYS_mmap, addr, bytes, prot, flags, fd, offset);
}
#endif

static bool is_listed(void)
{
	struct dma_buf *b = dma_buf_iter_begin();

	dma_buf_iter_end(b);
	return b != NULL;
}

/* A whole life of the buffer; the first error ends it early. */
static int hold_and_release(struct dma_buf *b, struct device *dev)
{
	struct dma_buf_attachment *attach = NULL;
	void *addr = NULL;
	int err, fd = -1;

	err = rove_dma_buf_set_name(b, "failing");
	if (!err)
		err = rove_dma_buf_attach(b, dev, &attach);
	if (!err)
		err = rove_dma_buf_map(b, PROT_READ, &addr);
	if (!err) {
		fd = rove_dma_buf_fd(b);
		err = fd < 0 ? fd : 0;
	}
	fail_none();
	if (fd >= 0)
		EXPECT_EQ(rove_dma_buf_close(b, fd), 0);
	if (addr)
		rove_dma_buf_unmap(b, addr);
	rove_dma_buf_detach(attach);
	return err;
}

static int live_once(struct device *dev)
{
	struct rove_dma_buf_options opts = { .struct_bytes = sizeof(opts), .name = "first" };
	struct rove_dma_buf_attrs a;
	struct dma_buf *b = NULL;
	int err = rove_dma_buf_export(4096, "failing", &opts, &b);

	if (err) {
		EXPECT_PTR_EQ(b, NULL);
		return err;
	}
	err = hold_and_release(b, dev);
	rove_dma_buf_read(b, &a);
	EXPECT_EQ(a.nr_refs, 1);
	EXPECT_EQ(a.nr_fds + a.nr_maps + a.nr_attachments, 0);
	rove_dma_buf_put(b);
	return err;
}

TEST(dma_buf_failure, whichever_call_fails_says_so_and_nothing_is_left_behind)
{
	struct device *dev = NULL;
	long nr_failures = 0;
	u32 nr_before;
	int err;

	if (!ANY_CALL_CAN_FAIL)
		SKIP("the sanitizer owns the allocator");
	EXPECT_EQ(rove_device_create(NULL, NULL, "card0", &dev), 0);
	/* The thread of the callbacks, which allocates too, is there before. */
	EXPECT_EQ(live_once(dev), 0);
	rove_dma_bufs_barrier();
	nr_before = nr_open_descriptors();
	do {
		fail_nth(++nr_failures);
		err = live_once(dev);
		fail_none();
		rove_dma_bufs_barrier();
		EXPECT_TRUE(err == 0 || err == -ENOMEM || err == -EMFILE || err == -EFBIG);
		EXPECT_EQ(nr_open_descriptors(), nr_before);
		EXPECT_FALSE(is_listed());
	} while (err);
	/* calloc memfd_create ftruncate; calloc; calloc; mmap; fcntl */
	EXPECT_EQ(nr_failures, 8);
	rove_device_put(dev);
	rove_dma_bufs_barrier();
}
