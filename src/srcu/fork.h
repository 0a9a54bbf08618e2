/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu/fork.h - domains go on in a child of fork()
 */
#ifndef ROVE_SRCU_FORK_H
#define ROVE_SRCU_FORK_H

#include "base/atomic.h"
#include "srcu/domain.h"

void srcu_name(struct rove_srcu *dom);
void srcu_list(struct rove_srcu *dom);
void srcu_unlist(struct rove_srcu *dom);

/* What each file does for it, in the child. */
void srcu_fork_callbacks(struct rove_srcu *dom);
void srcu_fork_watch(struct rove_srcu *dom, u32 old_tid, bool in_period);

/* Before a domain is waited for or called.  Context: thread. */
static inline void srcu_see_to_forks(struct rove_srcu *dom)
{
	if (unlikely(!READ_ONCE(dom->listed)))
		srcu_list(dom);
}

#endif
