/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What an event's program is run for and what it misses: every sample is one or the other.
 */
#include <rove/bpf.h>

union bpf_attr;

/* Who answers bpf(2): this process, or the kernel. */
static int (*implementor)(int cmd, union bpf_attr *attr, unsigned int size) = rove_bpf;
#define rove_bpf(cmd, attr, size) implementor(cmd, attr, size)

#include <pthread.h>

#include "base/atomic.h"
#include "tests/test.h"
#include "tests/unit/perf/other.h"
#include "tests/unit/perf/perf.h"

/* What the program keeps in the one value of its array. */
struct kept {
	u64 inside;	/* runs that have begun and not ended */
	u64 nr_nested;	/* runs that have found one inside */
	u64 nr_done;
};

static int kept_map(void)
{
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct kept), 1, 0);

	EXPECT_TRUE(map >= 0);
	return map;
}

static struct kept kept_in(int map)
{
	struct kept kept;
	u32 key = 0;

	EXPECT_EQ(map_lookup(map, &key, &kept), 0);
	return kept;
}

#define KEEP(member, by) \
	MOV_K(1, by), INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 6, 1, offsetof(struct kept, member), BPF_ADD)

/* Goes round @nr times. */
static int slow_prog(int map, u32 nr)
{
	const struct bpf_insn insns[] = {
		LD_MAP_VALUE(6, map, 0),
		LDX(BPF_DW, 2, 6, offsetof(struct kept, inside)),
		KEEP(inside, 1),
		JMP_K(BPF_JEQ, 2, 0, 2),
		KEEP(nr_nested, 1),
		MOV_K(2, nr),
		ADD_K(2, -1),
		JMP_K(BPF_JNE, 2, 0, -2),
		KEEP(nr_done, 1),
		KEEP(inside, -1),
		MOV_K(0, 0),
		EXIT(),
	};
	int prog = PERF_PROG(insns);

	EXPECT_TRUE(prog >= 0);
	return prog;
}

static struct bpf_prog_info info_of(int prog)
{
	struct bpf_prog_info info = { 0 };

	EXPECT_EQ(BPF(BPF_OBJ_GET_INFO_BY_FD, .info = { prog, sizeof(info), PTR(&info) }), 0);
	return info;
}

static int stats_open(void)
{
	int fd = BPF(BPF_ENABLE_STATS, .enable_stats = { .type = BPF_STATS_RUN_TIME });

	EXPECT_TRUE(fd >= 0);
	return fd;
}

#ifdef __SANITIZE_THREAD__
#define SLOW 2000	/* it takes the signals that come meanwhile, which costs time, too */
#else
#define SLOW 200000	/* some periods long */
#endif

