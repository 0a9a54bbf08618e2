/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/wakeup_diff.c - two listings of wakeup sources compared
 *
 * A source is the same if its name, its device and its node are and none of its counts went
 * back: a node's number is used again, and counts only rise.  debugfs has names alone; of
 * those of one name the unchanged ones are found first, and the rest is paired in the order
 * of their counts.
 */
#include <errno.h>
#include <stdlib.h>

#include "cli/model/text.h"
#include "cli/model/wakeup.h"
#include "cli/model/wakeup_diff.h"

#define NS_PER_MS 1000000

struct wakeup_change {
	const char *what;			/* "new", "gone", "changed" */
	const struct wakeup_row *row;		/* as it is, or was before it went */
	const struct wakeup_row *before;	/* NULL: it is new */
};

/* --- columns ------------------------------------------------------------------------------- */

static void get_what(const struct column *col, const void *row, struct value *ret_value)
{
	ret_value->known = true;
	ret_value->string = ((const struct wakeup_change *)row)->what;
}

static void get_string(const struct column *col, const void *row, struct value *ret_value)
{
	ret_value->string = ((const struct wakeup_change *)row)->row->string[col->field];
	ret_value->known = ret_value->string;
}

static void get_flag(const struct column *col, const void *row, struct value *ret_value)
{
	const struct wakeup_row *wakeup = ((const struct wakeup_change *)row)->row;

	ret_value->known = wakeup_row_knows(wakeup, col->field);
	ret_value->flag = wakeup->attr[col->field];
}

static void get_now(const struct column *col, const void *row, struct value *ret_value)
{
	const struct wakeup_row *wakeup = ((const struct wakeup_change *)row)->row;

	ret_value->known = wakeup_row_knows(wakeup, col->field);
	ret_value->integer = wakeup->attr[col->field];
}

/* Of a new source all of it is more; what one that is gone did before it went is unknown. */
static void get_more(const struct column *col, const void *row, struct value *ret_value)
{
	const struct wakeup_change *change = row;
	const struct wakeup_row *now = change->row, *before = change->before;

	ret_value->known = now != before && wakeup_row_knows(now, col->field) &&
			   (!before || wakeup_row_knows(before, col->field));
	ret_value->integer = now->attr[col->field] - (before ? before->attr[col->field] : 0);
}

#define COLUMN(heading, key, kind, getter, attr, words) \
	{ .name = heading, .json = key, .type = kind, .get = getter, .field = attr, .help = words }

static const struct column columns[] = {
	COLUMN("CHANGE", "change", VALUE_STRING, get_what, 0, "new, gone or changed"),
	COLUMN("ACT", "active", VALUE_FLAG, get_flag, WAKEUP_ACTIVE,
	       "is holding off suspend now, or did before it went"),
	COLUMN("NAME", "name", VALUE_STRING, get_string, WAKEUP_NAME,
	       "name of the source; not unique"),
	COLUMN("NODE", "node", VALUE_STRING, get_string, WAKEUP_NODE,
	       "its node in /sys/class/wakeup"),
	COLUMN("DEVICE", "device", VALUE_STRING, get_string, WAKEUP_DEVICE,
	       "device it belongs to"),
	COLUMN("DRIVER", "driver", VALUE_STRING, get_string, WAKEUP_DRIVER,
	       "driver of that device"),
	COLUMN("LABEL", "label", VALUE_STRING, get_string, WAKEUP_LABEL,
	       "what the device calls itself"),
	COLUMN("+ACTIVE", "more_active_count", VALUE_INTEGER, get_more, WAKEUP_ACTIVE_COUNT,
	       "times it was activated since"),
	COLUMN("+EVENT", "more_event_count", VALUE_INTEGER, get_more, WAKEUP_EVENT_COUNT,
	       "events reported since"),
	COLUMN("+WAKEUP", "more_wakeup_count", VALUE_INTEGER, get_more, WAKEUP_WAKEUP_COUNT,
	       "events since that may have stopped a suspend"),
	COLUMN("+EXPIRE", "more_expire_count", VALUE_INTEGER, get_more, WAKEUP_EXPIRE_COUNT,
	       "times its timeout ended it since"),
	COLUMN("+TOTAL", "more_total_time_ns", VALUE_DURATION, get_more, WAKEUP_TOTAL_TIME,
	       "time active since"),
	COLUMN("+PREVENT", "more_prevent_suspend_time_ns", VALUE_DURATION, get_more,
	       WAKEUP_PREVENT_TIME, "time since that it kept autosleep from suspending"),
	COLUMN("TOTAL", "total_time_ns", VALUE_DURATION, get_now, WAKEUP_TOTAL_TIME,
	       "time active, all activations together"),
	COLUMN("MAX", "max_time_ns", VALUE_DURATION, get_now, WAKEUP_MAX_TIME,
	       "longest activation"),
	COLUMN("LAST", "last_change_ns", VALUE_DURATION, get_now, WAKEUP_LAST_CHANGE,
	       "monotonic clock at the last change"),
};

