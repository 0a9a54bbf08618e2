/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * workqueue_torture.c - every operation on works and queues, at once
 *
 * Threads and signal handlers queue, flush, cancel, disable and delay the same works on
 * queues of every kind, while others change those queues.  Afterwards the books must
 * balance: every queueing that said 1 was run once or taken back once.  During all of it
 * no work may run twice at the same time, no queue run more than it may, and an ordered
 * queue nothing out of order.
 */
#include <rove/workqueue.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "tests/test.h"
#include "tests/torture/torture.h"

#define NR_WORKS 48
#define NR_THREADS 4
#define NR_ORDERED 64
#define MAX_ACTIVE 2

enum {
	Q_UNBOUND, Q_HELP, Q_BOUND, Q_FEW, Q_ORDERED, Q_INTENSIVE, Q_RESCUED, Q_POLLS, Q_BH, Q_SHORT,
	NR_ANY_CONTEXT,
	Q_WAITS = NR_ANY_CONTEXT, Q_RUNS,	/* when they are full: not for handlers */
	NR_QUEUES
};

static const uint32_t queue_flags[NR_QUEUES] = {
	[Q_UNBOUND] = ROVE_WQ_UNBOUND,
	[Q_HELP] = ROVE_WQ_UNBOUND | ROVE_WQ_HELP,
	[Q_BOUND] = 0,
	[Q_FEW] = ROVE_WQ_UNBOUND | ROVE_WQ_HELP,
	[Q_ORDERED] = ROVE_WQ_ORDERED | ROVE_WQ_HELP,
	[Q_INTENSIVE] = ROVE_WQ_CPU_INTENSIVE,
	[Q_RESCUED] = ROVE_WQ_UNBOUND | ROVE_WQ_MEM_RECLAIM | ROVE_WQ_FREEZABLE,
	[Q_POLLS] = ROVE_WQ_UNBOUND | ROVE_WQ_FREEZABLE,
	[Q_BH] = ROVE_WQ_BH,
	[Q_SHORT] = ROVE_WQ_UNBOUND | ROVE_WQ_HIGHPRI,
	[Q_WAITS] = 0,
	[Q_RUNS] = ROVE_WQ_UNBOUND,
};

static const uint32_t queue_full[NR_QUEUES] = {
	[Q_WAITS] = ROVE_WQ_FULL_WAIT, [Q_RUNS] = ROVE_WQ_FULL_RUN,
};

struct item {
	struct rove_delayed_work dwork;
	u32 running;
	u64 nr_runs;		/* written by the run, plain on purpose */
	u64 nr_queued, nr_taken_back;
};

static struct item items[NR_WORKS];
static struct rove_workqueue *queues[NR_QUEUES];
static u32 stop, nr_bad, nr_in_few;
static u64 nr_in_handlers;

struct ordered_item {
	struct rove_work work;
	u32 number;
};

static struct rove_workqueue *ordered_queue;
static struct ordered_item ordered[NR_ORDERED];
static u32 ordered_next, in_ordered;

static void bad(const char *what)
{
	if (fetch_add_relaxed(&nr_bad, 1) < 10)
		fprintf(stderr, "# %s\n", what);
}

static void item_runs(struct rove_work *work)
{
	struct item *item = container_of(rove_to_delayed_work(work), struct item, dwork);

	if (rove_current_work() != work)
		bad("the current work is another one");
	if (xchg_acq_rel(&item->running, 1))
		bad("a work runs twice at the same time");
	item->nr_runs++;
	for (u32 i = item->nr_runs % 64; i; i--)
		cpu_relax();
	if (item->nr_runs % 16 == 0 &&
	    rove_queue_work(queues[item->nr_runs / 16 % NR_QUEUES], work) > 0)
		fetch_add_relaxed(&item->nr_queued, 1);
	if (item->nr_runs % 256 == 0 && rove_current_work()) {
		rove_wq_block_begin();
		sched_yield();
		rove_wq_block_end();
	}
	xchg_acq_rel(&item->running, 0);
}

