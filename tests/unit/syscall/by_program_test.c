/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf(2) by programs of BPF_PROG_TYPE_SYSCALL: bpf_sys_bpf(), bpf_sys_close(), ...
 *
 * A program's context is the attribute, or the name that is looked for; it calls with
 * a copy on its stack.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/btf/btf.h"
#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"

/* What of the attribute the commands here use. */
#define ATTR_USED 64

static int run(int prog, void *ctx, u32 bytes)
{
	u32 value;
	int err = prog_test_run(prog, ctx, bytes, &value);

	EXPECT_EQ(err, 0);
	rove_bpf_close(prog);
	return (int)value;
}

#define COPY(at) LDX(BPF_DW, 3, 1, at), STX(BPF_DW, 10, 3, (at) - ATTR_USED)
#define COPY_ATTR                                                                    \
	COPY(0), COPY(8), COPY(16), COPY(24), COPY(32), COPY(40), COPY(48), COPY(56),\
	MOV_X(2, 10), ADD_K(2, -ATTR_USED)

/* As rove_bpf(), by a program. */
static int by_program(int cmd, union bpf_attr *attr)
{
	struct bpf_insn insns[] = {
		COPY_ATTR, MOV_K(1, cmd), MOV_K(3, ATTR_USED), CALL(BPF_FUNC_sys_bpf), EXIT(),
	};
	int prog = SYSCALL_PROG(insns);

	EXPECT_TRUE(prog >= 0);
	return run(prog, attr, ATTR_USED);
}

#define BY_PROGRAM(cmd, ...)                                                         \
	({                                                                           \
		union bpf_attr by_program_attr_ = { __VA_ARGS__ };                   \
		by_program((cmd), &by_program_attr_);                                \
	})

static int close_by_program(int fd)
{
	struct bpf_insn insns[] = { LDX(BPF_W, 1, 1, 0), CALL(BPF_FUNC_sys_close), EXIT() };

	return run(SYSCALL_PROG(insns), &fd, sizeof(fd));
}

TEST(by_program, a_map_is_made_filled_frozen_and_closed)
{
	u32 key = 1;
	u64 value = 42, got = 0;
	int fd = BY_PROGRAM(BPF_MAP_CREATE, .map_type = BPF_MAP_TYPE_HASH, .key_size = 4,
			    .value_size = 8, .max_entries = 2);

	EXPECT_TRUE(rove_bpf_owns(fd));
	EXPECT_EQ(BY_PROGRAM(BPF_MAP_UPDATE_ELEM, .map_fd = fd, .key = PTR(&key),
			     .value = PTR(&value)), 0);
	EXPECT_EQ(map_lookup(fd, &key, &got), 0);
	EXPECT_EQ(got, 42);
	EXPECT_EQ(BY_PROGRAM(BPF_MAP_DELETE_ELEM, .map_fd = fd, .key = PTR(&key)), 0);
	EXPECT_EQ(BY_PROGRAM(BPF_MAP_DELETE_ELEM, .map_fd = fd, .key = PTR(&key)), -ENOENT);
	EXPECT_EQ(BY_PROGRAM(BPF_MAP_FREEZE, .map_fd = fd), 0);
	EXPECT_EQ(map_update(fd, &key, &value, 0), -EPERM);
	EXPECT_EQ(close_by_program(fd), 0);
	EXPECT_EQ(close_by_program(fd), -EBADF);
	EXPECT_EQ(count_ids(BPF_MAP_GET_NEXT_ID), 0);
}

TEST(by_program, a_program_is_loaded_and_runs)
{
	static const struct bpf_insn insns[] = { MOV_K(0, 7), EXIT() };
	int fd = BY_PROGRAM(BPF_PROG_LOAD, .prog_type = BPF_PROG_TYPE_SYSCALL, .insns = PTR(insns),
			    .insn_cnt = ARRAY_SIZE(insns), .license = PTR("GPL"),
			    .prog_flags = BPF_F_SLEEPABLE);

	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(run(fd, NULL, 0), 7);
}

