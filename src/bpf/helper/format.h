/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/format.h - printf for programs: numbers, characters, strings, pointers
 */
#ifndef ROVE_BPF_HELPER_FORMAT_H
#define ROVE_BPF_HELPER_FORMAT_H

#include "base/types.h"

#define FORMAT_MAX_ARGS 12

int format_text(char *buf, u32 buf_size, const char *fmt, u32 fmt_size, const u64 *args,
		u32 nr_args);

#endif
