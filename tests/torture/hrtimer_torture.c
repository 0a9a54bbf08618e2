/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * hrtimer_torture.c - timers started and cancelled by threads and signal handlers at once
 *
 * Shared timers: everybody starts and cancels them, a signal storm interrupts everybody and
 * does the same from handlers.  A start is marked; when all have stopped, each timer that is
 * still armed must fire, and no callback may have come before its time.  Owned timers: each
 * thread starts, cancels, waits and frees its own as fast as it can; some free themselves.
 *
 * ROVE_TORTURE_SECONDS says how long (2).
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <rove/irq_work.h>
#include <rove/timer.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "tests/test.h"
#include "tests/torture/torture.h"

#define NR_SHARED 8
#define NR_THREADS 4

struct shared {
	struct rove_hrtimer timer;
	u64 nr_calls;
	u32 is_periodic;
};

static struct shared shared[NR_SHARED];
static u32 stop;
static u64 nr_starts, nr_cancels, nr_handler_ops, nr_owned, nr_self_freed, nr_bad, nr_alive;
static __thread u64 random_state;

static enum rove_hrtimer_restart shared_called(struct rove_hrtimer *timer)
{
	struct shared *s = container_of(timer, struct shared, timer);

	s->nr_calls++;		/* callbacks never run at the same time: a race here is a finding */
	if (!READ_ONCE(s->is_periodic))
		return ROVE_HRTIMER_NORESTART;
	rove_hrtimer_forward_now(timer, 50 * NSEC_PER_USEC);
	return ROVE_HRTIMER_RESTART;
}

/* From threads and from handlers: nothing here but what every context may do. */
static void one_operation(u64 random)
{
	struct shared *s = &shared[random % NR_SHARED];
	struct rove_hrtimer_when when = {
		.expires_ns = random / 8 % 200 * NSEC_PER_USEC,
		.slack_ns = random % 3 ? 0 : 20 * NSEC_PER_USEC,
		.mode = ROVE_HRTIMER_REL,
		.cpu = random % 64 ? -1 : 0,
	};
	int found;

	switch (random / 1024 % 5) {
	case 0:
		found = rove_hrtimer_try_to_cancel(&s->timer);
		if (found < -1 || found > 1)
			fetch_add_relaxed(&nr_bad, 1);
		fetch_add_relaxed(&nr_cancels, 1);
		break;
	case 1:
		rove_hrtimer_start(&s->timer, 3600 * NSEC_PER_SEC, ROVE_HRTIMER_REL);
		fetch_add_relaxed(&nr_starts, 1);
		break;
	default:
		rove_hrtimer_start_range(&s->timer, &when);
		fetch_add_relaxed(&nr_starts, 1);
		break;
	}
}

/* The interrupted thread's sequence is not touched. */
static void handler(int sig)
{
	static u64 seed;
	u64 random = fetch_add_relaxed(&seed, 0x9e3779b97f4a7c15ull) >> 20;

	one_operation(random);
	fetch_add_relaxed(&nr_handler_ops, 1);
}

struct owned {
	struct rove_hrtimer timer;
	u64 expires_ns;
	bool frees_itself;
};

static enum rove_hrtimer_restart owned_called(struct rove_hrtimer *timer)
{
	struct owned *o = container_of(timer, struct owned, timer);

	if (clock_mono_ns() < o->expires_ns)
		fetch_add_relaxed(&nr_bad, 1);
	if (o->frees_itself) {
		free(o);
		fetch_add_relaxed(&nr_self_freed, 1);
		fetch_add_release(&nr_alive, (u64)-1);
	}
	return ROVE_HRTIMER_NORESTART;
}

