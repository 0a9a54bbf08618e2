/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * fork_busy_test.c - domains go on in a child, whatever the parent's threads are in the middle of
 */
#include "tests/unit/srcu/fork.h"

#define NR_TRAFFIC 4

struct traffic {
	struct rove_srcu *dom;
	u32 stop, nr_moving, nr_asked, nr_freed;
	pthread_t thread[NR_TRAFFIC];
};

static struct traffic traffic;

/* Not from malloc(): a child of a process with threads cannot rely on AddressSanitizer's. */
struct item {
	struct rove_srcu_head head;
	u32 used;
	u64 nr_uses, mark;
};

static struct item items[512];

static void item_give_back(struct rove_srcu_head *head)
{
	struct item *item = (struct item *)head;

	NEED(item->mark == ~item->nr_uses);
	item->nr_uses++;
	fetch_add_seq_cst(&traffic.nr_freed, 1);
	store_release(&item->used, 0);
}

static void ask_for_item(struct traffic *t, u32 n)
{
	struct item *item = &items[n % ARRAY_SIZE(items)];

	if (xchg_acquire(&item->used, 1))
		return;
	item->mark = ~item->nr_uses;
	fetch_add_seq_cst(&t->nr_asked, 1);
	rove_srcu_call(t->dom, &item->head, item_give_back);
}

/* What allocates. */
static void make_and_watch(struct traffic *t, u32 n)
{
#ifndef __SANITIZE_ADDRESS__
	struct rove_srcu *other = NULL;

	if (n % 41 == 0) {
		NEED(!rove_srcu_create(&other));
		rove_srcu_free(other);
	}
	if (n % 61 == 0)
		(void)rove_srcu_watch(t->dom, &(struct rove_srcu_watch_opts){
			.size = sizeof(struct rove_srcu_watch_opts),
			.timeout_ns = 100 * NSEC_PER_SEC, .name = "moving" });
	else if (n % 53 == 0)
		rove_srcu_unwatch(t->dom);
#endif
}

static void *move(void *arg)
{
	struct traffic *t = arg;
	unsigned int seed = (uintptr_t)pthread_self() >> 12;

	fetch_add_seq_cst(&t->nr_moving, 1);
	while (!READ_ONCE(t->stop)) {
		int idx = rove_srcu_read_lock(t->dom);
		u32 n = rand_r(&seed);

		if (n % 3)
			ask_for_item(t, n / 3);
		rove_srcu_read_unlock(t->dom, idx);
		if (n % 7 == 0)
			rove_srcu_synchronize(t->dom);
		if (n % 31 == 0)
			rove_srcu_barrier(t->dom);
		make_and_watch(t, n);
	}
	return NULL;
}

static void read_in_handler(int sig)
{
	int idx;

	ctx_nmi_enter();
	idx = rove_srcu_read_lock(traffic.dom);
	rove_srcu_read_unlock(traffic.dom, idx);
	ctx_nmi_exit();
}

static void *interrupt(void *arg)
{
	struct traffic *t = arg;

	fetch_add_seq_cst(&t->nr_moving, 1);
	while (!READ_ONCE(t->stop)) {
		for (u32 i = 0; i < NR_TRAFFIC - 1; i++)
			pthread_kill(t->thread[i], SIGUSR1);
		usleep(100);
	}
	return NULL;
}

static void use_after_traffic(struct traffic *t, int idx)
{
	NEED(srcu_open_at_most(t->dom, 0) + srcu_open_at_most(t->dom, 1) == (idx >= 0));
	if (idx >= 0)
		rove_srcu_read_unlock(t->dom, idx);
	rove_srcu_synchronize(t->dom);
#ifndef __SANITIZE_THREAD__
	rove_srcu_barrier(t->dom);
	/* But for one that was being called, and one a thread that was not queued yet. */
	NEED(t->nr_asked - t->nr_freed <= NR_TRAFFIC);
	ask_for_item(t, 0);
	rove_srcu_barrier(t->dom);
#endif
	rove_srcu_free(t->dom);
	_exit(0);
}

static u32 nr_forks(void)
{
	return under_valgrind() ? 10 : 40;
}

TEST(srcu_fork, works_while_threads_read_wait_call_and_watch_and_are_interrupted)
{
	struct sigaction action = { .sa_handler = read_in_handler, .sa_flags = SA_RESTART }, before;

	traffic = (struct traffic){ .dom = domain() };
	sigaction(SIGUSR1, &action, &before);
	/* All threads are there, and what is allocated for them, before it forks. */
	ask_for_item(&traffic, 0);
	rove_srcu_barrier(traffic.dom);
	for (u32 i = 0; i < NR_TRAFFIC - 1; i++)
		pthread_create(&traffic.thread[i], NULL, move, &traffic);
	pthread_create(&traffic.thread[NR_TRAFFIC - 1], NULL, interrupt, &traffic);
	wait_until(&traffic.nr_moving, NR_TRAFFIC);
	for (u32 i = 0; i < nr_forks(); i++) {
		int idx = i % 2 ? rove_srcu_read_lock(traffic.dom) : -1;
		pid_t child = fork_child();

		if (!child)
			use_after_traffic(&traffic, idx);
		if (idx >= 0)
			rove_srcu_read_unlock(traffic.dom, idx);
		expect_child_is_content(child);
	}
	WRITE_ONCE(traffic.stop, 1);
	for (u32 i = 0; i < NR_TRAFFIC; i++)
		pthread_join(traffic.thread[i], NULL);
	rove_srcu_free(traffic.dom);
	EXPECT_EQ(traffic.nr_freed, traffic.nr_asked);
	sigaction(SIGUSR1, &before, NULL);
}
