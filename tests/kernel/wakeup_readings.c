/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/kernel/wakeup_readings.c - read the wakeup sources without rove
 *
 *	wakeup_readings dump			what sysfs says, for compare.py
 *	wakeup_readings bars SAMPLES [OBJECT]	the time of each way to read them all
 *	wakeup_readings load OBJECT...		which BPF objects this kernel accepts
 *
 * A dump has a line a source: node, device or "-", driver or "-", the name in hexadecimal, then
 * the numbers in the order of attrs[], separated by tabs; "LEAST,GREATEST" of some readings where
 * they differ, "-" where one could not be read, which for a name means that the source went away.
 *
 * The bars are: every file of sysfs opened, read and closed; the same files kept open and
 * read again; the one file of debugfs; and OBJECT, our BPF program, walking the list into its
 * ring buffer, which is emptied.  Each brings the same facts into the reader's memory, none
 * parses them.  Every round takes a sample of each, in random order; of the short ones a second
 * sample follows at once upon the first, when code and data are warm.
 *
 * Invariant: a bar that did not see as many sources as sysfs lists fails the run.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <rove/wakeup_record.h>

#define CLASS_DIR	"/sys/class/wakeup"
#define DEBUGFS_FILE	"/sys/kernel/debug/wakeup_sources"
#define MAX_SAMPLES	1000

/* "name" first: the dump prints it apart.  relax_count comes last and is no part of the bars. */
static const char *const attrs[] = {
	"name", "active_count", "event_count", "wakeup_count", "expire_count", "active_time_ms",
	"total_time_ms", "max_time_ms", "last_change_ms", "prevent_suspend_time_ms",
	"relax_count",
};
#define NR_ATTRS	(sizeof(attrs) / sizeof(attrs[0]))
#define NR_BAR_ATTRS	10

static char **nodes;
static unsigned int nr_nodes;
static char sink[1 << 20];

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "wakeup_readings: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void list_nodes(void)
{
	struct dirent *entry;
	DIR *dir;

	dir = opendir(CLASS_DIR);
	if (!dir)
		die(CLASS_DIR);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		nodes = realloc(nodes, (nr_nodes + 1) * sizeof(*nodes));
		if (!nodes || !(nodes[nr_nodes] = strdup(entry->d_name)))
			die("memory");
		nr_nodes++;
	}
	closedir(dir);
}

/* @node: in the class folder, or a path that begins with a slash */
static int open_attr(const char *node, const char *attr)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s%s/%s", node[0] == '/' ? "" : CLASS_DIR "/", node, attr);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Return: its length without the newline that ends it, or -1. */
static ssize_t read_attr(const char *node, const char *attr, char *buf, size_t buf_bytes)
{
	ssize_t len;
	int fd;

	fd = open_attr(node, attr);
	if (fd < 0)
		return -1;
	len = read(fd, buf, buf_bytes);
	close(fd);
	return len > 0 && buf[len - 1] == '\n' ? len - 1 : len;
}

/* Print the last part of what a link of the node points to. */
static void dump_link(const char *node, const char *link)
{
	char path[512], target[4096];
	const char *last;
	ssize_t len;

	snprintf(path, sizeof(path), CLASS_DIR "/%s/%s", node, link);
	len = readlink(path, target, sizeof(target) - 1);
	target[len > 0 ? len : 0] = 0;
	last = strrchr(target, '/');
	printf("%s\t", last ? last + 1 : "-");
}

/*
 * The kernel reads a source without its lock: a time may be too short or too long when it
 * changes at that moment.  Of a few readings in a row, each after what came before the dump and
 * before what comes after it, the least is a lower bound and the greatest an upper one.
 */
static void dump_number(const char *node, const char *attr)
{
	long long least = LLONG_MAX, greatest = LLONG_MIN;

	for (int i = 0; i < 3; i++) {
		char buf[64];
		ssize_t len = read_attr(node, attr, buf, sizeof(buf) - 1);
		long long number;

		if (len < 0) {
			printf("\t-");
			return;
		}
		buf[len] = 0;
		number = strtoll(buf, NULL, 10);
		least = number < least ? number : least;
		greatest = number > greatest ? number : greatest;
	}
	printf("\t%lld", least);
	if (least != greatest)
		printf(",%lld", greatest);
}

static void dump_node(const char *node)
{
	char buf[4096];
	ssize_t len;

	printf("%s\t", node);
	dump_link(node, "device");
	dump_link(node, "device/driver");
	len = read_attr(node, "name", buf, sizeof(buf));
	if (len < 0)
		putchar('-');
	for (ssize_t i = 0; i < len; i++)
		printf("%02x", (unsigned char)buf[i]);
	for (unsigned int a = 1; a < NR_ATTRS; a++)
		dump_number(node, attrs[a]);
	putchar('\n');
}

/* --- the bars --- */

struct bar;

struct bar_ops {
	const char *name;
	const char *text;
	void (*prepare)(struct bar *bar);		/* may be NULL */
	unsigned int (*read_all)(struct bar *bar);	/* returns how many sources it met */
	int again;					/* a bar to sample right after, or 0 */
};

