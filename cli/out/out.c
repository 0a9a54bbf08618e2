/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/out/out.c - the formats by name, and the way through one of them
 */
#include <errno.h>
#include <langinfo.h>
#include <string.h>

#include "cli/out/out.h"

const struct out_format *const out_formats[] = {
	&out_table, &out_json, &out_ndjson, &out_csv, &out_tsv, &out_kv, &out_debugfs,
	&out_dumpsys, &out_bufinfo,
};
const u32 nr_out_formats = ARRAY_SIZE(out_formats);

/**
 * out_format_find - a format by its name
 *
 * Context: any.
 * Return:  the format, or NULL when there is none of that name.
 */
const struct out_format *out_format_find(const char *name)
{
	for (u32 i = 0; i < nr_out_formats; i++)
		if (!strcmp(out_formats[i]->name, name))
			return out_formats[i];
	return NULL;
}

/**
 * out_format_fits - can listings of a noun be printed so
 *
 * Context: any.
 */
bool out_format_fits(const struct out_format *format, const struct noun *noun)
{
	char word[32];

	if (!format->is_layout)
		return true;
	snprintf(word, sizeof(word), "|%s|", format->name);
	return noun->layout && strstr(noun->layout, word);
}

/**
 * out_init - prepare to print listings in a format
 * @opts: its column list stays the caller's, until after out_fini()
 *
 * Context: thread.
 */
void out_init(struct out *out, const struct out_format *format, const struct out_options *opts)
{
	memset(out, 0, sizeof(*out));
	out->format = format;
	out->opts = *opts;
	out->ascii_only = strcmp(nl_langinfo(CODESET), "UTF-8");
	strbuf_init(&out->text);
}

/**
 * out_begin - begin a listing
 * @nr_rows: how many rows will follow
 *
 * Context: may sleep.
 * Return:  0 or -ENOMEM.
 */
int out_begin(struct out *out, const struct listing *listing, u64 nr_rows)
{
	out->noun = listing->noun;
	out->nr_rows = 0;
	return out->format->begin(out, listing, nr_rows);
}

/**
 * out_row - print one row of the listing
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM, or the error of an earlier write, so that a closed pipe
 *          ends a long listing.
 */
int out_row(struct out *out, const void *row)
{
	int err = out->format->row(out, row);

	out->nr_rows++;
	out_note_error(out, &out->text);
	if (!err)
		err = out->err;
	if (!err && ferror(out->opts.fp))
		err = errno ? -errno : -EIO;
	return err;
}

/**
 * out_end - end a listing and bring it to the reader
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM or the error of a write.
 */
int out_end(struct out *out)
{
	int err = out->format->end(out);

	out->nr_listings++;
	out_note_error(out, &out->text);
	if (!err)
		err = out->err;
	errno = 0;
	if (!err && (fflush(out->opts.fp) || ferror(out->opts.fp)))
		err = errno ? -errno : -EIO;
	return err;
}

/**
 * out_fini - free what printing needed
 *
 * Context: may sleep.
 */
void out_fini(struct out *out)
{
	strbuf_fini(&out->text);
}
