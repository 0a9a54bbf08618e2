/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The targets of our own: workqueues, pools of workers, armed timers.
 */
#include <stdlib.h>
#include <time.h>

#include <rove/timer.h>
#include <rove/workqueue_view.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "bpf/iter/iter.h"
#include "bpf/iter/wq_view.h"
#include "softirq/hrtimer_view.h"
#include "tests/test.h"
#include "tests/unit/link/iter.h"

#define FAR (1000000 * NSEC_PER_SEC)
#define NR_TIMERS 2000

static char got[1 << 16];

static u64 got_u64(u32 i)
{
	u64 word;

	memcpy(&word, got + 8 * i, 8);
	return word;
}

/* For each object the members at two offsets, 8 bytes each; @size of each load. */
static int pair_prog(const char *target, u32 off_a, u32 size_a, u32 off_b, u32 size_b)
{
	const struct bpf_insn insns[] = {
		MOV_X(6, 1),
		LDX(BPF_DW, 2, 6, 8),
		JMP_K(BPF_JEQ, 2, 0, 10),
		LDX(size_a, 3, 2, off_a),
		STX(BPF_DW, 10, 3, -16),
		LDX(size_b, 3, 2, off_b),
		STX(BPF_DW, 10, 3, -8),
		WRITE_AND_EXIT(16),
	};

	return iter_prog_flags(target, insns, ARRAY_SIZE(insns), BPF_F_SLEEPABLE);
}

#define PAIR_PROG(target, type, a, size_a, b, size_b) \
	pair_prog(target, offsetof(struct type, a), size_a, offsetof(struct type, b), size_b)

/* Pairs that the program wrote, or -errno. */
static int walk(int prog)
{
	int link = link_new(prog), fd = rove_bpf_iter_open(link);
	ssize_t n;

	EXPECT_TRUE(prog >= 0 && link >= 0 && fd >= 0);
	n = ask_all(fd, got, sizeof(got), 48);
	EXPECT_EQ(rove_bpf_close(fd), 0);
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	return n < 0 ? (int)n : (int)(n / 16);
}

/* --- workqueues ---------------------------------------------------------------------------- */

static struct rove_workqueue *queue_create(const char *name, u32 max_active)
{
	struct rove_wq_options options = { .size = sizeof(options), .flags = ROVE_WQ_UNBOUND,
					   .max_active = max_active };
	struct rove_workqueue *wq = NULL;

	EXPECT_EQ(rove_workqueue_create(name, &options, &wq), 0);
	return wq;
}

struct gate {
	struct rove_work work;
	u32 inside, open;	/* A */
};

static void wait_at_gate(struct rove_work *work)
{
	struct gate *g = (struct gate *)work;

	store_release(&g->inside, 1);
	while (!load_acquire(&g->open))
		usleep(200);
}

static int queues_by_max_active(void)
{
	return PAIR_PROG("workqueue", workqueue_view, max_active, BPF_W, pending, BPF_DW);
}

static bool was_given(int nr, u64 a, u64 b)
{
	for (int i = 0; i < nr; i++)
		if (got_u64(2 * i) == a && got_u64(2 * i + 1) == b)
			return true;
	return false;
}

TEST(own_target, each_workqueue_with_its_name_limits_and_counters)
{
	struct rove_workqueue *one = queue_create("q1", 1), *other = queue_create("q7", 7);
	struct gate gate = { 0 };
	struct rove_work waits[3];
	int nr;

	rove_work_init(&gate.work, wait_at_gate);
	EXPECT_EQ(rove_queue_work(one, &gate.work), 1);
	while (!load_acquire(&gate.inside))
		usleep(200);
	for (u32 i = 0; i < 3; i++) {
		rove_work_init(&waits[i], wait_at_gate);
		EXPECT_EQ(rove_queue_work(one, &waits[i]), 1);
	}
	nr = walk(queues_by_max_active());
	EXPECT_TRUE(nr >= 2);
	EXPECT_TRUE(was_given(nr, 1, 3));
	EXPECT_TRUE(was_given(nr, 7, 0));
	nr = walk(PAIR_PROG("workqueue", workqueue_view, name[1], BPF_B, in_flight, BPF_DW));
	EXPECT_TRUE(was_given(nr, '1', 1));
	for (u32 i = 0; i < 3; i++)
		EXPECT_TRUE(rove_cancel_work(&waits[i]));
	store_release(&gate.open, 1);
	rove_workqueue_free(one);
	rove_workqueue_free(other);
}

