/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The rules of the attribute: sizes, tails, addresses.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"

TEST(attr, unknown_commands_are_invalid)
{
	EXPECT_EQ(BPF(-1), -EINVAL);
	EXPECT_EQ(BPF(1000), -EINVAL);
	EXPECT_EQ(BPF(BPF_OBJ_PIN), -EINVAL);
}

TEST(attr, bytes_beyond_what_is_known_must_be_zero)
{
	struct {
		union bpf_attr attr;
		u8 more[400];
	} big = { .attr = { .start_id = 0 } };

	EXPECT_EQ(rove_bpf(BPF_BTF_GET_NEXT_ID, &big.attr, sizeof(big)), 0);
	big.more[399] = 1;
	EXPECT_EQ(rove_bpf(BPF_BTF_GET_NEXT_ID, &big.attr, sizeof(big)), -E2BIG);
	EXPECT_EQ(rove_bpf(BPF_BTF_GET_NEXT_ID, &big.attr, 1 << 20), -E2BIG);
}

TEST(attr, members_of_other_commands_must_be_zero)
{
	int fd = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);

	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(BPF(BPF_MAP_FREEZE, .map_fd = fd, .flags = 1), -EINVAL);
	EXPECT_EQ(BPF(BPF_MAP_DELETE_ELEM, .map_fd = fd, .key = PTR(&fd), .value = 1), -EINVAL);
	EXPECT_EQ(BPF(BPF_PROG_GET_FD_BY_ID, .prog_id = 1, .open_flags = 1), -EINVAL);
	EXPECT_EQ(rove_bpf_close(fd), 0);
}

TEST(attr, a_short_attribute_is_filled_with_zeros)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
				.max_entries = 1, .map_flags = 0xffffffff };
	int fd = rove_bpf(BPF_MAP_CREATE, &attr, offsetof(union bpf_attr, map_flags));

	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(rove_bpf_close(fd), 0);
}

TEST(attr, addresses_that_are_not_there_are_efault)
{
	int fd = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	void *readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	u32 key = 0;
	u64 value = 0;

	/* Creating the map has installed the fault handlers in front of the framework's. */
	EXPECT_EQ(rove_bpf(BPF_MAP_CREATE, NULL, 64), -EFAULT);
	EXPECT_EQ(rove_bpf(BPF_MAP_CREATE, (void *)8, 64), -EFAULT);
	EXPECT_EQ(map_lookup(fd, NULL, &value), -EFAULT);
	EXPECT_EQ(map_lookup(fd, &key, NULL), -EFAULT);
	EXPECT_EQ(map_lookup(fd, &key, readonly), -EFAULT);
	EXPECT_EQ(map_update(fd, &key, (void *)0xffff800000000000, 0), -EFAULT);
	EXPECT_EQ(BPF(BPF_PROG_LOAD, .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insns = 16,
		      .insn_cnt = 2, .license = PTR("GPL")), -EFAULT);
	EXPECT_EQ(BPF(BPF_BTF_LOAD, .btf = 16, .btf_size = 100), -EFAULT);
	EXPECT_EQ(rove_bpf_close(fd), 0);
	munmap(readonly, 4096);
}

TEST(attr, a_descriptor_that_is_not_open_or_not_ours)
{
	int pipe_fds[2];
	u32 key = 0;
	u64 value;

	EXPECT_EQ(map_lookup(987, &key, &value), -EBADF);
	EXPECT_EQ(rove_bpf_close(987), -EBADF);
	EXPECT_EQ(pipe(pipe_fds), 0);
	EXPECT_EQ(map_lookup(pipe_fds[0], &key, &value), -EINVAL);
	EXPECT_EQ(rove_bpf_close(pipe_fds[0]), -EBADF);
	EXPECT_FALSE(rove_bpf_owns(pipe_fds[0]));
	EXPECT_EQ(rove_bpf_poll_fd(pipe_fds[0]), -EBADF);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

TEST(attr, names_have_letters_digits_and_two_signs)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
				.max_entries = 1, .map_name = "A.b_9" };
	int fd = rove_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));

	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(rove_bpf_close(fd), 0);
	attr.map_name[1] = '-';
	EXPECT_EQ(rove_bpf(BPF_MAP_CREATE, &attr, sizeof(attr)), -EINVAL);
	memset(attr.map_name, 'a', sizeof(attr.map_name));
	EXPECT_EQ(rove_bpf(BPF_MAP_CREATE, &attr, sizeof(attr)), -EINVAL);
}