static struct rove_work few_works[16];

static void few_runs(struct rove_work *work)
{
	if (add_fetch_acq_rel(&nr_in_few, 1) > MAX_ACTIVE)
		bad("more run than may");
	sched_yield();
	fetch_add_relaxed(&nr_in_few, -1);
}

static void ordered_runs(struct rove_work *work)
{
	struct ordered_item *item = container_of(work, struct ordered_item, work);

	if (xchg_acq_rel(&in_ordered, 1))
		bad("two of an ordered queue run at the same time");
	if (item->number != ordered_next)
		bad("an ordered queue lost its order");
	ordered_next = item->number + 1;
	xchg_acq_rel(&in_ordered, 0);
}

static void queued(struct item *item, int result)
{
	if (result > 0)
		fetch_add_relaxed(&item->nr_queued, 1);
}

static void taken_back(struct item *item, bool was_pending)
{
	if (was_pending)
		fetch_add_relaxed(&item->nr_taken_back, 1);
}

static void on_signal(int sig)
{
	static u64 seed;
	u64 mine = fetch_add_relaxed(&seed, 0x9e3779b97f4a7c15ull);
	struct item *item = &items[next_random(&mine) % NR_WORKS];
	struct rove_workqueue *wq = queues[next_random(&mine) % NR_ANY_CONTEXT];

	fetch_add_relaxed(&nr_in_handlers, 1);
	switch (next_random(&mine) % 4) {
	case 0:
		queued(item, rove_queue_delayed_work(wq, &item->dwork,
						     next_random(&mine) % 200000));
		break;
	case 1:
		queued(item, rove_queue_work_on(next_random(&mine) % 4, wq, &item->dwork.work));
		rove_work_busy(&item->dwork.work);
		break;
	default:
		queued(item, rove_queue_work(wq, &item->dwork.work));
	}
}

/* Also when it would not be taken for another reason. */
static void expect_not_queued(int result)
{
	if (result != -ECANCELED && result != -EAGAIN && result != -ESHUTDOWN)
		bad("a disabled work was queued");
}

static void queue_many(u64 *seed)
{
	struct rove_work *works[8];
	u32 at = next_random(seed) % (NR_WORKS - 8);
	struct rove_workqueue *wq = queues[next_random(seed) % NR_QUEUES];

	for (u32 i = 0; i < 8; i++)
		works[i] = &items[at + i].dwork.work;
	for (u32 i = 0; i < 8; i++)
		queued(&items[at + i], rove_queue_work(wq, works[i]));
	rove_flush_works(works, 8);
}

static void one_operation(u64 *seed)
{
	struct item *item = &items[next_random(seed) % NR_WORKS];
	struct rove_workqueue *wq = queues[next_random(seed) % NR_QUEUES];
	struct rove_work *work = &item->dwork.work;
	int moved;

	switch (next_random(seed) % 16) {
	case 0: case 1: case 2: case 3: case 4:
		queued(item, rove_queue_work(wq, work));
		break;
	case 5:
		queued(item, rove_queue_work_on(next_random(seed) % 4, wq, work));
		break;
	case 6:
		queued(item, rove_queue_delayed_work(wq, &item->dwork, next_random(seed) % 200000));
		break;
	case 7:
		/* What was pending was taken back, and it is pending anew. */
		moved = rove_mod_delayed_work(wq, &item->dwork, next_random(seed) % 100000);
		if (moved == 0)
			queued(item, 1);
		break;
	case 8:
		rove_flush_work(work);
		break;
	case 9:
		rove_flush_delayed_work(&item->dwork);
		break;
	case 10:
		taken_back(item, rove_cancel_work(work));
		break;
	case 11:
		taken_back(item, rove_cancel_work_sync(work));
		break;
	case 12:
		taken_back(item, rove_disable_work_sync(work));
		expect_not_queued(rove_queue_work(wq, work));
		rove_enable_work(work);
		break;
	case 13:
		queue_many(seed);
		break;
	case 14:
		if (next_random(seed) % 8 == 0)
			rove_flush_workqueue(wq);
		break;
	case 15:
		rove_work_busy(work);
		rove_queue_work(queues[Q_FEW], &few_works[next_random(seed) % 16]);
		break;
	}
}

