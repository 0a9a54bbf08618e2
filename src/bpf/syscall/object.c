/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/syscall/object.c - find objects by id, and open them
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "bpf/link/link.h"
#include "bpf/map/map.h"
#include "bpf/prog/prog.h"
#include "bpf/syscall/call.h"
#include "bpf/syscall/user.h"

static int next_id(struct call *c, enum object_kind kind)
{
	u32 id;

	/* Our header has ->open_flags behind ->next_id, where nothing may be. */
	if (c->attr.start_id >= INT_MAX)
		return -EINVAL;
	perf_sweep();
	object_sweep(UINT32_MAX);
	id = object_next_id(kind, c->attr.start_id);
	if (!id)
		return -ENOENT;
	return call_answer(c, next_id, id);
}

int cmd_prog_next_id(struct call *c)
{
	return next_id(c, OBJECT_PROG);
}

int cmd_map_next_id(struct call *c)
{
	return next_id(c, OBJECT_MAP);
}

int cmd_btf_next_id(struct call *c)
{
	return next_id(c, OBJECT_BTF);
}

int cmd_link_next_id(struct call *c)
{
	return next_id(c, OBJECT_LINK);
}

static int fd_by_id(enum object_kind kind, u32 id, int access)
{
	struct object *obj = object_by_id(kind, id);
	int fd;

	if (!obj)
		return -ENOENT;
	fd = object_open(obj, access);
	object_put(obj);
	return fd;
}

int cmd_prog_fd_by_id(struct call *c)
{
	return fd_by_id(OBJECT_PROG, c->attr.prog_id, O_RDWR);
}

int cmd_btf_fd_by_id(struct call *c)
{
	return fd_by_id(OBJECT_BTF, c->attr.btf_id, O_RDWR);
}

int cmd_link_fd_by_id(struct call *c)
{
	return fd_by_id(OBJECT_LINK, c->attr.link_id, O_RDWR);
}

int cmd_map_fd_by_id(struct call *c)
{
	switch (c->attr.open_flags) {
	case 0:
		return fd_by_id(OBJECT_MAP, c->attr.map_id, O_RDWR);
	case BPF_F_RDONLY:
		return fd_by_id(OBJECT_MAP, c->attr.map_id, O_RDONLY);
	case BPF_F_WRONLY:
		return fd_by_id(OBJECT_MAP, c->attr.map_id, O_WRONLY);
	default:
		return -EINVAL;
	}
}

static int info_of(struct object *obj, u64 user_info, u32 *bytes)
{
	switch (obj->ops->kind) {
	case OBJECT_PROG:
		return info_of_prog(prog_of_object(obj), user_info, bytes);
	case OBJECT_MAP:
		return info_of_map(map_of_object(obj), user_info, bytes);
	case OBJECT_LINK:
		return info_of_link(link_of_object(obj), user_info, bytes);
	case OBJECT_BTF:
		return info_of_btf(container_of(obj, struct btf_object, obj), user_info, bytes);
	default:
		return -EINVAL;	/* stats have none */
	}
}

int cmd_info_by_fd(struct call *c)
{
	u32 bytes = c->attr.info.info_len;
	struct object *obj;
	int err;

	err = object_by_fd(c->attr.info.bpf_fd, &obj);
	if (err)
		return err == -EBADF ? -EBADFD : err;	/* the kernel's own word here */
	err = info_of(obj, c->attr.info.info, &bytes);
	object_put(obj);
	return err ?: call_answer(c, info.info_len, bytes);
}
