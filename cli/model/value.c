/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/value.c - which of two values comes first
 */
#include <string.h>

#include "cli/model/value.h"

/**
 * value_order - compare two known values of one type
 *
 * Text compares with runs of digits as numbers: wakeup9 comes before wakeup10.
 * Of lists the longer one is the greater.
 *
 * Context: any.
 * Return:  -1, 0 or 1.
 */
int value_order(enum value_type type, const struct value *a, const struct value *b)
{
	int order = 0;

	switch (type) {
	case VALUE_STRING:
		order = strverscmp(a->string, b->string);
		break;
	case VALUE_FLAG:
		order = a->flag - b->flag;
		break;
	case VALUE_COUNT:
	case VALUE_BYTES:
		order = (a->count > b->count) - (a->count < b->count);
		break;
	case VALUE_INTEGER:
		order = (a->integer > b->integer) - (a->integer < b->integer);
		break;
	case VALUE_DURATION:
		order = (a->ns > b->ns) - (a->ns < b->ns);
		break;
	case VALUE_ITEMS:
		order = (a->nr_items > b->nr_items) - (a->nr_items < b->nr_items);
		break;
	case NR_VALUE_TYPES:
		break;
	}
	return (order > 0) - (order < 0);
}
