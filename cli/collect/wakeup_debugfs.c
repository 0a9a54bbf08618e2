/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/wakeup_debugfs.c - wakeup sources from the debugfs file wakeup_sources
 *
 * A line is a name, padded to 12 columns, and numbers; the heading says which.
 * A name may hold anything, also blanks and newlines, so a line is read from
 * its right end, and one that does not end in numbers is the beginning of the
 * name that the next line goes on with.
 * The last line is no source: it sums up those that are gone.
 *
 * The kernel fills one page for each read(2) and finds its place again by counting
 * lines, so sources that come and go between two reads shift the rest: some are
 * skipped or told twice.  Hence a file of several reads is read until two readings
 * in a row tell of the same sources; if they never do, the listing is partial.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "cli/collect/collect.h"
#include "cli/model/wakeup.h"

#define NS_PER_MS 1000000
#define NAME_PADDING 12
#define MAX_COLUMNS 24

static const struct { const char *word; enum wakeup_attr attr; s64 scale; } words[] = {
	{ "active_count", WAKEUP_ACTIVE_COUNT, 1 },
	{ "event_count", WAKEUP_EVENT_COUNT, 1 },
	{ "wakeup_count", WAKEUP_WAKEUP_COUNT, 1 },
	{ "expire_count", WAKEUP_EXPIRE_COUNT, 1 },
	{ "active_since", WAKEUP_ACTIVE_TIME, NS_PER_MS },
	{ "total_time", WAKEUP_TOTAL_TIME, NS_PER_MS },
	{ "max_time", WAKEUP_MAX_TIME, NS_PER_MS },
	{ "last_change", WAKEUP_LAST_CHANGE, NS_PER_MS },
	{ "prevent_suspend_time", WAKEUP_PREVENT_TIME, NS_PER_MS },
};

#define MAX_READINGS 4

struct reading {
	struct strbuf text;		/* the file; names in the rows point into it */
	s8 column_word[MAX_COLUMNS];	/* of each number: index in words, -1: not ours */
	u32 nr_columns;
	struct wakeup_row *rows;
	u32 nr_rows, rows_room;
	u32 nr_reads;			/* that gave something */
	u64 bytes_left;			/* at the end, that make no line */
	u64 read_at_ns;
};

struct debugfs_state {
	struct collect_options options;
	int fd;
	struct reading readings[2];	/* the last two */
};

/* --- the text ------------------------------------------------------------------------------ */

static int read_whole(int fd, struct reading *reading)
{
	char buf[16384];
	off_t at = 0;
	ssize_t len;

	strbuf_clear(&reading->text);
	reading->nr_reads = 0;
	while ((len = pread(fd, buf, sizeof(buf), at)) > 0) {
		strbuf_add(&reading->text, buf, len);
		reading->nr_reads++;
		at += len;
	}
	reading->read_at_ns = clock_mono_ns();
	return len < 0 ? -errno : strbuf_error(&reading->text);
}

static int word_index(const char *word)
{
	for (u32 i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i].word, word))
			return (int)i;
	return -1;
}

/* Learn the columns from the heading, which ends in a newline that becomes a NUL. */
static int read_heading(struct reading *reading, char *heading)
{
	char *word, *save, *rest = heading;
	u32 nr = 0, known = 0;

	word = strtok_r(rest, " \t", &save);
	if (!word || strcmp(word, "name"))
		return -EBADMSG;
	while ((word = strtok_r(NULL, " \t", &save))) {
		if (nr == MAX_COLUMNS)
			return -EBADMSG;
		reading->column_word[nr] = word_index(word);
		known += reading->column_word[nr++] >= 0;
	}
	reading->nr_columns = nr;
	return known ? 0 : -EBADMSG;
}

/* One number before @end, which is moved to its beginning. */
static int number_before(const char *line, char **end, s64 *ret_number)
{
	char *last = *end, *first, *stop;

	while (last > line && (last[-1] == ' ' || last[-1] == '\t'))
		last--;
	first = last;
	while (first > line && first[-1] >= '0' && first[-1] <= '9')
		first--;
	if (first > line && first < last && first[-1] == '-')
		first--;
	if (first == last || first == line || (first[-1] != ' ' && first[-1] != '\t'))
		return -EILSEQ;
	errno = 0;
	*ret_number = *first == '-' ? strtoll(first, &stop, 10) : (s64)strtoull(first, &stop, 10);
	*end = first;
	return errno || stop != last ? -EILSEQ : 0;
}

