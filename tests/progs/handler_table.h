/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tests/progs/handler_table.h - what programs of perf events may call, call by call
 *
 * Shared by the program, which calls, and tests/unit/perf/handler_table_test.c, which looks
 * for each name in handler_table.tsv beside it.
 */
#ifndef ROVE_TESTS_PROGS_HANDLER_TABLE_H
#define ROVE_TESTS_PROGS_HANDLER_TABLE_H

/* In table_helpers(). */
#define HANDLER_HELPERS(X)             \
	X(bpf_map_lookup_elem)         \
	X(bpf_map_update_elem)         \
	X(bpf_map_delete_elem)         \
	X(bpf_map_lookup_percpu_elem)  \
	X(bpf_probe_read)              \
	X(bpf_probe_read_str)          \
	X(bpf_probe_read_user)         \
	X(bpf_probe_read_user_str)     \
	X(bpf_probe_read_kernel)       \
	X(bpf_probe_read_kernel_str)   \
	X(bpf_ktime_get_ns)            \
	X(bpf_ktime_get_boot_ns)       \
	X(bpf_ktime_get_tai_ns)        \
	X(bpf_jiffies64)               \
	X(bpf_get_prandom_u32)         \
	X(bpf_get_smp_processor_id)    \
	X(bpf_get_current_pid_tgid)    \
	X(bpf_get_current_uid_gid)     \
	X(bpf_get_current_comm)        \
	X(bpf_get_current_task)        \
	X(bpf_get_current_task_btf)    \
	X(bpf_task_storage_get)        \
	X(bpf_task_storage_delete)     \
	X(bpf_strncmp)                 \
	X(bpf_trace_printk)            \
	X(bpf_trace_vprintk)           \
	X(bpf_snprintf)                \
	X(bpf_for_each_map_elem)       \
	X(bpf_loop)                    \
	X(bpf_get_stackid)             \
	X(bpf_get_stack)               \
	X(bpf_perf_prog_read_value)    \
	X(bpf_get_attach_cookie)       \
	X(bpf_ringbuf_output)          \
	X(bpf_ringbuf_reserve)         \
	X(bpf_ringbuf_submit)          \
	X(bpf_ringbuf_discard)         \
	X(bpf_ringbuf_query)           \
	X(bpf_iter_num_new)            \
	X(bpf_iter_num_next)           \
	X(bpf_iter_num_destroy)        \
	X(bpf_rdonly_cast)             \
	X(bpf_map_sum_elem_count)

/* In table_more(), which kernels do not take. */
#define HANDLER_MORE(X)                \
	X(bpf_ktime_get_coarse_ns)

/* In table_async(), which kernels before 7.0 do not take. */
#define HANDLER_ASYNC(X)               \
	X(bpf_timer_init)              \
	X(bpf_timer_set_callback)      \
	X(bpf_timer_start)             \
	X(bpf_timer_cancel)            \
	X(bpf_timer_cancel_async)      \
	X(bpf_wq_init)                 \
	X(bpf_wq_set_callback)         \
	X(bpf_wq_set_callback_impl)    \
	X(bpf_wq_start)

enum handler_row {
#define ROW(name) ROW_##name,
	HANDLER_HELPERS(ROW)
	HANDLER_MORE(ROW)
	HANDLER_ASYNC(ROW)
#undef ROW
	NR_HANDLER_ROWS
};

/* No call gives this. */
#define HANDLER_NOT_CALLED (-99999)

#define HANDLER_COOKIE 0xc00c1e

struct handler_results {
	long long row[NR_HANDLER_ROWS];
	unsigned int begun[3];	/* atomic; by program */
	unsigned int done[3];
	unsigned long long pid_tgid, uid_gid;	/* of the thread that is sampled */
};

#endif
