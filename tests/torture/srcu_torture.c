/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu_torture.c - no reader ever sees an object that was given back
 *
 * Writers replace objects and spoil the old ones after a grace period, waited for
 * or asked for.  Readers are threads, threads that come and go, signal handlers
 * that interrupt them anywhere, and threads that end sections others have begun.
 *
 * ROVE_TORTURE_SECONDS says how long (2), for all tests together.
 */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "srcu/read.h"
#include "tests/test.h"
#include "tests/torture/torture.h"

#define NR_CELLS 8
#define NR_READERS 3
#define NR_WRITERS 2
#define NR_PARCELS 8
#define ALIVE 0x600dc0ffee600dull
#define SPOILT 0xbadbadbadbadbadull

struct object {
	struct rove_srcu_head head;
	u64 state;		/* plain on purpose: the sanitizer must find it ordered */
};

/* A section begun by one thread, to be ended by another. */
struct parcel {
	struct object *object;
	int idx;
};

static struct {
	struct rove_srcu *dom;
	struct object *cells[NR_CELLS];
	struct parcel *parcels[NR_PARCELS];
	struct rove_srcu_head *spoilt;
	u32 stop;
	u64 nr_bad, nr_sections, nr_in_handlers, nr_travelled, nr_short_lived, nr_replaced;
} t;

static void expect_alive(const struct object *o)
{
	if (o->state != ALIVE)
		fetch_add_relaxed(&t.nr_bad, 1);
}

static struct object *observe(u64 n)
{
	struct object *o = load_acquire(&t.cells[n % NR_CELLS]);

	expect_alive(o);
	return o;
}

static void read_in_handler(int sig)
{
	u64 n = clock_mono_ns();
	int idx = rove_srcu_read_lock(t.dom);

	expect_alive(observe(n));
	rove_srcu_read_unlock(t.dom, idx);
	fetch_add_relaxed(&t.nr_in_handlers, 1);
	/* Who was interrupted between the index and the count comes late by some periods. */
	if (n / 64 % 4 == 0)
		usleep(n % 400);
}

/* End the section that was left in the place, leave this one. */
static void send_on(struct object *o, int idx, u64 n)
{
	struct parcel *mine = malloc(sizeof(*mine)), *theirs;

	*mine = (struct parcel){ .object = o, .idx = idx };
	theirs = xchg_acq_rel(&t.parcels[n % NR_PARCELS], mine);
	if (!theirs)
		return;
	expect_alive(theirs->object);
	rove_srcu_read_unlock(t.dom, theirs->idx);
	free(theirs);
	fetch_add_relaxed(&t.nr_travelled, 1);
}

static void open_parcels(void)
{
	for (int i = 0; i < NR_PARCELS; i++) {
		struct parcel *p = xchg_acq_rel(&t.parcels[i], NULL);

		if (!p)
			continue;
		expect_alive(p->object);
		rove_srcu_read_unlock(t.dom, p->idx);
		free(p);
	}
}

static void read_once(u64 *random)
{
	u64 n = next_random(random);
	int idx = rove_srcu_read_lock(t.dom), inner;
	struct object *o = observe(n);

	if (n % 7 == 0) {
		inner = rove_srcu_read_lock(t.dom);
		expect_alive(observe(n / 7));
		rove_srcu_read_unlock(t.dom, inner);
	}
	if (n % 8 == 0)
		usleep(n % 200);
	else if (n % 5 == 0)
		sched_yield();
	expect_alive(o);
	if (n % 16 == 3)
		send_on(o, idx, n / 16);
	else
		rove_srcu_read_unlock(t.dom, idx);
	fetch_add_relaxed(&t.nr_sections, 1);
	/* Idle CPUs make grace periods short, and many of them find more. */
	if (n % 2)
		usleep(n % 60);
}

static void *reader(void *arg)
{
	u64 random = (u64)(intptr_t)arg;

	while (!READ_ONCE(t.stop))
		read_once(&random);
	return NULL;
}

/* Most of its time is the few instructions in which a section begins. */
static void *tight_reader(void *arg)
{
	u64 random = (u64)(intptr_t)arg;

	for (u64 n = 0; !READ_ONCE(t.stop); n++) {
		int idx = rove_srcu_read_lock(t.dom);
		struct object *o = observe(n);

		if (n % 64 == 0)
			usleep(next_random(&random) % 200);
		expect_alive(o);
		rove_srcu_read_unlock(t.dom, idx);
	}
	return NULL;
}

static void *short_lived(void *arg)
{
	u64 random = (u64)(intptr_t)arg;

	for (int i = 0; i < 20; i++)
		read_once(&random);
	return NULL;
}

static void *spawner(void *arg)
{
	while (!READ_ONCE(t.stop)) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, short_lived, (void *)(intptr_t)t.nr_short_lived))
			continue;
		pthread_join(thread, NULL);
		t.nr_short_lived++;
	}
	return NULL;
}

/* Sections that were left behind must end, or no grace period would. */
static void *collector(void *arg)
{
	while (!READ_ONCE(t.stop)) {
		usleep(200);
		open_parcels();
	}
	return NULL;
}

