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
 * decide.  What a walk costs others is cache lines that both write.  How long one takes from
 * the first CPU to the last is measured before each sample: a virtual machine's CPUs may
 * share a cache now and not a second later.  "near" and "far" are the samples on either side
 * of FAR_NS, apart.
 *
 * A walker that walks "in turn" waits as dma_buf_walk_wait() makes it wait: as all do who may
 * sleep.  Its samples begin when it has waited once, so that what may be taken without waiting
 * is used up, and are longer, as it walks a few times in each only.
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

#define FAR_NS 80		/* for a cache line: there is no cache that both CPUs share */

enum beside { NOBODY, WALKER_AT_100_HZ, WALKER_IN_TURN, WALKER_WITHOUT_PAUSE, SPINNER };

struct competitor {
	const char *name;
	bool listed;
	enum beside beside;
	u32 times;		/* as many buffers in a sample as in others */
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
	{ "list off", false, NOBODY, 8, make_buf, rove_dma_buf_put },
	{ "list off, again: how exact this is", false, NOBODY, 8, make_buf, rove_dma_buf_put },
	{ "list on", true, NOBODY, 8, make_buf, rove_dma_buf_put },
	{ "walked 100 times a second", true, WALKER_AT_100_HZ, 8, make_buf, rove_dma_buf_put },
	{ "walked all the time, in turn", true, WALKER_IN_TURN, 8, make_buf, rove_dma_buf_put },
	{ "list off, a thread spins beside", false, SPINNER, 1, make_buf, rove_dma_buf_put },
	{ "walked by one who may not wait", true, WALKER_WITHOUT_PAUSE, 1, make_buf,
	  rove_dma_buf_put },
	{ "a directory and two files each", false, NOBODY, 1, make_with_files,
	  release_with_files },
	{ "memfd alone", false, NOBODY, 1, make_bare, release_bare },
};

#define NR_COMPETITORS ARRAY_SIZE(competitors)
#define SPINNER_ROW 5

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

#define NR_HANDOVERS 1000

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
	u32 has_waited;		/* atomic: a walker in turn, once */
	u64 nr_walks;		/* atomic */
	u64 nr_walks_timed;	/* under ->lock: between ->start_ns and ->end_ns */
};

static u64 thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* The threads keep the time themselves: who starts them may not run for a while. */
static void spent(struct run *run, u64 start_ns, u64 end_ns, u64 cpu_ns, u64 nr_walks)
{
	pthread_mutex_lock(&run->lock);
	run->nr_walks_timed = max(run->nr_walks_timed, nr_walks);
	run->start_ns = run->start_ns ? min(run->start_ns, start_ns) : start_ns;
	run->end_ns = max(run->end_ns, end_ns);
	run->cpu_ns += cpu_ns;
	pthread_mutex_unlock(&run->lock);
}

static void make_next(struct run *run, struct dma_buf **slot)
{
	if (*slot)
		run->with->release(*slot);
	*slot = NULL;
	if (run->with->make(slot))
		fetch_add_relaxed(&run->nr_failed, 1);
}

static void release_all(struct run *run, struct dma_buf **live)
{
	for (u32 i = 0; i < NR_LIVE; i++) {
		if (live[i])
			run->with->release(live[i]);
		live[i] = NULL;
	}
}