static const struct noun wakeup_diff_noun = {
	.name = "wakeup",
	.schema = "rove.wakeup.diff",
	.version = 1,
	.columns = columns,
	.nr_columns = ARRAY_SIZE(columns),
	.default_columns = "CHANGE,ACT,NAME,+ACTIVE,+EVENT,+WAKEUP,+TOTAL,LAST,DEVICE",
	.default_sort = "more_total_time_ns",
	.key = "NAME",
	.row_bytes = sizeof(struct wakeup_change),
	.footnote = "sources that are not registered are not in this list",
};

/* --- which are the same -------------------------------------------------------------------- */

/* One listing: its rows, which stay where they are, and pointers to them by name. */
struct sources {
	struct wakeup_row *rows;
	const struct wakeup_row **by_key;
	u64 nr;
};

static bool knows_nodes(const struct sources *sources)
{
	for (u64 i = 0; i < sources->nr; i++)
		if (sources->rows[i].string[WAKEUP_NODE])
			return true;
	return false;
}

/* One source may know only the beginning of a long name. */
static bool is_cut_of(const struct wakeup_row *cut, const struct wakeup_row *whole)
{
	const char *beginning = cut->string[WAKEUP_NAME], *name = whole->string[WAKEUP_NAME];

	return cut->attr[WAKEUP_NAME_TRUNCATED] && beginning && name &&
	       text_begins_with(name, beginning);
}

static int compare_names(const struct wakeup_row *one, const struct wakeup_row *two)
{
	if (is_cut_of(one, two) || is_cut_of(two, one))
		return 0;
	return text_order(one->string[WAKEUP_NAME], two->string[WAKEUP_NAME]);
}

/* A node is of one source at a time. */
static int compare_places(const struct wakeup_row *one, const struct wakeup_row *two,
			  bool have_nodes)
{
	int order = 0;

	if (have_nodes)
		order = text_order(one->string[WAKEUP_NODE], two->string[WAKEUP_NODE]);
	if (have_nodes && !order)
		order = text_order(one->string[WAKEUP_DEVICE], two->string[WAKEUP_DEVICE]);
	return order;
}

static int compare_keys(const struct wakeup_row *one, const struct wakeup_row *two,
			bool have_nodes)
{
	int order = compare_places(one, two, have_nodes);

	return order ? order : compare_names(one, two);
}

static const enum wakeup_attr counts[] = {
	WAKEUP_ACTIVE_COUNT, WAKEUP_EVENT_COUNT, WAKEUP_WAKEUP_COUNT, WAKEUP_EXPIRE_COUNT,
};

static int compare_numbers(s64 one, s64 two)
{
	return (one > two) - (one < two);
}

static int compare_counts(const struct wakeup_row *one, const struct wakeup_row *two)
{
	int order = 0;

	for (u32 i = 0; i < ARRAY_SIZE(counts) && !order; i++)
		order = compare_numbers(one->attr[counts[i]], two->attr[counts[i]]);
	order = order ?: compare_numbers(one->attr[WAKEUP_TOTAL_TIME] / NS_PER_MS,
					 two->attr[WAKEUP_TOTAL_TIME] / NS_PER_MS);
	return order ?: compare_numbers(one->attr[WAKEUP_ACTIVE], two->attr[WAKEUP_ACTIVE]);
}

/* 0: nothing is different. */
static int compare_whole(const struct wakeup_row *one, const struct wakeup_row *two,
			 bool have_nodes)
{
	int order = compare_keys(one, two, have_nodes);

	return order ? order : compare_counts(one, two);
}

/* A name and a cut one have an order too, else there would be none of three. */
static int compare_sorted(const void *a, const void *b, void *arg)
{
	const struct wakeup_row *one = *(const struct wakeup_row *const *)a;
	const struct wakeup_row *two = *(const struct wakeup_row *const *)b;
	int order = compare_places(one, two, *(const bool *)arg);

	order = order ?: text_order(one->string[WAKEUP_NAME], two->string[WAKEUP_NAME]);
	return order ?: compare_counts(one, two);
}

static void fill(const struct listing *listing, struct sources *sources)
{
	for (u64 i = 0; i < sources->nr; i++) {
		listing->row(listing, i, &sources->rows[i]);
		sources->by_key[i] = &sources->rows[i];
	}
}

static void sort(struct sources *sources, bool have_nodes)
{
	if (sources->nr)
		qsort_r(sources->by_key, sources->nr, sizeof(*sources->by_key), compare_sorted,
			&have_nodes);
}

static bool both_know(const struct wakeup_row *a, const struct wakeup_row *b,
		      enum wakeup_attr attr)
{
	return wakeup_row_knows(a, attr) && wakeup_row_knows(b, attr);
}

