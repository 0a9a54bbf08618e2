/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/sysfs_node.h - one wakeupN directory, read through kept descriptors
 *
 * Opening and closing is most of what a sysfs read costs, so a node's files are
 * opened once and read again with pread(2).  When there are no descriptors left
 * they are opened for every read.
 */
#ifndef ROVE_CLI_COLLECT_SYSFS_NODE_H
#define ROVE_CLI_COLLECT_SYSFS_NODE_H

#include <sys/types.h>

#include "cli/model/wakeup.h"

#define SYSFS_NODE_FILES 10	/* with numbers; the name is read once */

/* How many descriptors all nodes together may keep. */
struct fd_budget {
	u64 used;
	u64 limit;
};

/* What one collection read. */
struct sysfs_tally {
	u64 bytes;
	u64 unreadable;		/* attributes that exist and gave no number */
	u64 denied;		/* those of them refused by permission */
};

struct sysfs_node {
	char dir[32];		/* below the class directory: "wakeup12" */
	ino_t ino;		/* of the directory entry: another one is another source */
	bool open;
	bool kept;		/* ->fd are open for good */
	int fd[SYSFS_NODE_FILES];	/* or -errno of opening it */
	int name_err;		/* -errno of reading the name, or 0 */
	bool name_cut;
	char *string[NR_WAKEUP_STRINGS];	/* NULL: unknown */
};

void fd_budget_init(struct fd_budget *budget);
int sysfs_node_read(struct sysfs_node *node, int class_fd, struct fd_budget *budget,
		    struct sysfs_tally *tally, struct wakeup_row *ret_row);
void sysfs_node_close(struct sysfs_node *node, struct fd_budget *budget);

#endif
