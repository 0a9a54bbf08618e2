/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/prog/stats.c - who wants runs of programs to be counted and timed
 *
 * Reading the clock twice costs more than a short program, so it is done only while
 * a descriptor of BPF_ENABLE_STATS is open.
 *
 * Invariant: prog_stats_users is the number of objects made here that are not freed.
 * Not here:  the counting (prog_run()), and what is always counted (->recursion_misses).
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/context.h"
#include "bpf/prog/prog.h"

u32 prog_stats_users;

static void stats_free(struct object *obj)
{
	fetch_add_relaxed(&prog_stats_users, -1);
	free(obj);
}

const struct object_ops stats_object_ops = {
	.kind = OBJECT_STATS,
	.memfd_name = "bpf-stats",
	.free = stats_free,
};

/**
 * prog_stats_create - count and time all runs, as long as the object is there
 * @ret_obj: with one reference; set on success only
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM or -EMFILE.
 */
int prog_stats_create(struct object **ret_obj)
{
	struct object *obj = malloc(sizeof(*obj));
	int memfd, err;

	ctx_may_sleep();
	if (!obj)
		return -ENOMEM;
	memfd = object_memfd_create(&stats_object_ops, 0);
	if (memfd < 0) {
		free(obj);
		return memfd;
	}
	err = object_init(obj, &stats_object_ops, memfd);
	if (err) {
		close(memfd);
		free(obj);
		return err;
	}
	fetch_add_relaxed(&prog_stats_users, 1);
	*ret_obj = obj;
	return 0;
}
