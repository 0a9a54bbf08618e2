/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/file.c - the rows of any noun from a recording
 *
 * A recording is what -O ndjson prints: for each listing a header line, which
 * says how many records follow, and a line for each record.  It may come from
 * anywhere, so a key of another type than ours is an error, and a file that
 * ends early gives a listing that says so.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "cli/collect/collect.h"

struct file_state {
	FILE *fp;
	struct strbuf line;
	struct json_tokener *parser;
	char source[32];
	char why[32];
	const struct noun *noun;
	char *rows;			/* ->noun->row_bytes each */
	u64 nr_rows, rows_room;
	void **kept;			/* what they point to */
	u64 nr_kept, kept_room;
};

/* --- one line ------------------------------------------------------------------------------ */

/* Many times what the largest record has: one buffer and all that hold it. */
#define MAX_LINE_BYTES (64u << 20)

/* -ENODATA at the end of the file; what is no text is not read on for ever. */
static int read_line(struct file_state *file)
{
	int c;

	strbuf_clear(&file->line);
	errno = 0;
	do {
		c = getc_unlocked(file->fp);
		if (c == EOF)
			break;
		if (!c || file->line.len == MAX_LINE_BYTES)
			return -EBADMSG;
		strbuf_putc(&file->line, (char)c);
	} while (c != '\n' && !strbuf_error(&file->line));
	if (c == EOF && ferror(file->fp))
		return errno ? -errno : -EIO;
	return strbuf_error(&file->line) ?: file->line.len ? 0 : -ENODATA;
}

static bool is_rest_blank(const struct file_state *file)
{
	size_t end = json_tokener_get_parse_end(file->parser);

	return end + strspn(strbuf_text(&file->line) + end, " \t\r\n") == file->line.len;
}

/* -ENODATA at the end of the file, -EPROTO where it ends in the middle of a line. */
static int read_object(struct file_state *file, struct json_object **ret_json)
{
	struct json_object *json;
	int err = read_line(file);
	const char *line = strbuf_text(&file->line);

	if (err)
		return err;
	json_tokener_reset(file->parser);
	json = json_tokener_parse_ex(file->parser, line, (int)file->line.len);
	if (json && json_object_is_type(json, json_type_object) && is_rest_blank(file)) {
		*ret_json = json;
		return 0;
	}
	json_object_put(json);
	return line[file->line.len - 1] == '\n' ? -EBADMSG : -EPROTO;
}

/* A magnitude and its sign; a hex string where a double could not hold it. */
static int read_hex(const char *text, u64 *ret_magnitude, bool *ret_negative)
{
	char *end;

	*ret_negative = text[0] == '-';
	text += *ret_negative;
	if (strncmp(text, "0x", 2) || !text[2])
		return -EBADMSG;
	errno = 0;
	*ret_magnitude = strtoull(text, &end, 16);
	return *end || errno ? -EBADMSG : 0;
}

static int read_magnitude(struct json_object *json, u64 *ret_magnitude, bool *ret_negative)
{
	s64 number;

	if (json_object_is_type(json, json_type_string))
		return read_hex(json_object_get_string(json), ret_magnitude, ret_negative);
	if (!json_object_is_type(json, json_type_int))
		return -EBADMSG;
	number = json_object_get_int64(json);
	*ret_negative = number < 0;
	*ret_magnitude = number < 0 ? -(u64)number : (u64)number;
	/* json-c answers with its largest number where one is larger. */
	return number == INT64_MAX || number == INT64_MIN ? -EBADMSG : 0;
}

static int read_count(struct json_object *json, u64 *ret_count)
{
	bool negative;
	int err = read_magnitude(json, ret_count, &negative);

	return err ?: negative && *ret_count ? -EBADMSG : 0;
}

static int read_signed(struct json_object *json, s64 *ret_number)
{
	bool negative;
	u64 magnitude;
	int err = read_magnitude(json, &magnitude, &negative);

	if (err || magnitude > (u64)INT64_MAX + negative)
		return -EBADMSG;
	*ret_number = (s64)(negative ? -magnitude : magnitude);
	return 0;
}

/* --- a record ------------------------------------------------------------------------------ */

/* What a row points to lives until the next listing. */
static void *keep(struct file_state *file, void *memory)
{
	u64 room = file->kept_room ? 2 * file->kept_room : 256;
	void **kept;

	if (!memory)
		return NULL;
	if (file->nr_kept == file->kept_room) {
		kept = realloc(file->kept, room * sizeof(*kept));
		if (!kept) {
			free(memory);
			return NULL;
		}
		file->kept = kept;
		file->kept_room = room;
	}
	return file->kept[file->nr_kept++] = memory;
}

