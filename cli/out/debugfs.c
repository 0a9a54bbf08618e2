/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/out/debugfs.c - the columns of the kernel's debugfs file wakeup_sources
 *
 * For scripts that read that file.  Two things differ on purpose: what is
 * unknown is "-" (the file has no word for it), and a control character or a
 * backslash in a name is \xHH, so that a line is a source.
 */
#include "cli/out/layout.h"

static const struct layout_field fields[] = {
	{ .json = "active_count" }, { .json = "event_count" }, { .json = "wakeup_count" },
	{ .json = "expire_count" }, { .json = "active_time_ns" }, { .json = "total_time_ns" },
	{ .json = "max_time_ns" }, { .json = "last_change_ns" },
	{ .json = "prevent_suspend_time_ns" },
};

static const struct layout_field name_field = { .json = "name" };

static int debugfs_begin(struct out *out, const struct listing *listing, u64 nr_rows)
{
	if (out->opts.headings)
		fputs("name\t\tactive_count\tevent_count\twakeup_count\texpire_count\t"
		      "active_since\ttotal_time\tmax_time\tlast_change\tprevent_suspend_time\n",
		      out->opts.fp);
	return 0;
}

static void put_name(struct out *out, const void *row)
{
	struct value value;

	out_clear(out);
	layout_value(out, &name_field, row, &value);
	text_visible(&out->text, value.known ? value.string : "-", "", false);
	fprintf(out->opts.fp, "%-12s", strbuf_text(&out->text));
}

static int debugfs_row(struct out *out, const void *row)
{
	put_name(out, row);
	for (u32 i = 0; i < ARRAY_SIZE(fields); i++) {
		struct value value;
		const struct column *col = layout_value(out, &fields[i], row, &value);

		out_clear(out);
		if (value.known)
			text_value(&out->text, col, &value, TEXT_PLAIN);
		else
			strbuf_puts(&out->text, "-");
		fprintf(out->opts.fp, "%s%s", i ? "\t\t" : "\t", strbuf_text(&out->text));
	}
	fputc('\n', out->opts.fp);
	return 0;
}

static int debugfs_end(struct out *out)
{
	return 0;
}

const struct out_format out_debugfs = {
	.name = "debugfs",
	.help = "as the kernel's debugfs file has it",
	.flags = OUT_HEADINGS,
	.is_layout = true,
	.begin = debugfs_begin,
	.row = debugfs_row,
	.end = debugfs_end,
};
