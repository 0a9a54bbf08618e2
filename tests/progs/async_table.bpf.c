/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tests/progs/async_table.bpf.c - every call on timers and works, in every context, by one object file
 *
 * The same calls in the same order on an element of its own: in a thread, in the
 * callback of a timer, in that of a work, and in a perf event's program, which is a
 * hard interrupt's in the kernel and a signal handler's in a process.  Each result is
 * kept.  What is armed here is armed for hours, but for what a driver calls.
 */
#define bpf_wq bpf_wq_of_the_header	/* which not every system has */
#include <linux/bpf.h>
#undef bpf_wq
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "tests/progs/async_table.h"

struct bpf_wq {
	__u64 opaque[2];
} __attribute__((aligned(8)));

typedef int callback_fn(void *map, int *key, void *value);

extern int bpf_timer_cancel_async(struct bpf_timer *timer) __ksym;
extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __ksym;
extern int bpf_wq_set_callback(struct bpf_wq *wq, callback_fn *callback, unsigned int flags) __ksym;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym;

#define FAR_NS (3600ull * 1000000000)
#define FAR_ABSOLUTE_NS (1ull << 62)
#define SOON_NS 20000000ull
#define MONOTONIC 1
#define TAI 11
#define ABSOLUTE 1
#define PINNED 2
#define UNKNOWN 16

struct element {
	__u64 runs;
	struct bpf_timer timer;
	struct bpf_wq wq;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NR_ASYNC_CONTEXTS);
	__type(key, __u32);
	__type(value, struct element);
} elements SEC(".maps");

/* Those whose callbacks make the calls, and that tell the end. */
enum { DRIVER_TABLE, DRIVER_OWN, DRIVER_MARK, DRIVER_TWICE, NR_DRIVERS };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NR_DRIVERS);
	__type(key, __u32);
	__type(value, struct element);
} drivers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NR_ASYNC_CONTEXTS);
	__type(key, __u32);
	__type(value, struct async_results);
} results SEC(".maps");

/* Errors of the drivers' own calls, of which there must be none. */
__u32 nr_errors;

static int never(void *map, int *key, struct element *e)
{
	e->runs++;
	return 0;
}

#define SAY(name, call) (r->row[ROW_##name] = (call))

static __always_inline void call_timer(struct async_results *r, struct element *e)
{
	struct bpf_timer *t = &e->timer;

	SAY(timer_start_before_init, bpf_timer_start(t, FAR_NS, 0));
	SAY(timer_set_before_init, bpf_timer_set_callback(t, never));
	SAY(timer_cancel_before_init, bpf_timer_cancel(t));
	SAY(timer_async_before_init, bpf_timer_cancel_async(t));
	SAY(timer_init_tai, bpf_timer_init(t, &elements, TAI));
	SAY(timer_init_unknown_flags, bpf_timer_init(t, &elements, UNKNOWN | MONOTONIC));
	SAY(timer_init, bpf_timer_init(t, &elements, MONOTONIC));
	SAY(timer_init_again, bpf_timer_init(t, &elements, MONOTONIC));
	SAY(timer_start_before_set, bpf_timer_start(t, FAR_NS, 0));
	SAY(timer_set, bpf_timer_set_callback(t, never));
	SAY(timer_start_unknown_flags, bpf_timer_start(t, FAR_NS, UNKNOWN));
	SAY(timer_start, bpf_timer_start(t, FAR_NS, 0));
	SAY(timer_start_absolute, bpf_timer_start(t, FAR_ABSOLUTE_NS, ABSOLUTE));
	SAY(timer_start_pinned, bpf_timer_start(t, FAR_NS, PINNED));
	SAY(timer_async_armed, bpf_timer_cancel_async(t));
	SAY(timer_async_idle, bpf_timer_cancel_async(t));
	SAY(timer_start_after_async, bpf_timer_start(t, FAR_NS, 0));
	SAY(timer_cancel_armed, bpf_timer_cancel(t));
	SAY(timer_cancel_idle, bpf_timer_cancel(t));
	SAY(timer_start_after_cancel, bpf_timer_start(t, FAR_NS, 0));
	SAY(timer_set_after_cancel, bpf_timer_set_callback(t, never));
	SAY(timer_start_after_set, bpf_timer_start(t, FAR_NS, 0));
}

