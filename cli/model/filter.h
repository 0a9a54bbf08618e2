/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/filter.h - conditions on rows, as -F takes them
 *
 *	field>=value,field~regex,...		all of them must hold
 *
 * Operators: = != < <= > >= and, for text, ~ !~ (extended regular expression).
 * A comma or backslash in a value is written with a backslash before it.
 * A number without a unit is in the unit that the field's name says: ns for
 * total_time_ns, ms for TOTAL and total_time_ms, bytes for size_bytes, KiB for SIZE.
 * A list is compared by its length.
 *
 * Invariant: an unknown value fulfils no condition, not even "!=".
 */
#ifndef ROVE_CLI_MODEL_FILTER_H
#define ROVE_CLI_MODEL_FILTER_H

#include "cli/model/noun.h"

struct filter;

int filter_parse(const struct noun *noun, const char *expr, struct filter **filter, char *why,
		 size_t why_size);
int filter_holds(const struct filter *filter, const void *row);
void filter_free(struct filter *filter);

#endif
