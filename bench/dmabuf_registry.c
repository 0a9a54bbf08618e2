/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/dmabuf_registry.c - what being listed costs a DMA-buf that is made and freed
 *
 *	dmabuf_registry [-n ROUNDS] [-j FILE] [-f FEWEST_THREADS] [-t MOST_THREADS]
 *			[-o BUFFERS] [-c CASE]
 *
 * Threads export buffers of one page, make the page real in the cheapest way there is
 * (one byte written through the descriptor), and release them 64 buffers later.  The
 * competitors take turns within each round, and each is compared with "off" of the same
 * round: the median of these ratios is the figure, the quartiles stand beside it.
 *
 * "CPU" is the time of the allocating threads alone: what a walker takes away from them
 * by running on the same CPUs is in the time that passes, not in theirs.  Whatever walking
 * does to their caches and locks is in theirs.
 *
 * Threads are bound: the allocating ones to the CPUs in turn, who runs beside to the last.
 * On one CPU with the allocating thread a walker would cost it nothing, and chance would
 * decide.  How long a cache line takes from the first CPU to the last is printed, because
 * that is what a walk costs others: each buffer has a line or two that both write.
 *
 * -c runs one competitor alone, for an instruction counter: the difference of two counts
 * with different -o is the instructions of so many buffers, and does not depend on what
 * else the machine does.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/atomic.h"
#include "bench/stats.h"
#include "objects/dma_buf_parts.h"

#define MAX_THREADS 16
#define NR_LIVE 64		/* buffers that a thread has at any time */
#define PAGE 4096

enum beside { NOBODY, WALKER_AT_100_HZ, WALKER_WITHOUT_PAUSE, SPINNER };

struct competitor {
	const char *name;
	bool listed;
	enum beside beside;
	int (*make)(struct dma_buf **ret_b);
	void (*release)(struct dma_buf *b);
};

/* --- the work ----------------------------------------------------------------------------- */

static int make_buf(struct dma_buf **ret_b)
{
	int err = rove_dma_buf_export(PAGE, "bench", NULL, ret_b);

	if (!err && pwrite((*ret_b)->fd, "x", 1, 0) != 1)
		return -1;
	return err;
}

/* A memfd and nothing around it. */
static int make_bare(struct dma_buf **ret_b)
{
	int fd = memfd_create("bench", MFD_CLOEXEC);

	*ret_b = (struct dma_buf *)(intptr_t)(fd + 1);
	return fd < 0 || ftruncate(fd, PAGE) || pwrite(fd, "x", 1, 0) != 1;
}

static void release_bare(struct dma_buf *b)
{
	close((int)(intptr_t)b - 1);
}

/* What a per-buffer directory of two files costs, on the cheapest file system there is. */
static char files_dir[64];

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok ? 0 : -1;
}

static void stat_path(char *path, size_t bytes, const struct dma_buf *b, const char *file)
{
	snprintf(path, bytes, "%s/%p%s", files_dir, (void *)b, file);
}

static int make_with_files(struct dma_buf **ret_b)
{
	char path[128], text[32];
	int err = make_buf(ret_b);

	if (err)
		return err;
	stat_path(path, sizeof(path), *ret_b, "");
	err = mkdir(path, 0755);
	stat_path(path, sizeof(path), *ret_b, "/size");
	snprintf(text, sizeof(text), "%zu\n", (*ret_b)->size);
	err = err ?: write_file(path, text);
	stat_path(path, sizeof(path), *ret_b, "/exporter_name");
	return err ?: write_file(path, "bench\n");
}

static void release_with_files(struct dma_buf *b)
{
	static const char *const files[] = { "/size", "/exporter_name" };
	char path[128];

	for (u32 i = 0; i < ARRAY_SIZE(files); i++) {
		stat_path(path, sizeof(path), b, files[i]);
		unlink(path);
	}
	stat_path(path, sizeof(path), b, "");
	rmdir(path);
	rove_dma_buf_put(b);
}

static const struct competitor competitors[] = {
	{ "list off", false, NOBODY, make_buf, rove_dma_buf_put },
	{ "list off, again: how exact this is", false, NOBODY, make_buf, rove_dma_buf_put },
	{ "list on", true, NOBODY, make_buf, rove_dma_buf_put },
	{ "list on, walked 100 times a second", true, WALKER_AT_100_HZ, make_buf, rove_dma_buf_put },
	{ "list off, a thread spins beside", false, SPINNER, make_buf, rove_dma_buf_put },
	{ "list on, walked without pause", true, WALKER_WITHOUT_PAUSE, make_buf, rove_dma_buf_put },
	{ "a directory and two files each", false, NOBODY, make_with_files, release_with_files },
	{ "memfd alone", false, NOBODY, make_bare, release_bare },
};

