/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/poll.c - a worker keeps looking for works for as long as its queues ask for
 *
 * For those who buy latency with CPU time (rove_wq_options.poll_us).  One worker of a pool
 * polls: a second would find nothing sooner, and would take a CPU from who queues.  To the
 * others it is a worker that searches (search.c), so nobody is woken for what it will find,
 * and nothing is forgotten when it stops: it goes to sleep as every other does.
 *
 * It gives way to whoever wants its CPU, from time to time; where the pool has one CPU, which
 * who queues needs as well, after every look.  If it was away for long and finds nothing when
 * it is back, the CPUs are needed more than it is: then it sleeps, and no worker of the
 * pool polls for a while.
 *
 * Invariant: who polls has put itself into pool.poller, and nobody else writes pool.polled_ns.
 * Ordering:  poll.leave -> poll.claim (docs/memory-model.md).
 */
#include <sched.h>

#include "base/clock.h"
#include "wq/home.h"
#include "wq/manager.h"
#include "wq/poll.h"
#include "wq/pool.h"
#include "wq/search.h"

/* So many looks between pauses, and pauses between looks at the clock: some 0.5 us. */
#define POLL_LOOKS 4
#define POLL_PAUSES 4

/* So long at most waits who needs the same CPU, if there are others. */
#define POLL_TURN_NS (20 * NSEC_PER_USEC)

/* Away for so long, and then there is a work: it came from this very CPU. */
#define POLL_BESIDE_NS (2 * NSEC_PER_USEC)

/* Away for so long: others needed the CPU.  Then nobody polls for a while. */
#define POLL_AWAY_NS (500 * NSEC_PER_USEC)
#define POLL_REST_NS (10 * NSEC_PER_MSEC)
#define POLL_REST_MAX_NS NSEC_PER_SEC
#define POLL_REST_AGAIN 32

/**
 * poll_begin - may this worker poll, after its last work?
 *
 * Context: may sleep.
 * Return:  true: poll_for_works() has to follow.
 */
bool poll_begin(struct worker *w)
{
	struct worker_pool *pool = w->pool;
	u64 now_ns = clock_mono_ns();
	u32 nobody = 0;

	ctx_may_sleep();
	if (now_ns - w->ended_ns >= pool->key.poll_ns || now_ns < READ_ONCE(pool->rest_until_ns) ||
	    READ_ONCE(pool->dying) || READ_ONCE(pool->poller))
		return false;
	/*
	 * ORDER poll.claim (acquire): the times of who polled before are counted.  Pairs with
	 * poll.leave in poll_for_works().
	 */
	return cmpxchg_acquire(&pool->poller, &nobody, w->id);
}

/* Longer each time, unless the last time was long ago.  By who polls. */
static void rest(struct worker_pool *pool, u64 now_ns)
{
	u64 before_ns = pool->rest_ns, rest_ns = POLL_REST_NS;

	if (before_ns && now_ns - READ_ONCE(pool->rest_until_ns) < POLL_REST_AGAIN * before_ns)
		rest_ns = min(before_ns * 2, (u64)POLL_REST_MAX_NS);
	pool->rest_ns = rest_ns;
	WRITE_ONCE(pool->rest_until_ns, now_ns + rest_ns);
}

/* Return: false: it is over. */
static bool keep_polling(struct worker *w, u64 *last_ns, u64 *turn_ns)
{
	struct worker_pool *pool = w->pool;
	u64 now_ns = clock_mono_ns(), passed_ns = now_ns - *last_ns;

	*last_ns = now_ns;
	if (unlikely(passed_ns > POLL_AWAY_NS)) {
		rest(pool, now_ns);
		return false;
	}
	WRITE_ONCE(pool->polled_ns, pool->polled_ns + passed_ns);
	WRITE_ONCE(w->polled_ns, w->polled_ns + passed_ns);
	if (now_ns - w->ended_ns >= pool->key.poll_ns || READ_ONCE(pool->dying))
		return false;
	if (!pool->roams || now_ns - *turn_ns >= POLL_TURN_NS) {
		*turn_ns = now_ns;
				if (unlikely(w->beside && pool->roams))
			home_leave_cpu(&pool->key);
		else
			sched_yield();
		w->beside = false;
	}
	return true;
}

static bool look_around(struct worker *w)
{
	for (u32 i = 0; i < POLL_PAUSES; i++) {
		for (u32 look = 0; look < POLL_LOOKS; look++) {
			if (search_found(w))
				return true;
		}
		cpu_relax();
	}
	return false;
}

/**
 * poll_for_works - look for works until there are some or the time is over
 * @w:  of which poll_begin() said that it may
 *
 * Context: may sleep.
 * Return:  false: in vain.
 */
bool poll_for_works(struct worker *w)
{
	struct worker_pool *pool = w->pool;
	u64 last_ns, turn_ns;
	bool some;

	ctx_may_sleep();
	if (unlikely(pool->key.home) && home_return(&pool->key))
		w->came_home = true;
	last_ns = turn_ns = clock_mono_ns();
	do
		some = look_around(w);
	while (!some && keep_polling(w, &last_ns, &turn_ns));
	some = some || search_found(w);
	w->beside = some && clock_mono_ns() - last_ns > POLL_BESIDE_NS;
	/*
	 * ORDER poll.leave (seq_cst): the times are counted before the next one polls.  Pairs with
	 * poll.claim in poll_begin().
	 */
	store_seq_cst(&pool->poller, 0);
	if (some)
		manager_stay_awake();
	return some;
}
