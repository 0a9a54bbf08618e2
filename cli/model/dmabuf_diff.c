/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/dmabuf_diff.c - two listings of DMA-bufs compared
 *
 * Inodes are used again, so a buffer is the same only if its size and exporter are too;
 * one that is not is gone, and another is new.
 */
#include <errno.h>
#include <stdlib.h>

#include "cli/model/dmabuf_views.h"
#include "cli/model/text.h"

/* --- columns of changes -------------------------------------------------------------------- */

enum { CHANGE_WHAT, CHANGE_REFS_BEFORE, CHANGE_NPROC_BEFORE, CHANGE_OF_ROW };

/* Attributes of the buffer have its own numbers above CHANGE_OF_ROW. */
static void get_row_attr(const struct column *col, const void *row, struct value *ret_value)
{
	const struct dmabuf_change *change = row;
	u32 attr = col->field - CHANGE_OF_ROW;

	ret_value->known = dmabuf_row_knows(change->row, attr);
	ret_value->count = change->row->attr[attr];
}

static void get_row_string(const struct column *col, const void *row, struct value *ret_value)
{
	const struct dmabuf_change *change = row;

	ret_value->string = change->row->string[col->field - CHANGE_OF_ROW];
	ret_value->known = ret_value->string;
}

static void get_what(const struct column *col, const void *row, struct value *ret_value)
{
	ret_value->known = true;
	ret_value->string = ((const struct dmabuf_change *)row)->what;
}

static void get_before(const struct column *col, const void *row, struct value *ret_value)
{
	const struct dmabuf_change *change = row;

	ret_value->count = col->field == CHANGE_REFS_BEFORE ? change->refs_before :
		change->nr_processes_before;
	ret_value->known = ret_value->count != DMABUF_UNKNOWN;
}

static const struct column diff_columns[] = {
	{ .name = "CHANGE", .json = "change", .type = VALUE_STRING,
	  .field = CHANGE_WHAT, .get = get_what, .help = "new, gone or changed" },
	{ .name = "INODE", .json = "inode", .type = VALUE_COUNT,
	  .field = CHANGE_OF_ROW + DMABUF_INODE, .get = get_row_attr,
	  .help = "number of its file" },
	{ .name = "SIZE", .json = "size_bytes", .type = VALUE_BYTES,
	  .field = CHANGE_OF_ROW + DMABUF_SIZE, .get = get_row_attr,
	  .help = "size of the buffer" },
	{ .name = "EXPORTER", .json = "exporter", .type = VALUE_STRING,
	  .field = CHANGE_OF_ROW + DMABUF_EXPORTER, .get = get_row_string,
	  .help = "who made it" },
	{ .name = "NAME", .json = "name", .type = VALUE_STRING,
	  .field = CHANGE_OF_ROW + DMABUF_NAME, .get = get_row_string,
	  .help = "name a process gave it" },
	{ .name = "WAS-REFS", .json = "refs_before", .type = VALUE_COUNT,
	  .field = CHANGE_REFS_BEFORE, .get = get_before,
	  .help = "references before" },
	{ .name = "REFS", .json = "refs", .type = VALUE_COUNT,
	  .field = CHANGE_OF_ROW + DMABUF_REFS, .get = get_row_attr,
	  .help = "references now, or the last known" },
	{ .name = "WAS-NPROC", .json = "nr_processes_before", .type = VALUE_COUNT,
	  .field = CHANGE_NPROC_BEFORE, .get = get_before,
	  .help = "holding processes before" },
	{ .name = "NPROC", .json = "nr_processes", .type = VALUE_COUNT,
	  .field = CHANGE_OF_ROW + DMABUF_NR_PROCESSES, .get = get_row_attr,
	  .help = "holding processes now, or the last known" },
	{ .name = "OWNER", .json = "owner", .type = VALUE_STRING,
	  .field = CHANGE_OF_ROW + DMABUF_OWNER, .get = get_row_string,
	  .help = "first holding process, and how many more" },
};

