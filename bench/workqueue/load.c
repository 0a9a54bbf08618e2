/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/workqueue/load.c - one load on one peer, in a child process
 *
 * Ordering: an item's decrement is a release, the one that reaches zero also an
 * acquire: what all items of the batch did comes before the producer goes on.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/futex.h"
#include "bench/workqueue/hist.h"
#include "bench/workqueue/load.h"

#define CHILD_SECONDS 60
#define WARM_UP_PART 8 /* of the items */
#define LINE 64

enum { WORD_RUNNING, WORD_DONE, WORD_SLEEPS };

/* How many items are missing, and the one thread that waits for them. */
struct done {
	u32 left __attribute__((aligned(LINE)));
	u32 word;
};

struct producer {
	struct done done;
	u64 ran __attribute__((aligned(LINE))); /* when the callback ran, WQ_WAKEUP */
	u64 start, end;
	char *items;
	struct wq_item **order; /* the same, one pointer each */
	struct hist hist;
} __attribute__((aligned(LINE)));

/* All of this belongs to the child. */
static struct {
	const struct wq_peer *peer;
	const struct wq_load *load;
	u32 nr_items; /* of each producer: warm-up or the real thing */
	u32 batch;
	u64 item_bytes;
	u64 cpu_ns; /* used for them by all threads */
	pthread_barrier_t barrier;
	u32 shared_left __attribute__((aligned(LINE)));
	struct producer *producers;
} run;

static void done_begin(struct done *done, u32 nr)
{
	WRITE_ONCE(done->word, WORD_RUNNING);
	store_release(&done->left, nr);
}

static void done_put(struct done *done)
{
	if (sub_fetch_acq_rel(&done->left, 1))
		return;
	if (xchg_acq_rel(&done->word, WORD_DONE) == WORD_SLEEPS)
		futex_wake(&done->word, 1);
}

static void done_wait(struct done *done)
{
	u32 seen = WORD_RUNNING;

	if (cmpxchg_acq_rel(&done->word, &seen, WORD_SLEEPS))
		seen = WORD_SLEEPS;
	while (seen != WORD_DONE) {
		futex_wait(&done->word, WORD_SLEEPS, FUTEX_FOREVER);
		seen = load_acquire(&done->word);
	}
}

static void item_count(struct wq_item *item)
{
	struct producer *p = item->ctx;

	done_put(&p->done);
}

static void item_count_shared(struct wq_item *item)
{
	struct producer *p = item->ctx;

	fetch_add_relaxed(&run.shared_left, -1);
	done_put(&p->done);
}

static void item_when(struct wq_item *item)
{
	struct producer *p = item->ctx;

	p->ran = tick_now();
	done_put(&p->done);
}

static struct wq_item *item_at(struct producer *p, u32 i)
{
	return (struct wq_item *)(p->items + i * run.item_bytes);
}

/* One call for all: each item is charged an equal part of it. */
static void submit_many(struct producer *p, u32 index, u32 nr)
{
	u64 before = tick_now(), ticks;

	run.peer->submit_many(p->order, nr, index);
	ticks = (tick_now() - before) / nr;
	for (u32 i = 0; i < nr; i++)
		hist_add(&p->hist, ticks);
}

static void submit_each(struct producer *p, u32 index, u32 nr)
{
	void (*submit)(struct wq_item *item, u32 producer) = run.peer->submit;

	for (u32 i = 0; i < nr; i++) {
		u64 before = tick_now();

		submit(item_at(p, i), index);
		hist_add(&p->hist, tick_now() - before);
	}
}

static void submit_batch(struct producer *p, u32 index, u32 nr)
{
	done_begin(&p->done, nr);
	if (run.peer->submit_many)
		submit_many(p, index, nr);
	else
		submit_each(p, index, nr);
	if (run.peer->wait)
		run.peer->wait(p->order, nr, index);
	else
		done_wait(&p->done);
}

static void produce(struct producer *p, u32 index)
{
	u32 left = run.nr_items;

	while (left) {
		u32 nr = min(left, run.batch);

		submit_batch(p, index, nr);
		left -= nr;
	}
}

