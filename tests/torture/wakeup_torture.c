/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wakeup_torture.c - records are whole or known to be torn, whatever the writers do
 *
 * Four threads register, use and unregister sources while readers, in threads and
 * in signal handlers, walk all of them without a lock.  At the end the numbers of
 * the deleted must be what the writers did.
 *
 * ROVE_TORTURE_SECONDS says how long (2).
 */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "objects/wakeup_source.h"
#include "tests/test.h"
#include "tests/torture/torture.h"

#define NR_WRITERS 4
#define NR_READERS 2
#define SOURCES_EACH 32

static struct {
	u32 stop;
	u64 nr_events;		/* reported by the writers */
	u64 nr_registered;
	u64 nr_walks, nr_whole, nr_torn, nr_in_handlers, nr_bad;
} t;

/* --- writers ------------------------------------------------------------------------------- */

struct writer {
	u64 random;
	struct device *dev;
	struct wakeup_source *sources[SOURCES_EACH];
	u64 nr_events, nr_registered;
};

static void replace(struct writer *w, u32 i)
{
	char name[32];

	if (w->sources[i]) {
		rove_wakeup_source_unregister(w->sources[i]);
		w->sources[i] = NULL;
		return;
	}
	snprintf(name, sizeof(name), "torture %llu", (unsigned long long)w->nr_registered);
	if (rove_wakeup_source_register(i % 4 ? w->dev : NULL, name, &w->sources[i]))
		abort();
	/* So that the deleted do not count it as one that was never used. */
	rove_pm_wakeup_event(w->sources[i], 0);
	w->nr_events++;
	w->nr_registered++;
}

static void write_once(struct writer *w)
{
	u64 n = next_random(&w->random);
	u32 i = n / 8 % SOURCES_EACH;

	if (!w->sources[i] || n % 64 == 0) {
		replace(w, i);
		return;
	}
	switch (n % 4) {
	case 0:
		rove_pm_stay_awake(w->sources[i]);
		w->nr_events++;
		break;
	case 1:
		rove_pm_wakeup_event(w->sources[i], n / 4 % 3);
		w->nr_events++;
		break;
	default:
		rove_pm_relax(w->sources[i]);
		break;
	}
}

static void *writer(void *arg)
{
	struct writer w = { .random = (u64)(intptr_t)arg };

	if (rove_device_create(NULL, NULL, "torture device", &w.dev))
		abort();
	for (u64 n = 0; !READ_ONCE(t.stop); n++) {
		write_once(&w);
		if (n % 256 == 0)
			usleep(100);
	}
	for (u32 i = 0; i < SOURCES_EACH; i++)
		rove_wakeup_source_unregister(w.sources[i]);
	rove_device_put(w.dev);
	fetch_add_relaxed(&t.nr_events, w.nr_events);
	fetch_add_relaxed(&t.nr_registered, w.nr_registered);
	return NULL;
}

/* The system around: it goes to sleep by itself, and asks whether it may. */
static void *sleeper(void *arg)
{
	u32 count;

	for (bool on = true; !READ_ONCE(t.stop); on = !on) {
		rove_pm_wakep_autosleep_enabled(on);
		rove_pm_wait_wakeup_count(&count, 1);
		rove_pm_save_wakeup_count(count);
		usleep(500);
		rove_pm_wakeup_pending();
	}
	return NULL;
}

/* --- readers ------------------------------------------------------------------------------- */

static void bad(bool is_bad)
{
	if (is_bad)
		fetch_add_relaxed(&t.nr_bad, 1);
}

/* What is true of a source at every moment. */
static void check_record(const struct wakeup_source *ws, const struct rove_wakeup_attrs *a)
{
	s64 now = (s64)clock_mono_ns();

	bad(strncmp(a->name, "torture ", 8) != 0);
	bad(strncmp(ws->dev->kobj.name, "wakeup", 6) != 0);
	bad(ws->dev->parent && strcmp(ws->dev->parent->kobj.name, "torture device") != 0);
	bad(a->active_count != a->relax_count + a->active);
	bad(a->event_count < a->active_count);
	bad(a->expire_count > a->relax_count);
	bad(a->wakeup_count > a->event_count);
	bad(a->active_time_ns < 0 || (!a->active && a->active_time_ns));
	bad(a->max_time_ns > a->total_time_ns || a->max_time_ns < a->active_time_ns);
	bad(a->prevent_suspend_time_ns < 0 || a->prevent_suspend_time_ns > a->total_time_ns);
	bad(a->last_change_ns > now || a->total_time_ns > now);
}

