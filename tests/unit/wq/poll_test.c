/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/poll: an idle worker looks for works as long as its queue says, and no longer
 *
 * A machine with other work may take the CPU from who polls, who then sleeps: where a test
 * needs a worker that polls it tries again.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <rove/workqueue_view.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/futex.h"
#include "tests/test.h"
#include "wq/manager.h"
#include "wq/pool.h"
#include "wq/wq.h"

#define FOREVER_US UINT32_MAX

static u32 nr_runs;

static void count(struct rove_work *work)
{
	fetch_add_seq_cst(&nr_runs, 1);
}

static struct rove_workqueue *make_queue(struct rove_wq_options options)
{
	struct rove_workqueue *wq = NULL;

	options.size = sizeof(options);
	EXPECT_EQ(rove_workqueue_create("polls", &options, &wq), 0);
	return wq;
}

#define QUEUE(...) make_queue((struct rove_wq_options){ __VA_ARGS__ })

static struct worker_pool *pool_of(const struct rove_workqueue *wq)
{
	return READ_ONCE(wq->shards[0]->pool);
}

static void run_one(struct rove_workqueue *wq)
{
	struct rove_work work = ROVE_WORK_INIT(count);

	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	rove_flush_work(&work);
	rove_cancel_work_sync(&work);
}

/* Works make workers active, and one that was active polls. */
static void wait_until_polled(struct rove_workqueue *wq)
{
	while (!load_acquire(&pool_of(wq)->poller)) {
		run_one(wq);
		usleep(1000);
	}
}

static bool all_sleep(const struct worker_pool *pool)
{
	return !READ_ONCE(pool->nr_running) && !READ_ONCE(pool->nr_searching) &&
	       READ_ONCE(pool->nr_idle) == READ_ONCE(pool->nr_workers);
}

static u64 wakeups_of(struct rove_workqueue *wq)
{
	struct rove_wq_stats stats;

	rove_workqueue_stats(wq, &stats, sizeof(stats));
	return stats.wakeups;
}

static u64 cm_wakeups_of(struct rove_workqueue *wq)
{
	struct rove_wq_stats stats;

	rove_workqueue_stats(wq, &stats, sizeof(stats));
	return stats.cm_wakeups;
}

/* --- who is looking ------------------------------------------------------------------------ */

TEST(poll, a_worker_that_polls_takes_a_work_without_being_woken)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .poll_us = FOREVER_US);
	struct rove_wq_stats stats;
	u64 before;

	do {
		wait_until_polled(wq);
		before = wakeups_of(wq);
		run_one(wq);
	} while (wakeups_of(wq) != before);
	rove_workqueue_stats(wq, &stats, sizeof(stats));
	EXPECT_TRUE(stats.wakeups_saved > 0);
	EXPECT_TRUE(READ_ONCE(pool_of(wq)->polled_ns) > 0);
	rove_workqueue_free(wq);
}

static struct rove_workqueue *handler_wq;
static struct rove_work handler_work = ROVE_WORK_INIT(count);

static void queue_in_handler(int sig)
{
	rove_queue_work(handler_wq, &handler_work);
}

TEST(poll, what_a_signal_handler_queues_is_seen_too)
{
	u64 before;
	u32 runs;

	handler_wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .poll_us = FOREVER_US);
	signal(SIGUSR1, queue_in_handler);
	do {
		wait_until_polled(handler_wq);
		before = wakeups_of(handler_wq);
		runs = load_seq_cst(&nr_runs);
		raise(SIGUSR1);
		while (load_seq_cst(&nr_runs) == runs)
			sched_yield();
	} while (wakeups_of(handler_wq) != before);
	signal(SIGUSR1, SIG_DFL);
	rove_workqueue_free(handler_wq);
}

static u32 gate, nr_inside;

static void stay(struct rove_work *work)
{
	fetch_add_seq_cst(&nr_inside, 1);
	while (!load_acquire(&gate))
		futex_wait(&gate, 0, FUTEX_FOREVER);
}

static void open_gate(void)
{
	store_release(&gate, 1);
	futex_wake(&gate, INT32_MAX);
}

