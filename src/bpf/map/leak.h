/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/leak.h - tell LeakSanitizer of memory that holds pointers
 *
 * It looks for pointers in memory of malloc(3) only, unless it is told.
 */
#ifndef ROVE_BPF_MAP_LEAK_H
#define ROVE_BPF_MAP_LEAK_H

#include <stddef.h>

#ifdef __SANITIZE_ADDRESS__
void __lsan_register_root_region(const void *base, size_t nr_bytes);
void __lsan_unregister_root_region(const void *base, size_t nr_bytes);
#define leak_check_begin(base, nr_bytes) __lsan_register_root_region((base), (nr_bytes))
#define leak_check_end(base, nr_bytes) __lsan_unregister_root_region((base), (nr_bytes))
#else
#define leak_check_begin(base, nr_bytes) ((void)0)
#define leak_check_end(base, nr_bytes) ((void)0)
#endif

#endif
