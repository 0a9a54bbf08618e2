/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/hash_fn.h - a number from bytes, for tables
 */
#ifndef ROVE_BPF_MAP_HASH_FN_H
#define ROVE_BPF_MAP_HASH_FN_H

#include <string.h>

#include "base/types.h"

static inline u64 hash_mix(u64 h, u64 word)
{
	h = (h ^ word) * 0x9fb21c651e98df25ull;
	return h ^ (h >> 29);
}

/* Fewer than eight bytes, as a number.  Four are what most keys have. */
static inline u64 hash_tail(const u8 *bytes, u32 nr_bytes)
{
	u64 word = 0;
	u32 half;

	if (nr_bytes == 4) {
		memcpy(&half, bytes, 4);
		return half;
	}
	if (nr_bytes)
		memcpy(&word, bytes, nr_bytes);
	return word;
}

/* Context: any. */
static inline u32 hash_bytes(u64 seed, const void *from, u32 nr_bytes)
{
	u64 h = seed ^ nr_bytes, word;
	const u8 *bytes = from;

	for (; nr_bytes >= 8; nr_bytes -= 8, bytes += 8) {
		memcpy(&word, bytes, 8);
		h = hash_mix(h, word);
	}
	h = hash_mix(h, hash_tail(bytes, nr_bytes));
	return h ^ (h >> 32);
}

#endif
