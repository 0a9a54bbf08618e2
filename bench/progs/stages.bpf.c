/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bench/progs/stages.bpf.c - a value goes through twenty functions that call each other
 *
 * What a verifier meets in it: calls up to six deep, each function reached from
 * several others, and an index into a map's value that each of them bounds.
 */
#include "iter.h"

#define NR_CELLS 8

struct state {
	__u64 cell[NR_CELLS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct state);
} states SEC(".maps");

#define BEGIN(n)                                                         \
	static __noinline __u64 stage_##n(struct state *s, __u64 x)      \
	{                                                                \
		__u32 at = x % NR_CELLS;                                 \
		s->cell[at] += x * (2 * n + 1);                          \
		if (s->cell[n % NR_CELLS] > n * 1000)                    \
			s->cell[(n + 3) % NR_CELLS] = x

#define END(n)                                                           \
		return s->cell[at] ? x + s->cell[(n + 5) % NR_CELLS] : n; \
	}

/* The first of five calls nobody, the second the first, the others both before them. */
#define FIRST(n) BEGIN(n); END(n)
#define SECOND(n, before) BEGIN(n); if (x > n * 100) x = stage_##before(s, x & 0xff); END(n)
#define LATER(n, before, other)                                          \
	BEGIN(n);                                                        \
	if (s->cell[n % NR_CELLS] & 1 << n % 7)                          \
		x += stage_##before(s, x + n);                           \
	else                                                             \
		x ^= stage_##other(s, x);                                \
	END(n)

FIRST(0) SECOND(1, 0) LATER(2, 1, 0) LATER(3, 2, 1) LATER(4, 3, 2)
FIRST(5) SECOND(6, 5) LATER(7, 6, 5) LATER(8, 7, 6) LATER(9, 8, 7)
FIRST(10) SECOND(11, 10) LATER(12, 11, 10) LATER(13, 12, 11) LATER(14, 13, 12)
FIRST(15) SECOND(16, 15) LATER(17, 16, 15) LATER(18, 17, 16) LATER(19, 18, 17)

struct io {
	__u64 x;
};

SEC("syscall")
int stages(struct io *io)
{
	__u32 zero = 0;
	struct state *s = bpf_map_lookup_elem(&states, &zero);
	__u64 x = io->x;

	if (!s)
		return -1;
	x = stage_4(s, stage_3(s, stage_2(s, stage_1(s, stage_0(s, x)))));
	x = stage_9(s, stage_8(s, stage_7(s, stage_6(s, stage_5(s, x)))));
	x = stage_14(s, stage_13(s, stage_12(s, stage_11(s, stage_10(s, x)))));
	x = stage_19(s, stage_18(s, stage_17(s, stage_16(s, stage_15(s, x)))));
	io->x = x;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
