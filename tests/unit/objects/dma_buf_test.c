/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * dma_buf_test.c - a buffer's life: exported, held in four ways, released
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rove/wakeup.h>

#include "objects/dma_buf.h"
#include "tests/test.h"

static struct dma_buf *buf_new(void)
{
	struct dma_buf *b = NULL;

	EXPECT_EQ(rove_dma_buf_export(10000, "unit test", NULL, &b), 0);
	return b;
}

static struct rove_dma_buf_attrs attrs_of(struct dma_buf *b)
{
	struct rove_dma_buf_attrs a;

	rove_dma_buf_read(b, &a);
	return a;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static u32 nr_listed(void)
{
	struct dma_buf *b;
	u32 nr = 0;

	for (b = dma_buf_iter_begin(); b; b = dma_buf_iter_next(b))
		nr++;
	return nr;
}

/* --- export ------------------------------------------------------------------------------- */

TEST(dma_buf, a_new_buffer_is_held_by_its_exporter_alone_and_has_no_name)
{
	struct dma_buf *b = buf_new();
	struct rove_dma_buf_attrs a = attrs_of(b);

	EXPECT_EQ(a.size, 12288);
	EXPECT_EQ(a.nr_refs, 1);
	EXPECT_EQ(a.nr_fds + a.nr_maps + a.nr_attachments, 0);
	EXPECT_STR_EQ(a.name, "");
	EXPECT_STR_EQ(a.exp_name, "unit test");
	EXPECT_PTR_EQ(b->name, NULL);
	EXPECT_EQ(nr_listed(), 1);
	rove_dma_buf_put(b);
	EXPECT_EQ(nr_listed(), 0);
}

TEST(dma_buf, what_programs_read_is_what_the_kernel_would_show)
{
	struct dma_buf *b = buf_new(), *found = dma_buf_iter_begin();
	struct stat st;

	EXPECT_PTR_EQ(found, b);
	dma_buf_iter_end(found);
	EXPECT_EQ(fstat(b->fd, &st), 0);
	EXPECT_EQ(b->file->f_inode->i_ino, st.st_ino);
	EXPECT_EQ(b->file->f_inode->i_size, st.st_size);
	EXPECT_EQ(b->size, st.st_size);
	EXPECT_EQ(b->file->f_ref.refcnt.counter, 0);
	rove_dma_buf_get(b);
	EXPECT_EQ(b->file->f_ref.refcnt.counter, 1);
	rove_dma_buf_put(b);
	rove_dma_buf_put(b);
}

TEST(dma_buf, every_buffer_has_an_inode_number_of_its_own)
{
	struct dma_buf *bufs[64];

	for (u32 i = 0; i < ARRAY_SIZE(bufs); i++) {
		bufs[i] = buf_new();
		for (u32 j = 0; j < i; j++)
			EXPECT_NE(attrs_of(bufs[i]).ino, attrs_of(bufs[j]).ino);
	}
	for (u32 i = 0; i < ARRAY_SIZE(bufs); i++)
		rove_dma_buf_put(bufs[i]);
}

TEST(dma_buf, an_inode_number_is_not_used_again_for_the_next_buffer)
{
	u64 before = 0;

	for (u32 i = 0; i < 64; i++) {
		struct dma_buf *b = buf_new();

		EXPECT_NE(attrs_of(b).ino, before);
		before = attrs_of(b).ino;
		rove_dma_buf_put(b);
	}
}

TEST(dma_buf, exports_that_make_no_sense_are_refused)
{
	struct rove_dma_buf_options opts = { .struct_bytes = sizeof(opts) };
	struct dma_buf *b = NULL;

	EXPECT_EQ(rove_dma_buf_export(0, "e", NULL, &b), -EINVAL);
	EXPECT_EQ(rove_dma_buf_export(SIZE_MAX, "e", NULL, &b), -EINVAL);
	EXPECT_EQ(rove_dma_buf_export((size_t)PTRDIFF_MAX + 1, "e", NULL, &b), -EINVAL);
	EXPECT_EQ(rove_dma_buf_export(1, NULL, NULL, &b), -EINVAL);
	EXPECT_EQ(rove_dma_buf_export(1, "", NULL, &b), -EINVAL);
	opts.memory = 3;
	EXPECT_EQ(rove_dma_buf_export(1, "e", &opts, &b), -EINVAL);
	opts.memory = ROVE_DMA_BUF_MEMFD;
	opts.heap = "system";
	EXPECT_EQ(rove_dma_buf_export(1, "e", &opts, &b), -EINVAL);
	opts.heap = NULL;
	opts.reserved = 1;
	EXPECT_EQ(rove_dma_buf_export(1, "e", &opts, &b), -EINVAL);
	opts.reserved = 0;
	opts.struct_bytes = sizeof(opts) - 1;
	EXPECT_EQ(rove_dma_buf_export(1, "e", &opts, &b), -EINVAL);
	EXPECT_PTR_EQ(b, NULL);
	EXPECT_EQ(nr_listed(), 0);
}

TEST(dma_buf, options_of_a_later_version_are_taken_as_long_as_they_ask_for_nothing)
{
	struct {
		struct rove_dma_buf_options opts;
		u64 more[2];
	} later = { .opts.struct_bytes = sizeof(later), .opts.name = "later" };
	struct dma_buf *b = NULL;

	EXPECT_EQ(rove_dma_buf_export(1, "e", &later.opts, &b), 0);
	EXPECT_STR_EQ(attrs_of(b).name, "later");
	rove_dma_buf_put(b);
	later.more[1] = 1ull << 63;
	EXPECT_EQ(rove_dma_buf_export(1, "e", &later.opts, &b), -EINVAL);
}

TEST(dma_buf, the_memory_is_zero_and_shared_by_all_who_map_it)
{
	struct dma_buf *b = buf_new();
	char *one, *two;
	void *addr;

	EXPECT_EQ(rove_dma_buf_map(b, PROT_READ | PROT_WRITE, &addr), 0);
	one = addr;
	EXPECT_EQ(rove_dma_buf_map(b, PROT_READ, &addr), 0);
	two = addr;
	EXPECT_EQ(two[0] | two[12287], 0);
	one[12287] = 7;
	EXPECT_EQ(two[12287], 7);
	rove_dma_buf_unmap(b, one);
	rove_dma_buf_unmap(b, two);
	rove_dma_buf_put(b);
}

/* --- holders ------------------------------------------------------------------------------ */

TEST(dma_buf, a_mapping_holds_the_buffer)
{
	struct dma_buf *b = buf_new();
	int fd = b->fd;
	void *addr;

	EXPECT_EQ(rove_dma_buf_map(b, PROT_READ, &addr), 0);
	EXPECT_EQ(attrs_of(b).nr_maps, 1);
	EXPECT_EQ(attrs_of(b).nr_refs, 2);
	rove_dma_buf_put(b);
	EXPECT_EQ(attrs_of(b).nr_refs, 1);
	EXPECT_EQ(nr_listed(), 1);
	rove_dma_buf_unmap(b, addr);
	EXPECT_FALSE(is_open(fd));
	EXPECT_EQ(nr_listed(), 0);
}

TEST(dma_buf, a_descriptor_holds_the_buffer_and_is_closed_on_exec)
{
	struct dma_buf *b = buf_new();
	int fd = rove_dma_buf_fd(b), own = b->fd;
	struct stat st;

	EXPECT_TRUE(fd >= 0);
	EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	EXPECT_TRUE(fcntl(own, F_GETFD) & FD_CLOEXEC);
	EXPECT_EQ(fstat(fd, &st), 0);
	EXPECT_EQ(st.st_ino, attrs_of(b).ino);
	EXPECT_EQ(attrs_of(b).nr_fds, 1);
	EXPECT_EQ(attrs_of(b).nr_refs, 2);
	rove_dma_buf_put(b);
	EXPECT_EQ(nr_listed(), 1);
	EXPECT_EQ(rove_dma_buf_close(b, fd), 0);
	EXPECT_FALSE(is_open(fd));
	EXPECT_FALSE(is_open(own));
	EXPECT_EQ(nr_listed(), 0);
}

TEST(dma_buf, only_a_descriptor_that_was_handed_out_can_be_given_back)
{
	struct dma_buf *a = buf_new(), *b = buf_new();
	int fd = rove_dma_buf_fd(a), copy;

	EXPECT_EQ(rove_dma_buf_close(a, -1), -EBADF);
	EXPECT_EQ(rove_dma_buf_close(b, fd), -EBADF);
	EXPECT_EQ(rove_dma_buf_close(a, a->fd), -EBADF);
	EXPECT_EQ(rove_dma_buf_close(a, STDERR_FILENO), -EBADF);
	EXPECT_TRUE(is_open(fd));
	copy = dup(fd);
	EXPECT_EQ(rove_dma_buf_close(a, fd), 0);
	EXPECT_EQ(rove_dma_buf_close(a, fd), -EBADF);
	EXPECT_EQ(rove_dma_buf_close(a, copy), -EBADF);
	EXPECT_TRUE(is_open(copy));
	EXPECT_EQ(attrs_of(a).nr_refs, 1);
	close(copy);
	rove_dma_buf_put(a);
	rove_dma_buf_put(b);
}

TEST(dma_buf, an_attachment_holds_the_buffer_and_the_device)
{
	struct dma_buf_attachment *attach = NULL;
	struct dma_buf *b = buf_new();
	struct device *dev = NULL;

	EXPECT_EQ(rove_device_create(NULL, NULL, "card0", &dev), 0);
	EXPECT_EQ(rove_dma_buf_attach(b, dev, &attach), 0);
	rove_device_put(dev);
	EXPECT_EQ(attrs_of(b).nr_attachments, 1);
	EXPECT_EQ(attrs_of(b).nr_refs, 2);
	EXPECT_PTR_EQ(attach->dmabuf, b);
	EXPECT_STR_EQ(attach->dev->kobj.name, "card0");
	rove_dma_buf_put(b);
	EXPECT_EQ(nr_listed(), 1);
	rove_dma_buf_detach(attach);
	EXPECT_EQ(nr_listed(), 0);
	rove_dma_buf_detach(NULL);
	rove_dma_bufs_barrier();
}

TEST(dma_buf, nothing_cannot_be_attached)
{
	struct dma_buf_attachment *attach = NULL;
	struct dma_buf *b = buf_new();

	EXPECT_EQ(rove_dma_buf_attach(b, NULL, &attach), -EINVAL);
	EXPECT_PTR_EQ(attach, NULL);
	EXPECT_EQ(attrs_of(b).nr_refs, 1);
	rove_dma_buf_put(b);
}

TEST(dma_buf, attachments_are_listed_newest_first_and_leave_one_by_one)
{
	struct dma_buf_attachment *attach[3];
	struct dma_buf *b = buf_new();
	struct list_head *pos;
	struct device *dev;

	EXPECT_EQ(rove_device_create(NULL, NULL, "card0", &dev), 0);
	for (u32 i = 0; i < 3; i++)
		EXPECT_EQ(rove_dma_buf_attach(b, dev, &attach[i]), 0);
	rove_dma_buf_detach(attach[1]);
	pos = b->attachments.next;
	EXPECT_PTR_EQ(pos, &attach[2]->node);
	EXPECT_PTR_EQ(pos->next, &attach[0]->node);
	EXPECT_PTR_EQ(pos->next->next, &b->attachments);
	EXPECT_EQ(attrs_of(b).nr_attachments, 2);
	rove_dma_buf_detach(attach[0]);
	rove_dma_buf_detach(attach[2]);
	EXPECT_EQ(attrs_of(b).nr_attachments, 0);
	rove_device_put(dev);
	rove_dma_buf_put(b);
	rove_dma_bufs_barrier();
}

TEST(dma_buf, giving_back_nothing_does_nothing)
{
	rove_dma_buf_put(NULL);
}
