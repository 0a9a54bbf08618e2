/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/workqueue/matrix.c - wakeup after the unlock against wakeup under the lock
 *
 * Each repetition measures both forms of a pool one right after the other, in
 * random order; what counts is in how many repetitions one was better than the
 * other, not the medians alone.  Two producers are pinned, one on each CPU, and
 * every item counts in one counter that all producers share, besides its own
 * producer's.
 */
#include <stdio.h>

#include "bench/workqueue/matrix.h"
#include "bench/workqueue/rows.h"

#define MIN_REPETITIONS 15u

/* Two entries by their names. */
struct pair {
	const char *title, *under, *after;
	bool own_workers; /* cannot be told how many */
};

static const struct pair pairs[] = {
	{ "rove: after the unlock against under the lock", "rove, unbound, woken under the lock",
	  "rove, unbound, woken after unlock", true },
	{ "rove: without any lock against under the lock", "rove, unbound, woken under the lock",
	  "rove, unbound", true },
	{ "mutex pool, one worker claimed: after against under",
	  "mutex pool, one woken under the lock", "mutex pool, one woken after unlock", false },
	{ "spin pool, one worker claimed: after against under",
	  "spin pool, one woken under the lock", "spin pool, one woken after unlock", false },
	{ "mutex + condition variable: signal after against under",
	  "mutex + condition, signal under", "mutex + condition, signal after", false },
};

struct workload {
	const char *name;
	enum wq_kind kind;
	u32 items, full_items, batch, pause_us;
};

static const struct workload workloads[] = {
	{ "batches of 64", WQ_THROUGHPUT, 8192, 200000, 64, 0 },
	{ "one batch", WQ_THROUGHPUT, 8192, 200000, 0, 0 },
	{ "one in flight", WQ_THROUGHPUT, 1500, 200000, 1, 0 },
	{ "wakeup from idle", WQ_WAKEUP, 150, 2000, 1, 300 },
};

static const u32 producer_numbers[] = { 2, 8 };
static const u32 worker_numbers[] = { 2, 8 };

struct cell {
	const struct pair *pair;
	const struct workload *workload;
	struct wq_row under, after;
};

#define MAX_CELLS (ARRAY_SIZE(pairs) * ARRAY_SIZE(workloads) * 4)

static const struct wq_entry *find(const struct wq_entry *entries, u32 nr, const char *name)
{
	for (u32 i = 0; i < nr; i++)
		if (!strcmp(entries[i].name, name))
			return &entries[i];
	return NULL;
}

static struct wq_load cell_load(const struct workload *w, u32 producers, u32 workers, bool full)
{
	return (struct wq_load){
		.kind = w->kind,
		.nr_producers = w->kind == WQ_WAKEUP ? 1 : producers,
		.nr_workers = workers,
		.nr_items = full ? w->full_items : w->items,
		.batch = w->batch,
		.pause_us = w->pause_us,
		.pinned = w->kind == WQ_THROUGHPUT && producers == 2,
		.shared = w->kind == WQ_THROUGHPUT,
	};
}

/* An idle worker is one: no second number of producers or workers for it. */
static bool cell_makes_sense(const struct pair *pair, const struct workload *w, u32 p, u32 k)
{
	return !(w->kind == WQ_WAKEUP && (p || k)) && !(pair->own_workers && k);
}

static u32 cells_make(struct cell *cells, const struct wq_entry *entries, u32 nr, bool full)
{
	u32 made = 0;

	for (u32 i = 0; i < ARRAY_SIZE(pairs); i++) {
		const struct wq_entry *under = find(entries, nr, pairs[i].under);
		const struct wq_entry *after = find(entries, nr, pairs[i].after);

		for (u32 j = 0; under && after && j < ARRAY_SIZE(workloads) * 4; j++) {
			const struct workload *w = &workloads[j / 4];
			u32 p = j / 2 % 2, k = j % 2;
			struct wq_load load =
				cell_load(w, producer_numbers[p], worker_numbers[k], full);

			if (cell_makes_sense(&pairs[i], w, p, k))
				cells[made++] = (struct cell){
					.pair = &pairs[i],
					.workload = w,
					.under = { .entry = under, .load = load },
					.after = { .entry = after, .load = load },
				};
		}
	}
	return made;
}

static bool row_sample(struct wq_row *row, const struct tick_clock *clock)
{
	struct wq_sample *sample = &row->samples[row->nr];

	load_run(row->entry, &row->load, clock, sample);
	if (sample->err)
		snprintf(row->why, sizeof(row->why), "%.150s",
			 sample->why[0] ? sample->why : strerror(-sample->err));
	return !sample->err;
}

/* Both or none. */
static void cell_repeat(struct cell *cell, const struct tick_clock *clock)
{
	bool under_first = random() & 1, ok;

	if (cell->under.why[0] || cell->after.why[0])
		return;
	ok = row_sample(under_first ? &cell->under : &cell->after, clock) &&
	     row_sample(under_first ? &cell->after : &cell->under, clock);
	cell->under.nr += ok;
	cell->after.nr += ok;
}

