/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/report/log.c - the bounded, rotating log and the one way to reject
 *
 * The log is an endless text of which the caller's buffer holds a window: its
 * end, or with BPF_LOG_FIXED its beginning.  While the check runs the buffer is
 * a ring, text position p at byte p modulo its size; vlog_finish() turns it
 * so that the window begins at byte 0.
 *
 * Invariant: the bytes of [start, end) are in the buffer, at most size - 1 of
 *            them (all of them while a write is in progress).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/verifier/report/log.h"

#define LOG_LEVEL1 1u
#define LOG_LEVEL2 2u
#define LOG_STATS 4u
#define LOG_FIXED 8u
#define LOG_ALL (LOG_LEVEL1 | LOG_LEVEL2 | LOG_STATS | LOG_FIXED)
#define LOG_MAX_BYTES (UINT32_MAX >> 2)
#define LINE_BYTES 1024

struct vlog {
	u32 level;
	char *buf;		/* the caller's; NULL: only the size is wanted */
	u32 size;		/* of buf */
	u64 start, end;		/* text positions; start stays 0 when fixed */
	u64 longest;		/* the most that end ever was */
};

/* --- the window ------------------------------------------------------------------------------- */

static void put_fixed(struct vlog *log, const char *text, u32 len)
{
	u64 room = log->end < log->size ? log->size - log->end : 0;

	memcpy(log->buf + (room ? log->end : 0), text, min((u64)len, room));
}

/* Only the last ->size bytes of the text can survive. */
static void put_ring(struct vlog *log, const char *text, u32 len)
{
	u64 at = log->end;
	u32 first;

	if (len > log->size) {
		at += len - log->size;
		text += len - log->size;
		len = log->size;
	}
	first = min(len, (u32)(log->size - at % log->size));
	memcpy(log->buf + at % log->size, text, first);
	memcpy(log->buf, text + first, len - first);
}

static void put(struct vlog *log, const char *text, u32 len)
{
	if (log->buf && log->level & LOG_FIXED)
		put_fixed(log, text, len);
	else if (log->buf)
		put_ring(log, text, len);
	log->end += len;
	log->longest = max(log->longest, log->end);
	/* The byte of the NUL is not the window's. */
	if (!(log->level & LOG_FIXED) && log->size && log->end - log->start > log->size - 1)
		log->start = log->end - (log->size - 1);
}

static void reverse(char *buf, u32 from, u32 to)
{
	while (from + 1 < to) {
		char c = buf[from];

		buf[from++] = buf[--to];
		buf[to] = c;
	}
}

/* Turn the ring so that byte @first comes to the front: three reversals, no memory. */
static void rotate(char *buf, u32 size, u32 first)
{
	reverse(buf, 0, first);
	reverse(buf, first, size);
	reverse(buf, 0, size);
}

/* --- once per check --------------------------------------------------------------------------- */

/**
 * vlog_create - a log as the request wants it
 * @ret_log: set on success only; free with vlog_free()
 *
 * Buffer and size come together, need a level, and the size is bounded.
 *
 * Context: may sleep.
 * Return:  0, -EINVAL or -ENOMEM.
 */
int vlog_create(const struct vrf_request *req, struct vlog **ret_log)
{
	struct vlog *log;

	if (!req->log_buf != !req->log_size || (req->log_buf && !req->log_level) ||
	    req->log_level & ~LOG_ALL || req->log_size > LOG_MAX_BYTES)
		return -EINVAL;
	log = calloc(1, sizeof(*log));
	if (!log)
		return -ENOMEM;
	log->level = req->log_level;
	log->buf = req->log_buf;
	log->size = req->log_size;
	*ret_log = log;
	return 0;
}

/**
 * vlog_finish - make the buffer a string
 * @ret_true_size: bytes that the whole text needs, NUL included; 0 when nothing was logged
 *
 * Context: thread.  Nothing may be printed afterwards.
 * Return:  0, or -ENOSPC when the text did not fit.
 */
int vlog_finish(struct vlog *log, u32 *ret_true_size)
{
	u64 needed = log->level ? log->longest + 1 : 0;

	*ret_true_size = min(needed, (u64)UINT32_MAX);
	if (!log->buf)
		return 0;
	if (log->start)
		rotate(log->buf, log->size, log->start % log->size);
	log->buf[min(log->end - log->start, (u64)log->size - 1)] = '\0';
	return needed > log->size ? -ENOSPC : 0;
}

