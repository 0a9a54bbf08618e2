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
 * who queues needs as well, after every look.  If it was away for long, the CPUs are needed more
 * than it is: then it stops, and no worker of the pool polls for a while.
 *
 * Who queues a work, and then waits for it, is asleep before a worker has it from the other CPU,
 * though that takes but a tenth of a microsecond; to wake it takes ten times as long, and while
 * that is done nobody looks.  So where works come one by one who queues gives the worker a moment
 * before it goes on, and finds the work done.  Those who queue many do not wait for each.
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
#include "wq/take.h"

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

/* --- who looks ----------------------------------------------------------------------------- */

/**
 * poll_begin - may this worker poll?
 * @w:  has run works, or has been started, since it polled last or slept
 *
 * Context: thread.
 * Return:  true: poll_for_works() has to follow.
 */
bool poll_begin(struct worker *w)
{
	struct worker_pool *pool = w->pool;
	u32 nobody = 0;

	ctx_thread();
	if (!w->may_poll || w->ended_ns < READ_ONCE(pool->rest_until_ns) ||
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

static void give_way(struct worker *w)
{
	if (unlikely(w->beside && w->pool->roams))
		home_leave_cpu(&w->pool->key);
	else
		sched_yield();
	w->beside = false;
}

/* Return: false: it is over. */
static bool keep_polling(struct worker *w, u64 *turn_ns)
{
	struct worker_pool *pool = w->pool;
	u64 now_ns = clock_mono_ns(), passed_ns = now_ns - w->polled_at_ns;

	w->polled_at_ns = now_ns;
	if (unlikely(passed_ns > POLL_AWAY_NS)) {
		rest(pool, now_ns);
		return false;
	}
	WRITE_ONCE(pool->polled_ns, pool->polled_ns + passed_ns);
	WRITE_ONCE(w->polled_ns, w->polled_ns + passed_ns);
	if (now_ns - w->ended_ns >= pool->key.poll_ns || READ_ONCE(pool->dying))
		return false;
	if (!pool->roams || now_ns - *turn_ns >= POLL_TURN_NS) {
		give_way(w);
		*turn_ns = now_ns;
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
 * Between the work and its run there is no look at the clock, and none at the beginning:
 * this is about fractions of a microsecond.
 *
 * Context: may sleep.
 * Return:  false: in vain.
 */
bool poll_for_works(struct worker *w)
{
	struct worker_pool *pool = w->pool;
	u64 turn_ns = max(w->ended_ns, w->polled_at_ns);
	bool some;

	ctx_may_sleep();
	if (unlikely(pool->key.home) && home_return(&pool->key))
		w->came_home = true;
	w->polled_at_ns = turn_ns;
	do
		some = look_around(w);
	while (!some && keep_polling(w, &turn_ns));
	some = some || search_found(w);
	w->may_poll = some;
	/*
	 * ORDER poll.leave (seq_cst): the times are counted before the next one polls.  Pairs with
	 * poll.claim in poll_begin().
	 */
	store_seq_cst(&pool->poller, 0);
	if (some)
		manager_stay_awake();
	return some;
}

/**
 * poll_took - a worker has works
 *
 * If it was away just before, and thus who queued them was on its CPU, it leaves that CPU when
 * it has time.
 *
 * Context: thread.
 */
void poll_took(struct worker *w)
{
	ctx_thread();
	w->beside = w->may_poll && READ_ONCE(w->take_ns) > w->polled_at_ns + POLL_BESIDE_NS &&
		    w->polled_at_ns > w->ended_ns;
	w->may_poll = true;
}

/* --- who queues ---------------------------------------------------------------------------- */

/* So long is a moment, and from so many pauses it is known how long each takes. */
#define HAND_OVER_NS 150
#define HAND_OVER_TRIES 8
#define HAND_OVER_SAMPLE 64

/* A mean of so many. */
#define BATCHES 16

static u32 hand_over_pauses;	/* A: so many are a moment; 0: not known yet */

/**
 * poll_note_batch_locked - works have been taken: do they come one by one?
 *
 * Context: thread, under s->lock.
 */
void poll_note_batch_locked(struct shard *s, const struct worker *w)
{
	const struct worker_pool *pool = w->pool;
	bool lone;

	assert_held(&s->lock);
	s->batch_mean += w->nr_batch * (POLL_BATCH_ONE / BATCHES) - s->batch_mean / BATCHES;
	lone = pool && pool->key.poll_ns && pool->roams &&
	       s->batch_mean < POLL_BATCH_ONE + POLL_BATCH_ONE / 2 &&
	       READ_ONCE(s->run_ns) < WORTH_WAKING_NS;
	if (lone != READ_ONCE(s->hand_over))
		WRITE_ONCE(s->hand_over, lone);
}

/**
 * poll_prepare - find out how long a pause takes, which is not the same on any two machines
 *
 * Context: thread.
 */
void poll_prepare(void)
{
	u64 best_ns = UINT64_MAX;

	ctx_thread();
	for (u32 try = 0; try < HAND_OVER_TRIES; try++) {
		u64 begin_ns = clock_mono_ns();

		for (u32 i = 0; i < HAND_OVER_SAMPLE; i++)
			cpu_relax();
		best_ns = min(best_ns, clock_mono_ns() - begin_ns);
	}
	WRITE_ONCE(hand_over_pauses, HAND_OVER_SAMPLE * HAND_OVER_NS / max(best_ns, (u64)1) + 1);
}

/**
 * poll_hand_over - give who polls a moment to take what was queued
 *
 * Looking whether it is taken would keep the worker from taking it: both need the same memory.
 *
 * Context: any.
 */
void poll_hand_over(void)
{
	for (u32 i = READ_ONCE(hand_over_pauses); i; i--)
		cpu_relax();
}
