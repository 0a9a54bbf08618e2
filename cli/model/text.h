/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/text.h - bytes and numbers as text that is safe to show
 *
 * Names come from the kernel and from other processes: they may hold anything,
 * also what makes a terminal act.
 */
#ifndef ROVE_CLI_MODEL_TEXT_H
#define ROVE_CLI_MODEL_TEXT_H

#include "base/strbuf.h"
#include "cli/model/noun.h"

/* How numbers are written for people; all exact forms are integers in base units. */
enum text_style {
	TEXT_PLAIN,		/* durations in whole milliseconds, memory in whole KiB */
	TEXT_EXACT,
	TEXT_HUMAN,		/* with the unit that fits */
};

int text_utf8_length(const char *s);
void text_utf8(struct strbuf *text, const char *s);
bool text_begins_with(const char *text, const char *beginning);
int text_order(const char *a, const char *b);
void text_visible(struct strbuf *text, const char *s, const char *also, bool ascii_only);
int text_control_length(const char *s);
void text_json(struct strbuf *text, const char *json);
void text_duration(struct strbuf *text, s64 ns, enum text_style style);
void text_value(struct strbuf *text, const struct column *col, const struct value *value,
		enum text_style style);

#endif
