/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Load, run and look at programs, and what they do to maps.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/map/map.h"
#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"

static const struct bpf_insn ret0[] = { MOV_K(0, 0), EXIT() };

TEST(prog, a_context_is_read_and_given_back)
{
	struct bpf_insn insns[] = {
		LDX(BPF_DW, 2, 1, 0), ADD_K(2, 1), STX(BPF_DW, 1, 2, 8), MOV_K(0, 33), EXIT(),
	};
	int fd = SYSCALL_PROG(insns);
	u64 ctx[2] = { 41, 0 };
	u32 value;

	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(prog_test_run(fd, ctx, sizeof(ctx), &value), 0);
	EXPECT_EQ(value, 33);
	EXPECT_EQ(ctx[1], 42);
	EXPECT_EQ(prog_test_run(fd, ctx, 15, &value), -EINVAL);	/* it reaches further */
	EXPECT_EQ(prog_test_run(fd, NULL, 16, &value), -EINVAL);
	EXPECT_EQ(prog_test_run(fd, (void *)64, 16, &value), -EFAULT);
	rove_bpf_close(fd);
}

TEST(prog, a_large_context_works_too)
{
	struct bpf_insn insns[] = { LDX(BPF_W, 0, 1, 4000), ST(BPF_W, 1, 4004, 9), EXIT() };
	int fd = SYSCALL_PROG(insns);
	u32 ctx[2000] = { [1000] = 5 }, value;

	EXPECT_EQ(prog_test_run(fd, ctx, sizeof(ctx), &value), 0);
	EXPECT_EQ(value, 5);
	EXPECT_EQ(ctx[1001], 9);
	rove_bpf_close(fd);
}

TEST(prog, a_syscall_programs_run_takes_nothing_but_a_context)
{
	int fd = SYSCALL_PROG(ret0);
	union bpf_attr attr = { .test = { .prog_fd = fd } };
	u64 ctx = 0;

	EXPECT_EQ(rove_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)), 0);
	attr.test.repeat = 1;
	EXPECT_EQ(rove_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)), -EINVAL);
	attr = (union bpf_attr){ .test = { .prog_fd = fd, .data_in = PTR(&ctx) } };
	EXPECT_EQ(rove_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)), -EINVAL);
	attr = (union bpf_attr){ .test = { .prog_fd = fd, .ctx_out = PTR(&ctx),
					   .ctx_size_out = 8 } };
	EXPECT_EQ(rove_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)), -EINVAL);
	attr = (union bpf_attr){ .test = { .prog_fd = fd, .flags = 1 } };
	EXPECT_EQ(rove_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)), -EINVAL);
	rove_bpf_close(fd);
}

TEST(prog, a_socket_filter_gets_a_packet_and_is_repeated)
{
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	struct bpf_insn insns[] = {
		LDX(BPF_W, 6, 1, offsetof(struct __sk_buff, len)),
		LD_MAP_VALUE(2, map, 0),
		LDX(BPF_DW, 3, 2, 0), ADD_K(3, 1), STX(BPF_DW, 2, 3, 0),
		MOV_X(0, 6), EXIT(),
	};
	int fd = prog_new(BPF_PROG_TYPE_SOCKET_FILTER, insns, ARRAY_SIZE(insns));
	u8 packet[64] = { [12] = 0x08 }, out[64];
	union bpf_attr attr = { .test = { .prog_fd = fd, .data_in = PTR(packet),
					  .data_size_in = sizeof(packet), .data_out = PTR(out),
					  .data_size_out = sizeof(out), .repeat = 1000 } };
	u64 runs;
	u32 key = 0;

	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(rove_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)), 0);
	EXPECT_EQ(attr.test.retval, sizeof(packet) - 14);
	EXPECT_EQ(attr.test.data_size_out, sizeof(packet));
	EXPECT_TRUE(attr.test.duration < 1000000);
	EXPECT_MEM_EQ(out + 14, packet + 14, sizeof(packet) - 14);
	EXPECT_EQ(out[12], 0);	/* filters do not see the header, nor does who asks */
	EXPECT_EQ(map_lookup(map, &key, &runs), 0);
	EXPECT_EQ(runs, 1000);
	attr.test.data_size_out = 10;
	EXPECT_EQ(rove_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)), -ENOSPC);
	attr.test.data_size_in = 13;
	EXPECT_EQ(rove_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)), -EINVAL);
	rove_bpf_close(fd);
	rove_bpf_close(map);
}

