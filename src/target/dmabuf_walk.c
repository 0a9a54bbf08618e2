/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/dmabuf_walk.c - progs/dmabuf.bpf.c, loaded into a target and run
 *
 * One snapshot of the kernel is four walks in a row: the buffers, the descriptors, the
 * mappings, and the buffers again.  Nothing holds still meanwhile; what is in both walks of
 * the buffers was there while its holders were looked for.  In a process there is only the
 * first.
 *
 * Completeness: the programs count what found no room in the ring buffer.  Then the object
 * is loaded anew with more, and everything repeated.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "target/dmabuf_walk.h"
#include "target/program.h"
#include "target/ring.h"

#define FIRST_RING_BYTES (1u << 20)
#define LARGEST_RING_BYTES (1u << 30)
#define MAX_WALKS 11			/* from the first size to the largest */

extern const char rove_embed_dmabuf_bpf_o[], rove_embed_dmabuf_bpf_o_end[];

enum step { STEP_WALK, STEP_EACH, STEP_FILES, STEP_MAPS, NR_STEPS };

static const char *const step_programs[NR_STEPS] = {
	[STEP_WALK] = "dmabuf_walk",
	[STEP_EACH] = "dmabuf_each",
	[STEP_FILES] = "dmabuf_files",
	[STEP_MAPS] = "dmabuf_maps",
};

struct dmabuf_walk {
	const struct target *target;
	struct dmabuf_walk_options options;
	bool has[NR_STEPS];		/* which programs are loaded */
	struct bpf_object *obj;
	struct bpf_link *links[NR_STEPS];
	struct ring ring;
	int walk_fd, state_fd;		/* the syscall program; the map "walks" */
};

/* --- load --------------------------------------------------------------------------------- */

static void unload(struct dmabuf_walk *walk)
{
	const struct target *was = target_use(walk->target);

	ring_unmap(&walk->ring);
	for (u32 i = 0; i < NR_STEPS; i++) {
		bpf_link__destroy(walk->links[i]);
		walk->links[i] = NULL;
	}
	bpf_object__close(walk->obj);
	walk->obj = NULL;
	target_use(was);
}

static struct bpf_program *program_of(struct dmabuf_walk *walk, enum step step)
{
	return bpf_object__find_program_by_name(walk->obj, step_programs[step]);
}

static int attach(struct dmabuf_walk *walk, enum step step, struct program_why why)
{
	int err;

	walk->links[step] = bpf_program__attach_iter(program_of(walk, step), NULL);
	if (walk->links[step])
		return 0;
	err = -errno;
	if (why.text && why.size)
		snprintf(why.text, why.size, "'%s' cannot be attached", step_programs[step]);
	return err;
}

static int attach_all(struct dmabuf_walk *walk, struct program_why why)
{
	int err = 0;

	for (u32 i = STEP_EACH; i < NR_STEPS && !err; i++)
		if (walk->has[i])
			err = attach(walk, i, why);
	return err;
}

static int load_in_target(struct dmabuf_walk *walk, u32 ring_bytes, struct program_why why)
{
	const struct program_image image = {
		.name = "dmabuf",
		.data = rove_embed_dmabuf_bpf_o,
		.end = rove_embed_dmabuf_bpf_o_end,
	};
	struct bpf_map *records;
	int err = program_open(&image, &walk->obj, why);

	if (err)
		return err;
	for (u32 i = 0; i < NR_STEPS; i++)
		bpf_program__set_autoload(program_of(walk, i), walk->has[i]);
	records = bpf_object__find_map_by_name(walk->obj, "records");
	err = bpf_map__set_max_entries(records, ring_bytes);
	err = err ?: program_load(walk->obj, &image, why);
	err = err ?: attach_all(walk, why);
	if (err)
		return err;
	walk->walk_fd = bpf_program__fd(program_of(walk, STEP_WALK));
	walk->state_fd = bpf_object__find_map_fd_by_name(walk->obj, "walks");
	return ring_map(walk->target, bpf_map__fd(records), ring_bytes, &walk->ring);
}

static int load(struct dmabuf_walk *walk, u32 ring_bytes, struct program_why why)
{
	const struct target *was = target_use(walk->target);
	int err = load_in_target(walk, ring_bytes, why);

	target_use(was);
	if (err)
		unload(walk);
	return err;
}

/* --- what the target has ------------------------------------------------------------------- */

/* The names by which a target's BTF says that it can run a program. */
static int choose_programs(struct dmabuf_walk *walk, struct program_why why)
{
	bool is_kernel = walk->target == &target_kernel;
	int open_coded = program_has_func(walk->target, "bpf_iter_dmabuf_new");
	int link = program_has_func(walk->target, "bpf_iter_dmabuf");

	walk->has[STEP_EACH] = link == 1 && (walk->options.by_link || open_coded != 1);
	walk->has[STEP_WALK] = open_coded == 1 && !walk->has[STEP_EACH];
	walk->has[STEP_FILES] = is_kernel;
	walk->has[STEP_MAPS] = is_kernel;
	if (!walk->has[STEP_EACH] && !walk->has[STEP_WALK])
		return program_say_missing(link, "DMA-buf iterator: it needs Linux 6.16 or later with "
					   "CONFIG_DMA_SHARED_BUFFER and CONFIG_BPF_SYSCALL", why);
	return is_kernel ? program_may_load(walk->target, why) : 0;
}