static struct object *object_new(void)
{
	struct object *o = malloc(sizeof(*o));

	o->state = ALIVE;
	return o;
}

/* Not freed before the end: the next object would come to life in its place. */
static void spoil(struct rove_srcu_head *head)
{
	struct object *o = container_of(head, struct object, head);

	if (o->state != ALIVE)
		fetch_add_relaxed(&t.nr_bad, 1);
	o->state = SPOILT;
	head->next = READ_ONCE(t.spoilt);
	while (!cmpxchg_release(&t.spoilt, &head->next, head))
		;
}

static void free_spoilt(void)
{
	while (t.spoilt) {
		struct rove_srcu_head *next = t.spoilt->next;

		free(container_of(t.spoilt, struct object, head));
		t.spoilt = next;
	}
}

/* Somebody else's grace period may do; if none comes, one of our own. */
static void wait_for_readers(u64 cookie, int nr_polls)
{
	while (nr_polls-- && !rove_srcu_poll_state(t.dom, cookie))
		usleep(20);
	if (!rove_srcu_poll_state(t.dom, cookie))
		rove_srcu_synchronize(t.dom);
}

static void *writer(void *arg)
{
	u64 random = (u64)(intptr_t)arg;

	while (!READ_ONCE(t.stop)) {
		u64 n = next_random(&random);
		struct object *old = xchg_acq_rel(&t.cells[n % NR_CELLS], object_new());
		u64 cookie = n % 5 ? rove_srcu_get_state(t.dom) : rove_srcu_start_poll(t.dom);

		if (n % 3) {
			rove_srcu_call(t.dom, &old->head, spoil);
		} else {
			wait_for_readers(cookie, n % 2 ? n % 5 ? 10 : 1000 : 0);
			spoil(&old->head);
		}
		fetch_add_relaxed(&t.nr_replaced, 1);
		if (n % 4 == 0)
			usleep(n % 100);
	}
	return NULL;
}

static void interrupt_until(pthread_t *readers, u64 end_ns)
{
	while (clock_mono_ns() < end_ns) {
		for (int i = 0; i < NR_READERS; i++)
			pthread_kill(readers[i], SIGUSR2);
		usleep(100);
	}
}

static void start(pthread_t *thread, void *(*run)(void *), intptr_t seed)
{
	EXPECT_EQ(pthread_create(thread, NULL, run, (void *)seed), 0);
}

static void report(const char *kind)
{
	printf("# %s: %llu sections, %llu in handlers, %llu ended elsewhere, "
	       "%llu short-lived threads, %llu objects replaced\n",
	       kind, (unsigned long long)t.nr_sections,
	       (unsigned long long)t.nr_in_handlers, (unsigned long long)t.nr_travelled,
	       (unsigned long long)t.nr_short_lived, (unsigned long long)t.nr_replaced);
	EXPECT_EQ(t.nr_bad, 0);
	EXPECT_TRUE(t.nr_sections && t.nr_in_handlers && t.nr_travelled && t.nr_short_lived);
	EXPECT_TRUE(t.nr_replaced > 0);
}

static void torture(struct rove_srcu *dom, const char *kind)
{
	struct sigaction sa = { .sa_handler = read_in_handler, .sa_flags = SA_RESTART };
	pthread_t readers[NR_READERS], writers[NR_WRITERS], coming_and_going, collecting;

	memset(&t, 0, sizeof(t));
	t.dom = dom;
	for (int i = 0; i < NR_CELLS; i++)
		t.cells[i] = object_new();
	sigaction(SIGUSR2, &sa, NULL);
	for (int i = 0; i < NR_READERS; i++)
		start(&readers[i], i ? reader : tight_reader, i + 1);
	for (int i = 0; i < NR_WRITERS; i++)
		start(&writers[i], writer, i + 100);
	start(&coming_and_going, spawner, 0);
	start(&collecting, collector, 0);
	interrupt_until(readers, clock_mono_ns() + torture_ns() / 2);

	WRITE_ONCE(t.stop, 1);
	for (int i = 0; i < NR_READERS; i++)
		pthread_join(readers[i], NULL);
	pthread_join(coming_and_going, NULL);
	pthread_join(collecting, NULL);
	open_parcels();
	for (int i = 0; i < NR_WRITERS; i++)
		pthread_join(writers[i], NULL);
	rove_srcu_free(dom);
	for (int i = 0; i < NR_CELLS; i++)
		free(t.cells[i]);
	free_spoilt();
	report(kind);
}

TEST(srcu_torture, slots_per_cpu)
{
	struct rove_srcu *dom = NULL;

	EXPECT_EQ(rove_srcu_create(&dom), 0);
	if (!dom->nr_fast) {
		rove_srcu_free(dom);
		SKIP("no restartable sequences or membarrier, or a build that cannot use them");
	}
	torture(dom, "slots per CPU");
}

TEST(srcu_torture, shared_slots)
{
	struct rove_srcu *dom = NULL;

	EXPECT_EQ(posix_memalign((void **)&dom, __alignof__(*dom), sizeof(*dom)), 0);
	*dom = (struct rove_srcu)SRCU_INIT;
	torture(dom, "shared slots");
}
