/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/async/prog.c - the same calls by a BPF program, here and in the running kernel
 *
 * One object file, BPF_PROG_TEST_RUN of it on both sides, many rounds of a loop in a
 * run.  The first row is the loop with a cheap call in it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "bench/async/prog.h"
#include "target/target.h"

#define OBJECT "build/bench/progs/async.bpf.o"
#define NR_LOOPS 10000

struct side {
	const struct target *target;
	struct bpf_object *obj;
	const char *why;		/* not NULL: cannot be measured */
};

struct run {
	struct side *side;
	const char *prog;
};

static const char *const progs[] = { "nothing", "start", "set_start_cancel" };
static const char *const words[] = { "loop, one cheap call", "start", "set_callback, start, cancel" };

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

static void open_side(struct side *side)
{
	libbpf_print_fn_t before = libbpf_set_print(silent);

	target_use(side->target);
	side->obj = bpf_object__open_file(OBJECT, NULL);
	if (!side->obj || bpf_object__load(side->obj))
		side->why = strerror(errno);
	libbpf_set_print(before);
}

static double run_once(void *arg)
{
	const struct run *run = arg;
	struct bpf_program *prog = bpf_object__find_program_by_name(run->side->obj, run->prog);
	struct { u32 nr, nr_failed; } args = { .nr = NR_LOOPS };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args, .ctx_size_in = sizeof(args));
	u64 begin;
	int err;

	target_use(run->side->target);
	begin = clock_mono_ns();
	err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
	return err || args.nr_failed ? -1 : clock_mono_ns() - begin;
}

static void print_row(const struct bench_case *cases, const char *what)
{
	printf("  %-28s", what);
	for (int i = 0; i < 2; i++)
		if (cases[i].nr)
			printf(" %8.1f  (%.1f to %.1f)", bench_median(&cases[i]), cases[i].samples[0],
			       cases[i].samples[cases[i].nr - 1]);
		else
			printf(" %8s", "-");
	if (cases[0].nr && cases[1].nr)
		printf("  x %.2f", bench_median(&cases[1]) / bench_median(&cases[0]));
	printf("\n");
}

/**
 * prog_bench - print and keep the figures
 *
 * Context: thread.
 */
void prog_bench(const struct bench_options *opts)
{
	struct side sides[] = { { .target = &target_self }, { .target = &target_kernel } };

	printf("by a BPF program, ns for each round of a loop: here, the running kernel, its times ours\n");
	for (u32 i = 0; i < ARRAY_SIZE(sides); i++) {
		open_side(&sides[i]);
		if (sides[i].why)
			printf("  %s: SKIP %s\n", sides[i].target->name, sides[i].why);
	}
	for (u32 p = 0; p < ARRAY_SIZE(progs); p++) {
		struct bench_case cases[ARRAY_SIZE(sides)] = { 0 };
		struct run runs[ARRAY_SIZE(sides)];
		char name[64];

		for (u32 i = 0; i < ARRAY_SIZE(sides); i++) {
			runs[i] = (struct run){ &sides[i], progs[p] };
			cases[i] = (struct bench_case){
				.name = sides[i].target->name,
				.once = sides[i].why ? NULL : run_once,
				.arg = &runs[i], .per = NR_LOOPS,
			};
		}
		bench_run(cases, ARRAY_SIZE(sides), opts->rounds);
		print_row(cases, words[p]);
		snprintf(name, sizeof(name), "async_prog_%s", progs[p]);
		bench_json(opts, name, "ns per round", cases, ARRAY_SIZE(sides));
	}
	for (u32 i = 0; i < ARRAY_SIZE(sides); i++) {
		target_use(sides[i].target);
		bpf_object__close(sides[i].obj);
	}
}
