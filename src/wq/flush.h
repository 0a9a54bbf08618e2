/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/flush.h - waiting for a whole queue
 */
#ifndef ROVE_WQ_FLUSH_H
#define ROVE_WQ_FLUSH_H

#include "wq/shard.h"

/* shard.flush_waits */
#define FLUSH_COLOR 1u		/* of what it waits for */

/* The number of the color's turn tells a flush from the one after the next, of the same color. */
static inline u32 flush_waits_for(u32 nr_turns, u32 color)
{
	return nr_turns << 2 | 2 | color;
}

void flush_mark_reached_locked(struct shard *s);
void flush_check_shard(struct shard *s);
bool wq_is_empty(struct rove_workqueue *wq);
bool work_wait_run(struct rove_work *work);

#endif
