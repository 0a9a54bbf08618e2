/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/out/csv.c - rectangular text for other programs: CSV, TSV and key="value"
 *
 * Numbers are exact integers in base units, flags are true and false.  Unknown
 * is an empty field; an empty text is a quoted empty field where the format has
 * quotes.  Text is valid UTF-8; a control character that the format cannot
 * carry is written as \xHH.
 */
#include <string.h>

#include "cli/out/out.h"

/* A control character at @s as \\xHH; what is to be looked at next. */
static const char *put_control(struct out *out, const char *s)
{
	for (int n = text_control_length(s); n > 0; n--)
		strbuf_printf(&out->text, "\\x%02x", (unsigned char)*s++);
	return s;
}

/* RFC 4180 knows no other control characters in a field than CR and LF. */
static void csv_string(struct out *out, const char *s)
{
	strbuf_puts(&out->text, "\"");
	while (*s) {
		if (text_control_length(s) && *s != '\r' && *s != '\n') {
			s = put_control(out, s);
			continue;
		}
		if (*s == '"')
			strbuf_puts(&out->text, "\"");
		strbuf_add(&out->text, s++, 1);
	}
	strbuf_puts(&out->text, "\"");
}

static bool needs_quotes(const char *s)
{
	if (!*s)
		return true;
	for (; *s; s++)
		if (text_control_length(s) || *s == ',' || *s == '"')
			return true;
	return false;
}

static void tsv_string(struct out *out, const char *s)
{
	static const char *const escapes[0x80] = {
		['\t'] = "\\t", ['\n'] = "\\n", ['\r'] = "\\r", ['\\'] = "\\\\",
	};

	while (*s) {
		unsigned char c = *s;

		if (c < 0x80 && escapes[c]) {
			strbuf_puts(&out->text, escapes[c]);
			s++;
		} else if (text_control_length(s)) {
			s = put_control(out, s);
		} else {
			strbuf_add(&out->text, s++, 1);
		}
	}
}

/* A field's text, with what is no UTF-8 replaced; the caller frees it. */
static struct strbuf clean(struct out *out, const char *bytes)
{
	struct strbuf text = STRBUF_INIT;

	text_utf8(&text, bytes);
	out_note_error(out, &text);
	return text;
}

static void csv_field(struct out *out, const struct column *col, const struct value *value)
{
	struct strbuf text;

	if (!value->known || col->type != VALUE_STRING) {
		text_value(&out->text, col, value, TEXT_EXACT);
		return;
	}
	text = clean(out, value->string);
	if (needs_quotes(strbuf_text(&text)))
		csv_string(out, strbuf_text(&text));
	else
		strbuf_puts(&out->text, strbuf_text(&text));
	strbuf_fini(&text);
}

static void tsv_field(struct out *out, const struct column *col, const struct value *value)
{
	struct strbuf text;

	if (!value->known || col->type != VALUE_STRING) {
		text_value(&out->text, col, value, TEXT_EXACT);
		return;
	}
	text = clean(out, value->string);
	tsv_string(out, strbuf_text(&text));
	strbuf_fini(&text);
}

/* The shell reads what stands between the quotes, so what it would act on is escaped. */
static void kv_field(struct out *out, const struct column *col, const struct value *value)
{
	strbuf_puts(&out->text, col->json);
	if (!value->known) {
		strbuf_puts(&out->text, "=");
		return;
	}
	strbuf_puts(&out->text, "=\"");
	if (col->type == VALUE_STRING) {
		struct strbuf text = clean(out, value->string);

		text_visible(&out->text, strbuf_text(&text), "\"$`", false);
		strbuf_fini(&text);
	} else {
		text_value(&out->text, col, value, TEXT_EXACT);
	}
	strbuf_puts(&out->text, "\"");
}

typedef void field_fn(struct out *out, const struct column *col, const struct value *value);

static int put_row(struct out *out, const void *row, field_fn *field, const char *between,
		   const char *end)
{
	out_clear(out);
	for (u32 i = 0; i < out->opts.columns.nr; i++) {
		const struct column *col = out->opts.columns.cols[i];
		struct value value;

		if (i)
			strbuf_puts(&out->text, between);
		col->get(col, row, &value);
		field(out, col, &value);
	}
	strbuf_puts(&out->text, end);
	fwrite(strbuf_text(&out->text), 1, out->text.len, out->opts.fp);
	return 0;
}

/* One table a run: later listings go on below the rows of the first. */
static int put_heading(struct out *out, const char *between, const char *end)
{
	if (!out->opts.headings || out->nr_listings)
		return 0;
	for (u32 i = 0; i < out->opts.columns.nr; i++)
		fprintf(out->opts.fp, "%s%s", i ? between : "", out->opts.columns.cols[i]->json);
	fputs(end, out->opts.fp);
	return 0;
}

static int csv_begin(struct out *out, const struct listing *listing, u64 nr_rows)
{
	return put_heading(out, ",", "\r\n");
}

static int csv_row(struct out *out, const void *row)
{
	return put_row(out, row, csv_field, ",", "\r\n");
}

static int tsv_begin(struct out *out, const struct listing *listing, u64 nr_rows)
{
	return put_heading(out, "\t", "\n");
}

static int tsv_row(struct out *out, const void *row)
{
	return put_row(out, row, tsv_field, "\t", "\n");
}

static int kv_begin(struct out *out, const struct listing *listing, u64 nr_rows)
{
	return 0;
}

static int kv_row(struct out *out, const void *row)
{
	return put_row(out, row, kv_field, " ", "\n");
}

static int nothing_at_end(struct out *out)
{
	return 0;
}

const struct out_format out_csv = {
	.name = "csv",
	.help = "RFC 4180",
	.flags = OUT_COLUMNS | OUT_HEADINGS,
	.begin = csv_begin,
	.row = csv_row,
	.end = nothing_at_end,
};

const struct out_format out_tsv = {
	.name = "tsv",
	.help = "fields between tabs",
	.flags = OUT_COLUMNS | OUT_HEADINGS,
	.begin = tsv_begin,
	.row = tsv_row,
	.end = nothing_at_end,
};

const struct out_format out_kv = {
	.name = "kv",
	.help = "key=\"value\" for shells",
	.flags = OUT_COLUMNS,
	.begin = kv_begin,
	.row = kv_row,
	.end = nothing_at_end,
};
