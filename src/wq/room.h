/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/room.h - queues that hold so many pending works and no more
 */
#ifndef ROVE_WQ_ROOM_H
#define ROVE_WQ_ROOM_H

#include "base/types.h"

struct rove_work;
struct rove_workqueue;

int room_take(struct rove_workqueue *wq, struct rove_work *work);
void room_take_over(struct rove_workqueue *wq);
void room_give(struct rove_workqueue *wq, u32 nr);

#endif
