/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/workqueue/rows.h - rows that are measured in turns, and their medians
 */
#ifndef ROVE_BENCH_WORKQUEUE_ROWS_H
#define ROVE_BENCH_WORKQUEUE_ROWS_H

#include "bench/stats.h"
#include "bench/workqueue/load.h"

struct wq_row {
	const struct wq_entry *entry;
	struct wq_load load;
	u32 nr; /* samples */
	struct wq_sample samples[BENCH_MAX_SAMPLES]; /* in the order they were taken */
	char why[160]; /* not empty: nothing could be measured, and why */
};

enum wq_figure { FIG_RATE, FIG_CPU, FIG_MEAN, FIG_P50, FIG_P90, FIG_P99 };

double sample_figure(const struct wq_sample *sample, enum wq_figure figure);
struct bench_case row_case(const struct wq_row *row, enum wq_figure figure);
void rows_measure(struct wq_row *rows, u32 nr, u32 rounds, const struct tick_clock *clock);
void rows_print(const char *title, const struct wq_row *rows, u32 nr, const struct wq_row *ours);
void rows_json(const struct bench_options *opts, const char *bench, const struct wq_row *rows,
	       u32 nr);

#endif
