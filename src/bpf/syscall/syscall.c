/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/syscall/syscall.c - the command table of bpf(2)
 *
 * The attribute is copied once, so that a caller's other threads cannot change
 * what has been checked.  What a command does not use must be zero.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <rove/bpf.h>

#include "base/checked_copy.h"
#include "base/context.h"
#include "base/mutex.h"
#include "bpf/btf/btf_object.h"
#include "bpf/helper/helper.h"
#include "bpf/helper/sample.h"
#include "bpf/link/perf.h"
#include "bpf/map/map.h"
#include "bpf/syscall/call.h"
#include "bpf/syscall/user.h"

#define SWEEP_PER_CREATE 4	/* more than one, so that sweeping keeps up with creating */
#define LOG_MAX_BYTES (UINT32_MAX >> 2)
#define LOG_LEVELS 0xf

struct command {
	int (*run)(struct call *c);
	u32 end;		/* of the last member it uses */
	bool creates;
	bool runs;
};

static const struct command commands[] = {
	[BPF_MAP_CREATE] = { cmd_map_create, ATTR_END(map_extra), true },
	[BPF_MAP_LOOKUP_ELEM] = { cmd_map_lookup, ATTR_END(flags) },
	[BPF_MAP_UPDATE_ELEM] = { cmd_map_update, ATTR_END(flags) },
	[BPF_MAP_DELETE_ELEM] = { cmd_map_delete, ATTR_END(key) },
	[BPF_MAP_GET_NEXT_KEY] = { cmd_map_next_key, ATTR_END(next_key) },
	[BPF_MAP_LOOKUP_AND_DELETE_ELEM] = { cmd_map_lookup_and_delete, ATTR_END(flags) },
	[BPF_MAP_FREEZE] = { cmd_map_freeze, ATTR_END(map_fd) },
	[BPF_MAP_LOOKUP_BATCH] = { cmd_map_lookup_batch, ATTR_END(batch.flags) },
	[BPF_MAP_UPDATE_BATCH] = { cmd_map_update_batch, ATTR_END(batch.flags) },
	[BPF_MAP_DELETE_BATCH] = { cmd_map_delete_batch, ATTR_END(batch.flags) },
	[BPF_PROG_LOAD] = { cmd_prog_load, ATTR_PROG_LOG_TRUE_SIZE_END, true },
	[BPF_PROG_BIND_MAP] = { cmd_prog_bind_map, ATTR_END(prog_bind_map.flags) },
	[BPF_PROG_TEST_RUN] = { cmd_prog_test_run, ATTR_END(test.batch_size), .runs = true },
	[BPF_BTF_LOAD] = { cmd_btf_load, ATTR_BTF_LOG_TRUE_SIZE_END, true },
	[BPF_PROG_GET_NEXT_ID] = { cmd_prog_next_id, ATTR_END(next_id) },
	[BPF_MAP_GET_NEXT_ID] = { cmd_map_next_id, ATTR_END(next_id) },
	[BPF_BTF_GET_NEXT_ID] = { cmd_btf_next_id, ATTR_END(next_id) },
	[BPF_PROG_GET_FD_BY_ID] = { cmd_prog_fd_by_id, ATTR_END(prog_id) },
	[BPF_MAP_GET_FD_BY_ID] = { cmd_map_fd_by_id, ATTR_END(open_flags) },
	[BPF_BTF_GET_FD_BY_ID] = { cmd_btf_fd_by_id, ATTR_END(btf_id) },
	[BPF_LINK_CREATE] = { cmd_link_create, ATTR_LINK_CREATE_END, true },
	[BPF_LINK_UPDATE] = { cmd_link_update, ATTR_END(link_update.old_prog_fd) },
	[BPF_LINK_DETACH] = { cmd_link_detach, ATTR_END(link_detach.link_fd) },
	[BPF_LINK_GET_FD_BY_ID] = { cmd_link_fd_by_id, ATTR_END(link_id) },
	[BPF_LINK_GET_NEXT_ID] = { cmd_link_next_id, ATTR_END(next_id) },
	[BPF_ITER_CREATE] = { cmd_iter_create, ATTR_END(iter_create.flags), true },
	[BPF_OBJ_GET_INFO_BY_FD] = { cmd_info_by_fd, ATTR_END(info.info) },
	[BPF_ENABLE_STATS] = { cmd_enable_stats, ATTR_END(enable_stats.type), true },
};

static int call_of_program(int cmd, u64 attr, u32 size);

/* Checked reads must work, and our own BTF is to have the first id. */
static int init_once(void)
{
	static struct mutex lock = MUTEX_INIT;	/* outside everything */
	static bool done;
	struct btf_object *self;
	int err = 0;

	mutex_lock(&lock);
	if (!done) {
		err = checked_copy_init();
		err = err ?: btf_object_self(&self);
		helper_bpf_call = call_of_program;
		done = !err;
	}
	mutex_unlock(&lock);
	return err;
}

