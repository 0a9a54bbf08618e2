/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/freeze.h - freezable queues stand still
 */
#ifndef ROVE_WQ_FREEZE_H
#define ROVE_WQ_FREEZE_H

struct rove_workqueue;

void freeze_new_locked(struct rove_workqueue *wq);

#endif