static int read_record(struct file_state *file, struct json_object *json,
		       const struct noun *noun, void *row);

static int read_items(struct file_state *file, struct json_object *json, const struct noun *noun,
		      struct value *ret_value)
{
	size_t nr = json_object_array_length(json);
	char *rows = keep(file, calloc(nr ? nr : 1, noun->row_bytes));
	int err = rows ? 0 : -ENOMEM;

	for (size_t i = 0; i < nr && !err; i++)
		err = read_record(file, json_object_array_get_idx(json, i), noun,
				  rows + i * noun->row_bytes);
	ret_value->items = rows;
	ret_value->nr_items = nr;
	return err;
}

static const json_type types[NR_VALUE_TYPES] = {
	[VALUE_STRING] = json_type_string,
	[VALUE_FLAG] = json_type_boolean,
	[VALUE_COUNT] = json_type_int,
	[VALUE_INTEGER] = json_type_int,
	[VALUE_DURATION] = json_type_int,
	[VALUE_BYTES] = json_type_int,
	[VALUE_ITEMS] = json_type_array,
};

static int read_value(struct file_state *file, struct json_object *json, const struct column *col,
		      struct value *ret_value)
{
	ret_value->known = true;
	if (col->type == VALUE_INTEGER || col->type == VALUE_DURATION)
		return read_signed(json, &ret_value->integer);
	if (types[col->type] == json_type_int)
		return read_count(json, &ret_value->count);
	if (!json_object_is_type(json, types[col->type]))
		return -EBADMSG;
	if (col->type == VALUE_ITEMS)
		return read_items(file, json, col->items, ret_value);
	if (col->type == VALUE_FLAG) {
		ret_value->flag = json_object_get_boolean(json);
		return 0;
	}
	ret_value->string = keep(file, strdup(json_object_get_string(json)));
	return ret_value->string ? 0 : -ENOMEM;
}

/* Keys that a later version may add are not ours to judge; null is unknown. */
static int read_record(struct file_state *file, struct json_object *json,
		       const struct noun *noun, void *row)
{
	int err = json_object_is_type(json, json_type_object) ? 0 : -EBADMSG;

	for (u32 i = 0; i < noun->nr_columns && !err; i++) {
		const struct column *col = &noun->columns[i];
		struct json_object *member;
		struct value value;

		if (!json_object_object_get_ex(json, col->json, &member) || !member)
			continue;
		err = read_value(file, member, col, &value);
		if (!err)
			noun->set(col, row, &value);
	}
	return err;
}

static void free_rows(struct file_state *file)
{
	for (u64 i = 0; i < file->nr_kept; i++)
		free(file->kept[i]);
	file->nr_kept = 0;
	file->nr_rows = 0;
}

static int reserve_row(struct file_state *file, void **ret_row)
{
	u64 room = file->rows_room ? 2 * file->rows_room : 256;
	u32 bytes = file->noun->row_bytes;

	if (file->nr_rows == file->rows_room) {
		char *rows = realloc(file->rows, room * bytes);

		if (!rows)
			return -ENOMEM;
		file->rows = rows;
		file->rows_room = room;
	}
	*ret_row = memset(file->rows + file->nr_rows * bytes, 0, bytes);
	return 0;
}

static int add_record(struct file_state *file)
{
	struct json_object *json = NULL;
	void *row;
	int err = reserve_row(file, &row);

	err = err ?: read_object(file, &json);
	err = err ?: read_record(file, json, file->noun, row);
	json_object_put(json);
	if (!err)
		file->nr_rows++;
	return err;
}

/* --- the header ---------------------------------------------------------------------------- */

static int get_count(struct json_object *json, const char *key, u64 *ret_count)
{
	struct json_object *value;

	if (!json_object_object_get_ex(json, key, &value))
		return -EBADMSG;
	return read_count(value, ret_count);
}

static int get_cost(struct json_object *cost, const char *key, struct value *ret_value)
{
	struct json_object *value;

	if (!json_object_object_get_ex(cost, key, &value))
		return -EBADMSG;
	ret_value->known = value;
	return value ? read_signed(value, &ret_value->ns) : 0;
}

/* @ret_text is NULL where the key is null. */
static int get_text(struct json_object *json, const char *key, const char **ret_text)
{
	struct json_object *value;

	if (!json_object_object_get_ex(json, key, &value))
		return -EBADMSG;
	if (value && !json_object_is_type(value, json_type_string))
		return -EBADMSG;
	*ret_text = value ? json_object_get_string(value) : NULL;
	return 0;
}

