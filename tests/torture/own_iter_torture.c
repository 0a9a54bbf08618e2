/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/torture/own_iter_torture.c - walks over timers and workqueues that come and go
 *
 * Two threads arm, put off and cancel timers, which fire meanwhile, and make and free
 * workqueues; four read iterators over both.  Some timers and queues stay all the time, and
 * of the timers some are put off once before: each walk gives each of those exactly once.
 * ROVE_TORTURE_SECONDS (2) bounds the run.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <rove/irq_work.h>
#include <rove/timer.h>
#include <rove/workqueue.h>

#include "base/clock.h"
#include "bpf/iter/wq_view.h"
#include "softirq/hrtimer_view.h"
#include "tests/test.h"
#include "tests/torture/torture.h"
#include "tests/unit/link/iter.h"

#define NR_MAKERS 2
#define NR_READERS 4
#define NR_STAY 600
#define NR_QUEUES 5
#define QUEUE_MARK 200
#define NR_COME_AND_GO 300
#define GOT_BYTES (64 << 10)

static bool stop;
static struct rove_hrtimer stay[NR_STAY];
static u64 nr_calls;
static int timers_link, queues_link;

static int member_prog(const char *target, u32 off, u32 size)
{
	const struct bpf_insn insns[] = {
		MOV_X(6, 1),
		LDX(BPF_DW, 2, 6, 8),
		JMP_K(BPF_JEQ, 2, 0, 8),
		LDX(size, 3, 2, off),
		STX(BPF_DW, 10, 3, -8),
		WRITE_AND_EXIT(8),
	};

	return iter_prog_flags(target, insns, ARRAY_SIZE(insns), 0);
}

/* --- makers ------------------------------------------------------------------------------- */

static enum rove_hrtimer_restart called(struct rove_hrtimer *timer)
{
	__atomic_fetch_add(&nr_calls, 1, __ATOMIC_RELAXED);
	return ROVE_HRTIMER_NORESTART;
}

static struct rove_workqueue *queue_create(u32 max_active)
{
	struct rove_wq_options options = { .size = sizeof(options), .flags = ROVE_WQ_UNBOUND,
					   .max_active = max_active };
	struct rove_workqueue *wq;

	return rove_workqueue_create("torture", &options, &wq) ? NULL : wq;
}

/* Also soon, so that they fire, and of any magnitude. */
static void change_timer(struct rove_hrtimer *timer, u64 r)
{
	struct rove_hrtimer_when when = {
		.expires_ns = (r >> 20) >> (r % 40), .slack_ns = r >> 50,
		.mode = ROVE_HRTIMER_REL, .cpu = -1,
	};

	switch (r >> 60) {
	case 0:
		rove_hrtimer_cancel(timer);
		break;
	case 1:
		rove_hrtimer_try_to_cancel(timer);
		break;
	default:
		rove_hrtimer_start_range(timer, &when);
	}
}

static void *maker(void *arg)
{
	struct rove_hrtimer *timers = aligned_alloc(16, NR_COME_AND_GO * sizeof(*timers));
	u64 random = 88172645463325252ull + (uintptr_t)arg;
	struct rove_workqueue *wq = NULL;

	for (u32 i = 0; i < NR_COME_AND_GO; i++)
		rove_hrtimer_init(&timers[i], i % 2 ? CLOCK_MONOTONIC : CLOCK_BOOTTIME, called);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		u64 r = next_random(&random);

		change_timer(&timers[r % NR_COME_AND_GO], next_random(&random));
		if (r >> 32 & 255)
			continue;
		if (wq)
			rove_workqueue_free(wq);
		wq = wq ? NULL : queue_create(1);
	}
	for (u32 i = 0; i < NR_COME_AND_GO; i++)
		rove_hrtimer_cancel(&timers[i]);
	free(timers);
	rove_workqueue_free(wq);
	return NULL;
}

/* --- readers ------------------------------------------------------------------------------ */

struct tally {
	u64 timers, queues, left, wrong;
};

static void check_timers(const u64 *got, ssize_t bytes, struct tally *t)
{
	u32 times[NR_STAY] = { 0 };

	t->timers++;
	t->wrong += bytes < 8 * NR_STAY || bytes % 8;
	for (ssize_t i = 0; i < bytes / 8; i++)
		if (got[i] >= (uintptr_t)stay && got[i] < (uintptr_t)(stay + NR_STAY))
			times[(got[i] - (uintptr_t)stay) / sizeof(stay[0])]++;
	for (u32 i = 0; i < NR_STAY; i++)
		t->wrong += times[i] != 1;
}

