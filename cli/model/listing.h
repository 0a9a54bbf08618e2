/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/listing.h - the result of one collection: rows and how good they are
 *
 * A listing is complete, or it says why not: silence about what is missing is
 * the one thing it may not do.
 *
 * Rows are made on demand by ->row, so that a million records of a walk are
 * not copied before they are printed.
 * Not here: which rows are wanted and in what order (model/query.h).
 */
#ifndef ROVE_CLI_MODEL_LISTING_H
#define ROVE_CLI_MODEL_LISTING_H

#include "cli/model/noun.h"

struct listing {
	const struct noun *noun;
	const char *source;		/* "kernel", "sysfs", ... */
	char kernel[65];		/* release of the running kernel */

	u64 monotonic_ns;		/* the three clocks when collecting began */
	u64 boottime_ns;
	u64 realtime_ns;

	bool complete;
	const char *why;		/* NULL when complete, else one word: "max-objects" */
	u64 visited;			/* objects looked at */
	u64 lost;			/* objects known to exist and not in the rows */
	u64 torn;			/* rows whose fields never held still */
	u64 names_truncated;		/* rows with a cut name */
	u64 unreadable;			/* attributes that exist and could not be read */
	u64 denied;			/* those of them refused by permission */
	const char *needs;		/* what would permit them; NULL: CAP_DAC_READ_SEARCH */

	struct value walk_ns;		/* what it cost; unknown where the source cannot tell */
	struct value lock_ns;
	struct value bytes;

	u64 nr_rows;
	/* Fills @ret_row; its strings live as long as it and the listing. */
	void (*row)(const struct listing *listing, u64 index, void *ret_row);
	const void *rows;		/* for ->row */
};

void listing_begin(struct listing *listing, const struct noun *noun, const char *source);
void listing_took(struct listing *listing);
void listing_incomplete(struct listing *listing, const char *why);
void listing_compare(const struct listing *before, const struct listing *after,
		     const struct noun *noun, struct listing *ret_listing);
int listing_note_holders(struct listing *listing);

#endif
