/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/probe: threads that run, wait and compute are told apart
 */
#include "tests/test.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "base/atomic.h"
#include "wq/probe.h"

struct subject {
	pthread_t thread;
	void *(*run)(void *arg);
	u32 tid, stop;		/* A */
	int pipe[2];
};

static void *compute(void *arg)
{
	struct subject *s = arg;

	store_release(&s->tid, (u32)gettid());
	while (!load_acquire(&s->stop))
		cpu_relax();
	return NULL;
}

static void *wait_in_a_system_call(void *arg)
{
	struct subject *s = arg;
	char c;

	store_release(&s->tid, (u32)gettid());
	while (read(s->pipe[0], &c, 1) == 1 && c != 'q')
		;
	return NULL;
}

static void subject_start(struct subject *s, void *(*run)(void *arg))
{
	*s = (struct subject){ .run = run };
	EXPECT_EQ(pipe(s->pipe), 0);
	EXPECT_EQ(pthread_create(&s->thread, NULL, run, s), 0);
	while (!load_acquire(&s->tid))
		usleep(100);
}

static void subject_end(struct subject *s)
{
	store_release(&s->stop, 1);
	EXPECT_EQ(write(s->pipe[1], "q", 1), 1);
	pthread_join(s->thread, NULL);
	close(s->pipe[0]);
	close(s->pipe[1]);
}

/* A thread on its way into its system call is told to be running, for a moment. */
static enum probe_verdict look_until(struct subject *s, struct probe_memory *memory, u64 run,
				     enum probe_verdict wanted)
{
	enum probe_verdict verdict;

	do {
		verdict = probe_look(memory, s->tid, run);
		usleep(500);
	} while (verdict != wanted);
	return verdict;
}

TEST(probe, a_thread_that_waits_is_blocked)
{
	struct probe_memory memory = { 0 };
	struct subject s;

	subject_start(&s, wait_in_a_system_call);
	EXPECT_EQ(probe_look(&memory, s.tid, 1), PROBE_SAYS_NEW);
	look_until(&s, &memory, 1, PROBE_SAYS_BLOCKED);
	EXPECT_EQ(probe_state(s.tid), PROBE_SLEEPING);
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(probe_look(&memory, s.tid, 1), PROBE_SAYS_BLOCKED);
	subject_end(&s);
}

TEST(probe, a_thread_that_was_woken_between_two_looks_is_not)
{
	struct probe_memory memory = { 0 };
	struct subject s;
	u64 before_ns, now_ns;

	subject_start(&s, wait_in_a_system_call);
	look_until(&s, &memory, 1, PROBE_SAYS_BLOCKED);
	EXPECT_EQ(probe_cpu_ns(s.tid, &before_ns), 0);
	EXPECT_EQ(write(s.pipe[1], "x", 1), 1);
	do
		EXPECT_EQ(probe_cpu_ns(s.tid, &now_ns), 0);
	while (now_ns == before_ns);
	EXPECT_EQ(probe_look(&memory, s.tid, 1), PROBE_SAYS_RUNS);
	subject_end(&s);
}

TEST(probe, a_thread_that_computes_is_intensive_after_a_while)
{
	struct probe_memory memory = { 0 };
	struct subject s;

	subject_start(&s, compute);
	EXPECT_EQ(probe_look(&memory, s.tid, 1), PROBE_SAYS_NEW);
	look_until(&s, &memory, 1, PROBE_SAYS_INTENSIVE);
	EXPECT_EQ(probe_state(s.tid), PROBE_RUNNING);
	subject_end(&s);
}

/* What it did in the work before does not count. */
TEST(probe, another_work_starts_anew)
{
	struct probe_memory memory = { 0 };
	struct subject s;

	subject_start(&s, compute);
	look_until(&s, &memory, 1, PROBE_SAYS_INTENSIVE);
	EXPECT_EQ(probe_look(&memory, s.tid, 2), PROBE_SAYS_NEW);
	EXPECT_EQ(memory.first_cpu_ns, memory.cpu_ns);
	subject_end(&s);
}

TEST(probe, a_thread_that_is_gone_is_said_to_be)
{
	struct probe_memory memory = { 0 };
	struct subject s;
	u64 ns;

	subject_start(&s, compute);
	subject_end(&s);
	while (!probe_cpu_ns(s.tid, &ns))	/* the system forgets it a moment after the join */
		usleep(100);
	EXPECT_EQ(probe_look(&memory, s.tid, 1), PROBE_SAYS_GONE);
	EXPECT_EQ(probe_state(s.tid), PROBE_UNKNOWN);
}

TEST(probe, a_name_with_parentheses_does_not_confuse)
{
	struct subject s;

	subject_start(&s, compute);
	EXPECT_EQ(pthread_setname_np(s.thread, "a) S (b) D"), 0);
	EXPECT_EQ(probe_state(s.tid), PROBE_RUNNING);
	subject_end(&s);
}
