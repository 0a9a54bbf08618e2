/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/format.c - printf for programs
 *
 * The format is the program's, so each conversion is taken apart, checked, and
 * printed by itself; printf() has no part in it, and would cost several times as much.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/checked_copy.h"
#include "bpf/helper/format.h"

#define STRING_BYTES 512
#define MAX_WIDTH 512

enum convert { CONVERT_INT, CONVERT_STRING, CONVERT_CHAR, CONVERT_POINTER };

/* One "%..." of the format. */
struct spec {
	char sign;		/* of what is not negative: '+', ' ' or 0 */
	bool zeros;		/* in front, up to ->width */
	bool left;
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

/* False: no flag.  '+' overrules ' '. */
static bool add_flag(struct spec *s, char c)
{
	switch (c) {
	case '0':
		s->zeros = true;
		return true;
	case '-':
		s->left = true;
		return true;
	case '+':
		s->sign = c;
		return true;
	case ' ':
		s->sign = s->sign ?: c;
		return true;
	}
	return false;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *parse_width(const char *p, struct spec *s)
{
	while (add_flag(s, *p))
		p++;
	for (; is_digit(*p); p++)
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

static void out_bytes(struct out *o, const char *bytes, u32 nr)
{
	if (o->len < o->size)
		memcpy(o->buf + o->len, bytes, min(nr, o->size - o->len));
	o->len += nr;
}

static void out_fill(struct out *o, char c, u32 nr)
{
	if (o->len < o->size)
		memset(o->buf + o->len, c, min(nr, o->size - o->len));
	o->len += nr;
}

/* Two digits at once halve the divisions. */
static char *put_decimal(char *end, u64 n)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";

	for (; n >= 100; n /= 100)
		memcpy(end -= 2, pairs + n % 100 * 2, 2);
	if (n >= 10)
		return memcpy(end - 2, pairs + n * 2, 2);
	*--end = '0' + n;
	return end;
}

static char *put_hex(char *end, u64 n, const char *digits)
{
	do
		*--end = digits[n & 15];
	while (n >>= 4);
	return end;
}

static char *put_digits(char *end, u64 n, char letter)
{
	switch (letter) {
	case 'x':
		return put_hex(end, n, "0123456789abcdef");
	case 'X':
		return put_hex(end, n, "0123456789ABCDEF");
	default:
		return put_decimal(end, n);
	}
}

/* ->left overrules ->zeros. */
static void out_number(struct out *o, const struct spec *s, char sign, u64 n)
{
	char digits[24], *end = digits + sizeof(digits);
	char *at = put_digits(end, n, s->letter);
	u32 len = (u32)(end - at) + (sign != 0);
	u32 pad = s->width > len ? s->width - len : 0;

	if (pad && !s->left && !s->zeros)
		out_fill(o, ' ', pad);
	if (sign)
		out_bytes(o, &sign, 1);
	if (pad && !s->left && s->zeros)
		out_fill(o, '0', pad);
	out_bytes(o, at, (u32)(end - at));
	if (pad && s->left)
		out_fill(o, ' ', pad);
}

static void out_int(struct out *o, const struct spec *s, u64 arg)
{
	bool is_signed = s->letter == 'd' || s->letter == 'i', negative;

	if (s->bytes == 4)
		arg = is_signed ? (u64)(s64)(s32)arg : (u32)arg;
	negative = is_signed && (s64)arg < 0;
	out_number(o, s, negative ? '-' : is_signed ? s->sign : 0, negative ? -arg : arg);
}

static void out_text(struct out *o, const struct spec *s, const char *text)
{
	u32 len = strlen(text), pad = s->width > len ? s->width - len : 0;

	if (pad && !s->left)
		out_fill(o, ' ', pad);
	out_bytes(o, text, len);
	if (pad && s->left)
		out_fill(o, ' ', pad);
}

static void out_pointer(struct out *o, const struct spec *s, u64 arg)
{
	char text[17];

	memset(text, '0', 16);
	text[16] = 0;
	put_hex(text + 16, arg, "0123456789abcdef");
	out_text(o, s, text);
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
		out_pointer(o, s, arg);
		return;
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
		const char *percent = strchrnul(p, '%');

		if (percent != p || p[1] == '%') {
			/* Of "%%" the second is text as any other. */
			p += percent == p;
			percent = strchrnul(p + 1, '%');
			out_bytes(&o, p, (u32)(percent - p));
			p = percent;
			continue;
		}
		p = parse_spec(p + 1, &s);
		out_spec(&o, &s, args[next++]);
	}
	if (buf_size)
		buf[min(o.len, buf_size - 1)] = 0;
	return o.len;
}