struct bar {
	const struct bar_ops *ops;
	uint64_t sample_ns[MAX_SAMPLES];
	char **paths;			/* sysfs_open */
	int *fds;			/* sysfs_cached */
	int prog_fd;			/* bpf */
	struct ring_buffer *ring;	/* bpf */
};

static const char *object_path;

static unsigned int read_sysfs_listing(struct bar *bar)
{
	struct dirent *entry;
	unsigned int nr = 0;
	DIR *dir;

	dir = opendir(CLASS_DIR);
	if (!dir)
		die(CLASS_DIR);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		for (unsigned int a = 0; a < NR_BAR_ATTRS; a++)
			if (read_attr(entry->d_name, attrs[a], sink, sizeof(sink)) < 0)
				die(entry->d_name);
		nr++;
	}
	closedir(dir);
	return nr;
}

/* Without the links of the class folder: each costs a walk to the device. */
static void prepare_known(struct bar *bar)
{
	char path[512];

	bar->paths = calloc(nr_nodes, sizeof(*bar->paths));
	if (!bar->paths)
		die("memory");
	for (unsigned int i = 0; i < nr_nodes; i++) {
		snprintf(path, sizeof(path), CLASS_DIR "/%s", nodes[i]);
		bar->paths[i] = realpath(path, NULL);
		if (!bar->paths[i])
			die(path);
	}
}

static unsigned int read_sysfs_known(struct bar *bar)
{
	for (unsigned int i = 0; i < nr_nodes; i++)
		for (unsigned int a = 0; a < NR_BAR_ATTRS; a++)
			if (read_attr(bar->paths[i], attrs[a], sink, sizeof(sink)) < 0)
				die(nodes[i]);
	return nr_nodes;
}

static void prepare_cached(struct bar *bar)
{
	struct rlimit limit = { .rlim_cur = 1 << 16, .rlim_max = 1 << 16 };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("setrlimit");
	bar->fds = calloc(nr_nodes * NR_BAR_ATTRS, sizeof(*bar->fds));
	if (!bar->fds)
		die("memory");
	for (unsigned int i = 0; i < nr_nodes * NR_BAR_ATTRS; i++) {
		bar->fds[i] = open_attr(nodes[i / NR_BAR_ATTRS], attrs[i % NR_BAR_ATTRS]);
		if (bar->fds[i] < 0)
			die(nodes[i / NR_BAR_ATTRS]);
	}
}

static unsigned int read_sysfs_cached(struct bar *bar)
{
	for (unsigned int i = 0; i < nr_nodes * NR_BAR_ATTRS; i++)
		if (pread(bar->fds[i], sink, sizeof(sink), 0) < 0)
			die("pread");
	return nr_nodes;
}

/* Counts lines like any reader must; the header and the line "deleted" are no sources. */
static unsigned int read_debugfs(struct bar *bar)
{
	unsigned int lines = 0;
	ssize_t len;
	int fd;

	fd = open(DEBUGFS_FILE, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(DEBUGFS_FILE);
	while ((len = read(fd, sink, sizeof(sink))) > 0)
		for (char *p = sink; (p = memchr(p, '\n', sink + len - p)); p++)
			lines++;
	close(fd);
	return lines < 2 ? 0 : lines - 2;
}

static int take_record(void *sink_at, void *record, size_t bytes)
{
	memcpy(sink, record, bytes);
	return 0;
}

static void prepare_bpf(struct bar *bar)
{
	struct bpf_program *prog;
	struct bpf_object *obj;

	obj = bpf_object__open_file(object_path, NULL);
	if (!obj || bpf_object__load(obj))
		die(object_path);
	prog = bpf_object__find_program_by_name(obj, "wakeup_walk");
	if (!prog)
		die("no program wakeup_walk");
	bar->prog_fd = bpf_program__fd(prog);
	bar->ring = ring_buffer__new(bpf_object__find_map_fd_by_name(obj, "records"), take_record,
				     NULL, NULL);
	if (!bar->ring)
		die("ring buffer");
}

/* A syscall program's context comes back where it was taken from. */
static unsigned int read_bpf(struct bar *bar)
{
	struct rove_wakeup_walk walk = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &walk, .ctx_size_in = sizeof(walk));
	int taken;

	if (bpf_prog_test_run_opts(bar->prog_fd, &opts) || opts.retval)
		die("run of wakeup_walk");
	taken = ring_buffer__consume(bar->ring);
	return taken < 0 || walk.lost || walk.end ? 0 : taken;
}

enum bar_id {
	BAR_SYSFS_LISTING, BAR_SYSFS_OPEN, BAR_SYSFS_CACHED, BAR_DEBUGFS, BAR_BPF,
	NR_TURNS,
	BAR_DEBUGFS_AGAIN = NR_TURNS, BAR_BPF_AGAIN,	/* right after those, not in turn */
	NR_BARS,
};

static struct bar bars[NR_BARS];

/* The same program and ring buffer, not a second of each. */
static void prepare_bpf_again(struct bar *bar)
{
	bar->prog_fd = bars[BAR_BPF].prog_fd;
	bar->ring = bars[BAR_BPF].ring;
}

