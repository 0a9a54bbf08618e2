/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu_fallback_test.c - a kernel, or a sandbox, that does not allow membarrier(2)
 *
 * Each case is a child of its own, with a filter that refuses the call; so this
 * program itself makes no domain.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/atomic.h"
#include "srcu/domain.h"
#include "tests/test.h"

#define NO_FILTERS 90
#define WRONG 91

static void refuse_membarrier(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(filter), .filter = filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(NO_FILTERS);
}

/* Return: the wait status of a child that runs @scenario. */
static int status_of(void (*scenario)(void))
{
	struct rlimit no_core = { 0, 0 };
	int status;
	pid_t pid = fork();

	EXPECT_TRUE(pid >= 0);
	if (!pid) {
		setrlimit(RLIMIT_CORE, &no_core);
		alarm(20);
		scenario();
		_exit(0);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_FILTERS)
		SKIP("system call filters are not allowed here");
	return status;
}

static u32 waited;

static void *wait_for_readers(void *dom)
{
	rove_srcu_synchronize(dom);
	store_release(&waited, 1);
	return NULL;
}

static void refused_from_the_start(void)
{
	struct rove_srcu *dom;
	pthread_t thread;
	int idx;

	refuse_membarrier();
	if (rove_srcu_create(&dom) || dom->nr_fast)
		_exit(WRONG);
	idx = rove_srcu_read_lock(dom);
	if (pthread_create(&thread, NULL, wait_for_readers, dom))
		_exit(WRONG);
	usleep(10000);
	if (load_acquire(&waited))
		_exit(WRONG);
	rove_srcu_read_unlock(dom, idx);
	pthread_join(thread, NULL);
	rove_srcu_free(dom);
}

TEST(srcu, without_membarrier_a_domain_works_with_shared_slots)
{
	int status = status_of(refused_from_the_start);

	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(WEXITSTATUS(status), 0);
}

static void refused_later(void)
{
	struct rove_srcu *dom;

	if (rove_srcu_create(&dom) || !dom->nr_fast)
		_exit(WRONG);
	refuse_membarrier();
	rove_srcu_synchronize(dom);
}

/* Going on would free what fast readers still read. */
TEST(srcu, a_membarrier_that_is_refused_later_ends_the_process)
{
	int status;

	if (!SRCU_PERCPU || !srcu_percpu_available())
		SKIP("no restartable sequences here, or a build that cannot use them");
	status = status_of(refused_later);
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(WTERMSIG(status), SIGABRT);
}
