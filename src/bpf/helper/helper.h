/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/helper.h - the functions that programs call by number
 *
 * Numbers, arguments and results are the kernel's (bpf-helpers(7)).  "Kernel
 * memory" and "user memory" are one in a process.
 */
#ifndef ROVE_BPF_HELPER_HELPER_H
#define ROVE_BPF_HELPER_HELPER_H

#include <linux/bpf.h>

#include "bpf/core/proto.h"

typedef u64 (*helper_fn)(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5);

struct helper {
	struct func_proto proto;
	helper_fn fn;
	bool tracing_only;	/* not for programs about packets */
	int (*prepare)(void);	/* before a program that calls it first runs; 0 or -errno */
	bool iter_only;		/* for programs of iterators */
	bool perf_event_only;	/* for programs of perf events */
	bool syscall_only;	/* for BPF_PROG_TYPE_SYSCALL */
	const char *struct_name; /* what ARG_BTF arguments and RET_BTF are of */
};

/* Any number; NULL: there is no such helper. */
const struct helper *helper_find(u32 id);

/* What bpf_sys_bpf() calls; a layer above sets it before the first program is loaded. */
extern int (*helper_bpf_call)(int cmd, u64 attr, u32 size);

/* The functions, by subject; registers in, register out. */
#define HELPER(name) u64 name(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)

HELPER(helper_map_lookup_elem);
HELPER(helper_map_lookup_percpu_elem);
HELPER(helper_map_update_elem);
HELPER(helper_map_delete_elem);
HELPER(helper_for_each_map_elem);
HELPER(helper_loop);
HELPER(helper_timer_init);
HELPER(helper_timer_set_callback);
HELPER(helper_timer_start);
HELPER(helper_timer_cancel);
HELPER(helper_ringbuf_output);
HELPER(helper_ringbuf_reserve);
HELPER(helper_ringbuf_submit);
HELPER(helper_ringbuf_discard);
HELPER(helper_ringbuf_query);

HELPER(helper_probe_read);
HELPER(helper_probe_read_str);

HELPER(helper_ktime_get_ns);
HELPER(helper_ktime_get_boot_ns);
HELPER(helper_ktime_get_coarse_ns);
HELPER(helper_ktime_get_tai_ns);
HELPER(helper_jiffies64);

HELPER(helper_get_smp_processor_id);
HELPER(helper_get_current_pid_tgid);
HELPER(helper_get_current_uid_gid);
HELPER(helper_get_current_comm);
HELPER(helper_get_prandom_u32);
HELPER(helper_strncmp);

HELPER(helper_get_current_task);
HELPER(helper_task_storage_get);
HELPER(helper_task_storage_delete);

HELPER(helper_trace_printk);
HELPER(helper_trace_vprintk);
HELPER(helper_snprintf);

HELPER(helper_get_stack);
HELPER(helper_get_stackid);
HELPER(helper_perf_prog_read_value);
HELPER(helper_get_attach_cookie);

HELPER(helper_sys_bpf);
HELPER(helper_sys_close);
HELPER(helper_btf_find_by_name_kind);

HELPER(helper_seq_printf);
HELPER(helper_seq_write);

#endif