/* One listing may have nanoseconds and the other, of the kernel's files, whole milliseconds. */
static s64 more_ms(const struct wakeup_row *before, const struct wakeup_row *after)
{
	if (!both_know(before, after, WAKEUP_TOTAL_TIME))
		return 0;
	return after->attr[WAKEUP_TOTAL_TIME] / NS_PER_MS -
	       before->attr[WAKEUP_TOTAL_TIME] / NS_PER_MS;
}

static bool went_back(const struct wakeup_row *before, const struct wakeup_row *after)
{
	for (u32 i = 0; i < ARRAY_SIZE(counts); i++)
		if (both_know(before, after, counts[i]) &&
		    after->attr[counts[i]] < before->attr[counts[i]])
			return true;
	return more_ms(before, after) < 0;
}

/* Only what both know can differ. */
static bool differs(const struct wakeup_row *before, const struct wakeup_row *after)
{
	for (u32 i = 0; i < ARRAY_SIZE(counts); i++)
		if (both_know(before, after, counts[i]) &&
		    after->attr[counts[i]] != before->attr[counts[i]])
			return true;
	if (both_know(before, after, WAKEUP_ACTIVE) &&
	    before->attr[WAKEUP_ACTIVE] != after->attr[WAKEUP_ACTIVE])
		return true;
	return more_ms(before, after);
}

/* --- changes ------------------------------------------------------------------------------- */

/* Both sorted, and so afterwards. */
static void drop_unchanged(struct sources *before, struct sources *after, bool have_nodes)
{
	u64 i = 0, k = 0, nr_before = 0, nr_after = 0;

	while (i < before->nr || k < after->nr) {
		int order = i == before->nr ? 1 : k == after->nr ? -1 :
			compare_whole(before->by_key[i], after->by_key[k], have_nodes);

		if (order < 0)
			before->by_key[nr_before++] = before->by_key[i];
		if (order > 0)
			after->by_key[nr_after++] = after->by_key[k];
		i += order <= 0;
		k += order >= 0;
	}
	before->nr = nr_before;
	after->nr = nr_after;
}

static void add_change(struct wakeup_change *changes, u64 *nr, const struct wakeup_row *before,
		       const struct wakeup_row *after)
{
	changes[(*nr)++] = (struct wakeup_change){
		.what = !before ? "new" : !after ? "gone" : "changed",
		.row = after ? after : before,
		.before = before,
	};
}

/*
 * Both sorted: go through them side by side.  One that counted less than all that are left of
 * its name can be none of them.
 */
static u64 find_changes(const struct sources *before, const struct sources *after,
			bool have_nodes, struct wakeup_change *changes)
{
	u64 i = 0, k = 0, nr = 0;

	while (i < before->nr || k < after->nr) {
		const struct wakeup_row *old = i < before->nr ? before->by_key[i] : NULL;
		const struct wakeup_row *new = k < after->nr ? after->by_key[k] : NULL;
		int order = !old ? 1 : !new ? -1 : compare_keys(old, new, have_nodes);

		if (!order && went_back(old, new))
			order = 1;
		i += order <= 0;
		k += order >= 0;
		if (order || differs(old, new))
			add_change(changes, &nr, order <= 0 ? old : NULL, order >= 0 ? new : NULL);
	}
	return nr;
}

static void copy_change(const struct listing *listing, u64 index, void *ret_row)
{
	*(struct wakeup_change *)ret_row = ((const struct wakeup_change *)listing->rows)[index];
}

static int compare(const struct listing *before, const struct listing *after, u64 pid,
		   struct listing *ret_listing, struct view_memory *ret_memory)
{
	u64 nr = before->nr_rows + after->nr_rows;
	struct wakeup_change *changes = calloc(nr + 1, sizeof(*changes));
	struct wakeup_row *rows = calloc(nr + 1, sizeof(*rows));
	const struct wakeup_row **by_key = calloc(nr + 1, sizeof(*by_key));
	struct sources old = { rows, by_key, before->nr_rows }, new = { .nr = after->nr_rows };
	bool have_nodes;

	*ret_memory = (struct view_memory){ .rows = changes, .more = rows };
	if (!changes || !rows || !by_key) {
		free(by_key);
		return -ENOMEM;
	}
	new.rows = rows + old.nr;
	new.by_key = by_key + old.nr;
	fill(before, &old);
	fill(after, &new);
	have_nodes = knows_nodes(&old) && knows_nodes(&new);
	sort(&old, have_nodes);
	sort(&new, have_nodes);
	drop_unchanged(&old, &new, have_nodes);
	listing_compare(before, after, &wakeup_diff_noun, ret_listing);
	ret_listing->nr_rows = find_changes(&old, &new, have_nodes, changes);
	ret_listing->rows = changes;
	ret_listing->row = copy_change;
	free(by_key);
	return 0;
}

const struct view wakeup_changes = { .noun = &wakeup_diff_noun, .compare = compare };
