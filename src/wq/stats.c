/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/stats.c - what a queue has done, added up over its shards
 *
 * Each shard counts for itself, under the lock that is taken anyway when works are
 * taken, so counting costs a run nothing; and looking takes each of these locks for
 * the moment of a few additions.
 */
#include <string.h>

#include "base/clock.h"
#include "base/context.h"
#include "wq/worker.h"
#include "wq/wq.h"

static void add_shard(struct rove_wq_stats *stats, struct shard *s)
{
	u64 now_ns;

	mutex_lock(&s->lock);
	now_ns = clock_mono_ns();
	shard_splice_locked(s);
	age_note_locked(s, now_ns);
	stats->oldest_pending_ns = max(stats->oldest_pending_ns, age_oldest_ns_locked(s, now_ns));
	stats->pending += s->nr_listed;
	stats->started += s->nr_taken;
	stats->helped += s->nr_helped;
	stats->queue_time_ns += s->age.queue_ns;
	stats->queue_time_max_ns = max(stats->queue_time_max_ns, s->age.queue_max_ns);
	stats->wakeups += READ_ONCE(s->nr_wakeups);
	stats->cm_wakeups += READ_ONCE(s->nr_cm_wakeups);
	stats->cpu_intensive += READ_ONCE(s->nr_cpu_intensive);
	stats->cpu_time_ns += READ_ONCE(s->cpu_time_ns);
	stats->in_flight += READ_ONCE(s->nr_flying[0]) + READ_ONCE(s->nr_flying[1]);
	mutex_unlock(&s->lock);
}

/* A batch that a worker has counts as one in flight itself, besides its works. */
static u64 nr_batches(const struct rove_workqueue *wq)
{
	u32 end = worker_id_end();
	u64 nr = 0;

	for (u32 id = 1; id < end; id++) {
		const struct worker *w = worker_by_id(id);
		const struct shard *s = w ? READ_ONCE(w->shard) : NULL;

		nr += s && READ_ONCE(s->wq) == wq;
	}
	return nr;
}

/**
 * rove_workqueue_stats - see rove/workqueue.h
 */
void rove_workqueue_stats(struct rove_workqueue *wq, struct rove_wq_stats *stats,
			  size_t stats_size)
{
	struct rove_wq_stats sums = {
		.repatriated = READ_ONCE(wq->nr_repatriated),
		.mayday = READ_ONCE(wq->nr_mayday),
		.rescued = READ_ONCE(wq->nr_rescued),
	};
	u64 nr_queued;

	ctx_thread();
	for (u32 i = 0; i < wq->nr_shards; i++)
		add_shard(&sums, wq->shards[i]);
	sums.in_flight -= min(sums.in_flight, nr_batches(wq));
	sums.in_flight = min(sums.in_flight, sums.started);
	nr_queued = sums.started + sums.pending;
	sums.wakeups_saved = nr_queued - min(nr_queued, sums.wakeups);
	sums.completed = sums.started - sums.in_flight;
	memset(stats, 0, stats_size);
	memcpy(stats, &sums, min(stats_size, sizeof(sums)));
}
