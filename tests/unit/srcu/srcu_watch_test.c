/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu_watch_test.c - a grace period that waits too long says for whom
 *
 * Whatever holds, holds for domains with slots per CPU and with shared slots.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "srcu/domain.h"
#include "srcu/read.h"
#include "tests/test.h"

#define MAX_STALLS 64

/* What was reported; the lock is a mutex, because reports come from other threads. */
static struct {
	pthread_mutex_t lock;
	struct rove_srcu_stall stalls[MAX_STALLS];
	char functions[MAX_STALLS][96];
	char names[MAX_STALLS][64];
	u32 nr;
} told = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void note_stall(void *arg, const struct rove_srcu_stall *stall)
{
	pthread_mutex_lock(&told.lock);
	if (told.nr < MAX_STALLS) {
		told.stalls[told.nr] = *stall;
		snprintf(told.functions[told.nr], sizeof(told.functions[0]), "%s", stall->function);
		snprintf(told.names[told.nr], sizeof(told.names[0]), "%s", stall->name);
		told.nr++;
	}
	pthread_mutex_unlock(&told.lock);
	fetch_add_relaxed((u32 *)arg, 1);
}

static u32 nr_calls;

static void watch(struct rove_srcu *dom, u64 timeout_ns)
{
	struct rove_srcu_watch_opts opts = {
		.size = sizeof(opts), .name = "test", .timeout_ns = timeout_ns,
		.fn = note_stall, .arg = &nr_calls,
	};

	told.nr = 0;
	WRITE_ONCE(nr_calls, 0);
	EXPECT_EQ(rove_srcu_watch(dom, &opts), 0);
}

static struct rove_srcu *domain_create(bool fast)
{
	struct rove_srcu *dom = NULL;

	if (fast) {
		EXPECT_EQ(rove_srcu_create(&dom), 0);
		return dom;
	}
	EXPECT_EQ(posix_memalign((void **)&dom, __alignof__(*dom), sizeof(*dom)), 0);
	*dom = (struct rove_srcu)SRCU_INIT;
	return dom;
}

#define WATCH_TEST(sentence)                                            \
	static void watch_##sentence(struct rove_srcu *dom);            \
	TEST(srcu_watch, sentence)                                      \
	{                                                               \
		for (int fast = 0; fast < 2; fast++) {                  \
			struct rove_srcu *dom = domain_create(fast);    \
									\
			watch_##sentence(dom);                          \
			rove_srcu_free(dom);                            \
		}                                                       \
	}                                                               \
	static void watch_##sentence(struct rove_srcu *dom)

/* A reader that stays until it is told to go, or hands its index over and ends. */
struct reader {
	struct rove_srcu *dom;
	pthread_t thread;
	u32 tid;
	int idx;
	bool stays;
	u32 inside, leave;	/* A */
};

int rove_test_begin_section(struct rove_srcu *dom);

/* Its symbol is exported from the test program by -rdynamic, or not: both are checked. */
__attribute__((noinline, visibility("default")))
int rove_test_begin_section(struct rove_srcu *dom)
{
	int idx = rove_srcu_read_lock(dom);

	compiler_barrier();
	return idx;
}

static void *read_until_told(void *arg)
{
	struct reader *r = arg;

	pthread_setname_np(pthread_self(), "slow reader");
	r->tid = gettid();
	r->idx = rove_test_begin_section(r->dom);
	store_release(&r->inside, 1);
	while (r->stays && !load_acquire(&r->leave))
		usleep(100);
	if (r->stays)
		rove_srcu_read_unlock(r->dom, r->idx);
	return NULL;
}

static void reader_start(struct reader *r, struct rove_srcu *dom, bool stays)
{
	*r = (struct reader){ .dom = dom, .stays = stays };
	EXPECT_EQ(pthread_create(&r->thread, NULL, read_until_told, r), 0);
	while (!load_acquire(&r->inside))
		usleep(100);
}

static void reader_end(struct reader *r)
{
	store_release(&r->leave, 1);
	pthread_join(r->thread, NULL);
}

static void *synchronize(void *dom)
{
	rove_srcu_synchronize(dom);
	return NULL;
}

static pthread_t synchronize_until_reported(struct rove_srcu *dom, u32 nr)
{
	pthread_t thread;

	EXPECT_EQ(pthread_create(&thread, NULL, synchronize, dom), 0);
	while (READ_ONCE(nr_calls) < nr)
		usleep(100);
	return thread;
}

