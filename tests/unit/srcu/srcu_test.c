/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu_test.c - read sections, grace periods, callbacks
 *
 * What must hold holds with slots per CPU and with shared slots alike: each such
 * test runs on a domain of either kind.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "srcu/domain.h"
#include "tests/test.h"

/* Threads can be made to fail: ours are started through this. */
static bool refuse_threads;

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (READ_ONCE(refuse_threads))
		return EAGAIN;
	*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return real(thread, attr, run, arg);
}

static struct rove_srcu *fast_domain(void)
{
	struct rove_srcu *dom = NULL;

	EXPECT_EQ(rove_srcu_create(&dom), 0);
	return dom;
}

/* As a domain is before, or without, srcu_speed_up(). */
static struct rove_srcu *slow_domain(void)
{
	struct rove_srcu *dom = NULL;

	EXPECT_EQ(posix_memalign((void **)&dom, __alignof__(*dom), sizeof(*dom)), 0);
	*dom = (struct rove_srcu)SRCU_INIT;
	return dom;
}

#define SRCU_TEST(sentence)                                             \
	static void srcu_##sentence(struct rove_srcu *dom);             \
	TEST(srcu, sentence)                                            \
	{                                                               \
		struct rove_srcu *fast = fast_domain();                 \
		struct rove_srcu *slow = slow_domain();                 \
									\
		srcu_##sentence(fast);                                  \
		srcu_##sentence(slow);                                  \
		rove_srcu_free(fast);                                   \
		rove_srcu_free(slow);                                   \
	}                                                               \
	static void srcu_##sentence(struct rove_srcu *dom)

struct waiter {
	struct rove_srcu *dom;
	pthread_t thread;
	u32 done;
};

static void *wait_for_readers(void *arg)
{
	struct waiter *w = arg;

	rove_srcu_synchronize(w->dom);
	store_release(&w->done, 1);
	return NULL;
}

static u64 nr_open_sections(struct rove_srcu *dom, u32 idx)
{
	u64 nr = 0;

	for (u32 i = 0; i < dom->nr_slots; i++)
		nr += READ_ONCE(dom->fast[i].nr_locks[idx]) - READ_ONCE(dom->fast[i].nr_unlocks[idx]);
	for (u32 i = 0; i < SRCU_SHARED_SLOTS; i++)
		nr += READ_ONCE(dom->shared[i].nr_locks[idx]) -
		      READ_ONCE(dom->shared[i].nr_unlocks[idx]);
	return nr;
}

/*
 * Returns when the waiter's grace period is under way: it has sent new readers to
 * the other index, or waits for one that counted itself there late.
 */
static void waiter_start(struct waiter *w, struct rove_srcu *dom)
{
	u32 idx = READ_ONCE(dom->idx);
	bool held_before_flip = nr_open_sections(dom, !idx);

	*w = (struct waiter){ .dom = dom };
	EXPECT_EQ(pthread_create(&w->thread, NULL, wait_for_readers, w), 0);
	while (!load_acquire(&w->done) &&
	       !(held_before_flip ? READ_ONCE(dom->gp_seq) & 1 : READ_ONCE(dom->idx) != idx))
		usleep(100);
}

static void waiter_join(struct waiter *w)
{
	pthread_join(w->thread, NULL);
	EXPECT_TRUE(w->done);
}

/* One test of this machine, so that a slow domain does not pass for a fast one. */
TEST(srcu, a_created_domain_is_fast_where_the_machine_allows_it)
{
	struct rove_srcu *dom = fast_domain();

	if (SRCU_PERCPU && srcu_percpu_available() && dom->nr_fast) {
		int idx = rove_srcu_read_lock(dom);
		u64 nr = 0;

		for (u32 i = 0; i < dom->nr_fast; i++)
			nr += dom->fast[i].nr_locks[idx];
		EXPECT_EQ(nr, 1);
		rove_srcu_read_unlock(dom, idx);
		rove_srcu_free(dom);
		return;
	}
	rove_srcu_free(dom);
	SKIP("no restartable sequences or membarrier, or a build that cannot use them");
}

SRCU_TEST(synchronize_returns_when_nobody_reads)
{
	for (int i = 0; i < 100; i++)
		rove_srcu_synchronize(dom);
}

SRCU_TEST(the_index_is_zero_or_one)
{
	for (int i = 0; i < 4; i++) {
		int idx = rove_srcu_read_lock(dom);

		EXPECT_TRUE(idx == 0 || idx == 1);
		rove_srcu_read_unlock(dom, idx);
		rove_srcu_synchronize(dom);
	}
}

