/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/query.h - which rows of a listing are wanted, and in what order
 */
#ifndef ROVE_CLI_MODEL_QUERY_H
#define ROVE_CLI_MODEL_QUERY_H

#include "cli/model/filter.h"
#include "cli/model/listing.h"

struct query {
	char *const *patterns;		/* globs on the key; any of them may match */
	u32 nr_patterns;
	const struct filter *filter;	/* NULL: every row */
	const struct column *sort;	/* NULL: the order of the listing */
	bool descending;
	u64 top;			/* at most so many rows; 0: all */
	u64 pid;			/* only what belongs to this process; 0: all */
};

/* Rows by their index in the listing. */
struct selection {
	u32 *rows;			/* NULL: the first ->nr rows in their order */
	u64 nr;
};

int query_parse_sort(const struct noun *noun, const char *spec, struct query *query);
int query_run(const struct query *query, const struct listing *listing,
	      struct selection *ret_selection);
void selection_free(struct selection *selection);

static inline u64 selection_row(const struct selection *selection, u64 n)
{
	return selection->rows ? selection->rows[n] : n;
}

#endif