static void cells_measure(struct cell *cells, u32 nr, u32 repetitions,
			  const struct tick_clock *clock)
{
	for (u32 r = 0; r < repetitions; r++) {
		u32 start = random() % nr;

		for (u32 i = 0; i < nr; i++)
			cell_repeat(&cells[(start + i) % nr], clock);
		fprintf(stderr, "\rrepetition %u of %u ", r + 1, repetitions);
	}
	fprintf(stderr, "\r%40s\r", "");
}

/*
 * Change of one figure from under to after: of the medians, in how many repetitions after was
 * better, and the quartiles of the changes within each repetition.
 */
static void print_change(const struct cell *cell, enum wq_figure figure)
{
	struct bench_case under = row_case(&cell->under, figure);
	struct bench_case after = row_case(&cell->after, figure);
	double changes[BENCH_MAX_SAMPLES];
	u32 won = 0, nr = cell->under.nr;

	for (u32 i = 0; i < nr; i++) {
		double u = sample_figure(&cell->under.samples[i], figure);
		double a = sample_figure(&cell->after.samples[i], figure);

		won += figure == FIG_RATE ? a > u : a < u;
		changes[i] = (a / max(u, 1.0) - 1) * 100;
	}
	qsort(changes, nr, sizeof(double), bench_compare);
	printf("%+6.0f %% (%2u) %+5.0f..%-+6.0f",
	       (bench_median(&after) / max(bench_median(&under), 1.0) - 1) * 100, won,
	       changes[nr / 4], changes[nr * 3 / 4]);
}

static void print_medians(const struct cell *cell, enum wq_figure figure, double unit)
{
	struct bench_case under = row_case(&cell->under, figure);
	struct bench_case after = row_case(&cell->after, figure);

	printf(" %8.2f -> %-8.2f", bench_median(&under) / unit, bench_median(&after) / unit);
}

static void print_cell(const struct cell *cell)
{
	const struct wq_load *load = &cell->under.load;
	bool wakeup = load->kind == WQ_WAKEUP;
	char workers[16] = "own";

	if (!cell->pair->own_workers)
		snprintf(workers, sizeof(workers), "%u", load->nr_workers);
	printf("  %-16s %u%-8s %3s ", cell->workload->name, load->nr_producers,
	       load->pinned ? " pinned" : "", workers);
	if (!cell->under.nr) {
		printf(" not here: %s%s\n", cell->under.why, cell->after.why);
		return;
	}
	print_medians(cell, wakeup ? FIG_P50 : FIG_RATE, wakeup ? 1e3 : 1e6);
	if (!wakeup)
		print_change(cell, FIG_RATE);
	else
		printf("%-27s", "");
	printf("|");
	print_change(cell, wakeup ? FIG_P50 : FIG_MEAN);
	printf("|");
	print_change(cell, FIG_P99);
	printf("\n");
}

static void print_table(const struct pair *pair, const struct cell *cells, u32 nr, u32 repetitions)
{
	printf("%s, %u repetitions (mean: of the latencies; p50 of a wakeup)\n", pair->title, repetitions);
	printf("  %-16s %-9s %3s  %-20s %-27s|%-27s|%s\n", "workload", "producers", "wrk",
	       "M items/s or us", "rate: (won) quartiles", "mean: (won) quartiles",
	       "p99: (won) quartiles");
	for (u32 i = 0; i < nr; i++)
		if (cells[i].pair == pair)
			print_cell(&cells[i]);
	printf("\n");
}

static void cells_json(const struct bench_options *opts, const struct cell *cells, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		const struct wq_load *load = &cells[i].under.load;
		struct wq_row rows[2] = { cells[i].under, cells[i].after };
		char name[64];

		snprintf(name, sizeof(name), "workqueue-matrix-%u-%u-p%u-w%u",
			 (u32)(cells[i].workload - workloads), load->batch, load->nr_producers,
			 load->nr_workers);
		rows_json(opts, name, rows, 2);
	}
}

static void print_limits(void)
{
	long nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);

	printf("Throughput goes both ways: no single row stands for the whole, and a change won in\n"
	       "about half of the repetitions is no result.  \"One batch\" and \"one in flight\" are noisy:\n"
	       "differences under about 15 %% are not evidence.\n");
	if (nr_cpus <= 8)
		printf("%ld CPUs: cache_shard, cache, numa and system may all be one pool here, so nothing of\n"
		       "this says anything about real affinity scopes.\n", nr_cpus);
	printf("\n");
}

/**
 * matrix_run - measure and print every pair on every workload
 * @full:     200,000 items a producer
 * @entries:  where the pairs are looked up; a pair not found is left out, and said so
 *
 * Context: may sleep; the process must have one thread only.
 * Return:  the process's exit status.
 */
int matrix_run(const struct bench_options *opts, bool full, const struct tick_clock *clock,
	       const struct wq_entry *entries, u32 nr)
{
	struct cell *cells = calloc(MAX_CELLS, sizeof(*cells));
	u32 repetitions = max(opts->rounds, MIN_REPETITIONS);
	u32 nr_cells = cells ? cells_make(cells, entries, nr, full) : 0;

	if (!nr_cells)
		return 1;
	cells_measure(cells, nr_cells, repetitions, clock);
	for (u32 i = 0; i < ARRAY_SIZE(pairs); i++)
		print_table(&pairs[i], cells, nr_cells, repetitions);
	print_limits();
	cells_json(opts, cells, nr_cells);
	free(cells);
	return 0;
}
