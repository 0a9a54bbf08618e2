/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/wakeup.h - one wakeup source as a plain row
 *
 * Invariant: an attribute whose bit in ->known is clear could not be read and
 * its number means nothing.
 * The key of a row is (name, device): names are not unique.
 */
#ifndef ROVE_CLI_MODEL_WAKEUP_H
#define ROVE_CLI_MODEL_WAKEUP_H

#include "cli/model/noun.h"

enum wakeup_attr {
	WAKEUP_ACTIVE,			/* 0 or 1 */
	WAKEUP_ACTIVE_COUNT,
	WAKEUP_EVENT_COUNT,
	WAKEUP_WAKEUP_COUNT,
	WAKEUP_EXPIRE_COUNT,
	WAKEUP_RELAX_COUNT,
	WAKEUP_ACTIVE_TIME,		/* these six in ns */
	WAKEUP_TOTAL_TIME,
	WAKEUP_MAX_TIME,
	WAKEUP_LAST_CHANGE,
	WAKEUP_PREVENT_TIME,
	WAKEUP_READ_AT,
	WAKEUP_TORN,			/* 0 or 1 */
	WAKEUP_NAME_TRUNCATED,		/* 0 or 1 */
	NR_WAKEUP_ATTRS,
};

enum wakeup_string {
	WAKEUP_NAME,
	WAKEUP_NODE,			/* the class device: "wakeup12" */
	WAKEUP_DEVICE,			/* its parent: "0000:00:14.0" */
	WAKEUP_DRIVER,
	WAKEUP_LABEL,			/* what the parent calls itself, for people */
	NR_WAKEUP_STRINGS,
};

struct wakeup_row {
	s64 attr[NR_WAKEUP_ATTRS];
	u32 known;			/* bit n: attr[n] was read */
	const char *string[NR_WAKEUP_STRINGS];	/* NULL: unknown; the collector's, or ->node */
	char node[24];			/* room to make a node's name in */
};

static inline void wakeup_row_set(struct wakeup_row *row, enum wakeup_attr attr, s64 number)
{
	row->attr[attr] = number;
	row->known |= 1u << attr;
}

static inline bool wakeup_row_knows(const struct wakeup_row *row, enum wakeup_attr attr)
{
	return row->known & (1u << attr);
}

extern const struct noun wakeup_noun;

#endif
