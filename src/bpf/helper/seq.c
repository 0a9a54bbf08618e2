/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/seq.c - write to an iterator's reader
 *
 * What does not fit is not written at all, and the file says so from then on:
 * the reader is given everything in front of the object at hand, and that
 * object again with an empty buffer.
 */
#include <errno.h>
#include <string.h>

#include "bpf/helper/format.h"
#include "bpf/helper/helper.h"
#include "bpf/helper/seq.h"

static int overflow(struct seq_file *seq)
{
	seq->count = seq->size;
	return -EOVERFLOW;
}

/* seq, data, length */
HELPER(helper_seq_write)
{
	struct seq_file *seq = (struct seq_file *)r1;

	if (r3 >= seq->size - seq->count)
		return overflow(seq);
	memcpy(seq->buf + seq->count, (const void *)r2, r3);
	seq->count += r3;
	return 0;
}

/* seq, fmt, fmt_size, numbers, their bytes */
HELPER(helper_seq_printf)
{
	struct seq_file *seq = (struct seq_file *)r1;
	size_t room = seq->size - seq->count;
	int len;

	if (r5 % 8 || r5 > FORMAT_MAX_ARGS * 8 || (r5 && !r4))
		return -EINVAL;
	len = format_text(room ? seq->buf + seq->count : NULL, room, (const char *)r2, r3,
			  (const u64 *)r4, r5 / 8);
	if (len < 0)
		return len;
	if ((size_t)len >= room)
		return overflow(seq);
	seq->count += len;
	return seq_has_overflowed(seq) ? -EOVERFLOW : 0;
}
