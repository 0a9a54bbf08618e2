/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/prog/prog.c - find, bind and run programs
 */
#include <errno.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/context.h"
#include "bpf/map/rcu.h"
#include "bpf/prog/prog.h"

/**
 * prog_by_fd - the program behind a descriptor
 * @ret_prog: with a reference; prog_put()
 *
 * Context: thread.
 * Return:  0, -EBADF, or -EINVAL (open on something else).
 */
int prog_by_fd(int fd, struct bpf_prog **ret_prog)
{
	struct object *obj;
	int err = object_by_fd(fd, &obj);

	if (err)
		return err;
	if (obj->ops != &prog_object_ops) {
		object_put(obj);
		return -EINVAL;
	}
	*ret_prog = prog_of_object(obj);
	return 0;
}

static int bind_locked(struct bpf_prog *prog, struct bpf_map *map)
{
	struct bpf_map **maps;

	assert_held(&prog->lock);
	for (u32 i = 0; i < prog->nr_maps; i++)
		if (prog->maps[i] == map)
			return 0;
	maps = realloc(prog->maps, (prog->nr_maps + 1) * sizeof(*maps));
	if (!maps)
		return -ENOMEM;
	prog->maps = maps;
	maps[prog->nr_maps++] = map;
	map_get(map);
	return 0;
}

/**
 * prog_bind_map - keep a map as long as a program that does not use it
 *
 * Context: may sleep.
 * Return:  0 (also when it was bound already) or -ENOMEM.
 */
int prog_bind_map(struct bpf_prog *prog, struct bpf_map *map)
{
	int err;

	ctx_may_sleep();
	mutex_lock(&prog->lock);
	err = bind_locked(prog, map);
	mutex_unlock(&prog->lock);
	return err;
}

static int run(const struct bpf_prog *prog, const void *ctx, u64 *ret_r0)
{
	const u64 args[INTERP_MAX_ARGS] = { (uintptr_t)ctx };
	int err;

	map_rcu_read_lock();
	err = interp_run(prog->code, 0, args, ret_r0);
	map_rcu_read_unlock();
	return err;
}

static int run_timed(struct bpf_prog *prog, const void *ctx, u64 *ret_r0)
{
	u64 begin_ns = clock_mono_ns();
	int err = run(prog, ctx, ret_r0);

	fetch_add_relaxed(&prog->run_time_ns, clock_mono_ns() - begin_ns);
	fetch_add_relaxed(&prog->run_cnt, 1);
	return err;
}

/**
 * prog_run - run a program once
 * @prog: the caller holds a reference
 * @ctx:  its context, at least ->max_ctx_bytes
 * @ret_value: the lower half of what it returned
 *
 * Context: any; a thread, unless the program's type runs in signal handlers.
 * Return:  0; -EFAULT, -ELOOP as interp_run(), never for what the verifier accepted.
 */
int prog_run(struct bpf_prog *prog, const void *ctx, u32 *ret_value)
{
	u64 r0 = 0;
	int err;

	ctx_any();
	err = READ_ONCE(prog_stats_users) ? run_timed(prog, ctx, &r0) : run(prog, ctx, &r0);
	if (!err)
		*ret_value = r0;
	return err;
}
