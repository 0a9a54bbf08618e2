/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/torture/perf_torture.c - attach and detach while samples arrive
 *
 * Each of six threads opens events for itself or for one of the others, attaches a program of its
 * own, waits for samples or not, and closes link, event and program in any order; or it
 * changes the hash that all programs change in handlers, or allocates, or ends and is made
 * again.  When a link is closed its program has run for the last time: its count
 * does not move any more.  When all is over nothing is held.
 * ROVE_TORTURE_SECONDS (2) bounds the run.
 */
#include <pthread.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "tests/test.h"
#include "tests/torture/torture.h"
#include "tests/unit/perf/perf.h"

#define NR_THREADS 6
#define NR_KEYS 64

/* The fastest are more than a thread can take: they are silenced. */
static const u64 periods_ns[] = { 20000, 20000, 50000, 200000 };
static const u32 event_clocks[] = { PERF_COUNT_SW_TASK_CLOCK, PERF_COUNT_SW_CPU_CLOCK };

static bool stop;
static int tids[NR_THREADS];
static int hash;
static u64 nr_attached, nr_sampled, nr_refused;

/* Counts in the one value of @map, and replaces and deletes elements of the hash. */
static int busy_prog(int map)
{
	const struct bpf_insn insns[] = {
		LD_MAP_VALUE(6, map, 0),
		MOV_K(2, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 6, 2, 0, BPF_ADD),
		CALL(BPF_FUNC_get_prandom_u32),
		INSN(BPF_ALU64 | BPF_AND | BPF_K, 0, 0, 0, NR_KEYS - 1),
		STX(BPF_W, 10, 0, -4),
		STX(BPF_DW, 10, 0, -16),
		MOV_X(2, 10),
		ADD_K(2, -4),
		MOV_X(3, 10),
		ADD_K(3, -16),
		MOV_K(4, 0),
		LD_MAP(1, hash),
		CALL(BPF_FUNC_map_update_elem),
		MOV_X(2, 10),
		ADD_K(2, -4),
		LD_MAP(1, hash),
		CALL(BPF_FUNC_map_delete_elem),
		MOV_K(0, 0),
		EXIT(),
	};

	return PERF_PROG(insns);
}

static void spin(void)
{
	for (volatile int i = 0; i < 20000; i++)
		;
}

/* Some samples, if they come at all: the thread may sleep, or have ended. */
static void wait_for_samples(int map, u32 nr_spins)
{
	while (nr_spins-- && count_of(map) < 3)
		spin();
}

static void check_silence(int map, u32 nr_spins)
{
	u64 last = count_of(map);

	while (nr_spins--)
		spin();
	if (count_of(map) != last)
		abort();	/* not in the test's own thread */
	__atomic_fetch_add(&nr_sampled, last, __ATOMIC_RELAXED);
}

static void attach_somewhere(int tid, u64 r)
{
	int event = event_of(event_clocks[r >> 14 & 1], tid, periods_ns[r >> 15 & 3]);
	int map, prog, link;

	if (event < 0)
		return;		/* it has ended */
	map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	prog = busy_prog(map);
	if (r & 1)
		ioctl(event, PERF_EVENT_IOC_ENABLE, 0);
	link = attach(prog, event);
	ioctl(event, PERF_EVENT_IOC_ENABLE, 0);
	if (r & 2)
		close(event);
	if (r & 4)
		rove_bpf_close(prog);
	wait_for_samples(map, r >> 8 & 15);
	if (link >= 0) {
		__atomic_fetch_add(&nr_attached, 1, __ATOMIC_RELAXED);
		rove_bpf_close(link);
	} else {
		__atomic_fetch_add(&nr_refused, 1, __ATOMIC_RELAXED);
	}
	check_silence(map, r >> 12 & 3);
	if (!(r & 2))
		close(event);
	if (!(r & 4))
		rove_bpf_close(prog);
	rove_bpf_close(map);
}

static void change_hash(u64 r)
{
	u32 key = r >> 16 & (NR_KEYS - 1);
	u64 value = r;

	if (r & 1)
		map_update(hash, &key, &value, BPF_ANY);
	else
		map_delete(hash, &key);
}

static void *worker(void *arg)
{
	int self = (int)(intptr_t)arg;
	u64 random = 88172645463325252ull ^ clock_mono_ns();

	__atomic_store_n(&tids[self], gettid(), __ATOMIC_RELAXED);
	/* Many threads end soon, while they are sampled. */
	for (u32 turns = next_random(&random) % (2 + (next_random(&random) & 127));
	     turns && !READ_ONCE(stop); turns--) {
		u64 r = next_random(&random);
		int tid = r >> 32 & 1 ? 0 : READ_ONCE(tids[(r >> 33) % NR_THREADS]);

		if (r >> 40 & 1)
			attach_somewhere(tid, r);
		for (u32 i = r >> 41 & 31; i; i--)
			change_hash(next_random(&random));
		free(malloc(r >> 50));
	}
	return NULL;
}

TEST(perf_torture, no_program_runs_when_its_link_is_closed)
{
	int event = EVENT_OR_SKIP(0);
	u64 until = clock_mono_ns() + torture_ns();
	pthread_t threads[NR_THREADS];

	close(event);
	hash = map_new(BPF_MAP_TYPE_HASH, 4, 8, NR_KEYS, 0);
	for (intptr_t i = 0; i < NR_THREADS; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, worker, (void *)i), 0);
	/* Threads end and are made again, with whatever is attached to them. */
	for (intptr_t i = 0; clock_mono_ns() < until; i = (i + 1) % NR_THREADS) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(pthread_create(&threads[i], NULL, worker, (void *)i), 0);
	}
	WRITE_ONCE(stop, true);
	for (int i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(rove_bpf_close(hash), 0);
	EXPECT_EQ(count_ids(BPF_LINK_GET_NEXT_ID), 0);
	EXPECT_EQ(count_ids(BPF_PROG_GET_NEXT_ID), 0);
	EXPECT_EQ(count_ids(BPF_MAP_GET_NEXT_ID), 0);
	print_message("# %llu attached, %llu samples, %llu refused\n", (unsigned long long)nr_attached,
		      (unsigned long long)nr_sampled, (unsigned long long)nr_refused);
	EXPECT_TRUE(nr_attached > 0);
	EXPECT_TRUE(nr_sampled > 0);
}
