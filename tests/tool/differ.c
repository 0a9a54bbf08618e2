/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/differ.c - random programs, judged and run by the kernel and by us
 *
 *	differ [--seconds N] [--seed S] [--programs N] [--verbose]
 *
 * --verbose also shows programs whose verdicts differ as known, made small.
 *
 * Program number i of seed S is made from S + i alone, so a finding is seen
 * again with "--seed <its seed> --programs 1".  Three tests: what we accept and
 * the kernel rejects is in known.h; what both accept has the same results; what
 * we accept never faults, whatever it is given.  Needs the kernel's bpf(2).
 */
#include <getopt.h>
#include <time.h>

#include "tests/tool/differ/classes.h"
#include "tests/tool/differ/known.h"
#include "tests/tool/differ/shrink.h"
#include "tests/tool/differ/side.h"

#define DEFAULT_SEED 9000000
#define DEFAULT_PROGRAMS 600
#define INPUTS_BOTH 3
#define INPUTS_OURS 6
#define MAX_SHOWN 10		/* programs in full, of each test */

struct differ {
	struct side kernel, ours, other;	/* @other: ours, with everything elsewhere */
	struct corpus_case c;
	char *log;
	u64 seed;
	bool verbose;
	struct classes classes;
	u32 nr_programs, nr_kernel, nr_ours, nr_both, nr_runs, nr_by_address;
	u32 nr_known, nr_unsound, nr_different, nr_faults;
	u64 slowest_ns, slowest_seed;	/* of our verdicts */
};

static struct differ differ;

/* --- inputs ----------------------------------------------------------------------------------- */

static u64 any_word(u64 *state)
{
	static const u64 edges[] = { 0, 1, -1ull, 1ull << 31, 1ull << 32, 1ull << 63, INT32_MAX,
				     INT64_MAX, UINT32_MAX, 0x80, 0xff, 0x8000, 0xffffffff80000000 };
	u64 how;

	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	how = *state >> 33;
	if (how % 10 < 4)
		return how / 16 % 72;
	if (how % 10 < 6)
		return edges[how / 16 % ARRAY_SIZE(edges)];
	if (how % 10 < 7)
		return -(how / 16 % 72);
	return *state ^ *state << 29;
}

static void make_world(struct world *w, u64 seed)
{
	u64 *words = (u64 *)w;

	for (u32 i = 0; i < sizeof(*w) / 8; i++)
		words[i] = any_word(&seed);
}

/* --- findings --------------------------------------------------------------------------------- */

static bool is_only_ours(const struct corpus_case *c, char *ret_message)
{
	int ours = side_load(&differ.ours, c, NULL), kernel;

	if (ours < 0)
		return false;
	close_ours(ours);
	kernel = side_load(&differ.kernel, c, differ.log);
	if (kernel >= 0) {
		close_kernel(kernel);
		return false;
	}
	last_message(differ.log, ret_message);
	return true;
}

static char wanted_message[MESSAGE_BYTES];

static bool still_only_ours(struct shrink *s)
{
	char message[MESSAGE_BYTES];

	return is_only_ours(s->c, message) && !strcmp(message, wanted_message);
}

static bool is_only_kernels(const struct corpus_case *c, char *ret_message)
{
	int kernel = side_load(&differ.kernel, c, NULL), ours;

	if (kernel < 0)
		return false;
	close_kernel(kernel);
	ours = side_load(&differ.ours, c, differ.log);
	if (ours >= 0) {
		close_ours(ours);
		return false;
	}
	last_message(differ.log, ret_message);
	return true;
}

static bool still_only_kernels(struct shrink *s)
{
	char message[MESSAGE_BYTES];

	return is_only_kernels(s->c, message) && !strcmp(message, wanted_message);
}

static void show_program(struct differ *d, const char *what, const char *message)
{
	printf("# seed %llu: %s: %s\n", (unsigned long long)d->seed, what, message);
	text_program(&d->c, stdout);
	fflush(stdout);
}

static void judge_only_ours(struct differ *d)
{
	const struct known *known;
	struct shrink s = { .c = &d->c, .still = still_only_ours };

	if (!is_only_ours(&d->c, wanted_message))
		return;
	count_class(&d->classes, wanted_message, true, d->seed);
	known = known_difference(wanted_message);
	d->nr_known += !!known;
	d->nr_unsound += !known;
	if (known ? d->verbose : d->nr_unsound <= MAX_SHOWN) {
		shrink_program(&s);
		show_program(d, "accepted by us alone, the kernel", wanted_message);
	}
}

