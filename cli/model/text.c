/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/text.c - bytes and numbers as text that is safe to show
 */
#include <inttypes.h>
#include <string.h>

#include "cli/model/text.h"

#define REPLACEMENT "\xef\xbf\xbd"	/* U+FFFD */

/* The bytes after the first, and the smallest code point that needs so many. */
struct utf8_form {
	unsigned char mask, lead;
	int following;
	u32 smallest;
};

static const struct utf8_form utf8_forms[] = {
	{ 0x80, 0x00, 0, 0 },
	{ 0xe0, 0xc0, 1, 0x80 },
	{ 0xf0, 0xe0, 2, 0x800 },
	{ 0xf8, 0xf0, 3, 0x10000 },
};

static int utf8_decode(const char *s, u32 *ret_point)
{
	unsigned char first = s[0];

	for (u32 i = 0; i < ARRAY_SIZE(utf8_forms); i++) {
		const struct utf8_form *form = &utf8_forms[i];
		u32 point = first & (unsigned char)~form->mask;

		if ((first & form->mask) != form->lead)
			continue;
		for (int n = 1; n <= form->following; n++) {
			if ((s[n] & 0xc0) != 0x80)
				return 0;
			point = point << 6 | (s[n] & 0x3f);
		}
		if (point < form->smallest || point > 0x10ffff || (point & ~0x7ffu) == 0xd800)
			return 0;
		*ret_point = point;
		return form->following + 1;
	}
	return 0;
}

/**
 * text_utf8_length - is there a character here
 * @s: a string, not empty
 *
 * Context: any.
 * Return:  its length in bytes, or 0 when @s does not begin with a whole,
 *          shortest, permitted UTF-8 sequence.
 */
int text_utf8_length(const char *s)
{
	u32 point;

	return utf8_decode(s, &point);
}

/**
 * text_utf8 - append a string as valid UTF-8
 * @s: any bytes; each that is part of no character becomes U+FFFD
 *
 * Context: may sleep.
 */
void text_utf8(struct strbuf *text, const char *s)
{
	while (*s) {
		int len = text_utf8_length(s);

		if (len)
			strbuf_add(text, s, len);
		else
			strbuf_puts(text, REPLACEMENT);
		s += len ? len : 1;
	}
}

/* The next character, or U+FFFD for a byte that is part of none; 0 at the end. */
static u32 next_point(const char **s)
{
	u32 point = 0xfffd;
	int len;

	if (!**s)
		return 0;
	len = utf8_decode(*s, &point);
	*s += len ? len : 1;
	return point;
}

/**
 * text_order - compare two texts of which one may have gone through text_utf8()
 * @a, @b: any bytes; NULL is as the empty text
 *
 * A recording has names as UTF-8, a live listing as the bytes they are.
 *
 * Context: any.
 * Return:  -1, 0 or 1.
 */
int text_order(const char *a, const char *b)
{
	u32 one, two;

	a = a ? a : "";
	b = b ? b : "";
	do {
		one = next_point(&a);
		two = next_point(&b);
	} while (one == two && one);
	return (one > two) - (one < two);
}

/**
 * text_begins_with - may a text be what was cut off of this one
 * @beginning: cut anywhere: bytes at its end may be part of a character
 *
 * Context: any.
 */
bool text_begins_with(const char *text, const char *beginning)
{
	u32 one, two;

	do {
		one = next_point(&text);
		two = next_point(&beginning);
	} while (one == two && two);
	while (two == 0xfffd)
		two = next_point(&beginning);
	return !two;
}

/*
 * Controls move the cursor; the C1 ones are single characters that terminals
 * obey like escape sequences; the directional and separating ones make text
 * look like other text.
 */
