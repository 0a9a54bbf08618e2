/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq: what each kind of queue promises: where its works run, at what priority, beside whom
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <rove/workqueue.h>

#include "base/atomic.h"
#include "base/context.h"
#include "base/futex.h"
#include "tests/test.h"
#include "wq/pool.h"
#include "wq/wq.h"

static struct rove_workqueue *make_queue(struct rove_wq_options options)
{
	struct rove_workqueue *wq = NULL;

	options.size = sizeof(options);
	EXPECT_EQ(rove_workqueue_create("kinds", &options, &wq), 0);
	return wq;
}

#define QUEUE(...) make_queue((struct rove_wq_options){ __VA_ARGS__ })

/* A work and what its function found. */
struct probe {
	struct rove_work work;
	u32 inside, go_on, ended;	/* A */
	int cpu, nice;
	bool softirq, worker;
	cpu_set_t affinity;
	pthread_t thread;
	struct worker_pool *pool;
};

static void look_around(struct rove_work *work)
{
	struct probe *p = container_of(work, struct probe, work);

	p->cpu = sched_getcpu();
	p->nice = getpriority(PRIO_PROCESS, gettid());
	p->softirq = in_softirq();
	p->thread = pthread_self();
	p->pool = worker_self->pool;
	sched_getaffinity(0, sizeof(p->affinity), &p->affinity);
	fetch_add_seq_cst(&p->ended, 1);
}

static void compute_until_told(struct rove_work *work)
{
	struct probe *p = container_of(work, struct probe, work);

	store_release(&p->inside, 1);
	while (!load_acquire(&p->go_on))
		cpu_relax();
	store_release(&p->ended, 1);
}

static void tell(struct probe *p)
{
	store_release(&p->go_on, 1);
	futex_wake(&p->go_on, 1);
}

static void wait_for(const u32 *word)
{
	while (!load_acquire(word))
		sched_yield();
}

static struct probe probe_of(rove_work_fn *fn)
{
	return (struct probe){ .work = ROVE_WORK_INIT(fn) };
}

/* --- where ---------------------------------------------------------------------------------- */

static cpu_set_t allowed_cpus(void)
{
	cpu_set_t set;

	EXPECT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
	return set;
}

static void bind_to(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	EXPECT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
}

TEST(kinds, a_bound_queue_runs_works_on_the_cpu_where_they_were_queued)
{
	struct rove_workqueue *wq = QUEUE(.flags = 0), *high = QUEUE(.flags = ROVE_WQ_HIGHPRI);
	struct probe p = probe_of(look_around);
	cpu_set_t all = allowed_cpus();

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		EXPECT_EQ(rove_queue_work_on(cpu, wq, &p.work), 1);
		rove_flush_work(&p.work);
		EXPECT_EQ(p.cpu, cpu);
		EXPECT_EQ(rove_queue_work_on(cpu, high, &p.work), 1);
		rove_flush_work(&p.work);
		EXPECT_EQ(p.cpu, cpu);
		bind_to(cpu);
		EXPECT_EQ(rove_queue_work(wq, &p.work), 1);
		EXPECT_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
		rove_flush_work(&p.work);
		EXPECT_EQ(p.cpu, cpu);
	}
	rove_workqueue_free(high);
	rove_workqueue_free(wq);
}

TEST(kinds, workers_of_a_strict_queue_stay_in_their_scope_and_others_need_not)
{
	struct rove_workqueue *strict = QUEUE(.flags = ROVE_WQ_UNBOUND, .strict = true,
					      .scope = ROVE_WQ_SCOPE_CPU);
	struct rove_workqueue *lax = QUEUE(.flags = ROVE_WQ_UNBOUND, .scope = ROVE_WQ_SCOPE_CPU);
	struct probe p = probe_of(look_around);
	cpu_set_t all = allowed_cpus();

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		EXPECT_EQ(rove_queue_work_on(cpu, strict, &p.work), 1);
		rove_flush_work(&p.work);
		EXPECT_EQ(CPU_COUNT(&p.affinity), 1);
		EXPECT_TRUE(CPU_ISSET(cpu, &p.affinity));
		EXPECT_EQ(rove_queue_work_on(cpu, lax, &p.work), 1);
		rove_flush_work(&p.work);
		EXPECT_TRUE(CPU_EQUAL(&p.affinity, &all));
		EXPECT_TRUE(CPU_ISSET_S(cpu, p.pool->key.set_bytes, p.pool->key.pod));
	}
	rove_workqueue_free(lax);
	rove_workqueue_free(strict);
}

