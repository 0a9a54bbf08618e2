/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/out/layout.h - fixed layouts of other tools
 *
 * They name the columns they need by their JSON keys, so a noun that has them
 * can be printed in them.
 */
#ifndef ROVE_CLI_OUT_LAYOUT_H
#define ROVE_CLI_OUT_LAYOUT_H

#include "cli/out/out.h"

struct layout_field {
	const char *json;	/* the column */
	const char *heading;
	int width;		/* at least; negative: left-aligned */
};

/* The value of one field of a row, or !known. */
static inline const struct column *layout_value(const struct out *out,
						const struct layout_field *field, const void *row,
						struct value *ret_value)
{
	const struct column *col = noun_column(out->noun, field->json);

	if (col)
		col->get(col, row, ret_value);
	else
		ret_value->known = false;
	return col;
}

#endif
