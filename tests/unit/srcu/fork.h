/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/srcu/fork.h - a child, and what it found wrong
 *
 * It says that on stderr, by the line, and ends with 1.  One that waits for ever is ended by
 * its alarm.
 */
#ifndef ROVE_TESTS_UNIT_SRCU_FORK_H
#define ROVE_TESTS_UNIT_SRCU_FORK_H

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/context.h"
#include "srcu/domain.h"
#include "srcu/read.h"
#include "tests/test.h"

#define LONGEST_S 100

/* In a child only. */
#define NEED(x) ((x) ? (void)0 : child_fails(__LINE__))

#if defined(__SANITIZE_THREAD__)
#define SKIP_WITHOUT_THREADS_IN_A_CHILD() \
	SKIP("ThreadSanitizer lets no thread be made in a child of a process with threads")
#else
#define SKIP_WITHOUT_THREADS_IN_A_CHILD() ((void)0)
#endif

static inline void child_fails(int line)
{
	dprintf(STDERR_FILENO, "# child: line %d\n", line);
	_exit(1);
}

static inline pid_t fork_child(void)
{
	pid_t child = fork();

	if (!child)
		alarm(LONGEST_S);
	return child;
}

static inline void expect_child_is_content(pid_t child)
{
	int status = -1;

	EXPECT_TRUE(child > 0);
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
}

static inline struct rove_srcu *domain(void)
{
	struct rove_srcu *dom = NULL;

	EXPECT_EQ(rove_srcu_create(&dom), 0);
	return dom;
}

static inline void wait_until(const u32 *word, u32 at_least)
{
	while (load_acquire(word) < at_least)
		sched_yield();
}

#endif
