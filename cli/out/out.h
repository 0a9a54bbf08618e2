/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/out/out.h - print a listing in one of the formats
 *
 * A format is a row of functions and what it can be asked for.  It sees columns
 * and rows, never where they came from.
 *
 * Not here: which rows are printed (model/query.h), messages (out/diag.h).
 */
#ifndef ROVE_CLI_OUT_OUT_H
#define ROVE_CLI_OUT_OUT_H

#include <stdio.h>

#include "cli/model/listing.h"
#include "cli/model/text.h"

enum out_flag {
	OUT_COLUMNS = 1 << 0,	/* -o chooses columns */
	OUT_HEADINGS = 1 << 1,	/* -n takes the heading away */
	OUT_STYLES = 1 << 2,	/* -b and --human change how numbers look */
	OUT_PRETTY = 1 << 3,	/* --pretty spreads it over lines */
	OUT_COLOR = 1 << 4,	/* --color colours it */
	OUT_JSON = 1 << 5,	/* whoever reads this wants messages as JSON too */
	OUT_PEOPLE = 1 << 6,	/* default columns and order, and the noun's footnote */
};

struct out;

struct out_format {
	const char *name;
	const char *help;
	u32 flags;
	bool is_layout;		/* another tool's: only for nouns that name it */
	/* Each returns 0 or -ENOMEM; failed writes are found by out_end(). */
	int (*begin)(struct out *out, const struct listing *listing, u64 nr_rows);
	int (*row)(struct out *out, const void *row);
	int (*end)(struct out *out);
};

struct out_options {
	FILE *fp;
	struct column_list columns;
	enum text_style style;
	bool headings;
	bool pretty;
	bool color;
};

struct out {
	const struct out_format *format;
	struct out_options opts;
	u64 nr_listings;	/* printed before this one */
	u64 nr_rows;		/* of this one, printed so far */
	const struct noun *noun;
	bool ascii_only;	/* the terminal's encoding is not UTF-8 */
	struct strbuf text;	/* for one cell or line: out_clear() before each */
	int err;		/* what making some text came to, once it was -ENOMEM */
	void *table;		/* of the table format, while it has rows */
	u64 total;		/* of a layout with a sum below */
};

extern const struct out_format out_table, out_json, out_ndjson, out_csv, out_tsv, out_kv,
	out_debugfs, out_dumpsys, out_bufinfo;
extern const struct out_format *const out_formats[];
extern const u32 nr_out_formats;

const struct out_format *out_format_find(const char *name);
bool out_format_fits(const struct out_format *format, const struct noun *noun);
void out_init(struct out *out, const struct out_format *format, const struct out_options *opts);
int out_begin(struct out *out, const struct listing *listing, u64 nr_rows);
int out_row(struct out *out, const void *row);
int out_end(struct out *out);
void out_fini(struct out *out);

/* What failed is remembered: text that is not whole must not pass for whole. */
static inline void out_note_error(struct out *out, const struct strbuf *text)
{
	if (!out->err)
		out->err = strbuf_error(text);
}

static inline void out_clear(struct out *out)
{
	out_note_error(out, &out->text);
	strbuf_clear(&out->text);
}

#endif
