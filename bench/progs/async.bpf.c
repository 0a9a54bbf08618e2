/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bench/progs/async.bpf.c - what a program's calls on a timer cost, many in one run
 */
#include "iter.h"

#define FAR_NS (3600ull * 1000000000)
#define MONOTONIC 1

struct element {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct element);
} elements SEC(".maps");

struct args {
	__u32 nr;
	__u32 nr_failed;
};

static int never(void *map, __u32 *key, struct element *e)
{
	return 0;
}

static __always_inline struct element *prepared(void)
{
	__u32 zero = 0;
	struct element *e = bpf_map_lookup_elem(&elements, &zero);

	if (e) {
		bpf_timer_init(&e->timer, &elements, MONOTONIC);
		bpf_timer_set_callback(&e->timer, never);
	}
	return e;
}

SEC("syscall")
int nothing(struct args *args)
{
	struct element *e = prepared();
	__u32 nr = args->nr, failed = 0;
	int i;

	if (e)
		for_range(i, 0, nr)
			failed += bpf_get_smp_processor_id() > 65535;
	args->nr_failed = failed;
	return 0;
}

SEC("syscall")
int start(struct args *args)
{
	struct element *e = prepared();
	__u32 nr = args->nr, failed = 0;
	int i;

	if (e)
		for_range(i, 0, nr)
			failed += bpf_timer_start(&e->timer, FAR_NS, 0) != 0;
	args->nr_failed = failed;
	return 0;
}

SEC("syscall")
int set_start_cancel(struct args *args)
{
	struct element *e = prepared();
	__u32 nr = args->nr, failed = 0;
	int i;

	if (e)
		for_range(i, 0, nr) {
			failed += bpf_timer_set_callback(&e->timer, never) != 0;
			failed += bpf_timer_start(&e->timer, FAR_NS, 0) != 0;
			failed += bpf_timer_cancel(&e->timer) != 1;
		}
	args->nr_failed = failed;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