/* Workers wait one after the other, so several are made; one stays awake in the end. */
static void make_workers(struct rove_workqueue *wq, u32 nr)
{
	struct rove_work works[8];

	WRITE_ONCE(nr_inside, 0);
	WRITE_ONCE(gate, 0);
	for (u32 i = 0; i < nr; i++) {
		rove_work_init(&works[i], stay);
		EXPECT_EQ(rove_queue_work(wq, &works[i]), 1);
	}
	while (load_seq_cst(&nr_inside) < nr)
		usleep(200);
	open_gate();
	rove_flush_workqueue(wq);
}

TEST(poll, one_worker_polls_and_the_others_sleep)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .poll_us = FOREVER_US);
	struct worker_pool *pool = pool_of(wq);

	make_workers(wq, 8);
	EXPECT_TRUE(READ_ONCE(pool->nr_workers) >= 8);
	do
		wait_until_polled(wq);
	while (READ_ONCE(pool->nr_idle) != READ_ONCE(pool->nr_workers) - 1 ||
	       !READ_ONCE(pool->poller));
	rove_workqueue_free(wq);
}

/* --- who queues ---------------------------------------------------------------------------- */

static u32 nr_hand_over(const struct rove_workqueue *wq)
{
	u32 nr = 0;

	for (u32 i = 0; i < wq->nr_shards; i++)
		nr += READ_ONCE(wq->shards[i]->hand_over);
	return nr;
}

static void run_many(struct rove_workqueue *wq)
{
	struct rove_work works[64], *all[64];

	for (u32 i = 0; i < 64; i++) {
		rove_work_init(&works[i], count);
		all[i] = &works[i];
	}
	EXPECT_EQ(rove_queue_works(wq, all, 64), 64);
	rove_flush_works(all, 64);
	for (u32 i = 0; i < 64; i++)
		rove_cancel_work_sync(&works[i]);
}

TEST(poll, who_queues_works_one_by_one_gives_the_worker_a_moment_and_who_queues_many_does_not)
{
	struct rove_workqueue *wq;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP("needs two CPUs");
	wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .poll_us = 1000);
	while (!nr_hand_over(wq))
		run_one(wq);
	while (nr_hand_over(wq))
		run_many(wq);
	while (!nr_hand_over(wq))
		run_one(wq);
	/* And not when nobody polls any more. */
	EXPECT_EQ(rove_workqueue_set_poll_us(wq, 0), 0);
	while (nr_hand_over(wq))
		run_one(wq);
	rove_workqueue_free(wq);
}

TEST(poll, who_queues_to_a_bound_queue_has_nobody_to_wait_for)
{
	struct rove_workqueue *wq = QUEUE(.flags = 0, .poll_us = 100);

	for (u32 i = 0; i < 200; i++)
		run_one(wq);
	EXPECT_EQ(nr_hand_over(wq), 0);
	rove_workqueue_free(wq);
}

/* --- when it ends -------------------------------------------------------------------------- */

TEST(poll, a_worker_sleeps_when_its_time_is_over)
{
	u64 time_ns = 2 * NSEC_PER_MSEC, polled_ns, before_ns;
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .poll_us = 2000);
	struct worker_pool *pool = pool_of(wq);

	wait_until_polled(wq);
	while (!all_sleep(pool))
		sched_yield();
	before_ns = READ_ONCE(pool->polled_ns);
	run_one(wq);
	while (!all_sleep(pool))
		sched_yield();
	/* Once for the one work, and what it counts at a time is less than a millisecond. */
	polled_ns = READ_ONCE(pool->polled_ns) - before_ns;
	EXPECT_TRUE(polled_ns < time_ns + NSEC_PER_MSEC);
	rove_workqueue_free(wq);
}

TEST(poll, workers_of_a_queue_that_does_not_ask_for_it_do_not)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND);
	struct worker_pool *pool = pool_of(wq);

	for (u32 i = 0; i < 100; i++)
		run_one(wq);
	while (!all_sleep(pool))
		sched_yield();
	EXPECT_EQ(READ_ONCE(pool->polled_ns), 0);
	rove_workqueue_free(wq);
}