static void set_number(struct wakeup_row *row, int word, s64 number)
{
	s64 scaled;

	if (word >= 0 && !__builtin_mul_overflow(number, words[word].scale, &scaled))
		wakeup_row_set(row, words[word].attr, scaled);
}

/* The name ends before its tab; a short one was padded. */
static void end_name(char *name, char *end)
{
	if (end > name && end[-1] == '\t')
		end--;
	if (end - name == NAME_PADDING)
		while (end > name && end[-1] == ' ')
			end--;
	*end = '\0';
}

/* -EILSEQ: it does not end in as many numbers as there are columns. */
static int parse_line(struct reading *reading, char *line, char *end, struct wakeup_row *row)
{
	memset(row, 0, sizeof(*row));
	for (u32 i = reading->nr_columns; i-- > 0;) {
		s64 number;

		if (number_before(line, &end, &number))
			return -EILSEQ;
		set_number(row, reading->column_word[i], number);
	}
	end_name(line, end);
	row->string[WAKEUP_NAME] = line;
	if (wakeup_row_knows(row, WAKEUP_ACTIVE_TIME))
		wakeup_row_set(row, WAKEUP_ACTIVE, row->attr[WAKEUP_ACTIVE_TIME] > 0);
	/* The kernel prints a line under the source's lock. */
	wakeup_row_set(row, WAKEUP_TORN, 0);
	wakeup_row_set(row, WAKEUP_NAME_TRUNCATED, 0);
	wakeup_row_set(row, WAKEUP_READ_AT, reading->read_at_ns);
	return 0;
}

static struct wakeup_row *new_row(struct reading *reading)
{
	if (reading->nr_rows == reading->rows_room) {
		u32 room = reading->rows_room ? 2 * reading->rows_room : 256;
		struct wakeup_row *rows = realloc(reading->rows, room * sizeof(*rows));

		if (!rows)
			return NULL;
		reading->rows = rows;
		reading->rows_room = room;
	}
	return &reading->rows[reading->nr_rows];
}

static int parse_lines(struct reading *reading, char *text)
{
	char *newline, *line = text, *from = text;

	reading->nr_rows = 0;
	while ((newline = strchr(from, '\n'))) {
		struct wakeup_row *row = new_row(reading);

		if (!row)
			return -ENOMEM;
		from = newline + 1;
		if (parse_line(reading, line, newline, row))
			continue;	/* a newline of the name: the line goes on */
		reading->nr_rows++;
		line = from;
	}
	reading->bytes_left = strlen(line);
	return 0;
}

static int parse_text(struct reading *reading)
{
	char *text = reading->text.text;
	char *newline = text ? strchr(text, '\n') : NULL;
	int err;

	if (!newline || strlen(text) != reading->text.len)
		return -EBADMSG;
	*newline = '\0';
	err = read_heading(reading, text);
	if (!err)
		err = parse_lines(reading, newline + 1);
	if (!err && reading->nr_rows &&
	    !strcmp(reading->rows[reading->nr_rows - 1].string[WAKEUP_NAME], "deleted"))
		reading->nr_rows--;
	return err;
}

/* Could @b tell of the same sources as @a, some time later? */
static bool same_sources(const struct reading *a, const struct reading *b)
{
	static const enum wakeup_attr only_grow[] = { WAKEUP_ACTIVE_COUNT, WAKEUP_EVENT_COUNT,
						      WAKEUP_WAKEUP_COUNT, WAKEUP_EXPIRE_COUNT };

	if (a->nr_rows != b->nr_rows)
		return false;
	for (u32 i = 0; i < a->nr_rows; i++) {
		if (strcmp(a->rows[i].string[WAKEUP_NAME], b->rows[i].string[WAKEUP_NAME]))
			return false;
		for (u32 k = 0; k < ARRAY_SIZE(only_grow); k++)
			if (b->rows[i].attr[only_grow[k]] < a->rows[i].attr[only_grow[k]])
				return false;
	}
	return true;
}

