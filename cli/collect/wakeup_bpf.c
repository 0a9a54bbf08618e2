/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/wakeup_bpf.c - wakeup sources by a BPF walk: the kernel's, or ours
 *
 * A record holds what the source holds: an activity that goes on is not yet in
 * its sums.  The sysfs and debugfs files add it when they are read, so we do,
 * with the clock reading taken next to the fields.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/collect/collect.h"
#include "cli/model/wakeup.h"
#include "objects/wakeup_sample.h"
#include "target/wakeup_walk.h"

struct bpf_state {
	const char *source;
	struct wakeup_walk *walk;
	struct wakeup_walk_result result;
	struct wakeup_sample *sample;	/* self only */
};

static void set_counts(struct wakeup_row *row, const struct rove_wakeup_record *rec)
{
	wakeup_row_set(row, WAKEUP_ACTIVE_COUNT, (s64)rec->active_count);
	wakeup_row_set(row, WAKEUP_EVENT_COUNT, (s64)rec->event_count);
	wakeup_row_set(row, WAKEUP_WAKEUP_COUNT, (s64)rec->wakeup_count);
	wakeup_row_set(row, WAKEUP_EXPIRE_COUNT, (s64)rec->expire_count);
	wakeup_row_set(row, WAKEUP_RELAX_COUNT, (s64)rec->relax_count);
}

/* The numbers as sysfs gives them: with the activity that goes on. */
static void set_times(struct wakeup_row *row, const struct rove_wakeup_record *rec)
{
	bool active = rec->flags & ROVE_WAKEUP_ACTIVE;
	s64 active_ns = active ? (s64)rec->now_ns - rec->last_change_ns : 0;
	s64 prevent_ns = rec->prevent_sleep_time_ns;

	if (active && (rec->flags & ROVE_WAKEUP_AUTOSLEEP))
		prevent_ns += (s64)rec->now_ns - rec->start_prevent_ns;
	wakeup_row_set(row, WAKEUP_ACTIVE, active);
	wakeup_row_set(row, WAKEUP_ACTIVE_TIME, active_ns);
	wakeup_row_set(row, WAKEUP_TOTAL_TIME, rec->total_time_ns + active_ns);
	wakeup_row_set(row, WAKEUP_MAX_TIME, max(rec->max_time_ns, active_ns));
	wakeup_row_set(row, WAKEUP_LAST_CHANGE, rec->last_change_ns);
	wakeup_row_set(row, WAKEUP_PREVENT_TIME, prevent_ns);
	wakeup_row_set(row, WAKEUP_READ_AT, (s64)rec->now_ns);
}

static void set_strings(struct wakeup_row *row, const struct rove_wakeup_record *rec)
{
	row->string[WAKEUP_NAME] = rec->name;
	if (rec->flags & ROVE_WAKEUP_HAS_DEVICE) {
		snprintf(row->node, sizeof(row->node), "wakeup%d", rec->id);
		row->string[WAKEUP_NODE] = row->node;
	}
	if (rec->flags & ROVE_WAKEUP_HAS_PARENT)
		row->string[WAKEUP_DEVICE] = rec->device;
	if (rec->flags & ROVE_WAKEUP_HAS_DRIVER)
		row->string[WAKEUP_DRIVER] = rec->driver;
}

static void fill_row(const struct listing *listing, u64 index, void *ret_row)
{
	const struct rove_wakeup_record *rec = wakeup_walk_at(listing->rows, index);
	struct wakeup_row *row = ret_row;

	row->known = 0;
	memset(row->string, 0, sizeof(row->string));
	set_counts(row, rec);
	set_times(row, rec);
	set_strings(row, rec);
	wakeup_row_set(row, WAKEUP_TORN, !!(rec->flags & ROVE_WAKEUP_TORN));
	wakeup_row_set(row, WAKEUP_NAME_TRUNCATED, !!(rec->flags & ROVE_WAKEUP_NAME_CUT));
}

static u64 count_cut_names(const struct wakeup_walk_result *result)
{
	u64 nr = 0;

	for (u64 i = 0; i < result->nr_records; i++)
		nr += !!(wakeup_walk_at(result, i)->flags & ROVE_WAKEUP_NAME_CUT);
	return nr;
}

