/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * examples/profiler/profiler.c - a program that profiles itself
 *
 * Each of its threads opens an event for itself (cycles, or a clock where there is no
 * such counter) and attaches the program in profiler.bpf.c to it, with libbpf as for the
 * kernel.  The program runs in the sampled thread's signal handler, a timer and a work add
 * up what it counted, and when the time is over the stacks get names and are shown.
 *
 *	profiler [-s SECONDS] [-t THREADS] [-f FREQUENCY] [-o PREFIX]
 *
 * writes PREFIX.folded and PREFIX.svg.  What an application of your own needs of this is
 * load() and sample_thread().
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <rove/libbpf.h>

#include "flame.h"
#include "profiler.h"
#include "symbols.h"
#include "work.h"

#define MAX_THREADS 256
#define NAME_BYTES 128
#define NR_SHOWN 10

extern const char rove_embed_profiler_bpf_o[], rove_embed_profiler_bpf_o_end[];

struct options {
	double seconds;
	int threads, frequency;
	const char *prefix;
};

struct worker {
	pthread_t thread;
	pid_t tid;
	int frequency;
	struct bpf_program *on_sample;
	struct bpf_link *link;
	int err;
	pthread_barrier_t *ready;
	const bool *stop;
};

static int fail(const char *what, int err)
{
	fprintf(stderr, "profiler: %s: %s\n", what, strerror(err < 0 ? -err : err));
	return 1;
}

/* --- sampling ----------------------------------------------------------------------------- */

static int open_event(uint32_t type, uint64_t config, int frequency)
{
	struct perf_event_attr attr = {
		.type = type,
		.config = config,
		.size = sizeof(attr),
		.freq = 1,
		.sample_freq = frequency,
		.disabled = 1,		/* libbpf enables it when the program is attached */
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* The calling thread is sampled from here on, until the link is destroyed. */
static int sample_thread(struct bpf_program *prog, int frequency, struct bpf_link **ret_link)
{
	int fd = open_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, frequency);
	bool was;

	if (fd < 0)
		fd = open_event(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, frequency);
	if (fd < 0)
		return -errno;
	was = rove_libbpf_use_self(true);
	*ret_link = bpf_program__attach_perf_event(prog, fd);
	rove_libbpf_use_self(was);
	if (*ret_link)
		return 0;
	close(fd);
	return -errno;
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;

	worker->tid = gettid();
	worker->err = sample_thread(worker->on_sample, worker->frequency, &worker->link);
	pthread_barrier_wait(worker->ready);
	work_until(worker->stop);
	return NULL;
}

static struct bpf_object *load(void)
{
	struct bpf_object *obj = bpf_object__open_mem(rove_embed_profiler_bpf_o,
						      rove_embed_profiler_bpf_o_end -
						      rove_embed_profiler_bpf_o, NULL);

	int err;

	if (!obj || !bpf_object__load(obj))
		return obj;
	err = errno;
	bpf_object__close(obj);
	errno = err;
	return NULL;
}

/* One of the programs that are called; 0 or -errno. */
static int call(struct bpf_object *obj, const char *name)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(obj, name);
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);

	return err ? -errno : (int)opts.retval;
}

static int run_workers(struct worker *workers, const struct options *o, struct bpf_object *obj)
{
	struct timespec time = { o->seconds, (o->seconds - (time_t)o->seconds) * 1e9 };
	struct bpf_program *on_sample = bpf_object__find_program_by_name(obj, "on_sample");
	pthread_barrier_t ready;
	bool stop = false;
	int err = 0;

	pthread_barrier_init(&ready, NULL, o->threads + 1);
	for (int i = 0; i < o->threads; i++) {
		workers[i] = (struct worker){ .frequency = o->frequency, .on_sample = on_sample,
					      .ready = &ready, .stop = &stop };
		err = pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]);
		if (err)
			exit(fail("a thread cannot be made", err));
	}
	pthread_barrier_wait(&ready);
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &time) == EINTR)
		;
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < o->threads; i++) {
		pthread_join(workers[i].thread, NULL);
		bpf_link__destroy(workers[i].link);
		err = err ? err : workers[i].err;
	}
	pthread_barrier_destroy(&ready);
	return err;
}

/* --- what came of it ---------------------------------------------------------------------- */

struct function {
	char name[NAME_BYTES];
	uint64_t count;		/* samples in it, not in what it calls */
};

struct result {
	struct flame *flame;
	struct function *functions;
	size_t nr_functions;
	uint64_t nr_samples;
};

static void add_function(struct result *result, const char *name, uint64_t count)
{
	struct function *f = result->functions, *grown;

	for (; f < result->functions + result->nr_functions; f++) {
		if (!strcmp(f->name, name)) {
			f->count += count;
			return;
		}
	}
	grown = realloc(result->functions, (result->nr_functions + 1) * sizeof(*f));
	if (!grown)
		return;
	result->functions = grown;
	f = &grown[result->nr_functions++];
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->count = count;
}

static int worker_number(const struct worker *workers, int nr, pid_t tid)
{
	for (int i = 0; i < nr; i++)
		if (workers[i].tid == tid)
			return i;
	return -1;
}