/* --- the collector ------------------------------------------------------------------------- */

static void copy_row(const struct listing *listing, u64 index, void *ret_row)
{
	const struct wakeup_row *rows = listing->rows;

	*(struct wakeup_row *)ret_row = rows[index];
}

static void bound(u64 most, struct listing *listing)
{
	if (!most || most >= listing->nr_rows)
		return;
	listing->lost = listing->nr_rows - most;
	listing->visited = listing->nr_rows = most;
	listing_incomplete(listing, "max-objects");
}

/* @ret_settled: two readings in a row told of the same sources, or one read(2) told all. */
static int read_until_settled(struct debugfs_state *debugfs, struct reading **ret_reading,
			      bool *ret_settled)
{
	*ret_settled = false;
	for (u32 nr = 0; nr < MAX_READINGS && !*ret_settled; nr++) {
		struct reading *reading = &debugfs->readings[nr % 2];
		int err = read_whole(debugfs->fd, reading);

		if (!err)
			err = parse_text(reading);
		if (err)
			return err;
		*ret_reading = reading;
		*ret_settled = reading->nr_reads <= 1 ||
			       (nr && same_sources(&debugfs->readings[(nr + 1) % 2], reading));
	}
	return 0;
}

static int debugfs_run(void *state, struct listing *ret_listing)
{
	struct debugfs_state *debugfs = state;
	struct reading *reading = NULL;
	bool settled;
	int err;

	listing_begin(ret_listing, &wakeup_noun, wakeup_debugfs_source.name);
	err = read_until_settled(debugfs, &reading, &settled);
	if (err)
		return err;
	ret_listing->visited = ret_listing->nr_rows = reading->nr_rows;
	if (!settled)
		listing_incomplete(ret_listing, "changed-while-read");
	bound(debugfs->options.max_objects, ret_listing);
	if (reading->bytes_left) {
		ret_listing->unreadable++;
		listing_incomplete(ret_listing, "unreadable");
	}
	listing_took(ret_listing);
	ret_listing->bytes = (struct value){ .known = true, .ns = (s64)reading->text.len };
	ret_listing->row = copy_row;
	ret_listing->rows = reading->rows;
	return 0;
}

static void debugfs_close(void *state)
{
	struct debugfs_state *debugfs = state;

	if (debugfs->fd >= 0)
		close(debugfs->fd);
	for (u32 i = 0; i < ARRAY_SIZE(debugfs->readings); i++) {
		strbuf_fini(&debugfs->readings[i].text);
		free(debugfs->readings[i].rows);
	}
	free(debugfs);
}

static enum collect_verdict debugfs_open(const struct collect_options *options, void **ret_state,
					 struct collect_status *status)
{
	const char *root = getenv("ROVE_DEBUGFS_ROOT");
	struct debugfs_state *debugfs;
	char path[4096];
	int err;

	debugfs = calloc(1, sizeof(*debugfs));
	if (!debugfs)
		return collect_refuse(status, COLLECT_FAILED, -ENOMEM, "%s", strerror(ENOMEM));
	debugfs->options = *options;
	for (u32 i = 0; i < ARRAY_SIZE(debugfs->readings); i++)
		strbuf_init(&debugfs->readings[i].text);
	snprintf(path, sizeof(path), "%s/wakeup_sources", root ? root : "/sys/kernel/debug");
	debugfs->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (debugfs->fd < 0) {
		err = -errno;
		debugfs_close(debugfs);
		return collect_refuse_file(status, path, err,
					   "a kernel with CONFIG_PM_SLEEP and CONFIG_DEBUG_FS "
					   "has it, where debugfs is mounted and not locked "
					   "down",
					   "needs CAP_DAC_READ_SEARCH, and a kernel that is "
					   "not locked down");
	}
	*ret_state = debugfs;
	return COLLECT_OK;
}

const struct collect_source wakeup_debugfs_source = {
	.name = "debugfs",
	.help = "the file wakeup_sources of debugfs: root",
	.automatic = true,
	.open = debugfs_open,
	.run = debugfs_run,
	.close = debugfs_close,
};
