/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/out/diag.c - messages on stderr, as lines or as JSON objects
 *
 * What is quoted in a message may come from anywhere, so every line is made
 * harmless for a terminal before it is written, and written in one piece.
 */
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/model/text.h"
#include "cli/out/diag.h"

static struct diag_mode mode;

/**
 * diag_set_mode - how messages are written from now on
 *
 * Context: thread; once the options are known.
 */
void diag_set_mode(const struct diag_mode *new_mode)
{
	mode = *new_mode;
}

static bool is_wanted(enum diag_level level)
{
	switch (level) {
	case DIAG_ERROR:
		return true;
	case DIAG_WARNING:
		return !mode.quiet;
	case DIAG_NOTE:
		return !mode.quiet && !mode.json;
	case DIAG_VERBOSE:
		return mode.verbose;
	}
	return true;
}

static struct json_object *json_text(const char *bytes)
{
	struct strbuf text = STRBUF_INIT;
	struct json_object *json;

	if (!bytes)
		return NULL;
	text_utf8(&text, bytes);
	json = json_object_new_string(strbuf_text(&text));
	strbuf_fini(&text);
	return json;
}

static void put_json(const struct diag *d, const char *message)
{
	struct strbuf text = STRBUF_INIT;
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "code", json_text(d->code));
	json_object_object_add(json, "where", json_text(d->where));
	json_object_object_add(json, "errno", d->err ? json_object_new_int(-d->err) : NULL);
	json_object_object_add(json, "message", json_text(message));
	json_object_object_add(json, "hint", json_text(d->hint));
	text_json(&text, json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
							JSON_C_TO_STRING_NOSLASHESCAPE));
	fprintf(stderr, "%s\n", strbuf_text(&text));
	strbuf_fini(&text);
	json_object_put(json);
}

/* Lines after the first, of a verifier's log, are set in. */
static void add_lines(struct strbuf *text, const char *message)
{
	char *lines = strdup(message), *rest = lines, *line;
	const char *before = "";

	while (lines && (line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		strbuf_puts(text, before);
		text_visible(text, line, "", false);
		before = "\n    ";
	}
	if (!lines)
		text_visible(text, message, "", false);
	free(lines);
}

static void put_line(const struct diag *d, const char *message)
{
	struct strbuf text = STRBUF_INIT;

	if (d->where) {
		text_visible(&text, d->where, "", false);
		strbuf_puts(&text, ": ");
	}
	add_lines(&text, message);
	if (d->hint) {
		strbuf_puts(&text, " (");
		text_visible(&text, d->hint, "", false);
		strbuf_puts(&text, ")");
	}
	fprintf(stderr, "rove: %s\n", strbuf_text(&text));
	strbuf_fini(&text);
}

/**
 * diag - say something on stderr, if it is wanted
 * @fmt: lower case, no full stop, no newline
 *
 * Context: may sleep.
 */
void diag(const struct diag *d, const char *fmt, ...)
{
	char *message;
	va_list ap;
	int len;

	if (!is_wanted(d->level))
		return;
	va_start(ap, fmt);
	len = vasprintf(&message, fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	if (mode.json)
		put_json(d, message);
	else
		put_line(d, message);
	free(message);
}
