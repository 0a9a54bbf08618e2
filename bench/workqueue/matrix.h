/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/workqueue/matrix.h - wakeup after the unlock against wakeup under the lock
 */
#ifndef ROVE_BENCH_WORKQUEUE_MATRIX_H
#define ROVE_BENCH_WORKQUEUE_MATRIX_H

#include "bench/stats.h"
#include "bench/workqueue/load.h"

int matrix_run(const struct bench_options *opts, bool full, const struct tick_clock *clock,
	       const struct wq_entry *entries, u32 nr);

#endif
