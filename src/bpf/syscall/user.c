/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/syscall/user.c - the caller's memory, which may not be there
 *
 * Reads are base/checked_copy.h's; a write is its mirror image: one store whose
 * address is in the same table, so that the same handler goes on behind it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_copy.h"
#include "bpf/syscall/user.h"

#if defined(__x86_64__)
#define FAULT_IN_E "movl %[fault], %[e]\n"
#define ZERO_IN_E "	xorl %[e], %[e]\n"
#define STORE_1 "movb %b[v], (%[a])"
#define STORE_8 "movq %[v], (%[a])"
#define VALUE_REG "q"	/* one that has a name for its lowest byte */
#elif defined(__aarch64__)
#define FAULT_IN_E "mov %w[e], %[fault]\n"
#define ZERO_IN_E "	mov %w[e], #0\n"
#define STORE_1 "strb %w[v], [%[a]]"
#define STORE_8 "str %[v], [%[a]]"
#define VALUE_REG "r"
#endif

#define CHECKED_STORE(insn, value, addr, err)                                        \
	__asm__ volatile(FAULT_IN_E                                                  \
			 "1:	" insn "\n"                                          \
			 ZERO_IN_E                                                   \
			 "2:\n"                                                      \
			 CHECKED_ENTRY                                               \
			 : [e] "=&r"(err)                                            \
			 : [v] VALUE_REG(value), [a] "r"(addr), [fault] "i"(-EFAULT)       \
			 : "memory", "cc")

static int store_byte(u64 addr, u64 value)
{
	int err;

	CHECKED_STORE(STORE_1, value, addr, err);
	return err;
}

static int store_word(u64 addr, u64 value)
{
	int err;

	CHECKED_STORE(STORE_8, value, addr, err);
	return err;
}

/**
 * user_read - copy from the caller
 * @dst: undefined on failure
 *
 * Context: thread.
 * Return:  0 or -EFAULT.
 */
int user_read(void *dst, u64 addr, u64 bytes)
{
	if (bytes > UINT32_MAX)
		return -EFAULT;
	return checked_copy(dst, addr, bytes);
}

/**
 * user_write - copy to the caller
 *
 * Context: thread.
 * Return:  0, or -EFAULT; then a part may be written.
 */
int user_write(u64 addr, const void *src, u64 bytes)
{
	const u8 *from = src;
	int err = 0;
	u64 word;

	while (bytes && !err) {
		u32 unit = bytes >= 8 && !(addr & 7) ? 8 : 1;

		if (unit == 8) {
			memcpy(&word, from, 8);
			err = store_word(addr, word);
		} else {
			err = store_byte(addr, *from);
		}
		from += unit;
		addr += unit;
		bytes -= unit;
	}
	return err;
}

/**
 * user_check_zero - what we do not know must not ask for anything
 *
 * Context: thread.
 * Return:  0, -E2BIG (some byte is not zero) or -EFAULT.
 */
int user_check_zero(u64 addr, u64 bytes)
{
	u8 chunk[64];

	while (bytes) {
		u32 n = min(bytes, (u64)sizeof(chunk));

		if (user_read(chunk, addr, n))
			return -EFAULT;
		for (u32 i = 0; i < n; i++)
			if (chunk[i])
				return -E2BIG;
		addr += n;
		bytes -= n;
	}
	return 0;
}

/**
 * user_dup - a copy of the caller's bytes
 * @ret_copy: to be freed; NULL for no bytes
 *
 * Context: may sleep.
 * Return:  0, -EFAULT or -ENOMEM.
 */
int user_dup(u64 addr, u64 bytes, void **ret_copy)
{
	void *copy;

	*ret_copy = NULL;
	if (!bytes)
		return 0;
	copy = malloc(bytes);
	if (!copy)
		return -ENOMEM;
	if (user_read(copy, addr, bytes)) {
		free(copy);
		return -EFAULT;
	}
	*ret_copy = copy;
	return 0;
}
