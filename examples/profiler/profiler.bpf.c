/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * examples/profiler/profiler.bpf.c - sample in a signal handler, add up in a worker
 *
 * on_sample runs in the handler of the sampled thread.  It may not wait, so it only counts:
 * the stack's number, in a batch.  The first sample of a batch arms a timer.  The timer's callback
 * may not wait either; it hands the batch to a work, whose callback adds it to the totals.
 *
 * Counts are taken out of the batch by an exchange and never deleted, so none is lost
 * between the one who counts and the one who adds up.
 */
#define bpf_wq bpf_wq_of_the_header	/* which not every system has */
#include <linux/bpf.h>
#undef bpf_wq
#include <linux/bpf_perf_event.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "profiler.h"

#define CLOCK_MONOTONIC 1

struct bpf_wq {
	__u64 opaque[2];
} __attribute__((aligned(8)));

extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __ksym;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym;
extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*callback)(void *map, int *key, void *value),
			       unsigned int flags) __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, MAX_STACKS);
	__type(key, __u32);
	__uint(value_size, MAX_DEPTH * sizeof(__u64));
} stacks SEC(".maps");

struct counts {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_STACKS);
	__type(key, struct sample_key);
	__type(value, __u64);
};

struct counts batch SEC(".maps");
struct counts totals SEC(".maps");

struct later {
	struct bpf_timer timer;
	struct bpf_wq wq;
	__u32 armed;	/* a batch has begun */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct later);
} laters SEC(".maps");

struct profile profile;

/* --- in a worker -------------------------------------------------------------------------- */

static long add_up(void *map, const struct sample_key *key, __u64 *count, void *ctx)
{
	__u64 n = __sync_lock_test_and_set(count, 0), *total, zero = 0;

	if (!n)
		return 0;
	total = bpf_map_lookup_elem(&totals, key);
	if (!total) {
		bpf_map_update_elem(&totals, key, &zero, BPF_NOEXIST);
		total = bpf_map_lookup_elem(&totals, key);
	}
	if (total)
		__sync_fetch_and_add(total, n);
	return 0;
}

static int take_batch(void *map, int *key, void *value)
{
	struct later *later = value;

	/* What comes from here on begins another batch, or is still added up here. */
	__sync_lock_test_and_set(&later->armed, 0);
	bpf_for_each_map_elem(&batch, add_up, 0, 0);
	__sync_fetch_and_add(&profile.batches, 1);
	return 0;
}

/* --- in the softirq thread ---------------------------------------------------------------- */

static int batch_is_over(void *map, int *key, void *value)
{
	struct later *later = value;

	bpf_wq_start(&later->wq, 0);
	return 0;
}

/* --- in the signal handler ---------------------------------------------------------------- */

static void count(const struct sample_key *key)
{
	__u64 *n = bpf_map_lookup_elem(&batch, key), zero = 0;

	if (!n) {
		bpf_map_update_elem(&batch, key, &zero, BPF_NOEXIST);
		n = bpf_map_lookup_elem(&batch, key);
	}
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		__sync_fetch_and_add(&profile.no_room, 1);
}

SEC("perf_event")
int on_sample(struct bpf_perf_event_data *ctx)
{
	long stack = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	struct sample_key key = { .tid = bpf_get_current_pid_tgid() };
	struct later *later;
	__u32 zero = 0;

	__sync_fetch_and_add(&profile.sampled, 1);
	if (stack < 0) {
		__sync_fetch_and_add(&profile.no_stack, 1);
		return 0;
	}
	key.stack = stack;
	count(&key);
	later = bpf_map_lookup_elem(&laters, &zero);
	if (later && !__sync_lock_test_and_set(&later->armed, 1))
		bpf_timer_start(&later->timer, BATCH_NS, 0);
	return 0;
}

/* --- called by the application ------------------------------------------------------------ */

SEC("syscall")
int prepare(void *ctx)
{
	struct later *later;
	__u32 zero = 0;
	long err;

	later = bpf_map_lookup_elem(&laters, &zero);
	if (!later)
		return 1;
	err = bpf_timer_init(&later->timer, &laters, CLOCK_MONOTONIC);
	err = err ?: bpf_timer_set_callback(&later->timer, batch_is_over);
	err = err ?: bpf_wq_init(&later->wq, &laters, 0);
	return err ?: bpf_wq_set_callback(&later->wq, take_batch, 0);
}

/* What the last batch has when no sample comes any more. */
SEC("syscall")
int finish(void *ctx)
{
	bpf_for_each_map_elem(&batch, add_up, 0, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
