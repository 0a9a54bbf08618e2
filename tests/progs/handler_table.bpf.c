/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tests/progs/handler_table.bpf.c - every helper and kfunc that a perf event's program may call, called
 *
 * By one object file in the kernel's interrupt and in a process's signal handler.  What is
 * kept is the result, or whether it is right where it differs from run to run.
 */
#define bpf_wq bpf_wq_of_the_header	/* which not every system has */
#include "linux_bpf.h"
#undef bpf_wq
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "iter.h"
#include "tests/progs/handler_table.h"

struct bpf_wq {
	__u64 opaque[2];
} __attribute__((aligned(8)));

typedef int callback_fn(void *map, int *key, void *value);

/* Weak: kernels have some of them, and one loads only the programs that it can. */
struct bpf_map {
	__u32 id;
} __attribute__((preserve_access_index));

extern __s64 bpf_map_sum_elem_count(const struct bpf_map *map) __ksym;
extern int bpf_timer_cancel_async(struct bpf_timer *timer) __ksym __weak;
extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __ksym __weak;
extern int bpf_wq_set_callback(struct bpf_wq *wq, callback_fn *callback, unsigned int flags) __ksym __weak;
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, callback_fn *callback, unsigned int flags,
				    void *aux__ign) __ksym __weak;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym __weak;

#define NR_ELEMS 4
#define FAR_NS (3600ull * 1000000000)
#define BAD_ADDRESS ((void *)8)
#define MONOTONIC 1

struct element {
	struct bpf_timer timer;
	struct bpf_wq wq;
};

#define MAP_OF(name_, type_, value_, entries)                                        \
	struct {                                                                     \
		__uint(type, BPF_MAP_TYPE_##type_);                                  \
		__uint(max_entries, entries);                                        \
		__type(key, __u32);                                                  \
		__type(value, value_);                                               \
	} name_ SEC(".maps")

MAP_OF(results, ARRAY, struct handler_results, 1);
MAP_OF(numbers, ARRAY, __u64, NR_ELEMS);
MAP_OF(hash, HASH, __u64, NR_ELEMS);
MAP_OF(percpu, PERCPU_ARRAY, __u64, 1);
MAP_OF(elements, ARRAY, struct element, 1);

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 64);
	__uint(key_size, 4);
	__uint(value_size, 8 * 16);
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} tasks SEC(".maps");

const char text[] = "text";

#define SAY(name, call) (r->row[ROW_##name] = (long long)(call))

/* Once: a perf event comes again and again. */
static __always_inline struct handler_results *begin(int program)
{
	__u32 zero = 0;
	struct handler_results *r = bpf_map_lookup_elem(&results, &zero);

	if (!r || __sync_lock_test_and_set(&r->begun[program], 1))
		return 0;
	return r;
}

/* --- helpers ------------------------------------------------------------------------------ */

static int count_element(void *map, __u32 *key, __u64 *value, int *nr)
{
	++*nr;
	return 0;
}

static int count_round(__u32 i, int *nr)
{
	++*nr;
	return 0;
}

static __always_inline void call_maps(struct handler_results *r)
{
	__u32 key = 0;
	__u64 value = 1;
	int nr = 0;

	SAY(bpf_map_update_elem, bpf_map_update_elem(&hash, &key, &value, BPF_ANY));
	SAY(bpf_map_lookup_elem, bpf_map_lookup_elem(&hash, &key) != 0);
	SAY(bpf_map_sum_elem_count, bpf_map_sum_elem_count((struct bpf_map *)&hash));
	SAY(bpf_map_delete_elem, bpf_map_delete_elem(&hash, &key));
	SAY(bpf_map_lookup_percpu_elem, bpf_map_lookup_percpu_elem(&percpu, &key, 0) != 0);
	bpf_for_each_map_elem(&numbers, count_element, &nr, 0);
	SAY(bpf_for_each_map_elem, nr);
	SAY(bpf_loop, bpf_loop(10, count_round, &nr, 0));
}

/* Of an address where nothing is; the strings, of one where something is. */
static __always_inline void call_reads(struct handler_results *r)
{
	char to[8];

	SAY(bpf_probe_read, bpf_probe_read(to, sizeof(to), BAD_ADDRESS));
	SAY(bpf_probe_read_user, bpf_probe_read_user(to, sizeof(to), BAD_ADDRESS));
	SAY(bpf_probe_read_kernel, bpf_probe_read_kernel(to, sizeof(to), BAD_ADDRESS));
	SAY(bpf_probe_read_str, bpf_probe_read_str(to, sizeof(to), BAD_ADDRESS));
	SAY(bpf_probe_read_user_str, bpf_probe_read_user_str(to, sizeof(to), BAD_ADDRESS));
	SAY(bpf_probe_read_kernel_str, bpf_probe_read_kernel_str(to, sizeof(to), text));
}

static __always_inline void call_clocks(struct handler_results *r)
{
	SAY(bpf_ktime_get_ns, bpf_ktime_get_ns() != 0);
	SAY(bpf_ktime_get_boot_ns, bpf_ktime_get_boot_ns() != 0);
	SAY(bpf_ktime_get_tai_ns, bpf_ktime_get_tai_ns() != 0);
	SAY(bpf_jiffies64, bpf_jiffies64() != 0);
}

