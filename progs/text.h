/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * progs/text.h - a string of the kernel's, and whether that was all of it
 */
#ifndef ROVE_PROGS_TEXT_H
#define ROVE_PROGS_TEXT_H

#include "linux_bpf.h"

#include <linux/types.h>

#include <bpf/bpf_helpers.h>

/* 0, or @cut_flag when it does not fit or cannot be read; a NULL pointer is an empty string. */
static __always_inline __u32 read_string(char *buf, __u32 buf_bytes, const char *from,
					 __u32 cut_flag)
{
	long bytes = from ? bpf_probe_read_kernel_str(buf, buf_bytes, from) : -1;
	char last;

	if (bytes <= 0) {
		buf[0] = 0;
		return from ? cut_flag : 0;
	}
	if (bytes < buf_bytes)
		return 0;
	/* Full: cut only if the source does not end where the buffer does. */
	if (bpf_probe_read_kernel(&last, 1, from + buf_bytes - 1) || last)
		return cut_flag;
	return 0;
}

#endif
