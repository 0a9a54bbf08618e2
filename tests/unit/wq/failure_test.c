/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq: whatever fails in the life of a queue, no work is lost
 *
 * The n-th allocation or creation of a thread fails, or that and all that follow, for
 * every n: then the call says so, or all goes on.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <rove/workqueue.h>

#include "base/atomic.h"
#include "base/futex.h"
#include "tests/test.h"
#include "wq/pool.h"
#include "wq/wq.h"

/* A: 0: none fails; n: the n-th does.  The manager's thread calls too. */
static s64 nr_until_failure;
static u32 go_on_failing;	/* A */
static u32 nr_failed, nr_refused_threads;	/* A */

static bool fails(void)
{
	s64 left = READ_ONCE(nr_until_failure);

	while (left > 1) {
		if (cmpxchg_relaxed(&nr_until_failure, &left, left - 1))
			return false;
	}
	if (!left)
		return false;
	if (!READ_ONCE(go_on_failing))
		WRITE_ONCE(nr_until_failure, 0);
	fetch_add_relaxed(&nr_failed, 1);
	return true;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAN_FAIL 0
#else
#define CAN_FAIL 1
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nr, size_t size);
void *__libc_memalign(size_t align, size_t size);

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t nr, size_t size)
{
	return fails() ? NULL : __libc_calloc(nr, size);
}

void *aligned_alloc(size_t align, size_t size)
{
	return fails() ? NULL : __libc_memalign(align, size);
}
#endif

static u32 refuse_threads;	/* A */

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	if (READ_ONCE(refuse_threads) || fails()) {
		fetch_add_seq_cst(&nr_refused_threads, 1);
		return EAGAIN;
	}
	return real(thread, attr, run, arg);
}

static void fail_at(s64 nth, bool and_after)
{
	WRITE_ONCE(nr_failed, 0);
	WRITE_ONCE(go_on_failing, and_after);
	WRITE_ONCE(nr_until_failure, nth);
}

static u32 nr_runs;

static void count(struct rove_work *work)
{
	fetch_add_relaxed(&nr_runs, 1);
}

#define HOUR_NS 3600000000000ull
#define NR_WORKS 8

/* Return: how many runs there must have been. */
static u32 use(struct rove_workqueue *wq, u32 flags)
{
	struct rove_wq_attrs attrs = { .size = sizeof(attrs), .scope = ROVE_WQ_SCOPE_SYSTEM };
	struct rove_work works[NR_WORKS], *all[NR_WORKS];
	struct rove_delayed_work dwork;
	u32 nr = 0;
	int err;

	for (u32 i = 0; i < NR_WORKS; i++) {
		rove_work_init(&works[i], count);
		nr += rove_queue_work(wq, &works[i]);
		all[i] = &works[i];
	}
	rove_flush_works(all, NR_WORKS);
	rove_delayed_work_init(&dwork, count);
	EXPECT_EQ(rove_queue_delayed_work(wq, &dwork, HOUR_NS), 1);
	EXPECT_TRUE(rove_cancel_delayed_work_sync(&dwork));
	EXPECT_EQ(rove_queue_delayed_work(wq, &dwork, HOUR_NS), 1);
	EXPECT_EQ(rove_mod_delayed_work(wq, &dwork, 1000), 1);
	nr++;
	while (rove_work_busy(&dwork.work))
		sched_yield();
	if (flags & ROVE_WQ_UNBOUND) {
		err = rove_workqueue_apply_attrs(wq, &attrs);
		EXPECT_TRUE(!err || err == -ENOMEM || err == -EAGAIN);
	}
	nr += rove_queue_works(wq, all, NR_WORKS);
	rove_flush_workqueue(wq);
	nr += rove_queue_works(wq, all, NR_WORKS);
	return nr;
}

static void live(u32 flags, int nice)
{
	struct rove_wq_options options = { .size = sizeof(options), .flags = flags };
	struct rove_workqueue *wq = NULL;
	u32 nr;
	int err;

	if (flags & ROVE_WQ_UNBOUND)
		options.nice = nice;
	err = rove_workqueue_create("failing", &options, &wq);
	if (err) {
		EXPECT_TRUE(err == -ENOMEM || err == -EAGAIN);
		EXPECT_PTR_EQ(wq, NULL);
		return;
	}
	WRITE_ONCE(nr_runs, 0);
	nr = use(wq, flags);
	EXPECT_EQ(nr, 3 * NR_WORKS + 1);
	rove_workqueue_free(wq);
	EXPECT_EQ(READ_ONCE(nr_runs), nr);
}

