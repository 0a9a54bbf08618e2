/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/dmabuf_bpf.c - DMA-bufs by BPF programs: the kernel's with their holders, or ours
 *
 * The buffers are walked before and after their holders.  One that is in only one of the
 * two walks came or went meanwhile: it is flagged as torn, and if no holder of it was
 * met, nothing is said about its holders.
 *
 * In a process the same program walks the process's own buffers, which count their own
 * descriptors and mappings; who else holds them it cannot know.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/collect/collect.h"
#include "cli/collect/dmabuf_proc.h"
#include "cli/collect/dmabuf_sample.h"
#include "cli/collect/dmabuf_set.h"
#include "target/dmabuf_walk.h"

struct bpf_state {
	const char *source;
	struct dmabuf_walk *walk;
	struct dmabuf_set set;
	struct dmabuf_sample *sample;	/* self only */
};

/* --- records ------------------------------------------------------------------------------- */

static int add_buffer(struct dmabuf_set *set, const struct rove_dmabuf_buffer *rec)
{
	struct dmabuf_row *row;
	int err = dmabuf_set_add(set, rec->inode, &row);

	if (err)
		return err == -EEXIST ? 0 : err;
	dmabuf_row_set(row, DMABUF_SIZE, rec->size_bytes);
	dmabuf_row_set(row, DMABUF_REFS, rec->refs);
	dmabuf_row_set(row, DMABUF_NR_ATTACHMENTS, rec->nr_attachments);
	/* Torn until the second walk meets it, where there is one. */
	dmabuf_row_set(row, DMABUF_TORN, set->knows_holders ||
		       (rec->flags & ROVE_DMABUF_TORN));
	if (rec->flags & ROVE_DMABUF_COUNTS_HOLDS) {
		dmabuf_row_set(row, DMABUF_NR_FDS, rec->nr_fds);
		dmabuf_row_set(row, DMABUF_NR_MAPS, rec->nr_maps);
	}
	dmabuf_row_set(row, DMABUF_NAME_TRUNCATED, !!(rec->flags & ROVE_DMABUF_NAME_CUT));
	row->string[DMABUF_EXPORTER] = rec->exporter;
	row->string[DMABUF_NAME] = rec->name;
	return 0;
}

static int add_holder(struct dmabuf_set *set, const struct rove_dmabuf_holder *rec)
{
	return dmabuf_set_hold(set, &(struct dmabuf_hold){
		.inode = rec->inode,
		.pid = rec->pid,
		.nr_fds = rec->type == ROVE_DMABUF_FD,
		.nr_maps = rec->type == ROVE_DMABUF_MAPPING,
		.space = rec->space,
		.place = rec->place,
		.comm = rec->comm,
	});
}

static int add_record(struct dmabuf_set *set, const u32 *rec)
{
	const struct rove_dmabuf_attachment *attachment;

	switch (*rec) {
	case ROVE_DMABUF_BUFFER:
		return add_buffer(set, (const void *)rec);
	case ROVE_DMABUF_ATTACHMENT:
		attachment = (const void *)rec;
		return dmabuf_set_attach(set, &(struct dmabuf_attach){
			.inode = attachment->inode,
			.device = attachment->device,
		});
	case ROVE_DMABUF_FD:
	case ROVE_DMABUF_MAPPING:
		return add_holder(set, (const void *)rec);
	default:
		return 0;
	}
}

static int add_records(struct dmabuf_set *set, const struct dmabuf_walk_result *res)
{
	const u32 *rec;
	int err = 0;

	for (u64 at = 0; !err && (rec = dmabuf_walk_next(res, &at));)
		err = add_record(set, rec);
	return err;
}

/* What the second walk met too was there all the time. */
static void settle(struct dmabuf_set *set, const struct dmabuf_walk_result *res)
{
	const struct rove_dmabuf_seen *seen;
	const u32 *rec;

	for (u64 at = 0; (rec = dmabuf_walk_next(res, &at));) {
		struct dmabuf_row *row;

		seen = (const void *)rec;
		if (*rec != ROVE_DMABUF_SEEN)
			continue;
		row = dmabuf_set_find(set, seen->inode);
		if (row && row->attr[DMABUF_SIZE] == seen->size_bytes)
			row->attr[DMABUF_TORN] = 0;
	}
}

/* There was no time for a second walk. */
static void forget_torn(struct dmabuf_set *set)
{
	for (u64 i = 0; i < set->nr_rows; i++)
		set->rows[i].attr[DMABUF_TORN] = 0;
}

