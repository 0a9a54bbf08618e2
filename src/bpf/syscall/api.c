/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/syscall/api.c - what rove/bpf.h offers beside bpf(2) itself
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <rove/bpf.h>

#include "base/context.h"
#include "bpf/btf/btf.h"
#include "bpf/helper/trace.h"
#include "bpf/link/link.h"
#include "bpf/map/map.h"

int rove_bpf_close(int fd)
{
	int err = object_close(fd);

	ctx_may_sleep();
	err = err == -EBADF ? iter_session_close(fd) : err;
	return err == -EBADF ? perf_close(fd) : err;
}

bool rove_bpf_owns(int fd)
{
	struct object *obj;

	ctx_may_sleep();
	if (object_by_fd(fd, &obj))
		return false;
	object_put(obj);
	return true;
}

/* As for a file that was opened so: what can never be written is no shared mapping. */
static int check_mode(int fd, int prot, int *flags)
{
	int mode = fcntl(fd, F_GETFL) & O_ACCMODE;

	if (mode == O_WRONLY || (mode == O_RDONLY && (prot & PROT_WRITE)))
		return -EACCES;
	if (mode == O_RDONLY)
		*flags = (*flags & ~MAP_TYPE) | MAP_PRIVATE;
	return 0;
}

int rove_bpf_mmap(int fd, size_t length, int prot, int flags, long offset, void **ret_addr)
{
	struct object *obj;
	int err;

	ctx_may_sleep();
	if (object_by_fd(fd, &obj))
		return -EBADF;
	err = check_mode(fd, prot, &flags);
	if (!err && obj->ops != &map_object_ops)
		err = -ENODEV;
	err = err ?: map_mmap(map_of_object(obj), length, prot, flags, offset, ret_addr);
	object_put(obj);
	return err;
}

int rove_bpf_poll_fd(int fd)
{
	struct bpf_map *map;
	struct object *obj;
	int ret = -EINVAL;

	ctx_may_sleep();
	if (object_by_fd(fd, &obj))
		return -EBADF;
	if (obj->ops == &map_object_ops) {
		map = map_of_object(obj);
		if (map->ops->poll_fd)
			ret = map->ops->poll_fd(map);
	}
	object_put(obj);
	return ret;
}

int rove_bpf_perf_event_set(int event_fd, int prog_fd)
{
	struct bpf_prog *prog;
	int err = prog_by_fd(prog_fd, &prog);

	ctx_may_sleep();
	if (err)
		return err;
	err = perf_set_prog(event_fd, prog);
	prog_put(prog);
	return err;
}

int rove_bpf_iter_open(int link_fd)
{
	struct bpf_link *link;
	int err = link_by_fd(link_fd, &link);

	ctx_may_sleep();
	if (err)
		return err;
	err = iter_session_open(link, ITER_SERVE_CALLS);
	link_put(link);
	return err;
}

ssize_t rove_bpf_iter_read(int fd, void *buf, size_t bytes)
{
	ctx_may_sleep();
	return iter_session_read(fd, buf, bytes);
}

const void *rove_bpf_btf(size_t *ret_size)
{
	u32 size = 0;
	const void *data = btf_self_data(&size);

	*ret_size = size;
	return data;
}

void rove_bpf_set_trace_fd(int fd)
{
	trace_set_fd(fd);
}

int rove_bpf_sample_signal(int number)
{
	return sample_signal_choose(number);
}
