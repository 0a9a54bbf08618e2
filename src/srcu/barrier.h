/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu/barrier.h - one side pays for the order of both
 *
 * A grace period asks the kernel to run a full barrier on every CPU that runs a
 * thread of this process; then readers need none of their own.
 */
#ifndef ROVE_SRCU_BARRIER_H
#define ROVE_SRCU_BARRIER_H

#include "base/atomic.h"
#include "base/types.h"

bool srcu_barrier_all_cpus_available(void);
void srcu_barrier_all_cpus(void);

/* A full barrier of this CPU; in assembly, because ThreadSanitizer knows no other. */
static inline void srcu_fence(void)
{
#if defined(__x86_64__)
	__asm__ volatile("lock orl $0, (%%rsp)" ::: "memory", "cc");
#elif defined(__aarch64__)
	__asm__ volatile("dmb ish" ::: "memory");
#else
#error "a full barrier is needed for this architecture"
#endif
}

/* The same right after an atomic read-modify-write, which is one already on x86. */
static inline void srcu_fence_after_rmw(void)
{
#if defined(__x86_64__)
	compiler_barrier();
#else
	srcu_fence();
#endif
}

#endif
