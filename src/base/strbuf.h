/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/strbuf.h - text that grows
 *
 * Errors are sticky: after a failed allocation nothing more is added, so a
 * writer of many pieces asks once, at the end, with strbuf_error().
 *
 * Invariant: ->text is NULL, or ->len bytes followed by a NUL.
 */
#ifndef ROVE_BASE_STRBUF_H
#define ROVE_BASE_STRBUF_H

#include <stdarg.h>

#include "base/types.h"

struct strbuf {
	char	*text;		/* NULL until something is added */
	size_t	len;		/* without the NUL */
	size_t	room_bytes;	/* allocated, with the NUL */
	int	err;		/* 0 or -ENOMEM */
};

#define STRBUF_INIT { 0 }

void strbuf_init(struct strbuf *sb);
void strbuf_fini(struct strbuf *sb);
void strbuf_clear(struct strbuf *sb);
void strbuf_add(struct strbuf *sb, const void *bytes, size_t nr_bytes);
void strbuf_puts(struct strbuf *sb, const char *text);
void strbuf_putc(struct strbuf *sb, char c);
void strbuf_printf(struct strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vprintf(struct strbuf *sb, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

static inline int strbuf_error(const struct strbuf *sb)
{
	return sb->err;
}

/* Never NULL, also when nothing was added. */
static inline const char *strbuf_text(const struct strbuf *sb)
{
	return sb->text ? sb->text : "";
}

#endif
