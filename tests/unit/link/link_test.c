/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Links as objects: making, exchanging programs, ids, what is told about them.
 */
#include "tests/test.h"
#include "tests/unit/link/iter.h"

static const struct bpf_insn nothing[] = { MOV_K(0, 0), EXIT() };

static int link_info(int link, struct bpf_link_info *info)
{
	return BPF(BPF_OBJ_GET_INFO_BY_FD, .info = { .bpf_fd = link, .info_len = sizeof(*info),
						     .info = PTR(info) });
}

static u32 prog_id(int prog)
{
	struct bpf_prog_info info = { 0 };

	EXPECT_EQ(BPF(BPF_OBJ_GET_INFO_BY_FD,
		      .info = { .bpf_fd = prog, .info_len = sizeof(info), .info = PTR(&info) }), 0);
	return info.id;
}

TEST(link, tells_its_program_its_target_and_its_map)
{
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	int prog = ITER_PROG("bpf_map_elem", nothing), link = link_to_map(prog, map);
	char name[32] = "";
	struct bpf_link_info info = { .iter = { .target_name = PTR(name),
						.target_name_len = sizeof(name) } };

	EXPECT_TRUE(link >= 0);
	EXPECT_EQ(link_info(link, &info), 0);
	EXPECT_EQ(info.type, BPF_LINK_TYPE_ITER);
	EXPECT_EQ(info.prog_id, prog_id(prog));
	EXPECT_EQ(info.iter.map.map_id, map_id(map));
	EXPECT_EQ(info.iter.target_name_len, 13);
	EXPECT_STR_EQ(name, "bpf_map_elem");

	info = (struct bpf_link_info){ .iter = { .target_name = PTR(name), .target_name_len = 4 } };
	EXPECT_EQ(link_info(link, &info), -ENOSPC);
	EXPECT_STR_EQ(name, "bpf");
	info = (struct bpf_link_info){ .iter.target_name_len = 4 };
	EXPECT_EQ(link_info(link, &info), -EINVAL);
	info = (struct bpf_link_info){ .type = 0 };
	EXPECT_EQ(link_info(link, &info), 0);
	EXPECT_EQ(info.iter.target_name_len, 13);
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

TEST(link, is_found_by_its_id_while_it_is_open)
{
	int prog = ITER_PROG("dmabuf", nothing), link = link_new(prog), again;
	struct bpf_link_info info = { 0 };

	EXPECT_EQ(link_info(link, &info), 0);
	EXPECT_EQ(count_ids(BPF_LINK_GET_NEXT_ID), 1);
	again = BPF(BPF_LINK_GET_FD_BY_ID, .link_id = info.id);
	EXPECT_TRUE(again >= 0);
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(count_ids(BPF_LINK_GET_NEXT_ID), 1);
	EXPECT_EQ(rove_bpf_close(again), 0);
	EXPECT_EQ(count_ids(BPF_LINK_GET_NEXT_ID), 0);
	EXPECT_EQ(BPF(BPF_LINK_GET_FD_BY_ID, .link_id = info.id), -ENOENT);
	EXPECT_EQ(BPF(BPF_LINK_GET_FD_BY_ID, .link_id = 0), -ENOENT);
	EXPECT_EQ(rove_bpf_close(prog), 0);
}

#define UPDATE(...) BPF(BPF_LINK_UPDATE, .link_update = { __VA_ARGS__ })

TEST(link, its_program_may_be_exchanged_for_another_of_the_same_target)
{
	int a = ITER_PROG("dmabuf", nothing), b = ITER_PROG("dmabuf", nothing);
	int other = ITER_PROG("bpf_map", nothing), link = link_new(a);
	struct bpf_link_info info = { 0 };

	EXPECT_EQ(UPDATE(.link_fd = link, .new_prog_fd = b), 0);
	EXPECT_EQ(link_info(link, &info), 0);
	EXPECT_EQ(info.prog_id, prog_id(b));
	EXPECT_EQ(UPDATE(.link_fd = link, .new_prog_fd = a, .old_prog_fd = a), -EINVAL);
	EXPECT_EQ(UPDATE(.link_fd = link, .new_prog_fd = a, .old_prog_fd = a,
			 .flags = BPF_F_REPLACE), -EPERM);
	EXPECT_EQ(UPDATE(.link_fd = link, .new_prog_fd = a, .old_prog_fd = b,
			 .flags = BPF_F_REPLACE), 0);
	EXPECT_EQ(UPDATE(.link_fd = link, .new_prog_fd = other), -EINVAL);
	EXPECT_EQ(UPDATE(.link_fd = link, .new_prog_fd = a, .flags = 1), -EINVAL);
	EXPECT_EQ(UPDATE(.link_fd = link, .new_prog_fd = link), -EINVAL);
	EXPECT_EQ(UPDATE(.link_fd = a, .new_prog_fd = a), -EINVAL);
	EXPECT_EQ(UPDATE(.link_fd = 1000, .new_prog_fd = a), -EBADF);
	info = (struct bpf_link_info){ .type = 0 };
	EXPECT_EQ(link_info(link, &info), 0);
	EXPECT_EQ(info.prog_id, prog_id(a));
	EXPECT_EQ(BPF(BPF_LINK_DETACH, .link_detach = { .link_fd = link }), -EOPNOTSUPP);
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(rove_bpf_close(other), 0);
	EXPECT_EQ(rove_bpf_close(b), 0);
	EXPECT_EQ(rove_bpf_close(a), 0);
}

TEST(link, a_program_that_reaches_further_than_the_map_is_no_replacement)
{
	static const struct bpf_insn reads[] = {
		LDX(BPF_DW, 7, 1, 24),
		JMP_K(BPF_JEQ, 7, 0, 1),
		LDX(BPF_DW, 2, 7, 8),
		MOV_K(0, 0),
		EXIT(),
	};
	int small = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	int large = map_new(BPF_MAP_TYPE_ARRAY, 4, 16, 1, 0);
	int prog = ITER_PROG("bpf_map_elem", nothing), far = ITER_PROG("bpf_map_elem", reads);
	int to_small = link_to_map(prog, small), to_large = link_to_map(prog, large);

	EXPECT_TRUE(far >= 0 && to_small >= 0 && to_large >= 0);
	EXPECT_EQ(UPDATE(.link_fd = to_small, .new_prog_fd = far), -EINVAL);
	EXPECT_EQ(UPDATE(.link_fd = to_large, .new_prog_fd = far), 0);
	EXPECT_EQ(rove_bpf_close(to_large), 0);
	EXPECT_EQ(rove_bpf_close(to_small), 0);
	EXPECT_EQ(rove_bpf_close(far), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(large), 0);
	EXPECT_EQ(rove_bpf_close(small), 0);
}

TEST(link, creations_that_make_no_sense_are_refused)
{
	static const struct bpf_insn ret0[] = { MOV_K(0, 0), EXIT() };
	int prog = ITER_PROG("dmabuf", nothing), no_iter = SYSCALL_PROG(ret0);
	union bpf_iter_link_info info[2] = { { .map.map_fd = 0 }, { .map.map_fd = 1 } };

#define CREATE(...) BPF(BPF_LINK_CREATE, .link_create = { __VA_ARGS__ })
	EXPECT_EQ(CREATE(.prog_fd = no_iter, .attach_type = BPF_TRACE_ITER), -EINVAL);
	EXPECT_EQ(CREATE(.prog_fd = prog), -EINVAL);
	EXPECT_EQ(CREATE(.prog_fd = prog, .attach_type = BPF_TRACE_ITER, .flags = 1), -EINVAL);
	EXPECT_EQ(CREATE(.prog_fd = prog, .attach_type = BPF_TRACE_ITER, .target_fd = 1), -EINVAL);
	EXPECT_EQ(CREATE(.prog_fd = 1000, .attach_type = BPF_TRACE_ITER), -EBADF);
	EXPECT_EQ(CREATE(.prog_fd = prog, .attach_type = BPF_TRACE_ITER, .iter_info_len = 16),
		  -EINVAL);
	EXPECT_EQ(CREATE(.prog_fd = prog, .attach_type = BPF_TRACE_ITER,
			 .iter_info = PTR(info), .iter_info_len = sizeof(info)), -E2BIG);
	EXPECT_EQ(CREATE(.prog_fd = prog, .attach_type = BPF_TRACE_ITER,
			 .iter_info = 8, .iter_info_len = 16), -EFAULT);
	EXPECT_EQ(BPF(BPF_ITER_CREATE, .iter_create = { .link_fd = prog }), -EINVAL);
	EXPECT_EQ(BPF(BPF_ITER_CREATE, .iter_create = { .link_fd = 1000 }), -EBADF);
	EXPECT_EQ(BPF(BPF_ITER_CREATE, .iter_create = { .link_fd = prog, .flags = 1 }), -EINVAL);
	EXPECT_EQ(rove_bpf_close(no_iter), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
}

TEST(link, a_program_that_may_sleep_is_refused_where_objects_are_not_held_for_it)
{
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	int sleeps = iter_prog_flags("bpf_map_elem", nothing, 2, BPF_F_SLEEPABLE);
	int held = iter_prog_flags("dmabuf", nothing, 2, BPF_F_SLEEPABLE), link;

	EXPECT_TRUE(sleeps >= 0 && held >= 0);
	EXPECT_EQ(link_to_map(sleeps, map), -EINVAL);
	link = link_new(held);
	EXPECT_TRUE(link >= 0);
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(rove_bpf_close(held), 0);
	EXPECT_EQ(rove_bpf_close(sleeps), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

TEST(link, programs_are_loaded_for_functions_of_targets_only)
{
#define LOAD(...) BPF(BPF_PROG_LOAD, .insns = PTR(nothing), .insn_cnt = 2, \
		      .license = PTR("GPL"), __VA_ARGS__)
	EXPECT_EQ(LOAD(.prog_type = BPF_PROG_TYPE_TRACING, .expected_attach_type = BPF_TRACE_ITER),
		  -EINVAL);
	EXPECT_EQ(LOAD(.prog_type = BPF_PROG_TYPE_TRACING, .expected_attach_type = BPF_TRACE_ITER,
		       .attach_btf_id = func_id("bpf_iter_num_new")), -EINVAL);
	EXPECT_EQ(LOAD(.prog_type = BPF_PROG_TYPE_TRACING, .expected_attach_type = BPF_TRACE_ITER,
		       .attach_btf_id = btf_find(btf_self(), "dma_buf", BTF_KIND_STRUCT)), -EINVAL);
	EXPECT_EQ(LOAD(.prog_type = BPF_PROG_TYPE_TRACING, .expected_attach_type = BPF_TRACE_ITER,
		       .attach_btf_id = 1u << 30), -EINVAL);
	EXPECT_EQ(LOAD(.prog_type = BPF_PROG_TYPE_TRACING,
		       .expected_attach_type = BPF_TRACE_FENTRY,
		       .attach_btf_id = func_id("bpf_iter_dmabuf")), -EINVAL);
	EXPECT_EQ(LOAD(.prog_type = BPF_PROG_TYPE_SYSCALL, .prog_flags = BPF_F_SLEEPABLE,
		       .attach_btf_id = func_id("bpf_iter_dmabuf")), -EINVAL);
}