/* Counts, whatever wait a peer has: a helping waiter would wake nobody. */
static void produce_wakeups(struct producer *p, u32 index)
{
	for (u32 i = 0; i < run.nr_items; i++) {
		u64 before;

		if (run.load->pause_us)
			usleep(run.load->pause_us);
		done_begin(&p->done, 1);
		before = tick_now();
		run.peer->submit(item_at(p, 0), index);
		done_wait(&p->done);
		hist_add(&p->hist, p->ran > before ? p->ran - before : 0);
	}
}

static void pin_to(u32 index)
{
	u32 nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(index % nr_cpus, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void producer_thread(u32 index)
{
	struct producer *p = &run.producers[index];

	if (run.load->pinned)
		pin_to(index);
	pthread_barrier_wait(&run.barrier);
	p->start = tick_now();
	if (run.load->kind == WQ_THROUGHPUT)
		produce(p, index);
	else if (index == 0)
		produce_wakeups(p, index);
	p->end = tick_now();
}

static void *producer_main(void *index)
{
	producer_thread((uintptr_t)index);
	return NULL;
}

static void run_producers(u32 nr)
{
	pthread_t threads[WQ_MAX_PRODUCERS];

	if (run.peer->producers) {
		run.peer->producers(nr, producer_thread);
		return;
	}
	for (u32 i = 0; i < nr; i++)
		if (pthread_create(&threads[i], NULL, producer_main, (void *)(uintptr_t)i))
			abort();
	for (u32 i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
}

static void items_init(struct producer *p)
{
	void (*fn)(struct wq_item *item) = run.load->kind == WQ_WAKEUP ? item_when :
					   run.load->shared ? item_count_shared : item_count;

	for (u32 i = 0; i < run.batch; i++) {
		struct wq_item *item = item_at(p, i);

		p->order[i] = item;
		item->run = fn;
		item->ctx = p;
		if (run.peer->item_init)
			run.peer->item_init(item);
	}
}

static int producers_init(u32 nr)
{
	run.item_bytes = (run.peer->item_bytes + LINE - 1) / LINE * LINE;
	run.producers = aligned_alloc(LINE, nr * sizeof(*run.producers));
	if (!run.producers)
		return -ENOMEM;
	memset(run.producers, 0, nr * sizeof(*run.producers));
	for (u32 i = 0; i < nr; i++) {
		struct producer *p = &run.producers[i];

		p->items = aligned_alloc(LINE, run.batch * run.item_bytes);
		p->order = calloc(run.batch, sizeof(p->order[0]));
		if (!p->items || !p->order)
			return -ENOMEM;
		memset(p->items, 0, run.batch * run.item_bytes);
		items_init(p);
	}
	return 0;
}

static u64 cpu_used_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (u64)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NSEC_PER_SEC +
	       (u64)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * NSEC_PER_USEC;
}

static void measure(u32 nr_producers, u32 nr_items)
{
	run.nr_items = nr_items;
	run.shared_left = nr_items * nr_producers;
	for (u32 i = 0; i < nr_producers; i++)
		memset(&run.producers[i].hist, 0, sizeof(struct hist));
	run.cpu_ns = cpu_used_ns();
	run_producers(nr_producers);
	run.cpu_ns = cpu_used_ns() - run.cpu_ns;
}

static void fill_sample(u32 nr_producers, const struct tick_clock *clock, struct wq_sample *sample)
{
	static struct hist all;
	u64 start = UINT64_MAX, end = 0;
	double nr_items;

	for (u32 i = 0; i < nr_producers; i++) {
		start = min(start, run.producers[i].start);
		end = max(end, run.producers[i].end);
		hist_merge(&all, &run.producers[i].hist);
	}
	nr_items = (double)run.nr_items * (run.load->kind == WQ_WAKEUP ? 1 : nr_producers);
	sample->items_per_s = nr_items * 1e9 / ((double)(end - start) * clock->ns_per_tick);
	sample->cpu_ns = (double)run.cpu_ns / nr_items;
	sample->mean_ns = all.nr ? (double)all.sum / (double)all.nr * clock->ns_per_tick : 0;
	sample->p50_ns = hist_quantile(&all, 0.50) * clock->ns_per_tick;
	sample->p90_ns = hist_quantile(&all, 0.90) * clock->ns_per_tick;
	sample->p99_ns = hist_quantile(&all, 0.99) * clock->ns_per_tick;
	sample->err = 0;
	if (run.load->shared && READ_ONCE(run.shared_left)) {
		sample->err = -EILSEQ;
		snprintf(sample->why, sizeof(sample->why), "%u items ran too few or too often",
			 run.shared_left);
	}
}

static const struct wq_peer *entry_peer(const struct wq_entry *entry, const char **why)
{
	const struct wq_peer *const *peers;
	void *lib;

	if (entry->peer)
		return entry->peer;
	lib = dlopen(entry->library, RTLD_NOW | RTLD_LOCAL);
	if (!lib) {
		*why = dlerror();
		return NULL;
	}
	peers = dlsym(lib, WQ_PEERS_SYMBOL);
	return peers ? peers[entry->index] : NULL;
}

static int child_run(const struct wq_entry *entry, const struct wq_load *load,
		     const struct tick_clock *clock, const char **why, struct wq_sample *sample)
{
	/* A region of OpenMP needs a thread that runs what producer 0 submits. */
	u32 nr_threads = load->nr_producers;
	struct wq_conf conf = { .nr_workers = load->nr_workers };
	int err;

	run.peer = entry_peer(entry, why);
	if (!run.peer)
		return -ENOENT;
	if (run.peer->producers && load->kind == WQ_WAKEUP)
		nr_threads += load->nr_workers;
	run.load = load;
	run.batch = load->kind == WQ_WAKEUP ? 1 : load->batch ?: load->nr_items;
	conf.nr_producers = nr_threads;
	conf.max_in_flight = run.batch;
	pthread_barrier_init(&run.barrier, NULL, nr_threads);
	err = run.peer->init(&conf, why) ?: producers_init(nr_threads);
	if (err)
		return err;
	measure(nr_threads, max(load->nr_items / WARM_UP_PART, 1u));
	measure(nr_threads, load->nr_items);
	fill_sample(load->nr_producers, clock, sample);
	run.peer->fini();
	return sample->err;
}

static void child_main(const struct wq_entry *entry, const struct wq_load *load,
		       const struct tick_clock *clock, struct wq_sample *sample)
{
	const char *why = NULL;

	alarm(CHILD_SECONDS);
	sample->err = child_run(entry, load, clock, &why, sample);
	if (why && sample->err)
		snprintf(sample->why, sizeof(sample->why), "%s", why);
	_exit(0);
}

/**
 * load_run - measure once
 * @entry:       what runs the items
 * @load:        which items
 * @clock:       of tick_calibrate()
 * @ret_sample:  always written; .err is 0 or why there are no figures
 *
 * Context: may sleep; the process must have one thread only.
 */
void load_run(const struct wq_entry *entry, const struct wq_load *load,
	      const struct tick_clock *clock, struct wq_sample *ret_sample)
{
	struct wq_sample *sample = mmap(NULL, sizeof(*sample), PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;
	pid_t pid;

	memset(ret_sample, 0, sizeof(*ret_sample));
	ret_sample->err = -ENOMEM;
	if (sample == MAP_FAILED)
		return;
	fflush(NULL);
	sample->err = -ECHILD;
	pid = fork();
	if (pid == 0)
		child_main(entry, load, clock, sample);
	if (pid > 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	if (pid > 0 && WIFSIGNALED(status)) {
		sample->err = -ECHILD;
		snprintf(sample->why, sizeof(sample->why),
			 WTERMSIG(status) == SIGALRM ? "not finished after %d s" : "signal %d",
			 WTERMSIG(status) == SIGALRM ? CHILD_SECONDS : WTERMSIG(status));
	}
	*ret_sample = *sample;
	munmap(sample, sizeof(*sample));
}
