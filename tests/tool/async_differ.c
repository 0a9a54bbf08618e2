/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/async_differ.c - random programs with timers and works, judged by the kernel and by us
 *
 *	async_differ [--seconds N] [--seed S] [--programs N] [--ours] [--verbose]
 *
 * Program number i of seed S is made from S + i alone.  Verdicts must be the same, or differ as
 * known.h says; what both accept, and in which nothing happens by itself, is run, and calls must
 * have returned the same and maps hold the same.  Whatever we accept is run here, its callbacks
 * too: that nothing is touched that may not be, a sanitizer sees.  --ours does only that.
 */
#include <getopt.h>
#include <rove/bpf.h>
#include <time.h>
#include <unistd.h>

#include "tests/tool/async_differ/gen.h"
#include "tests/tool/async_differ/known.h"
#include "tests/tool/corpus/target.h"
#include "tests/tool/differ/classes.h"
#include "tests/tool/differ/shrink.h"

#define DEFAULT_SEED 1
#define DEFAULT_PROGRAMS 1000
#define LOG_BYTES (16u << 20)
#define MAX_SHOWN 10

struct side {
	const struct target *target;
	struct btf *types;
	int maps[NR_ASYNC_MAPS];
};

/* What a run leaves. */
struct outcome {
	int err;
	u32 retval;
	u8 result[RESULT_BYTES];
	u8 values[ASYNC_OUTER][ASYNC_KEYS][VALUE_BYTES];
};

static struct async_differ {
	struct side kernel, ours;
	struct corpus_case c;
	char *log;
	u64 seed;
	bool verbose, alone;
	struct classes classes;
	u32 nr_programs, nr_ours, nr_both, nr_runs;
	u32 nr_ours_alone, nr_kernels_alone, nr_different;
} differ;

/* --- sides ------------------------------------------------------------------------------------ */

static int side_elem(struct side *side, int cmd, int fd, u32 key, const void *value)
{
	union bpf_attr attr = {
		.map_fd = fd,
		.key = (u64)(unsigned long)&key,
		.value = (u64)(unsigned long)value,
	};

	return side->target->bpf(cmd, &attr, sizeof(attr));
}

/* 0 or -errno */
static int side_open(struct side *side, const struct corpus_case *c)
{
	const struct target *was = target_use(side->target);
	int err = 0;

	side->types = target_btf(side->target);
	if (!side->types)
		err = -ENOENT;
	for (u32 i = 0; i < NR_ASYNC_MAPS && !err; i++) {
		side->maps[i] = target_make_map(side->target, &c->maps[i], side->maps);
		err = min(side->maps[i], 0);
	}
	if (!err)
		err = side_elem(side, BPF_MAP_UPDATE_ELEM, side->maps[ASYNC_OUTER], 0,
				&side->maps[ASYNC_ARRAY]);
	if (!err)
		err = side_elem(side, BPF_MAP_UPDATE_ELEM, side->maps[ASYNC_OUTER], 1,
				&side->maps[ASYNC_SECOND]);
	target_use(was);
	return err;
}

static void side_close(struct side *side)
{
	for (u32 i = 0; i < NR_ASYNC_MAPS; i++)
		side->target->close(side->maps[i]);
	btf_put(side->types);
}

/* The program's functions are what its instructions refer to. */
static void find_functions(struct corpus_case *c)
{
	bool is_start[CASE_MAX_INSNS + 1] = { 0 };

	c->nr_labels = c->nr_jumps = 0;
	for (u32 pc = 0; pc < c->nr_insns; pc++) {
		bool is_func = text_is_function(&c->insns[pc]);
		u32 start = text_target(c, pc);

		if ((!is_func && !insn_is_subprog_call(&c->insns[pc])) || start > c->nr_insns)
			continue;
		c->jumps[c->nr_jumps++] = (struct case_jump){
			.pc = pc, .is_call = !is_func, .is_func = is_func,
		};
		is_start[start] = true;
	}
	for (u32 pc = 0; pc < c->nr_insns && c->nr_labels < CASE_MAX_NAMES; pc++) {
		if (!is_start[pc])
			continue;
		snprintf(c->labels[c->nr_labels].name, sizeof(c->labels[0].name), "f%u", pc);
		c->labels[c->nr_labels++].pc = pc;
	}
}

