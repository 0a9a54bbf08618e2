/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * fork_handler_test.c - fork() in a signal handler, whatever that has interrupted
 *
 * Handlers of fork() take locks.  One of these may be held by a thread that waits for a lock
 * which the interrupted thread holds: it would wait for ever, and fork() for it.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rove/srcu.h>
#include <rove/workqueue.h>

#include "base/atfork.h"
#include "srcu/domain.h"
#include "tests/test.h"
#include "wq/fork.h"
#include "wq/pool.h"
#include "wq/wq.h"

static u32 nr_forks;

static void fork_here(int sig)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(0);
	if (child > 0 && waitpid(child, &status, 0) == child && !status)
		nr_forks++;
}

/* Someone who holds a lock that is taken for fork(), and waits for another one. */
struct holder {
	struct mutex *outer, *inner;
	u32 holds;		/* A */
};

static void *hold_and_wait(void *arg)
{
	struct holder *h = arg;

	mutex_lock(h->outer);
	store_release(&h->holds, 1);
	mutex_lock(h->inner);
	mutex_unlock(h->inner);
	mutex_unlock(h->outer);
	return NULL;
}

static void expect_no_deadlock(struct mutex *outer, struct mutex *inner)
{
	struct holder h = { outer, inner };
	u32 before = nr_forks;
	pthread_t thread;

	mutex_lock(inner);
	EXPECT_EQ(pthread_create(&thread, NULL, hold_and_wait, &h), 0);
	while (!load_acquire(&h.holds))
		usleep(100);
	raise(SIGUSR1);
	mutex_unlock(inner);
	pthread_join(thread, NULL);
	EXPECT_EQ(nr_forks, before + 1);
}

TEST(fork_handler, waits_for_nobody_who_waits_for_what_it_has_interrupted)
{
	struct sigaction action = { .sa_handler = fork_here }, before;
	struct rove_workqueue *wq = NULL;
	struct rove_srcu *dom = NULL;
	struct mutex *lock;

#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer runs signal handlers later, when the lock is free");
#endif
	EXPECT_EQ(rove_workqueue_create("test", NULL, &wq), 0);
	EXPECT_EQ(rove_srcu_create(&dom), 0);
	rove_srcu_synchronize(dom);
	EXPECT_EQ(sigaction(SIGUSR1, &action, &before), 0);
	lock = &pools_first()->lock;
	expect_no_deadlock(&system_lock, lock);
	expect_no_deadlock(&wq_list_lock, lock);
	expect_no_deadlock(&wq->config, lock);
	expect_no_deadlock(&default_cpus_lock, lock);
	expect_no_deadlock(&pools_lock, lock);
	expect_no_deadlock(workers_lock(), lock);
	expect_no_deadlock(shards_lock(), lock);
	expect_no_deadlock(&wq_list_lock, &wq->config);
	expect_no_deadlock(&dom->call_lock, lock);
	/* And what it has locked is free again, also for one that has interrupted nobody. */
	raise(SIGUSR1);
	EXPECT_EQ(nr_forks, 10);
	EXPECT_FALSE(mutex_any_held());
	sigaction(SIGUSR1, &before, NULL);
	rove_srcu_free(dom);
	rove_workqueue_free(wq);
}

/* --- handlers of fork() that are interrupted themselves --- */

TEST(fork_handler, of_handlers_that_were_interrupted_only_the_outermost_lock)
{
	struct mutex one = MUTEX_INIT, two = MUTEX_INIT;
	struct atfork first = { 0 }, second = { 0 };

	EXPECT_TRUE(atfork_begin(&first));
	atfork_lock(&one);
	/* Here a signal arrives, and its handler forks. */
	EXPECT_FALSE(atfork_begin(&first));
	EXPECT_TRUE(atfork_begin(&second));
	atfork_lock(&two);
	EXPECT_TRUE(atfork_end(&second));
	atfork_unlock(&two);
	EXPECT_FALSE(atfork_end(&first));
	/* It has returned. */
	EXPECT_TRUE(atfork_begin(&second));
	EXPECT_TRUE(atfork_end(&second));
	EXPECT_TRUE(atfork_end(&first));
	atfork_unlock(&one);
	EXPECT_FALSE(mutex_any_held());
	mutex_lock(&one);
	EXPECT_FALSE(atfork_begin(&first));
	EXPECT_FALSE(atfork_end(&first));
	mutex_unlock(&one);
	EXPECT_TRUE(atfork_begin(&first));
	EXPECT_TRUE(atfork_end(&first));
}
