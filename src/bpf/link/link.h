/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/link/link.h - a program bound to what it is for
 *
 * A link is an iterator's or a perf event's.  An iterator's is a program and a target,
 * from which any number of walks can be begun; a walk keeps what it needs itself, so it
 * outlives its link.  A perf event's program runs for as long as the link lives.
 */
#ifndef ROVE_BPF_LINK_LINK_H
#define ROVE_BPF_LINK_LINK_H

#include <sys/types.h>

#include "bpf/link/perf.h"
#include "bpf/prog/prog.h"

/*
 * I  set before the link is published, never changed
 * L  under ->lock
 */
struct bpf_link {
	struct object		obj;
	const struct iter_target *target;	/* I: NULL: of a perf event */
	struct perf_attach	*perf;		/* I: NULL: of an iterator */
	struct bpf_map		*map;		/* I: referenced, or NULL */
	struct mutex		lock;		/* leaf */
	struct bpf_prog		*prog;		/* L: referenced */
};

extern const struct object_ops link_object_ops;

static inline struct bpf_link *link_of_object(struct object *obj)
{
	return container_of(obj, struct bpf_link, obj);
}

static inline void link_put(struct bpf_link *link)
{
	if (link)
		object_put(&link->obj);
}

static inline u32 link_type(const struct bpf_link *link)
{
	return link->perf ? BPF_LINK_TYPE_PERF_EVENT : BPF_LINK_TYPE_ITER;
}

int link_check_prog(const struct bpf_prog *prog);
int link_create(struct bpf_prog *prog, struct bpf_map *map, struct bpf_link **ret_link);
int link_create_perf(struct bpf_prog *prog, int event_fd, u64 cookie, struct bpf_link **ret_link);
int link_by_fd(int fd, struct bpf_link **ret_link);
int link_update(struct bpf_link *link, struct bpf_prog *prog, const struct bpf_prog *old);
struct bpf_prog *link_prog(struct bpf_link *link);

/* --- walks behind descriptors -------------------------------------------------------------- */

/* How a walk's bytes reach who has the descriptor. */
enum iter_serve {
	ITER_SERVE_READ,	/* a thread of ours answers read(2) */
	ITER_SERVE_CALLS,	/* iter_session_read() only: nothing runs before it is called */
};

int iter_session_open(struct bpf_link *link, enum iter_serve serve);
ssize_t iter_session_read(int fd, void *buf, size_t bytes);
int iter_session_close(int fd);

#endif
