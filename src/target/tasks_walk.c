/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/tasks_walk.c - progs/tasks.bpf.c on the kernel
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "target/program.h"
#include "target/ring.h"
#include "target/tasks_walk.h"

extern const char rove_embed_tasks_bpf_o[], rove_embed_tasks_bpf_o_end[];

struct tasks_walk {
	struct bpf_object *obj;
	struct ring ring;
	int prog_fd;
};

/* The context of the program (progs/tasks.bpf.c). */
struct tasks_ctx {
	u32 nr_objects, visited, lost, pad;
};

static int load(struct tasks_walk *walk, struct program_why why)
{
	const struct program_image image = {
		.name = "tasks",
		.data = rove_embed_tasks_bpf_o,
		.end = rove_embed_tasks_bpf_o_end,
	};
	struct bpf_map *records;
	int err;

	err = program_may_load(&target_kernel, why);
	err = err ?: program_open(&image, &walk->obj, why);
	err = err ?: program_load(walk->obj, &image, why);
	if (err)
		return err;
	records = bpf_object__find_map_by_name(walk->obj, "records");
	walk->prog_fd = bpf_program__fd(bpf_object__find_program_by_name(walk->obj, "tasks_walk"));
	return ring_map(&target_kernel, bpf_map__fd(records), bpf_map__max_entries(records),
			&walk->ring);
}

int tasks_walk_open(struct tasks_walk **ret_walk, char *why, size_t why_size)
{
	const struct target *was = target_use(&target_kernel);
	struct tasks_walk *walk = calloc(1, sizeof(*walk));
	int err = -ENOMEM;

	if (walk)
		err = load(walk, (struct program_why){ .text = why, .size = why_size });
	if (err)
		tasks_walk_close(walk);
	else
		*ret_walk = walk;
	target_use(was);
	return err;
}

int tasks_walk_run(struct tasks_walk *walk, u32 nr_objects, u64 *ret_ns)
{
	struct tasks_ctx ctx = { .nr_objects = nr_objects };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));
	const struct target *was = target_use(&target_kernel);
	u64 start_ns;
	int err;

	ring_consume_all(&walk->ring);
	start_ns = clock_mono_ns();
	err = bpf_prog_test_run_opts(walk->prog_fd, &opts);
	*ret_ns = clock_mono_ns() - start_ns;
	target_use(was);
	if (!err && (ctx.lost || ctx.visited != nr_objects))
		err = -ENOSPC;
	return err;
}

void tasks_walk_close(struct tasks_walk *walk)
{
	const struct target *was;

	if (!walk)
		return;
	was = target_use(&target_kernel);
	ring_unmap(&walk->ring);
	bpf_object__close(walk->obj);
	free(walk);
	target_use(was);
}
