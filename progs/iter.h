/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * progs/iter.h - what newer libbpf headers offer and Debian stable's lack:
 * counted loops over the open-coded number iterator, and checked casts
 */
#ifndef ROVE_PROGS_ITER_H
#define ROVE_PROGS_ITER_H

#include "linux_bpf.h"

#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct bpf_iter_num {
	__u64 opaque[1];
} __attribute__((aligned(8)));

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;

/* The number iterator allows this many steps at once (BPF_MAX_LOOPS). */
#define ITER_NUM_MAX (8 * 1024 * 1024)

/*
 * for_range(i, start, end) { ... }: at most ITER_NUM_MAX rounds, checked once by
 * the verifier however many there are.  The iterator ends with its scope, also by
 * break, goto and return.  Its end is named once more because clang describes no
 * function in BTF that only a cleanup attribute mentions.
 */
#define for_range(i, start, end)                                                        \
	for (struct bpf_iter_num it_##i __attribute__((cleanup(bpf_iter_num_destroy))), \
	     *once_##i = (bpf_iter_num_new(&it_##i, (start), (end)),                    \
			  (void)bpf_iter_num_destroy, &it_##i);                         \
	     ({                                                                         \
		     int *next_##i = bpf_iter_num_next(once_##i);                       \
		     if (next_##i)                                                      \
			     (i) = *next_##i;                                           \
		     next_##i != NULL;                                                  \
	     });)

#ifndef NULL
#define NULL ((void *)0)
#endif

/* A pointer of any origin as a typed one: loads are checked, a fault reads as zero. */
#define core_cast(ptr, type) ((type *)bpf_rdonly_cast((ptr), bpf_core_type_id_kernel(type)))

#endif
