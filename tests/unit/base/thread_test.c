/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * thread_test.c - threads of our own, and what they wait on
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/futex.h"
#include "base/thread.h"
#include "tests/test.h"

static void *read_mask(void *mask)
{
	pthread_sigmask(SIG_BLOCK, NULL, mask);
	return NULL;
}

TEST(thread, it_takes_none_of_the_applications_signals_but_its_own_faults)
{
	sigset_t before, mask, after;
	pthread_t thread;

	pthread_sigmask(SIG_BLOCK, NULL, &before);
	EXPECT_EQ(thread_create("rove-test", read_mask, &mask, &thread), 0);
	pthread_join(thread, NULL);
	EXPECT_TRUE(sigismember(&mask, SIGINT));
	EXPECT_TRUE(sigismember(&mask, SIGUSR1));
	EXPECT_TRUE(sigismember(&mask, SIGRTMIN));
	EXPECT_FALSE(sigismember(&mask, SIGSEGV));
	EXPECT_FALSE(sigismember(&mask, SIGBUS));
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	for (int sig = 1; sig < SIGRTMIN; sig++)
		EXPECT_EQ(sigismember(&after, sig), sigismember(&before, sig));
}

/* Where and how a thread runs. */
struct place {
	cpu_set_t	cpus;
	int		policy;
	int		nice;
};

static struct place place_of(pid_t tid)
{
	struct place p = { .policy = sched_getscheduler(tid), .nice = getpriority(PRIO_PROCESS, tid) };

	EXPECT_EQ(sched_getaffinity(tid, sizeof(p.cpus), &p.cpus), 0);
	return p;
}

static void *note_place(void *place)
{
	*(struct place *)place = place_of(0);
	return NULL;
}

static void *make_and_join(void *place)
{
	pthread_t thread;

	EXPECT_EQ(thread_create("rove-test", note_place, place, &thread), 0);
	pthread_join(thread, NULL);
	return NULL;
}

/* The maker binds itself to one CPU, and gives way to all others. */
static void *make_from_a_corner(void *place)
{
	struct place here = place_of(0);
	struct sched_param param = { 0 };
	pthread_t thread;
	int cpu = 0;

	while (!CPU_ISSET(cpu, &here.cpus))
		cpu++;
	CPU_ZERO(&here.cpus);
	CPU_SET(cpu, &here.cpus);
	EXPECT_EQ(sched_setaffinity(0, sizeof(here.cpus), &here.cpus), 0);
	EXPECT_EQ(sched_setscheduler(0, SCHED_BATCH, &param), 0);
	EXPECT_EQ(setpriority(PRIO_PROCESS, 0, 5), 0);
	EXPECT_EQ(thread_create("rove-test", note_place, place, &thread), 0);
	pthread_join(thread, NULL);
	return (void *)(intptr_t)!setpriority(PRIO_PROCESS, 0, 4);
}

TEST(thread, it_runs_where_and_how_the_first_thread_does_and_not_its_maker)
{
	struct place first = place_of(0), place = { 0 };
	pthread_t maker;
	void *may_raise;

	EXPECT_EQ(pthread_create(&maker, NULL, make_from_a_corner, &place), 0);
	pthread_join(maker, &may_raise);
	EXPECT_TRUE(CPU_EQUAL(&place.cpus, &first.cpus));
	EXPECT_EQ(place.policy, first.policy);
	if (!may_raise)
		SKIP("this process may not raise priorities");
	EXPECT_EQ(place.nice, first.nice);
}

static int policy_made_by(int policy)
{
	struct sched_param param = { .sched_priority = policy == SCHED_RR };
	static struct place place;
	pthread_attr_t attr;
	pthread_t maker;

	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, policy);
	pthread_attr_setschedparam(&attr, &param);
	EXPECT_EQ(pthread_create(&maker, &attr, make_and_join, &place), 0);
	pthread_join(maker, NULL);
	pthread_attr_destroy(&attr);
	return place.policy;
}

TEST(thread, it_has_a_real_time_policy_only_of_two_that_have_it)
{
	struct sched_param realtime = { .sched_priority = 1 }, none = { 0 };

	if (sched_setscheduler(getpid(), SCHED_RR, &realtime))
		SKIP("this process may have no real-time policy");
	EXPECT_EQ(policy_made_by(SCHED_OTHER), SCHED_OTHER);
	EXPECT_EQ(policy_made_by(SCHED_RR), SCHED_RR);
	EXPECT_EQ(sched_setscheduler(getpid(), SCHED_OTHER, &none), 0);
	EXPECT_EQ(policy_made_by(SCHED_RR), SCHED_OTHER);
}

static void *note_that_it_got_here(void *here)
{
	static struct place place;
	pthread_t thread;

	pthread_cancel(pthread_self());
	if (!thread_create("rove-test", note_place, &place, &thread)) {
		*(int *)here = 1;
		pthread_detach(thread);
	}
	pthread_testcancel();
	return NULL;
}

TEST(thread, who_is_to_be_cancelled_may_make_one)
{
	pthread_t maker;
	void *end;
	int here = 0;

	EXPECT_EQ(pthread_create(&maker, NULL, note_that_it_got_here, &here), 0);
	pthread_join(maker, &end);
	EXPECT_TRUE(here);
	EXPECT_TRUE(end == PTHREAD_CANCELED);
}

TEST(futex, a_word_that_differs_is_not_waited_for)
{
	u32 word = 1;

	EXPECT_EQ(futex_wait(&word, 0, FUTEX_FOREVER), -EAGAIN);
}

TEST(futex, waiting_ends_after_the_time)
{
	u64 before = clock_mono_ns();
	u32 word = 0;

	EXPECT_EQ(futex_wait(&word, 0, 5 * NSEC_PER_MSEC), -ETIMEDOUT);
	EXPECT_TRUE(clock_mono_ns() - before >= 5 * NSEC_PER_MSEC);
}

static void *wait_for_change(void *word)
{
	while (!load_acquire((u32 *)word))
		futex_wait(word, 0, FUTEX_FOREVER);
	return NULL;
}

TEST(futex, who_waits_is_woken)
{
	pthread_t thread;
	u32 word = 0;

	EXPECT_EQ(thread_create("rove-test", wait_for_change, &word, &thread), 0);
	store_release(&word, 1);
	futex_wake(&word, 1);
	pthread_join(thread, NULL);
}

TEST(futex, errno_is_left_alone)
{
	u32 word = 1;

	errno = 42;
	futex_wait(&word, 0, FUTEX_FOREVER);
	futex_wake(NULL, 1);
	EXPECT_EQ(errno, 42);
}