static u32 nr_queues(void)
{
	struct list_head *at;
	u32 nr = 0;

	mutex_lock(&wq_list_lock);
	for (at = wq_list.next; at != &wq_list; at = at->next)
		nr++;
	mutex_unlock(&wq_list_lock);
	return nr;
}

TEST(failure, whatever_fails_no_work_is_lost_and_no_queue_left)
{
	static const u32 kinds[] = {
		0, ROVE_WQ_UNBOUND, ROVE_WQ_UNBOUND | ROVE_WQ_HELP, ROVE_WQ_ORDERED,
		ROVE_WQ_UNBOUND | ROVE_WQ_MEM_RECLAIM, ROVE_WQ_BH, ROVE_WQ_CPU_INTENSIVE,
	};
	u32 total = 0;

	if (!CAN_FAIL)
		SKIP("the sanitizer owns the allocator");
	for (size_t k = 0; k < 2 * ARRAY_SIZE(kinds); k++) {
		s64 nth = 0;

		do {
			EXPECT_TRUE(nth < 1000);
			fail_at(++nth, k % 2);
			live(kinds[k / 2], 1 + nth % 19);
			WRITE_ONCE(nr_until_failure, 0);
			total += READ_ONCE(nr_failed);
		} while (READ_ONCE(nr_failed));
	}
	EXPECT_EQ(nr_queues(), 0);
	printf("# %u failures\n", total);
}

static u32 inside, gate;

static void stay(struct rove_work *work)
{
	rove_wq_block_begin();
	store_release(&inside, 1);
	while (!load_acquire(&gate))
		futex_wait(&gate, 0, FUTEX_FOREVER);
	rove_wq_block_end();
}

/* One work blocks the pool's only worker, another waits, and no thread can be made. */
static struct rove_workqueue *block_pool(u32 flags, int nice, struct rove_work works[2])
{
	struct rove_wq_options options = {
		.size = sizeof(options), .flags = flags, .nice = nice,
		.scope = ROVE_WQ_SCOPE_SYSTEM,
	};
	struct rove_workqueue *wq = NULL;

	WRITE_ONCE(inside, 0);
	WRITE_ONCE(gate, 0);
	WRITE_ONCE(nr_runs, 0);
	EXPECT_EQ(rove_workqueue_create("blocked", &options, &wq), 0);
	WRITE_ONCE(nr_refused_threads, 0);
	WRITE_ONCE(refuse_threads, 1);
	rove_work_init(&works[0], stay);
	rove_work_init(&works[1], count);
	EXPECT_EQ(rove_queue_work(wq, &works[0]), 1);
	while (!load_acquire(&inside))
		sched_yield();
	EXPECT_EQ(rove_queue_work(wq, &works[1]), 1);
	return wq;
}

static void unblock(struct rove_workqueue *wq)
{
	store_release(&gate, 1);
	futex_wake(&gate, INT32_MAX);
	WRITE_ONCE(refuse_threads, 0);
	rove_workqueue_free(wq);
	EXPECT_EQ(READ_ONCE(nr_runs), 1);
}

TEST(failure, a_second_worker_is_asked_for_until_it_can_be_had)
{
	struct rove_work works[2];
	struct rove_workqueue *wq = block_pool(ROVE_WQ_UNBOUND, 18, works);

	while (load_seq_cst(&nr_refused_threads) < 3)
		sched_yield();
	EXPECT_EQ(READ_ONCE(nr_runs), 0);
	WRITE_ONCE(refuse_threads, 0);
	while (!READ_ONCE(nr_runs))	/* while the first still stays */
		sched_yield();
	unblock(wq);
}

TEST(failure, what_waits_for_a_worker_that_never_comes_is_run_when_the_first_goes_on)
{
	struct rove_work works[2];
	struct rove_workqueue *wq = block_pool(ROVE_WQ_UNBOUND, 17, works);

	while (load_seq_cst(&nr_refused_threads) < 3)
		sched_yield();
	store_release(&gate, 1);
	futex_wake(&gate, INT32_MAX);
	while (!READ_ONCE(nr_runs))
		sched_yield();
	unblock(wq);
}

