/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bench/progs/shortest_paths.bpf.c - distances in a graph, by relaxing every edge
 *
 * What a verifier meets in it: three nested loops over iterators with lookups
 * in two maps inside.
 */
#include <stdbool.h>

#include "iter.h"

struct edge {
	__u32 to;
	__u32 weight;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct edge);
} edges SEC(".maps"); /* the same number for each node, one after the other */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u64);
} distances SEC(".maps");

struct graph {
	__u32 nr_nodes;
	__u32 edges_each;
	__u32 nr_rounds;
	__u32 pad;
	__u64 nr_relaxed;
};

static __always_inline bool relax(__u64 distance, const struct edge *e)
{
	__u64 sum = distance + e->weight, *old;
	__u32 to = e->to;

	old = bpf_map_lookup_elem(&distances, &to);
	if (!old) {
		bpf_map_update_elem(&distances, &to, &sum, BPF_NOEXIST);
		return true;
	}
	if (*old <= sum)
		return false;
	*old = sum;
	return true;
}

SEC("syscall")
int shortest_paths(struct graph *g)
{
	__u32 nr_nodes = g->nr_nodes, edges_each = g->edges_each;
	__u64 nr_relaxed = 0;
	int round, node, k;

	for_range(round, 0, g->nr_rounds) {
		bool again = false;

		for_range(node, 0, nr_nodes) {
			__u32 from = node;
			__u64 *distance = bpf_map_lookup_elem(&distances, &from);

			if (!distance)
				continue;
			for_range(k, 0, edges_each) {
				__u32 at = from * edges_each + k;
				struct edge *e = bpf_map_lookup_elem(&edges, &at);

				if (!e)
					break;
				if (!relax(*distance, e))
					continue;
				nr_relaxed++;
				again = true;
			}
		}
		if (!again)
			break;
	}
	g->nr_relaxed = nr_relaxed;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
