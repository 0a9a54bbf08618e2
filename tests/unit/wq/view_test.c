/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * rove/workqueue_view.h: queues, pools and works are seen as they are
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include <rove/workqueue_view.h>

#include "base/atomic.h"
#include "base/types.h"
#include "tests/test.h"

struct gate {
	struct rove_work work;
	u32 inside, open;	/* A */
	u32 tid;		/* A */
};

static void wait_at_gate(struct rove_work *work)
{
	struct gate *g = (struct gate *)work;

	store_release(&g->tid, (u32)gettid());
	store_release(&g->inside, 1);
	while (!load_acquire(&g->open))
		usleep(200);
}

static void do_nothing(struct rove_work *work)
{
}

static void wait_until(const u32 *word, u32 at_least)
{
	while (load_acquire(word) < at_least)
		usleep(200);
}

static struct rove_workqueue *queue_create(const char *name, u32 flags, u32 max_active)
{
	struct rove_wq_options options = {
		.size = sizeof(options), .flags = flags, .max_active = max_active,
	};
	struct rove_workqueue *wq = NULL;

	EXPECT_EQ(rove_workqueue_create(name, &options, &wq), 0);
	return wq;
}

/* What was said of one queue. */
struct found {
	const char *name;
	u32 nr;
	struct rove_wq_view view;
};

static int find_queue(void *arg, const struct rove_wq_view *wq)
{
	struct found *f = arg;

	if (!strcmp(wq->name, f->name)) {
		f->nr++;
		f->view = *wq;
	}
	return 0;
}

TEST(view, a_queue_is_listed_once_with_what_it_did)
{
	struct rove_workqueue *wq = queue_create("a queue", ROVE_WQ_UNBOUND, 3);
	struct rove_work work = ROVE_WORK_INIT(do_nothing);
	struct found f = { .name = "a queue" };

	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(rove_queue_work(wq, &work), 1);
		rove_flush_work(&work);
	}
	rove_flush_workqueue(wq);
	EXPECT_EQ(rove_wq_each(find_queue, &f), 0);
	EXPECT_EQ(f.nr, 1);
	EXPECT_EQ(f.view.flags, ROVE_WQ_UNBOUND);
	EXPECT_EQ(f.view.max_active, 3);
	EXPECT_TRUE(f.view.nr_pools >= 1);
	EXPECT_EQ(f.view.stats.started, 5);
	EXPECT_EQ(f.view.stats.completed, 5);
	EXPECT_EQ(f.view.stats.pending, 0);
	rove_workqueue_free(wq);
	f.nr = 0;
	EXPECT_EQ(rove_wq_each(find_queue, &f), 0);
	EXPECT_EQ(f.nr, 0);
}

static int stop_at_once(void *arg, const struct rove_wq_view *wq)
{
	++*(int *)arg;
	return 42;
}

TEST(view, a_walk_ends_when_it_is_told_to)
{
	struct rove_workqueue *a = queue_create("a", 0, 0), *b = queue_create("b", 0, 0);
	int nr = 0;

	EXPECT_EQ(rove_wq_each(stop_at_once, &nr), 42);
	EXPECT_EQ(nr, 1);
	rove_workqueue_free(a);
	rove_workqueue_free(b);
}

#define MAX_SEEN 64

struct seen {
	const char *queue;
	u32 nr_running, nr_pending, nr_with_fn;
	struct rove_wq_work_view running;
	char function[96];
	const struct rove_work *pending[MAX_SEEN];
};

static int see_work(void *arg, const struct rove_wq_work_view *work)
{
	struct seen *seen = arg;

	if (strcmp(work->queue, seen->queue))
		return 0;
	if (work->state == ROVE_WQ_WORK_RUNNING) {
		seen->nr_running++;
		seen->running = *work;
		snprintf(seen->function, sizeof(seen->function), "%s", work->function);
		return 0;
	}
	EXPECT_TRUE(seen->nr_pending < MAX_SEEN);
	seen->nr_with_fn += work->fn == (const void *)do_nothing;
	seen->pending[seen->nr_pending++] = work->work;
	return 0;
}

static bool was_seen(const struct seen *seen, const struct rove_work *work)
{
	for (u32 i = 0; i < seen->nr_pending; i++)
		if (seen->pending[i] == work)
			return true;
	return false;
}

