/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/stats.h - samples of competitors taken in one run, and their medians
 *
 * The machines are noisy: competitors take turns (bench_run() interleaves them),
 * and what is quoted is the median with the smallest and largest sample beside it.
 */
#ifndef ROVE_BENCH_STATS_H
#define ROVE_BENCH_STATS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/types.h"

#define BENCH_MAX_SAMPLES 101

struct bench_case {
	const char *name;
	/* Does the work once; what it returns is the time in ns, or <0: give up on this one. */
	double (*once)(void *arg);
	void *arg;
	double per; /* divide each sample by this (operations in one run); 0: 1 */
	double samples[BENCH_MAX_SAMPLES];
	u32 nr;
};

static inline int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline double bench_median(const struct bench_case *c)
{
	return c->nr ? c->samples[c->nr / 2] : 0;
}

/* One warm-up each, then @rounds samples each, taking turns.  Sorts the samples. */
static inline void bench_run(struct bench_case *cases, u32 nr_cases, u32 rounds)
{
	for (u32 i = 0; i < nr_cases; i++)
		if (cases[i].once)
			cases[i].once(cases[i].arg);
	for (u32 round = 0; round < rounds && round < BENCH_MAX_SAMPLES; round++) {
		for (u32 i = 0; i < nr_cases; i++) {
			double ns = cases[i].once ? cases[i].once(cases[i].arg) : -1;

			if (ns >= 0)
				cases[i].samples[cases[i].nr++] = ns / (cases[i].per ?: 1);
		}
	}
	for (u32 i = 0; i < nr_cases; i++)
		qsort(cases[i].samples, cases[i].nr, sizeof(double), bench_compare);
}

/*
 * What every benchmark takes: -n ROUNDS, -j FILE (a line of JSON is appended there for
 * each table), and its own options in @more.
 */
struct bench_options {
	u32 rounds;
	FILE *json;
};

/* One step of getopt(): the benchmark's own option, -1 at the end; ends the process on a bad one. */
static inline int bench_getopt(int argc, char **argv, const char *more, struct bench_options *opts)
{
	char all[64];
	int opt;

	snprintf(all, sizeof(all), "n:j:%s", more);
	while ((opt = getopt(argc, argv, all)) != -1) {
		if (opt == 'n') {
			opts->rounds = strtoul(optarg, NULL, 10);
		} else if (opt == 'j') {
			opts->json = fopen(optarg, "a");
			if (opts->json)
				continue;
			perror(optarg);
			exit(1);
		} else {
			if (opt == '?')
				exit(2);
			return opt;
		}
	}
	if (opts->rounds < 1 || opts->rounds > BENCH_MAX_SAMPLES) {
		fprintf(stderr, "%s: rounds must be 1 to %d\n", argv[0], BENCH_MAX_SAMPLES);
		exit(2);
	}
	return -1;
}

/* One JSON line: names, medians and spread in @unit. */
static inline void bench_json(const struct bench_options *opts, const char *bench,
			      const char *unit, const struct bench_case *cases, u32 nr_cases)
{
	if (!opts->json)
		return;
	fprintf(opts->json, "{\"bench\":\"%s\",\"unit\":\"%s\",\"cases\":[", bench, unit);
	for (u32 i = 0; i < nr_cases; i++) {
		const struct bench_case *c = &cases[i];

		fprintf(opts->json,
			"%s{\"name\":\"%s\",\"samples\":%u,\"median\":%.3f,\"min\":%.3f,\"max\":%.3f,\"values\":[",
			i ? "," : "", c->name, c->nr, bench_median(c), c->nr ? c->samples[0] : 0,
			c->nr ? c->samples[c->nr - 1] : 0);
		for (u32 k = 0; k < c->nr; k++)
			fprintf(opts->json, "%s%.3f", k ? "," : "", c->samples[k]);
		fprintf(opts->json, "]}");
	}
	fprintf(opts->json, "]}\n");
}

#endif
