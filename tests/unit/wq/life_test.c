/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq: threads, queues and processes that come and go while works are pending or run
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rove/workqueue.h>

#include "base/atomic.h"
#include "base/futex.h"
#include "tests/test.h"
#include "wq/work_state.h"
#include "wq/worker.h"

static struct rove_workqueue *make_queue(u32 flags)
{
	struct rove_wq_options options = { .size = sizeof(options), .flags = flags };
	struct rove_workqueue *wq = NULL;

	EXPECT_EQ(rove_workqueue_create("life", &options, &wq), 0);
	return wq;
}

static u32 nr_runs, nr_inside, gate;

static void reset(void)
{
	WRITE_ONCE(nr_runs, 0);
	WRITE_ONCE(nr_inside, 0);
	WRITE_ONCE(gate, 0);
}

static void count(struct rove_work *work)
{
	fetch_add_relaxed(&nr_runs, 1);
}

static void stay(struct rove_work *work)
{
	fetch_add_seq_cst(&nr_inside, 1);
	while (!load_acquire(&gate))
		futex_wait(&gate, 0, FUTEX_FOREVER);
	fetch_add_relaxed(&nr_runs, 1);
	fetch_add_seq_cst(&nr_inside, -1);
}

static void open_gate(void)
{
	store_release(&gate, 1);
	futex_wake(&gate, INT32_MAX);
}

/* --- flush, while others take back ---------------------------------------------------------- */

static u32 flush_returned;

static void *flush(void *work)
{
	rove_flush_work(work);
	store_release(&flush_returned, 1 + load_seq_cst(&nr_inside));
	return NULL;
}

TEST(life, a_flush_of_what_is_taken_back_waits_for_the_run_that_is_under_way)
{
	struct rove_workqueue *a = make_queue(ROVE_WQ_UNBOUND), *b = make_queue(0);
	struct rove_work work = ROVE_WORK_INIT(stay);
	pthread_t thread;

	reset();
	WRITE_ONCE(flush_returned, 0);
	rove_queue_work(a, &work);
	while (!load_seq_cst(&nr_inside))
		sched_yield();
	EXPECT_EQ(rove_queue_work(b, &work), 1);
	EXPECT_EQ(pthread_create(&thread, NULL, flush, &work), 0);
	while (!(READ_ONCE(work.state) & WORK_WATCHED))
		sched_yield();
	EXPECT_TRUE(rove_cancel_work(&work));
	for (int i = 0; i < 100; i++)	/* one that does not wait returns now */
		sched_yield();
	EXPECT_EQ(load_acquire(&flush_returned), 0);
	open_gate();
	pthread_join(thread, NULL);
	EXPECT_EQ(flush_returned, 1);
	rove_workqueue_free(b);
	rove_workqueue_free(a);
	EXPECT_EQ(nr_runs, 1);
}

/* --- threads -------------------------------------------------------------------------------- */

static struct rove_workqueue *shared;

static void *short_life(void *arg)
{
	struct rove_work work = ROVE_WORK_INIT(count);

	for (int i = 0; i < 4; i++) {
		if (rove_queue_work(shared, &work) == 1)
			rove_flush_work(&work);
	}
	rove_cancel_work_sync(&work);
	return NULL;
}

