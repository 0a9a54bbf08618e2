/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/flush.h - waiting for a whole queue
 */
#ifndef ROVE_WQ_FLUSH_H
#define ROVE_WQ_FLUSH_H

#include "wq/shard.h"

void flush_mark_reached_locked(struct shard *s);
void flush_check_shard(struct shard *s);
bool wq_is_empty(struct rove_workqueue *wq);
bool work_wait_run(struct rove_work *work);

#endif
