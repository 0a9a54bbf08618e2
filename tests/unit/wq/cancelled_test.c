/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cancelled_test.c - pthread_cancel(3) does not end a thread inside of the library
 *
 * Each function that may enter the C library is called by a thread that is to be cancelled
 * at its next cancellation point.  It must come out again; else a lock stays taken, or
 * somebody asleep who was about to be woken.
 */
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <rove/irq_work.h>
#include <rove/srcu.h>
#include <rove/timer.h>
#include <rove/workqueue.h>
#include <rove/workqueue_view.h>

#include "base/atomic.h"
#include "base/types.h"
#include "softirq/softirq.h"
#include "tests/test.h"

static struct rove_workqueue *queue, *unbound;
static struct rove_srcu *dom;
static struct rove_work work;
static struct rove_delayed_work delayed;
static struct rove_irq_work irq_work;
static struct rove_hrtimer timer, far;
static u32 nr_fired;			/* A */

static void do_nothing(struct rove_work *w)
{
}

static void do_nothing_in_softirq(struct rove_irq_work *w)
{
}

static enum rove_hrtimer_restart fire(struct rove_hrtimer *t)
{
	fetch_add_relaxed(&nr_fired, 1);
	return ROVE_HRTIMER_NORESTART;
}

static void start_softirq(void)
{
	rove_softirq_start();
}

static void start_timer(void)
{
	rove_hrtimer_start(&timer, 0, ROVE_HRTIMER_ABS);
}

static void cancel_timer(void)
{
	rove_hrtimer_start(&timer, 0, ROVE_HRTIMER_ABS);
	rove_hrtimer_cancel(&timer);
}

static void queue_irq_work(void)
{
	rove_irq_work_queue(&irq_work);
}

static void sync_irq_work(void)
{
	rove_irq_work_queue(&irq_work);
	rove_irq_work_sync(&irq_work);
}

static void create_queues(void)
{
	struct rove_wq_options options = {
		.size = sizeof(options), .flags = ROVE_WQ_UNBOUND | ROVE_WQ_MEM_RECLAIM,
	};
	struct rove_workqueue *wq;

	if (!rove_workqueue_create("cancelled", &options, &wq))
		rove_workqueue_free(wq);
}

static void make_system_queue(void)
{
	struct rove_workqueue *wq;

	rove_system_workqueue(ROVE_SYSTEM_HIGHPRI_WQ, &wq);
}

static void lay_out(void)
{
	struct rove_wq_attrs attrs = { .size = sizeof(attrs), .scope = ROVE_WQ_SCOPE_CPU };

	rove_workqueue_apply_attrs(unbound, &attrs);
	rove_workqueues_set_cpus(NULL);
}

static void flush(void)
{
	rove_queue_work(queue, &work);
	rove_flush_work(&work);
	rove_queue_work(unbound, &work);
	rove_cancel_work_sync(&work);
	rove_flush_workqueue(queue);
	rove_drain_workqueue(unbound);
}

static void delay(void)
{
	rove_queue_delayed_work(queue, &delayed, 1);
	rove_mod_delayed_work(queue, &delayed, 1);
	rove_flush_delayed_work(&delayed);
	rove_cancel_delayed_work_sync(&delayed);
}

static void freeze(void)
{
	rove_freeze_workqueues();
	rove_thaw_workqueues();
}

static int see_work(void *arg, const struct rove_wq_work_view *work)
{
	return 0;
}

static void look(void)
{
	rove_queue_work(queue, &work);
	rove_wq_each_work(see_work, NULL, NULL);
}

static void watch_workers(void)
{
	if (!rove_wq_watchdog_start(NULL))
		rove_wq_watchdog_stop();
}

static void wait_for_a_reader(void)
{
	rove_srcu_synchronize(dom);
}

static void be_told_of_a_reader(void *told, const struct rove_srcu_stall *stall)
{
	pthread_testcancel();
	store_release((u32 *)told, 1);
}

static void wait_for_callbacks(void)
{
	rove_srcu_start_poll(dom);
	rove_srcu_barrier(dom);
}

static void make_domain(void)
{
	struct rove_srcu *d;

	if (rove_srcu_create(&d))
		return;
	rove_srcu_start_poll(d);
	rove_srcu_free(d);
}