int dmabuf_walk_open(const struct dmabuf_walk_options *options, struct dmabuf_walk **ret_walk,
		     char *why_text, size_t why_size)
{
	struct program_why why = { .text = why_text, .size = why_size };
	struct dmabuf_walk *walk;
	int err;

	walk = calloc(1, sizeof(*walk));
	if (!walk)
		return -ENOMEM;
	walk->options = *options;
	walk->target = target_find(options->target);
	err = walk->target ? 0 : -EINVAL;
	err = err ?: choose_programs(walk, why);
	err = err ?: load(walk, FIRST_RING_BYTES, why);
	if (err) {
		free(walk);
		return err;
	}
	*ret_walk = walk;
	return 0;
}

bool dmabuf_walk_knows_holders(const struct dmabuf_walk *walk)
{
	return walk->has[STEP_FILES];
}

void dmabuf_walk_close(struct dmabuf_walk *walk)
{
	if (!walk)
		return;
	unload(walk);
	free(walk);
}

/* --- run ---------------------------------------------------------------------------------- */

static int exchange_state(struct dmabuf_walk *walk, const struct rove_dmabuf_walk *set,
			  struct rove_dmabuf_walk *ret_state)
{
	u32 first = 0;

	if (ret_state && bpf_map_lookup_elem(walk->state_fd, &first, ret_state))
		return -errno;
	if (set && bpf_map_update_elem(walk->state_fd, &first, set, BPF_ANY))
		return -errno;
	return 0;
}

/*
 * The programs print nothing: reading to the end is what makes them run.  -EAGAIN says
 * that one has stopped, or only that so many objects were enough for one read; in a
 * process it is -ECONNRESET, and only the former.
 */
static int drain(struct dmabuf_walk *walk, enum step step, int fd)
{
	struct rove_dmabuf_walk state;
	char nothing[64];
	ssize_t len;
	int err;

	while ((len = read(fd, nothing, sizeof(nothing)))) {
		if (len > 0 || errno == EINTR)
			continue;
		err = -errno;
		if (err != -EAGAIN && err != -ECONNRESET)
			return err;
		if (exchange_state(walk, NULL, &state))
			return -EIO;
		if (state.end == ROVE_DMABUF_WALK_BUDGET ||
		    (step == STEP_EACH && state.end != ROVE_DMABUF_WALK_COMPLETE))
			return 0;
		if (err == -ECONNRESET)
			return err;
	}
	return 0;
}

static int run_link(struct dmabuf_walk *walk, enum step step)
{
	int fd = bpf_iter_create(bpf_link__fd(walk->links[step]));
	int err;

	if (fd < 0)
		return -errno;
	err = drain(walk, step, fd);
	walk->target->close(fd);
	return err;
}

static int run_step(struct dmabuf_walk *walk, enum step step)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (!walk->has[step])
		return 0;
	if (step == STEP_WALK)
		return bpf_prog_test_run_opts(walk->walk_fd, &opts);
	return run_link(walk, step);
}

static int walk_buffers(struct dmabuf_walk *walk)
{
	return run_step(walk, STEP_WALK) ?: run_step(walk, STEP_EACH);
}

/* @ret_seen: what the second walk of the buffers came to. */
static int run_all(struct dmabuf_walk *walk, struct rove_dmabuf_walk *ret_state,
		   struct rove_dmabuf_walk *ret_seen)
{
	const struct rove_dmabuf_walk begin = {
		.max_objects = walk->options.max_objects,
		.budget_ns = walk->options.budget_ns,
		.start_ns = clock_mono_ns(),
	};
	const struct rove_dmabuf_walk again = { .only_seen = 1 };
	int err = exchange_state(walk, &begin, NULL);

	err = err ?: walk_buffers(walk);
	err = err ?: run_step(walk, STEP_FILES);
	err = err ?: run_step(walk, STEP_MAPS);
	err = err ?: exchange_state(walk, &again, ret_state);
	if (!err && dmabuf_walk_knows_holders(walk) && ret_state->end != ROVE_DMABUF_WALK_BUDGET)
		err = walk_buffers(walk);
	return err ?: exchange_state(walk, NULL, ret_seen);
}

static int run_once(struct dmabuf_walk *walk, struct dmabuf_walk_result *res)
{
	const struct target *was = target_use(walk->target);
	struct rove_dmabuf_walk state = { .end = 0 }, seen = { .end = 0 };
	u64 start_ns;
	int err;

	ring_consume_all(&walk->ring);
	start_ns = clock_mono_ns();
	err = run_all(walk, &state, &seen);
	res->walk_ns = clock_mono_ns() - start_ns;
	res->visited = state.visited;
	res->lost = state.lost + seen.lost;
	res->torn = state.torn;
	res->end = state.end;
	res->nr_walks++;
	target_use(was);
	return err;
}

static int grow(struct dmabuf_walk *walk)
{
	u32 ring_bytes = walk->ring.data_bytes * 2;

	unload(walk);
	return load(walk, ring_bytes, (struct program_why){ NULL });
}

int dmabuf_walk_run(struct dmabuf_walk *walk, struct dmabuf_walk_result *ret_res)
{
	struct dmabuf_walk_result res = { .nr_walks = 0 };
	int err;

	for (;;) {
		err = run_once(walk, &res);
		if (err)
			return err;
		if (!res.lost || walk->ring.data_bytes >= LARGEST_RING_BYTES ||
		    res.nr_walks == MAX_WALKS)
			break;
		err = grow(walk);
		if (err)
			return err;
	}
	res.bytes = ring_unread(&walk->ring, &res.first);
	*ret_res = res;
	return 0;
}

const u32 *dmabuf_walk_next(const struct dmabuf_walk_result *res, u64 *at)
{
	const char *header = (const char *)res->first + *at;

	if (*at >= res->bytes)
		return NULL;
	*at += ring_record_bytes(*(const u32 *)header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT));
	return (const u32 *)(header + BPF_RINGBUF_HDR_SZ);
}
