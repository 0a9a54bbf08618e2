/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/strbuf.c - text that grows
 *
 * The rules are in strbuf.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "base/strbuf.h"

#define STRBUF_FIRST_BYTES 64

/**
 * strbuf_init - make an empty text; it owns no memory yet
 *
 * Context: any.
 */
void strbuf_init(struct strbuf *sb)
{
	ctx_any();
	*sb = (struct strbuf)STRBUF_INIT;
}

/**
 * strbuf_fini - free the text; the buffer is empty and usable afterwards
 *
 * Context: thread.
 */
void strbuf_fini(struct strbuf *sb)
{
	ctx_thread();
	free(sb->text);
	strbuf_init(sb);
}

/**
 * strbuf_clear - forget text and error, keep the memory
 *
 * Context: any.
 */
void strbuf_clear(struct strbuf *sb)
{
	ctx_any();
	sb->len = 0;
	sb->err = 0;
	if (sb->text)
		sb->text[0] = '\0';
}

/* Room for @more bytes and a NUL.  Return: 0 or the sticky error. */
static int strbuf_reserve(struct strbuf *sb, size_t more)
{
	size_t need = sb->len + more + 1;
	size_t room = max(sb->room_bytes, (size_t)STRBUF_FIRST_BYTES);
	char *text;

	if (sb->err || need <= sb->room_bytes)
		return sb->err;
	while (room < need)
		room *= 2;
	text = realloc(sb->text, room);
	if (!text) {
		sb->err = -ENOMEM;
		return sb->err;
	}
	sb->text = text;
	sb->room_bytes = room;
	return 0;
}

/**
 * strbuf_add - append bytes
 *
 * Context: thread.
 */
void strbuf_add(struct strbuf *sb, const void *bytes, size_t nr_bytes)
{
	ctx_thread();
	if (strbuf_reserve(sb, nr_bytes))
		return;
	if (nr_bytes)
		memcpy(sb->text + sb->len, bytes, nr_bytes);
	sb->len += nr_bytes;
	sb->text[sb->len] = '\0';
}

/**
 * strbuf_puts - append a string
 *
 * Context: thread.
 */
void strbuf_puts(struct strbuf *sb, const char *text)
{
	strbuf_add(sb, text, strlen(text));
}

/**
 * strbuf_putc - append one character
 *
 * Context: thread.
 */
void strbuf_putc(struct strbuf *sb, char c)
{
	strbuf_add(sb, &c, 1);
}

/**
 * strbuf_printf - append formatted text
 *
 * Context: thread.
 */
void strbuf_printf(struct strbuf *sb, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	strbuf_vprintf(sb, fmt, args);
	va_end(args);
}

/**
 * strbuf_vprintf - append formatted text
 * @args:  undefined afterwards, as with vprintf()
 *
 * Context: thread.
 */
void strbuf_vprintf(struct strbuf *sb, const char *fmt, va_list args)
{
	va_list again;
	int len;

	ctx_thread();
	if (strbuf_reserve(sb, 0))
		return;
	va_copy(again, args);
	len = vsnprintf(sb->text + sb->len, sb->room_bytes - sb->len, fmt, args);
	if (len >= 0 && !strbuf_reserve(sb, len)) {
		vsnprintf(sb->text + sb->len, sb->room_bytes - sb->len, fmt, again);
		sb->len += len;
	} else {
		/* What the first try wrote behind the end is not part of the text. */
		sb->text[sb->len] = '\0';
		sb->err = -ENOMEM;
	}
	va_end(again);
}
