/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Helpers that call back, run: how often, with what, and when they stop.
 */
#include <errno.h>

#include "tests/test.h"
#include "tests/tool/corpus/btf_maker.h"
#include "tests/unit/syscall/bpf.h"

#define LD_FUNC(d, dist)                                                             \
	INSN(BPF_LD | BPF_IMM | BPF_DW, d, BPF_PSEUDO_FUNC, 0, dist), INSN(0, 0, 0, 0, 0)
#define ALU_X(op, d, s) INSN(BPF_ALU64 | (op) | BPF_X, d, s, 0, 0)

/* A program of main and functions that begin at @starts, all without a global one. */
static int prog_with_funcs(const struct bpf_insn *insns, u32 nr, const u32 *starts, u32 nr_starts)
{
	struct btf_maker *m = calloc(1, sizeof(*m));
	struct bpf_func_info info[4] = { { 0 } };
	u32 bytes, type_int;
	void *image;
	int btf, fd;

	maker_init(m);
	type_int = maker_int(m, "int", 4, BTF_INT_SIGNED);
	info[0].type_id = maker_func(m, "main", BTF_FUNC_GLOBAL, type_int, NULL, 0);
	for (u32 i = 0; i < nr_starts; i++) {
		info[i + 1].insn_off = starts[i];
		info[i + 1].type_id = maker_func(m, "f", BTF_FUNC_STATIC, type_int, NULL, 0);
	}
	image = maker_image(m, &bytes);
	free(m);
	btf = BPF(BPF_BTF_LOAD, .btf = PTR(image), .btf_size = bytes);
	free(image);
	fd = BPF(BPF_PROG_LOAD, .prog_type = BPF_PROG_TYPE_SYSCALL, .insns = PTR(insns),
		 .insn_cnt = nr, .license = PTR("GPL"), .prog_flags = BPF_F_SLEEPABLE,
		 .prog_btf_fd = btf, .func_info = PTR(info), .func_info_cnt = nr_starts + 1,
		 .func_info_rec_size = sizeof(info[0]));
	rove_bpf_close(btf);
	return fd;
}

/* A loop of @nr rounds that adds the indices up and stops at @stop; *ret_sum, and its result. */
static u32 run_loop(u32 nr, u32 flags, u32 stop, u64 *ret_sum)
{
	const struct bpf_insn insns[] = {
		MOV_X(9, 1),
		ST(BPF_DW, 10, -8, 0),
		MOV_K(1, nr),
		LD_FUNC(2, 8),
		MOV_X(3, 10),
		ADD_K(3, -8),
		MOV_K(4, flags),
		CALL(BPF_FUNC_loop),
		LDX(BPF_DW, 1, 10, -8),
		STX(BPF_DW, 9, 1, 0),
		EXIT(),
		/* 12 */
		MOV_K(0, 0),
		LDX(BPF_DW, 3, 2, 0),
		ALU_X(BPF_ADD, 3, 1),
		STX(BPF_DW, 2, 3, 0),
		JMP_K(BPF_JNE, 1, stop, 1),
		MOV_K(0, 1),
		EXIT(),
	};
	const u32 start = 12;
	u32 value;
	int fd = prog_with_funcs(insns, ARRAY_SIZE(insns), &start, 1);

	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(prog_test_run(fd, ret_sum, sizeof(*ret_sum), &value), 0);
	rove_bpf_close(fd);
	return value;
}

TEST(callback, a_loop_calls_with_each_index_and_the_context)
{
	u64 sum;

	EXPECT_EQ(run_loop(10, 0, 1000, &sum), 10);
	EXPECT_EQ(sum, 45);
	EXPECT_EQ(run_loop(0, 0, 1000, &sum), 0);
	EXPECT_EQ(sum, 0);
}

TEST(callback, a_loop_stops_when_it_is_told)
{
	u64 sum;

	EXPECT_EQ(run_loop(10, 0, 4, &sum), 5);
	EXPECT_EQ(sum, 10);
}

