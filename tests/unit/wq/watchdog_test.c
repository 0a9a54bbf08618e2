/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/watchdog: a pool that gets nothing done is reported, with the names of what it is in
 *
 * A pool of one worker is stuck when no thread can be made: so thread creation fails
 * here when a test says so.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rove/workqueue_view.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "tests/test.h"
#include "wq/wq.h"

static bool refuse_threads;

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (READ_ONCE(refuse_threads))
		return EAGAIN;
	*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return real(thread, attr, run, arg);
}

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

/* The last report. */
static struct {
	pthread_mutex_t lock;
	u32 nr;			/* A */
	u32 nr_running, nr_held;	/* the latter: A: reports of queues */
	bool only_held;			/* A: a loaded machine may let a pool seem stalled */
	u32 tid;
	const void *fn;
	u64 stalled_ns, nr_pending;
	char queue[32], running_queue[32], function[96], comm[16], thread_state;
} told = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void note_stall(void *arg, const struct rove_wq_stall *stall)
{
	if (READ_ONCE(told.only_held) && !stall->held_back)
		return;
	pthread_mutex_lock(&told.lock);
	snprintf(told.queue, sizeof(told.queue), "%s", stall->queue);
	told.stalled_ns = stall->stalled_ns;
	told.nr_pending = stall->nr_pending;
	told.nr_running = stall->nr_running;
	if (stall->nr_running) {
		const struct rove_wq_work_view *v = &stall->running[0];

		told.tid = v->tid;
		told.fn = v->fn;
		told.thread_state = v->thread_state;
		snprintf(told.running_queue, sizeof(told.running_queue), "%s", v->queue);
		snprintf(told.function, sizeof(told.function), "%s", v->function);
		snprintf(told.comm, sizeof(told.comm), "%s", v->comm);
	}
	pthread_mutex_unlock(&told.lock);
	fetch_add_relaxed(&told.nr_held, stall->held_back);
	fetch_add_relaxed(&told.nr, 1);
}

static void watchdog_start(u64 limit_ns)
{
	struct rove_wq_watchdog_opts opts = {
		.size = sizeof(opts), .limit_ns = limit_ns, .fn = note_stall,
	};

	WRITE_ONCE(told.nr, 0);
	WRITE_ONCE(told.nr_held, 0);
	EXPECT_EQ(rove_wq_watchdog_start(&opts), 0);
}

static struct rove_workqueue *queue_create(const char *name, u32 flags, u32 max_active, int nice)
{
	struct rove_wq_options options = {
		.size = sizeof(options), .flags = flags, .max_active = max_active, .nice = nice,
	};
	struct rove_workqueue *wq = NULL;

	EXPECT_EQ(rove_workqueue_create(name, &options, &wq), 0);
	return wq;
}

static void wait_until(const u32 *word, u32 at_least)
{
	while (load_acquire(word) < at_least)
		usleep(200);
}

TEST(watchdog, a_pool_whose_only_worker_is_stuck_is_reported_with_what_it_is_in)
{
	/* A nice level of its own: a pool of its own. */
	struct rove_workqueue *wq = queue_create("uploads", ROVE_WQ_UNBOUND, 0, 7);
	struct gate gate = { .work = ROVE_WORK_INIT(wait_at_gate) };
	struct rove_work other = ROVE_WORK_INIT(do_nothing);

	WRITE_ONCE(refuse_threads, true);
	EXPECT_EQ(rove_queue_work(wq, &gate.work), 1);
	wait_until(&gate.inside, 1);
	EXPECT_EQ(rove_queue_work(wq, &other), 1);
	WRITE_ONCE(refuse_threads, false);
	/* Only the watchdog's own thread is allowed. */
	watchdog_start(20 * NSEC_PER_MSEC);
	WRITE_ONCE(refuse_threads, true);
	if (!rove_work_pending(&other)) {
		WRITE_ONCE(refuse_threads, false);
		store_release(&gate.open, 1);
		rove_wq_watchdog_stop();
		rove_workqueue_free(wq);
		SKIP("another worker was there already");
	}
	wait_until(&told.nr, 1);
	WRITE_ONCE(refuse_threads, false);
	store_release(&gate.open, 1);
	rove_wq_watchdog_stop();
	rove_flush_work(&other);
	rove_workqueue_free(wq);
	EXPECT_EQ(told.nr_running, 1);
	EXPECT_EQ(told.tid, gate.tid);
	EXPECT_PTR_EQ(told.fn, wait_at_gate);
	EXPECT_STR_EQ(told.queue, "uploads");
	EXPECT_STR_EQ(told.running_queue, "uploads");
	EXPECT_TRUE(told.nr_pending >= 1);
	EXPECT_TRUE(told.stalled_ns >= 20 * NSEC_PER_MSEC);
	EXPECT_TRUE(strstr(told.function, "watchdog_test+0x"));
}

