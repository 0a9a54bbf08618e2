/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/wq.c - workqueues of this process, their pools and works
 *
 * A row is a copy, because what the library gives lives only as long as its call.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rove/workqueue_view.h>

#include "base/clock.h"
#include "cli/collect/collect.h"
#include "cli/model/wq.h"
#include "wq/sample.h"

struct wq_state {
	const struct noun *noun;
	int (*collect)(struct wq_state *state);
	struct wq_sample *sample;
	u64 max_objects;
	struct wq_row *rows;
	u64 nr, room;
	u64 visited;
	uint64_t missed;
};

/* --- rows ---------------------------------------------------------------------------------- */

static void rows_clear(struct wq_state *state)
{
	for (u64 i = 0; i < state->nr; i++)
		for (u32 j = 0; j < NR_WQ_STRINGS; j++)
			free((char *)state->rows[i].string[j]);
	state->nr = state->visited = state->missed = 0;
}

static struct wq_row *row_add(struct wq_state *state)
{
	if (state->nr == state->room) {
		u64 room = max(state->room * 2, (u64)64);
		struct wq_row *rows = realloc(state->rows, room * sizeof(*rows));

		if (!rows)
			return NULL;
		state->rows = rows;
		state->room = room;
	}
	memset(&state->rows[state->nr], 0, sizeof(struct wq_row));
	return &state->rows[state->nr++];
}

/* Positive, so that the walk ends, when enough have been seen. */
static int visit(struct wq_state *state, struct wq_row **ret_row)
{
	if (state->max_objects && state->visited == state->max_objects)
		return 1;
	state->visited++;
	*ret_row = row_add(state);
	return *ret_row ? 0 : -ENOMEM;
}

static int set_text(struct wq_row *row, enum wq_string string, const char *text)
{
	if (!text || !text[0])
		return 0;
	row->string[string] = strdup(text);
	return row->string[string] ? 0 : -ENOMEM;
}

static int set_address(struct wq_row *row, enum wq_string string, const void *address)
{
	char text[32];

	snprintf(text, sizeof(text), "%p", address);
	return set_text(row, string, text);
}

/* --- queues -------------------------------------------------------------------------------- */

static const char *queue_type(u32 flags)
{
	if (flags & ROVE_WQ_BH)
		return "bh";
	if (flags & ROVE_WQ_ORDERED)
		return "ordered";
	return flags & ROVE_WQ_UNBOUND ? "unbound" : "percpu";
}

static const struct { u32 flag; const char *word; } flag_words[] = {
	{ ROVE_WQ_HIGHPRI, "highpri" },
	{ ROVE_WQ_CPU_INTENSIVE, "cpu_intensive" },
	{ ROVE_WQ_MEM_RECLAIM, "mem_reclaim" },
	{ ROVE_WQ_FREEZABLE, "freezable" },
	{ ROVE_WQ_HELP, "help" },
};

static int set_flags(struct wq_row *row, u32 flags)
{
	char text[96] = "";

	for (u32 i = 0; i < ARRAY_SIZE(flag_words); i++)
		if (flags & flag_words[i].flag)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
				 text[0] ? "," : "", flag_words[i].word);
	return set_text(row, WQ_FLAGS, text);
}

static const char *scope_word(const struct rove_wq_view *wq)
{
	static const char *const words[] = {
		[ROVE_WQ_SCOPE_DEFAULT] = "cache_shard",
		[ROVE_WQ_SCOPE_CPU] = "cpu",
		[ROVE_WQ_SCOPE_SMT] = "smt",
		[ROVE_WQ_SCOPE_CACHE_SHARD] = "cache_shard",
		[ROVE_WQ_SCOPE_CACHE] = "cache",
		[ROVE_WQ_SCOPE_NUMA] = "numa",
		[ROVE_WQ_SCOPE_SYSTEM] = "system",
	};

	if (!(wq->flags & ROVE_WQ_UNBOUND) || wq->scope >= ARRAY_SIZE(words))
		return NULL;
	return words[wq->scope];
}

