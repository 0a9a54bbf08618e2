/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/async/work.c - bpf_wq over rove_work
 *
 * A rove_work may be queued by anybody at any time (rove/workqueue.h).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/context.h"
#include "bpf/async/cell.h"

static struct rove_workqueue *async_wq;		/* A: set once, by the first work_prepare() */

/**
 * work_prepare - the queue on which all works run
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM or -EAGAIN.
 */
int work_prepare(void)
{
	struct rove_workqueue *wq;
	int err = rove_system_workqueue(ROVE_SYSTEM_WQ, &wq);

	/*
	 * ORDER async.wq.publish (release): the queue is complete before a program that starts
	 * works can run.  Pairs with async.wq.observe in async_work_start().
	 */
	if (!err)
		store_release(&async_wq, wq);
	return err;
}

static void work_run(struct rove_work *work)
{
	cell_call(container_of(work, struct cell, work));
}

int async_work_init(struct bpf_map *map, struct async_field *field, u64 flags)
{
	struct cell *cell;
	int err;

	ctx_any();
	if (flags)
		return -EINVAL;
	if (async_field_cell(field))
		return -EBUSY;
	err = cell_create(map, field, BTF_FIELD_WQ, &cell);
	if (err)
		return err;
	rove_work_init(&cell->work, work_run);
	return cell_attach(cell, field);
}

int async_work_set_callback(struct async_field *field, const struct bpf_func *func, u64 flags)
{
	return flags ? -EINVAL : async_set_callback(field, func);
}

int async_work_start(struct async_field *field, u64 flags)
{
	struct cell *cell = cell_of_field(field);
	int err;

	ctx_any();
	if (!cell || flags)
		return -EINVAL;
	err = cell_can_start(cell);
	/* ORDER async.wq.observe (acquire): it is.  Pairs with async.wq.publish in work_prepare(). */
	if (!err)
		rove_queue_work(load_acquire(&async_wq), &cell->work);
	return err;
}

static void work_free(struct rcu_head *head)
{
	struct cell *cell = container_of(head, struct cell, rcu);

	map_rcu_told_grace();
	rove_cancel_work_sync(&cell->work);
	free(cell);
}

static void work_release(struct async_cell *head)
{
	struct cell *cell = cell_of(head);

	cell_die(cell);
	cell_reap_later(cell, work_free);
}

const struct async_cell_ops cell_work_ops = { .release = work_release };
