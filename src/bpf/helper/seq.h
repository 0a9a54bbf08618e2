/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/seq.h - the text or records that an iterator's program writes
 *
 * Names are the kernel's, for programs that look; what is not here is not looked
 * at by any.
 */
#ifndef ROVE_BPF_HELPER_SEQ_H
#define ROVE_BPF_HELPER_SEQ_H

#include <stddef.h>

#include "base/types.h"

struct seq_file {
	char	*buf;
	size_t	size;		/* of ->buf */
	size_t	from;		/* of ->count: where what was not read yet begins */
	size_t	count;		/* bytes written; ->size: something did not fit */
};

static inline bool seq_has_overflowed(const struct seq_file *seq)
{
	return seq->count == seq->size;
}

#endif