TEST(poll, a_pool_that_serves_no_queue_any_more_loses_its_workers)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .poll_us = FOREVER_US, .nice = 3);
	struct worker_pool *pool = pool_of(wq);

	wait_until_polled(wq);
	rove_workqueue_free(wq);
	while (READ_ONCE(pool->nr_workers))
		usleep(200);
	EXPECT_EQ(READ_ONCE(pool->poller), 0);
}

TEST(poll, idle_workers_beside_the_one_that_polls_end)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .poll_us = FOREVER_US, .nice = 4);
	struct worker_pool *pool = pool_of(wq);
	u64 timeout_ns = manager_idle_timeout_ns;

	make_workers(wq, 4);
	WRITE_ONCE(manager_idle_timeout_ns, NSEC_PER_MSEC);
	while (READ_ONCE(pool->nr_workers) != 1) {
		manager_wake();
		usleep(200);
	}
	WRITE_ONCE(manager_idle_timeout_ns, timeout_ns);
	run_one(wq);
	rove_workqueue_free(wq);
}

TEST(poll, the_manager_sleeps_while_a_worker_polls)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .poll_us = FOREVER_US);
	struct rove_work work = ROVE_WORK_INIT(stay);
	u64 linger_ns = manager_linger_ns;

	WRITE_ONCE(manager_linger_ns, NSEC_PER_MSEC);
	manager_wake();
	do
		wait_until_polled(wq);
	while (load_seq_cst(&manager_word) != MANAGER_ASLEEP || !READ_ONCE(pool_of(wq)->poller));
	/* And is awake for what that one runs: it is found to wait. */
	WRITE_ONCE(gate, 0);
	WRITE_ONCE(nr_inside, 0);
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	while (!cm_wakeups_of(wq))
		usleep(200);
	open_gate();
	rove_flush_work(&work);
	WRITE_ONCE(manager_linger_ns, linger_ns);
	rove_workqueue_free(wq);
}

static u32 hog_ends;

static void *hog(void *cpus)
{
	sched_setaffinity(0, sizeof(cpu_set_t), cpus);
	while (!load_acquire(&hog_ends))
		cpu_relax();
	return NULL;
}

TEST(poll, nobody_polls_for_a_while_when_others_need_the_cpu)
{
	struct worker_pool *pool;
	struct rove_workqueue *wq;
	cpu_set_t all, one;
	pthread_t thread;
	char cpus[16];
	int cpu = 0;

	EXPECT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	snprintf(cpus, sizeof(cpus), "%d", cpu);
	WRITE_ONCE(hog_ends, 0);
	EXPECT_EQ(pthread_create(&thread, NULL, hog, &one), 0);
	wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .poll_us = FOREVER_US, .cpus = cpus);
	pool = pool_of(wq);
	while (!READ_ONCE(pool->rest_until_ns)) {
		run_one(wq);
		usleep(2000);
	}
	/* Works wake it, as they wake every worker. */
	while (!wakeups_of(wq))
		run_one(wq);
	store_release(&hog_ends, 1);
	pthread_join(thread, NULL);
	rove_workqueue_free(wq);
}

/* --- while it is used ---------------------------------------------------------------------- */

static void expect_changeable(struct rove_wq_options options)
{
	struct rove_workqueue *wq = make_queue(options);

	for (u32 i = 0; i < 20; i++) {
		struct rove_work works[16];

		for (u32 k = 0; k < 16; k++) {
			rove_work_init(&works[k], count);
			EXPECT_EQ(rove_queue_work(wq, &works[k]), 1);
		}
		EXPECT_EQ(rove_workqueue_set_poll_us(wq, i % 2 ? 0 : FOREVER_US), 0);
		EXPECT_EQ(pool_of(wq)->key.poll_ns, i % 2 ? 0 : FOREVER_US * 1000ull);
		rove_flush_workqueue(wq);
		for (u32 k = 0; k < 16; k++)
			rove_cancel_work_sync(&works[k]);
	}
	EXPECT_EQ(rove_workqueue_set_poll_us(wq, FOREVER_US), 0);
	wait_until_polled(wq);
	EXPECT_EQ(pool_of(wq)->key.nice, options.nice);
	rove_workqueue_free(wq);
}

