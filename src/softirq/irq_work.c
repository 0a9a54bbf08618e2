/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * softirq/irq_work.c - works: claim, queue, call
 *
 * Invariant: ->pending is the process's token from the claim until right before the call;
 *            in a child of fork() that is another one.  Whoever has made it so adds the work to the list, so it is there at most once.  Nothing of
 *            ours touches a work after its function has been called.
 * Ordering:  irqwork.claim -> irqwork.run (docs/memory-model.md), and that of
 *            softirq.h.
 */
#include <errno.h>

#include "base/context.h"
#include "softirq/softirq.h"

_Static_assert(offsetof(struct rove_irq_work, next) == 0, "a work is its list entry");

/**
 * rove_irq_work_init - see rove/irq_work.h
 */
void rove_irq_work_init(struct rove_irq_work *work, rove_irq_work_fn *fn)
{
	ctx_any();
	*work = (struct rove_irq_work)ROVE_IRQ_WORK_INIT(fn);
}

/*
 * Progress: wait-free if it is pending; else lock-free, a retry only when another caller,
 * or the thread, has changed the list meanwhile.
 */
static bool queue(struct rove_irq_work *work, int cpu_plus_1)
{
	/*
	 * ORDER irqwork.claim (acq_rel): what the caller did comes before the call, also
	 * if the claim was another's; and the work is written after its last call began.
	 * Pairs with irqwork.run in run_one().
	 */
	if (xchg_acq_rel(&work->pending, softirq.token) == softirq.token)
		return false;
	work->cpu = cpu_plus_1;
	llist_push(&softirq.works, (struct llist_node *)work);
	softirq_rouse();
	return true;
}

/**
 * rove_irq_work_queue - see rove/irq_work.h
 */
bool rove_irq_work_queue(struct rove_irq_work *work)
{
	ctx_any();
	return queue(work, 0);
}

/**
 * rove_irq_work_queue_on - see rove/irq_work.h
 */
bool rove_irq_work_queue_on(struct rove_irq_work *work, int cpu)
{
	ctx_any();
	return queue(work, cpu >= 0 && cpu < INT32_MAX ? cpu + 1 : 0);
}

static bool is_busy(const void *what)
{
	const struct rove_irq_work *work = what;

	/*
	 * ORDER irqwork.idle (acquire): who finds it not pending finds it running.
	 * Pairs with irqwork.run in run_one().
	 */
	return load_acquire(&work->pending) == softirq.token || softirq_is_running(work);
}

/**
 * rove_irq_work_is_busy - see rove/irq_work.h
 */
bool rove_irq_work_is_busy(const struct rove_irq_work *work)
{
	ctx_any();
	return is_busy(work);
}

/**
 * rove_irq_work_sync - see rove/irq_work.h
 */
int rove_irq_work_sync(struct rove_irq_work *work)
{
	ctx_thread();
	if (softirq_is_this_thread())
		return is_busy(work) ? -EDEADLK : 0;
	softirq_wait_while(is_busy, work);
	return 0;
}

static void run_one(struct rove_irq_work *work)
{
	rove_irq_work_fn *fn = work->fn;

	if (unlikely(work->cpu))
		softirq_move_to(work->cpu - 1);
	softirq_begin(work, HRT_RUNS);
	/*
	 * ORDER irqwork.run (acq_rel): the call comes after what those did who claimed
	 * it or found it claimed; it is said to run before it is said not to be pending.
	 * Pairs with irqwork.claim and irqwork.idle, in queue() and is_busy().
	 */
	xchg_acq_rel(&work->pending, 0);
	fn(work);
	softirq_end();
}

/**
 * softirq_run_works - call all that are queued now
 *
 * Context: the thread.
 * Return:  true if there were any.
 */
bool softirq_run_works(void)
{
	struct llist_node *node = llist_take_oldest_first(&softirq.works), *next;
	bool any = node;

	for (; node; node = next) {
		next = node->next;	/* the function may queue or free it */
		run_one((struct rove_irq_work *)node);
	}
	return any;
}