static void *user(void *arg)
{
	u64 seed = (u64)(unsigned long)arg * 77 + 5;

	while (!READ_ONCE(stop))
		one_operation(&seed);
	return NULL;
}

static void *changer(void *arg)
{
	static const u32 scopes[] = { ROVE_WQ_SCOPE_CPU, ROVE_WQ_SCOPE_SYSTEM, ROVE_WQ_SCOPE_CACHE };
	u64 seed = 99;

	while (!READ_ONCE(stop)) {
		u32 n = next_random(&seed);
		struct rove_wq_attrs attrs = {
			.size = sizeof(attrs), .scope = scopes[n % 3], .strict = n & 8,
		};

		switch (n / 16 % 6) {
		case 0:
			rove_workqueue_apply_attrs(queues[n % 2 ? Q_UNBOUND : Q_ORDERED], &attrs);
			rove_workqueue_apply_attrs(ordered_queue, &attrs);
			break;
		case 1:
			rove_workqueue_set_max_active(queues[Q_UNBOUND], 1 + n / 64 % 8);
			rove_workqueue_set_max_active(queues[Q_BOUND], 1 + n / 64 % 8);
			rove_workqueue_set_min_active(queues[Q_UNBOUND], 1);
			break;
		case 2:
			rove_freeze_workqueues();
			rove_thaw_workqueues();
			break;
		case 3:
			usleep(500);
			break;
		case 4:
			rove_workqueue_set_poll_us(queues[n % 2 ? Q_POLLS : Q_BOUND], n / 64 % 4 * 50);
			rove_workqueue_set_poll_us(ordered_queue, n / 64 % 2 * 50);
			break;
		case 5:
			if (n / 128 % 8 == 0)
				rove_drain_workqueue(queues[n / 1024 % NR_QUEUES]);
		}
	}
	return NULL;
}

/* The only one who queues there, so it knows the order. */
static void *ordered_user(void *arg)
{
	u64 seed = 4711;
	u32 number = 0;

	while (!READ_ONCE(stop)) {
		u32 nr = 1 + next_random(&seed) % NR_ORDERED;
		struct rove_work *works[NR_ORDERED];

		for (u32 i = 0; i < nr; i++) {
			ordered[i].number = number++;
			works[i] = &ordered[i].work;
		}
		if (nr % 2) {
			if (rove_queue_works(ordered_queue, works, nr) != nr)
				bad("an idle work was not queued");
		} else {
			for (u32 i = 0; i < nr; i++)
				rove_queue_work(ordered_queue, works[i]);
		}
		if (nr % 3)
			rove_flush_works(works, nr);
		else
			rove_flush_workqueue(ordered_queue);
		if (READ_ONCE(ordered_next) != number)
			bad("a flush of an ordered queue came back too early");
	}
	return NULL;
}

static void make_queues(void)
{
	for (u32 i = 0; i < NR_QUEUES; i++) {
		struct rove_wq_options options = {
			.size = sizeof(options), .flags = queue_flags[i],
			.max_active = i == Q_FEW ? MAX_ACTIVE : 0,
			.scope = i == Q_FEW ? ROVE_WQ_SCOPE_SYSTEM : 0,
			.max_pending = i >= Q_SHORT ? 4 : 0,
			.full = queue_full[i],
			.poll_us = i == Q_POLLS ? 100 : 0,
		};

		EXPECT_EQ(rove_workqueue_create("torture", &options, &queues[i]), 0);
	}
	EXPECT_EQ(rove_workqueue_create("ordered", &(struct rove_wq_options){
			.size = sizeof(struct rove_wq_options),
			.flags = ROVE_WQ_ORDERED | ROVE_WQ_HELP }, &ordered_queue), 0);
}

