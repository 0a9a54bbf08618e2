/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * async_mix_torture.c - everything that timers and works live in ends while they run
 *
 * Real programs (tests/progs/async_mix.bpf.c) run on threads that come and go and in the signal
 * handlers of events on them: in two hashes whose callbacks cancel each other's timers and
 * delete and replace elements, their own among them, a LRU hash that is too small, an array, maps in a map
 * that are replaced, values of the threads.  Their ring buffer is full.  Some timers are due
 * at once, others never.
 *
 * Each round ends in one of two ways: all is closed while everything runs; or the threads stop,
 * and each value is given one last start, which must be followed by its callback.  After
 * both nothing of it may be left, and no callback may have been given a value that was not its own.
 *
 * ROVE_TORTURE_SECONDS says how long (2).
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/target.h"
#include "tests/progs/async_mix.h"
#include "tests/torture/torture.h"
#include "tests/unit/async/async_map.h"
#include "tests/unit/perf/perf.h"

#define OBJECT "build/tests/progs/async_mix.bpf.o"
#define NR_THREADS 4
#define RUNS_OF_A_THREAD 200
#define NR_REPLACED 20		/* maps in the map, in a round */
#define EVENT_NS 150000

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MAY_FORK 0	/* beside threads that allocate */
#else
#define MAY_FORK 1
#endif

/* A descriptor that one thread closes while another one uses it is a race to ThreadSanitizer. */
#ifdef __SANITIZE_THREAD__
#define MAY_CLOSE_FIRST 0
#else
#define MAY_CLOSE_FIRST 1
#endif

static struct bpf_object *obj;
static int run_fd, event_fd_of_prog, sums_fd;
static u32 stop;			/* A */
static u64 nr_runs, nr_events, nr_threads_made, nr_rounds, nr_forks;

static int fd_of_map(const char *name)
{
	return bpf_map__fd(bpf_object__find_map_by_name(obj, name));
}

static int fd_of_prog(const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(obj, name));
}

static void open_all(void)
{
	obj = bpf_object__open_file(OBJECT, NULL);
	EXPECT_TRUE(obj != NULL);
	EXPECT_EQ(bpf_object__load(obj), 0);
	run_fd = fd_of_prog("mix");
	event_fd_of_prog = fd_of_prog("mix_event");
	sums_fd = fd_of_map("sums");
	WRITE_ONCE(stop, 0);
}

/* Return: what the program says, or -errno of the call, as when its descriptor was closed. */
static int run(u32 last)
{
	struct mix_args args = { .rounds = 50, .last = last };
	union bpf_attr attr = {
		.test.prog_fd = run_fd,
		.test.ctx_in = PTR(&args),
		.test.ctx_size_in = sizeof(args),
	};
	int err = rove_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));

	return err ?: args.result;
}

static struct mix_sums all_sums(void)
{
	struct mix_sums s = { 0 };
	u32 key = 0;

	EXPECT_EQ(map_lookup(sums_fd, &key, &s), 0);
	return s;
}

/* --- threads ------------------------------------------------------------------------------------ */

/* A link that runs the other program on this thread, or -errno: not everybody may have events. */
static int begin_samples(int *ret_event)
{
	int event = clock_event(0, EVENT_NS), link;

	*ret_event = event;
	if (event < 0)
		return event;
	link = attach(event_fd_of_prog, event);
	if (link >= 0 && !ioctl(event, PERF_EVENT_IOC_ENABLE, 0))
		__atomic_fetch_add(&nr_events, 1, __ATOMIC_RELAXED);
	return link;
}

static void *run_for_a_while(void *arg)
{
	int event, link = begin_samples(&event);

	for (u32 i = 0; i < RUNS_OF_A_THREAD && !READ_ONCE(stop); i++) {
		if (run(0) < 0)
			break;
		__atomic_fetch_add(&nr_runs, 1, __ATOMIC_RELAXED);
	}
	if (link >= 0)
		rove_bpf_close(link);
	if (event >= 0)
		close(event);
	return NULL;
}