static void fill_kfuncs(struct side *side, const struct corpus_case *c, struct bpf_insn *insns)
{
	for (u32 i = 0; i < c->nr_kfuncs; i++) {
		if (insn_is_kfunc_call(&insns[c->kfuncs[i].pc]))
			insns[c->kfuncs[i].pc].imm = case_find_kfunc(side->types, c->kfuncs[i].name);
	}
}

/* A descriptor or -errno. */
static int side_load(struct side *side, struct corpus_case *c, char *log)
{
	static struct bpf_insn insns[CASE_MAX_INSNS];
	const struct target *was = target_use(side->target);
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_level = log ? 1 : 0, .log_buf = log,
		    .log_size = log ? LOG_BYTES : 0, .prog_flags = c->prog_flags);
	struct case_btf *btf;
	int fd;

	find_functions(c);
	memcpy(insns, c->insns, c->nr_insns * sizeof(*insns));
	case_fill_maps(c, insns, side->maps);
	fill_kfuncs(side, c, insns);
	if (log)
		log[0] = 0;
	if (c->prog_type == BPF_PROG_TYPE_SYSCALL)
		opts.prog_flags |= BPF_F_SLEEPABLE;
	btf = case_btf_make(c);
	if (btf) {
		opts.prog_btf_fd = bpf_btf_load(btf->data, btf->size, NULL);
		opts.func_info = btf->func_info;
		opts.func_info_cnt = btf->nr_func_info;
		opts.func_info_rec_size = sizeof(btf->func_info[0]);
	}
	fd = bpf_prog_load(c->prog_type, "async", "GPL", insns, c->nr_insns, &opts);
	if (fd < 0)
		fd = -errno;
	if (btf)
		side->target->close(opts.prog_btf_fd);
	case_btf_free(btf);
	target_use(was);
	return fd;
}

/* --- runs ------------------------------------------------------------------------------------- */

static bool map_is_array(u32 map)
{
	return async_maps[map].type == BPF_MAP_TYPE_ARRAY;
}

/* Fields begin anew in each value that is written, or was deleted. */
static void side_reset(struct side *side, u64 seed)
{
	u8 bytes[RESULT_BYTES];

	for (u32 i = 0; i < RESULT_BYTES; i++)
		bytes[i] = i % 8 ? 0 : seed >> (i / 8 % 8) & 7;
	side_elem(side, BPF_MAP_UPDATE_ELEM, side->maps[ASYNC_RESULT], 0, bytes);
	for (u32 i = ASYNC_ARRAY; i < ASYNC_OUTER; i++) {
		for (u32 key = 0; key < ASYNC_KEYS + 3; key++) {
			if (!map_is_array(i))
				side_elem(side, BPF_MAP_DELETE_ELEM, side->maps[i], key, NULL);
			if (map_is_array(i) ? key < ASYNC_KEYS : key < 2)
				side_elem(side, BPF_MAP_UPDATE_ELEM, side->maps[i], key, bytes);
		}
	}
}

static void side_run(struct side *side, int fd, u64 seed, u32 prog_type, struct outcome *ret)
{
	u8 packet[64] = { 0 };
	union bpf_attr attr = { .test.prog_fd = fd };

	if (prog_type == BPF_PROG_TYPE_SOCKET_FILTER) {
		attr.test.data_in = (u64)(unsigned long)packet;
		attr.test.data_size_in = sizeof(packet);
	}
	memset(ret, 0, sizeof(*ret));
	side_reset(side, seed);
	ret->err = side->target->bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	ret->retval = ret->err ? 0 : attr.test.retval;
	side_elem(side, BPF_MAP_LOOKUP_ELEM, side->maps[ASYNC_RESULT], 0, ret->result);
	for (u32 i = ASYNC_ARRAY; i < ASYNC_OUTER; i++) {
		for (u32 key = 0; key < ASYNC_KEYS; key++)
			side_elem(side, BPF_MAP_LOOKUP_ELEM, side->maps[i], key,
				  ret->values[i][key]);
	}
}

static void show_outcomes(const struct outcome *a, const struct outcome *b)
{
	printf("# kernel: error %d, retval 0x%x; ours: error %d, retval 0x%x\n", a->err, a->retval,
	       b->err, b->retval);
	for (u32 i = 0; i < RESULT_BYTES / 8; i++) {
		const s64 *of_a = (const s64 *)a->result, *of_b = (const s64 *)b->result;

		if (of_a[i] != of_b[i])
			printf("# result %u: %lld, %lld\n", i, (long long)of_a[i],
			       (long long)of_b[i]);
	}
	for (u32 i = ASYNC_ARRAY; i < ASYNC_OUTER; i++) {
		for (u32 key = 0; key < ASYNC_KEYS; key++) {
			if (memcmp(a->values[i][key], b->values[i][key], VALUE_BYTES))
				printf("# map %u: value %u\n", i, key);
		}
	}
}

