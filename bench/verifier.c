/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/verifier.c - how long our verifier takes, beside the running kernel's
 *
 *	verifier [-n ROUNDS] [-j FILE] [OBJECT.bpf.o]...
 *
 * Without objects: those in build/progs and build/bench/progs.
 * Each program is loaded by the stock libbpf into this process and into the
 * kernel, in turns, and both report their own time and instructions processed
 * (log level 4).  What a target cannot load is said with libbpf's reason.  The
 * programs in bench/progs and two made of bare instructions, a nested loop that
 * is unrolled and branches that are pruned, need nothing that kernels lack.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bench/stats.h"
#include "target/target.h"

#define MAX_CASES 64
#define MAX_FILES 32
#define LOG_BYTES (1 << 20)

#define INSN(c, d, s, o, i) \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })

struct subject {
	const struct target *target;
	const char *file;		/* NULL: ->insns */
	const char *prog;
	const struct bpf_insn *insns;
	u32 nr_insns;
	unsigned int processed;
	char why[160];			/* it cannot be loaded here */
};

static struct bench_case cases[MAX_CASES];
static struct subject subjects[MAX_CASES];
static u32 nr_cases;
static char last_warning[160];
static char log_text[LOG_BYTES];

static int keep_warning(enum libbpf_print_level level, const char *fmt, va_list args)
{
	if (level == LIBBPF_WARN && !last_warning[0]) {
		vsnprintf(last_warning, sizeof(last_warning), fmt, args);
		last_warning[strcspn(last_warning, "\n")] = 0;
	}
	return 0;
}

/* The time in ns that a verifier reports of itself, or -1. */
static double read_statistics(struct subject *s)
{
	const char *usec = strstr(log_text, "verification time ");
	const char *processed = strstr(log_text, "processed ");

	if (!usec || !processed)
		return -1;
	sscanf(processed, "processed %u", &s->processed);
	return strtod(usec + strlen("verification time "), NULL) * 1000;
}

static double failed(struct subject *s, int err)
{
	if (!s->why[0])
		snprintf(s->why, sizeof(s->why), "%s", last_warning[0] ? last_warning : strerror(err));
	return -1;
}

static double load_object(struct subject *s)
{
	struct bpf_object *obj = bpf_object__open_file(s->file, NULL);
	struct bpf_program *prog;
	double ns = -1;
	int err;

	if (!obj)
		return failed(s, errno);
	bpf_object__for_each_program(prog, obj) {
		bool ours = !strcmp(bpf_program__name(prog), s->prog);

		bpf_program__set_autoload(prog, ours);
		if (!ours)
			continue;
		bpf_program__set_log_level(prog, 4);
		bpf_program__set_log_buf(prog, log_text, sizeof(log_text));
	}
	err = bpf_object__load(obj);
	ns = err ? failed(s, -err) : read_statistics(s);
	bpf_object__close(obj);
	return ns;
}

static double load_insns(struct subject *s)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_level = 4, .log_buf = log_text,
		    .log_size = sizeof(log_text), .prog_flags = BPF_F_SLEEPABLE);
	int fd = bpf_prog_load(BPF_PROG_TYPE_SYSCALL, s->prog, "GPL", s->insns, s->nr_insns, &opts);

	if (fd < 0)
		return failed(s, errno);
	s->target->close(fd);
	return read_statistics(s);
}

static double load_once(void *arg)
{
	struct subject *s = arg;
	const struct target *was;
	double ns;

	if (s->why[0])
		return -1;
	log_text[0] = 0;
	last_warning[0] = 0;
	was = target_use(s->target);
	ns = s->file ? load_object(s) : load_insns(s);
	target_use(was);
	return ns;
}

/* --- what is loaded --------------------------------------------------------------------------- */

static void add_subject(struct subject subject)
{
	static const struct target *const targets[] = { &target_self, &target_kernel };

	for (u32 i = 0; i < ARRAY_SIZE(targets) && nr_cases < MAX_CASES; i++) {
		char *name;

		if (asprintf(&name, "%s %s", subject.prog, targets[i]->name) < 0)
			abort();
		subjects[nr_cases] = subject;
		subjects[nr_cases].target = targets[i];
		cases[nr_cases] = (struct bench_case){
			.name = name, .once = load_once, .arg = &subjects[nr_cases], .per = 1000,
		};
		nr_cases++;
	}
}

