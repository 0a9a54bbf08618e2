/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/bpf_differ.c - bpf(2) of the running kernel and ours get the same calls
 *
 *	bpf_differ [--verbose] [--together N] [GROUP]...
 *
 * N: how often each command gets several members that are wrong at once.
 *
 * Each group is one test of TAP.  Its calls are made on both sides; what they
 * returned and wrote is compared answer by answer.  A difference is a failure
 * unless a row of bpf_differ/known.h gives the reason.  Needs a user who may use
 * bpf(2): otherwise all is skipped.
 */
#include <fnmatch.h>
#include <getopt.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "tests/tool/bpf_differ/info.h"
#include "tests/tool/bpf_differ/known.h"
#include "tests/tool/bpf_differ/links.h"
#include "tests/tool/bpf_differ/map_more.h"
#include "tests/tool/bpf_differ/outer.h"
#include "tests/tool/bpf_differ/progs.h"
#include "tests/tool/bpf_differ/rhash.h"
#include "tests/tool/bpf_differ/runs.h"
#include "tests/tool/bpf_differ/storage.h"
#include "tests/tool/bpf_differ/stats.h"

#define MAX_SHOWN 20

struct places places;

static const struct group {
	const char *name;
	void (*run)(struct side *s);
} groups[] = {
	{ "commands", group_commands },
	{ "create", group_create },
	{ "names", group_names },
	{ "elements", group_elements },
	{ "update_flags", group_update_flags },
	{ "walks", group_walks },
	{ "batch_attr", group_batch_attr },
	{ "batch_walks", group_batch_walks },
	{ "inner", group_inner },
	{ "outer", group_outer },
	{ "percpu_hash", group_percpu_hash },
	{ "rhash", group_rhash },
	{ "storage", group_storage },
	{ "access", group_access },
	{ "freeze", group_freeze },
	{ "mmap", group_mmap },
	{ "load", group_load },
	{ "logs", group_logs },
	{ "bind", group_bind },
	{ "runs", group_runs },
	{ "stats", group_stats },
	{ "programs_on_maps", group_programs_on_maps },
	{ "ringbuf", group_ringbuf },
	{ "info", group_info },
	{ "ids", group_ids },
	{ "links", group_links },
	{ "btf", group_btf },
};

static struct side kernel = { "kernel", kernel_call, kernel_close, kernel_mmap, kernel_iter_open,
			      kernel_read };
static struct side ours = { "ours", rove_bpf, rove_bpf_close, rove_bpf_mmap, rove_bpf_iter_open,
			    rove_bpf_iter_read };
static bool verbose;
static u32 kernel_version;	/* KERNEL_VERSION() without the last part */

static u32 version_of(const char *text)
{
	unsigned int major, minor;

	return text && sscanf(text, "%u.%u", &major, &minor) == 2 ? major << 16 | minor : 0;
}

static bool is_known(const char *group, const char *label, const char **ret_reason)
{
	for (u32 i = 0; i < ARRAY_SIZE(known); i++) {
		const struct known *k = &known[i];

		if ((k->since && kernel_version < version_of(k->since)) ||
		    (k->before && kernel_version >= version_of(k->before)))
			continue;
		if (fnmatch(k->group, group, 0) || fnmatch(k->label, label, 0))
			continue;
		*ret_reason = k->reason;
		return true;
	}
	return false;
}

static bool same(const struct answer *a, const struct answer *b)
{
	return !strcmp(a->label, b->label) && a->value == b->value && a->nr_bytes == b->nr_bytes &&
	       !memcmp(a->bytes ?: (u8 *)"", b->bytes ?: (u8 *)"", a->nr_bytes);
}

static void show_bytes(const struct answer *a, const struct answer *b)
{
	for (u32 i = 0; i < min(a->nr_bytes, b->nr_bytes); i++) {
		if (a->bytes[i] != b->bytes[i]) {
			printf("#     byte %u: kernel 0x%02x, ours 0x%02x\n", i, a->bytes[i],
			       b->bytes[i]);
			return;
		}
	}
}

static void show(const struct answer *a, const struct answer *b, const char *reason)
{
	printf("#   %s: kernel %lld, ours %lld%s%s%s\n", a->label, (long long)a->value,
	       (long long)b->value, reason ? " (known: " : "", reason ?: "", reason ? ")" : "");
	if (a->nr_bytes != b->nr_bytes)
		printf("#     kernel %u bytes, ours %u bytes\n", a->nr_bytes, b->nr_bytes);
	show_bytes(a, b);
}

/*
 * One side may have said something that the other has not: a word that was
 * written on one side only.  Then the labels differ, and the longer one's answer
 * is the difference.
 */
