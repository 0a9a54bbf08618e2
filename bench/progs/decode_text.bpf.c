/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bench/progs/decode_text.bpf.c - count the characters of a text in UTF-8
 *
 * What a verifier meets in it: the same small machine of states twice, in a loop
 * over an iterator, which must converge although a counter on the stack grows,
 * and in one with a bound, which is walked round by round.
 */
#include <stdbool.h>

#include "iter.h"

#define TEXT_BYTES 256
#define UNROLLED_BYTES 32

struct text {
	__u8 bytes[TEXT_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct text);
} texts SEC(".maps");

struct result {
	__u32 index;
	__u32 nr_chars;
	__u32 last;
};

struct decoder {
	__u32 missing; /* bytes of the current character */
	__u32 code;
	__u32 nr_chars;
};

static __always_inline bool begin_char(struct decoder *d, __u8 c)
{
	if ((c & 0xe0) == 0xc0) {
		d->missing = 1;
		d->code = c & 0x1f;
	} else if ((c & 0xf0) == 0xe0) {
		d->missing = 2;
		d->code = c & 0xf;
	} else if ((c & 0xf8) == 0xf0) {
		d->missing = 3;
		d->code = c & 7;
	} else {
		return false;
	}
	return true;
}

static __always_inline bool next_byte(struct decoder *d, __u8 c)
{
	if (d->missing) {
		if ((c & 0xc0) != 0x80)
			return false;
		d->code = d->code << 6 | (c & 0x3f);
		if (!--d->missing)
			d->nr_chars++;
		return true;
	}
	if (c >= 0x80)
		return begin_char(d, c);
	d->nr_chars++;
	return true;
}

SEC("syscall")
int decode_text(struct result *r)
{
	__u32 index = r->index;
	struct text *text = bpf_map_lookup_elem(&texts, &index);
	struct decoder d = {};
	int i;

	if (!text)
		return -1;
	for_range(i, 0, TEXT_BYTES) {
		if (i < 0 || i >= TEXT_BYTES)
			break;
		if (!next_byte(&d, text->bytes[i]))
			return -2;
	}
	r->nr_chars = d.nr_chars;
	r->last = d.code;
	return 0;
}

SEC("syscall")
int decode_unrolled(struct result *r)
{
	__u32 index = r->index;
	struct text *text = bpf_map_lookup_elem(&texts, &index);
	struct decoder d = {};

	if (!text)
		return -1;
	for (int i = 0; i < UNROLLED_BYTES; i++) {
		if (!next_byte(&d, text->bytes[i]))
			return -2;
	}
	r->nr_chars = d.nr_chars;
	r->last = d.code;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
