/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/mutex.c - the slow halves of the four-byte lock
 *
 * Whoever has slept takes the lock with MUTEX_WAITERS set, because others may
 * sleep still: at worst one wake too many, never one too few.
 */
#include <pthread.h>
#include <unistd.h>

#include "base/futex.h"
#include "base/mutex.h"

/* A holder on another CPU is usually done before a system call would be. */
#define MUTEX_SPINS 100

__thread u32 mutex_self_tid __attribute__((tls_model("initial-exec")));
__thread u32 mutex_nr_held __attribute__((tls_model("initial-exec")));

/**
 * mutex_learn_tid - the calling thread's id, remembered
 *
 * Context: any.
 * Return:  the id, never 0.
 */
u32 mutex_learn_tid(void)
{
	ctx_any();
	mutex_self_tid = gettid();
	return mutex_self_tid;
}

/* The child of fork() has one thread, and that has another id than the one who forked. */
static void forget_tid(void)
{
	mutex_self_tid = 0;
}

/* Before everybody else's handlers, who may lock. */
static void __attribute__((constructor(101))) prepare_for_fork(void)
{
	pthread_atfork(NULL, NULL, forget_tid);
}

static bool mutex_spin(struct mutex *m, u32 self)
{
	for (int i = 0; i < MUTEX_SPINS; i++) {
		u32 owner = READ_ONCE(m->owner);

		/*
		 * ORDER mutex.lock (acquire): as in mutex_lock().  Pairs with
		 * mutex.unlock in mutex_unlock().
		 */
		if (!owner && cmpxchg_acquire(&m->owner, &owner, self))
			return true;
		if (owner & MUTEX_WAITERS)
			return false;
		cpu_relax();
	}
	return false;
}

/**
 * mutex_lock_slow - take a lock somebody else held a moment ago
 * @self:  the caller's thread id
 *
 * Context: thread.
 */
void mutex_lock_slow(struct mutex *m, u32 self)
{
	ctx_thread();
	check((READ_ONCE(m->owner) & ~MUTEX_WAITERS) != self);
	if (mutex_spin(m, self))
		return;
	for (;;) {
		u32 owner = READ_ONCE(m->owner);

		/*
		 * ORDER mutex.lock (acquire): as in mutex_lock().  Pairs with
		 * mutex.unlock in mutex_unlock().
		 */
		if (!owner) {
			if (cmpxchg_acquire(&m->owner, &owner, self | MUTEX_WAITERS))
				return;
			continue;
		}
		if (!(owner & MUTEX_WAITERS) &&
		    !cmpxchg_relaxed(&m->owner, &owner, owner | MUTEX_WAITERS))
			continue;
		futex_wait(&m->owner, owner | MUTEX_WAITERS, FUTEX_FOREVER);
	}
}

/**
 * mutex_unlock_slow - wake one of those who wait
 * @m:  only its address is used: the object may be gone already
 *
 * Context: any.
 */
void mutex_unlock_slow(struct mutex *m)
{
	futex_wake(&m->owner, 1);
}