#define NR_COMPETITORS ARRAY_SIZE(competitors)
#define SPINNER_ROW 4

/* --- where threads run -------------------------------------------------------------------- */

static int cpus[CPU_SETSIZE];
static u32 nr_cpus;

static void learn_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		exit(1);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[nr_cpus++] = cpu;
}

static void run_on(u32 nr)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpus[nr % nr_cpus], &set);
	sched_setaffinity(0, sizeof(set), &set);
}

#define NR_HANDOVERS 4000

static u32 handed __attribute__((aligned(128)));

/* The turns @from, @from + 2, ... before @to. */
static void take_turns(u32 from, u32 to)
{
	for (u32 i = from; i < to; i += 2) {
		while (READ_ONCE(handed) != i)
			;
		WRITE_ONCE(handed, i + 1);
	}
}

static void *answer(void *arg)
{
	run_on(nr_cpus - 1);
	take_turns(1, NR_HANDOVERS);
	return NULL;
}

/* ns for a cache line from the first CPU to the last; 0 if there is one only. */
static double handover_ns(void)
{
	pthread_t last;
	u64 start_ns;
	double ns;

	if (nr_cpus < 2)
		return 0;
	run_on(0);
	WRITE_ONCE(handed, 0);
	if (pthread_create(&last, NULL, answer, NULL))
		exit(1);
	take_turns(0, 4);
	start_ns = clock_mono_ns();
	take_turns(4, NR_HANDOVERS);
	ns = (clock_mono_ns() - start_ns) / (double)(NR_HANDOVERS - 4);
	pthread_join(last, NULL);
	return ns;
}

/* --- one sample --------------------------------------------------------------------------- */

struct run {
	const struct competitor *with;
	u32 nr_threads, nr_each;
	u32 nr_bound;		/* atomic: threads that have chosen their CPU */
	pthread_barrier_t start;
	u64 cpu_ns;		/* under ->lock: of the allocating threads */
	u64 start_ns, end_ns;	/* under ->lock: of the first, of the last */
	pthread_mutex_t lock;
	u32 nr_failed;		/* atomic */
	u32 stop;		/* atomic: for who runs beside */
	u64 nr_walks;
};

static u64 thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* The threads keep the time themselves: who starts them may not run for a while. */
static void spent(struct run *run, u64 start_ns, u64 end_ns, u64 cpu_ns)
{
	pthread_mutex_lock(&run->lock);
	run->start_ns = run->start_ns ? min(run->start_ns, start_ns) : start_ns;
	run->end_ns = max(run->end_ns, end_ns);
	run->cpu_ns += cpu_ns;
	pthread_mutex_unlock(&run->lock);
}

static void *allocate(void *arg)
{
	struct dma_buf *live[NR_LIVE] = { NULL };
	struct run *run = arg;
	u64 start_ns, cpu_ns;

	run_on(fetch_add_relaxed(&run->nr_bound, 1));
	pthread_barrier_wait(&run->start);
	start_ns = clock_mono_ns();
	cpu_ns = thread_cpu_ns();
	for (u32 i = 0; i < run->nr_each; i++) {
		struct dma_buf **slot = &live[i % NR_LIVE];

		if (*slot)
			run->with->release(*slot);
		*slot = NULL;
		if (run->with->make(slot))
			fetch_add_relaxed(&run->nr_failed, 1);
	}
	for (u32 i = 0; i < NR_LIVE; i++)
		if (live[i])
			run->with->release(live[i]);
	cpu_ns = thread_cpu_ns() - cpu_ns;
	spent(run, start_ns, clock_mono_ns(), cpu_ns);
	return NULL;
}

static u64 walk_once(void)
{
	struct dma_buf *b;
	u64 sum = 0;

	for (b = dma_buf_iter_begin(); b; b = dma_buf_iter_next(b))
		sum += b->size + b->file->f_inode->i_ino;
	return sum;
}

static void *run_beside(void *arg)
{
	struct run *run = arg;
	enum beside beside = run->with->beside;

	run_on(nr_cpus - 1);
	while (!READ_ONCE(run->stop)) {
		if (beside == SPINNER) {
			cpu_relax();
			continue;
		}
		walk_once();
		run->nr_walks++;
		if (beside == WALKER_AT_100_HZ)
			usleep(10000);
	}
	return NULL;
}

