/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/async/async.h - timers and works in values of maps, from every context
 *
 * What bpf_timer_*() and bpf_wq_*() do.  Each function works on one field of a
 * value that the caller may use: it is in a read section of maps.  None takes a
 * lock, and but for init none allocates, so but for the cancel that waits all may
 * be called in signal handlers, and on one field at the same time.
 *
 * Results are the kernel's, except where docs/differences.md says otherwise.
 */
#ifndef ROVE_BPF_ASYNC_ASYNC_H
#define ROVE_BPF_ASYNC_ASYNC_H

#include "base/types.h"

struct async_field;
struct bpf_func;
struct bpf_map;

/* BPF_F_TIMER_ABS and BPF_F_TIMER_CPU_PIN, which the headers of older systems do not have. */
enum async_timer_flags {
	ASYNC_TIMER_ABS = 1,
	ASYNC_TIMER_CPU_PIN = 2,
};

/**
 * async_prepare - get ready for what may not allocate later
 *
 * A program that calls one of these functions calls this when it is loaded: the
 * softirq thread, the workqueue and the reserve of cells are made here.
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM or -EAGAIN.
 */
int async_prepare(void);

/**
 * async_timer_init - make the field a timer
 * @map:    whose value @field is in
 * @flags:  the clock: CLOCK_MONOTONIC, CLOCK_REALTIME or CLOCK_BOOTTIME
 *
 * Context: any.
 * Return:  0, -EINVAL, -EBUSY (it is one already), -EPERM (no descriptor leads to the
 *          map any more), or -ENOMEM (in a signal handler or timer callback: the
 *          reserve is used up).
 */
int async_timer_init(struct bpf_map *map, struct async_field *field, u64 flags);

/**
 * async_work_init - make the field a work
 *
 * Context: any.
 * Return:  as async_timer_init(); -EINVAL for any @flags.
 */
int async_work_init(struct bpf_map *map, struct async_field *field, u64 flags);

/**
 * async_set_callback - what the timer or work calls from now on
 * @func:  its program is held until another one is set or the field goes away
 *
 * Context: any.
 * Return:  0, -EINVAL (not initialised) or -ENOENT (the value is being deleted).
 */
int async_set_callback(struct async_field *field, const struct bpf_func *func);

/**
 * async_timer_start - arm it; if it is armed, at another time
 * @nsecs:  from now, or of its clock with ASYNC_TIMER_ABS
 * @flags:  enum async_timer_flags
 *
 * Context: any.
 * Return:  0, -EINVAL (flags, not initialised, no callback) or -ENOENT.
 */
int async_timer_start(struct async_field *field, u64 nsecs, u64 flags);

/**
 * async_timer_cancel - disarm it, wait for its callback, and forget the callback
 *
 * Context: thread or softirq; in a signal handler it is refused.
 * Return:  1 (was armed), 0, -EINVAL (not initialised), -EDEADLK (from its own
 *          callback; nothing is changed), -EOPNOTSUPP.
 */
int async_timer_cancel(struct async_field *field);

/**
 * async_timer_cancel_async - disarm it, without waiting
 *
 * Context: any.  In every one it has taken effect on return.
 * Return:  1 (was armed), 0, -1 (the callback is running; nothing is changed, so if it has
 *          started the timer again, it stays armed) or -EINVAL.
 */
int async_timer_cancel_async(struct async_field *field);

/**
 * async_work_set_callback - async_set_callback(), with flags that must be 0
 *
 * Context: any.
 * Return:  as async_set_callback().
 */
int async_work_set_callback(struct async_field *field, const struct bpf_func *func, u64 flags);

/**
 * async_work_start - have its callback called by a worker soon
 *
 * Context: any.
 * Return:  0 (also if it was pending: one call does for both), -EINVAL or -ENOENT.
 */
int async_work_start(struct async_field *field, u64 flags);

#endif