TEST(prog, a_classifier_gets_the_whole_packet_and_is_repeated)
{
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	struct bpf_insn insns[] = {
		LD_MAP_VALUE(2, map, 0),
		LDX(BPF_DW, 3, 2, 0), ADD_K(3, 1), STX(BPF_DW, 2, 3, 0),
		MOV_K(0, -3), EXIT(),
	};
	struct bpf_insn reads[] = { LDX(BPF_W, 0, 1, 0), EXIT() };
	int fd = prog_new(BPF_PROG_TYPE_SCHED_CLS, insns, ARRAY_SIZE(insns));
	u8 packet[64] = { [12] = 0x08 }, out[64];
	union bpf_attr attr = { .test = { .prog_fd = fd, .data_in = PTR(packet),
					  .data_size_in = sizeof(packet), .data_out = PTR(out),
					  .data_size_out = sizeof(out), .repeat = 10 } };
	u64 runs;
	u32 key = 0;

	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(rove_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)), 0);
	EXPECT_EQ((s32)attr.test.retval, -3);
	EXPECT_MEM_EQ(out, packet, sizeof(packet));
	EXPECT_EQ(map_lookup(map, &key, &runs), 0);
	EXPECT_EQ(runs, 10);
	EXPECT_EQ(BPF(BPF_PROG_TEST_RUN, .test = { .prog_fd = fd }), -EINVAL);
	EXPECT_EQ(prog_new(BPF_PROG_TYPE_SCHED_CLS, reads, ARRAY_SIZE(reads)), -EACCES);
	rove_bpf_close(fd);
	rove_bpf_close(map);
}

TEST(prog, a_socket_filters_run_takes_no_context)
{
	int fd = prog_new(BPF_PROG_TYPE_SOCKET_FILTER, ret0, ARRAY_SIZE(ret0));
	struct __sk_buff ctx = { 0 };
	u8 packet[14] = { 0 };
	union bpf_attr attr = { .test = { .prog_fd = fd, .data_in = PTR(packet),
					  .data_size_in = sizeof(packet) } };

	EXPECT_EQ(rove_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)), 0);
	attr.test.ctx_in = PTR(&ctx);
	attr.test.ctx_size_in = sizeof(ctx);
	EXPECT_EQ(rove_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)), -EINVAL);
	rove_bpf_close(fd);
}

TEST(prog, types_that_are_only_loaded_cannot_be_run)
{
	static const u32 types[] = { BPF_PROG_TYPE_KPROBE, BPF_PROG_TYPE_TRACEPOINT,
				     BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_XDP,
				     BPF_PROG_TYPE_PERF_EVENT };

	for (u32 i = 0; i < ARRAY_SIZE(types); i++) {
		int fd = prog_new(types[i], ret0, ARRAY_SIZE(ret0));

		EXPECT_TRUE(fd >= 0);
		EXPECT_EQ(BPF(BPF_PROG_TEST_RUN, .test = { .prog_fd = fd }), -ENOTSUPP);
		rove_bpf_close(fd);
	}
	EXPECT_EQ(prog_new(BPF_PROG_TYPE_LSM, ret0, ARRAY_SIZE(ret0)), -EINVAL);
	EXPECT_EQ(prog_new(12345, ret0, ARRAY_SIZE(ret0)), -EINVAL);
}

static int load(u32 type, u32 flags, u32 attach_type, u32 nr_insns)
{
	return BPF(BPF_PROG_LOAD, .prog_type = type, .insns = PTR(ret0), .insn_cnt = nr_insns,
		   .license = PTR("GPL"), .prog_flags = flags, .expected_attach_type = attach_type);
}

TEST(prog, loads_that_make_no_sense_are_refused)
{
	EXPECT_EQ(load(BPF_PROG_TYPE_SYSCALL, 0, 0, 2), -EINVAL);
	EXPECT_EQ(load(BPF_PROG_TYPE_SYSCALL, BPF_F_SLEEPABLE, 1, 2), -EINVAL);
	EXPECT_EQ(load(BPF_PROG_TYPE_SOCKET_FILTER, BPF_F_SLEEPABLE, 0, 2), -EINVAL);
	EXPECT_EQ(load(BPF_PROG_TYPE_SOCKET_FILTER, 1u << 30, 0, 2), -EINVAL);
	EXPECT_EQ(load(BPF_PROG_TYPE_SOCKET_FILTER, 0, 0, 0), -E2BIG);
	EXPECT_EQ(load(BPF_PROG_TYPE_SOCKET_FILTER, 0, 0, 1000001), -E2BIG);
	EXPECT_EQ(load(BPF_PROG_TYPE_SOCKET_FILTER, 0, 0, 1), -EINVAL);	/* does not end */
	EXPECT_EQ(BPF(BPF_PROG_LOAD, .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insns = PTR(ret0),
		      .insn_cnt = 2, .license = PTR("GPL"), .core_relo_cnt = 1), -EINVAL);
}