static bool is_held_by(const void *row, u64 pid)
{
	return dmabuf_row_holder(((const struct dmabuf_change *)row)->row, pid);
}

static const struct noun dmabuf_diff_noun = {
	.name = "dmabuf",
	.schema = "rove.dmabuf.diff",
	.version = 1,
	.columns = diff_columns,
	.nr_columns = ARRAY_SIZE(diff_columns),
	.default_columns = "CHANGE,INODE,SIZE,EXPORTER,NAME,WAS-REFS,REFS,WAS-NPROC,NPROC,OWNER",
	.default_sort = "SIZE",
	.key = "NAME",
	.row_bytes = sizeof(struct dmabuf_change),
	.footnote = DMABUF_FOOTNOTE,
	.held_by = is_held_by,
};

/* --- changes ------------------------------------------------------------------------------- */

static int compare_rows(const void *a, const void *b)
{
	const struct dmabuf_row *one = a, *two = b;

	return (one->attr[DMABUF_INODE] > two->attr[DMABUF_INODE]) -
	       (one->attr[DMABUF_INODE] < two->attr[DMABUF_INODE]);
}

static void copy_sorted(const struct listing *listing, struct dmabuf_row *rows)
{
	for (u64 i = 0; i < listing->nr_rows; i++)
		listing->row(listing, i, &rows[i]);
	if (listing->nr_rows)
		qsort(rows, listing->nr_rows, sizeof(*rows), compare_rows);
}

static u64 attr(const struct dmabuf_row *row, enum dmabuf_attr attr)
{
	return dmabuf_row_knows(row, attr) ? row->attr[attr] : DMABUF_UNKNOWN;
}

/* Only what both know can differ. */
static bool differs(const struct dmabuf_row *a, const struct dmabuf_row *b)
{
	static const enum dmabuf_attr compared[] = {
		DMABUF_REFS, DMABUF_NR_ATTACHMENTS, DMABUF_NR_PROCESSES, DMABUF_NR_FDS,
		DMABUF_NR_MAPS,
	};
	const char *one = a->string[DMABUF_NAME], *two = b->string[DMABUF_NAME];

	for (u32 i = 0; i < ARRAY_SIZE(compared); i++)
		if (dmabuf_row_knows(a, compared[i]) && dmabuf_row_knows(b, compared[i]) &&
		    a->attr[compared[i]] != b->attr[compared[i]])
			return true;
	return one && two && text_order(one, two);
}

static void add_change(struct dmabuf_change *changes, u64 *nr, const struct dmabuf_row *before,
		       const struct dmabuf_row *after)
{
	changes[(*nr)++] = (struct dmabuf_change){
		.what = !before ? "new" : !after ? "gone" : "changed",
		.row = after ? after : before,
		.refs_before = before ? attr(before, DMABUF_REFS) : DMABUF_UNKNOWN,
		.nr_processes_before = before ? attr(before, DMABUF_NR_PROCESSES) : DMABUF_UNKNOWN,
	};
}

/* Both sorted by inode: go through them side by side. */
static u64 find_changes(const struct dmabuf_row *before, u64 nr_before,
			const struct dmabuf_row *after, u64 nr_after,
			struct dmabuf_change *changes)
{
	u64 i = 0, k = 0, nr = 0;

	while (i < nr_before || k < nr_after) {
		int order = i == nr_before ? 1 : k == nr_after ? -1 :
			compare_rows(&before[i], &after[k]);

		if (!order && dmabuf_row_is_same(&before[i], &after[k])) {
			if (differs(&before[i], &after[k]))
				add_change(changes, &nr, &before[i], &after[k]);
			i++, k++;
			continue;
		}
		if (order <= 0)
			add_change(changes, &nr, &before[i++], NULL);
		if (order >= 0)
			add_change(changes, &nr, NULL, &after[k++]);
	}
	return nr;
}

