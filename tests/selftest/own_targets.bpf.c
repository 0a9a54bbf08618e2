// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tests/selftest/own_targets.bpf.c - workqueues, their pools and armed timers, a line each
 *
 * The structs are this process's, with the members that are read here.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "Dual BSD/GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct workqueue_view {
	char name[32];
	__u32 max_active;
	__u64 pending;
	__u64 oldest_pending_ns;
};

struct worker_pool_view {
	__u32 id;
	char cpus[512];
};

struct timer_view {
	__u64 address;
	__u64 slack_ns;
	__u32 clock;
};

struct bpf_iter__workqueue {
	struct bpf_iter_meta *meta;
	struct workqueue_view *wq;
};

struct bpf_iter__worker_pool {
	struct bpf_iter_meta *meta;
	struct worker_pool_view *pool;
};

struct bpf_iter__timer {
	struct bpf_iter_meta *meta;
	struct timer_view *timer;
};
#pragma clang attribute pop

SEC("iter/workqueue")
int show_workqueue(struct bpf_iter__workqueue *ctx)
{
	struct workqueue_view *wq = ctx->wq;

	if (wq)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%s: %u, %llu wait\n", wq->name, wq->max_active,
			       wq->pending);
	return 0;
}

SEC("iter.s/worker_pool")
int show_worker_pool(struct bpf_iter__worker_pool *ctx)
{
	struct worker_pool_view *pool = ctx->pool;

	if (pool)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%u: on %s\n", pool->id, pool->cpus);
	return 0;
}

SEC("iter/timer")
int show_timer(struct bpf_iter__timer *ctx)
{
	struct timer_view *timer = ctx->timer;

	if (timer)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%llx: clock %u, %llu\n", timer->address,
			       timer->clock, timer->slack_ns);
	return 0;
}
