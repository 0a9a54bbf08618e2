/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/queue.h - works that are pending already go to a shard
 */
#ifndef ROVE_WQ_QUEUE_H
#define ROVE_WQ_QUEUE_H

#include "wq/shard.h"

struct shard *wq_shard_of_cpu(const struct rove_workqueue *wq, u32 cpu);
struct shard *wq_shard_here(const struct rove_workqueue *wq);
int wq_may_queue(struct rove_workqueue *wq, struct rove_work *work);
void shard_queue_chain(struct rove_workqueue *wq, struct shard *s, struct rove_work *first,
		       struct rove_work *last, u32 nr);

#endif
