/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/manager.h - the thread that makes workers and looks after them
 */
#ifndef ROVE_WQ_MANAGER_H
#define ROVE_WQ_MANAGER_H

#include "base/atomic.h"
#include "base/types.h"

extern u32 manager_word;	/* A: a futex, see manager.c */

#define MANAGER_ASLEEP 2u

/* A: tests change them, and call manager_wake() */
extern u64 manager_idle_timeout_ns;
extern u64 manager_linger_ns;

int manager_start(void);
void manager_wake(void);

/* There is a worker awake: its works are looked at from time to time.  Context: any. */
static inline void manager_stay_awake(void)
{
	/*
	 * ORDER manager.rouse (seq_cst): after the worker is counted as running, or has stopped to
	 * poll.  Pairs with manager.doze in manager_sleep().
	 */
	if (unlikely(load_seq_cst(&manager_word) == MANAGER_ASLEEP))
		manager_wake();
}

#endif
