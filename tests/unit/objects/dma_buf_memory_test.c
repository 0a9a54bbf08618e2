/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * dma_buf_memory_test.c - memory that is the kernel's own DMA-buf, where there is one
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "objects/dma_buf.h"
#include "tests/test.h"

static int export_from(u32 memory, const char *heap, struct dma_buf **ret_b)
{
	struct rove_dma_buf_options opts = {
		.struct_bytes = sizeof(opts),
		.name = "real one",
		.heap = heap,
		.memory = memory,
	};

	return rove_dma_buf_export(8192, "memory", &opts, ret_b);
}

/* What the kernel says of the descriptor; "" if it says nothing. */
static void fdinfo_of(int fd, const char *key, char *value, size_t bytes)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	value[0] = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			snprintf(value, bytes, "%s", line + strlen(key) + 2);
	}
	if (f)
		fclose(f);
}

static void check_real(struct dma_buf *b)
{
	struct rove_dma_buf_attrs a;
	struct stat st;
	char text[64];
	void *addr;

	EXPECT_EQ(fstat(b->fd, &st), 0);
	rove_dma_buf_read(b, &a);
	EXPECT_EQ(a.ino, st.st_ino);
	fdinfo_of(b->fd, "size", text, sizeof(text));
	EXPECT_EQ(strtoull(text, NULL, 10), b->size);
	fdinfo_of(b->fd, "name", text, sizeof(text));
	EXPECT_STR_EQ(text, "real one");
	EXPECT_EQ(rove_dma_buf_set_name(b, "renamed"), 0);
	fdinfo_of(b->fd, "name", text, sizeof(text));
	EXPECT_STR_EQ(text, "renamed");
	EXPECT_EQ(rove_dma_buf_map(b, PROT_READ | PROT_WRITE, &addr), 0);
	EXPECT_EQ(((char *)addr)[8191], 0);
	((char *)addr)[8191] = 1;
	rove_dma_buf_unmap(b, addr);
	rove_dma_buf_put(b);
	rove_dma_bufs_barrier();
}

TEST(dma_buf_memory, a_memfd_is_not_one_of_the_kernels)
{
	struct dma_buf *b = NULL;
	char text[64];

	EXPECT_EQ(export_from(ROVE_DMA_BUF_MEMFD, NULL, &b), 0);
	fdinfo_of(b->fd, "exp_name", text, sizeof(text));
	EXPECT_STR_EQ(text, "");
	EXPECT_STR_EQ(b->name, "real one");
	rove_dma_buf_put(b);
}

TEST(dma_buf_memory, a_udmabuf_is_the_kernels_own_and_has_the_same_name_there)
{
	struct dma_buf *b = NULL;
	int err = export_from(ROVE_DMA_BUF_UDMABUF, NULL, &b);

	if (err == -ENOENT || err == -EACCES) {
		EXPECT_PTR_EQ(b, NULL);
		SKIP("no usable /dev/udmabuf");
	}
	EXPECT_EQ(err, 0);
	check_real(b);
}

TEST(dma_buf_memory, a_heaps_buffer_is_the_kernels_own_and_has_the_same_name_there)
{
	struct dma_buf *b = NULL;
	int err = export_from(ROVE_DMA_BUF_HEAP, NULL, &b);

	if (err == -ENOENT || err == -EACCES) {
		EXPECT_PTR_EQ(b, NULL);
		SKIP("no usable /dev/dma_heap/system");
	}
	EXPECT_EQ(err, 0);
	check_real(b);
}

TEST(dma_buf_memory, a_heap_that_is_not_there_is_said_to_be_so)
{
	struct dma_buf *b = NULL;
	char name[300];

	EXPECT_EQ(export_from(ROVE_DMA_BUF_HEAP, "no such heap", &b), -ENOENT);
	EXPECT_EQ(export_from(ROVE_DMA_BUF_HEAP, "", &b), -EINVAL);
	EXPECT_EQ(export_from(ROVE_DMA_BUF_HEAP, "../null", &b), -EINVAL);
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	EXPECT_EQ(export_from(ROVE_DMA_BUF_HEAP, name, &b), -EINVAL);
	EXPECT_PTR_EQ(b, NULL);
}