WATCH_TEST(a_reader_that_stays_is_named)
{
	struct reader r;
	pthread_t waiter;

	watch(dom, NSEC_PER_MSEC);
	reader_start(&r, dom, true);
	waiter = synchronize_until_reported(dom, 1);
	reader_end(&r);
	pthread_join(waiter, NULL);
	EXPECT_EQ(told.stalls[0].tid, r.tid);
	EXPECT_STR_EQ(told.stalls[0].comm, "slow reader");
	EXPECT_STR_EQ(told.names[0], "test");
	EXPECT_TRUE(told.stalls[0].waited_ns >= NSEC_PER_MSEC);
	EXPECT_TRUE((const char *)told.stalls[0].address > (const char *)rove_test_begin_section);
	EXPECT_TRUE((const char *)told.stalls[0].address <
		    (const char *)rove_test_begin_section + 200);
	EXPECT_TRUE(strstr(told.functions[0], "+0x"));
}

WATCH_TEST(every_reader_is_named_and_no_other)
{
	struct reader a, b, done;
	pthread_t waiter;
	u32 seen = 0;

	watch(dom, NSEC_PER_MSEC);
	reader_start(&done, dom, true);
	reader_end(&done);
	reader_start(&a, dom, true);
	reader_start(&b, dom, true);
	waiter = synchronize_until_reported(dom, 2);
	reader_end(&a);
	reader_end(&b);
	pthread_join(waiter, NULL);
	for (u32 i = 0; i < 2; i++)
		seen |= (told.stalls[i].tid == a.tid) | (told.stalls[i].tid == b.tid) << 1;
	EXPECT_EQ(seen, 3);
}

WATCH_TEST(a_reader_that_began_after_the_wait_is_not_named)
{
	struct reader before, after;
	pthread_t waiter;
	u32 idx = READ_ONCE(dom->idx);

	watch(dom, 20 * NSEC_PER_MSEC);
	reader_start(&before, dom, true);
	EXPECT_EQ(pthread_create(&waiter, NULL, synchronize, dom), 0);
	while (READ_ONCE(dom->idx) == idx)
		usleep(100);
	reader_start(&after, dom, true);
	while (READ_ONCE(nr_calls) < 1)
		usleep(100);
	reader_end(&before);
	pthread_join(waiter, NULL);
	reader_end(&after);
	for (u32 i = 0; i < told.nr; i++)
		EXPECT_EQ(told.stalls[i].tid, before.tid);
}

WATCH_TEST(a_section_that_travels_keeps_the_name_of_who_began_it)
{
	struct reader r;
	pthread_t waiter;

	watch(dom, NSEC_PER_MSEC);
	reader_start(&r, dom, false);
	pthread_join(r.thread, NULL);		/* gone; its section is open */
	waiter = synchronize_until_reported(dom, 1);
	rove_srcu_read_unlock(dom, r.idx);
	pthread_join(waiter, NULL);
	EXPECT_EQ(told.stalls[0].tid, r.tid);
	EXPECT_STR_EQ(told.stalls[0].comm, "");
}

static struct rove_srcu *handler_domain;
static volatile int handler_idx;

static void begin_in_handler(int sig)
{
	handler_idx = rove_srcu_read_lock(handler_domain);
}

WATCH_TEST(a_section_of_a_signal_handler_is_named)
{
	pthread_t waiter;

	watch(dom, NSEC_PER_MSEC);
	handler_domain = dom;
	signal(SIGUSR1, begin_in_handler);
	raise(SIGUSR1);
	waiter = synchronize_until_reported(dom, 1);
	rove_srcu_read_unlock(dom, handler_idx);
	pthread_join(waiter, NULL);
	EXPECT_EQ(told.stalls[0].tid, gettid());
}

WATCH_TEST(an_inlined_section_is_named_too)
{
	pthread_t waiter;
	int idx;

	watch(dom, NSEC_PER_MSEC);
	idx = srcu_read_lock(dom);
	waiter = synchronize_until_reported(dom, 1);
	srcu_read_unlock(dom, idx);
	pthread_join(waiter, NULL);
	EXPECT_EQ(told.stalls[0].tid, gettid());
	EXPECT_TRUE(told.stalls[0].address);
}

WATCH_TEST(readers_from_before_are_reported_without_a_name)
{
	int idx = rove_srcu_read_lock(dom);
	pthread_t waiter;

	watch(dom, NSEC_PER_MSEC);
	waiter = synchronize_until_reported(dom, 1);
	rove_srcu_read_unlock(dom, idx);
	pthread_join(waiter, NULL);
	EXPECT_EQ(told.stalls[0].tid, 0);
	EXPECT_STR_EQ(told.functions[0], "");
}

