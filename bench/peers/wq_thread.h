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

#endif