TEST(kinds, a_queue_of_some_cpus_runs_there_only_and_moves_with_its_attributes)
{
	cpu_set_t all = allowed_cpus();
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND);
	struct probe p = probe_of(look_around);

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		struct rove_wq_attrs attrs = { .size = sizeof(attrs), .nice = 3 };
		char list[16];

		if (!CPU_ISSET(cpu, &all))
			continue;
		snprintf(list, sizeof(list), "%d", cpu);
		attrs.cpus = list;
		EXPECT_EQ(rove_workqueue_apply_attrs(wq, &attrs), 0);
		EXPECT_EQ(rove_queue_work(wq, &p.work), 1);
		rove_flush_work(&p.work);
		EXPECT_EQ(p.cpu, cpu);
		EXPECT_EQ(p.nice, 3);
	}
	rove_workqueue_free(wq);
}

/* --- at what priority ----------------------------------------------------------------------- */

static void *may_raise(void *arg)
{
	return (void *)(intptr_t)!setpriority(PRIO_PROCESS, gettid(), -20);
}

TEST(kinds, queues_of_raised_priority_have_workers_of_their_own)
{
	struct rove_workqueue *wq = QUEUE(.flags = 0), *high = QUEUE(.flags = ROVE_WQ_HIGHPRI);
	struct probe p = probe_of(look_around), q = probe_of(look_around);
	struct probe spins = probe_of(compute_until_told);
	pthread_t thread;
	void *may;

	EXPECT_EQ(rove_queue_work_on(0, wq, &p.work), 1);
	rove_flush_work(&p.work);
	/* The ordinary pool is busy, and this need not wait for it. */
	EXPECT_EQ(rove_queue_work_on(0, wq, &spins.work), 1);
	wait_for(&spins.inside);
	EXPECT_EQ(rove_queue_work_on(0, high, &q.work), 1);
	rove_flush_work(&q.work);
	EXPECT_EQ(load_acquire(&spins.ended), 0);
	tell(&spins);
	EXPECT_TRUE(p.pool != q.pool);
	EXPECT_EQ(q.pool->key.nice, -20);
	rove_workqueue_free(high);
	rove_workqueue_free(wq);
	EXPECT_EQ(pthread_create(&thread, NULL, may_raise, NULL), 0);
	pthread_join(thread, &may);
	if (!may)
		SKIP("this process may not raise priorities");
	EXPECT_EQ(p.nice, getpriority(PRIO_PROCESS, getpid()));
	EXPECT_EQ(q.nice, -20);
}

static s32 nice_of_pool(struct rove_workqueue *wq)
{
	struct probe p = probe_of(look_around);

	EXPECT_EQ(rove_queue_work(wq, &p.work), 1);
	rove_flush_work(&p.work);
	return p.pool->key.nice;
}

TEST(kinds, raised_priority_is_what_a_queue_begins_with_unless_it_says_another)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_HIGHPRI | ROVE_WQ_UNBOUND);
	struct rove_workqueue *low = QUEUE(.flags = ROVE_WQ_HIGHPRI, .nice = 7);
	struct rove_wq_attrs attrs = { .size = sizeof(attrs), .nice = 3 };

	EXPECT_EQ(nice_of_pool(low), 7);
	EXPECT_EQ(nice_of_pool(wq), -20);
	EXPECT_EQ(rove_workqueue_apply_attrs(wq, &attrs), 0);
	EXPECT_EQ(nice_of_pool(wq), 3);
	attrs.nice = 0;
	EXPECT_EQ(rove_workqueue_apply_attrs(wq, &attrs), 0);
	EXPECT_EQ(nice_of_pool(wq), 0);
	rove_workqueue_free(low);
	rove_workqueue_free(wq);
}

