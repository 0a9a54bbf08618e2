/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/kfunc/async.c - bpf_wq, and what bpf_timer has as kfuncs, for programs
 *
 * What each does, in which context: bpf/async/async.h.  The structs are the kernel's
 * uapi ones, which the headers of older systems lack.
 */
#include "bpf/async/async.h"
#include "bpf/kfunc/async.h"
#include "bpf/kfunc/kfunc.h"

int bpf_timer_cancel_async(struct bpf_timer *timer)
{
	return async_timer_cancel_async((struct async_field *)timer);
}

int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags)
{
	return async_work_init(p__map, (struct async_field *)wq, flags);
}

/* A function of a program is passed as a struct bpf_func. */
static int set_callback(struct bpf_wq *wq, bpf_wq_callback callback_fn, unsigned int flags)
{
	return async_work_set_callback((struct async_field *)wq,
				       (const struct bpf_func *)(uintptr_t)callback_fn, flags);
}

int bpf_wq_set_callback_impl(struct bpf_wq *wq, bpf_wq_callback callback_fn, unsigned int flags,
			     void *aux__prog)
{
	return set_callback(wq, callback_fn, flags);
}

/* The name since Linux 7.0. */
int bpf_wq_set_callback(struct bpf_wq *wq, bpf_wq_callback callback_fn, unsigned int flags)
{
	return set_callback(wq, callback_fn, flags);
}

int bpf_wq_start(struct bpf_wq *wq, unsigned int flags)
{
	return async_work_start((struct async_field *)wq, flags);
}

const struct kfunc kfuncs_async[] = {
	{ "bpf_timer_cancel_async", .fn = ANY_FN(bpf_timer_cancel_async) },
	{ "bpf_wq_init", .fn = ANY_FN(bpf_wq_init), .prepare = async_prepare },
	{ "bpf_wq_set_callback_impl", KF_ASYNC_CALLBACK, .fn = ANY_FN(bpf_wq_set_callback_impl) },
	{ "bpf_wq_set_callback", KF_ASYNC_CALLBACK, .fn = ANY_FN(bpf_wq_set_callback) },
	{ "bpf_wq_start", .fn = ANY_FN(bpf_wq_start) },
	{ NULL },
};
