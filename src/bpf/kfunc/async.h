/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/kfunc/async.h - what programs call timers and works in map values by
 *
 * bpf_timer_init(), _set_callback(), _start() and _cancel() are helpers, by
 * number; the rest is called by name, and its signature is that of the kernel's.
 * The bytes of both structs are an async_field (bpf/map/async_field.h).
 *
 * Registered, the functions that set a callback carry KF_ASYNC_CALLBACK: the
 * verifier then proves the callback on its own, as one that may sleep.  Their
 * callback_fn is a struct bpf_func (bpf/core/func.h), which knows its program,
 * so aux__prog is nothing.
 *
 * Not together with a <linux/bpf.h> whose structs of these names are in use.
 */
#ifndef ROVE_BPF_KFUNC_ASYNC_H
#define ROVE_BPF_KFUNC_ASYNC_H

#include "base/types.h"

struct bpf_timer {
	u64 opaque[2];
} __attribute__((aligned(8)));

struct bpf_wq {
	u64 opaque[2];
} __attribute__((aligned(8)));

typedef int (*bpf_wq_callback)(void *map, int *key, void *value);

int bpf_timer_cancel_async(struct bpf_timer *timer);
int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags);
int bpf_wq_set_callback(struct bpf_wq *wq, bpf_wq_callback callback_fn, unsigned int flags);
int bpf_wq_set_callback_impl(struct bpf_wq *wq, bpf_wq_callback callback_fn, unsigned int flags,
			     void *aux__prog);
int bpf_wq_start(struct bpf_wq *wq, unsigned int flags);

#endif
