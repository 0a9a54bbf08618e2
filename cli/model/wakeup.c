/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/wakeup.c - the columns of a wakeup source
 *
 * The words are those of the table, of the kernel's files and of JSON, so that
 * whoever knows one of them can type it.
 */
#include "cli/model/wakeup.h"

static void get_string(const struct column *col, const void *row, struct value *ret_value)
{
	const struct wakeup_row *wakeup = row;

	ret_value->string = wakeup->string[col->field];
	ret_value->known = ret_value->string;
}

static void get_attr(const struct column *col, const void *row, struct value *ret_value)
{
	const struct wakeup_row *wakeup = row;

	ret_value->known = wakeup_row_knows(wakeup, col->field);
	ret_value->count = (u64)wakeup->attr[col->field];
}

static void get_flag(const struct column *col, const void *row, struct value *ret_value)
{
	const struct wakeup_row *wakeup = row;

	ret_value->known = wakeup_row_knows(wakeup, col->field);
	ret_value->flag = wakeup->attr[col->field];
}

static void set_value(const struct column *col, void *row, const struct value *value)
{
	struct wakeup_row *wakeup = row;

	if (col->type == VALUE_STRING)
		wakeup->string[col->field] = value->string;
	else
		wakeup_row_set(wakeup, col->field,
			       col->type == VALUE_FLAG ? value->flag : value->ns);
}

static const struct column wakeup_columns[] = {
	{ .name = "ACT", .json = "active", .type = VALUE_FLAG,
	  .field = WAKEUP_ACTIVE, .get = get_flag,
	  .help = "is holding off suspend now" },
	{ .name = "NAME", .json = "name", .type = VALUE_STRING,
	  .field = WAKEUP_NAME, .get = get_string,
	  .help = "name of the source; not unique" },
	{ .name = "NODE", .json = "node", .type = VALUE_STRING,
	  .field = WAKEUP_NODE, .get = get_string,
	  .help = "its node in /sys/class/wakeup" },
	{ .name = "DEVICE", .json = "device", .type = VALUE_STRING,
	  .field = WAKEUP_DEVICE, .get = get_string,
	  .help = "device it belongs to" },
	{ .name = "DRIVER", .json = "driver", .type = VALUE_STRING,
	  .field = WAKEUP_DRIVER, .get = get_string,
	  .help = "driver of that device" },
	{ .name = "LABEL", .json = "label", .type = VALUE_STRING,
	  .field = WAKEUP_LABEL, .get = get_string,
	  .help = "what the device calls itself" },
	{ .name = "#ACTIVE", .json = "active_count", .type = VALUE_COUNT,
	  .field = WAKEUP_ACTIVE_COUNT, .get = get_attr,
	  .help = "times it was activated" },
	{ .name = "#EVENT", .json = "event_count", .type = VALUE_COUNT,
	  .field = WAKEUP_EVENT_COUNT, .get = get_attr,
	  .help = "events reported" },
	{ .name = "#WAKEUP", .json = "wakeup_count", .type = VALUE_COUNT,
	  .field = WAKEUP_WAKEUP_COUNT, .get = get_attr,
	  .help = "events that may have stopped a suspend" },
	{ .name = "#EXPIRE", .json = "expire_count", .type = VALUE_COUNT,
	  .field = WAKEUP_EXPIRE_COUNT, .get = get_attr,
	  .help = "times its timeout ended it" },
	{ .name = "#RELAX", .json = "relax_count", .type = VALUE_COUNT,
	  .field = WAKEUP_RELAX_COUNT, .get = get_attr,
	  .help = "times it was deactivated" },
	{ .name = "ACTIVE", .json = "active_time_ns", .alias = "active_time_ms",
	  .type = VALUE_DURATION, .field = WAKEUP_ACTIVE_TIME, .get = get_attr,
	  .help = "how long it has been active now" },
	{ .name = "TOTAL", .json = "total_time_ns", .alias = "total_time_ms",
	  .type = VALUE_DURATION, .field = WAKEUP_TOTAL_TIME, .get = get_attr,
	  .help = "time active, all activations together" },
	{ .name = "MAX", .json = "max_time_ns", .alias = "max_time_ms",
	  .type = VALUE_DURATION, .field = WAKEUP_MAX_TIME, .get = get_attr,
	  .help = "longest activation" },
	{ .name = "LAST", .json = "last_change_ns", .alias = "last_change_ms",
	  .type = VALUE_DURATION, .field = WAKEUP_LAST_CHANGE, .get = get_attr,
	  .help = "monotonic clock at the last change" },
	{ .name = "PREVENT", .json = "prevent_suspend_time_ns",
	  .alias = "prevent_suspend_time_ms",
	  .type = VALUE_DURATION, .field = WAKEUP_PREVENT_TIME, .get = get_attr,
	  .help = "time it kept autosleep from suspending" },
	{ .name = "AT", .json = "read_at_ns", .type = VALUE_DURATION,
	  .field = WAKEUP_READ_AT, .get = get_attr,
	  .help = "monotonic clock when this row was read" },
	{ .name = "TORN", .json = "torn", .type = VALUE_FLAG,
	  .field = WAKEUP_TORN, .get = get_flag,
	  .help = "changed while it was read, every time" },
	{ .name = "CUT", .json = "name_truncated", .type = VALUE_FLAG,
	  .field = WAKEUP_NAME_TRUNCATED, .get = get_flag,
	  .help = "the name is longer than shown" },
};

const struct noun wakeup_noun = {
	.name = "wakeup",
	.schema = "rove.wakeup",
	.version = 1,
	.columns = wakeup_columns,
	.nr_columns = ARRAY_SIZE(wakeup_columns),
	.default_columns = "ACT,NAME,#ACTIVE,#WAKEUP,TOTAL,MAX,LAST,DEVICE",
	.default_sort = "TOTAL",
	.key = "NAME",
	.row_bytes = sizeof(struct wakeup_row),
	.footnote = "sources that are not registered are not in this list",
	.layout = "|debugfs|dumpsys|",
	.set = set_value,
};
