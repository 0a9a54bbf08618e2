/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/bars.c - 1,500 attributes of live objects, read in every way there is
 *
 *	bars [-n ROUNDS] [-j FILE]
 *
 * Small text files by open/read/close and by cached descriptors, one text file
 * that tells of many objects at once, and a walk by a BPF program: over the
 * kernel's objects where bpf(2) allows it, and over the process's own always.
 * All of them take turns in one run.  The files are real sysfs nodes of this
 * machine: its wakeup sources where it has any, else the power/ attributes of
 * its devices.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/stats.h"
#include "objects/wakeup_sample.h"
#include "target/tasks_walk.h"
#include "target/wakeup_walk.h"

#define NR_OBJECTS 150
#define NR_ATTRIBUTES 10
#define NR_NODES (NR_OBJECTS * NR_ATTRIBUTES)

/* --- sysfs -------------------------------------------------------------------------------- */

static struct {
	char *path[NR_NODES];
	int fd[NR_NODES];
	u32 nr;
} nodes;

/* A node counts if it can be read now: some of an idle device's cannot. */
static void consider_node(const char *path)
{
	char text[4096];
	int fd;

	if (nodes.nr == NR_NODES)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text)) < 0) {
		close(fd);
		return;
	}
	nodes.fd[nodes.nr] = fd;
	nodes.path[nodes.nr++] = strdup(path);
}

static int consider_power_node(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type == FTW_F && S_ISREG(st->st_mode) && strstr(path, "/power/"))
		consider_node(path);
	return nodes.nr == NR_NODES;
}