static void set_stats(struct wq_row *row, const struct rove_wq_stats *stats)
{
	wq_row_set(row, WQ_STARTED, stats->started);
	wq_row_set(row, WQ_IN_FLIGHT, stats->in_flight);
	wq_row_set(row, WQ_PENDING, stats->pending);
	wq_row_set(row, WQ_CPU_TIME, stats->cpu_time_ns);
	wq_row_set(row, WQ_CPU_INTENSIVE, stats->cpu_intensive);
	wq_row_set(row, WQ_CM_WAKEUPS, stats->cm_wakeups);
	wq_row_set(row, WQ_REPATRIATED, stats->repatriated);
	wq_row_set(row, WQ_MAYDAY, stats->mayday);
	wq_row_set(row, WQ_RESCUED, stats->rescued);
	wq_row_set(row, WQ_HELPED, stats->helped);
	wq_row_set(row, WQ_WAKEUPS, stats->wakeups);
	wq_row_set(row, WQ_WAKEUPS_SAVED, stats->wakeups_saved);
	wq_row_set(row, WQ_QUEUE_TIME_MAX, stats->queue_time_max_ns);
	wq_row_set(row, WQ_OLDEST, stats->oldest_pending_ns);
	/* The sum is of those too that wait still. */
	if (stats->started + stats->pending)
		wq_row_set(row, WQ_QUEUE_TIME,
			   stats->queue_time_ns / (stats->started + stats->pending));
}

static int queue_row(void *arg, const struct rove_wq_view *wq)
{
	struct wq_row *row;
	int err = visit(arg, &row);

	if (err)
		return err;
	set_stats(row, &wq->stats);
	wq_row_set(row, WQ_NICE, (s64)wq->nice);
	wq_row_set(row, WQ_MAX_ACTIVE, wq->max_active);
	wq_row_set(row, WQ_POOLS, wq->nr_pools);
	wq_row_set(row, WQ_POLL, wq->poll_us * (u64)NSEC_PER_USEC);
	err = set_text(row, WQ_NAME, wq->name);
	err = err ?: set_text(row, WQ_TYPE, queue_type(wq->flags));
	err = err ?: set_text(row, WQ_SCOPE, scope_word(wq));
	return err ?: set_flags(row, wq->flags);
}

static int collect_queues(struct wq_state *state)
{
	return rove_wq_each(queue_row, state);
}

/* --- pools --------------------------------------------------------------------------------- */

static int pool_row(void *arg, const struct rove_wq_pool_view *pool)
{
	struct wq_row *row;
	int err = visit(arg, &row);

	if (err)
		return err;
	wq_row_set(row, WQ_POOL, pool->id);
	wq_row_set(row, WQ_NICE, (s64)pool->nice);
	wq_row_set(row, WQ_QUEUES, pool->nr_queues);
	wq_row_set(row, WQ_IDLE, pool->nr_idle);
	wq_row_set(row, WQ_WORKERS, pool->nr_workers);
	wq_row_set(row, WQ_RUNNING, pool->nr_running);
	wq_row_set(row, WQ_BLOCKED_WORKERS, pool->nr_blocked);
	wq_row_set(row, WQ_STARTED, pool->nr_begun);
	wq_row_set(row, WQ_PENDING, pool->nr_pending);
	wq_row_set(row, WQ_WAKEUPS, pool->nr_wakeups);
	wq_row_set(row, WQ_POLL, pool->poll_us * (u64)NSEC_PER_USEC);
	wq_row_set(row, WQ_POLLING, pool->nr_polling);
	wq_row_set(row, WQ_POLL_TIME, pool->polled_ns);
	wq_row_set(row, WQ_OLDEST, pool->oldest_pending_ns);
	err = set_text(row, WQ_TYPE, pool->bh ? "bh" : "thread");
	return err ?: set_text(row, WQ_CPUS, pool->cpus);
}

static int collect_pools(struct wq_state *state)
{
	return rove_wq_each_pool(pool_row, state);
}

/* --- works --------------------------------------------------------------------------------- */

static int set_running(struct wq_row *row, const struct rove_wq_work_view *work)
{
	char state[2] = { work->thread_state, '\0' };
	int err;

	wq_row_set(row, WQ_TID, work->tid);
	wq_row_set(row, WQ_BLOCKED, work->blocked);
	wq_row_set(row, WQ_STALLED, work->stalled_ns);
	err = set_text(row, WQ_COMM, work->comm);
	return err ?: set_text(row, WQ_THREAD_STATE, state[0] == '?' ? NULL : state);
}