TEST(prog, a_log_needs_a_buffer_with_a_size_and_a_level)
{
	char log[4096] = "";
	struct bpf_insn bad[] = { MOV_X(0, 5), EXIT() };
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insns = PTR(bad),
				.insn_cnt = 2, .license = PTR("GPL"), .log_buf = PTR(log),
				.log_size = sizeof(log), .log_level = 1 };

	EXPECT_EQ(rove_bpf(BPF_PROG_LOAD, &attr, sizeof(attr)), -EACCES);
	EXPECT_TRUE(strstr(log, "R5 !read_ok") != NULL);
	attr.log_level = 0;
	EXPECT_EQ(rove_bpf(BPF_PROG_LOAD, &attr, sizeof(attr)), -EINVAL);
	attr.log_level = 16;
	EXPECT_EQ(rove_bpf(BPF_PROG_LOAD, &attr, sizeof(attr)), -EINVAL);
	attr.log_level = 1;
	attr.log_size = 0;
	EXPECT_EQ(rove_bpf(BPF_PROG_LOAD, &attr, sizeof(attr)), -EINVAL);
	attr.log_size = sizeof(log);
	attr.log_buf = 64;
	EXPECT_EQ(rove_bpf(BPF_PROG_LOAD, &attr, sizeof(attr)), -EFAULT);
}

TEST(prog, a_refusal_before_the_verifier_is_in_the_log_too)
{
	char log[100] = "";
	int err = BPF(BPF_PROG_LOAD, .prog_type = BPF_PROG_TYPE_SYSCALL, .insns = PTR(ret0),
		      .insn_cnt = 2, .license = PTR("GPL"), .log_buf = PTR(log),
		      .log_size = sizeof(log), .log_level = 1);

	EXPECT_EQ(err, -EINVAL);
	EXPECT_STR_EQ(log, "Syscall programs can only be sleepable\n");
}

TEST(prog, info_tells_what_was_loaded)
{
	int map = map_new(BPF_MAP_TYPE_HASH, 4, 8, 1, 0);
	struct bpf_insn insns[] = { LD_MAP(1, map), MOV_K(0, 0), EXIT() }, got[4];
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SYSCALL, .insns = PTR(insns),
				.insn_cnt = 4, .license = PTR("GPL"), .prog_name = "shown",
				.prog_flags = BPF_F_SLEEPABLE };
	int fd = rove_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	u32 map_ids[3] = { 0 };
	struct bpf_prog_info info = { .map_ids = PTR(map_ids), .nr_map_ids = 3,
				      .xlated_prog_insns = PTR(got),
				      .xlated_prog_len = sizeof(got) };

	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(BPF(BPF_OBJ_GET_INFO_BY_FD,
		      .info = { fd, sizeof(info), PTR(&info) }), 0);
	EXPECT_EQ(info.type, BPF_PROG_TYPE_SYSCALL);
	EXPECT_STR_EQ(info.name, "shown");
	EXPECT_TRUE(info.gpl_compatible);
	EXPECT_EQ(info.nr_map_ids, 1);
	EXPECT_EQ(map_ids[0], map_id(map));
	EXPECT_EQ(info.xlated_prog_len, sizeof(got));
	EXPECT_EQ(got[0].imm, map_id(map));
	EXPECT_EQ(got[3].code, BPF_JMP | BPF_EXIT);
	EXPECT_EQ(info.created_by_uid, getuid());
	EXPECT_TRUE(info.load_time > 0);
	EXPECT_EQ(info.jited_prog_len, 0);
	EXPECT_EQ(info.run_cnt, 0);
	EXPECT_EQ(info.run_time_ns, 0);
	rove_bpf_close(fd);
	rove_bpf_close(map);
}

static u64 tag_of(int fd)
{
	struct bpf_prog_info info = { 0 };
	u64 tag;

	EXPECT_EQ(BPF(BPF_OBJ_GET_INFO_BY_FD, .info = { fd, sizeof(info), PTR(&info) }), 0);
	memcpy(&tag, info.tag, sizeof(tag));
	return tag;
}

/* A program that names the map, and then returns @value. */
static u64 tag_with(int map, int value)
{
	struct bpf_insn insns[] = { LD_MAP(1, map), MOV_K(0, value), EXIT() };
	int fd = SYSCALL_PROG(insns);
	u64 tag = tag_of(fd);

	rove_bpf_close(fd);
	return tag;
}

TEST(prog, the_tag_is_the_same_for_the_same_instructions)
{
	int a = map_new(BPF_MAP_TYPE_HASH, 4, 8, 1, 0), b = map_new(BPF_MAP_TYPE_HASH, 4, 8, 1, 0);

	EXPECT_EQ(tag_with(a, 0), tag_with(b, 0));
	EXPECT_NE(tag_with(a, 0), tag_with(a, 1));
	rove_bpf_close(a);
	rove_bpf_close(b);
}

