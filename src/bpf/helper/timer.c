/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/timer.c - bpf_timer, for programs
 *
 * What each does, in which context: bpf/async/async.h.
 */
#include "bpf/async/async.h"
#include "bpf/helper/helper.h"

static struct async_field *field_arg(u64 reg)
{
	return (struct async_field *)reg;
}

/* timer, map, flags */
HELPER(helper_timer_init)
{
	return async_timer_init((struct bpf_map *)r2, field_arg(r1), r3);
}

/* timer, callback */
HELPER(helper_timer_set_callback)
{
	return async_set_callback(field_arg(r1), (const struct bpf_func *)r2);
}

/* timer, nsecs, flags */
HELPER(helper_timer_start)
{
	return async_timer_start(field_arg(r1), r2, r3);
}

/* timer */
HELPER(helper_timer_cancel)
{
	return async_timer_cancel(field_arg(r1));
}