TEST(perf_count, runs_are_counted_and_timed_when_somebody_asks)
{
	int event = EVENT_OR_SKIP(0), map = kept_map(), prog = slow_prog(map, 1);
	int link = attach(prog, event), stats;

	event_start(event);
	while (kept_in(map).nr_done < 3)
		close(-1);
	EXPECT_EQ(info_of(prog).run_cnt, 0);
	event_stop(event);
	stats = stats_open();
	for (u64 before = kept_in(map).nr_done; ; close(-1)) {
		u64 now = kept_in(map).nr_done;

		EXPECT_EQ(info_of(prog).run_cnt, now - before);
		if (now - before >= 10)
			break;
		event_start(event);
		while (kept_in(map).nr_done == now)
			close(-1);
		event_stop(event);
	}
	EXPECT_TRUE(info_of(prog).run_time_ns > 0);
	EXPECT_EQ(rove_bpf_close(stats), 0);
	EXPECT_EQ(rove_bpf_close(link), 0);
	close(event);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

static int kernel_bpf(int cmd, union bpf_attr *attr, unsigned int size)
{
	int ret = syscall(SYS_bpf, cmd, attr, size);

	return ret < 0 ? -errno : ret;
}

/* Its own runs are all that is counted of a program, and each is timed. */
static void expect_all_counted(int (*drop)(int fd))
{
	int event = clock_event(0, PERIOD_NS), map = kept_map(), prog = slow_prog(map, 1);
	int stats = stats_open(), link = attach(prog, event);

	EXPECT_TRUE(link >= 0);
	event_start(event);
	while (kept_in(map).nr_done < 10)
		close(-1);
	event_stop(event);
	EXPECT_EQ(info_of(prog).run_cnt, kept_in(map).nr_done);
	EXPECT_TRUE(info_of(prog).run_time_ns > 0);
	EXPECT_EQ(drop(link), 0);
	EXPECT_EQ(drop(stats), 0);
	EXPECT_EQ(drop(prog), 0);
	EXPECT_EQ(drop(map), 0);
	close(event);
}

TEST(perf_count, every_run_is_counted_as_in_the_kernel)
{
	int probe;

	close(EVENT_OR_SKIP(0));
	expect_all_counted(rove_bpf_close);
	implementor = kernel_bpf;
	probe = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	if (probe >= 0) {
		close(probe);
		expect_all_counted(close);
	}
	implementor = rove_bpf;
	if (probe < 0)
		SKIP("no bpf(2) of the kernel's: %s", strerror(-probe));
}

/* Until a sample came while a program ran.  ThreadSanitizer merges signals of one number. */
static bool has_missed(int prog)
{
#ifdef __SANITIZE_THREAD__
	return true;
#endif
	return info_of(prog).recursion_misses > 0;
}

TEST(perf_count, a_sample_that_comes_while_the_program_runs_is_counted_and_not_run)
{
	int event = EVENT_OR_SKIP(0), map = kept_map(), prog = slow_prog(map, SLOW);
	int link = attach(prog, event);

	event_start(event);
	while (kept_in(map).nr_done < 3 || !has_missed(prog))
		close(-1);
	event_stop(event);
	EXPECT_EQ(kept_in(map).inside, 0);
	EXPECT_EQ(kept_in(map).nr_nested, 0);
	EXPECT_EQ(rove_bpf_close(link), 0);
	close(event);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

TEST(perf_count, no_program_of_another_event_runs_meanwhile_either)
{
	int slow_event = EVENT_OR_SKIP(0), quick_event = clock_event(0, PERIOD_NS);
	int map = kept_map(), slow = slow_prog(map, SLOW), quick = slow_prog(map, 1);
	int slow_link = attach(slow, slow_event), quick_link = attach(quick, quick_event);

	event_start(slow_event);
	event_start(quick_event);
	while (kept_in(map).nr_done < 10 || !has_missed(quick))
		close(-1);
	event_stop(quick_event);
	event_stop(slow_event);
	EXPECT_EQ(kept_in(map).nr_nested, 0);
	EXPECT_EQ(rove_bpf_close(quick_link), 0);
	EXPECT_EQ(rove_bpf_close(slow_link), 0);
	close(quick_event);
	close(slow_event);
	EXPECT_EQ(rove_bpf_close(quick), 0);
	EXPECT_EQ(rove_bpf_close(slow), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

/* --- one link, many runs ------------------------------------------------------------------ */

TEST(perf_count, closing_a_link_waits_for_the_run_that_is_under_way)
{
	struct other other;
	int event = EVENT_OR_SKIP(0), map, prog;

	close(event);
	other_start(&other);
	map = kept_map();
	prog = slow_prog(map, SLOW);
	for (int i = 0; i < 20; i++) {
		u64 done;
		int link;

		event = clock_event(other.tid, PERIOD_NS);
		link = attach(prog, event);
		EXPECT_TRUE(link >= 0);
		event_start(event);
		while (!kept_in(map).inside)
			;
		EXPECT_EQ(rove_bpf_close(link), 0);
		done = kept_in(map).nr_done;
		EXPECT_EQ(kept_in(map).inside, 0);
		close(event);
		for (volatile int spin = 0; spin < 1000000; spin++)
			;
		EXPECT_EQ(kept_in(map).nr_done, done);
	}
	other_stop(&other);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}
