/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * thread_test.c - threads of our own, and what they wait on
 */
#include <errno.h>
#include <signal.h>

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
