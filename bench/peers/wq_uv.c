/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/wq_uv.c - libuv's uv_queue_work
 *
 * It may be called on the loop's thread only, so other threads hand their items
 * to that one under a mutex and wake it with uv_async_send, as libuv's
 * documentation says.  An item counts as done when its work callback has run; the
 * request itself is the loop's until its after-work callback.
 */
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "bench/peers/wq_thread.h"

struct uv_item {
	struct wq_item item;
	struct uv_item *next;
};

static uv_loop_t loop;
static uv_async_t some;
static pthread_t loop_thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct uv_item *first, **last = &first;
static bool stop;

static void uv_item_run(uv_work_t *req)
{
	struct wq_item *item = req->data;

	item->run(item);
}

static void uv_item_after(uv_work_t *req, int status)
{
	free(req);
}

static void uv_take(uv_async_t *handle)
{
	struct uv_item *it, *next;
	bool leave;

	pthread_mutex_lock(&lock);
	it = first;
	first = NULL;
	last = &first;
	leave = stop;
	pthread_mutex_unlock(&lock);
	for (; it; it = next) {
		uv_work_t *req = malloc(sizeof(*req));

		if (!req)
			abort();
		next = it->next;
		req->data = it;
		uv_queue_work(&loop, req, uv_item_run, uv_item_after);
	}
	if (leave)
		uv_close((uv_handle_t *)&some, NULL);
}

static void *uv_thread(void *arg)
{
	uv_run(&loop, UV_RUN_DEFAULT);
	return NULL;
}

static void uv_submit(struct wq_item *item, u32 producer)
{
	struct uv_item *it = (struct uv_item *)item;

	it->next = NULL;
	pthread_mutex_lock(&lock);
	*last = it;
	last = &it->next;
	pthread_mutex_unlock(&lock);
	uv_async_send(&some);
}

static int uv_peer_init(const struct wq_conf *conf, const char **why)
{
	char nr[16];

	snprintf(nr, sizeof(nr), "%u", conf->nr_workers);
	setenv("UV_THREADPOOL_SIZE", nr, 1);
	if (uv_loop_init(&loop) || uv_async_init(&loop, &some, uv_take))
		return -ENOMEM;
	return -pthread_create(&loop_thread, NULL, uv_thread, NULL);
}

static void uv_peer_fini(void)
{
	pthread_mutex_lock(&lock);
	stop = true;
	pthread_mutex_unlock(&lock);
	uv_async_send(&some);
	pthread_join(loop_thread, NULL);
	uv_loop_close(&loop);
}

static const struct wq_peer uv = {
	.name = "libuv uv_queue_work",
	.note = "through the loop's thread, the only one that may queue",
	.item_bytes = sizeof(struct uv_item),
	.init = uv_peer_init,
	.fini = uv_peer_fini,
	.submit = uv_submit,
};

const struct wq_peer *const wq_peers[] = { &uv, NULL };
