/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/bh.h - pools whose worker is the softirq thread
 */
#ifndef ROVE_WQ_BH_H
#define ROVE_WQ_BH_H

struct worker_pool;

int bh_start(struct worker_pool *pool);
void bh_kick(struct worker_pool *pool);
void bh_restart(struct worker_pool *pool);

#endif