static void check_queues(const u64 *got, ssize_t bytes, struct tally *t)
{
	u32 times[NR_QUEUES] = { 0 };

	t->queues++;
	for (ssize_t i = 0; i < bytes / 8; i++)
		if (got[i] >= QUEUE_MARK && got[i] < QUEUE_MARK + NR_QUEUES)
			times[got[i] - QUEUE_MARK]++;
	for (u32 i = 0; i < NR_QUEUES; i++)
		t->wrong += times[i] != 1;
}

static void read_one(char *got, u64 r, struct tally *t)
{
	bool queues = r & 1, leaves = !(r & 30);
	size_t chunk = 8 + (r >> 8) % 4000;
	int fd = rove_bpf_iter_open(queues ? queues_link : timers_link);
	ssize_t n;

	if (fd < 0) {
		t->wrong++;
		return;
	}
	if (leaves) {
		t->left++;
		t->wrong += rove_bpf_iter_read(fd, got, chunk) <= 0;
	} else {
		n = ask_all(fd, got, GOT_BYTES, chunk);
		(queues ? check_queues : check_timers)((u64 *)got, n, t);
	}
	t->wrong += rove_bpf_close(fd) != 0;
}

static void *reader(void *arg)
{
	struct tally *t = arg;
	u64 random = 0x9e3779b97f4a7c15ull + (uintptr_t)arg;
	char *got = malloc(GOT_BYTES);

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		read_one(got, next_random(&random), t);
	free(got);
	return NULL;
}

/* None fires before the end; some are looked at in vain, and slots are emptied. */
static void arm_those_that_stay(void)
{
	u64 end_ns = clock_mono_ns() + torture_ns() + 60 * NSEC_PER_SEC, random = 99;

	for (u32 i = 0; i < NR_STAY; i++) {
		u64 late_ns = next_random(&random) % (100 * NSEC_PER_SEC);

		rove_hrtimer_init(&stay[i], CLOCK_MONOTONIC, called);
		if (i % 3 == 0)
			rove_hrtimer_start(&stay[i], NSEC_PER_SEC + late_ns % torture_ns(),
					   ROVE_HRTIMER_REL);
		rove_hrtimer_start(&stay[i], end_ns + late_ns, ROVE_HRTIMER_ABS);
	}
}

TEST(own_iter_torture, what_stays_is_shown_exactly_once)
{
	struct tally tally[NR_READERS] = { 0 }, all = { 0 };
	pthread_t makers[NR_MAKERS], readers[NR_READERS];
	struct rove_workqueue *queues[NR_QUEUES];
	int timers_prog, queues_prog;
	u64 end_ns;

	EXPECT_EQ(rove_softirq_start(), 0);
	arm_those_that_stay();
	for (u32 i = 0; i < NR_QUEUES; i++) {
		queues[i] = queue_create(QUEUE_MARK + i);
		EXPECT_TRUE(queues[i] != NULL);
	}
	timers_prog = member_prog("timer", offsetof(struct timer_view, address), BPF_DW);
	queues_prog = member_prog("workqueue", offsetof(struct workqueue_view, max_active), BPF_W);
	timers_link = link_new(timers_prog);
	queues_link = link_new(queues_prog);
	EXPECT_TRUE(timers_link >= 0 && queues_link >= 0);
	end_ns = clock_mono_ns() + torture_ns();
	for (u32 i = 0; i < NR_MAKERS; i++)
		pthread_create(&makers[i], NULL, maker, (void *)(uintptr_t)(i + 1));
	for (u32 i = 0; i < NR_READERS; i++)
		pthread_create(&readers[i], NULL, reader, &tally[i]);
	while (clock_mono_ns() < end_ns)
		usleep(10000);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (u32 i = 0; i < NR_MAKERS; i++)
		pthread_join(makers[i], NULL);
	for (u32 i = 0; i < NR_READERS; i++) {
		pthread_join(readers[i], NULL);
		all.timers += tally[i].timers;
		all.queues += tally[i].queues;
		all.left += tally[i].left;
		all.wrong += tally[i].wrong;
	}
	printf("# %llu walks over timers, %llu over queues, %llu left half-way, %llu timers called\n",
	       (unsigned long long)all.timers, (unsigned long long)all.queues,
	       (unsigned long long)all.left, (unsigned long long)nr_calls);
	EXPECT_EQ(all.wrong, 0);
	EXPECT_TRUE(all.timers && all.queues && all.left);

	EXPECT_EQ(rove_bpf_close(timers_link), 0);
	EXPECT_EQ(rove_bpf_close(queues_link), 0);
	EXPECT_EQ(rove_bpf_close(timers_prog), 0);
	EXPECT_EQ(rove_bpf_close(queues_prog), 0);
	for (u32 i = 0; i < NR_STAY; i++)
		EXPECT_EQ(rove_hrtimer_cancel(&stay[i]), 1);
	for (u32 i = 0; i < NR_QUEUES; i++)
		rove_workqueue_free(queues[i]);
}
