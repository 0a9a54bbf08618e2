/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/workqueue/rove.c - rove's workqueues, as peers of the others
 *
 * One queue for each way of using it.  How many workers run is the pool's own
 * choice: about as many as there are CPUs.
 */
#include <rove/workqueue.h>

#include "bench/workqueue/entries.h"

struct rove_item {
	struct wq_item item;
	struct rove_work work;
};

static struct rove_workqueue *wq;

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

/* Batches are split, since the array of works is made here. */
#define PART 64u

static void works_of(struct wq_item *const *items, u32 nr, struct rove_work **works)
{
	for (u32 i = 0; i < nr; i++)
		works[i] = &container_of(items[i], struct rove_item, item)->work;
}

static void rove_submit_many(struct wq_item *const *items, u32 nr, u32 producer)
{
	struct rove_work *works[PART];

	for (u32 i = 0; i < nr; i += PART) {
		u32 part = min(nr - i, PART);

		works_of(items + i, part, works);
		rove_queue_works(wq, works, part);
	}
}

static void rove_wait(struct wq_item *const *items, u32 nr, u32 producer)
{
	struct rove_work *works[PART];

	for (u32 i = 0; i < nr; i += PART) {
		u32 part = min(nr - i, PART);

		works_of(items + i, part, works);
		if (part == 1)
			rove_flush_work(works[0]);
		else
			rove_flush_works(works, part);
	}
}

static int rove_init(const struct rove_wq_options *chosen)
{
	struct rove_wq_options options = *chosen;

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
		return rove_init(&options);                                            \
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

const struct wq_peer *const rove_peers[] = {
	&bound, &many, &helped, &helped_many, &unbound, &after, &under, NULL,
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
