/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/watchdog.h - pools that get nothing done are reported
 */
#ifndef ROVE_WQ_WATCHDOG_H
#define ROVE_WQ_WATCHDOG_H

#include "base/types.h"

struct worker_pool;

u64 watchdog_stalled_ns(const struct worker_pool *pool);

#endif