static void run_threads(struct run *run, void *(*body)(void *))
{
	pthread_t threads[MAX_THREADS];

	pthread_mutex_init(&run->lock, NULL);
	pthread_barrier_init(&run->start, NULL, run->nr_threads);
	for (u32 i = 0; i < run->nr_threads; i++)
		if (pthread_create(&threads[i], NULL, body, run))
			exit(1);
	for (u32 i = 0; i < run->nr_threads; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&run->start);
}

/* ns per buffer: that pass, and of the allocating threads' CPU time. */
static void sample(const struct competitor *with, u32 nr_threads, u32 nr_buffers,
		   double *ret_wall_ns, double *ret_cpu_ns)
{
	struct run run = { .with = with, .nr_threads = nr_threads,
			   .nr_each = nr_buffers / nr_threads };
	double nr = (double)run.nr_each * nr_threads;
	pthread_t beside;

	dma_buf_registry_switch(with->listed);
	if (with->beside && pthread_create(&beside, NULL, run_beside, &run))
		exit(1);
	run_threads(&run, allocate);
	*ret_wall_ns = (run.end_ns - run.start_ns) / nr;
	*ret_cpu_ns = run.cpu_ns / nr;
	WRITE_ONCE(run.stop, 1);
	if (with->beside)
		pthread_join(beside, NULL);
	if (run.nr_failed) {
		fprintf(stderr, "dmabuf_registry: %s: %u of %.0f failed\n", with->name,
			run.nr_failed, nr);
		exit(1);
	}
}

/* --- the list alone ----------------------------------------------------------------------- */

/* In and out of the list as fast as it goes: nothing but the list, so all that it can cost. */
static void *list_only(void *arg)
{
	struct run *run = arg;
	struct dma_buf *b;
	u64 start_ns;

	run_on(fetch_add_relaxed(&run->nr_bound, 1));
	if (rove_dma_buf_export(PAGE, "bench", NULL, &b))
		exit(1);
	dma_buf_list_del(b);
	pthread_barrier_wait(&run->start);
	start_ns = clock_mono_ns();
	for (u32 i = 0; i < run->nr_each; i++) {
		dma_buf_list_add(b);
		dma_buf_list_del(b);
	}
	spent(run, start_ns, clock_mono_ns(), 0);
	dma_buf_list_add(b);
	rove_dma_buf_put(b);
	return NULL;
}

/* ns for in and out. */
static double list_alone(void *arg)
{
	struct run run = { .nr_threads = *(u32 *)arg, .nr_each = 20000 };

	dma_buf_registry_switch(true);
	run_threads(&run, list_only);
	return (run.end_ns - run.start_ns) / ((double)run.nr_each * run.nr_threads);
}

/* --- all of it ---------------------------------------------------------------------------- */

struct table {
	struct bench_case wall[NR_COMPETITORS], cpu[NR_COMPETITORS];	/* in the order taken */
	struct bench_case handover;
};

static void take(struct table *t, u32 nr_threads, u32 nr_buffers, u32 rounds)
{
	double wall, cpu;

	for (u32 i = 0; i < NR_COMPETITORS; i++) {
		t->wall[i].name = t->cpu[i].name = competitors[i].name;
		sample(&competitors[i], nr_threads, nr_buffers / 4, &wall, &cpu);
	}
	for (u32 round = 0; round < rounds; round++) {
		t->handover.samples[t->handover.nr++] = handover_ns();
		/* Each goes first as often as the others. */
		for (u32 k = 0; k < NR_COMPETITORS; k++) {
			u32 i = (k + round) % NR_COMPETITORS;

			sample(&competitors[i], nr_threads, nr_buffers, &wall, &cpu);
			t->wall[i].samples[t->wall[i].nr++] = wall;
			t->cpu[i].samples[t->cpu[i].nr++] = cpu;
		}
	}
}

/* How much more than @base of the same round, in percent; sorted. */
static struct bench_case more_than(const struct bench_case *c, const struct bench_case *base)
{
	struct bench_case more = { .name = c->name, .nr = c->nr };

	for (u32 i = 0; i < c->nr; i++)
		more.samples[i] = 100 * (c->samples[i] / base->samples[i] - 1);
	qsort(more.samples, more.nr, sizeof(double), bench_compare);
	return more;
}

static void print_more(const struct bench_case *more)
{
	printf("  %+7.2f %% (%+7.2f .. %+7.2f)", bench_median(more), more->samples[more->nr / 4],
	       more->samples[more->nr * 3 / 4]);
}

