/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/out/json.c - one JSON document for a listing, or one object a line
 *
 * The document is streamed: only one record at a time is an object of json-c.
 * A type never depends on an option, except that a key which -o leaves out is
 * not there: an integer that a double cannot hold is a hex string, unknown is
 * null, text is valid UTF-8.
 *
 * Not here: what json-c does when its printer gets no memory.  It does not tell,
 * and leaves out what did not fit.
 */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "cli/out/out.h"

#define EXACT_IN_DOUBLE (1ull << 53)
#define KEY_IS_OURS (JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY)

static struct json_object *hex(u64 magnitude, bool negative)
{
	char text[24];

	snprintf(text, sizeof(text), "%s0x%llx", negative ? "-" : "",
		 (unsigned long long)magnitude);
	return json_object_new_string(text);
}

static struct json_object *unsigned_integer(u64 number)
{
	return number > EXACT_IN_DOUBLE ? hex(number, false) : json_object_new_int64(number);
}

static struct json_object *signed_integer(s64 number)
{
	u64 magnitude = number < 0 ? -(u64)number : (u64)number;

	return magnitude > EXACT_IN_DOUBLE ? hex(magnitude, number < 0) :
		json_object_new_int64(number);
}

static struct json_object *string(struct out *out, const char *bytes)
{
	out_clear(out);
	text_utf8(&out->text, bytes);
	if (strbuf_error(&out->text))
		return NULL;
	return json_object_new_string_len(strbuf_text(&out->text), out->text.len);
}

static int object(struct out *out, const struct column *const *cols, u32 nr, const void *row,
		  struct json_object **ret_json);

static struct json_object *array(struct out *out, const struct noun *noun,
				 const struct value *value)
{
	struct json_object *json = json_object_new_array(), *item;
	struct column_list list = {};
	int err = json ? noun_all_columns(noun, &list) : -ENOMEM;

	for (u64 i = 0; i < value->nr_items && !err; i++) {
		const void *row = (const char *)value->items + i * noun->row_bytes;

		err = object(out, list.cols, list.nr, row, &item);
		if (!err && json_object_array_add(json, item)) {
			json_object_put(item);
			err = -ENOMEM;
		}
	}
	column_list_free(&list);
	if (!err)
		return json;
	json_object_put(json);
	return NULL;
}

/* NULL is json-c's null; *ret_err tells it from a failed allocation. */
static struct json_object *json_value(struct out *out, const struct column *col,
				      const struct value *value, int *ret_err)
{
	struct json_object *json = NULL;

	if (!value->known)
		return NULL;
	switch (col->type) {
	case VALUE_STRING:
		json = string(out, value->string);
		break;
	case VALUE_FLAG:
		json = json_object_new_boolean(value->flag);
		break;
	case VALUE_COUNT:
	case VALUE_BYTES:
		json = unsigned_integer(value->count);
		break;
	case VALUE_INTEGER:
		json = signed_integer(value->integer);
		break;
	case VALUE_DURATION:
		json = signed_integer(value->ns);
		break;
	case VALUE_ITEMS:
		json = array(out, col->items, value);
		break;
	case NR_VALUE_TYPES:
		break;
	}
	if (!json)
		*ret_err = -ENOMEM;
	return json;
}

static int object(struct out *out, const struct column *const *cols, u32 nr, const void *row,
		  struct json_object **ret_json)
{
	struct json_object *json = json_object_new_object();
	int err = json ? 0 : -ENOMEM;

	for (u32 i = 0; i < nr && !err; i++) {
		const struct column *col = cols[i];
		struct value value;

		col->get(col, row, &value);
		if (json_object_object_add(json, col->json, json_value(out, col, &value, &err)))
			err = -ENOMEM;
	}
	if (err) {
		json_object_put(json);
		return err;
	}
	*ret_json = json;
	return 0;
}

static int record(struct out *out, const void *row, struct json_object **ret_json)
{
	return object(out, out->opts.columns.cols, out->opts.columns.nr, row, ret_json);
}

/* Add an object's member; a NULL @value that is not meant as null is a failed allocation. */
static int add(struct json_object *json, const char *key, struct json_object *value)
{
	return value && !json_object_object_add_ex(json, key, value, KEY_IS_OURS) ? 0 : -ENOMEM;
}

static int add_or_null(struct json_object *json, const char *key, const struct value *value)
{
	if (value->known)
		return add(json, key, signed_integer(value->ns));
	return json_object_object_add_ex(json, key, NULL, KEY_IS_OURS) ? -ENOMEM : 0;
}

static int add_clock(struct json_object *json, const struct listing *listing)
{
	struct json_object *clock = json_object_new_object();
	int err = add(json, "clock", clock);

	err = err ?: add(clock, "monotonic_ns", unsigned_integer(listing->monotonic_ns));
	err = err ?: add(clock, "boottime_ns", unsigned_integer(listing->boottime_ns));
	return err ?: add(clock, "realtime_ns", unsigned_integer(listing->realtime_ns));
}

