/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/workqueue/rove.c - rove's workqueues, as peers of the others
 *
 * One queue for each way of using it.  How many workers run is the pool's own
 * choice: about as many as there are CPUs.
 */
#include <stdlib.h>

#include <rove/workqueue.h>

#include "bench/workqueue/entries.h"

/* More than the pause of the table of idle workers. */
#define POLL_US 1000

struct rove_item {
	struct wq_item item;
	struct rove_work work;
};

static struct rove_workqueue *wq;
static u32 max_in_flight;

static void run_item(struct rove_work *work)
{
	struct rove_item *it = container_of(work, struct rove_item, work);

	it->item.run(&it->item);
}

static void rove_item_init(struct wq_item *item)
{
	rove_work_init(&container_of(item, struct rove_item, item)->work, run_item);
}

static void rove_submit(struct wq_item *item, u32 producer)
{
	rove_queue_work(wq, &container_of(item, struct rove_item, item)->work);
}

/* The works of a producer's items, in their order: the items stay where they are. */
static struct rove_work **works_of(struct wq_item *const *items, u32 producer)
{
	static struct rove_work **works[WQ_MAX_PRODUCERS];

	if (unlikely(!works[producer])) {
		works[producer] = calloc(max_in_flight, sizeof(works[0][0]));
		for (u32 i = 0; works[producer] && i < max_in_flight; i++)
			works[producer][i] = &container_of(items[i], struct rove_item, item)->work;
	}
	if (!works[producer])
		abort();
	return works[producer];
}

static void rove_submit_many(struct wq_item *const *items, u32 nr, u32 producer)
{
	rove_queue_works(wq, works_of(items, producer), nr);
}

static void rove_wait(struct wq_item *const *items, u32 nr, u32 producer)
{
	struct rove_work **works = works_of(items, producer);

	if (nr == 1)
		rove_flush_work(works[0]);
	else
		rove_flush_works(works, nr);
}

static int rove_init(const struct wq_conf *conf, const struct rove_wq_options *chosen)
{
	struct rove_wq_options options = *chosen;

	max_in_flight = conf->max_in_flight;
	options.size = sizeof(options);
	return rove_workqueue_create("bench", &options, &wq);
}

static void rove_fini(void)
{
	rove_workqueue_free(wq);
}

#define OPTIONS(...) ((struct rove_wq_options){ __VA_ARGS__ })

#define ROVE(id, title, options, ...)                                                  \
	static int id##_init(const struct wq_conf *conf, const char **why)             \
	{                                                                              \
		return rove_init(conf, &options);                                      \
	}                                                                              \
	static const struct wq_peer id = {                                             \
		.name = title,                                                         \
		.item_bytes = sizeof(struct rove_item),                                \
		.init = id##_init,                                                     \
		.fini = rove_fini,                                                     \
		.item_init = rove_item_init,                                           \
		.submit = rove_submit,                                                 \
		__VA_ARGS__                                                            \
	}

ROVE(bound, "rove", OPTIONS(.flags = 0), .note = "the default: bound to CPUs");
ROVE(many, "rove, one call a batch", OPTIONS(.flags = 0), .submit_many = rove_submit_many);
ROVE(helped, "rove, waiters help", OPTIONS(.flags = ROVE_WQ_HELP), .wait = rove_wait,
     .note = "own wait, which helps");
ROVE(helped_many, "rove, one call, waiters help", OPTIONS(.flags = ROVE_WQ_HELP),
     .submit_many = rove_submit_many, .wait = rove_wait, .note = "own wait, which helps");
ROVE(unbound, "rove, unbound", OPTIONS(.flags = ROVE_WQ_UNBOUND));
ROVE(after, "rove, unbound, woken after unlock",
     OPTIONS(.flags = ROVE_WQ_UNBOUND, .wake = ROVE_WQ_WAKE_AFTER),
     .note = "for comparison: with a lock");
ROVE(under, "rove, unbound, woken under the lock",
     OPTIONS(.flags = ROVE_WQ_UNBOUND, .wake = ROVE_WQ_WAKE_UNDER),
     .note = "for comparison: with a lock");

ROVE(polls, "rove, unbound, polls",
     OPTIONS(.flags = ROVE_WQ_UNBOUND, .poll_us = POLL_US),
     .note = "an idle worker looks for 1 ms before it sleeps");
ROVE(bound_polls, "rove, polls", OPTIONS(.flags = 0, .poll_us = POLL_US),
     .note = "the same, bound to CPUs");

const struct wq_peer *const rove_peers[] = {
	&bound, &many, &helped, &helped_many, &unbound, &after, &under, &polls, &bound_polls, NULL,
};

#define SCOPE(id, NAME, words)                                                         \
	ROVE(id##_under, words ", woken under the lock",                               \
	     OPTIONS(.flags = ROVE_WQ_UNBOUND, .scope = ROVE_WQ_SCOPE_##NAME,          \
		     .wake = ROVE_WQ_WAKE_UNDER));                                     \
	ROVE(id##_after, words ", woken after unlock",                                 \
	     OPTIONS(.flags = ROVE_WQ_UNBOUND, .scope = ROVE_WQ_SCOPE_##NAME,          \
		     .wake = ROVE_WQ_WAKE_AFTER));                                     \
	ROVE(id##_default, words ", no lock",                                          \
	     OPTIONS(.flags = ROVE_WQ_UNBOUND, .scope = ROVE_WQ_SCOPE_##NAME))

SCOPE(cpu, CPU, "cpu");
SCOPE(smt, SMT, "smt");
SCOPE(shard, CACHE_SHARD, "cache_shard");
SCOPE(cache, CACHE, "cache");
SCOPE(numa, NUMA, "numa");
SCOPE(sys, SYSTEM, "system");

const struct wq_peer *const rove_scope_peers[] = {
	&cpu_under,   &cpu_after,   &cpu_default,
	&smt_under,   &smt_after,   &smt_default,
	&shard_under, &shard_after, &shard_default,
	&cache_under, &cache_after, &cache_default,
	&numa_under,  &numa_after,  &numa_default,
	&sys_under,   &sys_after,   &sys_default,
	NULL,
};
