/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/workqueue/scopes.c - rove's queues by affinity scope and way of waking
 *
 * The scope says which CPUs share one pool and so one lock; the way of waking,
 * whether the pool's lock is held while the system wakes a worker.
 */
#include "bench/workqueue/entries.h"
#include "bench/workqueue/rows.h"
#include "bench/workqueue/scopes.h"

/* As rove_scope_peers has them. */
enum way { UNDER, AFTER, NO_LOCK, NR_WAYS };

static void print_figure(const struct wq_row *ways, enum wq_figure figure, double unit)
{
	for (u32 way = 0; way < NR_WAYS; way++) {
		struct bench_case c = row_case(&ways[way], figure);

		printf(" %8.*f", unit > 1 ? 3 : 0, bench_median(&c) / unit);
	}
}

static void print_gain(const struct wq_row *ways, enum way way)
{
	struct bench_case before = row_case(&ways[UNDER], FIG_RATE);
	struct bench_case with = row_case(&ways[way], FIG_RATE);
	u32 nr = min(ways[UNDER].nr, ways[way].nr), won = 0;

	for (u32 i = 0; i < nr; i++)
		won += ways[way].samples[i].items_per_s > ways[UNDER].samples[i].items_per_s;
	printf(" %+6.1f %% (%u of %u)",
	       (bench_median(&with) / max(bench_median(&before), 1.0) - 1) * 100, won, nr);
}

static void print_scope(const struct wq_row *ways)
{
	const char *name = ways[UNDER].entry->name;

	printf("  %-12.*s", (int)strcspn(name, ","), name);
	for (u32 way = 0; way < NR_WAYS; way++) {
		if (!ways[way].nr) {
			printf(" not here: %s\n", ways[way].why);
			return;
		}
	}
	print_figure(ways, FIG_RATE, 1e6);
	print_gain(ways, AFTER);
	print_gain(ways, NO_LOCK);
	printf(" |");
	print_figure(ways, FIG_P50, 1);
	printf(" |");
	print_figure(ways, FIG_P99, 1);
	printf("\n");
}

static void print_table(const struct wq_row *rows, u32 nr)
{
	const struct wq_load *load = &rows->load;

	printf("affinity scopes, batches of %u: %u producers x %u items; an idle worker is woken\n"
	       "under the pool's lock, after it, or chosen without any lock (gains: against under)\n"
	       "  %-12s %26s %19s %19s | %26s | %26s\n"
	       "  %-12s %8s %8s %8s %19s %19s | %8s %8s %8s | %8s %8s %8s\n",
	       load->batch, load->nr_producers, load->nr_items, "", "M items/s", "after", "no lock",
	       "enqueue p50 ns", "enqueue p99 ns", "scope", "under", "after", "no lock",
	       "gain (rounds won)", "gain (rounds won)", "under", "after", "no lock", "under",
	       "after", "no lock");
	for (u32 i = 0; i + NR_WAYS <= nr; i += NR_WAYS)
		print_scope(&rows[i]);
	if (sysconf(_SC_NPROCESSORS_ONLN) <= 8)
		printf("  %ld CPUs: from cache_shard to system it may be one pool, and smt that or cpu.\n",
		       sysconf(_SC_NPROCESSORS_ONLN));
	printf("\n");
}

/**
 * scopes_run - measure and print all scopes in each way of waking
 *
 * Context: may sleep; the process must have one thread only.
 */
void scopes_run(const struct bench_options *opts, const struct wq_load *load,
		const struct tick_clock *clock)
{
	static struct wq_entry entries[WQ_MAX_ENTRIES];
	u32 nr = entries_of(rove_scope_peers, entries, WQ_MAX_ENTRIES);
	struct wq_row *rows = calloc(nr, sizeof(*rows));

	for (u32 i = 0; rows && i < nr; i++)
		rows[i] = (struct wq_row){ .entry = &entries[i], .load = *load };
	if (rows && nr) {
		rows_measure(rows, nr, opts->rounds, clock);
		print_table(rows, nr);
		rows_json(opts, "workqueue-scopes", rows, nr);
	}
	free(rows);
}
