/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/wq_glib.c - GLib's GThreadPool, threads of its own
 */
#include <glib.h>

#include "bench/peers/wq_peer.h"

static GThreadPool *pool;

static void glib_run(gpointer data, gpointer user_data)
{
	struct wq_item *item = data;

	item->run(item);
}

static int glib_init(const struct wq_conf *conf, const char **why)
{
	pool = g_thread_pool_new(glib_run, NULL, conf->nr_workers, TRUE, NULL);
	return pool ? 0 : -ENOMEM;
}

static void glib_submit(struct wq_item *item, u32 producer)
{
	g_thread_pool_push(pool, item, NULL);
}

static void glib_fini(void)
{
	g_thread_pool_free(pool, FALSE, TRUE);
}

static const struct wq_peer glib = {
	.name = "GLib GThreadPool",
	.item_bytes = sizeof(struct wq_item),
	.init = glib_init,
	.fini = glib_fini,
	.submit = glib_submit,
};

const struct wq_peer *const wq_peers[] = { &glib, NULL };
