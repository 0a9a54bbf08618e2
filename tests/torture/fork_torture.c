/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * fork_torture.c - children of a process in which everything is under way use the C library
 *
 * Threads queue, wait, arm, read and reclaim, and are interrupted by signals whose handlers do so,
 * too; others make and end wakeup sources, DMA-bufs and maps.  Meanwhile the process forks.  Each
 * child uses works, timers, irq works and domains, its own and the parent's, and forks once more.
 *
 * A child says by the line what it found wrong, and is ended by its alarm if it waits for ever.
 *
 * ROVE_TORTURE_SECONDS says how long (2).
 */
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>

#include <rove/bpf.h>
#include <rove/dmabuf.h>
#include <rove/irq_work.h>
#include <rove/srcu.h>
#include <rove/timer.h>
#include <rove/wakeup.h>
#include <rove/workqueue.h>

#include "base/atomic.h"
#include "tests/torture/signal_stream.h"
#include "tests/torture/torture.h"

#define NR_QUEUES 5
#define NR_EACH 4
#define LONGEST_S 100
#define SIGNAL_EVERY_NS 200000

struct object {
	struct rove_srcu_head head;
	u64 alive;
};

static struct rove_srcu *dom;
static struct rove_workqueue *queues[NR_QUEUES];
static struct rove_work works[NR_EACH];
static struct rove_delayed_work delayed[NR_EACH];
static struct rove_hrtimer timers[NR_EACH];
static struct rove_irq_work irq_works[NR_EACH];
static struct object *shared;		/* A */
static u32 stop;			/* A */
static u64 handler_seed;		/* A */

/* --- what is under way --- */

static void do_nothing(struct rove_work *work)
{
}

static void do_nothing_soon(struct rove_irq_work *work)
{
}

static enum rove_hrtimer_restart tick(struct rove_hrtimer *timer)
{
	rove_hrtimer_forward_now(timer, 50000);
	return ROVE_HRTIMER_RESTART;
}

static void reclaim(struct rove_srcu_head *head)
{
	struct object *o = container_of(head, struct object, head);

	o->alive = 0;
	free(o);
}

/* Return: what everybody reads is there. */
static bool read_shared(void)
{
	int idx = rove_srcu_read_lock(dom);
	/* Dependent loads; what is freed is written. */
	bool alive = load_acquire(&shared)->alive == 1;

	rove_srcu_read_unlock(dom, idx);
	return alive;
}

static void replace_shared(void)
{
	struct object *new = malloc(sizeof(*new)), *old;

	if (!new)
		return;
	new->alive = 1;
	old = xchg_acq_rel(&shared, new);
	rove_srcu_call(dom, &old->head, reclaim);
}

/* What any context may do. */
static void do_something(u64 random)
{
	struct rove_workqueue *wq = queues[random % NR_QUEUES];
	u32 i = random / 64 % NR_EACH;

	switch (random / 1024 % 6) {
	case 0:
		rove_queue_work(wq, &works[i]);
		return;
	case 1:
		rove_queue_delayed_work(wq, &delayed[i], random / 65536 % 100000);
		return;
	case 2:
		rove_hrtimer_start(&timers[i], random / 65536 % 100000, ROVE_HRTIMER_REL);
		return;
	case 3:
		rove_hrtimer_try_to_cancel(&timers[i]);
		return;
	case 4:
		rove_irq_work_queue(&irq_works[i]);
		return;
	default:
		if (!read_shared())
			abort();
	}
}

static void handler(int sig)
{
	u64 state = fetch_add_relaxed(&handler_seed, 1);

	do_something(next_random(&state));
}

static void do_and_wait(u64 random)
{
	u32 i = random % NR_EACH;

	switch (random / 64 % 8) {
	case 0:
		rove_cancel_work_sync(&works[i]);
		return;
	case 1:
		rove_flush_workqueue(queues[random / 1024 % NR_QUEUES]);
		return;
	case 2:
		rove_cancel_delayed_work_sync(&delayed[i]);
		return;
	case 3:
		rove_hrtimer_cancel(&timers[i]);
		return;
	case 4:
		rove_irq_work_sync(&irq_works[i]);
		return;
	case 5:
		replace_shared();
		return;
	case 6:
		rove_srcu_synchronize(dom);
		return;
	default:
		do_something(random / 1024);
	}
}

