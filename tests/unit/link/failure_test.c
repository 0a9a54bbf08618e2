/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Whatever fails on the way to an iterator, nothing is left behind; and of what did not
 * fail nothing either.
 */
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/failing.h"
#include "tests/left.h"
#include "tests/test.h"
#include "tests/unit/link/iter.h"

#define NR_ROUNDS 300

#if ANY_CALL_CAN_FAIL
int memfd_create(const char *name, unsigned int flags)
{
	return call_fails(EMFILE) ? -1 : syscall(SYS_memfd_create, name, flags);
}

int socketpair(int domain, int type, int protocol, int ends[2])
{
	return call_fails(EMFILE) ? -1 : syscall(SYS_socketpair, domain, type, protocol, ends);
}

int shutdown(int fd, int how)
{
	return call_fails(ENOBUFS) ? -1 : syscall(SYS_shutdown, fd, how);
}

int epoll_create1(int flags)
{
	return call_fails(EMFILE) ? -1 : syscall(SYS_epoll_create1, flags);
}

int epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
	return op == EPOLL_CTL_ADD && call_fails(ENOSPC) ?
		       -1 : syscall(SYS_epoll_ctl, epoll_fd, op, fd, event);
}

int fcntl(int fd, int cmd, ...)
{
	va_list args;
	long arg;

	va_start(args, cmd);
	arg = va_arg(args, long);
	va_end(args);
	return cmd == F_DUPFD_CLOEXEC && call_fails(EMFILE) ? -1 : syscall(SYS_fcntl, fd, cmd, arg);
}
#endif

/* From a program to its first byte.  0 or -errno; what was made is gone again. */
static int one_life(int prog, bool served)
{
	int link, fd, err = 0;
	char byte;

	link = link_new(prog);
	if (link < 0)
		return link;
	fd = served ? iter_new(link) : rove_bpf_iter_open(link);
	if (fd < 0)
		err = fd;
	else if (!served && rove_bpf_iter_read(fd, &byte, 1) != 1)
		err = -EIO;
	if (fd >= 0 && rove_bpf_close(fd))
		close(fd);
	/* An object's last descriptor may be closed when there is no memory. */
	EXPECT_EQ(rove_bpf_close(link), 0);
	return err;
}

/* The thread closes its own descriptor, and the streams it serves, when it is done. */
static void wait_for_open(u32 nr)
{
	while (nr_open_descriptors() != nr)
		usleep(100);
}

TEST(link_failure, the_nth_call_fails_and_nothing_stays)
{
	struct dma_buf *bufs[2];
	bool all_worked = false;
	u32 open, objects;
	int prog, err;

	if (!ANY_CALL_CAN_FAIL)
		SKIP("the sanitizer has the allocator");
	buffers_new(bufs, 2);
	prog = ITER_PROG("dmabuf", write_numbers);
	EXPECT_TRUE(prog >= 0);
	open = nr_open_descriptors();
	objects = nr_objects();
	for (u32 n = 1; !all_worked; n++) {
		fail_nth(n);
		err = one_life(prog, false);
		all_worked = !fail_none();
		if (all_worked)
			EXPECT_EQ(err, 0);
		wait_for_open(open);
		EXPECT_EQ(nr_objects(), objects);
		EXPECT_TRUE(n < 100);
	}
	EXPECT_EQ(rove_bpf_close(prog), 0);
	buffers_put(bufs, 2);
	rove_dma_bufs_barrier();
}

TEST(link_failure, nothing_is_left_of_many_iterators)
{
	struct dma_buf *bufs[2];
	u32 open;
	int prog;

	buffers_new(bufs, 2);
	prog = ITER_PROG("dmabuf", write_numbers);
	open = nr_open_descriptors();
	for (u32 i = 0; i < NR_ROUNDS; i++)
		EXPECT_EQ(one_life(prog, i % 2), 0);
	wait_for_open(open);
	EXPECT_EQ(object_count(OBJECT_LINK), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	/* Of the types, our own stay. */
	EXPECT_EQ(object_count(OBJECT_PROG) + object_count(OBJECT_MAP), 0);
	buffers_put(bufs, 2);
	rove_dma_bufs_barrier();
}
