/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/value.h - one cell of a row, and what may be known about it
 *
 * Invariant: a value that could not be read is !known.  It is shown as
 * nothing ("-", empty, null), never as zero.
 * Not here: turning a value into text for people (model/text.h).
 */
#ifndef ROVE_CLI_MODEL_VALUE_H
#define ROVE_CLI_MODEL_VALUE_H

#include "base/types.h"

enum value_type {
	VALUE_STRING,		/* bytes up to NUL, in no particular encoding */
	VALUE_FLAG,
	VALUE_COUNT,		/* unsigned 64 bit */
	VALUE_INTEGER,		/* signed 64 bit */
	VALUE_DURATION,		/* signed nanoseconds; also a reading of the monotonic clock */
	VALUE_BYTES,		/* an unsigned amount of memory */
	VALUE_ITEMS,		/* rows of another noun, which the column names */
	NR_VALUE_TYPES,
};

struct value {
	bool known;
	union {
		const char *string;
		bool flag;
		u64 count;
		s64 ns;
		s64 integer;
		struct {
			const void *items;	/* one behind the other */
			u64 nr_items;
		};
	};
};

int value_order(enum value_type type, const struct value *a, const struct value *b);

#endif
