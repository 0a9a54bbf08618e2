/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/wq_tbb.cc - oneTBB: a task group a producer, and one arena's queue
 *
 * A task group's waiter runs items itself, which is no hand-over to another
 * thread at all; enqueue() into an arena is.
 */
#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include "bench/peers/wq_peer.h"

static tbb::global_control *control;
static tbb::task_arena *arena;
static tbb::task_group *groups[WQ_MAX_PRODUCERS];

static int group_init(const struct wq_conf *conf, const char **why)
{
	control = new tbb::global_control(tbb::global_control::max_allowed_parallelism,
					  conf->nr_workers + 1);
	for (u32 i = 0; i < conf->nr_producers; i++)
		groups[i] = new tbb::task_group;
	return 0;
}

static void group_submit(struct wq_item *item, u32 producer)
{
	groups[producer]->run([item] { item->run(item); });
}

static void group_wait(struct wq_item *const *items, u32 nr, u32 producer)
{
	groups[producer]->wait();
}

static void group_fini(void)
{
	for (u32 i = 0; i < WQ_MAX_PRODUCERS && groups[i]; i++) {
		groups[i]->wait();
		delete groups[i];
	}
	delete control;
}

static int arena_init(const struct wq_conf *conf, const char **why)
{
	control = new tbb::global_control(tbb::global_control::max_allowed_parallelism,
					  conf->nr_workers + 1);
	arena = new tbb::task_arena(conf->nr_workers, 0);
	arena->initialize();
	return 0;
}

static void arena_submit(struct wq_item *item, u32 producer)
{
	arena->enqueue([item] { item->run(item); });
}

static void arena_fini(void)
{
	delete arena;
	delete control;
}

static const struct wq_peer group = {
	.name = "oneTBB task_group",
	.note = "own wait, which helps",
	.item_bytes = sizeof(struct wq_item),
	.init = group_init,
	.fini = group_fini,
	.item_init = nullptr,
	.submit = group_submit,
	.submit_many = nullptr,
	.wait = group_wait,
	.producers = nullptr,
};

static const struct wq_peer enqueue = {
	.name = "oneTBB arena.enqueue",
	.note = nullptr,
	.item_bytes = sizeof(struct wq_item),
	.init = arena_init,
	.fini = arena_fini,
	.item_init = nullptr,
	.submit = arena_submit,
	.submit_many = nullptr,
	.wait = nullptr,
	.producers = nullptr,
};

const struct wq_peer *const wq_peers[] = { &group, &enqueue, nullptr };
