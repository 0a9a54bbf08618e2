/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq: threads that cannot be had, and no more of them than allowed
 *
 * Our threads are started through the pthread_create() of this file, which can be
 * told to fail.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include <rove/workqueue.h>
#include <rove/workqueue_view.h>

#include "base/atomic.h"
#include "base/types.h"
#include "tests/test.h"
#include "wq/manager.h"
#include "wq/pool.h"
#include "wq/worker.h"
#include "wq/wq.h"

static s32 creations_left = INT32_MAX;	/* A: then they fail */
static u32 nr_refused;			/* A */

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (add_fetch_relaxed(&creations_left, -1) < 0) {
		fetch_add_relaxed(&nr_refused, 1);
		return EAGAIN;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return real(thread, attr, run, arg);
}

static void allow_threads(s32 nr)
{
	WRITE_ONCE(nr_refused, 0);
	WRITE_ONCE(creations_left, nr);
}

struct item {
	struct rove_work work;
	u32 *inside, *go_on;	/* A */
};

static void wait_until_told(struct rove_work *work)
{
	struct item *item = (struct item *)work;

	fetch_add_relaxed(item->inside, 1);
	while (!load_acquire(item->go_on))
		usleep(200);
}

static void wait_aloud(struct rove_work *work)
{
	rove_wq_block_begin();
	wait_until_told(work);
	rove_wq_block_end();
}

static u64 nr_run;

static void count_run(struct rove_work *work)
{
	fetch_add_relaxed(&nr_run, 1);
}

static const u32 kinds[] = {
	0, ROVE_WQ_UNBOUND, ROVE_WQ_UNBOUND | ROVE_WQ_ORDERED, ROVE_WQ_HIGHPRI,
	ROVE_WQ_UNBOUND | ROVE_WQ_MEM_RECLAIM, ROVE_WQ_BH,
};

#define NR_WORKS 50

/* Return: 0 if a queue could be made; then all works have run, whatever failed. */
static int use_a_queue(u32 flags, int nice)
{
	struct rove_wq_options options = { .size = sizeof(options), .flags = flags };
	struct rove_work works[NR_WORKS];
	struct rove_workqueue *wq = NULL;
	u64 before = READ_ONCE(nr_run);
	int err;

	if (flags & ROVE_WQ_UNBOUND)
		options.nice = nice;
	err = rove_workqueue_create("threads", &options, &wq);
	if (err) {
		EXPECT_EQ(err, -EAGAIN);
		EXPECT_PTR_EQ(wq, NULL);
		return err;
	}
	for (u32 i = 0; i < NR_WORKS; i++) {
		rove_work_init(&works[i], count_run);
		EXPECT_EQ(rove_queue_work(wq, &works[i]), 1);
	}
	rove_flush_workqueue(wq);
	EXPECT_EQ(READ_ONCE(nr_run) - before, NR_WORKS);
	rove_workqueue_free(wq);
	return 0;
}

/* The first, the second, ... of all creations fails, and all after it. */
TEST(threads, whichever_creation_fails_a_queue_is_refused_or_works)
{
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (s32 n = 0; ; n++) {
			allow_threads(n);
			use_a_queue(kinds[k], 1 + n % 19);
			if (!READ_ONCE(nr_refused))
				break;
			allow_threads(INT32_MAX);
			EXPECT_EQ(use_a_queue(kinds[k], 1 + n % 19), 0);
		}
	}
	allow_threads(INT32_MAX);
}

struct tally {
	int nice;
	u32 nr_workers;
};

static int add_pool(void *arg, const struct rove_wq_pool_view *pool)
{
	struct tally *tally = arg;

	if (pool->nice == tally->nice)
		tally->nr_workers += pool->nr_workers;
	return 0;
}

static u32 nr_workers_of_nice(int nice)
{
	struct tally tally = { .nice = nice };

	EXPECT_EQ(rove_wq_each_pool(add_pool, &tally), 0);
	return tally.nr_workers;
}

#define NR_BLOCKED 40
#define MAX_BLOCKED 3

