/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/syscall/user.h - the caller's memory, which may not be there
 *
 * As a system call would: an address that cannot be read or written is -EFAULT,
 * not a crash.
 */
#ifndef ROVE_BPF_SYSCALL_USER_H
#define ROVE_BPF_SYSCALL_USER_H

#include "base/types.h"

int user_read(void *dst, u64 addr, u64 bytes);
int user_write(u64 addr, const void *src, u64 bytes);
int user_check_zero(u64 addr, u64 bytes);
int user_dup(u64 addr, u64 bytes, void **ret_copy);

static inline int user_write_u32(u64 addr, u32 value)
{
	return user_write(addr, &value, sizeof(value));
}

#endif
