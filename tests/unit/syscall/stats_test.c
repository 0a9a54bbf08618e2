/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * BPF_ENABLE_STATS: who asks, and what is counted meanwhile.  What the kernel counts stands
 * beside it in bpf_differ.
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"

static int stats_open(void)
{
	return BPF(BPF_ENABLE_STATS, .enable_stats = { .type = BPF_STATS_RUN_TIME });
}

static struct bpf_prog_info info_of(int prog)
{
	struct bpf_prog_info info = { 0 };

	EXPECT_EQ(BPF(BPF_OBJ_GET_INFO_BY_FD, .info = { prog, sizeof(info), PTR(&info) }), 0);
	return info;
}

static int prog_returning_0(void)
{
	const struct bpf_insn insns[] = { MOV_K(0, 0), EXIT() };
	int prog = SYSCALL_PROG(insns);

	EXPECT_TRUE(prog >= 0);
	return prog;
}

static void run_times(int prog, u32 nr)
{
	u32 value;

	while (nr--)
		EXPECT_EQ(prog_test_run(prog, NULL, 0, &value), 0);
}

TEST(stats, runs_are_counted_while_a_descriptor_is_open)
{
	int prog = prog_returning_0(), one, two;

	run_times(prog, 3);
	EXPECT_EQ(info_of(prog).run_cnt, 0);
	one = stats_open();
	EXPECT_TRUE(one >= 0);
	run_times(prog, 10);
	EXPECT_EQ(info_of(prog).run_cnt, 10);
	EXPECT_TRUE(info_of(prog).run_time_ns > 0);
	two = stats_open();
	EXPECT_TRUE(two >= 0);
	EXPECT_EQ(rove_bpf_close(one), 0);
	run_times(prog, 10);
	EXPECT_EQ(info_of(prog).run_cnt, 20);
	EXPECT_EQ(rove_bpf_close(two), 0);
	run_times(prog, 10);
	EXPECT_EQ(info_of(prog).run_cnt, 20);
	EXPECT_EQ(rove_bpf_close(prog), 0);
}

TEST(stats, a_plain_close_is_noticed_when_ids_are_listed)
{
	int prog = prog_returning_0();

	close(stats_open());
	count_ids(BPF_PROG_GET_NEXT_ID);
	run_times(prog, 10);
	EXPECT_EQ(info_of(prog).run_cnt, 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
}

#define NR_THREADS 8
#define NR_RUNS 2000

static void *run_many(void *arg)
{
	run_times((int)(intptr_t)arg, NR_RUNS);
	return NULL;
}

TEST(stats, no_run_is_lost_when_many_threads_run_one_program)
{
	int prog = prog_returning_0(), stats = stats_open();
	pthread_t threads[NR_THREADS];

	for (u32 i = 0; i < NR_THREADS; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, run_many, (void *)(intptr_t)prog), 0);
	for (u32 i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(info_of(prog).run_cnt, NR_THREADS * NR_RUNS);
	EXPECT_EQ(rove_bpf_close(stats), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
}

TEST(stats, there_is_one_kind_of_them)
{
	EXPECT_EQ(BPF(BPF_ENABLE_STATS, .enable_stats = { .type = BPF_STATS_RUN_TIME + 1 }),
		  -EINVAL);
}