static void note_end(const struct wakeup_walk_result *result, struct listing *listing)
{
	static const char *const why[] = {
		[ROVE_WAKEUP_WALK_COMPLETE] = NULL,
		[ROVE_WAKEUP_WALK_MAX_OBJECTS] = "max-objects",
		[ROVE_WAKEUP_WALK_BUDGET] = "budget",
		[ROVE_WAKEUP_WALK_BROKEN_LIST] = "broken-list",
	};

	if (result->end != ROVE_WAKEUP_WALK_COMPLETE)
		listing_incomplete(listing, result->end < ARRAY_SIZE(why) ? why[result->end] :
				   "unknown-end");
	if (result->lost)
		listing_incomplete(listing, "lost");
}

static int bpf_run(void *state, struct listing *ret_listing)
{
	struct bpf_state *bpf = state;
	int err;

	listing_begin(ret_listing, &wakeup_noun, bpf->source);
	err = wakeup_walk_run(bpf->walk, &bpf->result);
	if (err)
		return err;
	ret_listing->visited = bpf->result.visited;
	ret_listing->lost = bpf->result.lost;
	ret_listing->torn = bpf->result.torn;
	ret_listing->names_truncated = count_cut_names(&bpf->result);
	ret_listing->walk_ns = (struct value){ .known = true, .ns = (s64)bpf->result.walk_ns };
	ret_listing->lock_ns = (struct value){ .known = true, .ns = (s64)bpf->result.lock_ns };
	ret_listing->bytes = (struct value){ .known = true, .ns = (s64)bpf->result.bytes };
	ret_listing->nr_rows = bpf->result.nr_records;
	ret_listing->row = fill_row;
	ret_listing->rows = &bpf->result;
	note_end(&bpf->result, ret_listing);
	return 0;
}

static void bpf_close(void *state)
{
	struct bpf_state *bpf = state;

	wakeup_walk_close(bpf->walk);
	wakeup_sample_stop(bpf->sample);
	free(bpf);
}

static int start_sample(const struct collect_options *options, struct bpf_state *bpf)
{
	const struct wakeup_sample_options sample = {
		.nr_sources = options->sample,
		.nr_threads = 1,
		.seed = 1,
	};

	return options->sample ? wakeup_sample_start(&sample, &bpf->sample) : 0;
}

static enum collect_verdict open_target(const char *target, const struct collect_options *options,
					void **ret_state, struct collect_status *status)
{
	const struct wakeup_walk_options walk = {
		.target = target,
		.max_objects = options->max_objects,
		.budget_ns = options->budget_ns,
	};
	struct bpf_state *bpf = calloc(1, sizeof(*bpf));
	int err;

	if (!bpf)
		return collect_refuse_bpf(status, -ENOMEM, 7, 2);
	bpf->source = target;
	err = start_sample(options, bpf);
	if (!err)
		err = wakeup_walk_open(&walk, &bpf->walk, status->why, sizeof(status->why));
	if (err) {
		bpf_close(bpf);
		return collect_refuse_bpf(status, err, 7, 2);
	}
	*ret_state = bpf;
	return COLLECT_OK;
}

static enum collect_verdict open_kernel(const struct collect_options *options, void **ret_state,
					struct collect_status *status)
{
	return open_target("kernel", options, ret_state, status);
}

static enum collect_verdict open_self(const struct collect_options *options, void **ret_state,
				      struct collect_status *status)
{
	return open_target("self", options, ret_state, status);
}

const struct collect_source wakeup_kernel_source = {
	.name = "kernel",
	.help = "a BPF walk in the kernel: Linux 7.2, CAP_BPF and CAP_PERFMON",
	.automatic = true,
	.keeps_budget = true,
	.open = open_kernel,
	.run = bpf_run,
	.close = bpf_close,
};

const struct collect_source wakeup_self_source = {
	.name = "self",
	.help = "the same walk over sources of this process, see --sample",
	.keeps_budget = true,
	.open = open_self,
	.run = bpf_run,
	.close = bpf_close,
};
