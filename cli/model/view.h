/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/view.h - a listing made from another one, or from two
 *
 * The rows of a view point into the listings it was made from, and into memory that
 * whoever printed it frees.
 */
#ifndef ROVE_CLI_MODEL_VIEW_H
#define ROVE_CLI_MODEL_VIEW_H

#include "cli/model/listing.h"

/* free() both, in any order. */
struct view_memory {
	void *rows, *more;
};

struct view {
	const struct noun *noun;	/* of the rows it makes */
	/*
	 * One of the two.
	 * @pid: only what belongs to this process; 0: everything.
	 * @ret_memory is always set.  0 or -ENOMEM.
	 */
	int (*make)(const struct listing *base, u64 pid, struct listing *ret_listing,
		    struct view_memory *ret_memory);
	int (*compare)(const struct listing *before, const struct listing *after, u64 pid,
		       struct listing *ret_listing, struct view_memory *ret_memory);
};

#endif
