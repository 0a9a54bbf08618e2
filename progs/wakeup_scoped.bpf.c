/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * progs/wakeup_scoped.bpf.c - the longest active source, by scoped trust
 *
 * The iterator holds the read section, and its pointer is trusted until the
 * iterator moves on or ends: no lock to pair by hand, no cast, and a pointer
 * that outlives its section is rejected.  Needs bpf_iter_wakeup_source, which
 * a process has and the kernel has not.
 */
#include "types.h"

struct bpf_iter_wakeup_source {
	__u64 opaque[2];
} __attribute__((aligned(8)));

extern int bpf_iter_wakeup_source_new(struct bpf_iter_wakeup_source *it) __ksym;
extern struct wakeup_source *bpf_iter_wakeup_source_next(struct bpf_iter_wakeup_source *it) __ksym;
extern void bpf_iter_wakeup_source_destroy(struct bpf_iter_wakeup_source *it) __ksym;

struct longest {
	__u64 visited;
	__u64 active;
	__s64 total_time_ns;
	int id;
	int pad;
};

SEC("syscall")
int wakeup_longest(struct longest *out)
{
	struct bpf_iter_wakeup_source it;
	struct wakeup_source *ws;

	out->visited = 0;
	out->active = 0;
	out->total_time_ns = -1;
	out->id = -1;
	bpf_iter_wakeup_source_new(&it);
	while ((ws = bpf_iter_wakeup_source_next(&it))) {
		out->visited++;
		out->active += BPF_CORE_READ_BITFIELD(ws, active);
		if (ws->total_time <= out->total_time_ns)
			continue;
		out->total_time_ns = ws->total_time;
		out->id = ws->id;
	}
	bpf_iter_wakeup_source_destroy(&it);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
