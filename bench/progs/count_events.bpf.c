/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bench/progs/count_events.bpf.c - a counter for each key, and fifty kinds of event
 *
 * What a verifier meets in it: a hash map, pointers that may be NULL, and a
 * switch that the compiler makes a tree of comparisons.
 */
#include "iter.h"

struct count {
	__u64 nr, bytes, late;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct count);
} counts SEC(".maps");

struct event {
	__u32 key;
	__u32 kind;
	__u64 bytes;
};

static struct count *count_of(__u32 key)
{
	static const struct count zero;
	struct count *c = bpf_map_lookup_elem(&counts, &key);

	if (c)
		return c;
	bpf_map_update_elem(&counts, &key, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&counts, &key);
}

/* Five kinds that differ enough for the compiler not to make one of them. */
#define FIVE(n)                                     \
	case (n) * 5:                               \
		c->bytes += e->bytes * ((n) + 3);   \
		break;                              \
	case (n) * 5 + 1:                           \
		c->nr += (n) * 7 + 1;               \
		break;                              \
	case (n) * 5 + 2:                           \
		c->late += c->nr > (n) * 10 + 1;    \
		break;                              \
	case (n) * 5 + 3:                           \
		c->bytes ^= c->late << (n);         \
		break;                              \
	case (n) * 5 + 4:                           \
		c->late = c->bytes & ((n) * 3 + 1); \
		break

SEC("syscall")
int count_events(struct event *e)
{
	struct count *c = count_of(e->key);

	if (!c)
		return -1;
	c->nr++;
	switch (e->kind) {
	FIVE(0); FIVE(1); FIVE(2); FIVE(3); FIVE(4);
	FIVE(5); FIVE(6); FIVE(7); FIVE(8); FIVE(9);
	default:
		return -2;
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
