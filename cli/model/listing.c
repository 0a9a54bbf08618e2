/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/listing.c - begin a listing, and mark it partial
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "cli/model/listing.h"

static u64 clock_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		return 0;
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

/**
 * listing_begin - an empty, complete listing with the clocks of now
 * @listing: all of it is set
 * @noun:    what its rows are
 * @source:  where they come from; not copied
 *
 * Context: thread.
 */
void listing_begin(struct listing *listing, const struct noun *noun, const char *source)
{
	struct utsname uts;

	memset(listing, 0, sizeof(*listing));
	listing->noun = noun;
	listing->source = source;
	listing->complete = true;
	listing->monotonic_ns = clock_ns(CLOCK_MONOTONIC);
	listing->boottime_ns = clock_ns(CLOCK_BOOTTIME);
	listing->realtime_ns = clock_ns(CLOCK_REALTIME);
	if (!uname(&uts))
		memcpy(listing->kernel, uts.release, sizeof(listing->kernel));
}

/**
 * listing_took - say how long collecting took: from listing_begin() to now
 *
 * Context: thread.
 */
void listing_took(struct listing *listing)
{
	listing->walk_ns = (struct value){
		.known = true, .ns = (s64)(clock_ns(CLOCK_MONOTONIC) - listing->monotonic_ns),
	};
}

/**
 * listing_incomplete - say that rows or fields are missing
 * @why: one word, not copied; the first reason given is kept
 *
 * Context: thread.
 */
void listing_incomplete(struct listing *listing, const char *why)
{
	listing->complete = false;
	if (!listing->why)
		listing->why = why;
}

/**
 * listing_compare - begin a listing of what is different between two others
 * @noun:        what its rows are
 * @ret_listing: the later one's header; not complete if one of them is not
 *
 * Context: thread.
 */
void listing_compare(const struct listing *before, const struct listing *after,
		     const struct noun *noun, struct listing *ret_listing)
{
	*ret_listing = *after;
	ret_listing->noun = noun;
	if (!before->complete)
		listing_incomplete(ret_listing, before->why);
	ret_listing->lost += before->lost;
	ret_listing->torn += before->torn;
}

/**
 * listing_note_holders - whose rows are asked for: is that known of all of them?
 * @listing: incomplete afterwards, if it is not
 *
 * Context: thread.
 * Return:  0 or -ENOMEM.
 */
int listing_note_holders(struct listing *listing)
{
	const struct noun *noun = listing->noun;
	bool known = true;
	void *row;

	if (!noun->knows_holders)
		return 0;
	row = malloc(noun->row_bytes);
	if (!row)
		return -ENOMEM;
	for (u64 i = 0; i < listing->nr_rows && known; i++) {
		listing->row(listing, i, row);
		known = noun->knows_holders(row);
	}
	free(row);
	if (!known)
		listing_incomplete(listing, "holders-unknown");
	return 0;
}