static __always_inline void call_wq(struct async_results *r, struct element *e)
{
	struct bpf_wq *w = &e->wq;

	SAY(wq_start_before_init, bpf_wq_start(w, 0));
	SAY(wq_set_before_init, bpf_wq_set_callback(w, (callback_fn *)never, 0));
	SAY(wq_init_flags, bpf_wq_init(w, &elements, 1));
	SAY(wq_init, bpf_wq_init(w, &elements, 0));
	SAY(wq_init_again, bpf_wq_init(w, &elements, 0));
	SAY(wq_start_before_set, bpf_wq_start(w, 0));
	SAY(wq_set_flags, bpf_wq_set_callback(w, (callback_fn *)never, 1));
	SAY(wq_set, bpf_wq_set_callback(w, (callback_fn *)never, 0));
	SAY(wq_start_flags, bpf_wq_start(w, 1));
	SAY(wq_start, bpf_wq_start(w, 0));
	SAY(wq_start_again, bpf_wq_start(w, 0));
}

static __always_inline void call_deleted(struct async_results *r, struct element *e)
{
	SAY(deleted_timer_start, bpf_timer_start(&e->timer, FAR_NS, 0));
	SAY(deleted_timer_set, bpf_timer_set_callback(&e->timer, never));
	SAY(deleted_timer_cancel, bpf_timer_cancel(&e->timer));
	SAY(deleted_timer_async, bpf_timer_cancel_async(&e->timer));
	SAY(deleted_wq_start, bpf_wq_start(&e->wq, 0));
	SAY(deleted_wq_set, bpf_wq_set_callback(&e->wq, (callback_fn *)never, 0));
	SAY(deleted_timer_init, bpf_timer_init(&e->timer, &elements, MONOTONIC));
	SAY(deleted_timer_init_start, bpf_timer_start(&e->timer, FAR_NS, 0));
	SAY(deleted_wq_init, bpf_wq_init(&e->wq, &elements, 0));
}

/* Once: a perf event comes again and again. */
static __always_inline int make_calls(__u32 context)
{
	struct element *e = bpf_map_lookup_elem(&elements, &context);
	struct async_results *r = bpf_map_lookup_elem(&results, &context);

	if (!e || !r || __sync_lock_test_and_set(&r->begun, 1))
		return 0;
	call_timer(r, e);
	call_wq(r, e);
	SAY(delete, bpf_map_delete_elem(&elements, &context));
	if (!r->row[ROW_delete])
		call_deleted(r, e);
	r->done = 1;
	return 0;
}

/* --- where the calls are made -------------------------------------------------------------- */

SEC("syscall")
int table_thread(void *ctx)
{
	return make_calls(CONTEXT_thread);
}

static int table_softirq(void *map, int *key, struct element *e)
{
	return make_calls(CONTEXT_softirq);
}

static int table_worker(void *map, int *key, struct element *e)
{
	return make_calls(CONTEXT_worker);
}

SEC("perf_event")
int table_handler(void *ctx)
{
	return make_calls(CONTEXT_handler);
}

SEC("tp_btf/nmi_handler")
int table_nmi(void *ctx)
{
	return make_calls(CONTEXT_nmi);
}

static __always_inline void expect_ok(long err)
{
	if (err)
		nr_errors++;
}

static __always_inline struct element *driver(__u32 i)
{
	return bpf_map_lookup_elem(&drivers, &i);
}

SEC("syscall")
int drive_softirq(void *ctx)
{
	struct element *e = driver(DRIVER_TABLE);

	if (e) {
		expect_ok(bpf_timer_init(&e->timer, &drivers, MONOTONIC));
		expect_ok(bpf_timer_set_callback(&e->timer, table_softirq));
		expect_ok(bpf_timer_start(&e->timer, 0, 0));
	}
	return 0;
}

