/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * How long objects live: as long as somebody has a descriptor, or a program uses them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/left.h"
#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"

static int small_array(void)
{
	return map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
}

TEST(lifetime, a_descriptor_is_close_on_exec_and_the_smallest_free_number)
{
	int lowest = dup(0), fd;

	close(lowest);
	fd = small_array();
	EXPECT_EQ(fd, lowest);
	EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	EXPECT_TRUE(rove_bpf_owns(fd));
	EXPECT_EQ(rove_bpf_close(fd), 0);
	EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

TEST(lifetime, closing_the_last_descriptor_frees_the_object_and_all_its_descriptors)
{
	u32 ids = count_ids(BPF_MAP_GET_NEXT_ID), fds;
	int fd;

	fds = nr_open_descriptors();
	fd = small_array();
	EXPECT_EQ(count_ids(BPF_MAP_GET_NEXT_ID), ids + 1);
	EXPECT_EQ(rove_bpf_close(fd), 0);
	EXPECT_EQ(count_ids(BPF_MAP_GET_NEXT_ID), ids);
	EXPECT_EQ(nr_open_descriptors(), fds);
}

TEST(lifetime, a_plain_close_is_noticed)
{
	u32 ids = count_ids(BPF_MAP_GET_NEXT_ID), fds = nr_open_descriptors();

	for (u32 i = 0; i < 200; i++)
		close(small_array());
	/* Each number was used again, so at most the last object is left. */
	EXPECT_TRUE(nr_open_descriptors() <= fds + 1);
	EXPECT_EQ(count_ids(BPF_MAP_GET_NEXT_ID), ids);
	EXPECT_EQ(nr_open_descriptors(), fds);
}

/* The number says that it is the object's both before and after: it counts once. */
TEST(lifetime, an_object_that_gets_back_its_closed_number_is_freed_with_it)
{
	u32 ids = count_ids(BPF_MAP_GET_NEXT_ID);
	int fd = small_array(), again;
	u32 id = map_id(fd);

	close(fd);
	again = BPF(BPF_MAP_GET_FD_BY_ID, .map_id = id);
	EXPECT_EQ(again, fd);
	EXPECT_EQ(rove_bpf_close(again), 0);
	EXPECT_EQ(count_ids(BPF_MAP_GET_NEXT_ID), ids);
}

TEST(lifetime, a_number_that_became_another_file_is_not_ours)
{
	int fd = small_array(), other = open("/dev/null", O_RDONLY);
	u32 key = 0;
	u64 value;

	EXPECT_EQ(dup2(other, fd), fd);
	EXPECT_EQ(map_lookup(fd, &key, &value), -EINVAL);
	EXPECT_FALSE(rove_bpf_owns(fd));
	EXPECT_EQ(rove_bpf_close(fd), -EBADF);
	close(fd);
	close(other);
}

TEST(lifetime, a_duplicate_keeps_the_object)
{
	int fd = small_array(), copy = dup(fd);
	u32 key = 0, id = map_id(fd);
	u64 value = 7;

	EXPECT_EQ(map_update(fd, &key, &value, 0), 0);
	EXPECT_EQ(rove_bpf_close(fd), 0);
	value = 0;
	EXPECT_EQ(map_lookup(copy, &key, &value), 0);
	EXPECT_EQ(value, 7);
	EXPECT_EQ(map_id(copy), id);
	EXPECT_EQ(rove_bpf_close(copy), 0);
	EXPECT_EQ(BPF(BPF_MAP_GET_FD_BY_ID, .map_id = id), -ENOENT);
}

TEST(lifetime, a_duplicate_keeps_the_object_after_a_plain_close_too)
{
	int fd = small_array(), copy = dup(fd);
	u32 ids = count_ids(BPF_MAP_GET_NEXT_ID);

	close(fd);
	EXPECT_EQ(count_ids(BPF_MAP_GET_NEXT_ID), ids);
	close(copy);
	EXPECT_EQ(count_ids(BPF_MAP_GET_NEXT_ID), ids - 1);
}

TEST(lifetime, a_duplicate_keeps_the_object_when_no_number_is_free_to_look_for_it)
{
	int fd = small_array(), copy = dup(fd), fillers[2000];
	struct rlimit was, few;
	u32 id = map_id(fd), nr = 0;

	EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = (struct rlimit){ 300, was.rlim_max };
	EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (nr < 2000 && (fillers[nr] = dup(0)) >= 0)
		nr++;
	EXPECT_EQ(small_array(), -EMFILE);
	close(fillers[--nr]);
	EXPECT_EQ(small_array(), -EMFILE);	/* one is not enough, and comes back */
	fillers[nr++] = dup(0);
	EXPECT_EQ(dup2(0, fd), fd);		/* close(fd), and the number is taken at once */
	EXPECT_TRUE(count_ids(BPF_MAP_GET_NEXT_ID) > 0);
	while (nr)
		close(fillers[--nr]);
	EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &was), 0);
	EXPECT_EQ(map_id(copy), id);
	close(fd);
	rove_bpf_close(copy);
}

static void send_descriptor(int socket, int fd)
{
	char buf[CMSG_SPACE(sizeof(int))] = "", byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = buf,
			      .msg_controllen = sizeof(buf) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	*cmsg = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	EXPECT_EQ(sendmsg(socket, &msg, 0), 1);
}

