/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/dmabuf_proc.h - who holds DMA-bufs, by the files of /proc
 */
#ifndef ROVE_CLI_COLLECT_DMABUF_PROC_H
#define ROVE_CLI_COLLECT_DMABUF_PROC_H

#include "cli/collect/dmabuf_set.h"

struct dmabuf_proc_result {
	u64 nr_denied;		/* processes that could not be looked into */
	u64 bytes;		/* read */
};

/**
 * dmabuf_proc_scan - find descriptors and mappings of DMA-bufs in all processes
 * @set:         gets the holders; rows get what they did not know
 * @add_buffers: also buffers that are not in @set, as far as they can be known
 *
 * Processes that end meanwhile are passed over.
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM, or -errno: there is no /proc.
 */
int dmabuf_proc_scan(struct dmabuf_set *set, bool add_buffers,
		     struct dmabuf_proc_result *ret_result);

/* Say in a listing which holders are missing. */
void dmabuf_proc_note(const struct dmabuf_proc_result *result, struct listing *listing);

#endif
