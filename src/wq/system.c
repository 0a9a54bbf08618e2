/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/system.c - the queues every process shares
 */
#include <errno.h>

#include "base/context.h"
#include "base/mutex.h"
#include "wq/fork.h"
#include "wq/wq.h"

static const struct {
	const char *name;
	struct rove_wq_options options;
} kinds[ROVE_SYSTEM_WQS] = {
	[ROVE_SYSTEM_WQ] = { "events", { .size = sizeof(struct rove_wq_options) } },
	[ROVE_SYSTEM_HIGHPRI_WQ] = { "events_highpri", {
		.size = sizeof(struct rove_wq_options), .flags = ROVE_WQ_HIGHPRI } },
	[ROVE_SYSTEM_LONG_WQ] = { "events_long", { .size = sizeof(struct rove_wq_options) } },
	[ROVE_SYSTEM_UNBOUND_WQ] = { "events_unbound", {
		.size = sizeof(struct rove_wq_options), .flags = ROVE_WQ_UNBOUND,
		.max_active = ROVE_WQ_MAX_ACTIVE } },
	[ROVE_SYSTEM_FREEZABLE_WQ] = { "events_freezable", {
		.size = sizeof(struct rove_wq_options), .flags = ROVE_WQ_FREEZABLE } },
	[ROVE_SYSTEM_BH_WQ] = { "events_bh", {
		.size = sizeof(struct rove_wq_options), .flags = ROVE_WQ_BH } },
};

struct mutex system_lock;
static struct rove_workqueue *queues[ROVE_SYSTEM_WQS];	/* A, set under system_lock */

/**
 * rove_system_workqueue - see rove/workqueue.h
 */
int rove_system_workqueue(enum rove_system_wq which, struct rove_workqueue **ret_wq)
{
	struct rove_workqueue *wq;
	int err = 0;

	ctx_may_sleep();
	if ((u32)which >= ROVE_SYSTEM_WQS)
		return -EINVAL;
	/*
	 * ORDER systemwq.observe (acquire): the queue is used after it was made.  Pairs with
	 * systemwq.publish in rove_system_workqueue().
	 */
	wq = load_acquire(&queues[which]);
	if (likely(wq)) {
		*ret_wq = wq;
		return 0;
	}
	mutex_lock(&system_lock);
	wq = queues[which];
	if (!wq)
		err = rove_workqueue_create(kinds[which].name, &kinds[which].options, &wq);
	/*
	 * ORDER systemwq.publish (release): the queue is complete before others find it.
	 * Pairs with systemwq.observe in rove_system_workqueue().
	 */
	if (!err)
		store_release(&queues[which], wq);
	mutex_unlock(&system_lock);
	if (!err)
		*ret_wq = wq;
	return err;
}