static void *use_library(void *seed)
{
	u64 state = (uintptr_t)seed;
	timer_t signals = signal_stream_begin(SIGUSR1, SIGNAL_EVERY_NS);

	while (!READ_ONCE(stop))
		do_and_wait(next_random(&state));
	timer_delete(signals);
	return NULL;
}

/* What a child may not use, whose locks nobody holds over fork(). */
static void *use_objects(void *arg)
{
	union bpf_attr attr;

	while (!READ_ONCE(stop)) {
		struct wakeup_source *ws;
		struct dma_buf *dmabuf;
		int fd;

		if (!rove_wakeup_source_register(NULL, "torture", &ws)) {
			rove_pm_wakeup_event(ws, 1);
			rove_wakeup_source_unregister(ws);
		}
		if (!rove_dma_buf_export(4096, "torture", NULL, &dmabuf))
			rove_dma_buf_put(dmabuf);
		memset(&attr, 0, sizeof(attr));
		attr.map_type = BPF_MAP_TYPE_HASH;
		attr.key_size = attr.value_size = 8;
		attr.max_entries = 16;
		fd = rove_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
		if (fd >= 0)
			rove_bpf_close(fd);
	}
	return NULL;
}

/* --- what a child does --- */

#define NEED(x) ((x) ? (void)0 : child_fails(__LINE__))

static void child_fails(int line)
{
	dprintf(2, "# child: line %d\n", line);
	_exit(1);
}

static u32 nr_called;			/* A: in a child */

static void count_work(struct rove_work *work)
{
	fetch_add_seq_cst(&nr_called, 1);
}

static void count_irq_work(struct rove_irq_work *work)
{
	fetch_add_seq_cst(&nr_called, 1);
}

static enum rove_hrtimer_restart count_timer(struct rove_hrtimer *timer)
{
	fetch_add_seq_cst(&nr_called, 1);
	return ROVE_HRTIMER_NORESTART;
}

static void count_callback(struct rove_srcu_head *head)
{
	fetch_add_seq_cst(&nr_called, 1);
}

static void wait_for_calls(u32 nr)
{
	while (load_seq_cst(&nr_called) < nr)
		sched_yield();
}

static void use_own(struct rove_workqueue *wq)
{
	struct rove_work work = ROVE_WORK_INIT(count_work);
	struct rove_irq_work irq_work = ROVE_IRQ_WORK_INIT(count_irq_work);
	struct rove_delayed_work later;
	struct rove_srcu_head head;
	struct rove_hrtimer timer;

	store_seq_cst(&nr_called, 0);
	NEED(rove_queue_work(wq, &work) == 1);
	rove_flush_work(&work);
	NEED(!rove_cancel_work_sync(&work) && load_seq_cst(&nr_called) == 1);
	rove_delayed_work_init(&later, count_work);
	NEED(rove_queue_delayed_work(wq, &later, 1000) == 1);
	wait_for_calls(2);
	rove_cancel_delayed_work_sync(&later);
	NEED(!rove_hrtimer_init(&timer, CLOCK_REALTIME, count_timer));
	rove_hrtimer_start(&timer, 1000, ROVE_HRTIMER_REL);
	wait_for_calls(3);
	rove_hrtimer_cancel(&timer);
	NEED(rove_irq_work_queue(&irq_work));
	NEED(!rove_irq_work_sync(&irq_work) && load_seq_cst(&nr_called) == 4);
	rove_srcu_call(dom, &head, count_callback);
	rove_srcu_barrier(dom);
	NEED(load_seq_cst(&nr_called) == 5);
}

/*
 * One that a thread of the parent was just taking back, and waiting for, is disabled here: that
 * is what taking back does meanwhile.
 */
static void queue_parents(struct rove_workqueue *wq, u32 i)
{
	int result = rove_queue_work(wq, &works[i]);

	if (result == -ECANCELED) {
		rove_work_init(&works[i], do_nothing);
		result = rove_queue_work(wq, &works[i]);
	}
	NEED(result == 1);
	result = rove_queue_delayed_work(wq, &delayed[i], 10);
	if (result == -ECANCELED) {
		rove_delayed_work_init(&delayed[i], do_nothing);
		result = rove_queue_delayed_work(wq, &delayed[i], 10);
	}
	NEED(result == 1);
}

