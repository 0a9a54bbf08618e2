/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq: isolated CPUs are left alone, and works queued there run all the same
 *
 * On a described machine, so that every machine can show it.
 */
#include <unistd.h>

#include <rove/workqueue.h>
#include <rove/workqueue_view.h>

#include "base/atomic.h"
#include "tests/test.h"
#include "wq/attrs.h"
#include "wq/cpulist.h"
#include "wq/pool.h"

static void describe(const char *machine, const char *isolated)
{
	struct topology_spec spec = { .machine = machine, .isolated = isolated };

	EXPECT_EQ(machine_describe(&spec), 0);
}

static u32 nr_run;

static void count_run(struct rove_work *work)
{
	fetch_add_relaxed(&nr_run, 1);
}

static struct rove_workqueue *queue_create(u32 flags)
{
	struct rove_wq_options options = { .size = sizeof(options), .flags = flags };
	struct rove_workqueue *wq = NULL;

	EXPECT_EQ(rove_workqueue_create("isolated", &options, &wq), 0);
	return wq;
}

static int expect_no_isolated(void *arg, const struct rove_wq_pool_view *pool)
{
	cpu_set_t set, *isolated = arg;

	EXPECT_EQ(cpulist_parse(pool->cpus, &set, sizeof(set)), 0);
	CPU_AND(&set, &set, isolated);
	EXPECT_EQ(CPU_COUNT(&set), 0);
	return 0;
}

static void expect_all_run(u32 flags, u32 nr_cpus, const char *isolated_list)
{
	struct rove_workqueue *wq = queue_create(flags);
	struct rove_work work = ROVE_WORK_INIT(count_run);
	cpu_set_t isolated;

	EXPECT_EQ(cpulist_parse(isolated_list, &isolated, sizeof(isolated)), 0);
	WRITE_ONCE(nr_run, 0);
	for (u32 cpu = 0; cpu < nr_cpus; cpu++) {
		EXPECT_EQ(rove_queue_work_on(cpu, wq, &work), 1);
		rove_flush_work(&work);
	}
	EXPECT_EQ(READ_ONCE(nr_run), nr_cpus);
	EXPECT_EQ(rove_wq_each_pool(expect_no_isolated, &isolated), 0);
	rove_workqueue_free(wq);
}

TEST(isolated, no_pool_has_an_isolated_cpu_and_works_queued_there_run)
{
	describe("node:2 l3:2 core:4 pu:2", "1,8-15,31");
	expect_all_run(0, 32, "1,8-15,31");
	expect_all_run(ROVE_WQ_UNBOUND, 32, "1,8-15,31");
	expect_all_run(ROVE_WQ_UNBOUND | ROVE_WQ_ORDERED, 32, "1,8-15,31");
}

/* From a thread on an isolated CPU the work goes to the nearest pool. */
TEST(isolated, a_thread_on_an_isolated_cpu_queues_to_what_is_nearest)
{
	struct rove_work work = ROVE_WORK_INIT(count_run);
	struct rove_workqueue *wq;

	describe("node:2 l3:2 core:4 pu:2", "8-15");
	wq = queue_create(ROVE_WQ_UNBOUND);
	topology_pretend_cpu(9);
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	rove_flush_work(&work);
	/* CPU 9 is of node 0, whose other cache has CPUs 0 to 7. */
	EXPECT_TRUE(CPU_ISSET_S(0, wq->shards[9]->pool->key.set_bytes, wq->shards[9]->pool->key.pod));
	rove_workqueue_free(wq);
}

TEST(isolated, a_large_machine_has_its_pools)
{
	describe("pack:2 l3:4 core:64 pu:1", "500-511");
	expect_all_run(ROVE_WQ_UNBOUND, 512, "500-511");
}
