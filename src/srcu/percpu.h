/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu/percpu.h - add one to a counter of the CPU I am on, without a locked instruction
 *
 * A restartable sequence: if the thread is preempted, migrated or interrupted by
 * a signal before the last instruction, the kernel sends it back to the first.
 * So the increment is alone on its CPU although it is not atomic for others.
 *
 * Invariant: a counter is written by threads on its own CPU only, and only here.
 * Not here:  counters that any thread may hit (read.h).
 */
#ifndef ROVE_SRCU_PERCPU_H
#define ROVE_SRCU_PERCPU_H

#include "base/types.h"

#if __has_include(<sys/rseq.h>) && !defined(__SANITIZE_THREAD__) && \
	(defined(__x86_64__) || defined(__aarch64__))
#define SRCU_PERCPU 1
#include <sys/rseq.h>
#else
#define SRCU_PERCPU 0
#endif

/* Distance of one CPU's counters from the next one's: a cache line. */
#define SRCU_SLOT_SHIFT 6

#define SRCU_TEXT_(x) #x
#define SRCU_TEXT(x) SRCU_TEXT_(x)

#if SRCU_PERCPU

/* The kernel's struct rseq: cpu_id is at 4, rseq_cs at 8. */
#define SRCU_RSEQ_DESCRIPTOR                                                         \
	".pushsection __rseq_cs, \"aw\"\n"                                           \
	".balign 32\n"                                                               \
	"3:	.long 0, 0\n"                                                        \
	"	.quad 1f, 2f - 1f, 4f\n"                                             \
	".popsection\n"

/* Context: any. */
static inline bool srcu_percpu_available(void)
{
	return __rseq_size > 0;
}

/* Context: any.  Return: the distance of a thread's rseq area from its thread pointer. */
static inline s64 srcu_percpu_rseq(void)
{
	return __rseq_offset;
}

/**
 * srcu_percpu_inc - add one to the counter of this CPU
 * @rseq:    srcu_percpu_rseq(), which is the same for all threads
 * @base:    the counter of CPU 0
 * @nr_cpus: how many there are
 *
 * Context: any.
 * Return:  false, and nothing is done, if this CPU has none.
 */
static inline bool srcu_percpu_inc(s64 rseq, u64 *base, u32 nr_cpus)
{
#if defined(__aarch64__)
	char *area = (char *)__builtin_thread_pointer() + rseq;
#endif

#if defined(__x86_64__)
	__asm__ goto(SRCU_RSEQ_DESCRIPTOR
		     "0:	leaq 3b(%%rip), %%rax\n"
		     "	movq %%rax, %%fs:8(%[rseq])\n"
		     "1:	movl %%fs:4(%[rseq]), %%eax\n"
		     "	cmpl %[nr], %%eax\n"
		     "	jae %l[none]\n"
		     "	shlq $" SRCU_TEXT(SRCU_SLOT_SHIFT) ", %%rax\n"
		     "	incq (%[base], %%rax)\n"
		     "2:\n"
		     ".pushsection __rseq_failure, \"ax\"\n"
		     "	.byte 0x0f, 0xb9, 0x3d\n"	/* makes the signature an operand */
		     "	.long " SRCU_TEXT(RSEQ_SIG) "\n"
		     "4:	jmp 0b\n"
		     ".popsection\n"
		     : : [rseq] "r"(rseq), [nr] "r"(nr_cpus), [base] "r"(base)
		     : "rax", "memory", "cc" : none);
#else
	__asm__ goto(SRCU_RSEQ_DESCRIPTOR
		     "0:	adrp x9, 3b\n"
		     "	add x9, x9, :lo12:3b\n"
		     "	str x9, [%[area], #8]\n"
		     "1:	ldr w9, [%[area], #4]\n"
		     "	cmp w9, %w[nr]\n"
		     "	b.hs %l[none]\n"
		     "	add x9, %[base], x9, lsl #" SRCU_TEXT(SRCU_SLOT_SHIFT) "\n"
		     "	ldr x10, [x9]\n"
		     "	add x10, x10, #1\n"
		     "	str x10, [x9]\n"
		     "2:\n"
		     ".pushsection __rseq_failure, \"ax\"\n"
		     "	.inst " SRCU_TEXT(RSEQ_SIG) "\n"
		     "4:	b 0b\n"
		     ".popsection\n"
		     : : [area] "r"(area), [nr] "r"(nr_cpus), [base] "r"(base)
		     : "x9", "x10", "memory", "cc" : none);
#endif
	return true;
none:
	return false;
}

#else

static inline bool srcu_percpu_available(void)
{
	return false;
}

static inline s64 srcu_percpu_rseq(void)
{
	return 0;
}

static inline bool srcu_percpu_inc(s64 rseq, u64 *base, u32 nr_cpus)
{
	return false;
}

#endif

#endif
