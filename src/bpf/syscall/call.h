/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/syscall/call.h - one call of bpf(2), and the commands that answer it
 */
#ifndef ROVE_BPF_SYSCALL_CALL_H
#define ROVE_BPF_SYSCALL_CALL_H

#include <linux/bpf.h>

#include "base/types.h"
#include "bpf/core/object.h"

#define ATTR_BYTES 168 /* of the union in Linux 6.18, of which our header may know less */

/* Where members lie that newer headers name. */
#define ATTR_PROG_LOG_TRUE_SIZE 140
#define ATTR_BTF_LOG_TRUE_SIZE 28
#define ATTR_LINK_CREATE_END 60
#define ATTR_PROG_LOG_TRUE_SIZE_END (ATTR_PROG_LOG_TRUE_SIZE + 4)
#define ATTR_BTF_LOG_TRUE_SIZE_END (ATTR_BTF_LOG_TRUE_SIZE + 4)

#define ATTR_END(member) \
	(offsetof(union bpf_attr, member) + sizeof(((union bpf_attr *)0)->member))

struct call {
	union {
		union bpf_attr attr;	/* a copy; zero behind ->bytes */
		u8 raw[ATTR_BYTES];
	};
	u64 user_attr;			/* the caller's */
	u32 bytes;			/* the caller's, as long as we know them */
};

/* Answer to the caller through a member of its attr. */
#define call_answer(c, member, value)                                                \
	user_write((c)->user_attr + offsetof(union bpf_attr, member),                \
		   &(__typeof__(((union bpf_attr *)0)->member)){ value },             \
		   sizeof(((union bpf_attr *)0)->member))

/* Each gives what the system call returns: >= 0 or -errno. */
int cmd_map_create(struct call *c);
int cmd_map_lookup(struct call *c);
int cmd_map_update(struct call *c);
int cmd_map_delete(struct call *c);
int cmd_map_next_key(struct call *c);
int cmd_map_lookup_and_delete(struct call *c);
int cmd_map_freeze(struct call *c);
int cmd_map_lookup_batch(struct call *c);
int cmd_map_update_batch(struct call *c);
int cmd_map_delete_batch(struct call *c);

int cmd_prog_load(struct call *c);
int cmd_prog_bind_map(struct call *c);
int cmd_prog_test_run(struct call *c);

int cmd_btf_load(struct call *c);

int cmd_link_create(struct call *c);
int cmd_link_update(struct call *c);
int cmd_link_detach(struct call *c);
int cmd_iter_create(struct call *c);

int cmd_prog_next_id(struct call *c);
int cmd_map_next_id(struct call *c);
int cmd_btf_next_id(struct call *c);
int cmd_prog_fd_by_id(struct call *c);
int cmd_map_fd_by_id(struct call *c);
int cmd_btf_fd_by_id(struct call *c);
int cmd_link_next_id(struct call *c);
int cmd_link_fd_by_id(struct call *c);
int cmd_info_by_fd(struct call *c);
int cmd_enable_stats(struct call *c);

/* --- shared by commands ------------------------------------------------------------------- */

struct bpf_link;
struct bpf_map;
struct bpf_prog;
struct btf_object;

int call_copy_name(char *dst, const char *src);
int call_check_log(u32 level, u64 buf, u32 size);
int call_open_new(struct object *obj, int access);

/*
 * Each writes the info at the caller's address.  *bytes: how much the caller has
 * room for; then how much was written.  0, -E2BIG, -EFAULT, -EINVAL or -ENOSPC.
 */
int info_of_map(struct bpf_map *map, u64 user_info, u32 *bytes);
int info_of_prog(struct bpf_prog *prog, u64 user_info, u32 *bytes);
int info_of_btf(struct btf_object *bo, u64 user_info, u32 *bytes);
int info_of_link(struct bpf_link *link, u64 user_info, u32 *bytes);

#endif