static int add_cost(struct json_object *json, const struct listing *listing)
{
	struct json_object *cost = json_object_new_object();
	int err = add(json, "cost", cost);

	err = err ?: add_or_null(cost, "walk_ns", &listing->walk_ns);
	err = err ?: add_or_null(cost, "lock_ns", &listing->lock_ns);
	return err ?: add_or_null(cost, "bytes", &listing->bytes);
}

static int add_why(struct json_object *json, const struct listing *listing)
{
	if (listing->why)
		return add(json, "why", json_object_new_string(listing->why));
	return json_object_object_add_ex(json, "why", NULL, KEY_IS_OURS) ? -ENOMEM : 0;
}

static int fill_header(struct json_object *json, const struct listing *l, u64 nr_records)
{
	int err = add(json, "schema", json_object_new_string(l->noun->schema));

	err = err ?: add(json, "version", json_object_new_int64(l->noun->version));
	err = err ?: add(json, "kernel", json_object_new_string(l->kernel));
	err = err ?: add(json, "source", json_object_new_string(l->source));
	err = err ?: add_clock(json, l);
	err = err ?: add(json, "complete", json_object_new_boolean(l->complete));
	err = err ?: add_why(json, l);
	err = err ?: add(json, "visited", unsigned_integer(l->visited));
	err = err ?: add(json, "lost", unsigned_integer(l->lost));
	err = err ?: add(json, "torn", unsigned_integer(l->torn));
	err = err ?: add(json, "names_truncated", unsigned_integer(l->names_truncated));
	err = err ?: add(json, "unreadable", unsigned_integer(l->unreadable));
	err = err ?: add_cost(json, l);
	return err ?: add(json, "nr_records", unsigned_integer(nr_records));
}

/* Until the next one; NULL: no memory. */
static const char *print_json(struct out *out, struct json_object *json)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text;

	flags |= out->opts.pretty ? JSON_C_TO_STRING_PRETTY : JSON_C_TO_STRING_PLAIN;
	text = json_object_to_json_string_ext(json, flags);
	if (!text)
		return NULL;
	out_clear(out);
	text_json(&out->text, text);
	return strbuf_error(&out->text) ? NULL : strbuf_text(&out->text);
}

/* The header without its closing brace: the records follow inside it. */
static int put_header(struct out *out, const struct listing *listing, u64 nr_rows, bool open)
{
	struct json_object *json = json_object_new_object();
	int err = json ? fill_header(json, listing, nr_rows) : -ENOMEM;
	const char *text = err ? NULL : print_json(out, json);

	if (text)
		fwrite(text, 1, strlen(text) - (open ? (out->opts.pretty ? 2 : 1) : 0),
		       out->opts.fp);
	json_object_put(json);
	return text ? 0 : -ENOMEM;
}

static int json_begin(struct out *out, const struct listing *listing, u64 nr_rows)
{
	int err = put_header(out, listing, nr_rows, true);

	if (!err)
		fputs(out->opts.pretty ? ",\n  \"records\":[" : ",\"records\":[", out->opts.fp);
	return err;
}

/* json-c indents from the margin; inside "records" everything stands four columns in. */
static void put_indented(FILE *fp, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		fputs("\n    ", fp);
		fwrite(text, 1, len, fp);
		text += len + (text[len] == '\n');
	}
}

static int json_row(struct out *out, const void *row)
{
	struct json_object *json;
	const char *text;
	int err = record(out, row, &json);

	if (err)
		return err;
	text = print_json(out, json);
	if (text && out->nr_rows)
		fputc(',', out->opts.fp);
	if (text && out->opts.pretty)
		put_indented(out->opts.fp, text);
	else if (text)
		fputs(text, out->opts.fp);
	json_object_put(json);
	return text ? 0 : -ENOMEM;
}

static int json_end(struct out *out)
{
	if (out->opts.pretty)
		fputs(out->nr_rows ? "\n  ]\n}\n" : "]\n}\n", out->opts.fp);
	else
		fputs("]}\n", out->opts.fp);
	return 0;
}

static int ndjson_begin(struct out *out, const struct listing *listing, u64 nr_rows)
{
	int err = put_header(out, listing, nr_rows, false);

	fputc('\n', out->opts.fp);
	return err;
}

static int ndjson_row(struct out *out, const void *row)
{
	struct json_object *json;
	const char *text;
	int err = record(out, row, &json);

	if (err)
		return err;
	text = print_json(out, json);
	if (text) {
		fputs(text, out->opts.fp);
		fputc('\n', out->opts.fp);
	}
	json_object_put(json);
	return text ? 0 : -ENOMEM;
}

static int ndjson_end(struct out *out)
{
	return 0;
}

const struct out_format out_json = {
	.name = "json",
	.help = "one document for each listing",
	.flags = OUT_COLUMNS | OUT_PRETTY | OUT_JSON,
	.begin = json_begin,
	.row = json_row,
	.end = json_end,
};

const struct out_format out_ndjson = {
	.name = "ndjson",
	.help = "one object a line: a header, then the records",
	.flags = OUT_COLUMNS | OUT_JSON,
	.begin = ndjson_begin,
	.row = ndjson_row,
	.end = ndjson_end,
};