static bool compare_runs(struct async_differ *d, int kernel_fd, int ours_fd, bool show)
{
	static struct outcome kernel, ours;

	for (u32 i = 0; i < 2; i++) {
		side_run(&d->kernel, kernel_fd, d->seed * 31 + i, d->c.prog_type, &kernel);
		side_run(&d->ours, ours_fd, d->seed * 31 + i, d->c.prog_type, &ours);
		d->nr_runs++;
		if (!memcmp(&kernel, &ours, sizeof(ours)))
			continue;
		if (show)
			show_outcomes(&kernel, &ours);
		return true;
	}
	return false;
}

/* --- findings --------------------------------------------------------------------------------- */

static char wanted_message[MESSAGE_BYTES];

static void close_at(struct side *side, int fd)
{
	if (fd >= 0)
		side->target->close(fd);
}

/* @yes accepts and @no does not; with what @no says. */
static bool is_only(struct side *yes, struct side *no, struct corpus_case *c, char *ret_message)
{
	int fd = side_load(yes, c, NULL), other;

	if (fd < 0)
		return false;
	close_at(yes, fd);
	other = side_load(no, c, differ.log);
	close_at(no, other);
	if (other < 0)
		last_message(differ.log, ret_message);
	return other < 0;
}

static bool still_only_ours(struct shrink *s)
{
	char message[MESSAGE_BYTES];

	return is_only(&differ.ours, &differ.kernel, s->c, message) &&
	       !strcmp(message, wanted_message);
}

static bool still_only_kernels(struct shrink *s)
{
	char message[MESSAGE_BYTES];

	return is_only(&differ.kernel, &differ.ours, s->c, message) &&
	       !strcmp(message, wanted_message);
}

static bool still_different(struct shrink *s)
{
	int kernel_fd = side_load(&differ.kernel, s->c, NULL);
	int ours_fd = side_load(&differ.ours, s->c, NULL);
	bool different = kernel_fd >= 0 && ours_fd >= 0 &&
			 compare_runs(&differ, kernel_fd, ours_fd, false);

	close_at(&differ.kernel, kernel_fd);
	close_at(&differ.ours, ours_fd);
	return different;
}

/*
 * Some kernels fault when they judge a program in which something that is no map is given to
 * bpf_wq_init(), as one may become from which instructions were taken.
 */
static bool may_shrink(const struct corpus_case *c)
{
	for (u32 i = 0; i < c->nr_kfuncs; i++) {
		if (!strcmp(c->kfuncs[i].name, "bpf_wq_init"))
			return false;
	}
	return true;
}

static void show_program(struct async_differ *d, bool (*still)(struct shrink *s), const char *what,
			 const char *message)
{
	struct shrink s = { .c = &d->c, .any_call = true, .still = still };

	if (may_shrink(&d->c))
		shrink_program(&s);
	printf("# seed %llu: %s%s\n", (unsigned long long)d->seed, what, message);
	text_program(&d->c, stdout);
	fflush(stdout);
}

static void judge(struct async_differ *d, bool only_ours, bool inner_walk)
{
	const struct async_known *known = only_ours ? known_kernel_rejects : known_we_reject;
	u32 *nr = only_ours ? &d->nr_ours_alone : &d->nr_kernels_alone;
	bool expected;

	if (!is_only(only_ours ? &d->ours : &d->kernel, only_ours ? &d->kernel : &d->ours, &d->c,
		     wanted_message))
		return;
	expected = is_known(known, wanted_message, inner_walk);
	count_class(&d->classes, wanted_message, only_ours, d->seed);
	*nr += !expected;
	if (times_seen(&d->classes, wanted_message, only_ours) > 2)
		return;
	if (expected ? d->verbose : *nr <= MAX_SHOWN)
		show_program(d, only_ours ? still_only_ours : still_only_kernels,
			     only_ours ? "accepted by us alone, the kernel: " :
					 "accepted by the kernel alone, we: ", wanted_message);
}

