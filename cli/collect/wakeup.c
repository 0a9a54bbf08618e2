/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/wakeup.c - the sources of wakeup sources, best first
 */
#include "cli/collect/collect.h"
#include "cli/model/wakeup.h"

static const struct collect_source *const sources[] = {
	&wakeup_kernel_source,
	&wakeup_sysfs_source,
	&wakeup_debugfs_source,
	&wakeup_self_source,
	&file_source,
};

const struct collect_noun collect_wakeup = {
	.noun = &wakeup_noun,
	.sources = sources,
	.nr_sources = ARRAY_SIZE(sources),
	.nowhere = "--help lists the sources",
};
