/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/atfork.h - locks that are held over fork(), by handlers of pthread_atfork()
 *
 * What a child is to take over has to be whole when memory is copied, so handlers take the
 * locks of it before.  But fork() may be called by a signal handler that has interrupted the
 * holder of a lock of ours: any lock, because another thread may wait for that one while it
 * holds one of these.  Such a fork() locks nothing, and its child may call exec() and _exit()
 * only.  So may a child whose parent's signal handler has interrupted handlers of fork().
 *
 * Locks that are held for a fork() are not counted as held by the thread: each file's handlers
 * must find what the thread held before, whichever of them are called first.
 *
 * Argument (no deadlock): who finds that nothing is held holds only locks of handlers that
 * have been called before, each of which is outside of those that follow.  A thread that
 * waits for one of these has taken none inside of it.  So they are taken in the common order.
 */
#ifndef ROVE_BASE_ATFORK_H
#define ROVE_BASE_ATFORK_H

#include "base/mutex.h"

/* Of one file's handlers; thread-local. */
struct atfork {
	u32	depth;		/* of fork() calls in which they were called, and not yet after it */
	bool	locked;		/* by the outermost one */
};

/* Context: any, before fork().  Return: true: take the locks. */
static inline bool atfork_begin(struct atfork *f)
{
	if (f->depth++)
		return false;
	f->locked = !in_nmi() && !mutex_any_held();
	return f->locked;
}

/* Context: any, after fork(), on both sides.  Return: true: they are held. */
static inline bool atfork_end(struct atfork *f)
{
	bool locked = f->depth == 1 && f->locked;

	if (locked)
		f->locked = false;
	f->depth--;
	return locked;
}

/* Context: thread, after atfork_begin(). */
static inline void atfork_lock(struct mutex *m)
{
	mutex_lock(m);
	mutex_count(-1);
}

/* Context: thread, after atfork_end(); in the child, too. */
static inline void atfork_unlock(struct mutex *m)
{
	mutex_count(1);
	mutex_unlock(m);
}

#endif
