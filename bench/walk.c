/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/walk.c - cost of one wakeup source: the BPF walk beside a loop in C
 *
 *	walk [-n ROUNDS] [-j FILE] [-m MAX_SOURCES]
 *
 * Both copy the same fields of the same sources under the same read lock, with
 * the same check for torn records, into memory that is already there.  For each
 * power of ten from 100 to MAX_SOURCES (1,000,000): a cost per source that
 * stays the same shows that the walk is linear.
 */
#include "bench/stats.h"
#include "objects/wakeup_sample.h"
#include "objects/wakeup_source.h"
#include "target/wakeup_walk.h"

/* --- the loop in C ------------------------------------------------------------------------ */

static struct rove_wakeup_record *c_records;

static u32 copy_string(char *to, const char *from, size_t bytes)
{
	size_t len = strnlen(from, bytes - 1);

	memcpy(to, from, len);
	to[len] = 0;
	return from[len] != 0;
}

static bool copy_numbers(const struct wakeup_source *ws, struct rove_wakeup_record *rec)
{
	u64 generation = __atomic_load_n(&ws->generation, __ATOMIC_ACQUIRE);
	u8 flags = __atomic_load_n(&ws->flags, __ATOMIC_ACQUIRE);

	rec->flags = flags & (ROVE_WAKEUP_ACTIVE | ROVE_WAKEUP_AUTOSLEEP);
	rec->event_count = __atomic_load_n(&ws->event_count, __ATOMIC_ACQUIRE);
	rec->active_count = __atomic_load_n(&ws->active_count, __ATOMIC_ACQUIRE);
	rec->relax_count = __atomic_load_n(&ws->relax_count, __ATOMIC_ACQUIRE);
	rec->expire_count = __atomic_load_n(&ws->expire_count, __ATOMIC_ACQUIRE);
	rec->wakeup_count = __atomic_load_n(&ws->wakeup_count, __ATOMIC_ACQUIRE);
	rec->total_time_ns = __atomic_load_n(&ws->total_time, __ATOMIC_ACQUIRE);
	rec->max_time_ns = __atomic_load_n(&ws->max_time, __ATOMIC_ACQUIRE);
	rec->last_change_ns = __atomic_load_n(&ws->last_time, __ATOMIC_ACQUIRE);
	rec->start_prevent_ns = __atomic_load_n(&ws->start_prevent_time, __ATOMIC_ACQUIRE);
	rec->prevent_sleep_time_ns = __atomic_load_n(&ws->prevent_sleep_time, __ATOMIC_ACQUIRE);
	rec->now_ns = clock_mono_ns();
	return !(generation & 1) &&
	       generation == __atomic_load_n(&ws->generation, __ATOMIC_RELAXED);
}

static void copy_names(const struct wakeup_source *ws, struct rove_wakeup_record *rec)
{
	const struct device *parent = ws->dev ? ws->dev->parent : NULL;

	rec->id = ws->id;
	copy_string(rec->name, ws->name, sizeof(rec->name));
	rec->device[0] = rec->driver[0] = 0;
	if (!parent)
		return;
	copy_string(rec->device, parent->kobj.name, sizeof(rec->device));
	if (parent->driver)
		copy_string(rec->driver, parent->driver->name, sizeof(rec->driver));
}

static double walk_in_c(void *arg)
{
	u64 start_ns = clock_mono_ns();
	struct rove_wakeup_record *rec = c_records;
	const struct wakeup_source *ws;
	int idx = wakeup_sources_read_lock();

	for (ws = wakeup_sources_first(); ws; ws = wakeup_sources_next(ws), rec++) {
		for (int attempt = 0; attempt < 4 && !copy_numbers(ws, rec); attempt++)
			;
		copy_names(ws, rec);
	}
	wakeup_sources_read_unlock(idx);
	return clock_mono_ns() - start_ns;
}

/* --- the BPF walk ------------------------------------------------------------------------- */

static double walk_in_bpf(void *arg)
{
	struct wakeup_walk_result res;

	if (wakeup_walk_run(arg, &res) || res.lost)
		return -1;
	return res.walk_ns;
}

/* --- all sizes ---------------------------------------------------------------------------- */

static int measure(u32 nr_sources, const struct bench_options *opts)
{
	static char why[64 * 1024];
	struct wakeup_sample *sample;
	struct wakeup_walk *walk;
	struct bench_case cases[2];
	char bench[64];

	if (wakeup_sample_start(&(struct wakeup_sample_options){ .nr_sources = nr_sources },
				&sample))
		return 1;
	c_records = calloc(nr_sources, sizeof(*c_records));
	if (!c_records || wakeup_walk_open(&(struct wakeup_walk_options){ .target = "self" }, &walk,
					   why, sizeof(why))) {
		fprintf(stderr, "walk: %s\n", why);
		return 1;
	}
	cases[0] = (struct bench_case){ "c", walk_in_c, NULL, nr_sources };
	cases[1] = (struct bench_case){ "bpf", walk_in_bpf, walk, nr_sources };
	bench_run(cases, 2, opts->rounds);
	snprintf(bench, sizeof(bench), "walk-%u", nr_sources);
	printf("%9u  %8.1f (%8.1f .. %8.1f)  %8.1f (%8.1f .. %8.1f)  %6.2f\n", nr_sources,
	       bench_median(&cases[1]), cases[1].samples[0], cases[1].samples[cases[1].nr - 1],
	       bench_median(&cases[0]), cases[0].samples[0], cases[0].samples[cases[0].nr - 1],
	       bench_median(&cases[1]) / bench_median(&cases[0]));
	bench_json(opts, bench, "ns/source", cases, 2);
	wakeup_walk_close(walk);
	free(c_records);
	wakeup_sample_stop(sample);
	return 0;
}

int main(int argc, char **argv)
{
	struct bench_options opts = { .rounds = 15 };
	u32 max_sources = 1000000;
	int err = 0;

	while (bench_getopt(argc, argv, "m:", &opts) == 'm')
		max_sources = strtoul(optarg, NULL, 10);
	printf("ns per source, median of %u (smallest .. largest)\n"
	       "  sources       BPF walk                          loop in C                 ratio\n",
	       opts.rounds);
	for (u32 nr = 100; nr <= max_sources && !err; nr *= 10)
		err = measure(nr, &opts);
	return err;
}
