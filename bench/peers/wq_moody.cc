/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/wq_moody.cc - moodycamel's blocking concurrent queue and threads
 */
#include <blockingconcurrentqueue.h>
#include <thread>
#include <vector>

#include "bench/peers/wq_peer.h"

typedef moodycamel::BlockingConcurrentQueue<struct wq_item *> queue_t;

static queue_t *queue;
static std::vector<moodycamel::ProducerToken> *tokens;
static std::vector<std::thread> *workers;

static void moody_worker(void)
{
	moodycamel::ConsumerToken token(*queue);
	struct wq_item *item;

	for (;;) {
		queue->wait_dequeue(token, item);
		if (!item)
			return;
		item->run(item);
	}
}

static int moody_init(const struct wq_conf *conf, const char **why)
{
	queue = new queue_t(conf->max_in_flight);
	tokens = new std::vector<moodycamel::ProducerToken>;
	for (u32 i = 0; i < conf->nr_producers; i++)
		tokens->emplace_back(*queue);
	workers = new std::vector<std::thread>;
	for (u32 i = 0; i < conf->nr_workers; i++)
		workers->emplace_back(moody_worker);
	return 0;
}

static void moody_submit(struct wq_item *item, u32 producer)
{
	queue->enqueue((*tokens)[producer], item);
}

static void moody_submit_many(struct wq_item *const *items, u32 nr, u32 producer)
{
	queue->enqueue_bulk((*tokens)[producer], items, nr);
}

static void moody_fini(void)
{
	for (std::size_t i = 0; i < workers->size(); i++)
		queue->enqueue(nullptr);
	for (std::thread &worker : *workers)
		worker.join();
	delete workers;
	delete tokens;
	delete queue;
}

static const struct wq_peer moody = {
	.name = "moodycamel blocking queue",
	.note = nullptr,
	.item_bytes = sizeof(struct wq_item),
	.init = moody_init,
	.fini = moody_fini,
	.item_init = nullptr,
	.submit = moody_submit,
	.submit_many = nullptr,
	.wait = nullptr,
	.producers = nullptr,
};

static const struct wq_peer moody_many = {
	.name = "moodycamel, one call a batch",
	.note = nullptr,
	.item_bytes = sizeof(struct wq_item),
	.init = moody_init,
	.fini = moody_fini,
	.item_init = nullptr,
	.submit = moody_submit,
	.submit_many = moody_submit_many,
	.wait = nullptr,
	.producers = nullptr,
};

const struct wq_peer *const wq_peers[] = { &moody, &moody_many, nullptr };
