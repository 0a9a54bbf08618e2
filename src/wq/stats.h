/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/stats.h - what shards know of the works that wait in them
 */
#ifndef ROVE_WQ_STATS_H
#define ROVE_WQ_STATS_H

#include "wq/shard.h"

u64 shard_oldest_ns_locked(const struct shard *s);

#endif
