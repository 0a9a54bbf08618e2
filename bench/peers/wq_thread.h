/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/wq_thread.h - what the peers written by hand are made of
 *
 * The worker threads, a futex word and a spin lock; nothing of librove.
 */
#ifndef ROVE_BENCH_PEERS_WQ_THREAD_H
#define ROVE_BENCH_PEERS_WQ_THREAD_H

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/atomic.h"
#include "bench/peers/wq_peer.h"

#define WQ_CACHE_LINE 64

struct wq_crew {
	pthread_t threads[WQ_MAX_WORKERS];
	u32 nr;
};

static inline int crew_start(struct wq_crew *crew, u32 nr, void *(*run)(void *index))
{
	for (crew->nr = 0; crew->nr < nr; crew->nr++) {
		int err = pthread_create(&crew->threads[crew->nr], NULL, run,
					 (void *)(uintptr_t)crew->nr);

		if (err)
			return -err;
	}
	return 0;
}

static inline void crew_join(struct wq_crew *crew)
{
	while (crew->nr)
		pthread_join(crew->threads[--crew->nr], NULL);
}

static inline void word_wait(u32 *word, u32 expected)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static inline void word_wake(u32 *word, u32 nr)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, nr, NULL, NULL, 0);
}

/* Test and test-and-set; gives the CPU away after a while, since a holder may be preempted. */
static inline void spin_lock(u32 *lock)
{
	for (u32 tries = 0; xchg_acquire(lock, 1); ) {
		while (READ_ONCE(*lock)) {
			if (++tries % 128)
				cpu_relax();
			else
				sched_yield();
		}
	}
}

static inline void spin_unlock(u32 *lock)
{
	store_release(lock, 0);
}

/*
 * Workers that sleep when there is nothing, and producers that wake one at a time: a producer
 * takes a sleeper off the count before it wakes, so each sleeper is woken once.
 */
struct wq_dorm {
	u32 nr_asleep __attribute__((aligned(WQ_CACHE_LINE))); /* not yet claimed by a producer */
	u32 nr_tickets __attribute__((aligned(WQ_CACHE_LINE))); /* claimed, not yet up; futex word */
};

static inline bool dorm_take(u32 *count)
{
	u32 seen = load_seq_cst(count);

	while (seen)
		if (cmpxchg_seq_cst(count, &seen, seen - 1))
			return true;
	return false;
}

/* After the item can be seen. */
static inline void dorm_wake_one(struct wq_dorm *dorm)
{
	if (!dorm_take(&dorm->nr_asleep))
		return;
	fetch_add_seq_cst(&dorm->nr_tickets, 1);
	word_wake(&dorm->nr_tickets, 1);
}

/* Then look for items once more, and either dorm_leave() or dorm_sleep(). */
static inline void dorm_enter(struct wq_dorm *dorm)
{
	fetch_add_seq_cst(&dorm->nr_asleep, 1);
}

static inline void dorm_sleep(struct wq_dorm *dorm)
{
	while (!dorm_take(&dorm->nr_tickets))
		word_wait(&dorm->nr_tickets, 0);
}

static inline void dorm_leave(struct wq_dorm *dorm)
{
	if (!dorm_take(&dorm->nr_asleep))
		dorm_sleep(dorm);
}

/* At the end, when the workers have been told to leave. */
static inline void dorm_wake_all(struct wq_dorm *dorm)
{
	for (u32 i = 0; i < WQ_MAX_WORKERS; i++)
		dorm_wake_one(dorm);
}

#endif
