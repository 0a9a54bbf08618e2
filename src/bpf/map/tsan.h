/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/tsan.h - tell ThreadSanitizer of an order that it cannot see
 *
 * Because it is kept by a library that is not instrumented, or through another
 * mapping of the same pages.
 */
#ifndef ROVE_BPF_MAP_TSAN_H
#define ROVE_BPF_MAP_TSAN_H

#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define tsan_told_before(addr) __tsan_release(addr)
#define tsan_told_after(addr) __tsan_acquire(addr)
#else
#define tsan_told_before(addr) ((void)0)
#define tsan_told_after(addr) ((void)0)
#endif

#endif