TEST(own_target, a_walk_over_workqueues_shows_those_that_were_there_when_it_was_opened)
{
	struct rove_workqueue *wq[4];
	int prog = queues_by_max_active(), link = link_new(prog), fd;
	ssize_t n;

	for (u32 i = 0; i < 4; i++)
		wq[i] = queue_create("some", 100 + i);
	fd = rove_bpf_iter_open(link);
	EXPECT_TRUE(fd >= 0);
	n = rove_bpf_iter_read(fd, got, 16);
	EXPECT_EQ(n, 16);
	/* The walk keeps no queue from being freed. */
	for (u32 i = 0; i < 4; i++)
		rove_workqueue_free(wq[i]);
	n += ask_all(fd, got + 16, sizeof(got) - 16, 16);
	for (u32 i = 0; i < 4; i++)
		EXPECT_TRUE(was_given((int)(n / 16), 100 + i, 0));
	EXPECT_EQ(rove_bpf_close(fd), 0);
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	n = walk(queues_by_max_active());
	for (u32 i = 0; i < 4; i++)
		EXPECT_TRUE(!was_given((int)n, 100 + i, 0));
}

static int count_pool(void *arg, const struct rove_wq_pool_view *pool)
{
	u32 *nr = arg;

	EXPECT_EQ(got_u64(2 * *nr), pool->id);
	EXPECT_EQ(got_u64(2 * *nr + 1), (u8)pool->cpus[0]);
	++*nr;
	return 0;
}

TEST(own_target, each_pool_of_workers_as_the_library_says_it)
{
	struct rove_workqueue *wq = queue_create("pools", 3);
	u32 nr = 0;
	int nr_walked = walk(PAIR_PROG("worker_pool", worker_pool_view, id, BPF_W, cpus, BPF_B));

	EXPECT_EQ(rove_wq_each_pool(count_pool, &nr), 0);
	EXPECT_TRUE(nr > 0);
	EXPECT_EQ(nr_walked, nr);
	rove_workqueue_free(wq);
}

/* --- timers -------------------------------------------------------------------------------- */

static struct rove_hrtimer timers[NR_TIMERS];

static enum rove_hrtimer_restart never(struct rove_hrtimer *timer)
{
	return ROVE_HRTIMER_NORESTART;
}

static void arm_timers(void)
{
	for (u32 i = 0; i < NR_TIMERS; i++) {
		rove_hrtimer_init(&timers[i], CLOCK_MONOTONIC, never);
		rove_hrtimer_start(&timers[i], FAR + (u64)i * i * NSEC_PER_SEC,
				   ROVE_HRTIMER_REL);
	}
}

static void cancel_timers(void)
{
	for (u32 i = 0; i < NR_TIMERS; i++)
		rove_hrtimer_cancel(&timers[i]);
}

TEST(own_target, each_armed_timer_once_with_its_time_and_callback)
{
	int nr;

	arm_timers();
	EXPECT_EQ(rove_hrtimer_try_to_cancel(&timers[5]), 1);
	nr = walk(PAIR_PROG("timer", timer_view, address, BPF_DW, expires_ns, BPF_DW));
	EXPECT_EQ(nr, NR_TIMERS - 1);
	for (u32 i = 0; i < NR_TIMERS - 1; i++) {
		u32 nth = i + (i >= 5);

		EXPECT_EQ(got_u64(2 * i), (uintptr_t)&timers[nth]);
		EXPECT_EQ(got_u64(2 * i + 1), rove_hrtimer_expires_ns(&timers[nth]));
	}
	nr = walk(PAIR_PROG("timer", timer_view, function, BPF_DW, clock, BPF_W));
	EXPECT_EQ(nr, NR_TIMERS - 1);
	EXPECT_TRUE(was_given(1, (uintptr_t)never, CLOCK_MONOTONIC));
	cancel_timers();
	EXPECT_EQ(walk(PAIR_PROG("timer", timer_view, address, BPF_DW, expires_ns, BPF_DW)), 0);
}

TEST(own_target, a_walk_over_timers_goes_on_when_those_it_has_shown_are_gone)
{
	int prog, link, fd;
	ssize_t n;

	arm_timers();
	prog = PAIR_PROG("timer", timer_view, address, BPF_DW, slack_ns, BPF_DW);
	link = link_new(prog);
	fd = rove_bpf_iter_open(link);
	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(rove_bpf_iter_read(fd, got, 16), 16);
	EXPECT_EQ(got_u64(0), (uintptr_t)&timers[0]);
	EXPECT_EQ(rove_hrtimer_cancel(&timers[0]), 1);
	/* The last is far behind what was copied for the first. */
	EXPECT_EQ(rove_hrtimer_cancel(&timers[NR_TIMERS - 1]), 1);
	n = ask_all(fd, got, sizeof(got), 16);
	EXPECT_EQ(n, 16 * (NR_TIMERS - 2));
	EXPECT_EQ(got_u64(0), (uintptr_t)&timers[1]);
	EXPECT_EQ(rove_bpf_close(fd), 0);
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	cancel_timers();
}
