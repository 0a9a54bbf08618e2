/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/checked_copy.h - read any address, and survive
 *
 * BPF programs read through pointers nobody has checked.  A read here that
 * faults returns -EFAULT, whatever the address was: NULL, not canonical, the
 * kernel's half, unmapped, protected, or behind the end of a truncated file.
 *
 * How: the loads are single machine instructions listed in the section
 * rove_ex_table; the handler of SIGSEGV and SIGBUS, when the interrupted
 * instruction is one of them, goes on behind it.  Every other fault belongs to
 * the handler that was there before.
 *
 * Invariant: nothing here may run before checked_copy_init() has succeeded
 *            once.  A thread that blocks SIGSEGV or SIGBUS dies of a fault, as
 *            it would anywhere: threads that read must not block them.
 * Ordering:  bytes are read in the order of their addresses, and before
 *            everything that follows the read.  Naturally aligned units of up to
 *            8 bytes are read whole.
 * Not here:  writing to addresses nobody has checked.
 */
#ifndef ROVE_BASE_CHECKED_COPY_H
#define ROVE_BASE_CHECKED_COPY_H

#include <errno.h>

#include "base/types.h"

int checked_copy_init(void);
int checked_copy(void *dst, u64 addr, u32 len);
s64 checked_copy_str(void *dst, u64 addr, u32 size);

/* One row of rove_ex_table: both are relative to their own address. */
struct checked_fault {
	s32 insn;	/* the instruction that may fault */
	s32 fixup;	/* where to go on then */
};

/* That row, for the instruction at 1: and what comes behind it at 2: */
#define CHECKED_ENTRY                         \
	".pushsection rove_ex_table, \"a\"\n" \
	".balign 4\n"                         \
	".long 1b - .\n"                      \
	".long 2b - .\n"                      \
	".popsection\n"

/*
 * err is -EFAULT before the load and 0 behind it, so the fault need only skip.
 * The memory clobber keeps the compiler from moving other accesses across.
 */
#if defined(__x86_64__)

#define CHECKED_LOAD(insn, value, addr, err)                                         \
	__asm__ volatile("movl %[fault], %[e]\n"                                     \
			 "1:	" insn "\n"                                          \
			 "	xorl %[e], %[e]\n"                                   \
			 "2:\n"                                                      \
			 CHECKED_ENTRY                                               \
			 : [e] "=&r"(err), [v] "=&r"(value)                          \
			 : [a] "r"(addr), [fault] "i"(-EFAULT)                       \
			 : "memory", "cc")

#define CHECKED_LOAD_1 "movzbl (%[a]), %k[v]"
#define CHECKED_LOAD_2 "movzwl (%[a]), %k[v]"
#define CHECKED_LOAD_4 "movl (%[a]), %k[v]"
#define CHECKED_LOAD_8 "movq (%[a]), %[v]"

#elif defined(__aarch64__)

#define CHECKED_LOAD(insn, value, addr, err)                                         \
	__asm__ volatile("mov %w[e], %[fault]\n"                                     \
			 "1:	" insn "\n"                                          \
			 "	dmb ishld\n"                                         \
			 "	mov %w[e], #0\n"                                     \
			 "2:\n"                                                      \
			 CHECKED_ENTRY                                               \
			 : [e] "=&r"(err), [v] "=&r"(value)                          \
			 : [a] "r"(addr), [fault] "i"(-EFAULT)                       \
			 : "memory")

#define CHECKED_LOAD_1 "ldrb %w[v], [%[a]]"
#define CHECKED_LOAD_2 "ldrh %w[v], [%[a]]"
#define CHECKED_LOAD_4 "ldr %w[v], [%[a]]"
#define CHECKED_LOAD_8 "ldr %[v], [%[a]]"

#else
#error "checked reads need a load sequence for this architecture"
#endif

/**
 * checked_load - one load from an address nobody has checked
 * @addr:       any number
 * @size:       1, 2, 4 or 8 bytes; best a constant
 * @ret_value:  zero-extended; not written on failure
 *
 * Context: any.
 * Return:  0, -EFAULT, or -EINVAL (another size).
 */
static inline int checked_load(u64 addr, u32 size, u64 *ret_value)
{
	int err = -EINVAL;
	u64 value = 0;

	switch (size) {
	case 1:
		CHECKED_LOAD(CHECKED_LOAD_1, value, addr, err);
		break;
	case 2:
		CHECKED_LOAD(CHECKED_LOAD_2, value, addr, err);
		break;
	case 4:
		CHECKED_LOAD(CHECKED_LOAD_4, value, addr, err);
		break;
	case 8:
		CHECKED_LOAD(CHECKED_LOAD_8, value, addr, err);
		break;
	}
	if (likely(!err))
		*ret_value = value;
	return err;
}

#endif