static void copy_change(const struct listing *listing, u64 index, void *ret_row)
{
	*(struct dmabuf_change *)ret_row = ((const struct dmabuf_change *)listing->rows)[index];
}

/*
 * What is different in a later listing.
 * @pid:         only buffers that this process holds, or held last; 0: all
 */
static int dmabuf_diff(const struct listing *before, const struct listing *after, u64 pid,
		struct listing *ret_listing, struct view_memory *ret_memory)
{
	u64 nr = before->nr_rows + after->nr_rows;
	struct dmabuf_row *rows = calloc(nr + 1, sizeof(*rows));
	struct dmabuf_change *changes = calloc(nr + 1, sizeof(*changes));

	*ret_memory = (struct view_memory){ .rows = changes, .more = rows };
	if (!rows || !changes)
		return -ENOMEM;
	copy_sorted(before, rows);
	copy_sorted(after, rows + before->nr_rows);
	listing_compare(before, after, &dmabuf_diff_noun, ret_listing);
	ret_listing->nr_rows = find_changes(rows, before->nr_rows, rows + before->nr_rows,
					    after->nr_rows, changes);
	ret_listing->rows = changes;
	ret_listing->row = copy_change;
	return 0;
}

/* --- growth -------------------------------------------------------------------------------- */

static void get_number(const struct column *col, const void *row, struct value *ret_value)
{
	ret_value->count = *(const u64 *)((const char *)row + col->field);
	ret_value->known = ret_value->count != DMABUF_UNKNOWN;
}

static void get_integer(const struct column *col, const void *row, struct value *ret_value)
{
	ret_value->integer = *(const s64 *)((const char *)row + col->field);
	ret_value->known = true;
}

static void get_text(const struct column *col, const void *row, struct value *ret_value)
{
	ret_value->string = *(const char *const *)((const char *)row + col->field);
	ret_value->known = ret_value->string;
}

#define GROWTH(heading, key, kind, getter, member, words) \
	{ .name = heading, .json = key, .type = kind, .get = getter, \
	  .field = offsetof(struct dmabuf_growth, member), .help = words }

static const struct column growth_columns[] = {
	GROWTH("EXPORTER", "exporter", VALUE_STRING, get_text, exporter, "who made the buffers"),
	GROWTH("PID", "pid", VALUE_COUNT, get_number, pid,
	       "process that holds them; unknown where only the kernel does"),
	GROWTH("COMM", "comm", VALUE_STRING, get_text, comm, "its name"),
	GROWTH("BUFFERS", "nr_buffers", VALUE_COUNT, get_number, nr_buffers, "buffers held now"),
	GROWTH("+BUFFERS", "more_buffers", VALUE_INTEGER, get_integer, nr_more,
	       "more than before; less than 0 where fewer are larger"),
	GROWTH("SIZE", "size_bytes", VALUE_BYTES, get_number, size_bytes, "their whole size now"),
	GROWTH("+SIZE", "more_bytes", VALUE_BYTES, get_number, more_bytes, "more than before"),
};

static bool is_process(const void *row, u64 pid)
{
	return ((const struct dmabuf_growth *)row)->pid == pid;
}

static const struct noun dmabuf_growth_noun = {
	.name = "dmabuf",
	.schema = "rove.dmabuf.growth",
	.version = 1,
	.columns = growth_columns,
	.nr_columns = ARRAY_SIZE(growth_columns),
	.default_columns = "EXPORTER,PID,COMM,BUFFERS,+BUFFERS,SIZE,+SIZE",
	.default_sort = "more_bytes",
	.key = "EXPORTER",
	.row_bytes = sizeof(struct dmabuf_growth),
	.footnote = DMABUF_FOOTNOTE,
	.held_by = is_process,
};

struct growths {
	struct dmabuf_growth *at;	/* ->nr_more, ->more_bytes: before */
	u64 nr, room;
};

