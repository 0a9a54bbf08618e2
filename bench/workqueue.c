/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/workqueue.c - work items: rove's queues beside everybody else's
 *
 * 8 producers submit items and wait for them: in batches of 64, all at once, or
 * one at a time; one producer measures how long an item waits until it runs, back
 * to back and with idle workers.  Each sample is taken in a process of its own,
 * the rows in turns and random order.
 *
 *	workqueue [-n ROUNDS] [-j FILE] [-f] [-M] [-p NAME] [-m MODE] [-w WORKERS]
 *
 *	-f  200,000 items a producer instead of fewer (one at a time: a tenth); many minutes
 *	-M  instead: wakeup after the unlock against wakeup under the lock
 *	-p  only rows whose name has NAME in it (and the first row of rove's)
 *	-m  only this table: batch64 one-batch one-at-a-time ping idle producers scopes
 *	-w  worker threads where a peer lets us choose; as many as there are CPUs
 *
 * Not here: a verdict.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/workqueue/entries.h"
#include "bench/workqueue/matrix.h"
#include "bench/workqueue/rows.h"
#include "bench/workqueue/scopes.h"

#define FULL_ITEMS 200000u

struct mode {
	const char *name, *title;
	enum wq_kind kind;
	u32 producers;
	u32 items, full_items; /* of each producer */
	u32 batch;
	u32 pause_us;
};

static const struct mode modes[] = {
	{ "batch64", "batches of 64", WQ_THROUGHPUT, 8, 16384, FULL_ITEMS, 64 },
	{ "one-batch", "one batch", WQ_THROUGHPUT, 8, 16384, FULL_ITEMS, 0 },
	{ "one-at-a-time", "one at a time", WQ_THROUGHPUT, 8, 1500, FULL_ITEMS / 10, 1 },
	{ "ping", "wakeup, back to back", WQ_WAKEUP, 1, 3000, FULL_ITEMS / 10, 1 },
	{ "idle", "wakeup of an idle worker", WQ_WAKEUP, 1, 150, 2000, 1, 300 },
	{ "producers", "1 producer, batches of 64", WQ_THROUGHPUT, 1, 65536, FULL_ITEMS, 64 },
	{ "producers", "2 producers, batches of 64", WQ_THROUGHPUT, 2, 32768, FULL_ITEMS, 64 },
	{ "producers", "4 producers, batches of 64", WQ_THROUGHPUT, 4, 16384, FULL_ITEMS, 64 },
};

static struct bench_options opts = { .rounds = 5 };
static const char *only_peer, *only_mode;
static bool full, matrix;
static u32 nr_workers;
static struct tick_clock tick;

static bool wanted(const char *mode)
{
	return !only_mode || !strcmp(mode, only_mode);
}

static struct wq_load mode_load(const struct mode *mode)
{
	return (struct wq_load){
		.kind = mode->kind,
		.nr_producers = mode->producers,
		.nr_workers = nr_workers,
		.nr_items = full ? mode->full_items : mode->items,
		.batch = mode->batch,
		.pause_us = mode->pause_us,
	};
}

static void run_mode(const struct mode *mode, const struct wq_entry *entries, u32 nr)
{
	struct wq_row *rows = calloc(nr, sizeof(*rows));
	char title[160], name[64];

	if (!rows)
		return;
	for (u32 i = 0; i < nr; i++)
		rows[i] = (struct wq_row){ .entry = &entries[i], .load = mode_load(mode) };
	rows_measure(rows, nr, opts.rounds, &tick);
	snprintf(title, sizeof(title), "%s: %u producer(s) x %u items, %u workers", mode->title,
		 rows->load.nr_producers, rows->load.nr_items, nr_workers);
	rows_print(title, rows, nr, entries[0].peer ? rows : NULL);
	snprintf(name, sizeof(name), "workqueue-%s-%u", mode->name, mode->producers);
	rows_json(&opts, name, rows, nr);
	fflush(stdout);
	free(rows);
}

static u32 keep_wanted(struct wq_entry *entries, u32 nr)
{
	u32 kept = 0;

	for (u32 i = 0; i < nr; i++)
		if (i == 0 || !only_peer || strstr(entries[i].name, only_peer))
			entries[kept++] = entries[i];
	return kept;
}

static void print_notes(const struct wq_entry *entries, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		if (entries[i].note[0])
			printf("  %s: %s\n", entries[i].name, entries[i].note);
	printf("An item counts by one atomic decrement in its callback; the last of a batch wakes the\n"
	       "producer.  Only the rows with a wait of their own end a batch in another way.  Latencies\n"
	       "are those of each submitting call; of each, about %.0f ns are the reading of the clock,\n"
	       "which may move in steps of as much: look at the mean, too.  CPU ns: what the whole process\n"
	       "used for one item, kernel included; it says most when the machine has other work.\n\n",
	       tick.cost_ticks * tick.ns_per_tick);
}

static void parse(int argc, char **argv)
{
	int opt;

	while ((opt = bench_getopt(argc, argv, "fMp:m:w:", &opts)) != -1) {
		if (opt == 'f')
			full = true;
		else if (opt == 'M')
			matrix = true;
		else if (opt == 'p')
			only_peer = optarg;
		else if (opt == 'm')
			only_mode = optarg;
		else
			nr_workers = strtoul(optarg, NULL, 10);
	}
	if (nr_workers < 1 || nr_workers > WQ_MAX_WORKERS) {
		fprintf(stderr, "%s: workers must be 1 to %d\n", argv[0], WQ_MAX_WORKERS);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	static struct wq_entry entries[WQ_MAX_ENTRIES];
	u32 nr;

	nr_workers = sysconf(_SC_NPROCESSORS_ONLN);
	parse(argc, argv);
	tick = tick_calibrate();
	if (!tick_is_shared())
		printf("the CPUs' counters are not one clock here: do not trust wakeup latencies\n");
	nr = entries_of(rove_peers, entries, WQ_MAX_ENTRIES);
	nr += entries_scan(entries + nr, WQ_MAX_ENTRIES - nr);
	nr = keep_wanted(entries, nr);
	if (matrix)
		return matrix_run(&opts, full, &tick, entries, nr);
	print_notes(entries, nr);
	for (u32 i = 0; i < ARRAY_SIZE(modes); i++)
		if (wanted(modes[i].name))
			run_mode(&modes[i], entries, nr);
	if (wanted("scopes"))
		scopes_run(&opts, &(struct wq_load){ .nr_producers = 8, .nr_workers = nr_workers,
						     .nr_items = full ? FULL_ITEMS : 16384,
						     .batch = 64 }, &tick);
	return 0;
}