static void judge_only_kernels(struct differ *d)
{
	struct shrink s = { .c = &d->c, .still = still_only_kernels };

	if (!is_only_kernels(&d->c, wanted_message))
		return;
	count_class(&d->classes, wanted_message, false, d->seed);
	if (d->verbose && times_seen(&d->classes, wanted_message, false) <= 2) {
		shrink_program(&s);
		show_program(d, "accepted by the kernel alone, we", wanted_message);
	}
}

/* --- runs ------------------------------------------------------------------------------------- */

/* Called with more and more on the stack, so that nothing of ours lies where it did. */
static void __attribute__((noinline)) run_elsewhere(struct differ *d, int fd,
						    const struct world *before,
						    struct outcome *ret)
{
	volatile char room[5008];

	room[0] = room[sizeof(room) - 1] = 0;
	side_run(&d->other, fd, before, ret);
	room[1] = room[0];
}

/* A result that depends on where things lie may differ. */
static bool depends_on_addresses(struct differ *d, const struct world *before,
				 const struct outcome *ours)
{
	int fd = side_load(&d->other, &d->c, NULL);
	struct outcome other;

	if (fd < 0)
		return false;
	run_elsewhere(d, fd, before, &other);
	d->other.close(fd);
	return !same_outcome(ours, &other);
}

static void show_difference(const struct outcome *a, const struct outcome *b)
{
	const u64 *wa = (const u64 *)&a->world, *wb = (const u64 *)&b->world;

	printf("# kernel: error %d, retval 0x%x; ours: error %d, retval 0x%x\n", a->err, a->retval,
	       b->err, b->retval);
	for (u32 i = 0; i < sizeof(a->world) / 8; i++) {
		if (wa[i] != wb[i])
			printf("# word %u of context, maps: 0x%llx, 0x%llx\n", i,
			       (unsigned long long)wa[i], (unsigned long long)wb[i]);
	}
}

/* Return: the runs differ, and not because of addresses. */
static bool compare_runs(struct differ *d, int kernel_fd, int ours_fd, bool show)
{
	for (u32 i = 0; i < INPUTS_BOTH; i++) {
		struct outcome kernel, ours;
		struct world before;

		make_world(&before, d->seed * 31 + i);
		side_run(&d->kernel, kernel_fd, &before, &kernel);
		side_run(&d->ours, ours_fd, &before, &ours);
		d->nr_runs++;
		if (same_outcome(&kernel, &ours))
			continue;
		if (depends_on_addresses(d, &before, &ours)) {
			d->nr_by_address++;
			return false;
		}
		if (show)
			show_difference(&kernel, &ours);
		return true;
	}
	return false;
}

static bool still_different(struct shrink *s)
{
	int kernel_fd = side_load(&differ.kernel, s->c, NULL);
	int ours_fd = side_load(&differ.ours, s->c, NULL);
	bool different = kernel_fd >= 0 && ours_fd >= 0 &&
			 compare_runs(&differ, kernel_fd, ours_fd, false);

	if (kernel_fd >= 0)
		close_kernel(kernel_fd);
	if (ours_fd >= 0)
		close_ours(ours_fd);
	return different;
}

static void run_both(struct differ *d, int kernel_fd, int ours_fd)
{
	struct shrink s = { .c = &d->c, .still = still_different };

	if (!compare_runs(d, kernel_fd, ours_fd, d->nr_different < MAX_SHOWN))
		return;
	if (d->nr_different++ < MAX_SHOWN) {
		shrink_program(&s);
		show_program(d, "results differ", "");
	}
}

/* NULL: nothing wrong.  Whoever reads behind a value has another result when that is changed. */
static const char *wrong_in_run(struct differ *d, int fd, const struct world *before)
{
	struct outcome first, second;

	side_fill_behind(&d->ours, 0x5a);
	side_run(&d->ours, fd, before, &first);
	if (first.err)
		return strerror(-first.err);
	if (!side_behind_is(&d->ours, 0x5a))
		return "it wrote behind a value";
	side_fill_behind(&d->ours, 0xc3);
	side_run(&d->ours, fd, before, &second);
	return same_outcome(&first, &second) ? NULL : "it read behind a value";
}

static void run_ours(struct differ *d, int fd)
{
	for (u32 i = 0; i < INPUTS_OURS; i++) {
		struct world before;
		const char *wrong;

		make_world(&before, d->seed * 77 + i);
		wrong = wrong_in_run(d, fd, &before);
		if (!wrong)
			continue;
		if (d->nr_faults++ < MAX_SHOWN)
			show_program(d, "a run of ours", wrong);
		return;
	}
}

/* --- everything ------------------------------------------------------------------------------- */

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static int load_timed(struct differ *d)
{
	u64 ns = now_ns();
	int fd = side_load(&d->ours, &d->c, NULL);

	ns = now_ns() - ns;
	if (ns > d->slowest_ns) {
		d->slowest_ns = ns;
		d->slowest_seed = d->seed;
	}
	return fd;
}

