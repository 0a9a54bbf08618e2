/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tests/progs/async_life.bpf.c - a timer and a work that never rest, for as long as their value lives
 */
#define bpf_wq bpf_wq_of_the_header	/* which not every system has */
#include <linux/bpf.h>
#undef bpf_wq
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "tests/progs/async_life.h"

struct bpf_wq {
	__u64 opaque[2];
} __attribute__((aligned(8)));

typedef int callback_fn(void *map, int *key, void *value);

extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __ksym;
extern int bpf_wq_set_callback(struct bpf_wq *wq, callback_fn *callback, unsigned int flags) __ksym;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym;

#define MONOTONIC 1
#define PERIOD_NS 20000

struct element {
	struct bpf_timer timer;
	struct bpf_wq wq;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LIFE_KEYS);
	__type(key, __u32);
	__type(value, struct element);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LIFE_KEYS);
	__type(key, __u32);
	__type(value, struct element);
} array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LIFE_KEYS);
	__type(key, __u32);
	__type(value, struct life_tally);
} tally SEC(".maps");

static int tick(void *map, __u32 *key, struct element *e)
{
	struct life_tally *t = bpf_map_lookup_elem(&tally, key);

	if (t)
		__sync_fetch_and_add(&t->ticks, 1);
	bpf_timer_start(&e->timer, PERIOD_NS, 0);
	return 0;
}

static int work(void *map, __u32 *key, struct element *e)
{
	struct life_tally *t = bpf_map_lookup_elem(&tally, key);

	if (t)
		__sync_fetch_and_add(&t->works, 1);
	bpf_wq_start(&e->wq, 0);
	return 0;
}

#define ARM(map, e)                                                                      \
	(bpf_timer_init(&(e)->timer, &(map), MONOTONIC) ?:                               \
	 bpf_timer_set_callback(&(e)->timer, tick) ?: bpf_timer_start(&(e)->timer, 0, 0) ?: \
	 bpf_wq_init(&(e)->wq, &(map), 0) ?:                                             \
	 bpf_wq_set_callback(&(e)->wq, (callback_fn *)work, 0) ?: bpf_wq_start(&(e)->wq, 0))

SEC("syscall")
int arm(struct life_arm *args)
{
	__u32 key = args->key;
	struct element *e;

	args->result = -2;
	if (args->in_array) {
		e = bpf_map_lookup_elem(&array, &key);
		if (e)
			args->result = ARM(array, e);
	} else {
		e = bpf_map_lookup_elem(&hash, &key);
		if (e)
			args->result = ARM(hash, e);
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
