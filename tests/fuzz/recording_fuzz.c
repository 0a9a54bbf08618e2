/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/fuzz/recording_fuzz.c - any bytes as a recording
 *
 * The first byte of an input chooses the command, the second the format, the rest is the
 * recording; for a comparison a form feed parts the older one from the newer one.  What is
 * read is printed to memory.  Whatever the file holds: a listing is refused or printed whole,
 * what says that it is JSON is JSON, and nothing is left.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/collect/collect.h"
#include "cli/model/dmabuf_views.h"
#include "cli/model/wakeup_diff.h"
#include "cli/out/out.h"
#include "tests/left.h"

#define MAX_LISTINGS 4

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static const struct kind {
	const struct collect_noun *noun;
	const struct view *view;
} kinds[] = {
	{ &collect_wakeup },
	{ &collect_dmabuf },
	{ &collect_dmabuf, .view = &dmabuf_by_exporter },
	{ &collect_dmabuf, .view = &dmabuf_by_process },
	{ &collect_dmabuf, .view = &dmabuf_by_device },
	{ &collect_dmabuf, .view = &dmabuf_changes },
	{ &collect_dmabuf, .view = &dmabuf_growths },
	{ &collect_wq },
	{ &collect_wq_pools },
	{ &collect_wq_pending },
	{ &collect_wq_lockup },
	{ &collect_wakeup, .view = &wakeup_changes },
};

/* One file that is read, and its descriptor, by which it has a name. */
struct tape {
	int fd;
	char path[32];
	struct collector collector;
};

static bool tape_open(struct tape *tape, const struct kind *kind, const u8 *data, size_t size)
{
	const struct collect_options options = { .file = tape->path };

	tape->fd = memfd_create("tape", MFD_CLOEXEC);
	if (tape->fd < 0 || write(tape->fd, data, size) != (ssize_t)size)
		abort();
	snprintf(tape->path, sizeof(tape->path), "/proc/self/fd/%d", tape->fd);
	return collector_open(&tape->collector, kind->noun, "file", &options) == COLLECT_OK;
}

static void tape_close(struct tape *tape)
{
	collector_close(&tape->collector);
	close(tape->fd);
}

/* Each line of what was printed is a document of its own. */
static void check_json(char *text)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		enum json_tokener_error err;
		struct json_object *json = *line ? json_tokener_parse_verbose(line, &err) : NULL;

		if (*line && !json) {
			fprintf(stderr, "no JSON: %s\n", line);
			abort();
		}
		json_object_put(json);
	}
}

static void print(const struct listing *listing, const struct out_format *format)
{
	void *row = malloc(listing->noun->row_bytes);
	struct out_options options = { .headings = true };
	struct out out;
	char *text = NULL;
	size_t bytes;

	options.fp = open_memstream(&text, &bytes);
	if (!row || !options.fp || noun_all_columns(listing->noun, &options.columns))
		abort();
	out_init(&out, format, &options);
	if (out_begin(&out, listing, listing->nr_rows))
		abort();
	for (u64 i = 0; i < listing->nr_rows; i++) {
		listing->row(listing, i, row);
		if (out_row(&out, row))
			abort();
	}
	if (out_end(&out))
		abort();
	out_fini(&out);
	column_list_free(&options.columns);
	fclose(options.fp);
	if (format->flags & OUT_JSON)
		check_json(text);
	free(text);
	free(row);
}

static void show(const struct kind *kind, const struct out_format *format,
		 const struct listing *listing)
{
	struct view_memory memory = { NULL };
	struct listing made = *listing;

	if (kind->view && kind->view->make(listing, 0, &made, &memory))
		abort();
	print(&made, format);
	free(memory.rows);
	free(memory.more);
}

static void list(const struct kind *kind, const struct out_format *format, const u8 *data,
		 size_t size)
{
	struct listing listing;
	struct tape tape;

	if (tape_open(&tape, kind, data, size))
		for (u32 i = 0; i < MAX_LISTINGS && !collector_run(&tape.collector, &listing); i++)
			show(kind, format, &listing);
	tape_close(&tape);
}

static void compare(const struct kind *kind, const struct out_format *format, const u8 *data,
		    size_t size)
{
	const u8 *parting = memchr(data, '\f', size);
	size_t first = parting ? (size_t)(parting - data) : size;
	struct listing before, after, made;
	struct view_memory memory = { NULL };
	struct tape old, new;
	bool are_open = tape_open(&old, kind, data, first);

	are_open &= tape_open(&new, kind, data + first + !!parting, size - first - !!parting);
	if (are_open && !collector_run(&old.collector, &before) &&
	    !collector_run(&new.collector, &after)) {
		if (kind->view->compare(&before, &after, 0, &made, &memory))
			abort();
		print(&made, format);
	}
	free(memory.rows);
	free(memory.more);
	tape_close(&old);
	tape_close(&new);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const struct out_format *format;
	const struct kind *kind;
	u32 nr_open = nr_open_descriptors();

	if (size < 2)
		return 0;
	kind = &kinds[data[0] % ARRAY_SIZE(kinds)];
	format = out_formats[data[1] % nr_out_formats];
	if (!out_format_fits(format, kind->view ? kind->view->noun : kind->noun->noun))
		return 0;
	if (kind->view && kind->view->compare)
		compare(kind, format, data + 2, size - 2);
	else
		list(kind, format, data + 2, size - 2);
	check_same("descriptors", nr_open, nr_open_descriptors());
	return 0;
}
