/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/syscall/bpf.h - bpf(2) in this process, a call a line
 */
#ifndef ROVE_TESTS_UNIT_SYSCALL_BPF_H
#define ROVE_TESTS_UNIT_SYSCALL_BPF_H

#include <linux/bpf.h>
#include <linux/btf.h>
#include <string.h>

#include <rove/bpf.h>

#include "base/types.h"

#define BPF(cmd, ...)                                                                \
	({                                                                           \
		union bpf_attr bpf_attr_ = { __VA_ARGS__ };                          \
		rove_bpf((cmd), &bpf_attr_, sizeof(bpf_attr_));                      \
	})

#define PTR(p) ((u64)(uintptr_t)(p))

#define INSN(c, d, s, o, i) \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })
#define MOV_K(d, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define MOV_X(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define ADD_K(d, i) INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define LDX(size, d, s, o) INSN(BPF_LDX | BPF_MEM | (size), d, s, o, 0)
#define STX(size, d, s, o) INSN(BPF_STX | BPF_MEM | (size), d, s, o, 0)
#define ST(size, d, o, i) INSN(BPF_ST | BPF_MEM | (size), d, 0, o, i)
#define LD_MAP(d, fd)                                                                \
	INSN(BPF_LD | BPF_IMM | BPF_DW, d, BPF_PSEUDO_MAP_FD, 0, fd), INSN(0, 0, 0, 0, 0)
#define LD_MAP_VALUE(d, fd, off)                                                     \
	INSN(BPF_LD | BPF_IMM | BPF_DW, d, BPF_PSEUDO_MAP_VALUE, 0, fd), INSN(0, 0, 0, 0, off)
#define JMP_K(op, d, i, o) INSN(BPF_JMP | (op) | BPF_K, d, 0, o, i)
#define CALL(id) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, id)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static inline int map_new(u32 type, u32 key_size, u32 value_size, u32 max_entries, u32 flags)
{
	return BPF(BPF_MAP_CREATE, .map_type = type, .key_size = key_size,
		   .value_size = value_size, .max_entries = max_entries, .map_flags = flags);
}

static inline int map_update(int fd, const void *key, const void *value, u64 flags)
{
	return BPF(BPF_MAP_UPDATE_ELEM, .map_fd = fd, .key = PTR(key), .value = PTR(value),
		   .flags = flags);
}

static inline int map_lookup(int fd, const void *key, void *value)
{
	return BPF(BPF_MAP_LOOKUP_ELEM, .map_fd = fd, .key = PTR(key), .value = PTR(value));
}

static inline int map_delete(int fd, const void *key)
{
	return BPF(BPF_MAP_DELETE_ELEM, .map_fd = fd, .key = PTR(key));
}

static inline int map_next_key(int fd, const void *key, void *next)
{
	return BPF(BPF_MAP_GET_NEXT_KEY, .map_fd = fd, .key = PTR(key), .next_key = PTR(next));
}

static inline int prog_new(u32 type, const struct bpf_insn *insns, u32 nr)
{
	return BPF(BPF_PROG_LOAD, .prog_type = type, .insns = PTR(insns), .insn_cnt = nr,
		   .license = PTR("Dual BSD/GPL"),
		   .prog_flags = type == BPF_PROG_TYPE_SYSCALL ? BPF_F_SLEEPABLE : 0);
}

#define SYSCALL_PROG(insns) prog_new(BPF_PROG_TYPE_SYSCALL, (insns), ARRAY_SIZE(insns))

/* Run a syscall program; its value, or -errno. */
static inline int prog_test_run(int fd, void *ctx, u32 ctx_bytes, u32 *ret_value)
{
	union bpf_attr attr = {
		.test = { .prog_fd = fd, .ctx_in = PTR(ctx), .ctx_size_in = ctx_bytes },
	};
	int err = rove_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));

	*ret_value = attr.test.retval;
	return err;
}

/* Ids of a kind that exist now. */
static inline u32 count_ids(int next_id_cmd)
{
	union bpf_attr attr = { .start_id = 0 };
	u32 nr = 0;

	while (!rove_bpf(next_id_cmd, &attr, sizeof(attr))) {
		nr++;
		attr.start_id = attr.next_id;
		attr.next_id = 0;
	}
	return nr;
}

static inline u32 map_id(int fd)
{
	struct bpf_map_info info = { 0 };
	int err = BPF(BPF_OBJ_GET_INFO_BY_FD, .info = { .bpf_fd = fd, .info_len = sizeof(info),
							.info = PTR(&info) });

	return err ? 0 : info.id;
}

#endif