static void one_life(void)
{
	struct owned *o = malloc(sizeof(*o));
	u64 random = next_random(&random_state);

	if (!o)
		abort();
	o->frees_itself = random % 4 == 0;
	o->expires_ns = clock_mono_ns() + random / 16 % 100 * NSEC_PER_USEC;
	rove_hrtimer_init(&o->timer, CLOCK_MONOTONIC, owned_called);
	fetch_add_relaxed(&nr_owned, 1);
	fetch_add_relaxed(&nr_alive, 1);
	if (o->frees_itself) {
		if (random & 64)
			rove_hrtimer_start(&o->timer, UINT64_MAX, ROVE_HRTIMER_ABS);
		rove_hrtimer_start(&o->timer, o->expires_ns, ROVE_HRTIMER_ABS);
		return;
	}
	rove_hrtimer_start(&o->timer, o->expires_ns, ROVE_HRTIMER_ABS);
	if (random & 128)
		rove_hrtimer_try_to_cancel(&o->timer);
	if (random & 256)
		sched_yield();
	rove_hrtimer_cancel(&o->timer);
	fetch_add_release(&nr_alive, (u64)-1);
	free(o);
}

static void *worker(void *arg)
{
	random_state = (u64)(uintptr_t)arg;
	while (!READ_ONCE(stop)) {
		for (u32 i = 0; i < 16; i++)
			one_operation(next_random(&random_state));
		one_life();
		if (next_random(&random_state) % 32 == 0)
			rove_hrtimer_cancel(&shared[next_random(&random_state) % NR_SHARED].timer);
		if (next_random(&random_state) % 64 == 0)
			usleep(50);
	}
	return NULL;
}

static pthread_t workers[NR_THREADS];

static void *storm(void *arg)
{
	for (u32 n = 0; !READ_ONCE(stop); n++) {
		pthread_kill(workers[n % NR_THREADS], SIGUSR1);
		usleep(20);
	}
	return NULL;
}

/* One last start for each: the newest, so it must come. */
static void all_must_come(void)
{
	u64 before[NR_SHARED];

	for (u32 i = 0; i < NR_SHARED; i++) {
		WRITE_ONCE(shared[i].is_periodic, 0);
		rove_hrtimer_cancel(&shared[i].timer);
		before[i] = shared[i].nr_calls;
		rove_hrtimer_start(&shared[i].timer, 3600 * NSEC_PER_SEC, ROVE_HRTIMER_REL);
		rove_hrtimer_start(&shared[i].timer, i * 100 * NSEC_PER_USEC, ROVE_HRTIMER_REL);
	}
	for (u32 i = 0; i < NR_SHARED; i++) {
		while (rove_hrtimer_is_queued(&shared[i].timer))
			sched_yield();
		EXPECT_EQ(rove_hrtimer_cancel(&shared[i].timer), 0);
		EXPECT_EQ(shared[i].nr_calls, before[i] + 1);
	}
}

TEST(hrtimer_torture, the_newest_operation_wins_and_nothing_is_lost_or_touched_too_late)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	pthread_t stormer;
	u64 nr_calls = 0;

	EXPECT_EQ(rove_softirq_start(), 0);
	for (u32 i = 0; i < NR_SHARED; i++) {
		rove_hrtimer_init(&shared[i].timer,
				  i % 4 ? CLOCK_MONOTONIC : i ? CLOCK_BOOTTIME : CLOCK_REALTIME,
				  shared_called);
		shared[i].is_periodic = i % 2;
	}
	EXPECT_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	for (uintptr_t i = 0; i < NR_THREADS; i++)
		EXPECT_EQ(pthread_create(&workers[i], NULL, worker, (void *)(i + 1)), 0);
	EXPECT_EQ(pthread_create(&stormer, NULL, storm, NULL), 0);
	usleep(torture_ns() / NSEC_PER_USEC);
	WRITE_ONCE(stop, 1);
	pthread_join(stormer, NULL);
	for (u32 i = 0; i < NR_THREADS; i++)
		pthread_join(workers[i], NULL);
	all_must_come();
	while (load_acquire(&nr_alive))
		sched_yield();
	for (u32 i = 0; i < NR_SHARED; i++)
		nr_calls += shared[i].nr_calls;
	printf("# %llu starts, %llu cancels, %llu calls, %llu operations in handlers, %llu lives, "
	       "%llu freed themselves\n",
	       (unsigned long long)nr_starts, (unsigned long long)nr_cancels,
	       (unsigned long long)nr_calls, (unsigned long long)nr_handler_ops,
	       (unsigned long long)nr_owned, (unsigned long long)nr_self_freed);
	EXPECT_EQ(nr_bad, 0);
	EXPECT_TRUE(nr_handler_ops && nr_calls && nr_self_freed);
}
