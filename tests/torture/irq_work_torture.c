/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * irq_work_torture.c - works queued by threads and signal handlers at once
 *
 * Whoever queues first writes a number that only grows; whether the work was claimed by it
 * or by somebody else, a call must see that number or a later one.  Each claim is one call.
 *
 * ROVE_TORTURE_SECONDS says how long (2).
 */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <rove/irq_work.h>

#include "base/atomic.h"
#include "base/types.h"
#include "tests/test.h"
#include "tests/torture/torture.h"

#define NR_WORKS 6
#define NR_THREADS 4

struct subject {
	struct rove_irq_work work;
	u64 wanted;		/* how often somebody asked */
	u64 seen;		/* what the last call saw of it */
	u64 nr_claims;
	u64 nr_calls;
};

static struct subject subjects[NR_WORKS];
static pthread_t threads[NR_THREADS];
static u32 stop;
static u64 nr_in_handlers, nr_lives, nr_freed;

static void called(struct rove_irq_work *work)
{
	struct subject *s = container_of(work, struct subject, work);

	s->seen = READ_ONCE(s->wanted);
	s->nr_calls++;
}

static void ask(u64 random)
{
	struct subject *s = &subjects[random % NR_WORKS];

	fetch_add_relaxed(&s->wanted, 1);
	if (random / 64 % 512 ? rove_irq_work_queue(&s->work) : rove_irq_work_queue_on(&s->work, 0))
		fetch_add_relaxed(&s->nr_claims, 1);
}

static void handler(int sig)
{
	static u64 seed;

	ask(fetch_add_relaxed(&seed, 0x9e3779b97f4a7c15ull) >> 20);
	fetch_add_relaxed(&nr_in_handlers, 1);
}

static void free_it(struct rove_irq_work *work)
{
	free(work);
	fetch_add_release(&nr_freed, 1);
}

static void one_life(bool frees_itself)
{
	struct rove_irq_work *work = malloc(sizeof(*work));

	if (!work)
		abort();
	fetch_add_relaxed(&nr_lives, 1);
	rove_irq_work_init(work, frees_itself ? free_it : (rove_irq_work_fn *)abort);
	if (frees_itself) {
		rove_irq_work_queue(work);
		return;
	}
	if (rove_irq_work_sync(work))
		abort();
	free_it(work);
}

static void *worker(void *arg)
{
	u64 state = (u64)(uintptr_t)arg;

	for (u64 n = 0; !READ_ONCE(stop); n++) {
		u64 random = next_random(&state);

		ask(random);
		if (n % 8 == 0)
			one_life(n & 8);
		if (n % 32 == 0)
			rove_irq_work_sync(&subjects[(random >> 40) % NR_WORKS].work);
		if (n % 64 == 0)
			usleep(20);
	}
	return NULL;
}

static void *storm(void *arg)
{
	for (u32 n = 0; !READ_ONCE(stop); n++) {
		pthread_kill(threads[n % NR_THREADS], SIGUSR1);
		usleep(20);
	}
	return NULL;
}

TEST(irq_work_torture, every_claim_is_one_call_that_sees_what_was_wanted)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	u64 nr_calls = 0, nr_wanted = 0;
	pthread_t stormer;

	EXPECT_EQ(rove_softirq_start(), 0);
	for (u32 i = 0; i < NR_WORKS; i++)
		rove_irq_work_init(&subjects[i].work, called);
	EXPECT_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	for (uintptr_t i = 0; i < NR_THREADS; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, worker, (void *)(i + 1)), 0);
	EXPECT_EQ(pthread_create(&stormer, NULL, storm, NULL), 0);
	usleep(torture_ns() / NSEC_PER_USEC);
	WRITE_ONCE(stop, 1);
	pthread_join(stormer, NULL);
	for (u32 i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (u32 i = 0; i < NR_WORKS; i++) {
		EXPECT_EQ(rove_irq_work_sync(&subjects[i].work), 0);
		EXPECT_EQ(subjects[i].seen, subjects[i].wanted);
		EXPECT_EQ(subjects[i].nr_calls, subjects[i].nr_claims);
		nr_calls += subjects[i].nr_calls;
		nr_wanted += subjects[i].wanted;
	}
	while (load_acquire(&nr_freed) != nr_lives)
		sched_yield();
	printf("# asked %llu times (%llu in handlers), %llu calls, %llu lives\n",
	       (unsigned long long)nr_wanted, (unsigned long long)nr_in_handlers,
	       (unsigned long long)nr_calls, (unsigned long long)nr_lives);
	EXPECT_TRUE(nr_in_handlers && nr_calls);
}
