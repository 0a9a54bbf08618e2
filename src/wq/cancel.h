/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/cancel.h - take back what is pending
 */
#ifndef ROVE_WQ_CANCEL_H
#define ROVE_WQ_CANCEL_H

#include <rove/workqueue.h>

#include "base/types.h"

bool work_take_over(struct rove_work *work, u32 shard, u64 flags);
bool delayed_disarm(struct rove_delayed_work *dwork);

#endif