static const struct row {
	const char *what;
	void (*call)(void);
} rows[] = {
	{ "start the softirq thread", start_softirq },
	{ "start a timer", start_timer },
	{ "cancel a timer", cancel_timer },
	{ "queue an irq_work", queue_irq_work },
	{ "wait for an irq_work", sync_irq_work },
	{ "create and free a queue", create_queues },
	{ "make a shared queue", make_system_queue },
	{ "lay a queue out", lay_out },
	{ "queue, flush, cancel and drain", flush },
	{ "delay a work", delay },
	{ "freeze and thaw", freeze },
	{ "look at works", look },
	{ "start and stop the watchdog", watch_workers },
	{ "wait for callbacks", wait_for_callbacks },
	{ "make and free a domain", make_domain },
};

struct victim {
	void (*call)(void);
	u32 came_out;			/* A */
};

static void *be_cancelled(void *arg)
{
	struct victim *v = arg;

	pthread_cancel(pthread_self());
	v->call();
	store_release(&v->came_out, 1);
	pthread_testcancel();
	return NULL;
}

static void expect_out_of(const char *what, void (*call)(void))
{
	struct victim v = { .call = call };
	pthread_t thread;
	void *end;

	EXPECT_EQ(pthread_create(&thread, NULL, be_cancelled, &v), 0);
	pthread_join(thread, &end);
	if (!v.came_out)
		print_error("cancelled inside: %s\n", what);
	EXPECT_TRUE(v.came_out);
	EXPECT_TRUE(end == PTHREAD_CANCELED);
}

/* It sleeps on a descriptor while another clock than CLOCK_MONOTONIC has timers. */
static void wait_until_softirq_polls(void)
{
	while (load_seq_cst(&softirq.asleep) != SOFTIRQ_IN_POLL)
		sched_yield();
}

TEST(cancelled, threads_get_out_of_the_library_first)
{
	struct rove_wq_options options = { .size = sizeof(options), .flags = ROVE_WQ_UNBOUND };

	rove_work_init(&work, do_nothing);
	rove_delayed_work_init(&delayed, do_nothing);
	rove_irq_work_init(&irq_work, do_nothing_in_softirq);
	EXPECT_EQ(rove_hrtimer_init(&timer, CLOCK_REALTIME, fire), 0);
	EXPECT_EQ(rove_hrtimer_init(&far, CLOCK_REALTIME, fire), 0);
	EXPECT_EQ(rove_srcu_create(&dom), 0);
	expect_out_of("start the first queue", create_queues);
	EXPECT_EQ(rove_workqueue_create("bound", NULL, &queue), 0);
	EXPECT_EQ(rove_workqueue_create("unbound", &options, &unbound), 0);
	rove_hrtimer_start(&far, INT64_MAX - 1, ROVE_HRTIMER_ABS);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		wait_until_softirq_polls();
		expect_out_of(rows[i].what, rows[i].call);
	}
	/* Whoever was to be woken was, and what was queued was run. */
	rove_cancel_work_sync(&work);
	rove_irq_work_sync(&irq_work);
	rove_hrtimer_cancel(&timer);
	WRITE_ONCE(nr_fired, 0);
	rove_hrtimer_start(&timer, 0, ROVE_HRTIMER_ABS);
	while (!READ_ONCE(nr_fired))
		sched_yield();
	rove_hrtimer_cancel(&far);
	rove_workqueue_free(unbound);
	rove_workqueue_free(queue);
	rove_srcu_free(dom);
}

/* Who waits for a reader sleeps, and may be told of it: with the domain's lock held. */
TEST(cancelled, threads_get_out_of_a_grace_period_first)
{
	u32 told = 0;
	struct rove_srcu_watch_opts opts = {
		.size = sizeof(opts), .timeout_ns = 1, .fn = be_told_of_a_reader, .arg = &told,
	};
	struct victim v = { .call = wait_for_a_reader };
	pthread_t thread;
	int idx;

	EXPECT_EQ(rove_srcu_create(&dom), 0);
	EXPECT_EQ(rove_srcu_watch(dom, &opts), 0);
	idx = rove_srcu_read_lock(dom);
	EXPECT_EQ(pthread_create(&thread, NULL, be_cancelled, &v), 0);
	while (!load_acquire(&told))
		sched_yield();
	rove_srcu_read_unlock(dom, idx);
	pthread_join(thread, NULL);
	EXPECT_TRUE(v.came_out);
	rove_srcu_unwatch(dom);
	rove_srcu_free(dom);
}