/* As many as run at a time, and those that may wait; the others wait for them. */
static void expect_capped(rove_work_fn *fn, int nice)
{
	struct rove_wq_options options = {
		.size = sizeof(options), .flags = ROVE_WQ_UNBOUND, .max_blocked = MAX_BLOCKED,
		.scope = ROVE_WQ_SCOPE_SYSTEM, .nice = nice,
	};
	u32 nr_cpus = sysconf(_SC_NPROCESSORS_ONLN), inside = 0, go_on = 0, most;
	struct rove_workqueue *wq = NULL;
	struct item items[NR_BLOCKED];

	most = nr_cpus + MAX_BLOCKED;
	if (most >= NR_BLOCKED)
		SKIP("more CPUs than this test has works for");
	EXPECT_EQ(rove_workqueue_create("capped", &options, &wq), 0);
	for (u32 i = 0; i < NR_BLOCKED; i++) {
		items[i] = (struct item){ ROVE_WORK_INIT(fn), &inside, &go_on };
		EXPECT_EQ(rove_queue_work(wq, &items[i].work), 1);
	}
	while (READ_ONCE(inside) < most)
		usleep(500);
	usleep(20000);		/* one too many would come now */
	EXPECT_EQ(READ_ONCE(inside), most);
	EXPECT_EQ(nr_workers_of_nice(nice), most);
	store_release(&go_on, 1);
	rove_flush_workqueue(wq);
	EXPECT_EQ(READ_ONCE(inside), NR_BLOCKED);
	rove_workqueue_free(wq);
}

TEST(threads, works_that_wait_unannounced_are_replaced_up_to_the_cap)
{
	expect_capped(wait_until_told, 11);
}

TEST(threads, works_that_say_so_are_replaced_up_to_the_cap)
{
	expect_capped(wait_aloud, 12);
}

TEST(threads, any_number_of_them_may_be_allowed)
{
	struct rove_wq_options options = {
		.size = sizeof(options), .flags = ROVE_WQ_UNBOUND, .max_blocked = UINT32_MAX,
		.nice = 14,
	};
	struct rove_workqueue *wq = NULL;

	EXPECT_EQ(rove_workqueue_create("any", &options, &wq), 0);
	for (u32 i = 0; i < wq->nr_lanes; i++)
		EXPECT_TRUE(wq->lanes[i]->pool->max_workers > WORKER_ID_MAX);
	rove_workqueue_free(wq);
}

/* Many threads are made for works that wait; when these have ended all but one end. */
TEST(threads, that_have_nothing_to_do_end_but_for_one)
{
	struct rove_wq_options options = {
		.size = sizeof(options), .flags = ROVE_WQ_UNBOUND, .scope = ROVE_WQ_SCOPE_SYSTEM,
		.nice = 15,
	};
	u64 timeout_ns = manager_idle_timeout_ns;
	struct rove_workqueue *wq = NULL;
	struct item items[20];
	u32 inside = 0, go_on = 0;

	WRITE_ONCE(manager_idle_timeout_ns, 1000000);
	EXPECT_EQ(rove_workqueue_create("idle", &options, &wq), 0);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		items[i] = (struct item){ .inside = &inside, .go_on = &go_on };
		rove_work_init(&items[i].work, wait_aloud);
		EXPECT_EQ(rove_queue_work(wq, &items[i].work), 1);
	}
	while (load_acquire(&inside) < ARRAY_SIZE(items))
		usleep(200);
	EXPECT_TRUE(nr_workers_of_nice(15) >= ARRAY_SIZE(items));
	store_release(&go_on, 1);
	rove_flush_workqueue(wq);
	while (nr_workers_of_nice(15) != 1) {
		manager_wake();
		usleep(200);
	}
	/* That one stays, and is enough to go on. */
	EXPECT_EQ(rove_queue_work(wq, &items[0].work), 1);
	rove_flush_workqueue(wq);
	WRITE_ONCE(manager_idle_timeout_ns, timeout_ns);
	rove_workqueue_free(wq);
}

static int note_pools(void *arg, const struct rove_wq_view *wq)
{
	if (!strcmp(wq->name, "masked"))
		*(u32 *)arg = wq->nr_pools;
	return 0;
}