static bool is_dangerous(u32 point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0) ||
	       (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
	       (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}

/**
 * text_visible - append a string so that a terminal only shows it
 * @s:          any bytes; controls, the escape character itself and bytes that
 *              are no UTF-8 become \xHH
 * @also:       further characters to write as \xHH
 * @ascii_only: the terminal's encoding is not UTF-8
 *
 * Context: may sleep.
 */
void text_visible(struct strbuf *text, const char *s, const char *also, bool ascii_only)
{
	while (*s) {
		u32 point;
		int len = utf8_decode(s, &point);

		if (len && !is_dangerous(point) && point != '\\' && !(ascii_only && len > 1) &&
		    !(len == 1 && strchr(also, *s))) {
			strbuf_add(text, s, len);
			s += len;
			continue;
		}
		for (int n = len ? len : 1; n > 0; n--)
			strbuf_printf(text, "\\x%02x", (unsigned char)*s++);
	}
}

/**
 * text_control_length - is there a control character here
 * @s: valid UTF-8
 *
 * Those of ASCII, and the C1 ones of two bytes, which terminals obey as well.
 *
 * Context: any.
 * Return:  its bytes, or 0.
 */
int text_control_length(const char *s)
{
	unsigned char first = s[0], second = first ? s[1] : 0;

	if (first == 0xc2 && second >= 0x80 && second < 0xa0)
		return 2;
	return (first && first < 0x20) || first == 0x7f;
}

/**
 * text_json - append JSON so that a terminal only shows it
 * @json: as a printer of JSON wrote it, which escapes no more than it has to
 *
 * Control characters that JSON may have in strings become \u00HH, which says the same.
 *
 * Context: may sleep.
 */
void text_json(struct strbuf *text, const char *json)
{
	while (*json) {
		const char *at = json;

		while (*at && (*at == '\n' || !text_control_length(at)))
			at++;
		strbuf_add(text, json, at - json);
		if (*at)
			strbuf_printf(text, "\\u%04x", (unsigned char)(*at == 0x7f ? *at : at[1]));
		json = at + (*at ? text_control_length(at) : 0);
	}
}

/* The largest two units that are not zero: 1h02m, 3m07s, 12.345s, 1.500ms, 17us. */
static void duration_human(struct strbuf *text, u64 ns)
{
	u64 s = ns / 1000000000;

	if (s >= 86400)
		strbuf_printf(text, "%" PRIu64 "d%02uh", s / 86400, (u32)(s / 3600 % 24));
	else if (s >= 3600)
		strbuf_printf(text, "%uh%02um", (u32)(s / 3600), (u32)(s / 60 % 60));
	else if (s >= 60)
		strbuf_printf(text, "%um%02us", (u32)(s / 60), (u32)(s % 60));
	else if (s)
		strbuf_printf(text, "%u.%03us", (u32)s, (u32)(ns / 1000000 % 1000));
	else if (ns >= 1000000)
		strbuf_printf(text, "%u.%03ums", (u32)(ns / 1000000), (u32)(ns / 1000 % 1000));
	else if (ns >= 1000)
		strbuf_printf(text, "%uus", (u32)(ns / 1000));
	else
		strbuf_printf(text, "%u%s", (u32)ns, ns ? "ns" : "");
}

/**
 * text_duration - append a duration
 *
 * Context: may sleep.
 */
void text_duration(struct strbuf *text, s64 ns, enum text_style style)
{
	switch (style) {
	case TEXT_PLAIN:
		strbuf_printf(text, "%" PRId64, ns / 1000000);
		break;
	case TEXT_EXACT:
		strbuf_printf(text, "%" PRId64, ns);
		break;
	case TEXT_HUMAN:
		if (ns < 0)
			strbuf_puts(text, "-");
		duration_human(text, ns < 0 ? -(u64)ns : (u64)ns);
		break;
	}
}

/* Three figures at most: 999B, 4.0K, 63.5M, 812M. */
static void bytes_human(struct strbuf *text, u64 bytes)
{
	static const char units[] = "BKMGTPE";
	u64 whole = bytes, rest = 0;
	u32 unit = 0;

	for (; whole >= 1024; unit++) {
		rest = whole % 1024;
		whole /= 1024;
	}
	if (unit && whole < 100)
		strbuf_printf(text, "%u.%u%c", (u32)whole, (u32)(rest * 10 / 1024), units[unit]);
	else
		strbuf_printf(text, "%u%c", (u32)whole, units[unit]);
}

/**
 * text_bytes - append an amount of memory
 *
 * Context: may sleep.
 */
static void text_bytes(struct strbuf *text, u64 bytes, enum text_style style)
{
	switch (style) {
	case TEXT_PLAIN:
		strbuf_printf(text, "%" PRIu64, bytes / 1024);
		break;
	case TEXT_EXACT:
		strbuf_printf(text, "%" PRIu64, bytes);
		break;
	case TEXT_HUMAN:
		bytes_human(text, bytes);
		break;
	}
}

/*
 * A list on one line: fields with colons between, items with blanks.  What the text
 * formats would act on is escaped like what a terminal would, so that a field can be
 * told from the next whatever it holds.  A colon divides nothing where there is one field.
 */
static void text_items(struct strbuf *text, const struct column *col, const struct value *value)
{
	const struct noun *noun = col->items;
	const char *divides = noun->nr_columns > 1 ? " :,\"$`" : " ,\"$`";

	for (u64 i = 0; i < value->nr_items; i++) {
		const void *row = (const char *)value->items + i * noun->row_bytes;

		for (u32 k = 0; k < noun->nr_columns; k++) {
			struct value field;

			strbuf_puts(text, k ? ":" : i ? " " : "");
			noun->columns[k].get(&noun->columns[k], row, &field);
			if (field.known && noun->columns[k].type == VALUE_STRING)
				text_visible(text, field.string, divides, false);
			else
				text_value(text, &noun->columns[k], &field, TEXT_EXACT);
		}
	}
}

/**
 * text_value - append a value that is not a string, or nothing when it is unknown
 * @value: strings are appended as they are: the caller knows what to escape
 *
 * Context: may sleep.
 */
void text_value(struct strbuf *text, const struct column *col, const struct value *value,
		enum text_style style)
{
	if (!value->known)
		return;
	switch (col->type) {
	case VALUE_STRING:
		strbuf_puts(text, value->string);
		break;
	case VALUE_FLAG:
		strbuf_puts(text, value->flag ? "true" : "false");
		break;
	case VALUE_COUNT:
		strbuf_printf(text, "%" PRIu64, value->count);
		break;
	case VALUE_INTEGER:
		strbuf_printf(text, "%" PRId64, value->integer);
		break;
	case VALUE_DURATION:
		text_duration(text, value->ns, style);
		break;
	case VALUE_BYTES:
		text_bytes(text, value->count, style);
		break;
	case VALUE_ITEMS:
		text_items(text, col, value);
		break;
	case NR_VALUE_TYPES:
		break;
	}
}
