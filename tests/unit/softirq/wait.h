/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/softirq/wait.h - wait for what another thread does, and call from a handler
 */
#ifndef ROVE_TESTS_UNIT_SOFTIRQ_WAIT_H
#define ROVE_TESTS_UNIT_SOFTIRQ_WAIT_H

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rove/irq_work.h>

#include "base/atomic.h"
#include "tests/test.h"

#define WAIT_UNTIL(x)                  \
	do {                           \
		while (!(x))           \
			sched_yield(); \
	} while (0)

static void (*handler_body)(void);

static void run_handler_body(int sig)
{
	handler_body();
}

/* Runs @body in a signal handler of this thread and returns when it has. */
static inline void in_signal_handler(void (*body)(void))
{
	struct sigaction action = { .sa_handler = run_handler_body }, before;

	handler_body = body;
	EXPECT_EQ(sigaction(SIGUSR1, &action, &before), 0);
	raise(SIGUSR1);
	EXPECT_EQ(sigaction(SIGUSR1, &before, NULL), 0);
}

/* Return: what @body returned in a child of this process, or -1. */
static inline int in_child(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(body());
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ?
		WEXITSTATUS(status) : -1;
}

static inline void start(void)
{
	EXPECT_EQ(rove_softirq_start(), 0);
}

#endif
