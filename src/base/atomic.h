/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/atomic.h - atomic access to plain members
 *
 * Structs that programs reach through BTF must not use _Atomic: pahole drops
 * such members.  So every shared member is plain, and every access to one that
 * another thread may touch at the same time goes through a macro of this file.
 *
 * Each access that is stronger than relaxed carries an ORDER tag where it is
 * used (docs/memory-model.md lists the pairs).  There are no fences here,
 * because ThreadSanitizer cannot see them.
 */
#ifndef ROVE_BASE_ATOMIC_H
#define ROVE_BASE_ATOMIC_H

/* Relaxed: one whole, untorn access; orders nothing. */
#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

#define load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define load_seq_cst(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define store_seq_cst(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)

/* Exchange: returns the value that was there. */
#define xchg_relaxed(p, v) __atomic_exchange_n((p), (v), __ATOMIC_RELAXED)
#define xchg_acquire(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE)
#define xchg_release(p, v) __atomic_exchange_n((p), (v), __ATOMIC_RELEASE)
#define xchg_acq_rel(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
#define xchg_seq_cst(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)

/*
 * Compare and exchange: true if *p was *old and is v now; otherwise *old holds
 * what was found.  The order is that of success; a failure is as strong a load
 * as that order has one.
 */
#define cmpxchg_relaxed(p, old, v) \
	__atomic_compare_exchange_n((p), (old), (v), 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
#define cmpxchg_acquire(p, old, v) \
	__atomic_compare_exchange_n((p), (old), (v), 0, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)
#define cmpxchg_release(p, old, v) \
	__atomic_compare_exchange_n((p), (old), (v), 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED)
#define cmpxchg_acq_rel(p, old, v) \
	__atomic_compare_exchange_n((p), (old), (v), 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define cmpxchg_seq_cst(p, old, v) \
	__atomic_compare_exchange_n((p), (old), (v), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/* Read-modify-write: fetch_ gives the value before, add_fetch_ the one after. */
#define fetch_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define fetch_add_release(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELEASE)
#define fetch_add_acq_rel(p, v) __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)
#define fetch_add_seq_cst(p, v) __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)
#define add_fetch_relaxed(p, v) __atomic_add_fetch((p), (v), __ATOMIC_RELAXED)
#define add_fetch_acq_rel(p, v) __atomic_add_fetch((p), (v), __ATOMIC_ACQ_REL)
#define sub_fetch_acq_rel(p, v) __atomic_sub_fetch((p), (v), __ATOMIC_ACQ_REL)
#define fetch_or_relaxed(p, v) __atomic_fetch_or((p), (v), __ATOMIC_RELAXED)
#define fetch_or_acq_rel(p, v) __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define fetch_and_relaxed(p, v) __atomic_fetch_and((p), (v), __ATOMIC_RELAXED)
#define fetch_and_acq_rel(p, v) __atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL)

/* Keeps the compiler, not the machine, from moving accesses across. */
#define compiler_barrier() __asm__ volatile("" ::: "memory")

/*
 * This CPU will write what is at @p: let it come from where it is.  Nothing is waited for, and nothing
 * happens if there is no memory.
 */
static inline void fetch_to_write(const void *p)
{
#if defined(__x86_64__)
	/* Processors without it take it for no operation; __builtin_prefetch() would only read. */
	__asm__ volatile("prefetchw (%0)" : : "r"(p));
#else
	__builtin_prefetch(p, 1);
#endif
}

#define cpu_relax() cpu_relax_inline()

static inline void cpu_relax_inline(void)
{
#if defined(__x86_64__)
	__asm__ volatile("pause" ::: "memory");
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#else
	compiler_barrier();
#endif
}

#endif
