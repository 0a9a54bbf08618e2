/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/out/table.c - an aligned table for people, by libsmartcols
 *
 * We escape names ourselves (model/text.h) and switch the library's own
 * escaping off: it would escape our backslashes again.
 */
#include <errno.h>
#include <libsmartcols/libsmartcols.h>

#include "cli/out/out.h"

static const char *heading(struct out *out, const struct column *col)
{
	static const char *const time[] = {
		[TEXT_PLAIN] = "(ms)", [TEXT_EXACT] = "(ns)", [TEXT_HUMAN] = "",
	};
	static const char *const memory[] = {
		[TEXT_PLAIN] = "(KiB)", [TEXT_EXACT] = "(B)", [TEXT_HUMAN] = "",
	};

	out_clear(out);
	strbuf_puts(&out->text, col->name);
	if (col->type == VALUE_DURATION)
		strbuf_puts(&out->text, time[out->opts.style]);
	if (col->type == VALUE_BYTES)
		strbuf_puts(&out->text, memory[out->opts.style]);
	return strbuf_text(&out->text);
}

static int add_column(struct out *out, const struct column *col)
{
	bool right = col->type == VALUE_COUNT || col->type == VALUE_INTEGER ||
		     col->type == VALUE_DURATION || col->type == VALUE_BYTES;
	const char *name = heading(out, col);

	if (strbuf_error(&out->text))
		return -ENOMEM;
	return scols_table_new_column(out->table, name, 0, right ? SCOLS_FL_RIGHT : 0) ?
		0 : -ENOMEM;
}

static int table_begin(struct out *out, const struct listing *listing, u64 nr_rows)
{
	int err = 0;

	scols_init_debug(0);
	out->table = scols_new_table();
	if (!out->table)
		return -ENOMEM;
	scols_table_set_stream(out->table, out->opts.fp);
	scols_table_enable_noencoding(out->table, 1);
	scols_table_enable_noheadings(out->table, !out->opts.headings);
	scols_table_enable_colors(out->table, out->opts.color);
	for (u32 i = 0; i < out->opts.columns.nr && !err; i++)
		err = add_column(out, out->opts.columns.cols[i]);
	return err;
}

/* Unknown is "-" everywhere; a flag that is not set is a blank, so that set ones stand out. */
static void cell(struct out *out, const struct column *col, const struct value *value)
{
	out_clear(out);
	if (!value->known)
		strbuf_puts(&out->text, "-");
	else if (col->type == VALUE_STRING)
		text_visible(&out->text, value->string, "", out->ascii_only);
	else if (col->type == VALUE_FLAG)
		strbuf_puts(&out->text, value->flag ? "*" : "");
	else
		text_value(&out->text, col, value, out->opts.style);
}

/* A row is coloured when its first flag column, whether shown or not, is set. */
static bool row_stands_out(const struct out *out, const void *row)
{
	struct value value;

	for (u32 i = 0; i < out->noun->nr_columns; i++) {
		const struct column *col = &out->noun->columns[i];

		if (col->type != VALUE_FLAG)
			continue;
		col->get(col, row, &value);
		return value.known && value.flag;
	}
	return false;
}

static int table_row(struct out *out, const void *row)
{
	struct libscols_line *line = scols_table_new_line(out->table, NULL);
	int err = line ? 0 : -ENOMEM;

	for (u32 i = 0; i < out->opts.columns.nr && !err; i++) {
		const struct column *col = out->opts.columns.cols[i];
		struct value value;

		col->get(col, row, &value);
		cell(out, col, &value);
		err = scols_line_set_data(line, i, strbuf_text(&out->text));
	}
	if (!err && out->opts.color && row_stands_out(out, row))
		err = scols_line_set_color(line, "green");
	return err;
}

static int table_end(struct out *out)
{
	int err;

	if (out->nr_listings && out->nr_rows)
		fputc('\n', out->opts.fp);
	err = scols_print_table(out->table);
	scols_unref_table(out->table);
	out->table = NULL;
	return err;
}

const struct out_format out_table = {
	.name = "table",
	.help = "aligned columns, the default",
	.flags = OUT_COLUMNS | OUT_HEADINGS | OUT_STYLES | OUT_COLOR | OUT_PEOPLE,
	.begin = table_begin,
	.row = table_row,
	.end = table_end,
};
