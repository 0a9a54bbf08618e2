/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/format.c - printf for programs
 *
 * The format is the program's, so each conversion is taken apart, checked, and
 * printed by itself; nothing of it reaches printf() unseen.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/checked_copy.h"
#include "bpf/helper/format.h"

#define STRING_BYTES 512
#define MAX_WIDTH 512

enum convert { CONVERT_INT, CONVERT_STRING, CONVERT_CHAR, CONVERT_POINTER };

/* One "%..." of the format. */
struct spec {
	char flags[8];		/* of "0+- ", each at most once */
	u32 width;
	u8 convert;		/* enum convert */
	u8 bytes;		/* CONVERT_INT: 4 or 8 */
	char letter;		/* CONVERT_INT: of "diuxX" */
};

struct out {
	char *buf;
	u32 size;
	u32 len;		/* without the NUL; may be more than fits */
};

static void add_flag(struct spec *s, char c)
{
	size_t n = strlen(s->flags);

	if (!strchr(s->flags, c))
		s->flags[n] = c;
}

static const char *parse_width(const char *p, struct spec *s)
{
	while (*p && strchr("0+- ", *p))
		add_flag(s, *p++);
	for (; isdigit((unsigned char)*p); p++)
		if (s->width < MAX_WIDTH)
			s->width = s->width * 10 + (*p - '0');
	s->width = min(s->width, (u32)MAX_WIDTH);
	return p;
}

/* Nothing may follow directly that another printf would take for a part of it. */
static bool ends_here(const char *p)
{
	return !*p || isspace((unsigned char)*p) || ispunct((unsigned char)*p);
}

static const char *parse_pointer(const char *p, struct spec *s)
{
	s->convert = CONVERT_POINTER;
	if ((p[0] == 'k' || p[0] == 'u') && p[1] == 's') {
		s->convert = CONVERT_STRING;
		return ends_here(p + 2) ? p + 2 : NULL;
	}
	if (ends_here(p))
		return p;
	return strchr("xKsS", *p) ? p + 1 : NULL;
}

static const char *parse_int(const char *p, struct spec *s)
{
	s->convert = CONVERT_INT;
	s->bytes = 4;
	for (u32 i = 0; i < 2 && *p == 'l'; i++, p++)
		s->bytes = 8;
	if (!*p || !strchr("diuxX", *p))
		return NULL;
	s->letter = *p;
	return p + 1;
}

/* @p is behind the '%'.  NULL: not a conversion we know; otherwise what follows it. */
static const char *parse_spec(const char *p, struct spec *s)
{
	memset(s, 0, sizeof(*s));
	p = parse_width(p, s);
	switch (*p) {
	case 'p':
		return parse_pointer(p + 1, s);
	case 's':
		s->convert = CONVERT_STRING;
		return ends_here(p + 1) ? p + 1 : NULL;
	case 'c':
		s->convert = CONVERT_CHAR;
		return ends_here(p + 1) ? p + 1 : NULL;
	default:
		return parse_int(p, s);
	}
}

static int check_format(const char *fmt, u32 nr_args)
{
	u32 nr_specs = 0;
	struct spec s;

	for (const char *p = fmt; *p;) {
		unsigned char c = *p++;

		if (c >= 0x80 || (!isprint(c) && !isspace(c)))
			return -EINVAL;
		if (c != '%')
			continue;
		if (*p == '%') {
			p++;
			continue;
		}
		if (nr_specs++ >= nr_args)
			return -EINVAL;
		p = parse_spec(p, &s);
		if (!p)
			return -EINVAL;
	}
	return 0;
}

/* Where the next character goes, and how many fit. */
static char *out_room(const struct out *o, u32 *ret_room)
{
	*ret_room = o->len < o->size ? o->size - o->len : 0;
	return *ret_room ? o->buf + o->len : NULL;
}

static void out_char(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void out_int(struct out *o, const struct spec *s, u64 arg)
{
	char fmt[16];
	u32 room;
	char *at = out_room(o, &room);
	bool is_signed = s->letter == 'd' || s->letter == 'i';

	snprintf(fmt, sizeof(fmt), "%%%s*ll%c", s->flags, s->letter);
	if (s->bytes == 4)
		arg = is_signed ? (u64)(s64)(s32)arg : (u32)arg;
	o->len += snprintf(at, room, fmt, (int)s->width, (unsigned long long)arg);
}

static void out_text(struct out *o, const struct spec *s, const char *text)
{
	bool left = strchr(s->flags, '-');
	u32 room;
	char *at = out_room(o, &room);

	o->len += snprintf(at, room, left ? "%-*s" : "%*s", (int)s->width, text);
}

static void out_spec(struct out *o, const struct spec *s, u64 arg)
{
	char text[STRING_BYTES];

	switch (s->convert) {
	case CONVERT_INT:
		out_int(o, s, arg);
		return;
	case CONVERT_CHAR:
		text[0] = (char)arg;
		text[1] = 0;
		break;
	case CONVERT_POINTER:
		snprintf(text, sizeof(text), "%016llx", (unsigned long long)arg);
		break;
	default:
		checked_copy_str(text, arg, sizeof(text));	/* empty if it faults */
		break;
	}
	out_text(o, s, text);
}

/**
 * format_text - print as snprintf(3) would
 * @buf:      NULL if @buf_size is 0
 * @fmt:      a NUL within @fmt_size bytes
 * @args:     @nr_args numbers; strings are addresses, read with care
 *
 * Context: any.
 * Return:  the length that there would be with room enough, without the NUL; or
 *          -EINVAL: no NUL, an unknown conversion, more conversions than arguments.
 */
int format_text(char *buf, u32 buf_size, const char *fmt, u32 fmt_size, const u64 *args,
		u32 nr_args)
{
	struct out o = { buf, buf_size, 0 };
	struct spec s;
	u32 next = 0;

	if (!memchr(fmt, 0, fmt_size) || check_format(fmt, nr_args))
		return -EINVAL;
	for (const char *p = fmt; *p;) {
		if (*p != '%' || p[1] == '%') {
			p += *p == '%';
			out_char(&o, *p++);
			continue;
		}
		p = parse_spec(p + 1, &s);
		out_spec(&o, &s, args[next++]);
	}
	if (buf_size)
		buf[min(o.len, buf_size - 1)] = 0;
	return o.len;
}
