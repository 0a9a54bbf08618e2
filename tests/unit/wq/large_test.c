/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq: queues on a machine of 2 sockets, 8 caches and 512 CPUs, described
 */
#include <errno.h>

#include <rove/workqueue.h>

#include "tests/test.h"
#include "wq/attrs.h"
#include "wq/pool.h"
#include "wq/wq.h"

static struct rove_workqueue *make_queue(struct rove_wq_options options)
{
	static const struct topology_spec spec = { .machine = "pack:2 l3:4 core:64 pu:1" };
	struct rove_workqueue *wq = NULL;

	EXPECT_EQ(machine_describe(&spec), 0);
	options.size = sizeof(options);
	EXPECT_EQ(rove_workqueue_create("large", &options, &wq), 0);
	return wq;
}

#define QUEUE(...) make_queue((struct rove_wq_options){ __VA_ARGS__ })

TEST(large, pods_share_max_active_by_their_cpus)
{
	static const struct { u32 max, min, share; } rows[] = {
		{ 1024, 0, 128 }, { 512, 0, 64 }, { 100, 0, 13 }, { 64, 0, 8 }, { 16, 0, 8 },
		{ 16, 1, 2 }, { 3, 0, 3 }, { 3, 1, 1 }, { 1, 0, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND,
						  .scope = ROVE_WQ_SCOPE_CACHE,
						  .max_active = rows[i].max,
						  .min_active = rows[i].min);

		EXPECT_EQ(wq->nr_lanes, 8);
		for (u32 l = 0; l < wq->nr_lanes; l++)
			EXPECT_EQ(wq->lanes[l]->max_active, rows[i].share);
		EXPECT_EQ(rove_workqueue_set_max_active(wq, 800), 0);
		EXPECT_EQ(rove_workqueue_set_min_active(wq, 200), 0);
		EXPECT_EQ(wq->lanes[7]->max_active, 200);
		EXPECT_EQ(rove_workqueue_set_min_active(wq, 801), -EINVAL);
		rove_workqueue_free(wq);
	}
}

/* Pods of other sizes than the others have another share. */
TEST(large, a_smaller_pod_has_a_smaller_share)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .scope = ROVE_WQ_SCOPE_CACHE,
					  .max_active = 80, .min_active = 1, .cpus = "0-63,64-79");

	EXPECT_EQ(wq->nr_lanes, 2);
	EXPECT_EQ(wq->lanes[0]->max_active, 64);
	EXPECT_EQ(wq->lanes[1]->max_active, 16);
	rove_workqueue_free(wq);
}

static struct worker_pool *ran_in;

static void note_pool(struct rove_work *work)
{
	ran_in = worker_self->pool;
}

TEST(large, each_work_runs_in_the_pool_of_the_cpu_it_was_queued_for)
{
	static const struct { u32 scope, nr_lanes; } rows[] = {
		{ ROVE_WQ_SCOPE_CPU, 512 }, { ROVE_WQ_SCOPE_SMT, 512 },
		{ ROVE_WQ_SCOPE_CACHE_SHARD, 64 }, { ROVE_WQ_SCOPE_CACHE, 8 },
		{ ROVE_WQ_SCOPE_NUMA, 1 }, { ROVE_WQ_SCOPE_SYSTEM, 1 },
	};
	struct rove_work work = ROVE_WORK_INIT(note_pool);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .scope = rows[i].scope);

		EXPECT_EQ(wq->nr_lanes, rows[i].nr_lanes);
		for (int cpu = 0; cpu < 512; cpu += 7) {
			EXPECT_EQ(rove_queue_work_on(cpu, wq, &work), 1);
			rove_flush_work(&work);
			EXPECT_TRUE(CPU_ISSET_S(cpu, ran_in->key.set_bytes, ran_in->key.pod));
		}
		rove_workqueue_free(wq);
	}
}