static int check_schema(const struct file_state *file, struct json_object *json)
{
	const char *schema;
	u64 version;
	int err = get_text(json, "schema", &schema);

	err = err ?: get_count(json, "version", &version);
	if (err || !schema || strcmp(schema, file->noun->schema) ||
	    version != file->noun->version)
		return -EBADMSG;
	return 0;
}

static int read_counts(struct json_object *json, struct listing *listing, u64 *ret_nr_records)
{
	struct json_object *clock, *cost;
	int err;

	if (!json_object_object_get_ex(json, "clock", &clock) ||
	    !json_object_object_get_ex(json, "cost", &cost))
		return -EBADMSG;
	err = get_count(clock, "monotonic_ns", &listing->monotonic_ns);
	err = err ?: get_count(clock, "boottime_ns", &listing->boottime_ns);
	err = err ?: get_count(clock, "realtime_ns", &listing->realtime_ns);
	err = err ?: get_cost(cost, "walk_ns", &listing->walk_ns);
	err = err ?: get_cost(cost, "lock_ns", &listing->lock_ns);
	err = err ?: get_cost(cost, "bytes", &listing->bytes);
	err = err ?: get_count(json, "visited", &listing->visited);
	err = err ?: get_count(json, "lost", &listing->lost);
	err = err ?: get_count(json, "torn", &listing->torn);
	err = err ?: get_count(json, "names_truncated", &listing->names_truncated);
	err = err ?: get_count(json, "unreadable", &listing->unreadable);
	return err ?: get_count(json, "nr_records", ret_nr_records);
}

static int read_texts(struct file_state *file, struct json_object *json, struct listing *listing)
{
	const char *kernel, *source, *why;
	int err = get_text(json, "kernel", &kernel);

	err = err ?: get_text(json, "source", &source);
	err = err ?: get_text(json, "why", &why);
	if (err || !kernel || !source)
		return -EBADMSG;
	snprintf(listing->kernel, sizeof(listing->kernel), "%s", kernel);
	snprintf(file->source, sizeof(file->source), "%s", source);
	listing->source = file->source;
	if (why) {
		snprintf(file->why, sizeof(file->why), "%s", why);
		listing_incomplete(listing, file->why);
	}
	return 0;
}

static int read_header(struct file_state *file, struct listing *listing, u64 *ret_nr_records)
{
	struct json_object *json = NULL;
	int err = read_object(file, &json);

	err = err ?: check_schema(file, json);
	err = err ?: read_texts(file, json, listing);
	err = err ?: read_counts(json, listing, ret_nr_records);
	json_object_put(json);
	return err;
}

/* --- the collector ------------------------------------------------------------------------- */

static void copy_row(const struct listing *listing, u64 index, void *ret_row)
{
	u32 bytes = listing->noun->row_bytes;

	memcpy(ret_row, (const char *)listing->rows + index * bytes, bytes);
}

static int file_run(void *state, struct listing *ret_listing)
{
	struct file_state *file = state;
	u64 nr_records = 0;
	int err;

	free_rows(file);
	listing_begin(ret_listing, file->noun, file_source.name);
	err = read_header(file, ret_listing, &nr_records);
	while (!err && file->nr_rows < nr_records)
		err = add_record(file);
	if ((err == -ENODATA || err == -EPROTO) && nr_records) {
		ret_listing->lost += nr_records - file->nr_rows;
		listing_incomplete(ret_listing, "file-ends-early");
		err = 0;
	}
	ret_listing->nr_rows = file->nr_rows;
	ret_listing->row = copy_row;
	ret_listing->rows = file->rows;
	return err;
}

static void file_close(void *state)
{
	struct file_state *file = state;

	free_rows(file);
	free(file->rows);
	free(file->kept);
	strbuf_fini(&file->line);
	if (file->parser)
		json_tokener_free(file->parser);
	if (file->fp && file->fp != stdin)
		fclose(file->fp);
	free(file);
}

static enum collect_verdict file_open(const struct collect_options *options, void **ret_state,
				      struct collect_status *status)
{
	struct file_state *file = calloc(1, sizeof(*file));
	int err;

	if (!file)
		return collect_refuse(status, COLLECT_FAILED, -ENOMEM, "%s", strerror(ENOMEM));
	file->noun = options->noun;
	file->parser = json_tokener_new();
	file->fp = strcmp(options->file, "-") ? fopen(options->file, "re") : stdin;
	if (file->parser && file->fp) {
		*ret_state = file;
		return COLLECT_OK;
	}
	err = file->parser ? -errno : -ENOMEM;
	file_close(file);
	return collect_refuse(status, COLLECT_FAILED, err, "%s: %s", options->file,
			      strerror(-err));
}

const struct collect_source file_source = {
	.name = "file",
	.help = "a recording, see --read",
	.open = file_open,
	.run = file_run,
	.close = file_close,
};
