/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tests/progs/async_mix.bpf.c - timers and works in maps of every kind, whose callbacks end
 * values, their own among them, and cancel each other
 *
 * Each value ends with a number that tells its key: a callback that is given a value which is
 * not its own finds out.
 */
#define bpf_wq bpf_wq_of_the_header	/* which not every system has */
#include <linux/bpf.h>
#undef bpf_wq
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "tests/progs/async_mix.h"

struct bpf_wq {
	__u64 opaque[2];
} __attribute__((aligned(8)));

struct task_struct;

typedef int callback_fn(void *map, int *key, void *value);

extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __ksym;
extern int bpf_wq_set_callback(struct bpf_wq *wq, callback_fn *callback, unsigned int flags) __ksym;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym;
extern int bpf_timer_cancel_async(struct bpf_timer *timer) __ksym;

#define MONOTONIC 1
#define SECOND 1000000000ull

struct element {
	__u64 number;
	struct bpf_timer timer;
	struct bpf_wq wq;
	__u64 check;		/* 0: made by an update that did not say */
};

#define MAP_OF(name_, type_, entries)                \
	struct {                                     \
		__uint(type, BPF_MAP_TYPE_##type_);  \
		__uint(max_entries, entries);        \
		__type(key, __u32);                  \
		__type(value, struct element);       \
	} name_ SEC(".maps")

MAP_OF(one, HASH, MIX_KEYS);
MAP_OF(other, HASH, MIX_KEYS);
MAP_OF(lru, LRU_HASH, 4);
MAP_OF(array, ARRAY, MIX_KEYS);

struct inner_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MIX_KEYS);
	__type(key, __u32);
	__type(value, struct element);
} inner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner_map);
} outer SEC(".maps") = { .values = { &inner, &inner } };

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct element);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mix_sums);
} sums SEC(".maps");

static __always_inline struct mix_sums *all_sums(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&sums, &zero);
}

#define COUNT(what)                                              \
	do {                                                     \
		struct mix_sums *sums_ = all_sums();             \
		if (sums_)                                       \
			__sync_fetch_and_add(&sums_->what, 1);   \
	} while (0)

/* Nobody reads it, so soon it is full. */
static __always_inline void tell(__u32 key)
{
	if (bpf_ringbuf_output(&ring, &key, sizeof(key), 0))
		COUNT(lost_records);
}

static __always_inline void look(__u32 key, struct element *e)
{
	__u64 check = e->check;

	if (check && check != MIX_CHECK + key)
		COUNT(bad);
	__sync_fetch_and_add(&e->number, 1);
}

/* --- what callbacks do ----------------------------------------------------------------------- */

static __always_inline void replace(void *map, __u32 key)
{
	struct element e = {};

	e.check = MIX_CHECK + key;
	bpf_map_update_elem(map, &key, &e, 0);
}

/* Takes its own element out, and puts another one there. */
static int tick_one(void *map, __u32 *key, struct element *e)
{
	__u32 k = *key, r = bpf_get_prandom_u32();
	struct element *its;

	COUNT(ticks);
	look(k, e);
	if (r % 4 == 0)
		bpf_map_delete_elem(&one, &k);
	if (r % 4 <= 1)
		replace(&one, k);
	its = bpf_map_lookup_elem(&other, &k);
	if (its)
		bpf_timer_cancel(&its->timer);
	bpf_timer_start(&e->timer, r % 50000, 0);
	return 0;
}

static int tick_other(void *map, __u32 *key, struct element *e)
{
	__u32 k = *key, r = bpf_get_prandom_u32();
	struct element *its;

	COUNT(ticks);
	look(k, e);
	tell(k);
	its = bpf_map_lookup_elem(&one, &k);
	if (its && r % 2)
		bpf_timer_cancel(&its->timer);
	else if (its)
		bpf_timer_cancel_async(&its->timer);
	bpf_timer_start(&e->timer, 1000, 0);
	if (r % 8 == 0)
		bpf_map_delete_elem(&other, &k);
	return 0;
}

static int tick_plain(void *map, __u32 *key, struct element *e)
{
	COUNT(ticks);
	look(*key, e);
	tell(*key);
	bpf_timer_start(&e->timer, 1000, 0);
	return 0;
}

static int tick_task(void *map, __u32 *key, struct element *e)
{
	COUNT(ticks);
	bpf_timer_start(&e->timer, 1000, 0);
	return 0;
}

static int tick_last(void *map, __u32 *key, struct element *e)
{
	struct mix_sums *s = all_sums();
	__u32 k = *key;

	if (s && k < MIX_KEYS)
		__sync_fetch_and_add(&s->last[k], 1);
	return 0;
}

static int work_any(void *map, __u32 *key, struct element *e)
{
	__u32 k = *key, r = bpf_get_prandom_u32();

	COUNT(works);
	look(k, e);
	if (r % 4 == 0)
		bpf_map_delete_elem(&lru, &k);
	if (r % 4 == 1)
		replace(&one, k);
	bpf_wq_start(&e->wq, 0);
	return 0;
}

static int work_task(void *map, __u32 *key, struct element *e)
{
	COUNT(works);
	bpf_wq_start(&e->wq, 0);
	return 0;
}

