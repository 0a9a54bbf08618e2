/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/columns.c - the columns of a noun, as rows of their own: "-o help"
 *
 * So that they come out in every format, as anything else does.
 */
#include "cli/model/columns.h"

enum { FIELD_NAME, FIELD_JSON, FIELD_UNIT, FIELD_HELP };

/* A row is the column itself. */
static void get_text(const struct column *col, const void *row, struct value *ret_value)
{
	const struct column *described = *(const struct column *const *)row;
	const char *const texts[] = {
		[FIELD_NAME] = described->name,
		[FIELD_JSON] = described->json,
		[FIELD_UNIT] = column_unit(described),
		[FIELD_HELP] = described->help,
	};

	ret_value->known = true;
	ret_value->string = texts[col->field];
}

static const struct column column_columns[] = {
	{ .name = "COLUMN", .json = "column", .type = VALUE_STRING,
	  .field = FIELD_NAME, .get = get_text, .help = "its name in a table" },
	{ .name = "JSON", .json = "json", .type = VALUE_STRING,
	  .field = FIELD_JSON, .get = get_text, .help = "its key elsewhere" },
	{ .name = "UNIT", .json = "unit", .type = VALUE_STRING,
	  .field = FIELD_UNIT, .get = get_text, .help = "what its values are" },
	{ .name = "MEANING", .json = "meaning", .type = VALUE_STRING,
	  .field = FIELD_HELP, .get = get_text, .help = "what it says" },
};

static const struct noun column_noun = {
	.name = "column",
	.schema = "rove.columns",
	.version = 1,
	.columns = column_columns,
	.nr_columns = ARRAY_SIZE(column_columns),
	.default_columns = "COLUMN,JSON,UNIT,MEANING",
	.key = "COLUMN",
	.row_bytes = sizeof(struct column *),
};

static void fill_row(const struct listing *listing, u64 index, void *ret_row)
{
	const struct noun *noun = listing->rows;

	*(const struct column **)ret_row = &noun->columns[index];
}

/**
 * columns_listing - the columns of @noun as a listing
 *
 * Context: thread.
 */
void columns_listing(const struct noun *noun, struct listing *ret_listing)
{
	listing_begin(ret_listing, &column_noun, "rove");
	ret_listing->visited = ret_listing->nr_rows = noun->nr_columns;
	ret_listing->row = fill_row;
	ret_listing->rows = noun;
}
