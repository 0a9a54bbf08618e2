/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/dmabuf.c - the sources of DMA-bufs, best first
 */
#include "cli/collect/collect.h"
#include "cli/model/dmabuf.h"

static const struct collect_source *const sources[] = {
	&dmabuf_kernel_source,
	&dmabuf_debugfs_source,
	&dmabuf_sysfs_source,
	&dmabuf_proc_source,
	&dmabuf_self_source,
	&file_source,
};

const struct collect_noun collect_dmabuf = {
	.noun = &dmabuf_noun,
	.sources = sources,
	.nr_sources = ARRAY_SIZE(sources),
	.nowhere = "--help lists the sources",
};