static void try_program(struct differ *d)
{
	int kernel_fd, ours_fd;

	gen_program(&d->c, d->seed);
	ours_fd = load_timed(d);
	kernel_fd = side_load(&d->kernel, &d->c, NULL);
	d->nr_programs++;
	d->nr_kernel += kernel_fd >= 0;
	d->nr_ours += ours_fd >= 0;
	d->nr_both += kernel_fd >= 0 && ours_fd >= 0;
	if (ours_fd >= 0)
		run_ours(d, ours_fd);
	if (ours_fd >= 0 && kernel_fd >= 0)
		run_both(d, kernel_fd, ours_fd);
	if (kernel_fd >= 0)
		close_kernel(kernel_fd);
	if (ours_fd >= 0)
		close_ours(ours_fd);
	if (ours_fd >= 0 && kernel_fd < 0)
		judge_only_ours(d);
	if (kernel_fd >= 0 && ours_fd < 0)
		judge_only_kernels(d);
}

/* A few programs say nothing of the share. */
static bool too_generous(const struct differ *d)
{
	return d->nr_known > 10 && d->nr_known * 100 > d->nr_ours * KNOWN_PERCENT;
}

static void report(struct differ *d)
{
	printf("%sok 1 - differ: what we accept the kernel accepts, or rejects as known\n",
	       d->nr_unsound || too_generous(d) ? "not " : "");
	if (too_generous(d))
		printf("# %u known differences are more than %u %% of what we accept\n", d->nr_known,
		       KNOWN_PERCENT);
	printf("%sok 2 - differ: what both accept has the same results\n",
	       d->nr_different ? "not " : "");
	printf("%sok 3 - differ: what we accept never faults\n", d->nr_faults ? "not " : "");
	printf("# %u programs: the kernel accepts %u, we %u, both %u; %u runs compared, "
	       "%u programs show addresses\n", d->nr_programs, d->nr_kernel, d->nr_ours,
	       d->nr_both, d->nr_runs, d->nr_by_address);
	printf("# our slowest verdict took %llu ms (seed %llu)\n",
	       (unsigned long long)d->slowest_ns / 1000000, (unsigned long long)d->slowest_seed);
	report_classes(&d->classes);
}

static int skip_all(const char *what, int err)
{
	for (u32 i = 1; i <= 3; i++)
		printf("ok %u - differ # SKIP %s: %s\n", i, what, strerror(-err));
	return 0;
}

/* 0 or -errno, with @ret_what that could not be done */
static int open_sides(struct differ *d, const char **ret_what)
{
	const struct side ours = {
		.name = "ours", .call = call_ours, .map_pages = rove_bpf_mmap,
		.close = close_ours, .btf = btf_self(),
	};
	int err;

	gen_maps(&d->c);
	d->kernel = (struct side){
		.name = "kernel", .call = call_kernel, .map_pages = map_pages_kernel,
		.close = close_kernel, .btf = kernel_types(),
	};
	d->ours = d->other = ours;
	*ret_what = "the kernel's types";
	if (!d->kernel.btf)
		return -ENOENT;
	*ret_what = "the kernel's bpf(2)";
	err = side_open(&d->kernel, &d->c);
	if (err)
		return err;
	*ret_what = "our bpf(2)";
	return side_open(&d->ours, &d->c) ?: side_open(&d->other, &d->c);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'S' },
		{ "programs", required_argument, NULL, 'p' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	u64 seed = DEFAULT_SEED, programs = DEFAULT_PROGRAMS, end = UINT64_MAX;
	const char *what;
	int opt, err;

	while ((opt = getopt_long(argc, argv, "v", options, NULL)) != -1) {
		if (opt == 's') {
			end = now_ns() + strtoull(optarg, NULL, 0) * 1000000000ull;
			programs = UINT64_MAX;
		} else if (opt == 'S') {
			seed = strtoull(optarg, NULL, 0);
		} else if (opt == 'p') {
			programs = strtoull(optarg, NULL, 0);
		} else if (opt == 'v') {
			differ.verbose = true;
		} else {
			return 2;
		}
	}
	differ.log = malloc(LOG_BYTES);
	if (!differ.log)
		return 1;
	printf("1..3\n");
	err = open_sides(&differ, &what);
	if (err)
		return skip_all(what, err);
	for (u64 i = 0; i < programs && now_ns() < end; i++) {
		differ.seed = seed + i;
		try_program(&differ);
	}
	report(&differ);
	free(differ.log);
	return differ.nr_unsound || too_generous(&differ) || differ.nr_different ||
	       differ.nr_faults;
}