static __always_inline void call_small(struct handler_results *r)
{
	char comm[16];

	SAY(bpf_get_prandom_u32, bpf_get_prandom_u32() != bpf_get_prandom_u32());
	SAY(bpf_get_smp_processor_id, bpf_get_smp_processor_id() < 65536);
	SAY(bpf_get_current_pid_tgid, bpf_get_current_pid_tgid() == r->pid_tgid);
	SAY(bpf_get_current_uid_gid, bpf_get_current_uid_gid() == r->uid_gid);
	SAY(bpf_get_current_comm, bpf_get_current_comm(comm, sizeof(comm)));
	comm[0] = 'a';
	SAY(bpf_strncmp, bpf_strncmp(comm, 1, "a"));
}

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

static __always_inline void call_task(struct handler_results *r)
{
	struct task_struct *task = bpf_get_current_task_btf();
	int tid = (int)r->pid_tgid;

	SAY(bpf_get_current_task, bpf_get_current_task() != 0);
	SAY(bpf_get_current_task_btf, task->pid == tid);
	SAY(bpf_task_storage_get,
	    bpf_task_storage_get(&tasks, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE) != 0);
	SAY(bpf_task_storage_delete, bpf_task_storage_delete(&tasks, task));
}

static __always_inline void call_text(struct handler_results *r)
{
	static const char line[] = "handler_table\n", number[] = "%d";
	__u64 args[1] = { 12345 };
	char to[16];

	SAY(bpf_trace_printk, bpf_trace_printk(line, sizeof(line)));
	SAY(bpf_trace_vprintk, bpf_trace_vprintk(line, sizeof(line), 0, 0));
	SAY(bpf_snprintf, bpf_snprintf(to, sizeof(to), number, args, sizeof(args)));
}

static __always_inline void call_event(struct handler_results *r, void *ctx)
{
	struct bpf_perf_event_value value;
	__u64 ips[4];

	SAY(bpf_get_stackid, bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK) >= 0);
	SAY(bpf_get_stack, bpf_get_stack(ctx, ips, sizeof(ips), BPF_F_USER_STACK) > 0);
	SAY(bpf_perf_prog_read_value,
	    bpf_perf_prog_read_value(ctx, (void *)&value, sizeof(value)));
	SAY(bpf_get_attach_cookie, bpf_get_attach_cookie(ctx) == HANDLER_COOKIE);
}

/* Submitting and discarding give nothing: what is left in the ring tells. */
static __always_inline void call_ring(struct handler_results *r)
{
	__u64 *record, word = 1;

	SAY(bpf_ringbuf_output, bpf_ringbuf_output(&ring, &word, sizeof(word), 0));
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	SAY(bpf_ringbuf_reserve, record != 0);
	if (record)
		bpf_ringbuf_discard(record, 0);
	SAY(bpf_ringbuf_discard, bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA));
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (record) {
		*record = 1;
		bpf_ringbuf_submit(record, 0);
	}
	SAY(bpf_ringbuf_submit, bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA));
	SAY(bpf_ringbuf_query, bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE));
}

struct wakeup_source {
	const char *name;
} __attribute__((preserve_access_index));

static __always_inline void call_kfuncs(struct handler_results *r)
{
	struct wakeup_source *ws;
	struct bpf_iter_num it;
	int *number;

	SAY(bpf_iter_num_new, bpf_iter_num_new(&it, 3, 5));
	number = bpf_iter_num_next(&it);
	SAY(bpf_iter_num_next, number ? *number : -1);
	bpf_iter_num_destroy(&it);
	SAY(bpf_iter_num_destroy, 0);
	ws = bpf_rdonly_cast(BAD_ADDRESS, bpf_core_type_id_kernel(struct wakeup_source));
	SAY(bpf_rdonly_cast, (long long)ws->name);
}

SEC("perf_event")
int table_helpers(void *ctx)
{
	struct handler_results *r = begin(0);

	if (!r)
		return 0;
	call_maps(r);
	call_reads(r);
	call_clocks(r);
	call_small(r);
	call_task(r);
	call_text(r);
	call_event(r, ctx);
	call_ring(r);
	call_kfuncs(r);
	r->done[0] = 1;
	return 0;
}

/* --- more --------------------------------------------------------------------------------- */

SEC("perf_event")
int table_more(void *ctx)
{
	struct handler_results *r = begin(1);

	if (!r)
		return 0;
	SAY(bpf_ktime_get_coarse_ns, bpf_ktime_get_coarse_ns() != 0);
	r->done[1] = 1;
	return 0;
}

static int never(void *map, int *key, struct element *e)
{
	return 0;
}

SEC("perf_event")
int table_async(void *ctx)
{
	struct handler_results *r = begin(2);
	__u32 zero = 0;
	struct element *e = bpf_map_lookup_elem(&elements, &zero);

	if (!r || !e)
		return 0;
	SAY(bpf_timer_init, bpf_timer_init(&e->timer, &elements, MONOTONIC));
	SAY(bpf_timer_set_callback, bpf_timer_set_callback(&e->timer, never));
	SAY(bpf_timer_start, bpf_timer_start(&e->timer, FAR_NS, 0));
	SAY(bpf_timer_cancel, bpf_timer_cancel(&e->timer));
	SAY(bpf_timer_cancel_async, bpf_timer_cancel_async(&e->timer));
	SAY(bpf_wq_init, bpf_wq_init(&e->wq, &elements, 0));
	SAY(bpf_wq_set_callback, bpf_wq_set_callback(&e->wq, (callback_fn *)never, 0));
	SAY(bpf_wq_set_callback_impl,
	    bpf_wq_set_callback_impl(&e->wq, (callback_fn *)never, 0, 0));
	SAY(bpf_wq_start, bpf_wq_start(&e->wq, 0));
	r->done[2] = 1;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
