/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/query.c - which rows of a listing are wanted, and in what order
 *
 * A listing is gone through once per question, making one row at a time, and
 * only indexes (and, to sort, one value each) are kept.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "cli/model/query.h"

struct sort_key {
	struct value value;
	u32 row;
};

struct sort_order {
	enum value_type type;
	bool descending;
};

/**
 * query_parse_sort - read "COL", "COL:a" or "COL:d"
 *
 * Without a direction, text ascends and everything else descends: the largest
 * is what one looks for.
 *
 * Context: may sleep.
 * Return:  0, -ENOENT (no such column), -EINVAL (no such direction) or -ENOMEM.
 */
int query_parse_sort(const struct noun *noun, const char *spec, struct query *query)
{
	const char *colon = strchr(spec, ':');
	char *name = colon ? strndup(spec, colon - spec) : strdup(spec);

	if (!name)
		return -ENOMEM;
	query->sort = noun_column(noun, name);
	free(name);
	if (!query->sort)
		return -ENOENT;
	if (!colon)
		query->descending = query->sort->type != VALUE_STRING;
	else if (!strcmp(colon, ":a") || !strcmp(colon, ":d"))
		query->descending = colon[1] == 'd';
	else
		return -EINVAL;
	return 0;
}

/* 1, 0 or -ENOMEM.  fnmatch() tells by errno alone why it gave neither answer. */
static int matches_pattern(const struct query *query, const struct column *key, const void *row)
{
	struct value name;

	if (!query->nr_patterns)
		return 1;
	key->get(key, row, &name);
	for (u32 i = 0; name.known && i < query->nr_patterns; i++) {
		int result;

		errno = 0;
		result = fnmatch(query->patterns[i], name.string, 0);
		if (!result)
			return 1;
		if (result != FNM_NOMATCH && errno == ENOMEM)
			return -ENOMEM;
	}
	return 0;
}

static int is_wanted(const struct query *query, const struct noun *noun,
		     const struct column *key, const void *row)
{
	int wanted;

	if (query->pid && !noun->held_by(row, query->pid))
		return 0;
	wanted = matches_pattern(query, key, row);
	return wanted > 0 ? filter_holds(query->filter, row) : wanted;
}

/* Unknown values come last in both directions; equal ones keep the listing's order. */
static int compare_keys(const void *a, const void *b, void *arg)
{
	const struct sort_key *one = a, *two = b;
	const struct sort_order *order = arg;
	int diff = two->value.known - one->value.known;

	if (!diff && one->value.known) {
		diff = value_order(order->type, &one->value, &two->value);
		if (order->descending)
			diff = -diff;
	}
	return diff ? diff : (one->row > two->row) - (one->row < two->row);
}

static void free_keys(struct sort_key *keys, u64 nr, enum value_type type)
{
	for (u64 i = 0; keys && type == VALUE_STRING && i < nr; i++)
		if (keys[i].value.known)
			free((char *)keys[i].value.string);
	free(keys);
}

/* A row's text may live no longer than the row, so a key has its own. */
static int make_key(const struct column *col, const void *row, struct sort_key *key)
{
	col->get(col, row, &key->value);
	if (col->type != VALUE_STRING || !key->value.known)
		return 0;
	key->value.string = strdup(key->value.string);
	key->value.known = key->value.string;
	return key->value.known ? 0 : -ENOMEM;
}

static int sort_selection(const struct query *query, const struct listing *listing,
			  struct selection *selection, void *row)
{
	struct sort_order order = { query->sort->type, query->descending };
	struct sort_key *keys = calloc(selection->nr ? selection->nr : 1, sizeof(*keys));
	int err = keys ? 0 : -ENOMEM;

	for (u64 i = 0; !err && i < selection->nr; i++) {
		listing->row(listing, selection->rows[i], row);
		keys[i].row = selection->rows[i];
		err = make_key(query->sort, row, &keys[i]);
	}
	if (!err) {
		qsort_r(keys, selection->nr, sizeof(*keys), compare_keys, &order);
		for (u64 i = 0; i < selection->nr; i++)
			selection->rows[i] = keys[i].row;
	}
	free_keys(keys, selection->nr, order.type);
	return err;
}

static int select_rows(const struct query *query, const struct listing *listing,
		       struct selection *selection, void *row)
{
	const struct column *key = noun_column(listing->noun, listing->noun->key);

	selection->rows = malloc((listing->nr_rows ? listing->nr_rows : 1) * sizeof(u32));
	if (!selection->rows)
		return -ENOMEM;
	for (u64 i = 0; i < listing->nr_rows; i++) {
		int wanted;

		listing->row(listing, i, row);
		wanted = is_wanted(query, listing->noun, key, row);
		if (wanted < 0)
			return wanted;
		if (wanted)
			selection->rows[selection->nr++] = i;
	}
	return query->sort ? sort_selection(query, listing, selection, row) : 0;
}

/**
 * query_run - choose and order the rows of a listing
 * @ret_selection: set on success; free with selection_free()
 *
 * Context: may sleep.
 * Return:  0, -E2BIG (more rows than an index can count) or -ENOMEM.
 */
int query_run(const struct query *query, const struct listing *listing,
	      struct selection *ret_selection)
{
	struct selection selection = { .nr = 0 };
	void *row;
	int err = 0;

	if (listing->nr_rows > UINT32_MAX)
		return -E2BIG;
	if (!query->nr_patterns && !query->filter && !query->sort && !query->pid) {
		selection.nr = listing->nr_rows;
	} else {
		row = malloc(listing->noun->row_bytes);
		err = row ? select_rows(query, listing, &selection, row) : -ENOMEM;
		free(row);
	}
	if (err) {
		selection_free(&selection);
		return err;
	}
	if (query->top && selection.nr > query->top)
		selection.nr = query->top;
	*ret_selection = selection;
	return 0;
}

/**
 * selection_free - free what query_run() made
 *
 * Context: may sleep.
 */
void selection_free(struct selection *selection)
{
	free(selection->rows);
	selection->rows = NULL;
}