static int add_growth(struct growths *growths, const struct dmabuf_row *row,
		      const struct dmabuf_holder *holder, bool is_before)
{
	u64 size = dmabuf_row_knows(row, DMABUF_SIZE) ? row->attr[DMABUF_SIZE] : 0;

	if (growths->nr == growths->room) {
		u64 room = growths->room ? 2 * growths->room : 64;
		struct dmabuf_growth *at = realloc(growths->at, room * sizeof(*at));

		if (!at)
			return -ENOMEM;
		growths->at = at;
		growths->room = room;
	}
	growths->at[growths->nr++] = (struct dmabuf_growth){
		.exporter = row->string[DMABUF_EXPORTER],
		.comm = holder ? holder->comm : NULL,
		.pid = holder ? holder->pid : DMABUF_UNKNOWN,
		.nr_buffers = !is_before,
		.size_bytes = is_before ? 0 : size,
		.nr_more = is_before,
		.more_bytes = is_before ? size : 0,
	};
	return 0;
}

static int add_growths(struct growths *growths, const struct listing *listing, bool is_before)
{
	struct dmabuf_row row;
	int err = 0;

	for (u64 i = 0; i < listing->nr_rows && !err; i++) {
		listing->row(listing, i, &row);
		if (dmabuf_row_knows(&row, DMABUF_KERNEL_ONLY) && row.attr[DMABUF_KERNEL_ONLY])
			err = add_growth(growths, &row, NULL, is_before);
		for (u64 k = 0; k < row.nr_holders && !err; k++)
			err = add_growth(growths, &row, &row.holders[k], is_before);
	}
	return err;
}

/* A pid may be used again too: by a process of another name it is another process. */
static int compare_growths(const void *a, const void *b)
{
	const struct dmabuf_growth *one = a, *two = b;
	int order = text_order(one->exporter, two->exporter);

	if (order)
		return order;
	if (one->pid != two->pid)
		return one->pid < two->pid ? -1 : 1;
	return text_order(one->comm, two->comm);
}

/* Neighbours become one, and only what grew stays. */
static u64 sum_growths(struct growths *growths)
{
	u64 nr = 0, i = 0;

	while (i < growths->nr) {
		struct dmabuf_growth sum = growths->at[i];

		while (++i < growths->nr && !compare_growths(&sum, &growths->at[i])) {
			sum.nr_buffers += growths->at[i].nr_buffers;
			sum.size_bytes += growths->at[i].size_bytes;
			sum.nr_more += growths->at[i].nr_more;
			sum.more_bytes += growths->at[i].more_bytes;
		}
		if (sum.size_bytes <= sum.more_bytes)
			continue;
		sum.nr_more = (s64)sum.nr_buffers - sum.nr_more;
		sum.more_bytes = sum.size_bytes - sum.more_bytes;
		growths->at[nr++] = sum;
	}
	return nr;
}

static void copy_growth(const struct listing *listing, u64 index, void *ret_row)
{
	*(struct dmabuf_growth *)ret_row = ((const struct dmabuf_growth *)listing->rows)[index];
}

/* Whose memory grew has a row, also when the count of its buffers did not. */
static int dmabuf_growth(const struct listing *before, const struct listing *after, u64 pid,
		  struct listing *ret_listing, struct view_memory *ret_memory)
{
	struct growths growths = { NULL };
	int err = add_growths(&growths, before, true);

	err = err ?: add_growths(&growths, after, false);
	*ret_memory = (struct view_memory){ .rows = growths.at };
	if (err)
		return err;
	if (growths.nr)
		qsort(growths.at, growths.nr, sizeof(*growths.at), compare_growths);
	listing_compare(before, after, &dmabuf_growth_noun, ret_listing);
	ret_listing->nr_rows = sum_growths(&growths);
	ret_listing->rows = growths.at;
	ret_listing->row = copy_growth;
	return 0;
}

const struct view dmabuf_changes = { .noun = &dmabuf_diff_noun, .compare = dmabuf_diff };
const struct view dmabuf_growths = { .noun = &dmabuf_growth_noun, .compare = dmabuf_growth };
