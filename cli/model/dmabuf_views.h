/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/dmabuf_views.h - a listing of DMA-bufs summed up, or compared with another
 */
#ifndef ROVE_CLI_MODEL_DMABUF_VIEWS_H
#define ROVE_CLI_MODEL_DMABUF_VIEWS_H

#include "cli/model/dmabuf.h"
#include "cli/model/view.h"

/* A number that is not known. */
#define DMABUF_UNKNOWN UINT64_MAX

/* Part of a process: what it holds of one exporter. */
struct dmabuf_part {
	const char *exporter;		/* NULL: unknown */
	u64 nr_buffers, size_bytes;
};

/* One row of a view; each view has columns for what it fills. */
struct dmabuf_group {
	const char *name;		/* exporter, process or device; NULL: unknown */
	const char *exporter;		/* of one part, until the parts are summed up */
	u64 pid;
	u64 nr_buffers, size_bytes;
	u64 nr_fds, nr_maps, nr_attachments;
	u64 nr_processes;
	u64 rss_bytes, pss_bytes;
	u64 nr_kernel_only, kernel_only_bytes;
	const struct dmabuf_part *parts;
	u64 nr_parts;
};

/* What is different between two listings. */
struct dmabuf_change {
	const char *what;		/* "new", "gone", "changed" */
	const struct dmabuf_row *row;	/* as it is, or was before it went */
	u64 refs_before, nr_processes_before;
};

/* What a process, or the kernel alone, has more of one exporter than before. */
struct dmabuf_growth {
	const char *exporter, *comm;	/* NULL: unknown; ->comm also for the kernel */
	u64 pid;			/* DMABUF_UNKNOWN: nobody, only the kernel */
	u64 nr_buffers, size_bytes;	/* now */
	s64 nr_more;			/* than before */
	u64 more_bytes;
};

extern const struct view dmabuf_by_exporter, dmabuf_by_process, dmabuf_by_device;
extern const struct view dmabuf_changes, dmabuf_growths;	/* of two listings */

#endif
