/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/out/bufinfo.c - the layout of the kernel's debugfs file dma_buf/bufinfo
 *
 * For scripts that read that file.  What differs on purpose: flags and mode of the file are
 * not known and zero, lines about fences are not there, what is unknown is "-", and a
 * control character or backslash in a name is \xHH, so that a line is a buffer.
 */
#include <inttypes.h>

#include "cli/out/layout.h"

static const struct layout_field size_field = { .json = "size_bytes" };
static const struct layout_field refs_field = { .json = "refs" };
static const struct layout_field exporter_field = { .json = "exporter" };
static const struct layout_field inode_field = { .json = "inode" };
static const struct layout_field name_field = { .json = "name" };
static const struct layout_field devices_field = { .json = "devices" };

static int bufinfo_begin(struct out *out, const struct listing *listing, u64 nr_rows)
{
	out->total = 0;
	if (out->opts.headings)
		fprintf(out->opts.fp, "\nDma-buf Objects:\n%-8s\t%-8s\t%-8s\t%-8s\texp_name\t%-8s\tname\n",
			"size", "flags", "mode", "count", "ino");
	return 0;
}

static void put_number(struct out *out, const struct layout_field *field, const void *row)
{
	struct value value;

	layout_value(out, field, row, &value);
	if (value.known)
		fprintf(out->opts.fp, "%08" PRIu64, value.count);
	else
		fputs("-", out->opts.fp);
}

static void put_text(struct out *out, const struct layout_field *field, const void *row,
		     const char *if_empty)
{
	struct value value;

	layout_value(out, field, row, &value);
	out_clear(out);
	if (!value.known)
		strbuf_puts(&out->text, "-");
	else
		text_visible(&out->text, *value.string ? value.string : if_empty, "", false);
	fputs(strbuf_text(&out->text), out->opts.fp);
}

static void put_devices(struct out *out, const void *row)
{
	struct value devices;
	const struct column *col = layout_value(out, &devices_field, row, &devices);
	u64 nr = devices.known ? devices.nr_items : 0;

	fputs("\tAttached Devices:\n", out->opts.fp);
	for (u64 i = 0; i < nr; i++) {
		const struct noun *noun = col->items;
		struct value name;

		noun->columns[0].get(&noun->columns[0],
				     (const char *)devices.items + i * noun->row_bytes, &name);
		out_clear(out);
		text_visible(&out->text, name.known ? name.string : "-", "", false);
		fprintf(out->opts.fp, "\t%s\n", strbuf_text(&out->text));
	}
	fprintf(out->opts.fp, "Total %" PRIu64 " devices attached\n\n", nr);
}

static int bufinfo_row(struct out *out, const void *row)
{
	struct value size;

	layout_value(out, &size_field, row, &size);
	out->total += size.known ? size.count : 0;
	put_number(out, &size_field, row);
	fputs("\t00000000\t00000000\t", out->opts.fp);
	put_number(out, &refs_field, row);
	fputc('\t', out->opts.fp);
	put_text(out, &exporter_field, row, "");
	fputc('\t', out->opts.fp);
	put_number(out, &inode_field, row);
	fputc('\t', out->opts.fp);
	put_text(out, &name_field, row, "<none>");
	fputc('\n', out->opts.fp);
	put_devices(out, row);
	return 0;
}

static int bufinfo_end(struct out *out)
{
	fprintf(out->opts.fp, "\nTotal %" PRIu64 " objects, %" PRIu64 " bytes\n", out->nr_rows,
		out->total);
	return 0;
}

const struct out_format out_bufinfo = {
	.name = "bufinfo",
	.help = "as the kernel's debugfs file dma_buf/bufinfo has it",
	.flags = OUT_HEADINGS,
	.is_layout = true,
	.begin = bufinfo_begin,
	.row = bufinfo_row,
	.end = bufinfo_end,
};
