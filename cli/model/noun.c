/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/noun.c - find columns by the names people type
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/model/noun.h"

/**
 * noun_column - the column of that name
 * @name: its name, JSON key or alias; case does not matter
 *
 * Context: any.
 * Return:  the column, or NULL when there is none.
 */
const struct column *noun_column(const struct noun *noun, const char *name)
{
	for (u32 i = 0; i < noun->nr_columns; i++) {
		const struct column *col = &noun->columns[i];

		if (!strcasecmp(col->name, name) || !strcasecmp(col->json, name) ||
		    (col->alias && !strcasecmp(col->alias, name)))
			return col;
	}
	return NULL;
}

static int column_list_add(struct column_list *list, const struct column *col)
{
	const struct column **cols;

	cols = realloc(list->cols, (list->nr + 1) * sizeof(*cols));
	if (!cols)
		return -ENOMEM;
	list->cols = cols;
	list->cols[list->nr++] = col;
	return 0;
}

/* One word of a list; ",," and a trailing comma make an empty word, which names no column. */
static int add_word(const struct noun *noun, struct column_list *list, const char *word)
{
	const struct column *col = noun_column(noun, word);

	return col ? column_list_add(list, col) : -ENOENT;
}

static int add_words(const struct noun *noun, struct column_list *list, const char *spec,
		     const char **ret_bad)
{
	char *words = strdup(spec), *rest = words, *word;
	int err = words ? 0 : -ENOMEM;

	while (!err && (word = strsep(&rest, ","))) {
		err = add_word(noun, list, word);
		if (err == -ENOENT && ret_bad)
			*ret_bad = spec + (word - words);
	}
	free(words);
	return err;
}

/**
 * noun_parse_columns - read a list of columns as -o takes it
 * @spec:     "NAME,TOTAL", or "+COL" to append to the default columns
 * @ret_list: set on success; free with column_list_free()
 * @ret_bad:  on -ENOENT, where in @spec the unknown word begins
 *
 * Context: may sleep.
 * Return:  0, -ENOENT (no such column) or -ENOMEM.
 */
int noun_parse_columns(const struct noun *noun, const char *spec, struct column_list *ret_list,
		       const char **ret_bad)
{
	struct column_list list = {};
	int err = 0;

	if (spec[0] == '+') {
		err = add_words(noun, &list, noun->default_columns, NULL);
		spec++;
	}
	if (!err)
		err = add_words(noun, &list, spec, ret_bad);
	if (err) {
		column_list_free(&list);
		return err;
	}
	*ret_list = list;
	return 0;
}

/**
 * noun_all_columns - every column, in the order of the table
 * @ret_list: set on success; free with column_list_free()
 *
 * Context: may sleep.
 * Return:  0 or -ENOMEM.
 */
int noun_all_columns(const struct noun *noun, struct column_list *ret_list)
{
	struct column_list list = {};
	int err = 0;

	for (u32 i = 0; i < noun->nr_columns && !err; i++)
		err = column_list_add(&list, &noun->columns[i]);
	if (err) {
		column_list_free(&list);
		return err;
	}
	*ret_list = list;
	return 0;
}

/**
 * column_list_free - free what noun_parse_columns() or noun_all_columns() made
 * @list: may be empty
 *
 * Context: may sleep.
 */
void column_list_free(struct column_list *list)
{
	free(list->cols);
	list->cols = NULL;
	list->nr = 0;
}

/**
 * column_unit - the unit of a column's exact value
 *
 * Context: any.
 * Return:  a word for "-o help", never NULL.
 */
const char *column_unit(const struct column *col)
{
	static const char *const units[NR_VALUE_TYPES] = {
		[VALUE_STRING] = "text",
		[VALUE_FLAG] = "true/false",
		[VALUE_COUNT] = "count",
		[VALUE_INTEGER] = "number",
		[VALUE_DURATION] = "ns",
		[VALUE_BYTES] = "bytes",
		[VALUE_ITEMS] = "list",
	};

	return units[col->type];
}
