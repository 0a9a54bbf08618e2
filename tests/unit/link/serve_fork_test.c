/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * serve_fork_test.c - fork() in a signal handler that has interrupted who looks for a stream
 */
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/atfork.h"
#include "base/atomic.h"
#include "bpf/link/session.h"
#include "tests/test.h"

#define NR_INSIDE 5

/* A: forks by handlers that have interrupted a holder of a lock, or not. */
static u32 nr_inside, nr_outside;

static void fork_here(int sig)
{
	u32 *nr = mutex_any_held() ? &nr_inside : &nr_outside;
	pid_t child;
	int status;

	if (READ_ONCE(*nr) >= NR_INSIDE)
		return;
	child = fork();
	if (!child)
		_exit(0);
	if (child > 0 && waitpid(child, &status, 0) == child && !status)
		fetch_add_relaxed(nr, 1);
}

static void *signal_main(void *main_thread)
{
	while (READ_ONCE(nr_inside) < NR_INSIDE || READ_ONCE(nr_outside) < NR_INSIDE) {
		pthread_kill(*(pthread_t *)main_thread, SIGUSR1);
		usleep(20);
	}
	return NULL;
}

TEST(serve, a_handler_that_has_interrupted_a_holder_of_its_lock_may_fork)
{
	struct sigaction action = { .sa_handler = fork_here, .sa_flags = SA_RESTART }, before;
	static struct iter_session s;
	pthread_t thread, self = pthread_self();
	int ends[2];

#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer runs signal handlers later, when the lock is free");
#endif
	EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	s.sock = ends[0];
	s.ino = 1;
	refcount_set(&s.refs, 1 << 20);	/* it stays, whoever lets go of it */
	EXPECT_EQ(serve_add(&s), 0);	/* from now on its lock is held over fork() */
	EXPECT_EQ(sigaction(SIGUSR1, &action, &before), 0);
	EXPECT_EQ(pthread_create(&thread, NULL, signal_main, &self), 0);
	while (READ_ONCE(nr_inside) < NR_INSIDE || READ_ONCE(nr_outside) < NR_INSIDE)
		EXPECT_TRUE(serve_find(0, 2) == NULL);
	pthread_join(thread, NULL);
	sigaction(SIGUSR1, &before, NULL);
	close(ends[1]);
	while (serve_find(0, 1))
		usleep(100);
	close(ends[0]);
}