static void add_file(const char *file)
{
	struct bpf_object *obj = bpf_object__open_file(file, NULL);
	struct bpf_program *prog;

	if (!obj) {
		fprintf(stderr, "%s: cannot be opened\n", file);
		return;
	}
	bpf_object__for_each_program(prog, obj)
		add_subject((struct subject){ .file = strdup(file),
					      .prog = strdup(bpf_program__name(prog)) });
	bpf_object__close(obj);
}

static void add_directory(const char *directory)
{
	struct dirent **entries;
	int nr = scandir(directory, &entries, NULL, alphasort);

	for (int i = 0; i < nr; i++) {
		size_t len = strlen(entries[i]->d_name);
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		if (len > 6 && !strcmp(entries[i]->d_name + len - 6, ".bpf.o"))
			add_file(path);
		free(entries[i]);
	}
	if (nr >= 0)
		free(entries);
}

/* Three loops of 50, 40 and 50 rounds. */
static const struct bpf_insn nested_loop[] = {
	INSN(BPF_ALU64 | BPF_MOV, 6, 0, 0, 0),
	INSN(BPF_ALU64 | BPF_MOV, 7, 0, 0, 0),
	INSN(BPF_ALU64 | BPF_MOV, 8, 0, 0, 0),
	INSN(BPF_ALU64 | BPF_ADD, 8, 0, 0, 1),
	INSN(BPF_JMP | BPF_JLT, 8, 0, -2, 50),
	INSN(BPF_ALU64 | BPF_ADD, 7, 0, 0, 1),
	INSN(BPF_JMP | BPF_JLT, 7, 0, -5, 40),
	INSN(BPF_ALU64 | BPF_ADD, 6, 0, 0, 1),
	INSN(BPF_JMP | BPF_JLT, 6, 0, -8, 50),
	INSN(BPF_ALU64 | BPF_MOV, 0, 0, 0, 0),
	INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
};

#define BRANCHES 400

static struct bpf_insn branches[4 + 2 * BRANCHES];

static void make_branches(void)
{
	u32 nr = 0;

	branches[nr++] = INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 7);
	branches[nr++] = INSN(BPF_ALU64 | BPF_MOV, 7, 0, 0, 0);
	for (u32 i = 0; i < BRANCHES; i++) {
		branches[nr++] = INSN(BPF_JMP | BPF_JEQ, 0, 0, 1, i + 5);
		branches[nr++] = INSN(BPF_ALU64 | BPF_ADD, 7, 0, 0, 1);
	}
	branches[nr++] = INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 7, 0, 0);
	branches[nr++] = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void print_table(void)
{
	printf("%-34s %-7s %10s %10s %10s %10s %10s\n", "program", "by", "processed", "median us",
	       "min us", "max us", "ns / insn");
	for (u32 i = 0; i < nr_cases; i++) {
		const struct bench_case *c = &cases[i];
		const struct subject *s = &subjects[i];

		if (!c->nr) {
			printf("%-34s %-7s not loaded: %s\n", s->prog, s->target->name, s->why);
			continue;
		}
		printf("%-34s %-7s %10u %10.0f %10.0f %10.0f %10.0f\n", s->prog, s->target->name,
		       s->processed, bench_median(c), c->samples[0], c->samples[c->nr - 1],
		       bench_median(c) * 1000 / s->processed);
	}
}

int main(int argc, char **argv)
{
	static const char *const directories[] = { "build/progs", "build/bench/progs" };
	struct bench_options opts = { .rounds = 11 };

	bench_getopt(argc, argv, "", &opts);
	libbpf_set_print(keep_warning);
	make_branches();
	for (int i = optind; i < argc; i++)
		add_file(argv[i]);
	if (optind == argc)
		for (u32 i = 0; i < ARRAY_SIZE(directories); i++)
			add_directory(directories[i]);
	add_subject((struct subject){ .prog = "nested_loop", .insns = nested_loop,
				      .nr_insns = ARRAY_SIZE(nested_loop) });
	add_subject((struct subject){ .prog = "branches", .insns = branches,
				      .nr_insns = ARRAY_SIZE(branches) });
	bench_run(cases, nr_cases, opts.rounds);
	print_table();
	bench_json(&opts, "verifier", "us", cases, nr_cases);
	return 0;
}
