/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/async/reserve.c - cells for those who may not allocate
 *
 * A row of slots, each NULL or one cell that nobody uses.  Taking one is an
 * exchange of a slot with NULL: no lock, nothing to go back to, at most one round.
 * Who took one asks a worker to fill the row again.
 *
 * Ordering: reserve.put -> reserve.take (docs/memory-model.md).
 */
#include <errno.h>
#include <stdlib.h>

#include <rove/workqueue.h>

#include "base/atomic.h"
#include "base/context.h"
#include "bpf/async/reserve.h"

#define NR_SLOTS 256

static struct {
	void *slots[NR_SLOTS];		/* A */
	struct rove_workqueue *wq;	/* A: set once */
} reserve;

/* Returns false where there is no memory. */
static bool fill(void)
{
	for (u32 i = 0; i < NR_SLOTS; i++) {
		void *none = NULL, *block;

		if (READ_ONCE(reserve.slots[i]))
			continue;
		block = calloc(1, RESERVE_BLOCK_BYTES);
		if (!block)
			return false;
		/*
		 * ORDER reserve.put (release): the block is all zero before a slot shows
		 * it.  Pairs with reserve.take in reserve_take().
		 */
		if (!cmpxchg_release(&reserve.slots[i], &none, block))
			free(block);
	}
	return true;
}

static void fill_again(struct rove_work *work)
{
	fill();		/* where it cannot be, the next who takes one asks again */
}

static struct rove_work fill_work = ROVE_WORK_INIT(fill_again);

/**
 * reserve_prepare - fill it for the first time
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM or -EAGAIN.
 */
int reserve_prepare(void)
{
	struct rove_workqueue *wq;
	int err;

	ctx_may_sleep();
	if (READ_ONCE(reserve.wq))
		return 0;
	err = rove_system_workqueue(ROVE_SYSTEM_UNBOUND_WQ, &wq);
	if (err)
		return err;
	if (!fill())
		return -ENOMEM;
	/*
	 * ORDER reserve.ready (release): the queue is complete before it can be found.
	 * Pairs with reserve.found in reserve_take().
	 */
	store_release(&reserve.wq, wq);
	return 0;
}

/**
 * reserve_take - a block of RESERVE_BLOCK_BYTES, all zero
 *
 * Context: any.
 * Return:  NULL: all are taken; free(3) otherwise, where one may.
 */
void *reserve_take(void)
{
	/* ORDER reserve.found (acquire): the queue is complete.  Pairs with reserve.ready in reserve_prepare(). */
	struct rove_workqueue *wq = load_acquire(&reserve.wq);
	void *block = NULL;

	for (u32 i = 0; i < NR_SLOTS && !block; i++)
		if (READ_ONCE(reserve.slots[i]))
			/*
			 * ORDER reserve.take (acquire): the block is used after the slot
			 * showed it.  Pairs with reserve.put in fill().
			 */
			block = xchg_acquire(&reserve.slots[i], NULL);
	if (wq)
		rove_queue_work(wq, &fill_work);
	return block;
}