TEST(poll, the_time_can_be_changed_while_works_run)
{
	expect_changeable((struct rove_wq_options){ .flags = ROVE_WQ_UNBOUND, .nice = 2 });
	expect_changeable((struct rove_wq_options){ .flags = ROVE_WQ_ORDERED });
}

/* Its first CPU's pool is the one that is looked at. */
TEST(poll, the_time_of_a_bound_queue_can_be_changed_while_works_run)
{
	cpu_set_t all, one;

	EXPECT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
	if (!CPU_ISSET(0, &all))
		SKIP("may not use CPU 0");
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	EXPECT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
	expect_changeable((struct rove_wq_options){ .flags = 0 });
	EXPECT_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
}

TEST(poll, a_change_of_the_time_leaves_the_other_attributes_and_they_leave_it_out)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .nice = 5, .poll_us = 100,
					  .scope = ROVE_WQ_SCOPE_SYSTEM, .strict = true);
	struct rove_wq_attrs attrs = { .size = sizeof(attrs), .nice = 6 };

	EXPECT_EQ(rove_workqueue_set_poll_us(wq, 200), 0);
	EXPECT_EQ(pool_of(wq)->key.poll_ns, 200000);
	EXPECT_EQ(pool_of(wq)->key.nice, 5);
	EXPECT_TRUE(pool_of(wq)->key.pin);
	EXPECT_EQ(wq->scope, POD_SYSTEM);
	EXPECT_EQ(rove_workqueue_apply_attrs(wq, &attrs), 0);
	EXPECT_EQ(pool_of(wq)->key.poll_ns, 0);
	attrs.size = offsetof(struct rove_wq_attrs, poll_us);	/* an older caller's */
	attrs.poll_us = 77;
	EXPECT_EQ(rove_workqueue_apply_attrs(wq, &attrs), 0);
	EXPECT_EQ(pool_of(wq)->key.poll_ns, 0);
	EXPECT_EQ(pool_of(wq)->key.nice, 6);
	rove_workqueue_free(wq);
}

TEST(poll, queues_share_a_pool_only_if_they_poll_alike)
{
	struct rove_workqueue *a = QUEUE(.flags = ROVE_WQ_UNBOUND, .poll_us = 10);
	struct rove_workqueue *b = QUEUE(.flags = ROVE_WQ_UNBOUND, .poll_us = 10);
	struct rove_workqueue *c = QUEUE(.flags = ROVE_WQ_UNBOUND, .poll_us = 11);

	EXPECT_PTR_EQ(pool_of(a), pool_of(b));
	EXPECT_TRUE(pool_of(a) != pool_of(c));
	rove_workqueue_free(a);
	rove_workqueue_free(b);
	rove_workqueue_free(c);
}

TEST(poll, bottom_halves_are_refused)
{
	struct rove_wq_options options = {
		.size = sizeof(options), .flags = ROVE_WQ_BH, .poll_us = 1,
	};
	struct rove_workqueue *wq = NULL;

	EXPECT_EQ(rove_workqueue_create("bh", &options, &wq), -EINVAL);
	wq = QUEUE(.flags = ROVE_WQ_BH);
	EXPECT_EQ(rove_workqueue_set_poll_us(wq, 1), -EINVAL);
	rove_workqueue_free(wq);
}

TEST(poll, a_frozen_queue_stands_still_though_a_worker_polls)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND | ROVE_WQ_FREEZABLE,
					  .poll_us = FOREVER_US);
	struct rove_work work = ROVE_WORK_INIT(count);
	u32 runs;

	wait_until_polled(wq);
	rove_freeze_workqueues();
	runs = load_seq_cst(&nr_runs);
	EXPECT_EQ(rove_queue_work(wq, &work), 1);
	/* Who polls looks at it, and goes on polling or sleeps. */
	while (!READ_ONCE(wq->shards[0]->starved) && READ_ONCE(wq->shards[0]->stack))
		sched_yield();
	EXPECT_EQ(load_seq_cst(&nr_runs), runs);
	rove_thaw_workqueues();
	rove_flush_work(&work);
	EXPECT_EQ(load_seq_cst(&nr_runs), runs + 1);
	rove_workqueue_free(wq);
}