static int work_row(void *arg, const struct rove_wq_work_view *work)
{
	bool runs = work->state == ROVE_WQ_WORK_RUNNING;
	struct wq_row *row;
	int err = visit(arg, &row);

	if (err)
		return err;
	wq_row_set(row, WQ_POOL, work->pool);
	wq_row_set(row, WQ_AGE, work->age_ns);
	err = set_text(row, WQ_NAME, work->queue);
	err = err ?: set_text(row, WQ_STATE, runs ? "running" : "pending");
	err = err ?: set_text(row, WQ_FUNCTION, work->function);
	err = err ?: set_address(row, WQ_WORK, work->work);
	return err ?: runs ? set_running(row, work) : 0;
}

static int collect_works(struct wq_state *state)
{
	return rove_wq_each_work(work_row, state, &state->missed);
}

/* Works in the way of others: those that run in a pool in which nothing begins. */
static int lockup_row(void *arg, const struct rove_wq_work_view *work)
{
	return work->stalled_ns ? work_row(arg, work) : 0;
}

static int collect_lockups(struct wq_state *state)
{
	return rove_wq_each_work(lockup_row, state, NULL);
}

/* --- the source ---------------------------------------------------------------------------- */

static void fill_row(const struct listing *listing, u64 index, void *ret_row)
{
	memcpy(ret_row, (const struct wq_row *)listing->rows + index, sizeof(struct wq_row));
}

static int self_run(void *arg, struct listing *ret_listing)
{
	struct wq_state *state = arg;
	u64 start_ns = clock_mono_ns();
	int err;

	rows_clear(state);
	listing_begin(ret_listing, state->noun, "self");
	err = state->collect(state);
	if (err < 0)
		return err;
	ret_listing->walk_ns = (struct value){
		.known = true, .ns = (s64)(clock_mono_ns() - start_ns),
	};
	ret_listing->visited = state->visited;
	ret_listing->lost = state->missed;
	ret_listing->nr_rows = state->nr;
	ret_listing->rows = state->rows;
	ret_listing->row = fill_row;
	if (err)
		listing_incomplete(ret_listing, "max-objects");
	if (state->missed)
		listing_incomplete(ret_listing, "lost");
	return 0;
}

static void self_close(void *arg)
{
	struct wq_state *state = arg;

	rows_clear(state);
	free(state->rows);
	wq_sample_stop(state->sample);
	free(state);
}

static const struct { const struct noun *noun; int (*collect)(struct wq_state *state); } walks[] = {
	{ &wq_noun, collect_queues },
	{ &wq_pools_noun, collect_pools },
	{ &wq_pending_noun, collect_works },
	{ &wq_lockup_noun, collect_lockups },
};

static enum collect_verdict self_open(const struct collect_options *options, void **ret_state,
				      struct collect_status *status)
{
	struct wq_state *state = calloc(1, sizeof(*state));
	int err = state ? 0 : -ENOMEM;

	if (state && options->sample)
		err = wq_sample_start(options->sample, &state->sample);
	if (err) {
		free(state);
		return collect_refuse(status, COLLECT_FAILED, err, "%s", strerror(-err));
	}
	state->noun = options->noun;
	state->max_objects = options->max_objects;
	for (u32 i = 0; i < ARRAY_SIZE(walks); i++)
		if (walks[i].noun == options->noun)
			state->collect = walks[i].collect;
	*ret_state = state;
	return COLLECT_OK;
}

const struct collect_source wq_self_source = {
	.name = "self",
	.help = "queues, pools and works of this process, see --sample",
	.open = self_open,
	.run = self_run,
	.close = self_close,
};

static const struct collect_source *const sources[] = { &wq_self_source, &file_source };

#define COLLECT_NOUN(noun_) { \
	.noun = &(noun_), .sources = sources, .nr_sources = ARRAY_SIZE(sources), \
	.nowhere = "no kernel shows its workqueues to programs; to try it: --source self --sample 10", \
}

const struct collect_noun collect_wq = COLLECT_NOUN(wq_noun);
const struct collect_noun collect_wq_pools = COLLECT_NOUN(wq_pools_noun);
const struct collect_noun collect_wq_pending = COLLECT_NOUN(wq_pending_noun);
const struct collect_noun collect_wq_lockup = COLLECT_NOUN(wq_lockup_noun);