/* What the parent had under way is idle here. */
static void use_parents(struct rove_workqueue *wq)
{
	for (u32 i = 0; i < NR_EACH; i++) {
		NEED(rove_work_busy(&works[i]) == 0);
		queue_parents(wq, i);
		rove_flush_work(&works[i]);
		rove_flush_delayed_work(&delayed[i]);
		NEED(!rove_hrtimer_is_queued(&timers[i]));
		rove_hrtimer_start(&timers[i], 10, ROVE_HRTIMER_REL);
		rove_hrtimer_cancel(&timers[i]);
		NEED(rove_irq_work_queue(&irq_works[i]));
		NEED(!rove_irq_work_sync(&irq_works[i]));
	}
	NEED(read_shared());
	rove_srcu_synchronize(dom);
}

static bool ended_well(pid_t child)
{
	int status;

	return child > 0 && waitpid(child, &status, 0) == child && !status;
}

static void use_all(u32 depth)
{
	alarm(LONGEST_S);
	NEED(!rove_softirq_start());
	use_parents(queues[depth % NR_QUEUES]);
	for (u32 q = 0; q < NR_QUEUES; q++)
		use_own(queues[q]);
}

static void be_child(void)
{
	pid_t child;

	use_all(0);
	child = fork();
	if (!child) {
		use_all(1);
		_exit(0);
	}
	NEED(ended_well(child));
	_exit(0);
}

/* --- all of it --- */

static void make_all(void)
{
	static const u32 flags[NR_QUEUES] = {
		0, ROVE_WQ_UNBOUND | ROVE_WQ_HELP, ROVE_WQ_ORDERED, ROVE_WQ_BH, ROVE_WQ_MEM_RECLAIM,
	};

	EXPECT_EQ(rove_srcu_create(&dom), 0);
	shared = malloc(sizeof(*shared));
	EXPECT_TRUE(shared != NULL);
	shared->alive = 1;
	for (u32 q = 0; q < NR_QUEUES; q++) {
		struct rove_wq_options options = { .size = sizeof(options), .flags = flags[q] };

		EXPECT_EQ(rove_workqueue_create("torture", &options, &queues[q]), 0);
	}
	for (u32 i = 0; i < NR_EACH; i++) {
		rove_work_init(&works[i], do_nothing);
		rove_delayed_work_init(&delayed[i], do_nothing);
		EXPECT_EQ(rove_hrtimer_init(&timers[i], CLOCK_MONOTONIC, tick), 0);
		rove_irq_work_init(&irq_works[i], do_nothing_soon);
	}
}

static void end_all(void)
{
	for (u32 i = 0; i < NR_EACH; i++) {
		rove_cancel_work_sync(&works[i]);
		rove_cancel_delayed_work_sync(&delayed[i]);
		rove_hrtimer_cancel(&timers[i]);
		rove_irq_work_sync(&irq_works[i]);
	}
	for (u32 q = 0; q < NR_QUEUES; q++)
		rove_workqueue_free(queues[q]);
	rove_srcu_free(dom);
	free(shared);
}

TEST(fork_torture, children_use_the_c_library_whatever_the_parent_is_in_the_middle_of)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	u64 end_ns = clock_mono_ns() + torture_ns(), nr_children = 0;
	pthread_t threads[3];

#if defined(__SANITIZE_THREAD__)
	SKIP("ThreadSanitizer lets no thread be made in a child of a process with threads");
#elif defined(__SANITIZE_ADDRESS__)
	SKIP("AddressSanitizer's malloc() does not survive fork() while another thread is in it");
#endif
	make_all();
	EXPECT_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	EXPECT_EQ(pthread_create(&threads[0], NULL, use_library, (void *)1), 0);
	EXPECT_EQ(pthread_create(&threads[1], NULL, use_library, (void *)2), 0);
	EXPECT_EQ(pthread_create(&threads[2], NULL, use_objects, NULL), 0);
	while (clock_mono_ns() < end_ns || !nr_children) {
		pid_t child = fork();

		if (!child)
			be_child();
		EXPECT_TRUE(ended_well(child));
		nr_children++;
	}
	WRITE_ONCE(stop, 1);
	for (u32 i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	end_all();
	printf("# %llu children, and as many of theirs\n", (unsigned long long)nr_children);
}
