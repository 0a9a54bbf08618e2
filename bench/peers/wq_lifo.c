/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/wq_lifo.c - a lock-free stack and a semaphore
 *
 * The only one here that a signal handler may call.  A worker takes the whole
 * stack and runs it oldest first; until it has, the others get none of it.
 */
#include <semaphore.h>

#include "bench/peers/wq_thread.h"

struct lifo_item {
	struct wq_item item;
	struct lifo_item *next;
};

static struct lifo_item *top __attribute__((aligned(WQ_CACHE_LINE)));
static sem_t some __attribute__((aligned(WQ_CACHE_LINE)));
static bool stop;
static struct wq_crew crew;

static void run_oldest_first(struct lifo_item *newest)
{
	struct lifo_item *oldest = NULL;

	while (newest) {
		struct lifo_item *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest) {
		struct lifo_item *next = oldest->next;

		oldest->item.run(&oldest->item);
		oldest = next;
	}
}

static void *lifo_worker(void *index)
{
	for (;;) {
		while (sem_wait(&some))
			;
		if (READ_ONCE(stop))
			return NULL;
		run_oldest_first(xchg_acquire(&top, NULL));
	}
}

static void lifo_submit(struct wq_item *item, u32 producer)
{
	struct lifo_item *it = (struct lifo_item *)item;
	struct lifo_item *old = READ_ONCE(top);

	do {
		it->next = old;
	} while (!cmpxchg_release(&top, &old, it));
	if (!old)
		sem_post(&some);
}

static int lifo_init(const struct wq_conf *conf, const char **why)
{
	sem_init(&some, 0, 0);
	return crew_start(&crew, conf->nr_workers, lifo_worker);
}

static void lifo_fini(void)
{
	WRITE_ONCE(stop, true);
	for (u32 i = 0; i < WQ_MAX_WORKERS; i++)
		sem_post(&some);
	crew_join(&crew);
}

static const struct wq_peer lifo = {
	.name = "LIFO + semaphore",
	.note = "one worker takes all that is queued",
	.item_bytes = sizeof(struct lifo_item),
	.init = lifo_init,
	.fini = lifo_fini,
	.submit = lifo_submit,
};

const struct wq_peer *const wq_peers[] = { &lifo, NULL };
