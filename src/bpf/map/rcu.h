/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/rcu.h - read sections under which map elements stay
 *
 * liburcu's bp flavour: threads need not be registered, sections nest.  A
 * program runs inside one from its first instruction to its last.
 *
 * ThreadSanitizer does not see into liburcu, so it is told what a grace period
 * means: the end of a section comes before a callback after it.
 */
#ifndef ROVE_BPF_MAP_RCU_H
#define ROVE_BPF_MAP_RCU_H

#include <urcu/urcu-bp.h>

#include "base/types.h"
#include "bpf/map/tsan.h"

extern char map_rcu_token;

/* The calling thread has been registered, see map_rcu_may_begin(). */
extern __thread bool map_rcu_known __attribute__((tls_model("initial-exec")));

bool map_rcu_may_begin(void);

#define map_rcu_told_end() tsan_told_before(&map_rcu_token)
#define map_rcu_told_grace() tsan_told_after(&map_rcu_token)

/*
 * Context: any; the first on a thread registers it, with signals blocked.  A handler asks
 * map_rcu_may_begin() first.  Sections nest.
 */
static inline void map_rcu_read_lock(void)
{
	urcu_bp_read_lock();
	map_rcu_known = true;
}

static inline void map_rcu_read_unlock(void)
{
	map_rcu_told_end();
	urcu_bp_read_unlock();
}

/* @fn begins with map_rcu_told_grace(); it runs on liburcu's thread.  Context: thread, softirq. */
static inline void map_call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head))
{
	map_rcu_told_end();
	urcu_bp_call_rcu(head, fn);
	map_rcu_known = true;
}

/* Context: may sleep, outside of a section: waits for all that have begun. */
static inline void map_rcu_synchronize(void)
{
	urcu_bp_synchronize_rcu();
	map_rcu_told_grace();
}

#endif