TEST(by_program, commands_that_are_not_for_programs_are_refused)
{
	EXPECT_EQ(BY_PROGRAM(BPF_PROG_TEST_RUN, .test = { .prog_fd = 0 }), -EINVAL);
	EXPECT_EQ(BY_PROGRAM(BPF_MAP_GET_NEXT_ID, .start_id = 0), -EINVAL);
	EXPECT_EQ(BY_PROGRAM(BPF_LINK_CREATE, .link_create = { .prog_fd = 0 }), -EINVAL);
	EXPECT_EQ(BY_PROGRAM(-1, .map_fd = 0), -EINVAL);
	EXPECT_EQ(BY_PROGRAM(1000, .map_fd = 0), -EINVAL);
	EXPECT_EQ(BY_PROGRAM(BPF_MAP_FREEZE, .map_fd = -1), -EBADF);
}

static int find(const char *name, u32 bytes, u32 kind, u32 flags)
{
	struct bpf_insn insns[] = {
		COPY_ATTR, MOV_X(1, 2), MOV_K(2, bytes), MOV_K(3, kind), MOV_K(4, flags),
		CALL(BPF_FUNC_btf_find_by_name_kind), EXIT(),
	};
	char ctx[ATTR_USED] = "";

	memcpy(ctx, name, bytes);
	return run(SYSCALL_PROG(insns), ctx, sizeof(ctx));
}

TEST(by_program, a_type_of_this_process_is_found_by_its_name)
{
	u32 id = btf_find(btf_self(), "dma_buf", BTF_KIND_STRUCT);

	EXPECT_TRUE(id);
	EXPECT_EQ(find("dma_buf", 8, BTF_KIND_STRUCT, 0), (int)id);
	EXPECT_EQ(find("dma_buf", 8, BTF_KIND_UNION, 0), -ENOENT);
	EXPECT_EQ(find("dma_buf", 7, BTF_KIND_STRUCT, 0), -EINVAL);	/* no end */
	EXPECT_EQ(find("dma_buf", 8, BTF_KIND_STRUCT, 1), -EINVAL);
	EXPECT_EQ(find("", 1, BTF_KIND_STRUCT, 0), -EINVAL);
}

/* In one program: close @fd, and make a map. */
static int close_and_make(int fd)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
				.max_entries = 1 };
	struct bpf_insn insns[] = {
		COPY_ATTR, MOV_K(1, fd), CALL(BPF_FUNC_sys_close), JMP_K(BPF_JNE, 0, 0, 5),
		MOV_X(2, 10), ADD_K(2, -ATTR_USED), MOV_K(1, BPF_MAP_CREATE),
		MOV_K(3, ATTR_USED), CALL(BPF_FUNC_sys_bpf), EXIT(),
	};

	return run(SYSCALL_PROG(insns), &attr, ATTR_USED);
}

/* A link's end waits for running programs: one that met it would wait for itself. */
TEST(by_program, the_end_of_a_link_is_not_waited_for_by_a_program)
{
	static const struct bpf_insn insns[] = { MOV_K(0, 0), EXIT() };
	struct perf_event_attr event = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(event),
		.config = PERF_COUNT_SW_TASK_CLOCK, .sample_period = 1000000000,
		.exclude_kernel = 1,
	};
	int perf = syscall(SYS_perf_event_open, &event, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	int prog = prog_new(BPF_PROG_TYPE_PERF_EVENT, insns, ARRAY_SIZE(insns));
	int link, fd;

	if (perf < 0)
		SKIP("perf_event_open() is not allowed here: %s", strerror(errno));
	link = BPF(BPF_LINK_CREATE, .link_create = { .prog_fd = prog, .target_fd = perf,
						     .attach_type = BPF_PERF_EVENT });
	EXPECT_TRUE(link >= 0);
	fd = close_and_make(link);
	EXPECT_EQ(fd, link);	/* so the map's number says that the link's is lost */
	rove_bpf_close(fd);
	EXPECT_EQ(count_ids(BPF_LINK_GET_NEXT_ID), 0);
	rove_bpf_close(prog);
	close(perf);
}

TEST(by_program, only_programs_of_system_calls_that_may_sleep_may)
{
	struct bpf_insn insns[] = { MOV_K(1, -1), CALL(BPF_FUNC_sys_close), MOV_K(0, 0), EXIT() };

	EXPECT_EQ(prog_new(BPF_PROG_TYPE_SOCKET_FILTER, insns, ARRAY_SIZE(insns)), -EINVAL);
	EXPECT_EQ(prog_new(BPF_PROG_TYPE_PERF_EVENT, insns, ARRAY_SIZE(insns)), -EINVAL);
}
