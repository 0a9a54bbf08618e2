/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/wq_ck.c - a ring of Concurrency Kit for each producer
 *
 * As large as what a producer can have in flight, so it is never full: a bound
 * that a general queue does not have.  Workers look into all rings and sleep
 * on a count of sleepers.
 */
#include <ck_ring.h>
#include <stdlib.h>

#include "bench/peers/wq_thread.h"

struct ck_lane {
	ck_ring_t ring;
	ck_ring_buffer_t *slots;
} __attribute__((aligned(WQ_CACHE_LINE)));

static struct ck_lane lanes[WQ_MAX_PRODUCERS];
static u32 nr_lanes, nr_workers;
static struct wq_dorm dorm;
static bool stop;
static struct wq_crew crew;

static bool run_some(u32 first_lane)
{
	bool some = false;
	struct wq_item *item;

	for (u32 i = 0; i < nr_lanes; i++) {
		struct ck_lane *lane = &lanes[(first_lane + i) % nr_lanes];

		while (ck_ring_dequeue_spmc(&lane->ring, lane->slots, &item)) {
			item->run(item);
			some = true;
		}
	}
	return some;
}

static bool all_empty(void)
{
	for (u32 i = 0; i < nr_lanes; i++)
		if (ck_ring_size(&lanes[i].ring))
			return false;
	return true;
}

static void *ck_worker(void *index)
{
	u32 first_lane = (uintptr_t)index * nr_lanes / nr_workers;

	while (!READ_ONCE(stop)) {
		if (run_some(first_lane))
			continue;
		dorm_enter(&dorm);
		if (READ_ONCE(stop) || !all_empty())
			dorm_leave(&dorm);
		else
			dorm_sleep(&dorm);
	}
	return NULL;
}

static void ck_submit(struct wq_item *item, u32 producer)
{
	struct ck_lane *lane = &lanes[producer];

	while (!ck_ring_enqueue_spmc(&lane->ring, lane->slots, item))
		sched_yield();
	ck_pr_fence_memory(); /* the item before the count of sleepers */
	if (READ_ONCE(dorm.nr_asleep))
		dorm_wake_one(&dorm);
}

static int ck_init(const struct wq_conf *conf, const char **why)
{
	u32 slots = 64;

	while (slots < conf->max_in_flight + 1)
		slots *= 2;
	nr_lanes = conf->nr_producers;
	for (u32 i = 0; i < nr_lanes; i++) {
		lanes[i].slots = calloc(slots, sizeof(ck_ring_buffer_t));
		if (!lanes[i].slots)
			return -ENOMEM;
		ck_ring_init(&lanes[i].ring, slots);
	}
	nr_workers = conf->nr_workers;
	return crew_start(&crew, conf->nr_workers, ck_worker);
}

static void ck_fini(void)
{
	WRITE_ONCE(stop, true);
	dorm_wake_all(&dorm);
	crew_join(&crew);
	for (u32 i = 0; i < nr_lanes; i++)
		free(lanes[i].slots);
}

static const struct wq_peer ck = {
	.name = "Concurrency Kit ring a producer",
	.note = "as large as the load needs; sleeping by hand",
	.item_bytes = sizeof(struct wq_item),
	.init = ck_init,
	.fini = ck_fini,
	.submit = ck_submit,
};

const struct wq_peer *const wq_peers[] = { &ck, NULL };