TEST(callback, a_loop_takes_no_flags_and_has_a_limit)
{
	u64 sum;

	EXPECT_EQ((s32)run_loop(10, 1, 1000, &sum), -EINVAL);
	EXPECT_EQ((s32)run_loop((8 << 20) + 1, 0, 1000, &sum), -E2BIG);
	EXPECT_EQ(sum, 0);
}

/* Adds keys to the context and doubles values; stops behind @stop. */
static u32 run_each(int map, u32 stop, u64 *ret_sum)
{
	const struct bpf_insn insns[] = {
		MOV_X(9, 1),
		ST(BPF_DW, 10, -8, 0),
		LD_MAP(1, map),
		LD_FUNC(2, 8),
		MOV_X(3, 10),
		ADD_K(3, -8),
		MOV_K(4, 0),
		CALL(BPF_FUNC_for_each_map_elem),
		LDX(BPF_DW, 1, 10, -8),
		STX(BPF_DW, 9, 1, 0),
		EXIT(),
		/* 13 */
		MOV_K(0, 0),
		LDX(BPF_W, 1, 2, 0),
		LDX(BPF_DW, 5, 4, 0),
		ALU_X(BPF_ADD, 5, 1),
		STX(BPF_DW, 4, 5, 0),
		LDX(BPF_DW, 5, 3, 0),
		ALU_X(BPF_ADD, 5, 5),
		STX(BPF_DW, 3, 5, 0),
		JMP_K(BPF_JNE, 1, stop, 1),
		MOV_K(0, 1),
		EXIT(),
	};
	const u32 start = 13;
	u32 value;
	int fd = prog_with_funcs(insns, ARRAY_SIZE(insns), &start, 1);

	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(prog_test_run(fd, ret_sum, sizeof(*ret_sum), &value), 0);
	rove_bpf_close(fd);
	return value;
}

static void check_each(u32 type)
{
	int map = map_new(type, 4, 8, 5, 0);
	u64 value = 7, sum;
	u32 nr;

	for (u32 key = 0; key < 5; key++)
		EXPECT_EQ(map_update(map, &key, &value, 0), 0);
	EXPECT_EQ(run_each(map, 1000, &sum), 5);
	EXPECT_EQ(sum, 10);
	for (u32 key = 0; key < 5; key++) {
		EXPECT_EQ(map_lookup(map, &key, &value), 0);
		EXPECT_EQ(value, 14);
	}
	nr = run_each(map, 3, &sum);
	EXPECT_TRUE(nr >= 1 && nr <= 5);
	if (type == BPF_MAP_TYPE_ARRAY)
		EXPECT_EQ(nr, 4);
	rove_bpf_close(map);
}

TEST(callback, each_element_of_an_array_is_met)
{
	check_each(BPF_MAP_TYPE_ARRAY);
}

TEST(callback, each_element_of_a_hash_is_met)
{
	check_each(BPF_MAP_TYPE_HASH);
}

/* The outer callback loops itself: 3 rounds of 4. */
TEST(callback, a_callback_may_loop_itself)
{
	const struct bpf_insn insns[] = {
		ST(BPF_DW, 10, -8, 0),
		MOV_K(1, 3),
		LD_FUNC(2, 7),
		MOV_X(3, 10),
		ADD_K(3, -8),
		MOV_K(4, 0),
		CALL(BPF_FUNC_loop),
		LDX(BPF_DW, 0, 10, -8),
		EXIT(),
		/* 10 */
		MOV_X(3, 2),
		MOV_K(1, 4),
		LD_FUNC(2, 5),
		MOV_K(4, 0),
		CALL(BPF_FUNC_loop),
		MOV_K(0, 0),
		EXIT(),
		/* 18 */
		LDX(BPF_DW, 3, 2, 0),
		ADD_K(3, 1),
		STX(BPF_DW, 2, 3, 0),
		MOV_K(0, 0),
		EXIT(),
	};
	const u32 starts[] = { 10, 18 };
	u32 value;
	int fd = prog_with_funcs(insns, ARRAY_SIZE(insns), starts, 2);

	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(prog_test_run(fd, NULL, 0, &value), 0);
	EXPECT_EQ(value, 12);
	rove_bpf_close(fd);
}