static void walk(void)
{
	int idx = wakeup_sources_read_lock();
	struct rove_wakeup_attrs a;
	struct wakeup_source *ws;
	u64 nr_whole = 0, nr_torn = 0;

	for (ws = wakeup_sources_first(); ws; ws = wakeup_sources_next(ws)) {
		if (!wakeup_source_try_read(ws, &a)) {
			nr_torn++;
			continue;
		}
		check_record(ws, &a);
		nr_whole++;
	}
	wakeup_sources_read_unlock(idx);
	fetch_add_relaxed(&t.nr_whole, nr_whole);
	fetch_add_relaxed(&t.nr_torn, nr_torn);
	fetch_add_relaxed(&t.nr_walks, 1);
}

static void walk_in_handler(int sig)
{
	walk();
	fetch_add_relaxed(&t.nr_in_handlers, 1);
}

static void *reader(void *arg)
{
	for (u64 n = 0; !READ_ONCE(t.stop); n++) {
		walk();
		if (n % 16 == 0)
			usleep(50);
	}
	return NULL;
}

/* Handlers interrupt the writers, wherever they are: with the lock held, too. */
static void interrupt_until(const pthread_t *threads, int nr, u64 end_ns)
{
	while (clock_mono_ns() < end_ns) {
		for (int i = 0; i < nr; i++)
			pthread_kill(threads[i], SIGUSR2);
		usleep(500);
	}
}

static void start(pthread_t *thread, void *(*run)(void *), intptr_t seed)
{
	EXPECT_EQ(pthread_create(thread, NULL, run, (void *)seed), 0);
}

TEST(wakeup_torture, records_are_whole_or_known_to_be_torn)
{
	struct sigaction sa = { .sa_handler = walk_in_handler, .sa_flags = SA_RESTART };
	pthread_t writers[NR_WRITERS], readers[NR_READERS], sleeping;
	struct rove_wakeup_attrs before, after;
	u32 count;

	rove_wakeup_deleted_read(&before);
	sigaction(SIGUSR2, &sa, NULL);
	for (int i = 0; i < NR_WRITERS; i++)
		start(&writers[i], writer, i + 1);
	for (int i = 0; i < NR_READERS; i++)
		start(&readers[i], reader, 0);
	start(&sleeping, sleeper, 0);
	interrupt_until(writers, NR_WRITERS, clock_mono_ns() + torture_ns());

	WRITE_ONCE(t.stop, 1);
	for (int i = 0; i < NR_WRITERS; i++)
		pthread_join(writers[i], NULL);
	for (int i = 0; i < NR_READERS; i++)
		pthread_join(readers[i], NULL);
	pthread_join(sleeping, NULL);
	rove_wakeup_sources_barrier();
	rove_wakeup_deleted_read(&after);

	printf("# %llu sources, %llu events, %llu walks (%llu in handlers), "
	       "%llu records whole, %llu torn\n",
	       (unsigned long long)t.nr_registered, (unsigned long long)t.nr_events,
	       (unsigned long long)t.nr_walks, (unsigned long long)t.nr_in_handlers,
	       (unsigned long long)t.nr_whole, (unsigned long long)t.nr_torn);
	EXPECT_EQ(t.nr_bad, 0);
	EXPECT_TRUE(t.nr_whole && t.nr_in_handlers && t.nr_registered);
	EXPECT_PTR_EQ(wakeup_sources_first(), NULL);
	EXPECT_EQ(after.event_count - before.event_count, t.nr_events);
	EXPECT_EQ(after.active_count - before.active_count, after.relax_count - before.relax_count);
	EXPECT_TRUE(rove_pm_get_wakeup_count(&count));
	EXPECT_EQ(count, (u32)after.active_count);
}