SRCU_TEST(synchronize_waits_for_a_section_that_began_before)
{
	struct waiter w;
	int idx = rove_srcu_read_lock(dom);

	waiter_start(&w, dom);
	EXPECT_FALSE(load_acquire(&w.done));
	rove_srcu_read_unlock(dom, idx);
	waiter_join(&w);
}

SRCU_TEST(synchronize_does_not_wait_for_a_section_that_began_after)
{
	struct waiter w;
	int first = rove_srcu_read_lock(dom), later;

	waiter_start(&w, dom);
	later = rove_srcu_read_lock(dom);
	rove_srcu_read_unlock(dom, first);
	waiter_join(&w);
	rove_srcu_read_unlock(dom, later);
}

SRCU_TEST(sections_nest_and_end_in_any_order)
{
	struct waiter w;
	int a = rove_srcu_read_lock(dom), b = rove_srcu_read_lock(dom);

	waiter_start(&w, dom);
	rove_srcu_read_unlock(dom, a);
	usleep(3000);
	EXPECT_FALSE(load_acquire(&w.done));
	rove_srcu_read_unlock(dom, b);
	waiter_join(&w);
}

static void *begin_section(void *arg)
{
	return (void *)(intptr_t)rove_srcu_read_lock(arg);
}

SRCU_TEST(a_section_may_end_on_another_thread_than_the_one_that_is_gone)
{
	pthread_t thread;
	struct waiter w;
	void *idx;

	EXPECT_EQ(pthread_create(&thread, NULL, begin_section, dom), 0);
	pthread_join(thread, &idx);
	waiter_start(&w, dom);
	EXPECT_FALSE(load_acquire(&w.done));
	rove_srcu_read_unlock(dom, (intptr_t)idx);
	waiter_join(&w);
}

static struct rove_srcu *handler_domain;
static volatile int handler_idx;
static u64 nr_handled;

static void begin_in_handler(int sig)
{
	handler_idx = rove_srcu_read_lock(handler_domain);
}

SRCU_TEST(a_signal_handler_may_begin_a_section)
{
	struct waiter w;

	handler_domain = dom;
	handler_idx = -1;
	signal(SIGUSR1, begin_in_handler);
	raise(SIGUSR1);
	EXPECT_TRUE(handler_idx >= 0);
	waiter_start(&w, dom);
	EXPECT_FALSE(load_acquire(&w.done));
	rove_srcu_read_unlock(dom, handler_idx);
	waiter_join(&w);
}

/*
 * The reader has loaded the index and is delayed until periods later; then it
 * counts itself under the index that new readers do not use.
 */
SRCU_TEST(synchronize_waits_for_a_reader_that_counts_itself_late)
{
	for (int nr_periods = 1; nr_periods < 4; nr_periods++) {
		u32 stale = dom->idx;
		struct waiter w;

		for (int i = 0; i < nr_periods; i++)
			rove_srcu_synchronize(dom);
		fetch_add_seq_cst(&dom->shared[0].nr_locks[stale], 1);
		waiter_start(&w, dom);
		EXPECT_FALSE(load_acquire(&w.done));
		rove_srcu_read_unlock(dom, stale);
		waiter_join(&w);
	}
}

#define NR_COUNTERS 4
#define NR_COUNTED 200000

static void *count_sections(void *dom)
{
	for (int i = 0; i < NR_COUNTED; i++)
		rove_srcu_read_unlock(dom, rove_srcu_read_lock(dom));
	return NULL;
}

static void count_in_handler(int sig)
{
	rove_srcu_read_unlock(handler_domain, rove_srcu_read_lock(handler_domain));
	fetch_add_relaxed(&nr_handled, 1);
}

static void add_slot(const struct srcu_slot *slot, u64 *nr_locks, u64 *nr_unlocks)
{
	*nr_locks += slot->nr_locks[0] + slot->nr_locks[1];
	*nr_unlocks += slot->nr_unlocks[0] + slot->nr_unlocks[1];
}