/**
 * vlog_free - NULL is fine; the buffer stays the caller's
 *
 * Context: thread.
 */
void vlog_free(struct vlog *log)
{
	free(log);
}

/* --- writing ---------------------------------------------------------------------------------- */

/**
 * vlog_wants - is any of these levels asked for
 * @level_bits: level 2 includes level 1
 *
 * Context: any.
 */
bool vlog_wants(const struct vrf *v, u32 level_bits)
{
	u32 level = v->log ? v->log->level : 0;

	if (level & LOG_LEVEL2)
		level |= LOG_LEVEL1;
	return level & level_bits;
}

static void log_vprint(struct vrf *v, const char *fmt, va_list args)
{
	char line[LINE_BYTES];
	int len = vsnprintf(line, sizeof(line), fmt, args);

	put(v->log, line, min(len, (int)sizeof(line) - 1));
}

/**
 * vlog_print - write to the log when @level_bits is among the levels asked for
 *
 * Context: thread.
 */
void vlog_print(struct vrf *v, u32 level_bits, const char *fmt, ...)
{
	va_list args;

	if (!vlog_wants(v, level_bits))
		return;
	va_start(args, fmt);
	log_vprint(v, fmt, args);
	va_end(args);
}

static const struct {
	const char *meaning;	/* what kind of mistake it is */
	const char *remedy;	/* what usually helps */
} why_desc[WHY_KINDS] = {
	[WHY_INSN] = { "the instruction is not part of the instruction set",
		"let a current compiler generate it" },
	[WHY_CFG] = { "control leaves the function or cannot get here",
		"end every path with exit and remove code that nothing reaches" },
	[WHY_UNINIT] = { "something is used that was never written on this path",
		"initialise it on every path that leads here" },
	[WHY_BOUNDS] = { "the access may fall outside its object",
		"compare the offset or index with the size before the access" },
	[WHY_TYPE] = { "the value is not of a kind that can be used this way",
		"check that the value is still a pointer of the right type here" },
	[WHY_NULL] = { "the pointer may be NULL here",
		"compare it with NULL and use it on the other branch only" },
	[WHY_REFERENCE] = { "something acquired is not given back exactly once",
		"release it on every path, once, and do not use it afterwards" },
	[WHY_SCOPE] = { "the pointer was valid only until its iterator or section moved on",
		"use it before the next step or the end of the section" },
	[WHY_CONTEXT] = { "this is not allowed in this kind of program or section",
		"move it to a program or section that allows it" },
	[WHY_CALL] = { "there is no such function for this program",
		"check the name and that this program type may call it" },
	[WHY_ARGUMENT] = { "the function does not take this argument",
		"compare the argument with the function's declaration" },
	[WHY_RETURN] = { "the program may return a value that has no meaning",
		"set the return value to one of those allowed" },
	[WHY_COMPLEXITY] = { "the proof would take too much",
		"bound the loops, use fewer branches or split the function" },
	[WHY_UNSUPPORTED] = { "this is legal, but not understood here",
		"write it without this feature" },
};

/* See log.h. */
int vlog_reject(struct vrf *v, int err, enum why why, const char *fmt, ...)
{
	char text[LINE_BYTES / 2];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!v->res->reject_errno) {
		v->res->reject_errno = err;
		v->res->reject_pc = v->pc;
	}
	vlog_print(v, LOG_ALL, "%s\n", text);
	vlog_print(v, LOG_LEVEL1, "  (%s; %s)\n", why_desc[why].meaning, why_desc[why].remedy);
	return err;
}

/**
 * vlog_mark - a place in the text to come back to
 *
 * Context: any.
 */
u64 vlog_mark(const struct vrf *v)
{
	return v->log ? v->log->end : 0;
}

/**
 * vlog_reset - a path was proved: forget it, unless every path is asked for
 *
 * Context: thread.
 */
void vlog_reset(struct vrf *v, u64 mark)
{
	if (!vlog_wants(v, LOG_LEVEL2))
		vlog_cut(v, mark);
}

/**
 * vlog_cut - forget what was written since @mark
 *
 * What the ring has lost meanwhile stays lost.
 *
 * Context: thread.
 */
void vlog_cut(struct vrf *v, u64 mark)
{
	struct vlog *log = v->log;

	if (!log || log->end <= mark)
		return;
	log->end = mark;
	log->start = min(log->start, mark);
}
