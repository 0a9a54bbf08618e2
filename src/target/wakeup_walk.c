/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/wakeup_walk.c - progs/wakeup.bpf.c, loaded into a target and run
 *
 * Completeness: the program counts what it met and what found no room.  When
 * something found none, the object is loaded anew with a ring buffer for what
 * was met and some more, and the walk repeated.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "target/program.h"
#include "target/ring.h"
#include "target/wakeup_walk.h"

#define FIRST_RING_BYTES (1u << 20)
#define LARGEST_RING_BYTES (1u << 31)
#define MAX_WALKS 8

extern const char rove_embed_wakeup_bpf_o[], rove_embed_wakeup_bpf_o_end[];

struct wakeup_walk {
	const struct target *target;
	struct wakeup_walk_options options;
	struct bpf_object *obj;
	struct ring ring;
	int prog_fd;
};

const void *wakeup_walk_object(size_t *ret_size)
{
	*ret_size = rove_embed_wakeup_bpf_o_end - rove_embed_wakeup_bpf_o;
	return rove_embed_wakeup_bpf_o;
}

/* --- load --------------------------------------------------------------------------------- */

static void unload(struct wakeup_walk *walk)
{
	const struct target *was = target_use(walk->target);

	ring_unmap(&walk->ring);
	bpf_object__close(walk->obj);
	walk->obj = NULL;
	target_use(was);
}

static int load_in_target(struct wakeup_walk *walk, u32 ring_bytes, struct program_why why)
{
	const struct program_image image = {
		.name = "wakeup",
		.data = rove_embed_wakeup_bpf_o,
		.end = rove_embed_wakeup_bpf_o_end,
	};
	struct bpf_map *records;
	int err;

	err = program_open(&image, &walk->obj, why);
	if (err)
		return err;
	records = bpf_object__find_map_by_name(walk->obj, "records");
	err = bpf_map__set_max_entries(records, ring_bytes);
	if (err)
		return err;
	err = program_load(walk->obj, &image, why);
	if (err)
		return err;
	walk->prog_fd = bpf_program__fd(bpf_object__find_program_by_name(walk->obj, "wakeup_walk"));
	return ring_map(walk->target, bpf_map__fd(records), ring_bytes, &walk->ring);
}

static int load(struct wakeup_walk *walk, u32 ring_bytes, struct program_why why)
{
	const struct target *was = target_use(walk->target);
	int err = load_in_target(walk, ring_bytes, why);

	target_use(was);
	if (err)
		unload(walk);
	return err;
}

/* The kernel side has the objects only if its BTF has the functions. */
static int check_kernel(struct program_why why)
{
	int has = program_has_func(&target_kernel, "bpf_wakeup_sources_read_lock");

	if (has == 1)
		return program_may_load(&target_kernel, why);
	return program_say_missing(has, "wakeup-source kfuncs: they need Linux 7.2 or later with "
				   "CONFIG_PM_SLEEP and CONFIG_BPF_SYSCALL", why);
}

int wakeup_walk_open(const struct wakeup_walk_options *options, struct wakeup_walk **ret_walk,
		     char *why_text, size_t why_size)
{
	struct program_why why = { .text = why_text, .size = why_size };
	struct wakeup_walk *walk;
	int err;

	walk = calloc(1, sizeof(*walk));
	if (!walk)
		return -ENOMEM;
	walk->options = *options;
	walk->target = target_find(options->target);
	err = -EINVAL;
	if (!walk->target)
		goto free_walk;
	err = walk->target == &target_kernel ? check_kernel(why) : 0;
	if (err)
		goto free_walk;
	err = load(walk, FIRST_RING_BYTES, why);
	if (err)
		goto free_walk;
	*ret_walk = walk;
	return 0;

free_walk:
	free(walk);
	return err;
}

void wakeup_walk_close(struct wakeup_walk *walk)
{
	if (!walk)
		return;
	unload(walk);
	free(walk);
}

/* --- run ---------------------------------------------------------------------------------- */

static int run_once(struct wakeup_walk *walk, struct rove_wakeup_walk *ctx, u64 *ret_ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = ctx, .ctx_size_in = sizeof(*ctx));
	const struct target *was = target_use(walk->target);
	u64 start_ns;
	int err;

	ring_consume_all(&walk->ring);
	*ctx = (struct rove_wakeup_walk){
		.max_objects = walk->options.max_objects,
		.budget_ns = walk->options.budget_ns,
	};
	start_ns = clock_mono_ns();
	err = bpf_prog_test_run_opts(walk->prog_fd, &opts);
	*ret_ns = clock_mono_ns() - start_ns;
	target_use(was);
	return err;
}

/* A power of two with room for @nr records and an eighth more, or the largest there is. */
static u32 ring_bytes_for(u64 nr)
{
	u64 want = (nr + nr / 8 + 64) * ring_record_bytes(sizeof(struct rove_wakeup_record));
	u64 bytes = FIRST_RING_BYTES;

	while (bytes < want && bytes < LARGEST_RING_BYTES)
		bytes *= 2;
	return bytes;
}

static int grow(struct wakeup_walk *walk, u32 ring_bytes)
{
	unload(walk);
	return load(walk, ring_bytes, (struct program_why){ NULL });
}

int wakeup_walk_run(struct wakeup_walk *walk, struct wakeup_walk_result *ret_res)
{
	struct wakeup_walk_result res = {
		.stride = ring_record_bytes(sizeof(struct rove_wakeup_record)),
	};
	struct rove_wakeup_walk ctx;
	u32 room;
	int err;

	for (;;) {
		err = run_once(walk, &ctx, &res.walk_ns);
		if (err)
			return err;
		res.nr_walks++;
		room = ring_bytes_for(ctx.visited);
		if (!ctx.lost || room <= walk->ring.data_bytes || res.nr_walks == MAX_WALKS)
			break;
		err = grow(walk, room);
		if (err)
			return err;
	}
	res.bytes = ring_unread(&walk->ring, &res.first);
	res.first = (const char *)res.first + BPF_RINGBUF_HDR_SZ;
	res.nr_records = res.bytes / res.stride;
	res.visited = ctx.visited;
	res.lost = ctx.lost;
	res.torn = ctx.torn;
	res.end = ctx.end;
	res.lock_ns = ctx.end_ns - ctx.locked_ns;
	*ret_res = res;
	return 0;
}