/* --- what is said of it -------------------------------------------------------------------- */

struct found {
	const struct worker_pool *pool;
	struct rove_wq_pool_view view;
};

static int find_pool(void *arg, const struct rove_wq_pool_view *view)
{
	struct found *f = arg;

	if (view->id == f->pool->id)
		f->view = *view;
	return 0;
}

TEST(poll, who_polls_is_shown_and_does_not_count_as_running)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .poll_us = FOREVER_US);
	struct found f = { .pool = pool_of(wq) };

	do {
		wait_until_polled(wq);
		EXPECT_EQ(rove_wq_each_pool(find_pool, &f), 0);
	} while (f.view.nr_polling != 1 || f.view.nr_running != 0 || !f.view.polled_ns);
	EXPECT_EQ(f.view.poll_us, FOREVER_US);
	rove_workqueue_free(wq);
}

static u64 nr_worked_ns;

static u64 thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* The manager begins to look at once, and does so some times. */
static void compute(struct rove_work *work)
{
	u64 begin_ns = thread_cpu_ns();

	manager_wake();
	while (thread_cpu_ns() - begin_ns < 8 * NSEC_PER_MSEC)
		cpu_relax();
	nr_worked_ns += thread_cpu_ns() - begin_ns;
}

/* What is run to make a worker poll must not use much time itself. */
static void wait_until_polled_for(struct rove_workqueue *wq, u64 ns)
{
	u64 until_ns = READ_ONCE(pool_of(wq)->polled_ns) + ns;

	while (READ_ONCE(pool_of(wq)->polled_ns) < until_ns) {
		if (!READ_ONCE(pool_of(wq)->poller))
			run_one(wq);
		usleep(10000);
	}
}

/* Two works, and polling for longer between them than what is too much. */
static bool works_are_charged_for_polling(void)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_ORDERED, .poll_us = FOREVER_US, .nice = 1);
	struct rove_work work = ROVE_WORK_INIT(compute);
	struct rove_wq_stats stats;

	nr_worked_ns = 0;
	for (u32 i = 0; i < 2; i++) {
		EXPECT_EQ(rove_queue_work(wq, &work), 1);
		rove_flush_work(&work);
		wait_until_polled_for(wq, i ? 0 : 40 * NSEC_PER_MSEC);
	}
	rove_workqueue_stats(wq, &stats, sizeof(stats));
	rove_workqueue_free(wq);
	return stats.cpu_time_ns >= nr_worked_ns + 20 * NSEC_PER_MSEC;
}

/* On a busy machine, what makes the worker poll again and again may take time as well. */
#define CHARGE_TRIES 8

TEST(poll, time_spent_polling_is_no_cpu_time_of_works)
{
	u32 nr_charged = 0;

	for (u32 i = 0; i < CHARGE_TRIES; i++)
		nr_charged += works_are_charged_for_polling();
	if (nr_charged)
		print_message("# charged %u times of %u\n", nr_charged, CHARGE_TRIES);
	EXPECT_TRUE(nr_charged <= CHARGE_TRIES / 2);
}

/* --- fork() -------------------------------------------------------------------------------- */

TEST(poll, a_child_of_fork_polls_too)
{
	struct rove_workqueue *wq;
	int status = -1;
	pid_t child;

#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer lets no thread be made in a child of a process with threads");
#endif
	wq = QUEUE(.flags = ROVE_WQ_UNBOUND, .poll_us = FOREVER_US);
	wait_until_polled(wq);
	child = fork();
	if (!child) {
		struct rove_work work = ROVE_WORK_INIT(count);

		/* The parent's does not poll here. */
		if (READ_ONCE(pool_of(wq)->poller))
			_exit(1);
		while (!load_acquire(&pool_of(wq)->poller)) {
			if (rove_queue_work(wq, &work) != 1)
				_exit(2);
			rove_flush_work(&work);
			sched_yield();
		}
		_exit(0);
	}
	EXPECT_TRUE(child > 0);
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	rove_workqueue_free(wq);
}