TEST(prog, info_may_be_shorter_or_longer_than_we_know)
{
	int fd = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 3, 0);
	struct {
		struct bpf_map_info info;
		u8 more[64];
	} big = { { 0 } };
	union bpf_attr attr = { .info = { fd, 8, PTR(&big) } };

	EXPECT_EQ(rove_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)), 0);
	EXPECT_EQ(attr.info.info_len, 8);
	EXPECT_EQ(big.info.type, BPF_MAP_TYPE_ARRAY);
	EXPECT_EQ(big.info.key_size, 0);
	attr.info.info_len = sizeof(big);
	EXPECT_EQ(rove_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)), 0);
	EXPECT_EQ(attr.info.info_len, sizeof(big.info));
	EXPECT_EQ(big.info.max_entries, 3);
	big.more[63] = 1;
	attr.info.info_len = sizeof(big);
	EXPECT_EQ(rove_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)), -E2BIG);
	rove_bpf_close(fd);
}

TEST(prog, our_own_btf_is_id_1_and_called_vmlinux)
{
	int fd = BPF(BPF_BTF_GET_FD_BY_ID, .btf_id = 1);
	char name[16] = "", small[4];
	struct bpf_btf_info info = { .name = PTR(name), .name_len = sizeof(name) };
	size_t size;

	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(BPF(BPF_OBJ_GET_INFO_BY_FD, .info = { fd, sizeof(info), PTR(&info) }), 0);
	EXPECT_STR_EQ(name, "vmlinux");
	EXPECT_EQ(info.name_len, 7);
	EXPECT_EQ(info.kernel_btf, 1);
	EXPECT_TRUE(rove_bpf_btf(&size) != NULL);
	EXPECT_EQ(info.btf_size, size);
	info = (struct bpf_btf_info){ .name = PTR(small), .name_len = sizeof(small) };
	EXPECT_EQ(BPF(BPF_OBJ_GET_INFO_BY_FD, .info = { fd, sizeof(info), PTR(&info) }), -ENOSPC);
	EXPECT_STR_EQ(small, "vml");
	rove_bpf_close(fd);
}

TEST(prog, btf_is_loaded_and_read_back)
{
	struct {
		struct btf_header hdr;
		u32 type[4];
		char strings[5];
	} __attribute__((packed)) image = {
		.hdr = { .magic = BTF_MAGIC, .version = 1, .hdr_len = sizeof(struct btf_header),
			 .type_len = 16, .str_off = 16, .str_len = 5 },
		.type = { 1, BTF_KIND_INT << 24, 4, 32 },
		.strings = "\0int",
	}, got;
	struct bpf_btf_info info = { .btf = PTR(&got), .btf_size = sizeof(got) };
	char log[200] = "";
	int fd = BPF(BPF_BTF_LOAD, .btf = PTR(&image), .btf_size = sizeof(image));

	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(BPF(BPF_OBJ_GET_INFO_BY_FD, .info = { fd, sizeof(info), PTR(&info) }), 0);
	EXPECT_EQ(info.btf_size, sizeof(image));
	EXPECT_EQ(info.kernel_btf, 0);
	EXPECT_MEM_EQ(&got, &image, sizeof(image));
	rove_bpf_close(fd);
	image.type[1] = 31u << 24;
	EXPECT_TRUE(BPF(BPF_BTF_LOAD, .btf = PTR(&image), .btf_size = sizeof(image),
			.btf_log_buf = PTR(log), .btf_log_size = sizeof(log),
			.btf_log_level = 1) < 0);
	EXPECT_TRUE(log[0] != 0);
	EXPECT_EQ(BPF(BPF_BTF_LOAD, .btf = PTR(&image), .btf_size = 1u << 30), -E2BIG);
}

TEST(prog, a_frozen_map_is_constant_and_a_program_may_not_write_it)
{
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_RDONLY_PROG | BPF_F_MMAPABLE);
	struct bpf_insn writes[] = { LD_MAP_VALUE(1, map, 0), ST(BPF_DW, 1, 0, 1), MOV_K(0, 0),
				     EXIT() };
	struct bpf_insn reads[] = { LD_MAP_VALUE(1, map, 0), LDX(BPF_DW, 0, 1, 0), EXIT() };
	u64 value = 77;
	u32 key = 0, got;
	int fd;

	EXPECT_EQ(map_update(map, &key, &value, 0), 0);
	EXPECT_EQ(BPF(BPF_MAP_FREEZE, .map_fd = map), 0);
	EXPECT_EQ(SYSCALL_PROG(writes), -EACCES);
	fd = SYSCALL_PROG(reads);
	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(prog_test_run(fd, NULL, 0, &got), 0);
	EXPECT_EQ(got, 77);
	rove_bpf_close(fd);
	rove_bpf_close(map);
}
