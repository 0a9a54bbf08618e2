/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tests/progs/perf_count.bpf.c - counts the samples it is run for
 */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} samples SEC(".maps");

SEC("perf_event")
int count_sample(void *ctx)
{
	__u32 key = 0;
	__u64 *nr = bpf_map_lookup_elem(&samples, &key);

	if (nr)
		__sync_fetch_and_add(nr, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