/* --- everything ------------------------------------------------------------------------------- */

static void try_program(struct async_differ *d)
{
	const struct async_program made = ag_program(&d->c, d->seed);
	static struct outcome outcome;
	int kernel_fd = -1, ours_fd;

	ours_fd = side_load(&d->ours, &d->c, NULL);
	if (!d->alone)
		kernel_fd = side_load(&d->kernel, &d->c, NULL);
	d->nr_programs++;
	d->nr_ours += ours_fd >= 0;
	d->nr_both += ours_fd >= 0 && kernel_fd >= 0;
	if (ours_fd >= 0)
		side_run(&d->ours, ours_fd, d->seed, d->c.prog_type, &outcome);
	if (ours_fd >= 0 && kernel_fd >= 0 && made.comparable &&
	    compare_runs(d, kernel_fd, ours_fd, d->nr_different < MAX_SHOWN) &&
	    d->nr_different++ < MAX_SHOWN)
		show_program(d, still_different, "results differ", "");
	close_at(&d->kernel, kernel_fd);
	close_at(&d->ours, ours_fd);
	if (!d->alone && (ours_fd >= 0) != (kernel_fd >= 0))
		judge(d, ours_fd >= 0, made.inner_walk);
}

static void report(struct async_differ *d)
{
	printf("%sok 1 - async_differ: what we accept the kernel accepts, or rejects as known\n",
	       d->nr_ours_alone ? "not " : "");
	printf("%sok 2 - async_differ: what the kernel accepts we accept, or reject as known\n",
	       d->nr_kernels_alone ? "not " : "");
	printf("%sok 3 - async_differ: what both accept has the same results\n",
	       d->nr_different ? "not " : "");
	printf("# %u programs: we accept %u, both %u; %u runs compared\n", d->nr_programs, d->nr_ours,
	       d->nr_both, d->nr_runs);
	report_classes(&d->classes);
}

static int skip_all(const char *why)
{
	for (u32 i = 1; i <= 3; i++)
		printf("ok %u - async_differ # SKIP %s\n", i, why);
	return 0;
}

/* NULL, or what the kernel has not. */
static const char *kernel_lacks(struct async_differ *d)
{
	static const char *const kfuncs[] = { "bpf_wq_init", "bpf_wq_start",
					      "bpf_wq_set_callback_impl", "bpf_iter_dmabuf_new" };
	int err = side_open(&d->kernel, &d->c);

	if (err)
		return err == -ENOENT ? "the kernel's types" : strerror(-err);
	for (u32 i = 0; i < ARRAY_SIZE(kfuncs); i++) {
		if (!case_find_kfunc(d->kernel.types, kfuncs[i]))
			return kfuncs[i];
	}
	return NULL;
}

static u64 now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'S' },
		{ "programs", required_argument, NULL, 'p' },
		{ "ours", no_argument, NULL, 'o' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	u64 seed = DEFAULT_SEED, programs = DEFAULT_PROGRAMS, end = UINT64_MAX;
	struct async_differ *d = &differ;
	const char *lacks;
	int opt, err;

	while ((opt = getopt_long(argc, argv, "v", options, NULL)) != -1) {
		if (opt == 's') {
			end = now_s() + strtoull(optarg, NULL, 0);
			programs = UINT64_MAX;
		} else if (opt == 'S') {
			seed = strtoull(optarg, NULL, 0);
		} else if (opt == 'p') {
			programs = strtoull(optarg, NULL, 0);
		} else if (opt == 'v') {
			d->verbose = true;
		} else if (opt == 'o') {
			d->alone = true;
		} else {
			return 2;
		}
	}
	d->log = malloc(LOG_BYTES);
	d->kernel.target = &target_kernel;
	d->ours.target = &target_self;
	ag_maps(&d->c);
	printf("1..3\n");
	lacks = d->alone ? NULL : kernel_lacks(d);
	if (lacks)
		return skip_all(lacks);
	err = side_open(&d->ours, &d->c);
	if (err || !d->log) {
		printf("Bail out! our maps: %s\n", strerror(-err));
		return 1;
	}
	for (u64 i = 0; i < programs && now_s() < end; i++) {
		d->seed = seed + i;
		try_program(d);
	}
	report(d);
	side_close(&d->ours);
	free(d->log);
	return d->nr_ours_alone || d->nr_kernels_alone || d->nr_different;
}
