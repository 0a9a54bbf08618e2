/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/rescuer.h - a queue's own worker, for when no others can be made
 */
#ifndef ROVE_WQ_RESCUER_H
#define ROVE_WQ_RESCUER_H

struct rove_workqueue;
struct worker_pool;

int rescuer_start(struct rove_workqueue *wq);
void rescuer_stop(struct rove_workqueue *wq);
bool mayday(struct worker_pool *pool);

#endif