static void *allocate(void *arg)
{
	struct dma_buf *live[NR_LIVE] = { NULL };
	struct run *run = arg;
	u64 start_ns, cpu_ns, nr_walks;

	run_on(fetch_add_relaxed(&run->nr_bound, 1));
	for (u32 i = 0; run->with->beside == WALKER_IN_TURN && !READ_ONCE(run->has_waited); i++)
		make_next(run, &live[i % NR_LIVE]);
	release_all(run, live);
	pthread_barrier_wait(&run->start);
	nr_walks = READ_ONCE(run->nr_walks);
	start_ns = clock_mono_ns();
	cpu_ns = thread_cpu_ns();
	for (u32 i = 0; i < run->nr_each; i++)
		make_next(run, &live[i % NR_LIVE]);
	release_all(run, live);
	cpu_ns = thread_cpu_ns() - cpu_ns;
	spent(run, start_ns, clock_mono_ns(), cpu_ns, READ_ONCE(run->nr_walks) - nr_walks);
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

static void walk(struct run *run, enum beside beside)
{
	u64 start_ns = clock_mono_ns();

	if (beside == WALKER_IN_TURN)
		dma_buf_walk_wait();
	if (clock_mono_ns() - start_ns > NSEC_PER_MSEC)
		WRITE_ONCE(run->has_waited, 1);
	walk_once();
	WRITE_ONCE(run->nr_walks, run->nr_walks + 1);
	if (beside == WALKER_AT_100_HZ)
		usleep(10000);
}

static void *run_beside(void *arg)
{
	struct run *run = arg;

	run_on(nr_cpus - 1);
	while (!READ_ONCE(run->stop)) {
		if (run->with->beside == SPINNER)
			cpu_relax();
		else
			walk(run, run->with->beside);
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

struct sample {
	double line_ns;		/* from the first CPU to the last, before it */
	double wall_ns;		/* that pass for each buffer */
	double cpu_ns;		/* the allocating threads' CPU time for each buffer */
	double walks_per_s;
};

static struct sample sample(const struct competitor *with, u32 nr_threads, u32 nr_buffers)
{
	struct run run = { .with = with, .nr_threads = nr_threads,
			   .nr_each = nr_buffers * with->times / nr_threads };
	double nr = (double)run.nr_each * nr_threads;
	struct sample s = { .line_ns = handover_ns() };
	pthread_t beside;

	dma_buf_registry_switch(with->listed);
	if (with->beside && pthread_create(&beside, NULL, run_beside, &run))
		exit(1);
	run_threads(&run, allocate);
	s.wall_ns = (run.end_ns - run.start_ns) / nr;
	s.cpu_ns = run.cpu_ns / nr;
	s.walks_per_s = run.nr_walks_timed * 1e9 / (run.end_ns - run.start_ns);
	WRITE_ONCE(run.stop, 1);
	if (with->beside)
		pthread_join(beside, NULL);
	if (run.nr_failed) {
		fprintf(stderr, "dmabuf_registry: %s: %u of %.0f failed\n", with->name,
			run.nr_failed, nr);
		exit(1);
	}
	return s;
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
	spent(run, start_ns, clock_mono_ns(), 0, 0);
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
	u32 nr;
	struct sample rows[NR_COMPETITORS][BENCH_MAX_SAMPLES];	/* in the order taken */
};

static void take(struct table *t, u32 nr_threads, u32 nr_buffers, u32 rounds)
{
	for (u32 i = 0; i < NR_COMPETITORS; i++)
		sample(&competitors[i], nr_threads, nr_buffers / 4);
	for (t->nr = 0; t->nr < rounds; t->nr++) {
		/* Each goes first as often as the others. */
		for (u32 k = 0; k < NR_COMPETITORS; k++) {
			u32 i = (k + t->nr) % NR_COMPETITORS;

			t->rows[i][t->nr] = sample(&competitors[i], nr_threads, nr_buffers);
		}
	}
}

/* Who shares the CPUs with another thread is compared with who does, too. */
static const struct sample *base_of(const struct table *t, u32 row)
{
	return t->rows[competitors[row].beside == WALKER_WITHOUT_PAUSE ? SPINNER_ROW : 0];
}

enum distance { ANY, NEAR, FAR };

static bool is_at(const struct sample *s, enum distance where)
{
	return where == ANY || (s->line_ns < FAR_NS) == (where == NEAR);
}

/* How much more a member is than the base's of the same round, in percent; sorted. */
static struct bench_case more_than(const struct table *t, u32 row, size_t member,
				   enum distance where)
{
	const struct sample *s = t->rows[row], *base = base_of(t, row);
	struct bench_case more = { .name = competitors[row].name };

	for (u32 i = 0; i < t->nr; i++) {
		double with = *(const double *)((const char *)&s[i] + member);
		double without = *(const double *)((const char *)&base[i] + member);

		if (is_at(&s[i], where) && is_at(&base[i], where))
			more.samples[more.nr++] = 100 * (with / without - 1);
	}
	qsort(more.samples, more.nr, sizeof(double), bench_compare);
	return more;
}

/* Sorted. */
static struct bench_case all_of(const struct table *t, u32 row, size_t member)
{
	struct bench_case all = { .name = competitors[row].name, .nr = t->nr };

	for (u32 i = 0; i < t->nr; i++)
		all.samples[i] = *(const double *)((const char *)&t->rows[row][i] + member);
	qsort(all.samples, all.nr, sizeof(double), bench_compare);
	return all;
}

static void print_more(struct bench_case more)
{
	if (!more.nr) {
		printf("  %28s", "-");
		return;
	}
	printf("  %+7.2f (%+6.2f .. %+6.2f) %2u", bench_median(&more), more.samples[more.nr / 4],
	       more.samples[more.nr * 3 / 4], more.nr);
}

static void print_row(const struct table *t, u32 row, u32 nr_threads)
{
	struct bench_case wall = all_of(t, row, offsetof(struct sample, wall_ns));
	struct bench_case walks = all_of(t, row, offsetof(struct sample, walks_per_s));

	printf("%2u %-34s %6.0f", nr_threads, competitors[row].name, bench_median(&wall));
	print_more(more_than(t, row, offsetof(struct sample, wall_ns), ANY));
	print_more(more_than(t, row, offsetof(struct sample, cpu_ns), ANY));
	print_more(more_than(t, row, offsetof(struct sample, cpu_ns), NEAR));
	print_more(more_than(t, row, offsetof(struct sample, cpu_ns), FAR));
	if (bench_median(&walks) > 0)
		printf("  %.0f walks a second", bench_median(&walks));
	printf("%s\n", base_of(t, row) == t->rows[SPINNER_ROW] ? ", than spinning" : "");
}

static void print_lines(const struct table *t, u32 nr_threads)
{
	struct bench_case line = all_of(t, 0, offsetof(struct sample, line_ns));

	printf("%2u a cache line from the first CPU to the last: %.0f ns (%.0f .. %.0f)\n",
	       nr_threads, bench_median(&line), line.samples[0], line.samples[line.nr - 1]);
}

static void print_rows(const struct table *t, u32 nr_threads, const struct bench_options *opts)
{
	struct bench_case wall[NR_COMPETITORS], cpu[NR_COMPETITORS];
	char bench[64];

	print_lines(t, nr_threads);
	for (u32 i = 0; i < NR_COMPETITORS; i++) {
		print_row(t, i, nr_threads);
		wall[i] = all_of(t, i, offsetof(struct sample, wall_ns));
		cpu[i] = all_of(t, i, offsetof(struct sample, cpu_ns));
	}
	snprintf(bench, sizeof(bench), "dmabuf-registry-%u", nr_threads);
	bench_json(opts, bench, "ns/buffer", wall, NR_COMPETITORS);
	bench_json(opts, bench, "CPU ns/buffer", cpu, NR_COMPETITORS);
}

static void print_alone(const struct table *t, u32 nr_threads, const struct bench_options *opts)
{
	struct bench_case alone = { "list alone", list_alone, &nr_threads, 1 };
	struct bench_case off = all_of(t, 0, offsetof(struct sample, wall_ns));
	double off_ns = bench_median(&off);
	char bench[64];

	bench_run(&alone, 1, opts->rounds);
	printf("%2u %-34s %6.1f  = %.2f %% of \"list off\" (%.2f .. %.2f)\n\n", nr_threads,
	       "in and out of the list, back to back", bench_median(&alone),
	       100 * bench_median(&alone) / off_ns, 100 * alone.samples[alone.nr / 4] / off_ns,
	       100 * alone.samples[alone.nr * 3 / 4] / off_ns);
	snprintf(bench, sizeof(bench), "dmabuf-registry-alone-%u", nr_threads);
	bench_json(opts, bench, "ns", &alone, 1);
}

static int only(const char *name, u32 nr_threads, u32 nr_buffers)
{
	for (u32 i = 0; i < NR_COMPETITORS; i++) {
		struct competitor one = competitors[i];

		if (strcmp(name, one.name))
			continue;
		one.times = 1;
		printf("%s: %.0f ns\n", name, sample(&one, nr_threads, nr_buffers).wall_ns);
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
		printf("one page allocated and freed; median of %u: ns for each, and %% more than\n"
		       "\"list off\" (quartiles) samples\n"
		       "%44s  %28s  %28s  %28s  %28s\n", opts.rounds, "threads           ns",
		       "time passed", "CPU time", "CPU time, near", "CPU time, far");
	}
	for (u32 nr = min_threads; nr <= max_threads; nr *= 2) {
		static struct table t;

		take(&t, nr, nr_buffers, opts.rounds);
		print_rows(&t, nr, &opts);
		print_alone(&t, nr, &opts);
	}
	rmdir(files_dir);
	if (!alone)
		printf("the kernel's files for each buffer took 39 %% of the time to create a buffer\n"
		       "of one page (+64 %%), and 74 %% of the export in it (+285 %%)\n");
	return err;
}