/* --- beside whom ---------------------------------------------------------------------------- */

static u64 nr_found_intensive(struct rove_workqueue *wq)
{
	struct rove_wq_stats stats;

	rove_workqueue_stats(wq, &stats, sizeof(stats));
	return stats.cpu_intensive;
}

/* A work that computes has the pool's only worker; another one is run all the same. */
static void expect_others_start(u32 flags, u64 nr_found)
{
	struct rove_workqueue *wq = QUEUE(.flags = flags), *other = QUEUE(.flags = 0);
	struct probe spins = probe_of(compute_until_told), p = probe_of(look_around);

	EXPECT_EQ(rove_queue_work_on(0, wq, &spins.work), 1);
	wait_for(&spins.inside);
	EXPECT_EQ(rove_queue_work_on(0, other, &p.work), 1);
	rove_flush_work(&p.work);
	EXPECT_EQ(load_acquire(&spins.ended), 0);
	EXPECT_EQ(nr_found_intensive(wq), nr_found);
	tell(&spins);
	rove_workqueue_free(other);
	rove_workqueue_free(wq);
}

TEST(kinds, works_that_are_said_to_compute_keep_no_others_from_starting)
{
	expect_others_start(ROVE_WQ_CPU_INTENSIVE, 0);
}

TEST(kinds, works_that_are_found_to_compute_keep_no_others_from_starting)
{
	expect_others_start(0, 1);
}

static u32 softirq_tid, nr_elsewhere;	/* A */

static void note_thread(struct rove_work *work)
{
	u32 none = 0, self = gettid();

	if (!cmpxchg_relaxed(&softirq_tid, &none, self) && none != self)
		fetch_add_relaxed(&nr_elsewhere, 1);
	if (!in_softirq())
		fetch_add_relaxed(&nr_elsewhere, 1);
}

TEST(kinds, bottom_halves_queued_for_a_cpu_run_on_the_softirq_thread_wherever_that_is)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_BH);
	struct rove_workqueue *high = QUEUE(.flags = ROVE_WQ_BH | ROVE_WQ_HIGHPRI);

	for (int cpu = -1; cpu < 8; cpu++) {
		struct rove_work a = ROVE_WORK_INIT(note_thread), b = ROVE_WORK_INIT(note_thread);

		EXPECT_EQ(rove_queue_work_on(cpu, wq, &a), 1);
		EXPECT_EQ(rove_queue_work_on(cpu, high, &b), 1);
		rove_flush_work(&a);
		rove_flush_work(&b);
		rove_cancel_work_sync(&a);
		rove_cancel_work_sync(&b);
	}
	EXPECT_TRUE(READ_ONCE(softirq_tid) != 0);
	EXPECT_EQ(READ_ONCE(nr_elsewhere), 0);
	rove_workqueue_free(high);
	rove_workqueue_free(wq);
}

#define NR_BH 64

static struct numbered {
	struct rove_work work;
	u32 number;
} bh_works[NR_BH];

static u32 nr_bh, nr_bh_bad, in_bh;

static void run_in_softirq(struct rove_work *work)
{
	struct numbered *n = container_of(work, struct numbered, work);

	if (fetch_add_seq_cst(&in_bh, 1) || !in_softirq() || n->number != nr_bh)
		fetch_add_relaxed(&nr_bh_bad, 1);
	nr_bh++;
	fetch_add_seq_cst(&in_bh, -1);
}

TEST(kinds, bottom_halves_run_in_softirq_context_in_the_order_of_their_queueing)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_BH);
	cpu_set_t all = allowed_cpus();
	int cpu = 0;

	while (!CPU_ISSET(cpu, &all))
		cpu++;
	for (u32 i = 0; i < NR_BH; i++) {
		bh_works[i].number = i;
		rove_work_init(&bh_works[i].work, run_in_softirq);
		EXPECT_EQ(rove_queue_work_on(cpu, wq, &bh_works[i].work), 1);
	}
	rove_flush_workqueue(wq);
	EXPECT_EQ(nr_bh, NR_BH);
	EXPECT_EQ(nr_bh_bad, 0);
	rove_workqueue_free(wq);
}