WATCH_TEST(more_sections_than_records_are_counted_all_the_same)
{
	static int idx[3000];

	watch(dom, NSEC_PER_SEC);
	for (int i = 0; i < 3000; i++)
		idx[i] = rove_srcu_read_lock(dom);
	for (int i = 0; i < 3000; i++) {
		EXPECT_TRUE(idx[i] >= 0);
		rove_srcu_read_unlock(dom, idx[i]);
	}
	rove_srcu_synchronize(dom);
	EXPECT_EQ(READ_ONCE(nr_calls), 0);
}

/* The index had no record, and now there are records, and the other way round. */
WATCH_TEST(it_may_be_switched_while_sections_are_open)
{
	int before = rove_srcu_read_lock(dom), during;

	watch(dom, NSEC_PER_SEC);
	during = rove_srcu_read_lock(dom);
	rove_srcu_read_unlock(dom, before);
	rove_srcu_read_unlock(dom, during);
	rove_srcu_unwatch(dom);
	rove_srcu_unwatch(dom);
	EXPECT_EQ(dom->nr_fast, dom->nr_slots);
	during = rove_srcu_read_lock(dom);
	EXPECT_TRUE(during == 0 || during == 1);
	rove_srcu_read_unlock(dom, during);
	rove_srcu_synchronize(dom);
}

static u32 stop;

static void *read_all_the_time(void *dom)
{
	while (!load_acquire(&stop)) {
		int outer = rove_srcu_read_lock(dom), inner = rove_srcu_read_lock(dom);

		rove_srcu_read_unlock(dom, outer);
		rove_srcu_read_unlock(dom, inner);
	}
	return NULL;
}

/* A count or a record that got lost would make a synchronize hang, or fill the table. */
WATCH_TEST(switching_under_readers_loses_nothing)
{
	pthread_t threads[3];

	WRITE_ONCE(stop, 0);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, read_all_the_time, dom), 0);
	for (int i = 0; i < 50; i++) {
		watch(dom, 10 * NSEC_PER_SEC);
		rove_srcu_synchronize(dom);
		rove_srcu_unwatch(dom);
	}
	store_release(&stop, 1);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	rove_srcu_synchronize(dom);
}

TEST(srcu_watch, nonsense_is_refused)
{
	struct rove_srcu_watch_opts opts = { .size = sizeof(opts), .timeout_ns = 1 };
	struct rove_srcu *dom = domain_create(true);

	EXPECT_EQ(rove_srcu_watch(dom, &opts), 0);
	EXPECT_EQ(rove_srcu_watch(dom, &opts), -EBUSY);
	rove_srcu_unwatch(dom);
	opts.timeout_ns = 0;
	EXPECT_EQ(rove_srcu_watch(dom, &opts), -EINVAL);
	opts = (struct rove_srcu_watch_opts){ .size = 1, .timeout_ns = 1 };
	EXPECT_EQ(rove_srcu_watch(dom, &opts), -EINVAL);
	rove_srcu_free(dom);
}

/* Into a pipe instead of stderr: the whole line, once. */
TEST(srcu_watch, without_a_callback_it_is_a_line_on_stderr)
{
	struct rove_srcu_watch_opts opts = {
		.size = sizeof(opts), .name = "sources", .timeout_ns = NSEC_PER_MSEC,
	};
	struct rove_srcu *dom = domain_create(true);
	int saved = dup(STDERR_FILENO), fds[2], idx;
	char line[256] = "", expected[64];
	pthread_t waiter;

	EXPECT_EQ(pipe(fds), 0);
	EXPECT_EQ(rove_srcu_watch(dom, &opts), 0);
	idx = rove_srcu_read_lock(dom);
	dup2(fds[1], STDERR_FILENO);
	EXPECT_EQ(pthread_create(&waiter, NULL, synchronize, dom), 0);
	EXPECT_TRUE(read(fds[0], line, sizeof(line) - 1) > 0);
	rove_srcu_read_unlock(dom, idx);
	pthread_join(waiter, NULL);
	dup2(saved, STDERR_FILENO);
	snprintf(expected, sizeof(expected), "rove: srcu 'sources': reader tid %d (", gettid());
	EXPECT_TRUE(!strncmp(line, expected, strlen(expected)));
	EXPECT_TRUE(strstr(line, ") in section since "));
	EXPECT_TRUE(strstr(line, " s, entered at "));
	close(fds[0]);
	close(fds[1]);
	close(saved);
	rove_srcu_free(dom);
}
