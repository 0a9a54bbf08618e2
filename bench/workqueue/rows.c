/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/workqueue/rows.c - rows that are measured in turns, and their medians
 *
 * Each round visits all rows, each time in another order, so that a drift of the
 * machine and the row before it meet all of them alike.
 */
#include "bench/workqueue/rows.h"

/**
 * sample_figure - one figure of a sample
 *
 * Context: any.
 */
double sample_figure(const struct wq_sample *sample, enum wq_figure figure)
{
	switch (figure) {
	case FIG_RATE:
		return sample->items_per_s;
	case FIG_CPU:
		return sample->cpu_ns;
	case FIG_MEAN:
		return sample->mean_ns;
	case FIG_P50:
		return sample->p50_ns;
	case FIG_P90:
		return sample->p90_ns;
	default:
		return sample->p99_ns;
	}
}

/**
 * row_case - one figure of all samples of a row, sorted, under its entry's name
 *
 * Context: any.
 * Return:  a case for bench_median() and bench_json().
 */
struct bench_case row_case(const struct wq_row *row, enum wq_figure figure)
{
	struct bench_case c = { .name = row->entry->name };

	for (; c.nr < row->nr; c.nr++)
		c.samples[c.nr] = sample_figure(&row->samples[c.nr], figure);
	qsort(c.samples, c.nr, sizeof(double), bench_compare);
	return c;
}

static void row_measure(struct wq_row *row, const struct tick_clock *clock)
{
	struct wq_sample sample;

	if (row->why[0] || row->nr >= BENCH_MAX_SAMPLES)
		return;
	load_run(row->entry, &row->load, clock, &sample);
	if (!sample.err) {
		row->samples[row->nr++] = sample;
		return;
	}
	snprintf(row->why, sizeof(row->why), "%.150s",
		 sample.why[0] ? sample.why : strerror(-sample.err));
}

static void shuffle(u32 *order, u32 nr)
{
	for (u32 i = nr; i > 1; i--) {
		u32 j = random() % i, swap = order[j];

		order[j] = order[i - 1];
		order[i - 1] = swap;
	}
}

/**
 * rows_measure - one sample of each row, @rounds times, in random order
 *
 * A row that failed once is not tried again; its .why says what happened.
 *
 * Context: may sleep; the process must have one thread only.
 */
void rows_measure(struct wq_row *rows, u32 nr, u32 rounds, const struct tick_clock *clock)
{
	u32 *order = calloc(nr, sizeof(*order));

	if (!order)
		return;
	for (u32 i = 0; i < nr; i++)
		order[i] = i;
	for (u32 round = 0; round < rounds; round++) {
		shuffle(order, nr);
		for (u32 i = 0; i < nr; i++)
			row_measure(&rows[order[i]], clock);
	}
	free(order);
}

static void print_head(const char *title, const struct wq_row *row)
{
	bool wakeup = row->load.kind == WQ_WAKEUP;

	printf("%s\n  %-38s %23s  %7s %7s %7s %7s %8s  %s\n", title, "",
	       wakeup ? "until it runs, p50 us" : "M items/s (min..max)", "CPU ns", "mean ns", "p50 ns",
	       "p90 ns", "p99 ns", "rove is");
}

static void print_ratio(const struct wq_row *row, const struct wq_row *ours)
{
	bool wakeup = row->load.kind == WQ_WAKEUP;
	struct bench_case a = row_case(ours, wakeup ? FIG_P50 : FIG_RATE);
	struct bench_case b = row_case(row, wakeup ? FIG_P50 : FIG_RATE);

	if (bench_median(&a) > 0 && bench_median(&b) > 0)
		printf(" %5.2fx", wakeup ? bench_median(&b) / bench_median(&a) :
					   bench_median(&a) / bench_median(&b));
}

static void print_row(const struct wq_row *row, const struct wq_row *ours)
{
	bool wakeup = row->load.kind == WQ_WAKEUP;
	struct bench_case main_figure = row_case(row, wakeup ? FIG_P50 : FIG_RATE);
	struct bench_case cpu = row_case(row, FIG_CPU), mean = row_case(row, FIG_MEAN);
	struct bench_case p50 = row_case(row, FIG_P50), p90 = row_case(row, FIG_P90),
			  p99 = row_case(row, FIG_P99);
	double unit = wakeup ? 1e3 : 1e6;

	if (!row->nr) {
		printf("  %-38s not here: %s\n", row->entry->name, row->why);
		return;
	}
	printf("  %-38s %8.3f %6.3f..%-7.3f %7.0f %7.0f %7.0f %7.0f %8.0f", row->entry->name,
	       bench_median(&main_figure) / unit, main_figure.samples[0] / unit,
	       main_figure.samples[main_figure.nr - 1] / unit, bench_median(&cpu),
	       bench_median(&mean), bench_median(&p50), bench_median(&p90), bench_median(&p99));
	if (ours)
		print_ratio(row, ours);
	if (row->why[0])
		printf("  (then %s)", row->why);
	printf("\n");
}

/**
 * rows_print - a table of rows of one kind
 * @ours:  the row the ratios compare with, or NULL: more than 1 is in our favour
 *
 * Context: may sleep.
 */
void rows_print(const char *title, const struct wq_row *rows, u32 nr, const struct wq_row *ours)
{
	if (!nr)
		return;
	print_head(title, rows);
	for (u32 i = 0; i < nr; i++)
		print_row(&rows[i], ours);
	printf("\n");
}

/**
 * rows_json - a line of JSON for each figure: BENCH-rate, BENCH-cpu, BENCH-p50 and so on
 *
 * Context: may sleep.
 */
void rows_json(const struct bench_options *opts, const char *bench, const struct wq_row *rows,
	       u32 nr)
{
	static const char *const figure[] = { "rate", "cpu", "mean", "p50", "p90", "p99" };
	struct bench_case *cases = calloc(nr, sizeof(*cases));

	for (u32 f = FIG_RATE; cases && f <= FIG_P99; f++) {
		char name[96];

		for (u32 i = 0; i < nr; i++)
			cases[i] = row_case(&rows[i], f);
		snprintf(name, sizeof(name), "%s-%s", bench, figure[f]);
		bench_json(opts, name, f == FIG_RATE ? "items/s" : "ns", cases, nr);
	}
	free(cases);
}
