/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/print.c - text for people: traces, and strings in buffers
 *
 * A trace line goes to one descriptor, or nowhere, which is the default: a
 * library does not write to a process's output unasked.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic.h"
#include "bpf/helper/format.h"
#include "bpf/helper/helper.h"
#include "bpf/helper/trace.h"

#define TRACE_LINE_BYTES 1024

static int trace_fd = -1;

/**
 * trace_set_fd - where trace lines go from now on
 * @fd: the caller's, who keeps it open; -1: nowhere
 *
 * Context: any.
 */
void trace_set_fd(int fd)
{
	WRITE_ONCE(trace_fd, fd);
}

/* One write(2) a line, so that lines of several threads do not mix. */
static void trace_line(char *line, u32 len)
{
	int fd = READ_ONCE(trace_fd);

	if (fd < 0)
		return;
	if (!len || line[len - 1] != '\n')
		line[len++] = '\n';
	/* As with the kernel's trace buffer, a line that finds no room is lost. */
	if (write(fd, line, len) < 0)
		return;
}

static u64 trace(const char *fmt, u32 fmt_size, const u64 *args, u32 nr_args)
{
	char line[TRACE_LINE_BYTES + 1];
	int len = format_text(line, TRACE_LINE_BYTES, fmt, fmt_size, args, nr_args);

	if (len < 0)
		return len;
	trace_line(line, min(len, TRACE_LINE_BYTES - 1));
	return len;
}

/* fmt, fmt_size, three numbers */
HELPER(helper_trace_printk)
{
	u64 args[] = { r3, r4, r5 };

	return trace((const char *)r1, r2, args, ARRAY_SIZE(args));
}

/* An array of numbers as 8-byte words; its size must fit. */
static bool args_are_valid(u64 args, u64 args_bytes)
{
	return args_bytes % 8 == 0 && args_bytes <= FORMAT_MAX_ARGS * 8 && (args || !args_bytes);
}

/* fmt, fmt_size, numbers, their bytes */
HELPER(helper_trace_vprintk)
{
	if (!args_are_valid(r3, r4))
		return -EINVAL;
	return trace((const char *)r1, r2, (const u64 *)r3, r4 / 8);
}

/* str, str_size, fmt, numbers, their bytes; the length counts the NUL */
HELPER(helper_snprintf)
{
	int len;

	if (!args_are_valid(r4, r5))
		return -EINVAL;
	len = format_text((char *)r1, r2, (const char *)r3, UINT32_MAX, (const u64 *)r4, r5 / 8);
	return len < 0 ? len : len + 1;
}
