/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/out/dumpsys.c - the table of Android's "dumpsys suspend_control_internal"
 *
 * For parsers of that table.  It has a word for what does not apply, "---", and
 * unknown numbers are written with it.
 */
#include "cli/out/layout.h"

#define RULE_WIDTH 193
#define TITLE "WAKELOCK STATS"
#define TITLE_WIDTH 104		/* right-aligned in this */
#define AFTER_TITLE_WIDTH 90

static const struct layout_field fields[] = {
	{ .json = "name", .heading = "NAME", .width = -30 },
	{ .json = NULL, .heading = "PID", .width = 6 },
	{ .json = NULL, .heading = "TYPE", .width = -6 },
	{ .json = "active", .heading = "STATUS", .width = -8 },
	{ .json = "active_count", .heading = "ACTIVE COUNT", .width = 12 },
	{ .json = "total_time_ns", .heading = "TOTAL TIME", .width = 12 },
	{ .json = "max_time_ns", .heading = "MAX TIME", .width = 12 },
	{ .json = "event_count", .heading = "EVENT COUNT", .width = 12 },
	{ .json = "wakeup_count", .heading = "WAKEUP COUNT", .width = 12 },
	{ .json = "expire_count", .heading = "EXPIRE COUNT", .width = 12 },
	{ .json = "prevent_suspend_time_ns", .heading = "PREVENT SUSPEND TIME", .width = 20 },
	{ .json = "last_change_ns", .heading = "LAST CHANGE", .width = 16 },
};

static void put_rule(struct out *out)
{
	fputs("  ", out->opts.fp);
	for (int i = 0; i < RULE_WIDTH; i++)
		fputc('-', out->opts.fp);
	fputc('\n', out->opts.fp);
}

static int dumpsys_begin(struct out *out, const struct listing *listing, u64 nr_rows)
{
	put_rule(out);
	fprintf(out->opts.fp, " | %*s%*s\n", TITLE_WIDTH, TITLE, AFTER_TITLE_WIDTH, " | ");
	put_rule(out);
	fputs(" | ", out->opts.fp);
	for (u32 i = 0; i < ARRAY_SIZE(fields); i++) {
		int width = fields[i].width;

		fprintf(out->opts.fp, "%*s | ", width < 0 ? width : -width, fields[i].heading);
	}
	fputc('\n', out->opts.fp);
	put_rule(out);
	return 0;
}

/* Sources of the kernel have no process; everything listed here is one. */
static void constant_text(struct out *out, const struct layout_field *field)
{
	strbuf_puts(&out->text, field->width < 0 ? "Kernel" : "---");
}

static void value_text(struct out *out, const struct column *col, const struct value *value)
{
	if (!value->known) {
		strbuf_puts(&out->text, "---");
	} else if (col->type == VALUE_STRING) {
		text_visible(&out->text, value->string, "", false);
	} else if (col->type == VALUE_FLAG) {
		strbuf_puts(&out->text, value->flag ? "Active" : "Inactive");
	} else {
		text_value(&out->text, col, value, TEXT_PLAIN);
		if (col->type == VALUE_DURATION)
			strbuf_puts(&out->text, "ms");
	}
}

static int dumpsys_row(struct out *out, const void *row)
{
	fputs(" | ", out->opts.fp);
	for (u32 i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct layout_field *field = &fields[i];
		struct value value;

		out_clear(out);
		if (field->json)
			value_text(out, layout_value(out, field, row, &value), &value);
		else
			constant_text(out, field);
		fprintf(out->opts.fp, "%*s | ", field->width, strbuf_text(&out->text));
	}
	fputc('\n', out->opts.fp);
	return 0;
}

static int dumpsys_end(struct out *out)
{
	put_rule(out);
	return 0;
}

const struct out_format out_dumpsys = {
	.name = "dumpsys",
	.help = "as Android's dumpsys suspend_control_internal prints it",
	.flags = 0,
	.is_layout = true,
	.begin = dumpsys_begin,
	.row = dumpsys_row,
	.end = dumpsys_end,
};
