/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/dmabuf_proc.h - who holds DMA-bufs, by the files of /proc
 */
#ifndef ROVE_CLI_COLLECT_DMABUF_PROC_H
#define ROVE_CLI_COLLECT_DMABUF_PROC_H

#include "cli/collect/dmabuf_set.h"

/* Why a listing is not complete: nobody here can tell who else holds a buffer. */
#define DMABUF_PROCESSES_HIDDEN "processes-hidden"

struct dmabuf_proc_result {
	u64 nr_denied;		/* processes that could not be looked into */
	bool hides;		/* there may be processes that are not even shown */
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
 * Return:  0, or -errno: there is no /proc, no memory, no descriptor left.
 */
int dmabuf_proc_scan(struct dmabuf_set *set, bool add_buffers,
		     struct dmabuf_proc_result *ret_result);

/**
 * dmabuf_proc_in_namespace - are there processes that neither /proc nor an iterator shows
 *
 * In another PID namespace than the first both show those of the namespace.
 *
 * Context: may sleep.
 */
bool dmabuf_proc_in_namespace(void);

/* Say in a listing which holders are missing. */
void dmabuf_proc_note(const struct dmabuf_proc_result *result, struct listing *listing);

#endif