static int read_attr(struct call *c, u64 user_attr, u32 size)
{
	int err;

	if (size > map_page_bytes())
		return -E2BIG;
	if (size > ATTR_BYTES) {
		err = user_check_zero(user_attr + ATTR_BYTES, size - ATTR_BYTES);
		if (err)
			return err;
	}
	memset(c->raw, 0, sizeof(c->raw));
	c->user_attr = user_attr;
	c->bytes = min(size, (u32)ATTR_BYTES);
	return user_read(c->raw, user_attr, c->bytes);
}

static bool tail_is_zero(const struct call *c, u32 from)
{
	for (u32 i = from; i < ATTR_BYTES; i++)
		if (c->raw[i])
			return false;
	return true;
}

/* Programs that are run by the call find its caller's stack as their user's. */
static int run_for_caller(const struct command *command, struct call *c,
			  const struct user_frame *caller)
{
	struct run_origin outer = run_origin;
	int ret;

	run_origin = (struct run_origin){ .user = *caller };
	ret = command->run(c);
	run_origin = outer;
	return ret;
}

static int take_call(struct call *c, int cmd, u64 attr, u32 size)
{
	int err = read_attr(c, attr, size);

	if (err)
		return err;
	if (cmd < 0 || cmd >= ARRAY_SIZE(commands) || !commands[cmd].run)
		return -EINVAL;
	return tail_is_zero(c, commands[cmd].end) ? 0 : -EINVAL;
}

/* As in the kernel, but for links: the end of one waits for running programs. */
static bool is_for_programs(int cmd)
{
	return cmd == BPF_MAP_CREATE || cmd == BPF_MAP_UPDATE_ELEM || cmd == BPF_MAP_DELETE_ELEM ||
	       cmd == BPF_MAP_FREEZE || cmd == BPF_MAP_GET_FD_BY_ID || cmd == BPF_PROG_LOAD ||
	       cmd == BPF_BTF_LOAD;
}

/* By a program, in its read section: what was closed is not looked for. */
static int call_of_program(int cmd, u64 attr, u32 size)
{
	struct call c;
	int ret;

	if (!is_for_programs(cmd))
		return -EINVAL;
	ret = take_call(&c, cmd, attr, size);
	if (ret)
		return ret;
	object_keep_lost(true);
	ret = commands[cmd].run(&c);
	object_keep_lost(false);
	return ret;
}

int rove_bpf(int cmd, union bpf_attr *attr, unsigned int size)
{
	/* The frame of this function: its caller's frame pointer, and where it returns to. */
	const u64 *frame = __builtin_frame_address(0);
	const struct user_frame caller = {
		.pc = (uintptr_t)__builtin_return_address(0),
		.fp = frame[0],
		.sp = (uintptr_t)(frame + 2),
	};
	const struct command *command;
	struct call c;
	int err;

	ctx_may_sleep();
	err = init_once();
	err = err ?: take_call(&c, cmd, (uintptr_t)attr, size);
	if (err)
		return err;
	command = &commands[cmd];
	if (command->creates) {
		object_sweep(SWEEP_PER_CREATE);
		perf_sweep();
	}
	/* The application may have put a handler of its own in front of ours meanwhile. */
	if (command->creates || command->runs)
		err = checked_copy_init();
	if (err)
		return err;
	return command->runs ? run_for_caller(command, &c, &caller) : command->run(&c);
}

/* --- shared by commands ------------------------------------------------------------------- */

/**
 * call_copy_name - take an object's name
 * @dst, @src: BPF_OBJ_NAME_LEN bytes
 *
 * Context: any.
 * Return:  0, or -EINVAL: no NUL, or a character that is not one of a name.
 */
int call_copy_name(char *dst, const char *src)
{
	memset(dst, 0, BPF_OBJ_NAME_LEN);
	for (u32 i = 0; i < BPF_OBJ_NAME_LEN; i++) {
		unsigned char ch = src[i];

		if (!ch)
			return 0;
		if (ch >= 0x80 || (!isalnum(ch) && ch != '_' && ch != '.'))
			return -EINVAL;
		dst[i] = ch;
	}
	return -EINVAL;
}

/* A log needs a level, and a buffer its size. */
int call_check_log(u32 level, u64 buf, u32 size)
{
	if (!!buf != !!size)
		return -EINVAL;
	if (buf && !level)
		return -EINVAL;
	if ((level & ~LOG_LEVELS) || size > LOG_MAX_BYTES)
		return -EINVAL;
	return 0;
}

/**
 * call_open_new - the first descriptor of a new object
 * @obj: the caller's one reference, given up in every case
 *
 * Context: may sleep.
 * Return:  a descriptor, or -errno; then the object is gone.
 */
int call_open_new(struct object *obj, int access)
{
	int fd = object_open(obj, access);

	object_put(obj);
	return fd;
}
