/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/syscall/link.c - BPF_LINK_* and BPF_ITER_CREATE
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "bpf/link/link.h"
#include "bpf/syscall/call.h"
#include "bpf/syscall/user.h"

/* As with info structs: what newer callers know more must be zero. */
static int read_iter_info(const union bpf_attr *attr, union bpf_iter_link_info *info)
{
	u64 from = attr->link_create.iter_info;
	u32 bytes = attr->link_create.iter_info_len;

	memset(info, 0, sizeof(*info));
	if (!from != !bytes)
		return -EINVAL;
	if (bytes > map_page_bytes())
		return -E2BIG;
	if (bytes > sizeof(*info)) {
		int err = user_check_zero(from + sizeof(*info), bytes - sizeof(*info));

		if (err)
			return err;
	}
	return user_read(info, from, min(bytes, (u32)sizeof(*info)));
}

/*
 * Events of threads are for programs of one type.  The others have events that are not of
 * this process; libbpf finds out with one of those what there is.
 */
static int create_perf(const union bpf_attr *attr, struct bpf_prog *prog,
		       struct bpf_link **ret_link)
{
	int fd = attr->link_create.target_fd, err;

	if (attr->link_create.attach_type != BPF_PERF_EVENT || attr->link_create.flags)
		return -EINVAL;
	err = perf_check_fd(fd);
	if (!err && prog->type != BPF_PROG_TYPE_PERF_EVENT)
		err = -EINVAL;
	return err ?: link_create_perf(prog, fd, attr->link_create.perf_event.bpf_cookie,
				       ret_link);
}

static bool is_for_events(const struct bpf_prog *prog)
{
	return prog->type == BPF_PROG_TYPE_PERF_EVENT || prog->type == BPF_PROG_TYPE_TRACEPOINT ||
	       prog->type == BPF_PROG_TYPE_KPROBE;
}

static int create(const union bpf_attr *attr, struct bpf_prog *prog, struct bpf_link **ret_link)
{
	union bpf_iter_link_info info;
	struct bpf_map *map = NULL;
	int err;

	if (is_for_events(prog))
		return create_perf(attr, prog, ret_link);
	if (!prog->iter || attr->link_create.attach_type != prog->attach_type)
		return -EINVAL;
	if (attr->link_create.target_fd || attr->link_create.flags)
		return -EINVAL;
	err = read_iter_info(attr, &info);
	err = err ?: link_check_prog(prog);
	/* Number 0 means that no map was given, as in the kernel. */
	if (!err && prog->iter->ops->takes_map && info.map.map_fd)
		err = map_by_fd(info.map.map_fd, &map);
	err = err ?: link_create(prog, map, ret_link);
	map_put(map);
	return err;
}

int cmd_link_create(struct call *c)
{
	struct bpf_link *link;
	struct bpf_prog *prog;
	int err;

	err = prog_by_fd(c->attr.link_create.prog_fd, &prog);
	if (err)
		return err;
	err = create(&c->attr, prog, &link);
	prog_put(prog);
	return err ?: call_open_new(&link->obj, O_RDWR);
}

/* The program that is to be replaced, if the caller says which. */
static int read_old(const union bpf_attr *attr, struct bpf_prog **ret_old)
{
	*ret_old = NULL;
	if (attr->link_update.flags & BPF_F_REPLACE)
		return prog_by_fd(attr->link_update.old_prog_fd, ret_old);
	return attr->link_update.old_prog_fd ? -EINVAL : 0;
}

static int update(const union bpf_attr *attr, struct bpf_link *link)
{
	struct bpf_prog *prog, *old;
	int err = prog_by_fd(attr->link_update.new_prog_fd, &prog);

	if (err)
		return err;
	err = read_old(attr, &old);
	if (!err) {
		err = link_update(link, prog, old);
		prog_put(old);
	}
	prog_put(prog);
	return err;
}

int cmd_link_update(struct call *c)
{
	struct bpf_link *link;
	int err;

	if (c->attr.link_update.flags & ~BPF_F_REPLACE)
		return -EINVAL;
	err = link_by_fd(c->attr.link_update.link_fd, &link);
	if (err)
		return err;
	err = update(&c->attr, link);
	link_put(link);
	return err;
}

/* What an iterator is bound to never goes away under it. */
int cmd_link_detach(struct call *c)
{
	struct bpf_link *link;
	int err = link_by_fd(c->attr.link_detach.link_fd, &link);

	if (err)
		return err;
	link_put(link);
	return -EOPNOTSUPP;
}

int cmd_iter_create(struct call *c)
{
	struct bpf_link *link;
	int err;

	if (c->attr.iter_create.flags)
		return -EINVAL;
	err = link_by_fd(c->attr.iter_create.link_fd, &link);
	if (err)
		return err;
	err = iter_session_open(link, ITER_SERVE_READ);
	link_put(link);
	return err;
}
