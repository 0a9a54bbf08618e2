/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/selftest/driver.c - runs a test file of the kernel's on this process
 *
 * The test file opens /dev/udmabuf and a DMA heap, and calls ioctl(2) and close(2)
 * on what they give: its references to these three functions are renamed
 * (tests/selftest/run.sh), so that they arrive here and make this process's buffers.
 */
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <stdarg.h>

#include <rove/dmabuf.h>

#include "target/target.h"
#include "tests/selftest/test_progs.h"

#define MAX_FDS 1024

void test_dmabuf_iter(void);
int selftest_open(const char *path, int flags, ...);
int selftest_ioctl(int fd, unsigned long request, void *arg);
int selftest_close(int fd);

/* --- what the runner is asked ---------------------------------------------------------------- */

static const char *subtest;
static int nr_subtests, nr_wrong, nr_failed;

static void end_subtest(void)
{
	if (!subtest)
		return;
	nr_failed += nr_wrong != 0;
	printf("%sok %d - selftest: dmabuf_iter/%s\n", nr_wrong ? "not " : "", ++nr_subtests,
	       subtest);
	subtest = NULL;
	nr_wrong = 0;
}

bool test__start_subtest(const char *name)
{
	end_subtest();
	subtest = name;
	return true;
}

bool selftest_check(bool ok, const char *what, const char *name, long long value)
{
	nr_wrong += !ok;
	if (!ok)
		printf("# %s %s: %lld\n", name, what, value);
	return ok;
}

/* --- buffers --------------------------------------------------------------------------------- */

static struct dma_buf *buf_of[MAX_FDS];

int selftest_open(const char *path, int flags, ...)
{
	return open("/dev/null", flags);
}

static int buffer_new(size_t bytes, const char *exporter)
{
	struct dma_buf *buf;
	int fd;

	if (rove_dma_buf_export(bytes, exporter, NULL, &buf))
		return -1;
	fd = rove_dma_buf_fd(buf);
	if (fd < 0 || fd >= MAX_FDS) {
		rove_dma_buf_put(buf);
		return -1;
	}
	buf_of[fd] = buf;
	return fd;
}

int selftest_ioctl(int fd, unsigned long request, void *arg)
{
	struct dma_heap_allocation_data *heap = arg;
	const struct udmabuf_create *create = arg;
	int new_fd;

	switch (request) {
	case UDMABUF_CREATE:
		return buffer_new(create->size, "udmabuf");
	case DMA_HEAP_IOCTL_ALLOC:
		new_fd = buffer_new(heap->len, "system");
		heap->fd = new_fd;
		return new_fd < 0 ? -1 : 0;
	case DMA_BUF_SET_NAME_B:
		return rove_dma_buf_set_name(buf_of[fd], arg);
	default:
		return -1;
	}
}

int selftest_close(int fd)
{
	struct dma_buf *buf = fd >= 0 && fd < MAX_FDS ? buf_of[fd] : NULL;
	int err;

	if (!buf)
		return close(fd);
	buf_of[fd] = NULL;
	err = rove_dma_buf_close(buf, fd);
	rove_dma_buf_put(buf);
	return err;
}

int main(void)
{
	target_use(&target_self);
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_dmabuf_iter();
	end_subtest();
	if (nr_wrong || !nr_subtests)
		printf("not ok %d - selftest: dmabuf_iter begins\n", ++nr_subtests);
	return nr_failed || nr_wrong;
}
