/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/wq_direct.c - no queue at all: the item is called
 *
 * The floor: what the load itself costs, its clock and its counting.
 */
#include "bench/peers/wq_peer.h"

static int direct_init(const struct wq_conf *conf, const char **why)
{
	return 0;
}

static void direct_fini(void)
{
}

static void direct_submit(struct wq_item *item, u32 producer)
{
	item->run(item);
}

static const struct wq_peer direct = {
	.name = "direct call (floor)",
	.note = "nothing is queued",
	.item_bytes = sizeof(struct wq_item),
	.init = direct_init,
	.fini = direct_fini,
	.submit = direct_submit,
};

const struct wq_peer *const wq_peers[] = { &direct, NULL };