static u32 nr_pools_of_masked(void)
{
	u32 nr = 0;

	EXPECT_EQ(rove_wq_each(note_pools, &nr), 0);
	return nr;
}

/* One pool for each CPU that the process may use at the time. */
TEST(threads, are_for_the_cpus_that_the_process_may_use_when_a_queue_is_made_or_laid_out)
{
	struct rove_wq_options options = {
		.size = sizeof(options), .flags = ROVE_WQ_UNBOUND, .scope = ROVE_WQ_SCOPE_CPU,
	};
	struct rove_wq_attrs attrs = { .size = sizeof(attrs), .scope = ROVE_WQ_SCOPE_CPU };
	struct rove_workqueue *wq = NULL;
	cpu_set_t all, one;
	int first = 0;

#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer's own thread keeps the mask that the process had");
#endif
	EXPECT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
	if (CPU_COUNT(&all) < 2)
		SKIP("needs two CPUs");
	while (!CPU_ISSET(first, &all))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	EXPECT_EQ(rove_workqueue_create("masked", &options, &wq), 0);
	EXPECT_EQ(nr_pools_of_masked(), CPU_COUNT(&all));
	EXPECT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
	EXPECT_EQ(rove_workqueue_apply_attrs(wq, &attrs), 0);
	EXPECT_EQ(nr_pools_of_masked(), 1);
	rove_workqueue_free(wq);
	EXPECT_EQ(rove_workqueue_create("masked", &options, &wq), 0);
	EXPECT_EQ(nr_pools_of_masked(), 1);
	EXPECT_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
	EXPECT_EQ(rove_workqueue_apply_attrs(wq, &attrs), 0);
	EXPECT_EQ(nr_pools_of_masked(), CPU_COUNT(&all));
	rove_workqueue_free(wq);
}

static u32 nr_old_lanes(const struct rove_workqueue *wq)
{
	u32 nr = 0;

	for (const struct lane *lane = wq->old_lanes; lane; lane = lane->next_old)
		nr++;
	return nr;
}

static bool any_worker_holds(struct lane *const *lanes, u32 nr)
{
	for (u32 id = 1; id < worker_id_end(); id++) {
		for (u32 i = 0; i < nr; i++) {
			if (load_acquire(&worker_by_id(id)->lane) == lanes[i])
				return true;
		}
	}
	return false;
}

/* One work stays in the first layout all the time; of the others nothing is left. */
TEST(threads, lanes_that_a_queue_has_left_go_when_the_last_work_has_left_them)
{
	struct rove_wq_options options = { .size = sizeof(options), .flags = ROVE_WQ_UNBOUND };
	u32 inside = 0, go_on = 0, nr_lanes;
	struct item item = { .inside = &inside, .go_on = &go_on };
	struct rove_workqueue *wq = NULL;
	struct rove_work work;

	rove_work_init(&item.work, wait_until_told);
	rove_work_init(&work, count_run);
	EXPECT_EQ(rove_workqueue_create("moved", &options, &wq), 0);
	nr_lanes = wq->nr_lanes;
	EXPECT_EQ(rove_queue_work(wq, &item.work), 1);
	while (!load_acquire(&inside))
		usleep(200);
	for (u32 i = 0; i < 100; i++) {
		struct rove_wq_attrs attrs = { .size = sizeof(attrs), .scope = 1 + i % 6 };

		EXPECT_EQ(rove_workqueue_apply_attrs(wq, &attrs), 0);
		EXPECT_EQ(nr_old_lanes(wq), 1);
		EXPECT_EQ(rove_queue_work(wq, &work), 1);
		rove_flush_work(&work);
		while (rove_work_busy(&work) || any_worker_holds(wq->lanes, wq->nr_lanes))
			usleep(200);
	}
	EXPECT_TRUE(nr_lanes >= 1);
	store_release(&go_on, 1);
	rove_flush_workqueue(wq);
	EXPECT_EQ(rove_workqueue_apply_attrs(wq, &(struct rove_wq_attrs){
		.size = sizeof(struct rove_wq_attrs) }), 0);
	EXPECT_EQ(nr_old_lanes(wq), 0);
	rove_workqueue_free(wq);
}
