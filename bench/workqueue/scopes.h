/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/workqueue/scopes.h - rove's queues by affinity scope and way of waking
 */
#ifndef ROVE_BENCH_WORKQUEUE_SCOPES_H
#define ROVE_BENCH_WORKQUEUE_SCOPES_H

#include "bench/stats.h"
#include "bench/workqueue/load.h"

void scopes_run(const struct bench_options *opts, const struct wq_load *load,
		const struct tick_clock *clock);

#endif
