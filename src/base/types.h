/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/types.h - fixed-width names, container_of, array length
 *
 * The short names are the kernel's, because the instruction set, BTF and the
 * verifier's domains are all written in them.
 */
#ifndef ROVE_BASE_TYPES_H
#define ROVE_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define min(a, b) ({                                    \
	__typeof__(a) min_a = (a);                      \
	__typeof__(b) min_b = (b);                      \
	min_a < min_b ? min_a : min_b; })
#define max(a, b) ({                                    \
	__typeof__(a) max_a = (a);                      \
	__typeof__(b) max_b = (b);                      \
	max_a > max_b ? max_a : max_b; })

#endif