static void find_nodes(void)
{
	struct rlimit files;
	glob_t found;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	/* The ten numbers of a wakeup source are its attributes with an underscore. */
	if (!glob("/sys/class/wakeup/*/*_*", GLOB_NOSORT, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			consider_node(found.gl_pathv[i]);
		globfree(&found);
	}
	nftw("/sys/devices", consider_power_node, 64, FTW_PHYS);
}

static double read_by_open(void *arg)
{
	u64 start_ns = clock_mono_ns();
	char text[4096];

	for (u32 i = 0; i < nodes.nr; i++) {
		int fd = open(nodes.path[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0 || read(fd, text, sizeof(text)) < 0)
			return -1;
		close(fd);
	}
	return clock_mono_ns() - start_ns;
}

static double read_by_cached(void *arg)
{
	u64 start_ns = clock_mono_ns();
	char text[4096];

	for (u32 i = 0; i < nodes.nr; i++)
		if (pread(nodes.fd[i], text, sizeof(text), 0) < 0)
			return -1;
	return clock_mono_ns() - start_ns;
}

/* --- one text file ------------------------------------------------------------------------ */

static const struct text_file {
	const char *path, *what;
} text_files[] = {
	{ "/sys/kernel/debug/wakeup_sources", "wakeup sources" },
	{ "/proc/slabinfo", "slab caches" },
	{ "/proc/net/dev", "network devices" },
};

static struct {
	const struct text_file *file;
	u32 nr_words;
} text;

static double read_text(void *arg)
{
	static char buf[1 << 20];
	u64 start_ns = clock_mono_ns();
	int fd = open(text.file->path, O_RDONLY | O_CLOEXEC);
	ssize_t bytes, total = 0;

	if (fd < 0)
		return -1;
	while ((bytes = read(fd, buf + total, sizeof(buf) - total)) > 0)
		total += bytes;
	close(fd);
	start_ns = clock_mono_ns() - start_ns;
	text.nr_words = 0;
	for (ssize_t i = 1; i < total; i++)
		text.nr_words += buf[i] <= ' ' && buf[i - 1] > ' ';
	return start_ns;
}

static bool find_text(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(text_files); i++) {
		text.file = &text_files[i];
		if (read_text(NULL) >= 0 && text.nr_words >= NR_ATTRIBUTES)
			return true;
	}
	return false;
}

/* --- BPF ---------------------------------------------------------------------------------- */

static double walk_wakeup(void *arg)
{
	struct wakeup_walk_result res;

	if (wakeup_walk_run(arg, &res) || res.lost || !res.visited)
		return -1;
	return (double)res.walk_ns / res.visited * NR_OBJECTS;
}

static double walk_tasks(void *arg)
{
	u64 ns;

	return tasks_walk_run(arg, NR_OBJECTS, &ns) ? -1 : ns;
}

/* The kernel's wakeup sources where they can be walked, else its tasks. */
static bool open_kernel_walk(struct bench_case *c)
{
	static char why[64 * 1024];
	struct wakeup_walk *wakeup;
	struct tasks_walk *tasks;

	if (!wakeup_walk_open(&(struct wakeup_walk_options){ .target = "kernel" }, &wakeup, why,
			      sizeof(why))) {
		*c = (struct bench_case){ "BPF walk, the kernel's wakeup sources", walk_wakeup, wakeup };
		return true;
	}
	fprintf(stderr, "bars: %.*s\n", (int)strcspn(why, "\n"), why);
	if (!tasks_walk_open(&tasks, why, sizeof(why))) {
		*c = (struct bench_case){ "BPF walk, the kernel's tasks", walk_tasks, tasks };
		return true;
	}
	fprintf(stderr, "bars: no walk over the kernel's objects: %.*s\n", (int)strcspn(why, "\n"),
		why);
	return false;
}

static bool open_self_walk(struct bench_case *c)
{
	static char why[64 * 1024];
	struct wakeup_sample *sample;
	struct wakeup_walk *walk;

	if (wakeup_sample_start(&(struct wakeup_sample_options){ .nr_sources = NR_OBJECTS,
								 .nr_threads = 1 },
				&sample))
		return false;
	if (wakeup_walk_open(&(struct wakeup_walk_options){ .target = "self" }, &walk, why,
			     sizeof(why))) {
		fprintf(stderr, "bars: no walk in this process: %s\n", why);
		return false;
	}
	*c = (struct bench_case){ "BPF walk, this process's wakeup sources", walk_wakeup, walk };
	return true;
}

/* --- the table ---------------------------------------------------------------------------- */

static void print_bar(const struct bench_case *c, double fastest, double slowest)
{
	int width = c->nr ? 1 + 39 * bench_median(c) / slowest : 0;

	printf("  %-44s %9.3f ms  %9.3f .. %-9.3f %8.1fx  ", c->name, bench_median(c) / 1e6,
	       c->samples[0] / 1e6, c->samples[c->nr - 1] / 1e6, bench_median(c) / fastest);
	for (int i = 0; i < width; i++)
		putchar('#');
	putchar('\n');
}

static void print_table(const struct bench_case *cases, u32 nr, u32 rounds)
{
	double fastest = 0, slowest = 0;

	for (u32 i = 0; i < nr; i++) {
		double median = bench_median(&cases[i]);

		slowest = max(slowest, median);
		if (strstr(cases[i].name, "BPF") && (!fastest || median < fastest))
			fastest = median;
	}
	printf("%u attributes of live objects (%u objects x %u), median of %u, smallest .. largest, "
	       "against the fastest walk:\n", NR_NODES, NR_OBJECTS, NR_ATTRIBUTES, rounds);
	for (u32 i = 0; i < nr; i++)
		print_bar(&cases[i], fastest, slowest);
	if (nodes.nr < NR_NODES)
		printf("  (this machine has %u such sysfs nodes; their times are scaled to %u)\n",
		       nodes.nr, NR_NODES);
	if (text.file)
		printf("  (%s holds %u numbers and names; its time is scaled to %u)\n",
		       text.file->path, text.nr_words, NR_NODES);
}

int main(int argc, char **argv)
{
	struct bench_case cases[5];
	char text_name[128];
	struct bench_options opts = { .rounds = 25 };
	u32 nr = 0;

	bench_getopt(argc, argv, "", &opts);
	find_nodes();
	if (nodes.nr) {
		double scale = (double)nodes.nr / NR_NODES;

		cases[nr++] = (struct bench_case){ "sysfs, open/read/close", read_by_open, NULL, scale };
		cases[nr++] = (struct bench_case){ "sysfs, cached descriptors", read_by_cached, NULL,
						   scale };
	} else {
		fprintf(stderr, "bars: no readable power attributes in /sys\n");
	}
	if (find_text()) {
		snprintf(text_name, sizeof(text_name), "one text file, %s", text.file->path);
		cases[nr++] = (struct bench_case){ text_name, read_text, NULL,
						   (double)text.nr_words / NR_NODES };
	} else {
		fprintf(stderr, "bars: no readable text file that tells of many objects\n");
		text.file = NULL;
	}
	nr += open_kernel_walk(&cases[nr]);
	if (!open_self_walk(&cases[nr]))
		return 1;
	nr++;
	bench_run(cases, nr, opts.rounds);
	print_table(cases, nr, opts.rounds);
	bench_json(&opts, "bars", "ns", cases, nr);
	return 0;
}