/* What the program itself could not read in one piece stays torn. */
static void keep_torn(struct dmabuf_set *set, const struct dmabuf_walk_result *res)
{
	const u32 *rec;

	for (u64 at = 0; (rec = dmabuf_walk_next(res, &at));) {
		const struct rove_dmabuf_buffer *buf = (const void *)rec;

		if (*rec == ROVE_DMABUF_BUFFER && (buf->flags & ROVE_DMABUF_TORN))
			dmabuf_set_find(set, buf->inode)->attr[DMABUF_TORN] = 1;
	}
}

/* --- the collector ------------------------------------------------------------------------- */

static void note_end(const struct dmabuf_walk_result *res, struct listing *listing)
{
	static const char *const why[] = {
		[ROVE_DMABUF_WALK_COMPLETE] = NULL,
		[ROVE_DMABUF_WALK_MAX_OBJECTS] = "max-objects",
		[ROVE_DMABUF_WALK_BUDGET] = "budget",
	};

	if (res->end != ROVE_DMABUF_WALK_COMPLETE)
		listing_incomplete(listing, res->end < ARRAY_SIZE(why) ? why[res->end] :
				   "unknown-end");
	listing->lost = res->lost;
	if (res->lost)
		listing_incomplete(listing, "lost");
}

static int bpf_run(void *state, struct listing *ret_listing)
{
	struct bpf_state *bpf = state;
	struct dmabuf_walk_result res;
	bool hides;
	int err;

	dmabuf_set_clear(&bpf->set);
	listing_begin(ret_listing, &dmabuf_noun, bpf->source);
	err = dmabuf_walk_run(bpf->walk, &res);
	bpf->set.knows_devices = true;
	bpf->set.knows_holders = !err && dmabuf_walk_knows_holders(bpf->walk);
	err = err ?: add_records(&bpf->set, &res);
	if (err)
		return err;
	hides = bpf->set.knows_holders && dmabuf_proc_in_namespace();
	/* Out of time: who was not met may hold a buffer all the same. */
	bpf->set.misses_holders = hides || res.end == ROVE_DMABUF_WALK_BUDGET;
	if (res.end == ROVE_DMABUF_WALK_BUDGET)
		forget_torn(&bpf->set);
	else
		settle(&bpf->set, &res);
	keep_torn(&bpf->set, &res);
	err = dmabuf_set_finish(&bpf->set);
	if (err)
		return err;
	dmabuf_set_listing(&bpf->set, ret_listing);
	ret_listing->visited = res.visited;
	ret_listing->walk_ns = (struct value){ .known = true, .ns = (s64)res.walk_ns };
	ret_listing->bytes = (struct value){ .known = true, .ns = (s64)res.bytes };
	note_end(&res, ret_listing);
	if (hides)
		listing_incomplete(ret_listing, DMABUF_PROCESSES_HIDDEN);
	return 0;
}

static void bpf_close(void *state)
{
	struct bpf_state *bpf = state;

	dmabuf_walk_close(bpf->walk);
	dmabuf_sample_stop(bpf->sample);
	dmabuf_set_fini(&bpf->set);
	free(bpf);
}

static enum collect_verdict open_target(const char *target, const struct collect_options *options,
					void **ret_state, struct collect_status *status)
{
	const struct dmabuf_walk_options walk = {
		.target = target,
		/* For tests: the programs that a kernel without the open-coded iterator runs. */
		.by_link = getenv("ROVE_DMABUF_BY_LINK"),
		.max_objects = options->max_objects,
		.budget_ns = options->budget_ns,
	};
	struct bpf_state *bpf = calloc(1, sizeof(*bpf));
	int err = bpf ? 0 : -ENOMEM;

	if (bpf)
		bpf->source = target;
	if (!err && options->sample)
		err = dmabuf_sample_start(options->sample, &bpf->sample);
	err = err ?: dmabuf_walk_open(&walk, &bpf->walk, status->why, sizeof(status->why));
	if (err) {
		if (bpf)
			bpf_close(bpf);
		return collect_refuse_bpf(status, err, 6, 16);
	}
	*ret_state = bpf;
	return COLLECT_OK;
}

static enum collect_verdict open_kernel(const struct collect_options *options, void **ret_state,
					struct collect_status *status)
{
	return open_target("kernel", options, ret_state, status);
}

const struct collect_source dmabuf_kernel_source = {
	.name = "kernel",
	.help = "BPF programs in the kernel: Linux 6.16, CAP_BPF and CAP_PERFMON",
	.automatic = true,
	.keeps_budget = true,
	.open = open_kernel,
	.run = bpf_run,
	.close = bpf_close,
};

static enum collect_verdict open_self(const struct collect_options *options, void **ret_state,
				      struct collect_status *status)
{
	return open_target("self", options, ret_state, status);
}

const struct collect_source dmabuf_self_source = {
	.name = "self",
	.help = "the same walk over buffers of this process, see --sample",
	.keeps_budget = true,
	.open = open_self,
	.run = bpf_run,
	.close = bpf_close,
};
