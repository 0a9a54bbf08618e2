/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/kfunc/wakeup.h - walk the wakeup sources from a program
 *
 * Two ways.  As in the kernel: take the lock, take the head, follow the list with
 * checked reads.  And ours: an iterator whose pointer the verifier trusts until
 * the iterator moves on, so that nothing in between need be checked.
 */
#ifndef ROVE_BPF_KFUNC_WAKEUP_H
#define ROVE_BPF_KFUNC_WAKEUP_H

#include "base/types.h"

struct wakeup_source;

/* Never looked into: the pointer itself is what it carries. */
struct bpf_ws_lock {
};

struct bpf_iter_wakeup_source {
	u64 opaque[2];
} __attribute__((aligned(8)));

struct bpf_ws_lock *bpf_wakeup_sources_read_lock(void);
void bpf_wakeup_sources_read_unlock(struct bpf_ws_lock *lock);
void *bpf_wakeup_sources_get_head(void);

int bpf_iter_wakeup_source_new(struct bpf_iter_wakeup_source *it);
struct wakeup_source *bpf_iter_wakeup_source_next(struct bpf_iter_wakeup_source *it);
void bpf_iter_wakeup_source_destroy(struct bpf_iter_wakeup_source *it);

#endif
