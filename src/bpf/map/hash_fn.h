/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/hash_fn.h - a number from bytes, for tables; and bytes compared
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

/* Most keys are one word, and a call costs more than to compare them. */
static inline bool hash_keys_equal(const void *a, const void *b, u32 nr_bytes)
{
	u64 a64, b64;
	u32 a32, b32;

	switch (nr_bytes) {
	case sizeof(a32):
		memcpy(&a32, a, sizeof(a32));
		memcpy(&b32, b, sizeof(b32));
		return a32 == b32;
	case sizeof(a64):
		memcpy(&a64, a, sizeof(a64));
		memcpy(&b64, b, sizeof(b64));
		return a64 == b64;
	default:
		return !memcmp(a, b, nr_bytes);
	}
}

#endif