/* More threads than CPUs, interrupted all the time: increments are cut short and repeated. */
SRCU_TEST(no_count_is_lost_or_made_twice)
{
	pthread_t threads[NR_COUNTERS];
	u64 nr_locks = 0, nr_unlocks = 0;

	handler_domain = dom;
	nr_handled = 0;
	signal(SIGUSR1, count_in_handler);
	for (int i = 0; i < NR_COUNTERS; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, count_sections, dom), 0);
	for (int i = 0; i < 2000; i++)
		pthread_kill(threads[i % NR_COUNTERS], SIGUSR1);
	for (int i = 0; i < NR_COUNTERS; i++)
		pthread_join(threads[i], NULL);
	for (u32 i = 0; i < dom->nr_fast; i++)
		add_slot(&dom->fast[i], &nr_locks, &nr_unlocks);
	for (u32 i = 0; i < SRCU_SHARED_SLOTS; i++)
		add_slot(&dom->shared[i], &nr_locks, &nr_unlocks);
	EXPECT_EQ(nr_locks, NR_COUNTERS * NR_COUNTED + nr_handled);
	EXPECT_EQ(nr_unlocks, nr_locks);
}

TEST(srcu, readers_of_one_domain_do_not_hold_up_another)
{
	struct rove_srcu *a = fast_domain(), *b = fast_domain();
	int idx = rove_srcu_read_lock(a);

	rove_srcu_synchronize(b);
	rove_srcu_read_unlock(a, idx);
	rove_srcu_free(a);
	rove_srcu_free(b);
}

TEST(srcu, a_domain_may_be_sped_up_while_it_is_read)
{
	struct rove_srcu *dom = slow_domain();
	int slow = rove_srcu_read_lock(dom), fast;
	struct waiter w;

	srcu_speed_up(dom);
	fast = rove_srcu_read_lock(dom);
	waiter_start(&w, dom);
	rove_srcu_read_unlock(dom, slow);
	usleep(3000);
	EXPECT_FALSE(load_acquire(&w.done));
	rove_srcu_read_unlock(dom, fast);
	waiter_join(&w);
	rove_srcu_free(dom);
}

SRCU_TEST(a_cookie_is_due_after_a_whole_grace_period_only)
{
	u64 cookie = rove_srcu_get_state(dom), during;
	struct waiter w;
	int idx;

	EXPECT_FALSE(rove_srcu_poll_state(dom, cookie));
	rove_srcu_synchronize(dom);
	EXPECT_TRUE(rove_srcu_poll_state(dom, cookie));

	idx = rove_srcu_read_lock(dom);
	waiter_start(&w, dom);
	during = rove_srcu_get_state(dom);
	rove_srcu_read_unlock(dom, idx);
	waiter_join(&w);
	EXPECT_FALSE(rove_srcu_poll_state(dom, during));
	rove_srcu_synchronize(dom);
	EXPECT_TRUE(rove_srcu_poll_state(dom, during));
}

/* Nobody waits, and nothing is to be called. */
SRCU_TEST(a_grace_period_that_is_polled_for_passes_when_the_readers_have_gone)
{
	for (int i = 0; i < 20; i++) {
		int idx = rove_srcu_read_lock(dom);
		u64 cookie = rove_srcu_start_poll(dom);

		EXPECT_FALSE(rove_srcu_poll_state(dom, cookie));
		rove_srcu_read_unlock(dom, idx);
		while (!rove_srcu_poll_state(dom, cookie))
			usleep(20);
	}
	/* Again, a little later each time, while the thread is about to sleep. */
	for (int i = 0; i < 20000; i++) {
		u64 cookie = rove_srcu_start_poll(dom);

		for (int n = 1; !rove_srcu_poll_state(dom, cookie); n++) {
			if (n % 4096)
				cpu_relax();
			else
				sched_yield();
		}
		for (int n = i % 64; n; n--)
			cpu_relax();
	}
}

/* One that has begun may have looked already: it does not count. */
SRCU_TEST(a_grace_period_that_is_polled_for_begins_after_it_was_asked_for)
{
	int first = rove_srcu_read_lock(dom), second;
	struct waiter w;
	u64 cookie;

	waiter_start(&w, dom);
	second = rove_srcu_read_lock(dom);
	cookie = rove_srcu_start_poll(dom);
	rove_srcu_read_unlock(dom, first);
	waiter_join(&w);
	usleep(3000);
	EXPECT_FALSE(rove_srcu_poll_state(dom, cookie));
	rove_srcu_read_unlock(dom, second);
	while (!rove_srcu_poll_state(dom, cookie))
		usleep(20);
}

struct note {
	struct rove_srcu_head head;
	struct rove_srcu *dom;
	int *next_order;
	int order;
};

static void take_order(struct rove_srcu_head *head)
{
	struct note *n = container_of(head, struct note, head);

	n->order = (*n->next_order)++;
}