/* @ips: innermost first, 0 behind the last. */
static int add_stack(struct result *result, const uint64_t *ips, int worker, uint64_t count)
{
	static char names[MAX_DEPTH + 1][NAME_BYTES];
	char *outermost_first[MAX_DEPTH + 1];
	int nr = 0;

	while (nr < MAX_DEPTH && ips[nr])
		nr++;
	snprintf(names[0], NAME_BYTES, "worker %d", worker);
	outermost_first[0] = names[0];
	for (int i = 0; i < nr; i++) {
		/* Outer frames hold where to return to: the call lies before that. */
		symbol_name(ips[nr - 1 - i] - (i < nr - 1), names[i + 1], NAME_BYTES);
		outermost_first[i + 1] = names[i + 1];
	}
	add_function(result, names[nr], count);
	result->nr_samples += count;
	return flame_add(result->flame, outermost_first, nr + 1, count);
}

static int read_totals(struct bpf_object *obj, const struct worker *workers, int nr_workers,
		       struct result *result)
{
	int totals = bpf_object__find_map_fd_by_name(obj, "totals"), err = 0;
	int stacks = bpf_object__find_map_fd_by_name(obj, "stacks");
	struct sample_key key, *previous = NULL;
	uint64_t ips[MAX_DEPTH], count;

	while (!err && !bpf_map_get_next_key(totals, previous, &key)) {
		previous = &key;
		if (bpf_map_lookup_elem(totals, &key, &count) ||
		    bpf_map_lookup_elem(stacks, &key.stack, ips))
			return -errno;
		err = add_stack(result, ips, worker_number(workers, nr_workers, key.tid), count);
	}
	return err;
}

static int by_count(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return (x->count < y->count) - (x->count > y->count);
}

static void show(struct result *result, const struct profile *profile, const struct options *o)
{
	if (result->nr_functions)
		qsort(result->functions, result->nr_functions, sizeof(struct function), by_count);
	printf("%8s %7s  %s\n", "SAMPLES", "SELF", "FUNCTION");
	for (size_t i = 0; i < result->nr_functions && i < NR_SHOWN; i++)
		printf("%8llu %6.2f%%  %s\n", (unsigned long long)result->functions[i].count,
		       100.0 * result->functions[i].count / result->nr_samples,
		       result->functions[i].name);
	printf("%llu samples of %d threads in %.1f s, %llu shown, %llu without a stack, %llu without "
	       "room, %llu batches\n", (unsigned long long)profile->sampled, o->threads, o->seconds,
	       (unsigned long long)result->nr_samples, (unsigned long long)profile->no_stack,
	       (unsigned long long)profile->no_room, (unsigned long long)profile->batches);
}

static int write_file(const struct options *o, const char *suffix, struct flame *flame)
{
	char path[4096];
	FILE *to;
	int err;

	snprintf(path, sizeof(path), "%s%s", o->prefix, suffix);
	to = fopen(path, "w");
	if (!to)
		return fail(path, errno);
	if (!strcmp(suffix, ".svg"))
		flame_write_svg(flame, to, "Where this process spends its time");
	else
		flame_write_folded(flame, to);
	if (fflush(to) || ferror(to)) {
		err = fail(path, errno);
		fclose(to);
		return err;
	}
	if (fclose(to))
		return fail(path, errno);
	printf("%s written\n", path);
	return 0;
}

static int report(struct bpf_object *obj, const struct worker *workers, const struct options *o)
{
	int bss = bpf_object__find_map_fd_by_name(obj, ".bss"), zero = 0, err;
	struct result result = { .flame = flame_new() };
	struct profile profile;

	if (!result.flame)
		return fail("results", ENOMEM);
	symbols_load();
	err = bpf_map_lookup_elem(bss, &zero, &profile) ? -errno : 0;
	err = err ? err : read_totals(obj, workers, o->threads, &result);
	if (err) {
		err = fail("results", err);
	} else {
		show(&result, &profile, o);
		err = write_file(o, ".folded", result.flame) | write_file(o, ".svg", result.flame);
	}
	symbols_free();
	free(result.functions);
	flame_free(result.flame);
	return err;
}

/* --- the command -------------------------------------------------------------------------- */

static int parse(int argc, char **argv, struct options *o)
{
	int opt;

	while ((opt = getopt(argc, argv, "s:t:f:o:")) != -1) {
		if (opt == 's')
			o->seconds = atof(optarg);
		else if (opt == 't')
			o->threads = atoi(optarg);
		else if (opt == 'f')
			o->frequency = atoi(optarg);
		else if (opt == 'o')
			o->prefix = optarg;
		else
			return -EINVAL;
	}
	return optind == argc && o->seconds > 0 && o->seconds <= 86400 && o->threads > 0 &&
	       o->threads <= MAX_THREADS && o->frequency > 0 ? 0 : -EINVAL;
}

static int profile_myself(const struct options *o)
{
	static struct worker workers[MAX_THREADS];
	struct bpf_object *obj = load();
	int err;

	if (!obj)
		return fail("the program cannot be loaded", errno);
	err = call(obj, "prepare");
	if (!err)
		err = run_workers(workers, o, obj);
	if (!err)
		err = call(obj, "finish");
	err = err ? fail("sampling", err) : report(obj, workers, o);
	bpf_object__close(obj);
	if (fflush(stdout) || ferror(stdout))
		err = fail("stdout", errno);
	return err;
}

int main(int argc, char **argv)
{
	struct options o = { .seconds = 3, .threads = 4, .frequency = 997, .prefix = "profile" };

	if (parse(argc, argv, &o)) {
		fprintf(stderr, "usage: profiler [-s SECONDS] [-t THREADS] [-f FREQUENCY] [-o PREFIX]\n");
		return 2;
	}
	rove_libbpf_use_self(true);
	return profile_myself(&o);
}
