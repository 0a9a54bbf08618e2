/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/task.c - the calling thread, as programs see it, and its end
 *
 * The end is noticed by a destructor of POSIX threads.  A key of low number keeps its
 * values in the thread itself, so that it can be set in a signal handler; one of a
 * higher number allocates.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/context.h"
#include "base/mutex.h"
#include "bpf/map/task.h"

#define KEYS_WITHOUT_ALLOCATION 32	/* of glibc; others are taken to have none */

/* Written by its own thread only, or by a signal handler on it. */
struct task {
	struct task_struct seen;
	bool watched;		/* its end is */
	bool ending;
};

static __thread struct task self __attribute__((tls_model("initial-exec")));

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t end_key;
static bool end_key_made;

static void thread_ends(void *arg)
{
	self.ending = true;
	compiler_barrier();
	task_storage_forget(mutex_self());
}

static void make_end_key(void)
{
	end_key_made = !pthread_key_create(&end_key, thread_ends);
}

int task_prepare(void)
{
	ctx_may_sleep();
	pthread_once(&once, make_end_key);
	return end_key_made ? 0 : -EAGAIN;
}

/* In a process that was forked the one thread has a new number, and nothing is kept of it. */
static void become(u32 tid)
{
	self.watched = false;
	self.ending = false;
	self.seen.tgid = getpid();
	compiler_barrier();
	WRITE_ONCE(self.seen.pid, (s32)tid);
}

struct task_struct *task_current(void)
{
	char comm[TASK_COMM_BYTES] = "";
	u32 tid = mutex_self();

	ctx_any();
	if (unlikely((u32)READ_ONCE(self.seen.pid) != tid))
		become(tid);
	if (!prctl(PR_GET_NAME, comm))
		memcpy(self.seen.comm, comm, sizeof(comm));
	return &self.seen;
}

static bool can_set_key(void)
{
#ifdef __GLIBC__
	return !in_nmi() || end_key < KEYS_WITHOUT_ALLOCATION;
#else
	return !in_nmi();
#endif
}

bool task_watch_end(void)
{
	ctx_any();
	if (self.ending)
		return false;
	if (likely(self.watched))
		return true;
	if (!end_key_made || !can_set_key())
		return false;
	self.watched = !pthread_setspecific(end_key, &self);
	return self.watched;
}