SRCU_TEST(callbacks_run_in_the_order_of_their_calls)
{
	struct note notes[50] = { 0 };
	int next = 1;

	for (int i = 0; i < 50; i++) {
		notes[i].next_order = &next;
		rove_srcu_call(dom, &notes[i].head, take_order);
	}
	rove_srcu_barrier(dom);
	for (int i = 0; i < 50; i++)
		EXPECT_EQ(notes[i].order, i + 1);
}

SRCU_TEST(a_callback_waits_for_readers)
{
	int next = 1, idx = rove_srcu_read_lock(dom);
	struct note n = { .next_order = &next };

	rove_srcu_call(dom, &n.head, take_order);
	usleep(5000);
	EXPECT_EQ(READ_ONCE(n.order), 0);
	rove_srcu_read_unlock(dom, idx);
	rove_srcu_barrier(dom);
	EXPECT_EQ(n.order, 1);
}

static void call_again(struct rove_srcu_head *head)
{
	struct note *n = container_of(head, struct note, head);

	if (++n->order < 5)
		rove_srcu_call(n->dom, head, call_again);
}

SRCU_TEST(a_callback_may_ask_for_another)
{
	struct note n = { .dom = dom };

	rove_srcu_call(dom, &n.head, call_again);
	for (int i = 0; i < 5; i++)
		rove_srcu_barrier(dom);
	EXPECT_EQ(n.order, 5);
}

SRCU_TEST(barrier_returns_when_there_never_was_a_callback)
{
	rove_srcu_barrier(dom);
	EXPECT_EQ(dom->thread_state, SRCU_THREAD_NONE);
}

TEST(srcu, freeing_a_domain_runs_what_is_queued)
{
	struct rove_srcu *dom = fast_domain();
	struct note notes[20] = { 0 };
	int next = 1;

	for (int i = 0; i < 20; i++) {
		notes[i].next_order = &next;
		rove_srcu_call(dom, &notes[i].head, take_order);
	}
	rove_srcu_free(dom);
	EXPECT_EQ(next, 21);
	rove_srcu_free(NULL);
}

TEST(srcu, callbacks_are_kept_while_no_thread_can_be_started)
{
	struct rove_srcu *dom = fast_domain();
	struct note a = { 0 }, b = { 0 };
	int next = 1;

	a.next_order = b.next_order = &next;
	WRITE_ONCE(refuse_threads, true);
	rove_srcu_call(dom, &a.head, take_order);
	WRITE_ONCE(refuse_threads, false);
	EXPECT_EQ(dom->thread_state, SRCU_THREAD_NONE);
	rove_srcu_call(dom, &b.head, take_order);
	rove_srcu_barrier(dom);
	EXPECT_EQ(a.order, 1);
	EXPECT_EQ(b.order, 2);
	rove_srcu_free(dom);
}

TEST(srcu, barrier_starts_the_thread_that_could_not_be_started_before)
{
	struct rove_srcu *dom = fast_domain();
	int next = 1;
	struct note n = { .next_order = &next };

	WRITE_ONCE(refuse_threads, true);
	rove_srcu_call(dom, &n.head, take_order);
	WRITE_ONCE(refuse_threads, false);
	rove_srcu_barrier(dom);
	EXPECT_EQ(n.order, 1);
	rove_srcu_free(dom);
}

TEST(srcu, a_grace_period_that_is_polled_for_is_kept_while_no_thread_can_be_started)
{
	struct rove_srcu *dom = fast_domain();
	u64 cookie;

	WRITE_ONCE(refuse_threads, true);
	cookie = rove_srcu_start_poll(dom);
	WRITE_ONCE(refuse_threads, false);
	EXPECT_EQ(dom->thread_state, SRCU_THREAD_NONE);
	EXPECT_FALSE(rove_srcu_poll_state(dom, cookie));
	rove_srcu_start_poll(dom);
	while (!rove_srcu_poll_state(dom, cookie))
		usleep(20);
	rove_srcu_free(dom);
}

TEST(srcu, freeing_runs_the_callbacks_itself_when_there_is_no_thread)
{
	struct rove_srcu *dom = fast_domain();
	int next = 1;
	struct note n = { .next_order = &next };

	WRITE_ONCE(refuse_threads, true);
	rove_srcu_call(dom, &n.head, take_order);
	rove_srcu_free(dom);
	WRITE_ONCE(refuse_threads, false);
	EXPECT_EQ(n.order, 1);
}
