/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/search.c - a worker looks for works for a while before it sleeps
 *
 * Who queues something then need not wake it.  If the search was in vain it is shorter the
 * next time, and soon not done at all; so who has little to do needs no CPU for it.
 *
 * Where a pool has one CPU, works come from threads that need the same one: then it gives
 * way to them between two looks.  Else works come from threads on other CPUs, too: then it
 * just looks.  Giving way would cost it the CPU for all the time the system owes to the
 * others, and meanwhile those who queue go to sleep, each of which costs more than the look.
 *
 * Not here: looking for as long as a queue asks for (poll.c).
 */
#include <sched.h>

#include "base/clock.h"
#include "wq/poll.h"
#include "wq/pool.h"
#include "wq/search.h"

/* A search that gives way: rounds of so many looks with a pause. */
#define YIELD_LOOKS 40
#define YIELD_ROUNDS 16

/* One that does not: so many looks between pauses, and pauses between looks at the clock. */
#define SPIN_LOOKS 4
#define SPIN_PAUSES 32
#define SPIN_MIN_NS (4 * NSEC_PER_USEC)

/* After so many searches in vain a long one, if works came soon after the worker slept. */
#define SEARCH_RETRY 32

/**
 * search_found - is there anything to do?  If so, the worker's next look goes there
 *
 * Context: thread.
 */
bool search_found(struct worker *w)
{
	struct shard *s = pool_look(w->pool);

	if (s)
		shard_fetch(s);
	else if (!READ_ONCE(w->pool->announced))
		return false;
	WRITE_ONCE(w->hint, s);
	return true;
}

/*
 * Where looking is in vain again and again, it is short, then not done.  But where works come
 * soon after the worker has gone to sleep, it is long once in SEARCH_RETRY times: those that come
 * a little later than a short look lasts would never be seen to come.
 *
 * Return: how often to halve the longest search.
 */
static u32 search_shift(const struct worker *w)
{
	if (w->slept_ns < WORKER_SPIN_NS && w->nr_spins_wasted % SEARCH_RETRY == SEARCH_RETRY - 1)
		return 0;
	return min(w->nr_spins_wasted, 31u);
}

/*
 * The last round gives nothing away: the worker is about to sleep anyway, and after having
 * given way it would be there half a microsecond later when it is woken.
 */
static bool search_yielding(struct worker *w)
{
	u32 nr_rounds = YIELD_ROUNDS >> search_shift(w);

	w->searched = nr_rounds;
	for (u32 i = 0; i < nr_rounds; i++) {
		for (u32 look = 0; look < YIELD_LOOKS; look++) {
			if (search_found(w))
				return true;
			cpu_relax();
		}
		if (i + 1 < nr_rounds)
			sched_yield();
	}
	return search_found(w);
}

/* More that look than half of those that may run would take the CPUs from who queues. */
static bool enough_look(const struct worker_pool *pool)
{
	return READ_ONCE(pool->nr_searching) > max(pool->limit / 2, 1u);
}

static bool search_spinning(struct worker *w)
{
	u32 ns = enough_look(w->pool) ? 0 : WORKER_SPIN_NS >> search_shift(w);
	u64 begin_ns = 0, now;

	w->searched = ns >= SPIN_MIN_NS;
	for (u32 i = 1; ns >= SPIN_MIN_NS; i++) {
		for (u32 look = 0; look < SPIN_LOOKS; look++) {
			if (search_found(w))
				return true;
		}
		cpu_relax();
		if (i % SPIN_PAUSES)
			continue;
		now = clock_mono_ns();
		begin_ns = begin_ns ?: now;
		if (now - begin_ns >= ns)
			break;
	}
	return search_found(w);
}

/**
 * search - look for a while
 * @w:  counted as searching
 *
 * Context: may sleep.
 * Return:  false: in vain.
 */
bool search(struct worker *w)
{
	bool some;

	ctx_may_sleep();
	if (unlikely(w->pool->key.poll_ns) && poll_begin(w))
		return poll_for_works(w);
	some = w->pool->roams ? search_spinning(w) : search_yielding(w);
	if (some)
		w->nr_spins_wasted = 0;
	return some;
}