static u32 resume(const struct side *s, u32 from, const char *label)
{
	for (u32 i = from; i < s->nr && i < from + 64; i++)
		if (!strcmp(s->answers[i].label, label))
			return i;
	return UINT32_MAX;
}

struct count {
	u32 nr_answers, nr_known, nr_different;
};

static void differ(const char *group, const struct answer *a, const struct answer *b,
		   struct count *c)
{
	const char *reason = NULL;

	if (is_known(group, a->label, &reason))
		c->nr_known++;
	else if (++c->nr_different <= MAX_SHOWN || verbose)
		show(a, b, NULL);
	if (reason && verbose)
		show(a, b, reason);
}

static void only_one(const char *group, const struct answer *a, bool of_kernel, struct count *c)
{
	const struct answer none = { .value = INT64_MIN };

	differ(group, a, &none, c);
	if (verbose)
		printf("#     only %s\n", of_kernel ? "the kernel's" : "ours");
}

static struct count compare(const char *group)
{
	struct count c = { .nr_answers = kernel.nr };
	u32 i = 0, j = 0;

	while (i < kernel.nr || j < ours.nr) {
		const struct answer *a = i < kernel.nr ? &kernel.answers[i] : NULL;
		const struct answer *b = j < ours.nr ? &ours.answers[j] : NULL;

		if (a && b && !strcmp(a->label, b->label)) {
			if (!same(a, b) || (!strncmp(a->label, MUST, strlen(MUST)) && !a->value))
				differ(group, a, b, &c);
			i++;
			j++;
		} else if (!b || (a && resume(&ours, j, a->label) == UINT32_MAX)) {
			only_one(group, a, true, &c);
			i++;
		} else {
			only_one(group, b, false, &c);
			j++;
		}
	}
	return c;
}

static void run_side(struct side *s, const struct group *g)
{
	forget_answers(s);
	memset(places.wide, 0, WIDE_BYTES);
	memset(places.before_nowhere, 0, 4096);
	g->run(s);
}

static bool run_group(const struct group *g, u32 nr)
{
	struct count c;

	run_side(&kernel, g);
	run_side(&ours, g);
	c = compare(g->name);
	printf("%sok %u - bpf_differ: %s (%u answers, %u known differences)\n",
	       c.nr_different ? "not " : "", nr, g->name, c.nr_answers, c.nr_known);
	if (c.nr_different)
		printf("# %u differences\n", c.nr_different);
	fflush(stdout);
	return !c.nr_different;
}

static void make_places(void)
{
	u8 *pages =
		mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	places.wide =
		mmap(NULL, WIDE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED || places.wide == MAP_FAILED ||
	    mprotect(pages, 4096, PROT_READ) || mprotect(pages + 2 * 4096, 4096, PROT_NONE))
		abort();
	places.readonly = pages;
	places.before_nowhere = pages + 4096;
	places.nowhere = pages + 2 * 4096;
}

/* Why the kernel cannot be asked; NULL: it can. */
static const char *why_not(void)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct utsname uts;
	int fd;

	if (!uname(&uts))
		kernel_version = version_of(uts.release);
	if (sysconf(_SC_PAGESIZE) != 4096)
		return "pages are not of 4096 bytes here";
	setrlimit(RLIMIT_MEMLOCK, &all);	/* counts on kernels before 5.11 */
	fd = load_ret0(&kernel, BPF_PROG_TYPE_SYSCALL);
	if (fd < 0)
		return fd == -EPERM ? "bpf(2) is not permitted"
				    : "this kernel has no syscall programs";
	close(fd);
	return NULL;
}

static bool is_wanted(const struct group *g, char **names, int nr)
{
	for (int i = 0; i < nr; i++)
		if (!strcmp(g->name, names[i]))
			return true;
	return !nr;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "verbose", no_argument, NULL, 'v' },
						 { "together", required_argument, NULL, 't' },
						 { NULL } };
	u32 nr = 0, nr_failed = 0;
	const char *why;
	int opt;

	while ((opt = getopt_long(argc, argv, "v", options, NULL)) != -1) {
		if (opt == 'v')
			verbose = true;
		else if (opt == 't')
			nr_together = atoi(optarg);
		else
			return 2;
	}
	make_places();
	why = why_not();
	for (u32 i = 0; i < ARRAY_SIZE(groups); i++) {
		if (!is_wanted(&groups[i], argv + optind, argc - optind))
			continue;
		nr++;
		if (why)
			printf("ok %u - bpf_differ: %s # SKIP %s\n", nr, groups[i].name, why);
		else
			nr_failed += !run_group(&groups[i], nr);
	}
	printf("1..%u\n", nr);
	forget_answers(&kernel);
	forget_answers(&ours);
	free(kernel.answers);
	free(ours.answers);
	return nr_failed != 0;
}