/* --- what everybody does --------------------------------------------------------------------- */

static __always_inline __u64 some_time(__u32 r, __u64 *flags)
{
	static const __u64 times[8] = { 0, 1000, 20000, 3600 * SECOND, 1ull << 62, 1ull << 63,
					-1ull, 1 };

	*flags = r >> 8 & 3;
	/* Absolute ones are long over, or never. */
	return times[r & 7];
}

#define USE(map, e, k, r, tick, work) do {                                               \
	__u64 flags_, ns_ = some_time((r) >> 8, &flags_);                                \
	switch ((r) >> 24 & 7) {                                                         \
	case 0:                                                                          \
		bpf_timer_init(&(e)->timer, map, MONOTONIC);                             \
		bpf_wq_init(&(e)->wq, map, 0);                                           \
		break;                                                                   \
	case 1:                                                                          \
		bpf_timer_set_callback(&(e)->timer, tick);                               \
		break;                                                                   \
	case 2:                                                                          \
		bpf_timer_start(&(e)->timer, ns_, flags_);                               \
		break;                                                                   \
	case 3:                                                                          \
		bpf_timer_cancel(&(e)->timer);                                           \
		break;                                                                   \
	case 4:                                                                          \
		bpf_timer_cancel_async(&(e)->timer);                                     \
		break;                                                                   \
	case 5:                                                                          \
		bpf_wq_set_callback(&(e)->wq, (callback_fn *)work, 0);                   \
		break;                                                                   \
	case 6:                                                                          \
		bpf_wq_start(&(e)->wq, 0);                                               \
		break;                                                                   \
	default:                                                                         \
		bpf_timer_init(&(e)->timer, map, MONOTONIC);                             \
		bpf_timer_set_callback(&(e)->timer, tick);                               \
		bpf_timer_start(&(e)->timer, 1000, 0);                                   \
		bpf_wq_init(&(e)->wq, map, 0);                                           \
		bpf_wq_set_callback(&(e)->wq, (callback_fn *)work, 0);                   \
		bpf_wq_start(&(e)->wq, 0);                                               \
	}                                                                                \
} while (0)

#define FIND_AND_USE(map, key, r, tick, work) do {                                       \
	struct element *e_ = bpf_map_lookup_elem(map, &(key));                           \
	if (e_)                                                                          \
		USE(map, e_, key, r, tick, work);                                        \
} while (0)

static __always_inline void use_inner(__u32 key, __u32 r)
{
	__u32 which = r & 1;
	void *map = bpf_map_lookup_elem(&outer, &which);
	struct element *e;

	if (!map)
		return;
	if (r >> 4 & 1)
		replace(map, key);
	e = bpf_map_lookup_elem(map, &key);
	if (e)
		USE(map, e, key, r, tick_plain, work_any);
}

static __always_inline void use_task(__u32 r)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	struct element *e = bpf_task_storage_get(&tasks, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (e)
		USE(&tasks, e, 0, r, tick_task, work_task);
	if ((r & 63) == 63)
		bpf_task_storage_delete(&tasks, task);
}

static __always_inline void one_operation(__u32 r)
{
	__u32 key = r & (MIX_KEYS - 1), how = r >> 3 & 31;

	COUNT(operations);
	r = bpf_get_prandom_u32();
	switch (how) {
	case 0: case 1: case 2: case 3: case 4:
		FIND_AND_USE(&one, key, r, tick_one, work_any);
		break;
	case 5: case 6: case 7: case 8: case 9:
		FIND_AND_USE(&other, key, r, tick_other, work_any);
		break;
	case 10: case 11: case 12: case 13:
		FIND_AND_USE(&array, key, r, tick_plain, work_any);
		break;
	case 14: case 15: case 16: case 17:
		replace(&lru, key);
		FIND_AND_USE(&lru, key, r, tick_plain, work_any);
		break;
	case 18: case 19: case 20: case 21:
		use_inner(key, r);
		break;
	case 22: case 23: case 24:
		use_task(r);
		break;
	case 25: case 26:
		replace(&one, key);
		break;
	case 27: case 28:
		replace(&other, key);
		break;
	case 29:
		replace(&array, key);
		break;
	case 30:
		bpf_map_delete_elem(&one, &key);
		break;
	default:
		bpf_map_delete_elem(&other, &key);
	}
}

static int one_round(__u32 i, void *ctx)
{
	one_operation(bpf_get_prandom_u32());
	return 0;
}

static __always_inline int start_last(__u32 key)
{
	struct element *e = bpf_map_lookup_elem(&array, &key);

	if (!e)
		return -2;
	bpf_timer_init(&e->timer, &array, MONOTONIC);
	return bpf_timer_set_callback(&e->timer, tick_last) ?: bpf_timer_start(&e->timer, 0, 0);
}

SEC("syscall")
int mix(struct mix_args *args)
{
	if (args->last)
		args->result = start_last(args->last - 1);
	else
		args->result = bpf_loop(args->rounds & 1023, one_round, 0, 0);
	return 0;
}

SEC("perf_event")
int mix_event(void *ctx)
{
	one_operation(bpf_get_prandom_u32());
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