static const struct bar_ops bar_table[NR_BARS] = {
	[BAR_SYSFS_LISTING] = {
		.name = "sysfs_listing",
		.text = "sysfs, readdir + open/read/close",
		.read_all = read_sysfs_listing,
	},
	[BAR_SYSFS_OPEN] = {
		.name = "sysfs_open",
		.text = "sysfs, open/read/close, names known",
		.prepare = prepare_known,
		.read_all = read_sysfs_known,
	},
	[BAR_SYSFS_CACHED] = {
		.name = "sysfs_cached",
		.text = "sysfs, cached descriptors + pread",
		.prepare = prepare_cached,
		.read_all = read_sysfs_cached,
	},
	[BAR_DEBUGFS] = {
		.name = "debugfs",
		.text = "debugfs, one file",
		.read_all = read_debugfs,
		.again = BAR_DEBUGFS_AGAIN,
	},
	[BAR_BPF] = {
		.name = "bpf",
		.text = "BPF walk + ring buffer",
		.prepare = prepare_bpf,
		.read_all = read_bpf,
		.again = BAR_BPF_AGAIN,
	},
	[BAR_DEBUGFS_AGAIN] = {
		.name = "debugfs_again",
		.text = "debugfs, at once again",
		.read_all = read_debugfs,
	},
	[BAR_BPF_AGAIN] = {
		.name = "bpf_again",
		.text = "BPF walk + ring buffer, at once again",
		.prepare = prepare_bpf_again,
		.read_all = read_bpf,
	},
};

static void take_sample(struct bar *bar, unsigned int sample)
{
	uint64_t start = now_ns();
	unsigned int nr = bar->ops->read_all(bar);

	bar->sample_ns[sample] = now_ns() - start;
	if (nr != nr_nodes) {
		fprintf(stderr, "wakeup_readings: %s met %u sources, sysfs lists %u\n",
			bar->ops->name, nr, nr_nodes);
		exit(1);
	}
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* A line a bar: name, text, sources, samples, then min, p25, median, p75 and max in ns. */
static void print_bar(struct bar *bar, unsigned int samples)
{
	qsort(bar->sample_ns, samples, sizeof(bar->sample_ns[0]), compare_u64);
	printf("%s\t%s\t%u\t%u", bar->ops->name, bar->ops->text, nr_nodes, samples);
	for (unsigned int quarter = 0; quarter <= 4; quarter++)
		printf("\t%llu",
		       (unsigned long long)bar->sample_ns[(samples - 1) * quarter / 4]);
	putchar('\n');
}

static void shuffle(unsigned int *order, unsigned int nr)
{
	for (unsigned int i = nr - 1; i > 0; i--) {
		unsigned int j = random() % (i + 1), other = order[j];

		order[j] = order[i];
		order[i] = other;
	}
}

static bool can_measure(unsigned int id)
{
	return object_path || (id != BAR_BPF && id != BAR_BPF_AGAIN);
}

static void measure(unsigned int samples)
{
	unsigned int turns[NR_TURNS], nr_turns = 0;

	for (unsigned int b = 0; b < NR_BARS; b++) {
		if (!can_measure(b))
			continue;
		if (b < NR_TURNS)
			turns[nr_turns++] = b;
		bars[b].ops = &bar_table[b];
		if (bars[b].ops->prepare)
			bars[b].ops->prepare(&bars[b]);
		take_sample(&bars[b], 0);	/* to warm up; overwritten */
	}
	for (unsigned int s = 0; s < samples; s++) {
		shuffle(turns, nr_turns);
		for (unsigned int t = 0; t < nr_turns; t++) {
			take_sample(&bars[turns[t]], s);
			if (bar_table[turns[t]].again)
				take_sample(&bars[bar_table[turns[t]].again], s);
		}
	}
	for (unsigned int b = 0; b < NR_BARS; b++)
		if (can_measure(b))
			print_bar(&bars[b], samples);
}

/* A line an object: "accepted" or "rejected", and its path.  libbpf says why on stderr. */
static void load(const char *path)
{
	struct bpf_object *obj;
	bool accepted;

	obj = bpf_object__open_file(path, NULL);
	accepted = obj && !bpf_object__load(obj);
	printf("%s\t%s\n", accepted ? "accepted" : "rejected", path);
	bpf_object__close(obj);
}

int main(int argc, char **argv)
{
	unsigned int samples = argc > 2 ? atoi(argv[2]) : 0;

	if (argc >= 3 && !strcmp(argv[1], "load")) {
		for (int i = 2; i < argc; i++)
			load(argv[i]);
		return 0;
	}
	list_nodes();
	if (argc == 2 && !strcmp(argv[1], "dump")) {
		for (unsigned int i = 0; i < nr_nodes; i++)
			dump_node(nodes[i]);
		return 0;
	}
	if (argc >= 3 && !strcmp(argv[1], "bars") && samples > 0 && samples <= MAX_SAMPLES) {
		object_path = argv[3];
		measure(samples);
		return 0;
	}
	fprintf(stderr, "usage: wakeup_readings dump | bars SAMPLES [OBJECT] | load OBJECT...\n");
	return 2;
}