TEST(view, what_runs_and_what_waits_behind_it_is_seen)
{
	struct rove_workqueue *wq = queue_create("ordered", ROVE_WQ_UNBOUND | ROVE_WQ_ORDERED, 0);
	struct gate gate = { .work = ROVE_WORK_INIT(wait_at_gate) };
	struct seen seen = { .queue = "ordered" };
	struct rove_work works[20];
	uint64_t missed = 1;

	EXPECT_EQ(rove_queue_work(wq, &gate.work), 1);
	wait_until(&gate.inside, 1);
	for (u32 i = 0; i < 20; i++) {
		rove_work_init(&works[i], do_nothing);
		EXPECT_EQ(rove_queue_work(wq, &works[i]), 1);
	}
	EXPECT_EQ(rove_wq_each_work(see_work, &seen, &missed), 0);
	EXPECT_EQ(missed, 0);
	EXPECT_EQ(seen.nr_running, 1);
	EXPECT_PTR_EQ(seen.running.work, &gate.work);
	EXPECT_PTR_EQ(seen.running.fn, wait_at_gate);
	EXPECT_EQ(seen.running.tid, gate.tid);
	EXPECT_TRUE(strchr("SRD", seen.running.thread_state));
	EXPECT_TRUE(strstr(seen.function, "view_test+0x"));
	EXPECT_EQ(seen.nr_pending, 20);
	EXPECT_EQ(seen.nr_with_fn, 20);
	for (u32 i = 0; i < 20; i++)
		EXPECT_TRUE(was_seen(&seen, &works[i]));
	store_release(&gate.open, 1);
	rove_flush_workqueue(wq);
	seen = (struct seen){ .queue = "ordered" };
	EXPECT_EQ(rove_wq_each_work(see_work, &seen, NULL), 0);
	EXPECT_EQ(seen.nr_running + seen.nr_pending, 0);
	rove_workqueue_free(wq);
}

struct pool_sums {
	u32 nr_pools, nr_workers, nr_bad;
};

static int add_pool(void *arg, const struct rove_wq_pool_view *pool)
{
	struct pool_sums *sums = arg;

	sums->nr_pools++;
	sums->nr_workers += pool->nr_workers;
	sums->nr_bad += !pool->cpus[0] && !pool->bh;
	sums->nr_bad += pool->nr_idle > pool->nr_workers || !pool->nr_queues;
	return 0;
}

TEST(view, pools_that_serve_are_listed_with_their_cpus)
{
	struct rove_workqueue *wq = queue_create("bound", 0, 0);
	struct rove_work work = ROVE_WORK_INIT(do_nothing);
	struct pool_sums sums = { 0 };

	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	rove_flush_work(&work);
	EXPECT_EQ(rove_wq_each_pool(add_pool, &sums), 0);
	EXPECT_TRUE(sums.nr_pools >= 1);
	EXPECT_TRUE(sums.nr_workers >= 1);
	EXPECT_EQ(sums.nr_bad, 0);
	rove_workqueue_free(wq);
}

/* --- while everything moves ---------------------------------------------------------------- */

#define NR_MOVING 64

static u32 stop;
static u64 nr_run;

static void count_run(struct rove_work *work)
{
	fetch_add_relaxed(&nr_run, 1);
}

static void *queue_all_the_time(void *arg)
{
	struct rove_workqueue *wq = arg;

	while (!load_acquire(&stop)) {
		struct rove_work *works = calloc(NR_MOVING, sizeof(*works));

		for (u32 i = 0; i < NR_MOVING; i++) {
			rove_work_init(&works[i], count_run);
			rove_queue_work(wq, &works[i]);
		}
		for (u32 i = 0; i < NR_MOVING; i++)
			rove_cancel_work_sync(&works[i]);
		free(works);
	}
	return NULL;
}

static int touch_work(void *arg, const struct rove_wq_work_view *work)
{
	*(u64 *)arg += strlen(work->queue) + strlen(work->function);
	return 0;
}

static void *create_and_free(void *arg)
{
	while (!load_acquire(&stop))
		rove_workqueue_free(queue_create("short-lived", ROVE_WQ_UNBOUND, 0));
	return NULL;
}

/* Works are freed as soon as they are cancelled: a look at one of these would be found. */
TEST(view, looking_is_safe_while_works_and_queues_come_and_go)
{
	struct rove_workqueue *wq = queue_create("moving", ROVE_WQ_UNBOUND, 0);
	pthread_t producer, creator;
	struct pool_sums sums = { 0 };
	struct found f = { .name = "moving" };
	u64 touched = 0;

	WRITE_ONCE(stop, 0);
	EXPECT_EQ(pthread_create(&producer, NULL, queue_all_the_time, wq), 0);
	EXPECT_EQ(pthread_create(&creator, NULL, create_and_free, NULL), 0);
	for (int i = 0; i < 300; i++) {
		EXPECT_EQ(rove_wq_each_work(touch_work, &touched, NULL), 0);
		EXPECT_EQ(rove_wq_each_pool(add_pool, &sums), 0);
		EXPECT_EQ(rove_wq_each(find_queue, &f), 0);
	}
	store_release(&stop, 1);
	pthread_join(producer, NULL);
	pthread_join(creator, NULL);
	EXPECT_EQ(f.nr, 300);
	rove_workqueue_free(wq);
}