SEC("syscall")
int drive_worker(void *ctx)
{
	struct element *e = driver(DRIVER_TABLE);

	if (e) {
		expect_ok(bpf_wq_init(&e->wq, &drivers, 0));
		expect_ok(bpf_wq_set_callback(&e->wq, (callback_fn *)table_worker, 0));
		expect_ok(bpf_wq_start(&e->wq, 0));
	}
	return 0;
}

/* --- a callback that uses its own timer ------------------------------------------------------- */

/* Comes behind the re-armed ones, on the same CPU: so who has not run by now never will. */
static int mark(void *map, int *key, struct element *e)
{
	struct element *own = driver(DRIVER_OWN);
	__u32 context = CONTEXT_softirq;
	struct async_results *r = bpf_map_lookup_elem(&results, &context);

	if (own && r) {
		SAY(own_runs, own->runs);
		r->done = 2;
	}
	return 0;
}

static int use_itself(void *map, int *key, struct element *e)
{
	struct element *end = driver(DRIVER_MARK);
	__u32 context = CONTEXT_softirq;
	struct async_results *r = bpf_map_lookup_elem(&results, &context);

	if (!r || !end)
		return 0;
	e->runs++;
	if (e->runs == 1) {
		SAY(own_cancel, bpf_timer_cancel(&e->timer));
		SAY(own_async, bpf_timer_cancel_async(&e->timer));
		SAY(own_start, bpf_timer_start(&e->timer, 0, PINNED));
	} else if (e->runs == 2) {
		expect_ok(bpf_timer_start(&e->timer, 0, PINNED));
		SAY(own_async_after_start, bpf_timer_cancel_async(&e->timer));
		expect_ok(bpf_timer_init(&end->timer, &drivers, MONOTONIC));
		expect_ok(bpf_timer_set_callback(&end->timer, mark));
		expect_ok(bpf_timer_start(&end->timer, SOON_NS, PINNED));
	}
	return 0;
}

SEC("syscall")
int drive_own(void *ctx)
{
	struct element *e = driver(DRIVER_OWN);

	if (e) {
		expect_ok(bpf_timer_init(&e->timer, &drivers, MONOTONIC));
		expect_ok(bpf_timer_set_callback(&e->timer, use_itself));
		expect_ok(bpf_timer_start(&e->timer, 0, PINNED));
	}
	return 0;
}

/* --- one work, started twice --------------------------------------------------------------------- */

static int tell_runs(void *map, int *key, struct element *e)
{
	struct element *twice = driver(DRIVER_TWICE);
	__u32 context = CONTEXT_worker;
	struct async_results *r = bpf_map_lookup_elem(&results, &context);

	if (twice && r) {
		SAY(two_starts_runs, twice->runs);
		r->done = 2;
	}
	return 0;
}

/* While it runs, the first start makes it pending, and the second finds it so. */
static int count_run(void *map, int *key, struct element *e)
{
	struct element *end = driver(DRIVER_MARK);

	if (!end)
		return 0;
	e->runs++;
	if (e->runs == 1) {
		expect_ok(bpf_wq_start(&e->wq, 0));
		expect_ok(bpf_wq_start(&e->wq, 0));
	} else if (e->runs == 2) {
		expect_ok(bpf_timer_set_callback(&end->timer, tell_runs));
		expect_ok(bpf_timer_start(&end->timer, SOON_NS, 0));
	}
	return 0;
}

/* After drive_own(). */
SEC("syscall")
int drive_twice(void *ctx)
{
	struct element *e = driver(DRIVER_TWICE);

	if (e) {
		expect_ok(bpf_wq_init(&e->wq, &drivers, 0));
		expect_ok(bpf_wq_set_callback(&e->wq, (callback_fn *)count_run, 0));
		expect_ok(bpf_wq_start(&e->wq, 0));
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
