/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/kfunc/iter_num.h - the iterator over start, start + 1, ... end - 1
 *
 * Not together with a <linux/bpf.h> that declares struct bpf_iter_num itself.
 */
#ifndef ROVE_BPF_KFUNC_ITER_NUM_H
#define ROVE_BPF_KFUNC_ITER_NUM_H

#include "base/types.h"

struct bpf_iter_num {
	u64 opaque[1];
} __attribute__((aligned(8)));

#define ITER_NUM_MAX (8 * 1024 * 1024) /* numbers in one range */

int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end);
int *bpf_iter_num_next(struct bpf_iter_num *it);
void bpf_iter_num_destroy(struct bpf_iter_num *it);

#endif
