/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/async/timer.c - bpf_timer over rove_hrtimer
 *
 * A rove_hrtimer may be started and cancelled by anybody at any time, the newest
 * operation wins and takes effect at once (rove/timer.h), so there is nothing to
 * defer here and nothing that could be busy.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/context.h"
#include "bpf/async/cell.h"
#include "softirq/hrtimer.h"

static enum rove_hrtimer_restart timer_fired(struct rove_hrtimer *timer)
{
	cell_call(container_of(timer, struct cell, timer));
	return ROVE_HRTIMER_NORESTART;
}

int async_timer_init(struct bpf_map *map, struct async_field *field, u64 flags)
{
	struct cell *cell;
	int err;

	ctx_any();
	if (flags != CLOCK_MONOTONIC && flags != CLOCK_REALTIME && flags != CLOCK_BOOTTIME)
		return -EINVAL;
	if (async_field_cell(field))
		return -EBUSY;
	err = cell_create(map, field, BTF_FIELD_TIMER, &cell);
	if (err)
		return err;
	rove_hrtimer_init(&cell->timer, (int)flags, timer_fired);
	return cell_attach(cell, field);
}

static u32 timer_mode(u64 flags)
{
	return (flags & ASYNC_TIMER_ABS ? ROVE_HRTIMER_ABS : ROVE_HRTIMER_REL) |
	       (flags & ASYNC_TIMER_CPU_PIN ? ROVE_HRTIMER_PINNED : 0);
}

int async_timer_start(struct async_field *field, u64 nsecs, u64 flags)
{
	struct cell *cell = cell_of_field(field);
	int err;

	ctx_any();
	if (!cell || flags & ~(u64)(ASYNC_TIMER_ABS | ASYNC_TIMER_CPU_PIN))
		return -EINVAL;
	err = cell_can_start(cell);
	if (!err)
		rove_hrtimer_start(&cell->timer, nsecs, timer_mode(flags));
	return err;
}

/*
 * The callback is forgotten first, as in the kernel: who starts the timer while this waits is
 * told -EINVAL, and a callback that starts itself again and again cannot keep it waiting.
 */
int async_timer_cancel(struct async_field *field)
{
	struct cell *cell;

	if (in_nmi())
		return -EOPNOTSUPP;
	cell = cell_of_field(field);
	if (!cell)
		return -EINVAL;
	if (in_softirq() && rove_hrtimer_callback_running(&cell->timer))
		return -EDEADLK;
	cell_forget_callback(cell);
	return rove_hrtimer_cancel(&cell->timer);
}

int async_timer_cancel_async(struct async_field *field)
{
	struct cell *cell = cell_of_field(field);

	ctx_any();
	return cell ? hrtimer_cancel_unless_running(&cell->timer) : -EINVAL;
}

static void timer_free(struct rcu_head *head)
{
	struct cell *cell = container_of(head, struct cell, rcu);

	map_rcu_told_grace();
	rove_hrtimer_cancel(&cell->timer);
	free(cell);
}

static void timer_release(struct async_cell *head)
{
	struct cell *cell = cell_of(head);

	cell_die(cell);
	rove_hrtimer_try_to_cancel(&cell->timer);
	cell_reap_later(cell, timer_free);
}

const struct async_cell_ops cell_timer_ops = { .release = timer_release };