TEST(workqueue, nothing_is_lost_doubled_or_overtaken)
{
	pthread_t threads[NR_THREADS + 2];
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	u64 end = clock_mono_ns() + torture_ns(), nr_runs = 0;

	make_queues();
	for (u32 i = 0; i < NR_WORKS; i++)
		rove_delayed_work_init(&items[i].dwork, item_runs);
	for (u32 i = 0; i < 16; i++)
		rove_work_init(&few_works[i], few_runs);
	for (u32 i = 0; i < NR_ORDERED; i++)
		rove_work_init(&ordered[i].work, ordered_runs);
	signal(SIGSEGV, SIG_DFL);
	sigaction(SIGUSR1, &action, NULL);
	for (u32 i = 0; i < NR_THREADS; i++)
		pthread_create(&threads[i], NULL, user, (void *)(unsigned long)(i + 1));
	pthread_create(&threads[NR_THREADS], NULL, changer, NULL);
	pthread_create(&threads[NR_THREADS + 1], NULL, ordered_user, NULL);
	for (u32 i = 0; clock_mono_ns() < end; i++) {
		pthread_kill(threads[i % (NR_THREADS + 2)], SIGUSR1);
		usleep(50);
	}
	WRITE_ONCE(stop, 1);
	for (u32 i = 0; i < NR_THREADS + 2; i++)
		pthread_join(threads[i], NULL);
	for (u32 i = 0; i < NR_WORKS; i++)
		taken_back(&items[i], rove_cancel_delayed_work_sync(&items[i].dwork));
	for (u32 i = 0; i < NR_QUEUES; i++)
		rove_workqueue_free(queues[i]);
	rove_workqueue_free(ordered_queue);
	for (u32 i = 0; i < NR_WORKS; i++) {
		EXPECT_EQ(items[i].nr_queued, items[i].nr_runs + items[i].nr_taken_back);
		nr_runs += items[i].nr_runs;
	}
	EXPECT_EQ(nr_bad, 0);
	printf("# %llu runs, %u in order, %llu queueings by handlers\n",
	       (unsigned long long)nr_runs, ordered_next, (unsigned long long)nr_in_handlers);
}

static u64 lone_runs;

static void lone_runs_once(struct rove_work *work)
{
	fetch_add_release(&lone_runs, 1);
}

/*
 * Nobody else queues, so nobody repairs what is forgotten: each work comes a little later
 * after the last, while workers look, stop looking, and go to sleep.
 */
static void queue_lone_works(u32 poll_us)
{
	struct rove_wq_options options = {
		.size = sizeof(options), .flags = ROVE_WQ_UNBOUND, .poll_us = poll_us,
	};
	u64 end = clock_mono_ns() + torture_ns() / 4, seed = 1, nr = 0;
	struct rove_work work = ROVE_WORK_INIT(lone_runs_once);
	struct rove_workqueue *wq;

	lone_runs = 0;
	EXPECT_EQ(rove_workqueue_create("lone", &options, &wq), 0);
	while (clock_mono_ns() < end) {
		u64 until = clock_mono_ns() + next_random(&seed) % 60000;

		while (clock_mono_ns() < until)
			cpu_relax();
		EXPECT_EQ(rove_queue_work(wq, &work), 1);
		nr++;
		while (load_acquire(&lone_runs) != nr)
			sched_yield();
	}
	rove_workqueue_free(wq);
}

TEST(workqueue, a_lone_work_is_run_however_late_it_comes)
{
	queue_lone_works(0);
}

TEST(workqueue, a_lone_work_is_run_just_when_a_worker_stops_polling)
{
	queue_lone_works(30);
}
