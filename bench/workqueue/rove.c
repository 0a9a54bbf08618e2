/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/workqueue/rove.c - rove's workqueues, as peers of the others
 *
 * None yet: the queues of rove/workqueue.h are being written.
 */
#include "bench/workqueue/entries.h"

const struct wq_peer *const rove_peers[] = { NULL };
const struct wq_peer *const rove_scope_peers[] = { NULL };