static struct rove_workqueue *busy_queue;
static u32 busy;

static void queue_again(struct rove_work *work)
{
	if (READ_ONCE(busy))
		rove_queue_work(busy_queue, work);
}

/* One at a time; so the pool has nothing to do with it, and is busy with another queue's. */
static void expect_held_works_reported(const char *name, u32 flags, u32 max_active, bool together)
{
	struct rove_workqueue *wq = queue_create(name, ROVE_WQ_UNBOUND | flags, max_active, 0);
	struct gate gate = { .work = ROVE_WORK_INIT(wait_at_gate) };
	struct rove_work others[4], *all[] = { &gate.work, &others[0], &others[1], &others[2], &others[3] };
	struct rove_work pings = ROVE_WORK_INIT(queue_again);

	for (u32 i = 0; i < ARRAY_SIZE(others); i++)
		rove_work_init(&others[i], do_nothing);
	busy_queue = queue_create("busy", ROVE_WQ_UNBOUND, 0, 0);
	WRITE_ONCE(busy, 1);
	EXPECT_EQ(rove_queue_work(busy_queue, &pings), 1);
	EXPECT_EQ(rove_queue_works(wq, all, together ? 5 : 1), together ? 5 : 1);
	wait_until(&gate.inside, 1);
	EXPECT_EQ(rove_queue_works(wq, all + 1, 4), together ? 0 : 4);
	WRITE_ONCE(told.only_held, true);
	watchdog_start(5 * NSEC_PER_MSEC);
	wait_until(&told.nr_held, 1);
	rove_wq_watchdog_stop();
	WRITE_ONCE(told.only_held, false);

	EXPECT_STR_EQ(told.queue, name);
	EXPECT_TRUE(told.stalled_ns >= 5 * NSEC_PER_MSEC);
	EXPECT_TRUE(told.nr_pending >= 1 && told.nr_pending <= 4);
	EXPECT_EQ(told.nr_running, 1);
	EXPECT_EQ(told.tid, load_acquire(&gate.tid));
	EXPECT_PTR_EQ(told.fn, wait_at_gate);
	EXPECT_STR_EQ(told.running_queue, name);
	store_release(&gate.open, 1);
	WRITE_ONCE(busy, 0);
	rove_workqueue_free(wq);
	rove_workqueue_free(busy_queue);
}

TEST(watchdog, a_queue_is_reported_when_what_runs_does_not_end_and_holds_the_others_back)
{
	expect_held_works_reported("journal", ROVE_WQ_ORDERED, 0, false);
	expect_held_works_reported("batch", ROVE_WQ_ORDERED, 0, true);
	expect_held_works_reported("single", 0, 1, false);
}

TEST(watchdog, it_runs_once_and_refuses_nonsense)
{
	struct rove_wq_watchdog_opts opts = { .size = 1 };

	EXPECT_EQ(rove_wq_watchdog_start(&opts), -EINVAL);
	EXPECT_EQ(rove_wq_watchdog_start(NULL), 0);
	EXPECT_EQ(rove_wq_watchdog_start(NULL), -EBUSY);
	rove_wq_watchdog_stop();
	rove_wq_watchdog_stop();
	WRITE_ONCE(refuse_threads, true);
	EXPECT_EQ(rove_wq_watchdog_start(NULL), -EAGAIN);
	WRITE_ONCE(refuse_threads, false);
	EXPECT_EQ(rove_wq_watchdog_start(NULL), 0);
	rove_wq_watchdog_stop();
}

TEST(watchdog, a_child_has_none_and_may_start_its_own)
{
	int status;
	pid_t pid;

#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer allows no thread after fork()");
#endif
	EXPECT_EQ(rove_wq_watchdog_start(NULL), 0);
	pid = fork();
	EXPECT_TRUE(pid >= 0);
	if (!pid) {
		alarm(20);
		rove_wq_watchdog_stop();
		_exit(rove_wq_watchdog_start(NULL) != 0);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
	rove_wq_watchdog_stop();
}