/* Threads end and are made again, with whatever is armed in their values. */
static void *keep_threads(void *arg)
{
	pthread_t thread;

	while (!READ_ONCE(stop)) {
		EXPECT_EQ(pthread_create(&thread, NULL, run_for_a_while, NULL), 0);
		pthread_join(thread, NULL);
		__atomic_fetch_add(&nr_threads_made, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* --- what happens meanwhile -------------------------------------------------------------------- */

static int new_inner(void)
{
	const struct bpf_map *like = bpf_object__find_map_by_name(obj, "inner");
	LIBBPF_OPTS(bpf_map_create_opts, opts, .btf_fd = bpf_object__btf_fd(obj),
		    .btf_key_type_id = bpf_map__btf_key_type_id(like),
		    .btf_value_type_id = bpf_map__btf_value_type_id(like));

	return bpf_map_create(BPF_MAP_TYPE_HASH, "inner", 4, bpf_map__value_size(like), MIX_KEYS,
			      &opts);
}

/* The one that was there loses its last descriptor when it is taken out, or long before. */
static void replace_inner(u32 i)
{
	u32 key = i & 1;
	int fd = new_inner();

	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(bpf_map_update_elem(fd_of_map("outer"), &key, &fd, BPF_ANY), 0);
	for (u32 runs = 0; runs < 5; runs++)
		EXPECT_TRUE(run(0) >= 0);
	rove_bpf_close(fd);
}

static void make_children(void)
{
	char *const argv[] = { "true", NULL };
	int status = -1;
	pid_t child;

	if (!MAY_FORK)
		return;
	child = fork();
	if (!child)
		_exit(0);
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	child = fork();
	if (!child) {
		execv("/bin/true", argv);
		_exit(1);
	}
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	nr_forks += 2;
}

/* --- ends ---------------------------------------------------------------------------------------- */

static void expect_last_starts_count(void)
{
	for (u32 key = 0; key < MIX_KEYS; key++) {
		u64 before = all_sums().last[key];

		EXPECT_EQ(run(key + 1), 0);
		while (all_sums().last[key] == before)
			sched_yield();
	}
}

static void expect_nothing_is_left(void)
{
	for (u32 i = 0; i < 1000; i++) {
		wait_for_reapers();
		if (!count_ids(BPF_PROG_GET_NEXT_ID) && !count_ids(BPF_MAP_GET_NEXT_ID) &&
		    !count_ids(BPF_LINK_GET_NEXT_ID))
			return;
	}
	EXPECT_EQ(count_ids(BPF_LINK_GET_NEXT_ID), 0);
	EXPECT_EQ(count_ids(BPF_PROG_GET_NEXT_ID), 0);
	EXPECT_EQ(count_ids(BPF_MAP_GET_NEXT_ID), 0);
}

/* @close_first: while threads run; in any case while callbacks do. */
static void one_round(bool close_first)
{
	pthread_t threads[NR_THREADS];
	struct mix_sums s;

	open_all();
	for (u32 i = 0; i < NR_THREADS; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, keep_threads, NULL), 0);
	for (u32 i = 0; i < NR_REPLACED; i++)
		replace_inner(i);
	make_children();
	s = all_sums();
	EXPECT_EQ(s.bad, 0);
	if (close_first) {
		WRITE_ONCE(stop, 1);
		bpf_object__close(obj);
	}
	WRITE_ONCE(stop, 1);
	for (u32 i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	if (!close_first) {
		expect_last_starts_count();
		s = all_sums();
		EXPECT_EQ(s.bad, 0);
		EXPECT_TRUE(s.ticks > 0 && s.works > 0);
		bpf_object__close(obj);
	}
	expect_nothing_is_left();
	nr_rounds++;
}

TEST(async_mix_torture, whatever_ends_takes_its_timers_and_works_along)
{
	u64 end = clock_mono_ns() + torture_ns();

	target_use(&target_self);
	do {
		one_round(false);
		one_round(MAY_CLOSE_FIRST);
	} while (clock_mono_ns() < end);
	print_message("# %llu rounds, %llu runs, %llu threads, %llu with events, %llu children\n",
		      (unsigned long long)nr_rounds, (unsigned long long)nr_runs,
		      (unsigned long long)nr_threads_made, (unsigned long long)nr_events,
		      (unsigned long long)nr_forks);
}
