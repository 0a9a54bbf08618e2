/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/home: a worker that the system moved away goes back to the CPUs of its pod
 *
 * A work plays the system: it moves its thread to another CPU, and lets it go from there.
 */
#include <sched.h>
#include <unistd.h>

#include <rove/workqueue.h>

#include "base/atomic.h"
#include "tests/test.h"
#include "wq/home.h"
#include "wq/pool.h"
#include "wq/wq.h"

#define NR_ROUNDS 200

static cpu_set_t all, at_begin;
static u32 home_cpu, away_cpu, nr_slept_home, nr_slept_away;
static pid_t strayed;

static void stray(struct rove_work *work)
{
	cpu_set_t away;

	CPU_ZERO(&away);
	CPU_SET(away_cpu, &away);
	sched_setaffinity(0, sizeof(away), &away);
	sched_setaffinity(0, sizeof(all), &all);
	strayed = gettid();
}

static void look(struct rove_work *work)
{
	sched_getaffinity(0, sizeof(at_begin), &at_begin);
}

static bool find_two_cpus(void)
{
	if (sched_getaffinity(0, sizeof(all), &all))
		return false;
	for (home_cpu = 0; home_cpu < CPU_SETSIZE && !CPU_ISSET(home_cpu, &all); home_cpu++)
		;
	for (away_cpu = home_cpu + 1; away_cpu < CPU_SETSIZE && !CPU_ISSET(away_cpu, &all); away_cpu++)
		;
	return away_cpu < CPU_SETSIZE;
}

static void wait_until_asleep(const struct worker_pool *pool)
{
	while (READ_ONCE(pool->nr_running) || READ_ONCE(pool->nr_searching))
		sched_yield();
}

static void run(struct rove_workqueue *wq, rove_work_fn *fn)
{
	struct rove_work work = ROVE_WORK_INIT(fn);

	EXPECT_EQ(rove_queue_work_on(home_cpu, wq, &work), 1);
	rove_flush_work(&work);
	rove_cancel_work_sync(&work);
	wait_until_asleep(wq->shards[home_cpu]->pool);
}

/* Its state and the CPU it was on last: fields 3 and 39.  Return: false: it has ended. */
static bool look_at_thread(char *ret_state, u32 *ret_cpu)
{
	char path[64], line[1024] = "", *at;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", strayed);
	f = fopen(path, "r");
	if (!f)
		return false;
	at = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	if (!at)
		return false;
	*ret_state = at[2];
	for (u32 field = 2; at && field < 39; field++)
		at = strchr(at + 1, ' ');
	*ret_cpu = at ? strtoul(at, NULL, 10) : UINT32_MAX;
	return true;
}

/* A pool may let it end instead. */
static void note_where_it_sleeps(void)
{
	char state = 'R';
	u32 cpu = UINT32_MAX;

	while (state != 'S') {
		if (!look_at_thread(&state, &cpu))
			return;
	}
	nr_slept_home += cpu == home_cpu;
	nr_slept_away += cpu == away_cpu;
}

/* Return: how many times a worker was moved back. */
static u64 stray_and_look(const struct rove_wq_options *options)
{
	struct rove_workqueue *wq = NULL;
	struct rove_wq_stats stats;

	nr_slept_home = nr_slept_away = 0;
	EXPECT_EQ(rove_workqueue_create("home", options, &wq), 0);
	for (u32 i = 0; i < NR_ROUNDS; i++) {
		run(wq, stray);
		note_where_it_sleeps();
		run(wq, look);
	}
	rove_workqueue_stats(wq, &stats, sizeof(stats));
	rove_workqueue_free(wq);
	printf("# moved back %u times, slept at home %u times, elsewhere %u times\n",
	       (u32)stats.repatriated, nr_slept_home, nr_slept_away);
	return stats.repatriated;
}

TEST(home, a_worker_that_left_its_pod_is_back_before_it_is_woken)
{
	struct rove_wq_options options = {
		.size = sizeof(options), .flags = ROVE_WQ_UNBOUND, .scope = ROVE_WQ_SCOPE_CPU,
	};
	if (!find_two_cpus())
		SKIP("one CPU: a worker cannot leave its pod");
	/* Now and then the system moves it, too, in one direction or the other. */
	EXPECT_TRUE(stray_and_look(&options) > 0);
	EXPECT_TRUE(nr_slept_home > nr_slept_away);
	EXPECT_TRUE(CPU_EQUAL(&at_begin, &all));
}

TEST(home, nobody_leaves_a_pod_of_all_cpus)
{
	struct rove_wq_options options = {
		.size = sizeof(options), .flags = ROVE_WQ_UNBOUND, .scope = ROVE_WQ_SCOPE_SYSTEM,
	};

	if (!find_two_cpus())
		SKIP("one CPU: nobody can move");
	EXPECT_EQ(stray_and_look(&options), 0);
}

TEST(home, a_strict_queue_has_workers_that_need_not_come_back)
{
	struct rove_wq_options options = {
		.size = sizeof(options), .flags = ROVE_WQ_UNBOUND, .scope = ROVE_WQ_SCOPE_CPU,
		.strict = true,
	};

	if (!find_two_cpus())
		SKIP("one CPU: a worker cannot leave its pod");
	EXPECT_EQ(stray_and_look(&options), 0);
}

/* --- away from who queues ------------------------------------------------------------------ */

static void expect_affinity(const cpu_set_t *expected)
{
	cpu_set_t now;

	EXPECT_EQ(sched_getaffinity(0, sizeof(now), &now), 0);
	EXPECT_TRUE(CPU_EQUAL(&now, expected));
}

TEST(home, a_thread_leaves_its_cpu_for_another_one_and_may_be_where_it_might_before)
{
	struct pool_key key = { .set_bytes = sizeof(cpu_set_t), .pod = &all, .cpus = &all };
	int before;

	if (!find_two_cpus())
		SKIP("needs two CPUs");
	/* It may be moved back at once. */
	do {
		before = sched_getcpu();
		home_leave_cpu(&key);
		expect_affinity(&all);
	} while (sched_getcpu() == before);
}

TEST(home, a_thread_that_may_be_on_one_cpu_of_its_pod_only_stays)
{
	struct pool_key key = { .set_bytes = sizeof(cpu_set_t), .cpus = &all, .home = true };
	cpu_set_t pod;

	if (!find_two_cpus())
		SKIP("needs two CPUs");
	CPU_ZERO(&pod);
	CPU_SET(home_cpu, &pod);
	key.pod = &pod;
	EXPECT_EQ(sched_setaffinity(0, sizeof(pod), &pod), 0);
	home_leave_cpu(&key);
	expect_affinity(&pod);
	EXPECT_EQ(sched_getcpu(), (int)home_cpu);
	EXPECT_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
}
