/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/thread.c - threads of our own in somebody else's process
 *
 * The application's signals are not for them: all are blocked, but those that
 * say that the thread itself has gone wrong, which checked reads rely on.
 *
 * A thread begins with the CPUs, the policy and the priority of the one that made it.
 * Ours serve the whole process, and are made by whoever happens to be the first to need
 * them, perhaps bound to a CPU: so they take those of the process's first thread instead,
 * as its layout of pools does (wq/machine.c).
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/context.h"
#include "base/mutex.h"
#include "base/thread.h"

/* A mask of 8192 CPUs. */
#define MASK_BYTES 1024

/* What a new thread is told; its own to free. */
struct begin {
	void	*(*run)(void *arg);
	void	*arg;
};

static const int own_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };

static void take_cpus_of(pid_t first)
{
	char mine[MASK_BYTES] = { 0 }, its[MASK_BYTES] = { 0 };

	if (sched_getaffinity(0, sizeof(mine), (cpu_set_t *)mine) ||
	    sched_getaffinity(first, sizeof(its), (cpu_set_t *)its) ||
	    !memcmp(mine, its, sizeof(mine)))
		return;
	(void)sched_setaffinity(0, sizeof(its), (cpu_set_t *)its);
}

/* Which others cannot get past: not for threads of ours, unless both are so that we come from. */
static bool is_realtime(int policy)
{
	policy &= ~SCHED_RESET_ON_FORK;
	return policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE;
}

static void take_priority_of(pid_t first)
{
	int policy = sched_getscheduler(first), nice = getpriority(PRIO_PROCESS, first);
	struct sched_param param = { 0 };

	if (policy >= 0 && !is_realtime(policy) && policy != sched_getscheduler(0))
		(void)sched_setscheduler(0, policy, &param);
	if (nice != getpriority(PRIO_PROCESS, 0))
		(void)setpriority(PRIO_PROCESS, 0, nice);
}

/* What the system refuses is left as it is. */
static void *begin(void *arg)
{
	struct begin b = *(struct begin *)arg;

	free(arg);
	take_cpus_of(getpid());
	take_priority_of(getpid());
	return b.run(b.arg);
}

/**
 * thread_create - start a thread that takes none of the application's signals
 * @name:        up to 15 characters, for tools that list threads
 * @ret_thread:  set on success only; join or detach it
 *
 * It may run where the process's first thread may, and has its priority; one of real time only
 * if the caller has that, too.
 *
 * Context: may sleep.
 * Return:  0 or -EAGAIN.
 */
int thread_create(const char *name, void *(*run)(void *arg), void *arg, pthread_t *ret_thread)
{
	int state CANCEL_HELD = cancel_hold();	/* naming it opens a file */
	struct begin *b = malloc(sizeof(*b));
	sigset_t blocked, before;
	pthread_t thread;
	int err;

	ctx_thread();
	if (!b)
		return -EAGAIN;
	*b = (struct begin){ run, arg };
	sigfillset(&blocked);
	for (size_t i = 0; i < ARRAY_SIZE(own_signals); i++)
		sigdelset(&blocked, own_signals[i]);
	pthread_sigmask(SIG_BLOCK, &blocked, &before);
	err = pthread_create(&thread, NULL, begin, b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err) {
		free(b);
		return -EAGAIN;
	}
	pthread_setname_np(thread, name);
	*ret_thread = thread;
	return 0;
}

/**
 * thread_join - wait until a thread has ended
 *
 * A handler of a signal that comes meanwhile may fork, while the C library holds the lock of its
 * stacks; who makes a thread under a lock of ours waits for that one.  So it is as if this were
 * a lock of ours, too (atfork.h).
 *
 * Context: may sleep.
 */
void thread_join(pthread_t thread)
{
	int state CANCEL_HELD = cancel_hold();

	ctx_may_sleep();
	mutex_count(1);
	pthread_join(thread, NULL);
	mutex_count(-1);
}
