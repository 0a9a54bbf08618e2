/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/dmabuf_sample.h - DMA-bufs of this process, made up to look at
 */
#ifndef ROVE_CLI_COLLECT_DMABUF_SAMPLE_H
#define ROVE_CLI_COLLECT_DMABUF_SAMPLE_H

#include "base/types.h"

struct dmabuf_sample;

/**
 * dmabuf_sample_start - make buffers like those of a machine with a camera and a display
 * @ret_sample: set on success only; dmabuf_sample_stop() it
 *
 * The same number makes the same buffers.  Each has a descriptor, so the limit on open
 * files is raised as far as it goes.
 *
 * Context: may sleep.
 * Return:  0, -EMFILE, -ENOMEM or what making a buffer says.
 */
int dmabuf_sample_start(u32 nr_buffers, struct dmabuf_sample **ret_sample);

void dmabuf_sample_stop(struct dmabuf_sample *sample);	/* NULL is fine */

#endif