static void print_rows(struct table *t, u32 nr_threads, const struct bench_options *opts)
{
	char bench[64];

	for (u32 i = 0; i < NR_COMPETITORS; i++) {
		/* Who shares the CPUs with another thread is compared with who does, too. */
		u32 base = competitors[i].beside == WALKER_WITHOUT_PAUSE ? SPINNER_ROW : 0;
		struct bench_case wall = more_than(&t->wall[i], &t->wall[base]);
		struct bench_case cpu = more_than(&t->cpu[i], &t->cpu[base]);
		struct bench_case ns = t->wall[i];

		qsort(ns.samples, ns.nr, sizeof(double), bench_compare);
		printf("%7u  %-36s %7.0f ns", nr_threads, competitors[i].name, bench_median(&ns));
		print_more(&wall);
		print_more(&cpu);
		printf("%s\n", base ? "  than spinning" : "");
	}
	snprintf(bench, sizeof(bench), "dmabuf-registry-%u", nr_threads);
	for (u32 i = 0; i < NR_COMPETITORS; i++) {
		qsort(t->wall[i].samples, t->wall[i].nr, sizeof(double), bench_compare);
		qsort(t->cpu[i].samples, t->cpu[i].nr, sizeof(double), bench_compare);
	}
	bench_json(opts, bench, "ns/buffer", t->wall, NR_COMPETITORS);
	bench_json(opts, bench, "CPU ns/buffer", t->cpu, NR_COMPETITORS);
}

static void print_alone(struct table *t, u32 nr_threads, const struct bench_options *opts)
{
	struct bench_case alone = { "list alone", list_alone, &nr_threads, 1 };
	double off_ns = bench_median(&t->wall[0]);
	char bench[64];

	bench_run(&alone, 1, opts->rounds);
	printf("%7u  %-36s %7.1f ns  = %.2f %% of \"list off\" (%.2f .. %.2f)\n\n", nr_threads,
	       "in and out of the list, back to back", bench_median(&alone),
	       100 * bench_median(&alone) / off_ns, 100 * alone.samples[alone.nr / 4] / off_ns,
	       100 * alone.samples[alone.nr * 3 / 4] / off_ns);
	snprintf(bench, sizeof(bench), "dmabuf-registry-alone-%u", nr_threads);
	bench_json(opts, bench, "ns", &alone, 1);
}

static void print_handover(struct bench_case *handover)
{
	qsort(handover->samples, handover->nr, sizeof(double), bench_compare);
	printf("         a cache line from the first CPU to the last: %.0f ns (%.0f .. %.0f)\n",
	       bench_median(handover), handover->samples[0],
	       handover->samples[handover->nr - 1]);
}

static int only(const char *name, u32 nr_threads, u32 nr_buffers)
{
	double wall, cpu;

	for (u32 i = 0; i < NR_COMPETITORS; i++) {
		if (strcmp(name, competitors[i].name))
			continue;
		sample(&competitors[i], nr_threads, nr_buffers, &wall, &cpu);
		printf("%s: %.0f ns\n", name, wall);
		return 0;
	}
	fprintf(stderr, "dmabuf_registry: no competitor '%s'\n", name);
	return 2;
}

int main(int argc, char **argv)
{
	struct bench_options opts = { .rounds = 101 };
	u32 min_threads = 1, max_threads = 8, nr_buffers = 1024;
	const char *alone = NULL;
	int opt, err = 0;

	while ((opt = bench_getopt(argc, argv, "f:t:o:c:", &opts)) != -1) {
		if (opt == 't')
			max_threads = min(strtoul(optarg, NULL, 10), MAX_THREADS);
		else if (opt == 'f')
			min_threads = max(strtoul(optarg, NULL, 10), 1ul);
		else if (opt == 'o')
			nr_buffers = strtoul(optarg, NULL, 10);
		else
			alone = optarg;
	}
	learn_cpus();
	snprintf(files_dir, sizeof(files_dir), "/dev/shm/rove-bench-%d", getpid());
	if (mkdir(files_dir, 0700)) {
		perror(files_dir);
		return 1;
	}
	if (alone) {
		err = only(alone, max_threads, nr_buffers);
		max_threads = 0;
	} else {
		printf("one page allocated and freed; median of %u, against \"list off\" (quartiles)\n"
		       "threads%47s  %29s  %29s\n", opts.rounds, "per buffer", "time passed",
		       "CPU time");
	}
	for (u32 nr = min_threads; nr <= max_threads; nr *= 2) {
		struct table t = { 0 };

		take(&t, nr, nr_buffers, opts.rounds);
		print_handover(&t.handover);
		print_rows(&t, nr, &opts);
		print_alone(&t, nr, &opts);
	}
	rmdir(files_dir);
	if (!alone)
		printf("the kernel's files for each buffer took 39 %% of the time to create a buffer\n"
		       "of one page (+64 %%), and 74 %% of the export in it (+285 %%)\n");
	return err;
}