TEST(life, threads_that_come_and_go_leave_nothing_behind)
{
	u32 nr_ids;

	reset();
	shared = make_queue(ROVE_WQ_UNBOUND | ROVE_WQ_HELP);
	nr_ids = worker_id_end();
	for (int round = 0; round < 100; round++) {
		pthread_t threads[4];

		for (int i = 0; i < 4; i++)
			EXPECT_EQ(pthread_create(&threads[i], NULL, short_life, NULL), 0);
		for (int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
	}
	rove_workqueue_free(shared);
	EXPECT_EQ(nr_runs, 100 * 4 * 4);
	/* Four at a time, and the workers of the pools. */
	EXPECT_TRUE(worker_id_end() - nr_ids < 64);
}

/* --- queues --------------------------------------------------------------------------------- */

#define NR_STORM 64

static struct rove_work storm[NR_STORM];
static u32 nr_stormed, nr_signals;

static void on_signal(int sig)
{
	u32 n = fetch_add_relaxed(&nr_signals, 1);

	for (u32 i = 0; i < 4; i++) {
		if (rove_queue_work(shared, &storm[(n * 4 + i) % NR_STORM]) == 1)
			fetch_add_relaxed(&nr_stormed, 1);
	}
}

TEST(life, a_queue_that_is_freed_runs_what_handlers_have_queued)
{
	static const u32 kinds[] = { 0, ROVE_WQ_UNBOUND, ROVE_WQ_ORDERED, ROVE_WQ_BH };
	struct sigaction action = { .sa_handler = on_signal }, before;

	sigaction(SIGUSR1, &action, &before);
	for (u32 i = 0; i < NR_STORM; i++)
		rove_work_init(&storm[i], count);
	for (u32 round = 0; round < 40; round++) {
		shared = make_queue(kinds[round % ARRAY_SIZE(kinds)]);
		reset();
		WRITE_ONCE(nr_stormed, 0);
		for (int i = 0; i < 20; i++)
			raise(SIGUSR1);
		rove_workqueue_free(shared);
		EXPECT_TRUE(nr_stormed >= NR_STORM);
		EXPECT_EQ(READ_ONCE(nr_runs), nr_stormed);
	}
	sigaction(SIGUSR1, &before, NULL);
}

struct chain {
	struct rove_work work;
	u32 left;
};

static void queue_next(struct rove_work *work)
{
	struct chain *chain = container_of(work, struct chain, work);

	fetch_add_relaxed(&nr_runs, 1);
	if (chain->left-- && rove_queue_work(shared, work) != 1)
		fetch_add_relaxed(&nr_runs, 1000000);
}

TEST(life, a_queue_that_is_freed_runs_what_its_works_queue)
{
	static const u32 kinds[] = { 0, ROVE_WQ_UNBOUND | ROVE_WQ_HELP, ROVE_WQ_ORDERED, ROVE_WQ_BH };

	for (u32 kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		struct chain chains[4];

		reset();
		shared = make_queue(kinds[kind]);
		for (int i = 0; i < 4; i++) {
			chains[i].left = 100;
			rove_work_init(&chains[i].work, queue_next);
			rove_queue_work(shared, &chains[i].work);
		}
		rove_workqueue_free(shared);
		EXPECT_EQ(READ_ONCE(nr_runs), 4 * 101);
	}
}

/* --- while it is used ----------------------------------------------------------------------- */

static u32 stop;

static void *change(void *arg)
{
	static const u32 scopes[] = {
		ROVE_WQ_SCOPE_CPU, ROVE_WQ_SCOPE_SMT, ROVE_WQ_SCOPE_CACHE, ROVE_WQ_SCOPE_NUMA,
		ROVE_WQ_SCOPE_SYSTEM,
	};
	struct rove_wq_attrs attrs = { .size = sizeof(attrs) };
	u32 nr_errors = 0;

	for (u32 i = 0; !READ_ONCE(stop); i++) {
		attrs.scope = scopes[i % ARRAY_SIZE(scopes)];
		attrs.strict = i % 7 == 0;
		attrs.nice = i % 3;
		nr_errors += !!rove_workqueue_apply_attrs(shared, &attrs);
		nr_errors += !!rove_workqueue_set_max_active(shared, 1 + i % 5);
		nr_errors += !!rove_workqueue_set_min_active(shared, 1);
		rove_freeze_workqueues();
		rove_thaw_workqueues();
	}
	return (void *)(unsigned long)nr_errors;
}

#define NR_CHANGED 20000

TEST(life, a_queue_that_is_changed_all_the_time_loses_nothing)
{
	static struct rove_work works[128];
	u32 nr_queued = 0;
	pthread_t changer;
	void *nr_errors;

	reset();
	WRITE_ONCE(stop, 0);
	shared = make_queue(ROVE_WQ_UNBOUND | ROVE_WQ_FREEZABLE);
	for (u32 i = 0; i < ARRAY_SIZE(works); i++)
		rove_work_init(&works[i], count);
	EXPECT_EQ(pthread_create(&changer, NULL, change, NULL), 0);
	for (u32 i = 0; nr_queued < NR_CHANGED; i++) {
		nr_queued += rove_queue_work(shared, &works[i % ARRAY_SIZE(works)]) == 1;
		if (i % 4096 == 0)
			rove_flush_workqueue(shared);
		if (i % 64 == 0)
			sched_yield();
	}
	WRITE_ONCE(stop, 1);
	pthread_join(changer, &nr_errors);
	EXPECT_EQ((unsigned long)nr_errors, 0);
	rove_workqueue_free(shared);
	EXPECT_EQ(READ_ONCE(nr_runs), nr_queued);
}

/* --- processes ------------------------------------------------------------------------------ */

static void leave_process(struct rove_work *work)
{
	exit(3);
}

static void queue_forever(struct rove_work *work)
{
	fetch_add_relaxed(&nr_runs, 1);
	rove_queue_work(shared, work);
}

/* Some run, some wait for these, one for its time; none has ended. */
static void use_and_exit(bool by_work)
{
	static struct rove_work staying[4], waiting[4], again, leaving;
	static struct rove_delayed_work later;
	struct rove_workqueue *ordered;

	reset();
	shared = make_queue(ROVE_WQ_UNBOUND);
	ordered = make_queue(ROVE_WQ_ORDERED);
	for (int i = 0; i < 4; i++) {
		rove_work_init(&staying[i], stay);
		rove_work_init(&waiting[i], count);
		rove_queue_work(i ? shared : ordered, &staying[i]);
		rove_queue_work(ordered, &waiting[i]);
	}
	rove_work_init(&again, queue_forever);
	rove_queue_work(shared, &again);
	rove_delayed_work_init(&later, count);
	rove_queue_delayed_work(shared, &later, 1000000);
	while (load_seq_cst(&nr_inside) < 4 || !READ_ONCE(nr_runs))
		sched_yield();
	if (!by_work)
		exit(3);
	rove_work_init(&leaving, leave_process);
	rove_queue_work(shared, &leaving);
	for (;;)
		pause();
}

static void expect_exit(bool by_work)
{
	int status = 0;
	pid_t child;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
	SKIP("the child inherits the sanitizer's locks as they are");
#endif
	fflush(stdout);
	child = fork();
	if (!child) {
		freopen("/dev/null", "w", stdout);
		use_and_exit(by_work);
	}
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(WEXITSTATUS(status), 3);
}

TEST(life, a_process_may_exit_while_works_run_and_wait)
{
	for (int i = 0; i < 10; i++)
		expect_exit(false);
}

TEST(life, a_work_may_end_the_process)
{
	for (int i = 0; i < 10; i++)
		expect_exit(true);
}

TEST(life, a_child_runs_its_own_works_while_those_of_the_parent_run)
{
	struct rove_workqueue *wq = make_queue(ROVE_WQ_UNBOUND);
	struct rove_work first = ROVE_WORK_INIT(stay);
	int status = 0;
	pid_t child;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
	rove_workqueue_free(wq);
	SKIP("the child inherits the sanitizer's locks as they are");
#endif
	reset();
	rove_queue_work(wq, &first);
	while (!load_seq_cst(&nr_inside))
		sched_yield();
	child = fork();
	if (!child) {
		static const u32 kinds[] = {
			0, ROVE_WQ_UNBOUND | ROVE_WQ_MEM_RECLAIM, ROVE_WQ_ORDERED, ROVE_WQ_BH,
		};

		WRITE_ONCE(nr_runs, 0);
		for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
			struct rove_workqueue *mine = make_queue(kinds[i]);
			struct rove_work work = ROVE_WORK_INIT(count);

			rove_queue_work(mine, &work);
			rove_workqueue_free(mine);
		}
		_exit(READ_ONCE(nr_runs) == ARRAY_SIZE(kinds) ? 3 : 4);
	}
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	open_gate();
	rove_workqueue_free(wq);
	EXPECT_EQ(READ_ONCE(nr_runs), 1);
}
