/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * workqueue_count_torture.c - many items, each counted: none lost, doubled or overtaken
 *
 * Each producer has a ring of works and uses them one after the other; a work is used
 * again as soon as its function has emptied it, that is while its worker is in it still.
 * What is put into a work is a number, and what a function takes out of it is added up:
 * a run that is missing or is one too many changes count and sum.  In an ordered queue
 * the items of a producer must come in their order, and no two at a time.
 *
 * ROVE_TORTURE_ITEMS: how many in all; else so many each as ROVE_TORTURE_SECONDS allow.
 */
#include <rove/workqueue.h>

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "tests/test.h"

#define NR_PRODUCERS 4
#define NR_CELLS 1024
#define BATCH 32
#define ITEMS_PER_SECOND 200000

struct cell {
	struct rove_work work;
	u64 number;		/* A: 0: empty; else what is in it */
};

/*
 * I  set before the threads start
 * T  the producer's thread
 * A  atomic
 */
struct producer {
	struct cell cells[NR_CELLS];
	u64 nr_items;		/* I */
	u64 nr_refused;		/* T: a queueing of an emptied work that said no */
	u64 nr_ran, sum;	/* A */
	u64 last;		/* A: number of the last one that ran */
	u32 inside;		/* A */
	u32 nr_bad;		/* A */
} __attribute__((aligned(64)));

static struct producer producers[NR_PRODUCERS];
static struct rove_workqueue *queue;
static u32 in_queue;		/* A: functions of an ordered queue */

static u64 nr_items_each(u32 nr_kinds)
{
	const char *items = getenv("ROVE_TORTURE_ITEMS"), *seconds = getenv("ROVE_TORTURE_SECONDS");
	u64 nr = items ? strtoull(items, NULL, 10) :
		 (seconds ? strtoull(seconds, NULL, 10) : 2) * ITEMS_PER_SECOND;

	return (nr + nr_kinds * NR_PRODUCERS - 1) / (nr_kinds * NR_PRODUCERS);
}

static struct producer *producer_of(const struct cell *cell)
{
	return &producers[((char *)cell - (char *)producers) / sizeof(producers[0])];
}

/* Return: the number that was in the cell, which may be used again from now on. */
static u64 empty(struct cell *cell, struct producer *p)
{
	u64 number = READ_ONCE(cell->number);

	fetch_add_relaxed(&p->sum, number);
	fetch_add_relaxed(&p->nr_ran, 1);
	if (xchg_acq_rel(&cell->number, 0) != number || !number)
		fetch_add_relaxed(&p->nr_bad, 1);
	return number;
}

static void run_any(struct rove_work *work)
{
	struct cell *cell = container_of(work, struct cell, work);

	empty(cell, producer_of(cell));
}

static void run_in_order(struct rove_work *work)
{
	struct cell *cell = container_of(work, struct cell, work);
	struct producer *p = producer_of(cell);

	if (xchg_acq_rel(&in_queue, 1))
		fetch_add_relaxed(&p->nr_bad, 1);
	if (READ_ONCE(cell->number) != READ_ONCE(p->last) + 1)
		fetch_add_relaxed(&p->nr_bad, 1);
	WRITE_ONCE(p->last, READ_ONCE(cell->number));
	store_release(&in_queue, 0);
	empty(cell, p);
}

/* The next cell in turn, filled.  One that is full still will be emptied. */
static struct rove_work *fill(struct producer *p, u64 number)
{
	struct cell *cell = &p->cells[number % NR_CELLS];

	while (load_acquire(&cell->number))
		sched_yield();
	store_release(&cell->number, number);
	return &cell->work;
}

/* Single works, batches, and a flush now and then. */
static void *produce(void *arg)
{
	struct producer *p = arg;
	u64 number = 1;

	while (number <= p->nr_items) {
		u64 left = p->nr_items - number + 1;
		u32 nr = number / 256 % 2 ? min(left, (u64)BATCH) : 1;
		struct rove_work *works[BATCH];

		for (u32 i = 0; i < nr; i++)
			works[i] = fill(p, number++);
		if (nr > 1)
			p->nr_refused += nr - rove_queue_works(queue, works, nr);
		else
			p->nr_refused += rove_queue_work(queue, works[0]) != 1;
		if (number % 65536 == 0)
			rove_flush_work(works[nr - 1]);
	}
	return NULL;
}

static void set_up(struct producer *p, u64 nr_items, rove_work_fn *fn)
{
	*p = (struct producer){ .nr_items = nr_items };
	for (u32 i = 0; i < NR_CELLS; i++)
		rove_work_init(&p->cells[i].work, fn);
}

static void expect_all(const struct producer *p)
{
	EXPECT_EQ(p->nr_refused, 0);
	EXPECT_EQ(p->nr_bad, 0);
	EXPECT_EQ(p->nr_ran, p->nr_items);
	EXPECT_EQ(p->sum, p->nr_items * (p->nr_items + 1) / 2);
}

static void count_items(const char *name, u32 flags)
{
	struct rove_wq_options options = { .size = sizeof(options), .flags = flags };
	u64 nr_items = nr_items_each(4), begin = clock_mono_ns(), ns;
	pthread_t threads[NR_PRODUCERS];

	EXPECT_EQ(rove_workqueue_create("count", &options, &queue), 0);
	for (u32 i = 0; i < NR_PRODUCERS; i++)
		set_up(&producers[i], nr_items, flags & ROVE_WQ_ORDERED ? run_in_order : run_any);
	for (u32 i = 0; i < NR_PRODUCERS; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
	for (u32 i = 0; i < NR_PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	rove_workqueue_free(queue);
	ns = clock_mono_ns() - begin;
	for (u32 i = 0; i < NR_PRODUCERS; i++)
		expect_all(&producers[i]);
	printf("# %s: %llu items of %u producers in %.1f s\n", name,
	       (unsigned long long)nr_items * NR_PRODUCERS, NR_PRODUCERS, ns / 1e9);
}

TEST(workqueue_count, every_item_of_a_per_cpu_queue_runs_once)
{
	count_items("per CPU", 0);
}

TEST(workqueue_count, every_item_of_an_unbound_queue_runs_once)
{
	count_items("unbound", ROVE_WQ_UNBOUND);
}

TEST(workqueue_count, every_item_of_an_ordered_queue_runs_once_in_order)
{
	count_items("ordered", ROVE_WQ_ORDERED);
}

TEST(workqueue_count, every_item_of_a_bottom_half_queue_runs_once)
{
	count_items("bottom half", ROVE_WQ_BH);
}
