/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/mutex.h - a lock of four bytes that knows its owner
 *
 * Small, because objects by the million have one each; the same in every build,
 * because BTF describes one layout only.
 *
 * Each thread also counts how many it holds, all together: handlers of fork() ask, because
 * a signal handler may have called that (atfork.h).
 *
 * Invariant: ->owner is 0 (free) or the thread id of the holder, with
 *            MUTEX_WAITERS set if somebody may be waiting.
 *            The thread's count is that of the locks that it holds, or more where one is
 *            just being taken or freed; but for those of atfork.h.
 * Ordering:  mutex.unlock -> mutex.lock (docs/memory-model.md).
 */
#ifndef ROVE_BASE_MUTEX_H
#define ROVE_BASE_MUTEX_H

#include "base/atomic.h"
#include "base/context.h"
#include "base/types.h"

#define MUTEX_WAITERS 0x80000000u

struct mutex {
	u32 owner;
};

#define MUTEX_INIT { 0 }

extern __thread u32 mutex_self_tid __attribute__((tls_model("initial-exec")));
extern __thread u32 mutex_nr_held __attribute__((tls_model("initial-exec")));

u32 mutex_learn_tid(void);
void mutex_lock_slow(struct mutex *m, u32 self);
void mutex_unlock_slow(struct mutex *m);

static inline u32 mutex_self(void)
{
	return likely(mutex_self_tid) ? mutex_self_tid : mutex_learn_tid();
}

static inline void mutex_init(struct mutex *m)
{
	WRITE_ONCE(m->owner, 0);
}

/* Does this thread hold a lock, or is it about to take one?  Context: any. */
static inline bool mutex_any_held(void)
{
	return READ_ONCE(mutex_nr_held) != 0;
}

/* Of the thread only: a handler sees it counted before the lock is taken, and after it is free. */
static inline void mutex_count(u32 by)
{
	compiler_barrier();
	WRITE_ONCE(mutex_nr_held, mutex_nr_held + by);
	compiler_barrier();
}

/* Context: thread.  Waits only for other holders, who should be short. */
static inline void mutex_lock(struct mutex *m)
{
	u32 self = mutex_self(), free = 0;

	ctx_thread();
	mutex_count(1);
	/*
	 * ORDER mutex.lock (acquire): the section comes after the previous
	 * holder's.  Pairs with mutex.unlock in mutex_unlock().
	 */
	if (unlikely(!cmpxchg_acquire(&m->owner, &free, self)))
		mutex_lock_slow(m, self);
}

/* Context: any.  True if the caller holds the lock now. */
static inline bool mutex_trylock(struct mutex *m)
{
	u32 free = 0;

	mutex_count(1);
	/*
	 * ORDER mutex.lock (acquire): as in mutex_lock().  Pairs with
	 * mutex.unlock in mutex_unlock().
	 */
	if (likely(cmpxchg_acquire(&m->owner, &free, mutex_self())))
		return true;
	mutex_count(-1);
	return false;
}

static inline void mutex_unlock(struct mutex *m)
{
	/*
	 * ORDER mutex.unlock (release): the section comes before the next
	 * holder's.  Pairs with mutex.lock in mutex_lock().
	 */
	if (unlikely(xchg_release(&m->owner, 0) & MUTEX_WAITERS))
		mutex_unlock_slow(m);
	mutex_count(-1);
}

#define assert_held(m) check((READ_ONCE((m)->owner) & ~MUTEX_WAITERS) == mutex_self())

#endif