TEST(failure, a_rescuer_runs_what_no_worker_can_be_made_for)
{
	struct rove_work works[2];
	struct rove_workqueue *wq = block_pool(ROVE_WQ_UNBOUND | ROVE_WQ_MEM_RECLAIM, 16, works);

	while (!READ_ONCE(nr_runs))
		sched_yield();
	EXPECT_TRUE(load_seq_cst(&nr_refused_threads) > 0);
	EXPECT_EQ(READ_ONCE(wq->nr_rescued), 1);
	unblock(wq);
}

static u32 nr_inside;

static void stay_counted(struct rove_work *work)
{
	fetch_add_seq_cst(&nr_inside, 1);
	stay(work);
}

static struct rove_workqueue *capped_queue(const char *name, u32 flags)
{
	struct rove_wq_options options = {
		.size = sizeof(options), .flags = ROVE_WQ_UNBOUND | flags, .nice = 15,
		.scope = ROVE_WQ_SCOPE_SYSTEM, .max_blocked = 1,
	};
	struct rove_workqueue *wq = NULL;

	EXPECT_EQ(rove_workqueue_create(name, &options, &wq), 0);
	return wq;
}

/* Works of one queue block as many workers as the pool may have; those of another go on. */
TEST(failure, a_rescuer_runs_what_waits_behind_as_many_blocked_workers_as_may_be)
{
	struct rove_workqueue *blocked = capped_queue("blocked", 0);
	struct rove_workqueue *wq = capped_queue("rescued", ROVE_WQ_MEM_RECLAIM);
	u32 most = READ_ONCE(wq->lanes[0]->pool->max_workers);
	struct rove_work *works = calloc(most + 1, sizeof(*works));
	struct rove_work work = ROVE_WORK_INIT(count);

	EXPECT_PTR_EQ(wq->lanes[0]->pool, blocked->lanes[0]->pool);
	WRITE_ONCE(gate, 0);
	WRITE_ONCE(nr_runs, 0);
	for (u32 i = 0; i <= most; i++) {
		rove_work_init(&works[i], stay_counted);
		EXPECT_EQ(rove_queue_work(blocked, &works[i]), 1);
	}
	while (load_seq_cst(&nr_inside) != most)
		sched_yield();
	for (u32 i = 1; i <= 3; i++) {
		EXPECT_EQ(rove_queue_work(wq, &work), 1);
		rove_flush_work(&work);
		EXPECT_EQ(READ_ONCE(nr_runs), i);
	}
	EXPECT_EQ(READ_ONCE(wq->nr_rescued), 3);
	EXPECT_EQ(load_seq_cst(&nr_inside), most);
	store_release(&gate, 1);
	futex_wake(&gate, INT32_MAX);
	rove_workqueue_free(blocked);
	rove_workqueue_free(wq);
	free(works);
}

static u32 told;

static void wait_for_next(struct rove_work *work)
{
	store_release(&inside, 2);
	while (!load_acquire(&told))
		usleep(200);
}

static void tell(struct rove_work *work)
{
	store_release(&told, 1);
}

/* It waits without saying so; the next one of its queue is run when there are threads again. */
TEST(failure, a_rescuer_that_waits_keeps_nothing_that_others_might_run)
{
	struct rove_work works[2], first = ROVE_WORK_INIT(wait_for_next), next = ROVE_WORK_INIT(tell);
	struct rove_work *both[] = { &first, &next };
	struct rove_workqueue *wq = block_pool(ROVE_WQ_UNBOUND | ROVE_WQ_MEM_RECLAIM, 13, works);

	WRITE_ONCE(told, 0);
	while (!READ_ONCE(nr_runs))
		sched_yield();
	EXPECT_EQ(rove_queue_works(wq, both, 2), 2);
	while (load_acquire(&inside) != 2)
		sched_yield();
	WRITE_ONCE(refuse_threads, 0);
	rove_flush_work(&first);
	EXPECT_EQ(READ_ONCE(told), 1);
	unblock(wq);
}
