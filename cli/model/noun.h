/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/noun.h - what a noun's rows look like, as a table of columns
 *
 * Everything that prints, sorts or filters works on these tables, so that a
 * second noun is one collector, one table like this and one command file.
 *
 * Not here: the rows (model/listing.h), or how they are found (cli/collect).
 */
#ifndef ROVE_CLI_MODEL_NOUN_H
#define ROVE_CLI_MODEL_NOUN_H

#include "cli/model/value.h"

struct column {
	const char *name;	/* -o, -s, -F and the table's heading: "TOTAL" */
	const char *json;	/* the key in JSON, CSV, ...: "total_time_ns" */
	const char *alias;	/* another name people know, or NULL: "total_time_ms" */
	enum value_type type;
	u32 field;		/* for ->get */
	const char *help;
	const struct noun *items;	/* what the values of a VALUE_ITEMS consist of */
	void (*get)(const struct column *col, const void *row, struct value *ret_value);
};

struct noun {
	const char *name;	/* "wakeup" */
	const char *schema;	/* "rove.wakeup" */
	u32 version;		/* of the schema */
	const struct column *columns;
	u32 nr_columns;
	const char *default_columns;	/* of a table, as -o takes them */
	const char *default_sort;	/* of a table, as -s takes it */
	const char *key;		/* the column that patterns are matched with */
	u32 row_bytes;
	const char *footnote;		/* said once below a table, on stderr */
	const char *layout;		/* formats of other tools that fit: "|debugfs|dumpsys|" */
	/*
	 * The reverse of a column's ->get, into a row that was zeroed; NULL: rows of this
	 * noun are not read from anywhere.  What @value points to stays where it is.
	 */
	void (*set)(const struct column *col, void *row, const struct value *value);
	/* Does it belong to this process; NULL: nothing does. */
	bool (*held_by)(const void *row, u64 pid);
	/* Is it known who holds it; NULL: it always is. */
	bool (*knows_holders)(const void *row);
};

/* A list of columns in the order they are printed. */
struct column_list {
	const struct column **cols;
	u32 nr;
};

const struct column *noun_column(const struct noun *noun, const char *name);
int noun_parse_columns(const struct noun *noun, const char *spec, struct column_list *ret_list,
		       const char **ret_bad);
int noun_all_columns(const struct noun *noun, struct column_list *ret_list);
void column_list_free(struct column_list *list);
const char *column_unit(const struct column *col);

#endif
