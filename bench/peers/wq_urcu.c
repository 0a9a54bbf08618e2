/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/wq_urcu.c - liburcu's wait-free queue and a futex
 *
 * liburcu's own work queue is not public; this is how one is written with what
 * is.  A worker splices the whole queue and runs it; until it has, the others
 * get none of it.
 */
#define _LGPL_SOURCE /* inline */
#include <urcu/wfcqueue.h>

#include "bench/peers/wq_thread.h"

struct urcu_item {
	struct wq_item item;
	struct cds_wfcq_node node;
};

static struct cds_wfcq_head head __attribute__((aligned(WQ_CACHE_LINE)));
static struct cds_wfcq_tail tail __attribute__((aligned(WQ_CACHE_LINE)));
static struct wq_dorm dorm;
static bool stop;
static struct wq_crew crew;

static bool run_all(void)
{
	struct __cds_wfcq_head batch;
	struct cds_wfcq_tail batch_tail;
	struct cds_wfcq_node *node, *next;

	__cds_wfcq_init(&batch, &batch_tail);
	cds_wfcq_dequeue_lock(&head, &tail);
	__cds_wfcq_splice_blocking(&batch, &batch_tail, &head, &tail);
	cds_wfcq_dequeue_unlock(&head, &tail);
	if (cds_wfcq_empty(&batch, &batch_tail))
		return false;
	__cds_wfcq_for_each_blocking_safe(&batch, &batch_tail, node, next) {
		struct urcu_item *it = container_of(node, struct urcu_item, node);

		it->item.run(&it->item);
	}
	return true;
}

static void *urcu_worker(void *index)
{
	while (!READ_ONCE(stop)) {
		if (run_all())
			continue;
		dorm_enter(&dorm);
		if (READ_ONCE(stop) || !cds_wfcq_empty(&head, &tail))
			dorm_leave(&dorm);
		else
			dorm_sleep(&dorm);
	}
	return NULL;
}

static void urcu_submit(struct wq_item *item, u32 producer)
{
	struct urcu_item *it = (struct urcu_item *)item;

	cds_wfcq_node_init(&it->node);
	/* Who finds it empty wakes; the woken worker takes what the others add. */
	if (!cds_wfcq_enqueue(&head, &tail, &it->node))
		dorm_wake_one(&dorm);
}

static int urcu_init(const struct wq_conf *conf, const char **why)
{
	cds_wfcq_init(&head, &tail);
	return crew_start(&crew, conf->nr_workers, urcu_worker);
}

static void urcu_fini(void)
{
	WRITE_ONCE(stop, true);
	dorm_wake_all(&dorm);
	crew_join(&crew);
}

static const struct wq_peer urcu = {
	.name = "liburcu wfcqueue + futex",
	.note = "by hand; one worker takes all that is queued",
	.item_bytes = sizeof(struct urcu_item),
	.init = urcu_init,
	.fini = urcu_fini,
	.submit = urcu_submit,
};

const struct wq_peer *const wq_peers[] = { &urcu, NULL };