static int receive_descriptor(int socket)
{
	char buf[CMSG_SPACE(sizeof(int))] = "", byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = buf,
			      .msg_controllen = sizeof(buf) };
	int fd;

	EXPECT_EQ(recvmsg(socket, &msg, 0), 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

TEST(lifetime, a_descriptor_that_went_over_a_socket_is_recognised)
{
	int pair[2], fd = small_array(), got;
	u32 id = map_id(fd);

	EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	send_descriptor(pair[0], fd);
	got = receive_descriptor(pair[1]);
	EXPECT_NE(got, fd);
	EXPECT_EQ(rove_bpf_close(fd), 0);
	EXPECT_EQ(map_id(got), id);
	EXPECT_EQ(rove_bpf_close(got), 0);
	close(pair[0]);
	close(pair[1]);
}

TEST(lifetime, a_descriptor_on_its_way_does_not_keep_the_object)
{
	int pair[2], fd = small_array(), got;
	u32 ids = count_ids(BPF_MAP_GET_NEXT_ID);

	EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	send_descriptor(pair[0], fd);
	EXPECT_EQ(rove_bpf_close(fd), 0);
	got = receive_descriptor(pair[1]);
	EXPECT_FALSE(rove_bpf_owns(got));
	EXPECT_EQ(count_ids(BPF_MAP_GET_NEXT_ID), ids - 1);
	close(got);
	close(pair[0]);
	close(pair[1]);
}

TEST(lifetime, a_program_keeps_its_maps)
{
	int map_fd = small_array();
	struct bpf_insn insns[] = { LD_MAP(1, map_fd), MOV_K(0, 0), EXIT() };
	int prog_fd = SYSCALL_PROG(insns);
	u32 id = map_id(map_fd);

	EXPECT_TRUE(prog_fd >= 0);
	EXPECT_EQ(rove_bpf_close(map_fd), 0);
	map_fd = BPF(BPF_MAP_GET_FD_BY_ID, .map_id = id);
	EXPECT_TRUE(map_fd >= 0);
	EXPECT_EQ(rove_bpf_close(map_fd), 0);
	EXPECT_EQ(rove_bpf_close(prog_fd), 0);
	EXPECT_EQ(BPF(BPF_MAP_GET_FD_BY_ID, .map_id = id), -ENOENT);
}

TEST(lifetime, a_bound_map_is_kept_like_one_that_is_used)
{
	int map_fd = small_array(), prog_fd, pipe_fds[2];
	struct bpf_insn insns[] = { MOV_K(0, 0), EXIT() };
	u32 id = map_id(map_fd);

	prog_fd = SYSCALL_PROG(insns);
	EXPECT_EQ(pipe(pipe_fds), 0);
	EXPECT_EQ(BPF(BPF_PROG_BIND_MAP, .prog_bind_map = { prog_fd, map_fd, 1 }), -EINVAL);
	EXPECT_EQ(BPF(BPF_PROG_BIND_MAP, .prog_bind_map = { prog_fd, pipe_fds[0] }), -EINVAL);
	EXPECT_EQ(BPF(BPF_PROG_BIND_MAP, .prog_bind_map = { prog_fd, map_fd }), 0);
	EXPECT_EQ(BPF(BPF_PROG_BIND_MAP, .prog_bind_map = { prog_fd, map_fd }), 0);
	EXPECT_EQ(rove_bpf_close(map_fd), 0);
	map_fd = BPF(BPF_MAP_GET_FD_BY_ID, .map_id = id);
	EXPECT_TRUE(map_fd >= 0);
	EXPECT_EQ(rove_bpf_close(map_fd), 0);
	EXPECT_EQ(rove_bpf_close(prog_fd), 0);
	EXPECT_EQ(BPF(BPF_MAP_GET_FD_BY_ID, .map_id = id), -ENOENT);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

TEST(lifetime, ids_grow_and_are_never_used_again)
{
	int a = small_array(), b = small_array();
	u32 id = map_id(b);

	EXPECT_EQ(id, map_id(a) + 1);
	EXPECT_EQ(rove_bpf_close(b), 0);
	b = small_array();
	EXPECT_EQ(map_id(b), id + 1);
	EXPECT_EQ(BPF(BPF_MAP_GET_NEXT_ID, .start_id = id + 1), -ENOENT);
	EXPECT_EQ(BPF(BPF_MAP_GET_NEXT_ID, .start_id = 0x7fffffff), -EINVAL);
	rove_bpf_close(a);
	rove_bpf_close(b);
}

TEST(lifetime, a_descriptor_may_allow_only_one_direction)
{
	int fd = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0), reader, writer;
	u32 key = 0, id = map_id(fd);
	u64 value = 3;

	reader = BPF(BPF_MAP_GET_FD_BY_ID, .map_id = id, .open_flags = BPF_F_RDONLY);
	writer = BPF(BPF_MAP_GET_FD_BY_ID, .map_id = id, .open_flags = BPF_F_WRONLY);
	EXPECT_TRUE(reader >= 0 && writer >= 0);
	EXPECT_EQ(map_update(reader, &key, &value, 0), -EPERM);
	EXPECT_EQ(map_lookup(writer, &key, &value), -EPERM);
	EXPECT_EQ(map_update(writer, &key, &value, 0), 0);
	EXPECT_EQ(map_lookup(reader, &key, &value), 0);
	EXPECT_EQ(BPF(BPF_MAP_GET_FD_BY_ID, .map_id = id, .open_flags = 1), -EINVAL);
	rove_bpf_close(fd);
	rove_bpf_close(reader);
	rove_bpf_close(writer);
	fd = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_RDONLY);
	EXPECT_EQ(map_update(fd, &key, &value, 0), -EPERM);
	rove_bpf_close(fd);
}
