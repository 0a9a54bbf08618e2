/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/link/link.c - make links, and exchange their programs
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/context.h"
#include "bpf/core/view.h"
#include "bpf/link/link.h"

static void link_object_free(struct object *obj)
{
	struct bpf_link *link = link_of_object(obj);

	if (link->perf)
		perf_detach(link->perf);
	prog_put(link->prog);
	map_put(link->map);
	free(link);
}

static void link_view(struct object *obj, struct object_view *ret_view)
{
	struct bpf_link *link = link_of_object(obj);
	struct bpf_prog *prog = link_prog(link);

	prog->obj.ops->view(&prog->obj, ret_view);
	prog_put(prog);
	ret_view->link = (struct bpf_link_view){
		.id = obj->id,
		.type = link_type(link),
		.prog = &ret_view->prog,
	};
}

const struct object_ops link_object_ops = {
	.kind = OBJECT_LINK,
	.memfd_name = "bpf-link",
	.free = link_object_free,
	.view = link_view,
};

/* How much of a value is nobody else's: special fields belong to their functions. */
static u64 plain_bytes(const struct bpf_map *map)
{
	return map->spec.fields.nr ? map->spec.fields.at[0].off : map_user_value_bytes(map);
}

/* A program that was checked against no size may reach no further than there is. */
static int check_map(const struct bpf_prog *prog, const struct bpf_map *map)
{
	const struct iter_ops *ops = prog->iter->ops;

	if (!ops->takes_map)
		return 0;
	if (!map)
		return -EBADF;
	if (!ops->takes_map(map))
		return -EINVAL;
	if (prog->max_buf_rdonly_bytes > map->spec.key_size ||
	    prog->max_buf_bytes > plain_bytes(map))
		return -EACCES;
	/* What is read-only for programs may be known to the verifier of others. */
	if (prog->writes_buf && map->spec.flags & BPF_F_RDONLY_PROG)
		return -EACCES;
	return 0;
}

/**
 * link_check_prog - may an iterator's program be bound to its target at all
 *
 * Context: any.
 * Return:  0, or -EINVAL: it may sleep, and objects of the target are not held for it.
 */
int link_check_prog(const struct bpf_prog *prog)
{
	return prog->flags & BPF_F_SLEEPABLE && !prog->iter->may_sleep ? -EINVAL : 0;
}

/* A link that nobody else knows; its descriptor waits in ->obj.memfd for publish(). */
static int new_link(struct bpf_prog *prog, struct bpf_link **ret_link)
{
	struct bpf_link *link = calloc(1, sizeof(*link));
	int memfd;

	if (!link)
		return -ENOMEM;
	memfd = object_memfd_create(&link_object_ops, 0);
	if (memfd < 0) {
		free(link);
		return memfd;
	}
	link->obj.memfd = memfd;
	mutex_init(&link->lock);
	link->prog = prog;
	object_get(&prog->obj);
	*ret_link = link;
	return 0;
}

/* Give it an id.  On failure it is gone. */
static int publish(struct bpf_link *link)
{
	int memfd = link->obj.memfd, err;

	err = object_init(&link->obj, &link_object_ops, memfd);
	if (err) {
		close(memfd);
		link_object_free(&link->obj);
	}
	return err;
}

/**
 * link_create - bind an iterator's program to its target
 * @prog: ->iter is set; the link takes a reference of its own
 * @map:  for targets that take one; NULL: none was given.  Another target ignores it
 * @ret_link: with one reference; set on success only
 *
 * Context: may sleep.
 * Return:  0; -EINVAL (a program that may sleep, where it may not; not that type of map),
 *          -EBADF (no map), -EACCES (the map's keys or values are too small), -ENOMEM, -EMFILE.
 */
int link_create(struct bpf_prog *prog, struct bpf_map *map, struct bpf_link **ret_link)
{
	struct bpf_link *link;
	int err;

	ctx_may_sleep();
	err = link_check_prog(prog);
	err = err ?: check_map(prog, map);
	err = err ?: new_link(prog, &link);
	if (err)
		return err;
	link->target = prog->iter;
	if (prog->iter->ops->takes_map) {
		link->map = map;
		map_get(map);
	}
	err = publish(link);
	if (err)
		return err;
	*ret_link = link;
	return 0;
}

/**
 * link_create_perf - run a program whenever an event overflows
 * @prog:     of type perf_event; the link takes references of its own
 * @event_fd: from perf_event_open(2); the event lives as long as the link
 * @cookie:   for the program to ask for
 * @ret_link: with one reference; set on success only
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM, -EMFILE, or as perf_attach().
 */
int link_create_perf(struct bpf_prog *prog, int event_fd, u64 cookie, struct bpf_link **ret_link)
{
	struct bpf_link *link;
	int err;

	ctx_may_sleep();
	err = new_link(prog, &link);
	if (err)
		return err;
	err = perf_attach(event_fd, prog, cookie, &link->perf);
	if (err) {
		close(link->obj.memfd);
		link_object_free(&link->obj);
		return err;
	}
	err = publish(link);
	if (err)
		return err;
	*ret_link = link;
	return 0;
}

/**
 * link_by_fd - the link behind a descriptor
 * @ret_link: with a reference; link_put()
 *
 * Context: thread.
 * Return:  0, -EBADF, or -EINVAL (open on something else).
 */
int link_by_fd(int fd, struct bpf_link **ret_link)
{
	struct object *obj;
	int err = object_by_fd(fd, &obj);

	if (err)
		return err;
	if (obj->ops != &link_object_ops) {
		object_put(obj);
		return -EINVAL;
	}
	*ret_link = link_of_object(obj);
	return 0;
}

/* The link's program now, with a reference for the caller.  Context: thread. */
struct bpf_prog *link_prog(struct bpf_link *link)
{
	struct bpf_prog *prog;

	mutex_lock(&link->lock);
	prog = link->prog;
	object_get(&prog->obj);
	mutex_unlock(&link->lock);
	return prog;
}

/* Walks that begin from now on run @prog.  *ret_was: the link's reference to the one before. */
static int exchange(struct bpf_link *link, struct bpf_prog *prog, const struct bpf_prog *old,
		    struct bpf_prog **ret_was)
{
	struct bpf_prog *was = link->prog;

	assert_held(&link->lock);
	if (old && old != was)
		return -EPERM;
	if (prog->type != was->type || prog->attach_type != was->attach_type ||
	    prog->attach_btf_id != was->attach_btf_id)
		return -EINVAL;
	if (check_map(prog, link->map) || link_check_prog(prog))
		return -EINVAL;
	object_get(&prog->obj);
	link->prog = prog;
	*ret_was = was;
	return 0;
}

/**
 * link_update - exchange the program
 * @old: what it must be now; NULL: whatever it is
 *
 * Context: may sleep.
 * Return:  0, -EPERM (it is not @old), -EINVAL (for something else; a perf event's link keeps
 *          its program).
 */
int link_update(struct bpf_link *link, struct bpf_prog *prog, const struct bpf_prog *old)
{
	struct bpf_prog *was = NULL;
	int err;

	ctx_may_sleep();
	if (link->perf)
		return -EINVAL;
	mutex_lock(&link->lock);
	err = exchange(link, prog, old, &was);
	mutex_unlock(&link->lock);
	prog_put(was);
	return err;
}
