/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/table.c - each helper's number, arguments and result
 */
#include "bpf/btf/fields.h"
#include "bpf/core/uapi.h"
#include "bpf/async/async.h"
#include "bpf/helper/helper.h"
#include "bpf/map/task.h"

#define MAPS_PERCPU                                                                  \
	(1ull << BPF_MAP_TYPE_PERCPU_ARRAY | 1ull << BPF_MAP_TYPE_PERCPU_HASH |      \
	 1ull << BPF_MAP_TYPE_LRU_PERCPU_HASH)
#define MAPS_WITH_KEYS                                                               \
	(1ull << BPF_MAP_TYPE_HASH | 1ull << BPF_MAP_TYPE_ARRAY |                    \
	 1ull << BPF_MAP_TYPE_LRU_HASH | 1ull << MAP_TYPE_RHASH | MAPS_PERCPU)
#define MAPS_WITH_MAPS (1ull << BPF_MAP_TYPE_ARRAY_OF_MAPS | 1ull << BPF_MAP_TYPE_HASH_OF_MAPS)
#define MAPS_RINGBUF (1ull << BPF_MAP_TYPE_RINGBUF)

#define ANYTHING { ARG_ANYTHING }
#define KEYED_MAP { ARG_MAP, .map_types = MAPS_WITH_KEYS }
#define LOOKED_UP_MAP { ARG_MAP, .map_types = MAPS_WITH_KEYS | MAPS_WITH_MAPS }
#define PERCPU_MAP { ARG_MAP, .map_types = MAPS_PERCPU }
#define TASK_MAP { ARG_MAP, .map_types = 1ull << BPF_MAP_TYPE_TASK_STORAGE }
#define STACK_MAP { ARG_MAP, .map_types = 1ull << BPF_MAP_TYPE_STACK_TRACE }
#define RINGBUF_MAP { ARG_MAP, .map_types = MAPS_RINGBUF }
#define SIZE { ARG_SIZE }
#define SIZE_OR_ZERO { ARG_SIZE, ARGF_ZERO_OK }
#define READ_MEM { ARG_MEM }
#define READ_MEM_OR_NULL { ARG_MEM, ARGF_MAYBE_NULL }
#define OUT_MEM { ARG_MEM, ARGF_WRITE | ARGF_UNINIT }
#define OUT_MEM_OR_NULL { ARG_MEM, ARGF_WRITE | ARGF_UNINIT | ARGF_MAYBE_NULL }
#define SEQ_FILE { ARG_BTF, ARGF_TRUSTED }
#define TASK_OR_NULL { ARG_BTF, ARGF_TRUSTED | ARGF_MAYBE_NULL }
#define CALLBACK { ARG_FUNC }
#define CALLBACK_CTX { ARG_STACK, ARGF_MAYBE_NULL }
#define TIMER { ARG_FIELD, .field = BTF_FIELD_TIMER }
#define RECORD { ARG_RECORD, ARGF_RELEASE }

#define PROBE(text, func)                                                            \
	{                                                                            \
		.proto = { text, { OUT_MEM, SIZE_OR_ZERO, ANYTHING },                \
			   { RET_SCALAR }, FUNC_GPL },                               \
		.fn = func,                                                          \
	}

static const struct helper helpers[] = {
	[BPF_FUNC_map_lookup_elem] = {
		.proto = { "bpf_map_lookup_elem", { LOOKED_UP_MAP, { ARG_MAP_KEY } },
			   { RET_MAP_VALUE, RETF_MAYBE_NULL } },
		.fn = helper_map_lookup_elem,
	},
	[BPF_FUNC_map_update_elem] = {
		.proto = { "bpf_map_update_elem",
			   { KEYED_MAP, { ARG_MAP_KEY }, { ARG_MAP_VALUE }, ANYTHING },
			   { RET_SCALAR } },
		.fn = helper_map_update_elem,
	},
	[BPF_FUNC_map_delete_elem] = {
		.proto = { "bpf_map_delete_elem", { KEYED_MAP, { ARG_MAP_KEY } }, { RET_SCALAR } },
		.fn = helper_map_delete_elem,
	},
	[BPF_FUNC_map_lookup_percpu_elem] = {
		.proto = { "bpf_map_lookup_percpu_elem",
			   { PERCPU_MAP, { ARG_MAP_KEY }, ANYTHING },
			   { RET_MAP_VALUE, RETF_MAYBE_NULL } },
		.fn = helper_map_lookup_percpu_elem,
	},
	[BPF_FUNC_probe_read] = {
		.proto = { "bpf_probe_read", { OUT_MEM, SIZE_OR_ZERO, ANYTHING }, { RET_SCALAR },
			   FUNC_GPL },
		.fn = helper_probe_read,
		.tracing_only = true,
	},
	[BPF_FUNC_probe_read_str] = {
		.proto = { "bpf_probe_read_str", { OUT_MEM, SIZE_OR_ZERO, ANYTHING },
			   { RET_SCALAR }, FUNC_GPL },
		.fn = helper_probe_read_str,
		.tracing_only = true,
	},
	[BPF_FUNC_probe_read_user] = PROBE("bpf_probe_read_user", helper_probe_read),
	[BPF_FUNC_probe_read_kernel] = PROBE("bpf_probe_read_kernel", helper_probe_read),
	[BPF_FUNC_probe_read_user_str] = PROBE("bpf_probe_read_user_str", helper_probe_read_str),
	[BPF_FUNC_probe_read_kernel_str] =
		PROBE("bpf_probe_read_kernel_str", helper_probe_read_str),

	[BPF_FUNC_ktime_get_ns] = {
		.proto = { "bpf_ktime_get_ns", .ret = { RET_SCALAR }, .flags = FUNC_GPL },
		.fn = helper_ktime_get_ns,
	},
	[BPF_FUNC_ktime_get_boot_ns] = {
		.proto = { "bpf_ktime_get_boot_ns", .ret = { RET_SCALAR }, .flags = FUNC_GPL },
		.fn = helper_ktime_get_boot_ns,
	},
	[BPF_FUNC_ktime_get_coarse_ns] = {
		.proto = { "bpf_ktime_get_coarse_ns", .ret = { RET_SCALAR } },
		.fn = helper_ktime_get_coarse_ns,
	},
	[BPF_FUNC_ktime_get_tai_ns] = {
		.proto = { "bpf_ktime_get_tai_ns", .ret = { RET_SCALAR } },
		.fn = helper_ktime_get_tai_ns,
	},
	[BPF_FUNC_jiffies64] = {
		.proto = { "bpf_jiffies64", .ret = { RET_SCALAR } },
		.fn = helper_jiffies64,
	},

	[BPF_FUNC_get_prandom_u32] = {
		.proto = { "bpf_get_prandom_u32", .ret = { RET_SCALAR } },
		.fn = helper_get_prandom_u32,
	},
	[BPF_FUNC_get_smp_processor_id] = {
		.proto = { "bpf_get_smp_processor_id", .ret = { RET_SCALAR } },
		.fn = helper_get_smp_processor_id,
	},
	[BPF_FUNC_get_current_pid_tgid] = {
		.proto = { "bpf_get_current_pid_tgid", .ret = { RET_SCALAR } },
		.fn = helper_get_current_pid_tgid,
	},
	[BPF_FUNC_get_current_uid_gid] = {
		.proto = { "bpf_get_current_uid_gid", .ret = { RET_SCALAR } },
		.fn = helper_get_current_uid_gid,
	},
	[BPF_FUNC_get_current_comm] = {
		.proto = { "bpf_get_current_comm", { OUT_MEM, SIZE }, { RET_SCALAR } },
		.fn = helper_get_current_comm,
	},
	[BPF_FUNC_get_current_task] = {
		.proto = { "bpf_get_current_task", .ret = { RET_SCALAR }, .flags = FUNC_GPL },
		.fn = helper_get_current_task,
		.tracing_only = true,
	},
	[BPF_FUNC_get_current_task_btf] = {
		.proto = { "bpf_get_current_task_btf", .ret = { RET_BTF, RETF_TRUSTED },
			   .flags = FUNC_GPL },
		.fn = helper_get_current_task,
		.struct_name = "task_struct",
		.tracing_only = true,
	},
	[BPF_FUNC_task_storage_get] = {
		.proto = { "bpf_task_storage_get",
			   { TASK_MAP, TASK_OR_NULL, { ARG_MAP_VALUE, ARGF_MAYBE_NULL }, ANYTHING },
			   { RET_MAP_VALUE, RETF_MAYBE_NULL } },
		.fn = helper_task_storage_get,
		.prepare = task_prepare,
		.struct_name = "task_struct",
		.tracing_only = true,
	},
	[BPF_FUNC_task_storage_delete] = {
		.proto = { "bpf_task_storage_delete", { TASK_MAP, TASK_OR_NULL }, { RET_SCALAR } },
		.fn = helper_task_storage_delete,
		.struct_name = "task_struct",
		.tracing_only = true,
	},
	[BPF_FUNC_strncmp] = {
		.proto = { "bpf_strncmp", { READ_MEM, SIZE, { ARG_CONST_STR } }, { RET_SCALAR } },
		.fn = helper_strncmp,
	},

	[BPF_FUNC_trace_printk] = {
		/* Variadic: what is not set of the other three is not printed either. */
		.proto = { "bpf_trace_printk", { READ_MEM, SIZE }, { RET_SCALAR }, FUNC_GPL },
		.fn = helper_trace_printk,
	},
	[BPF_FUNC_trace_vprintk] = {
		.proto = { "bpf_trace_vprintk",
			   { READ_MEM, SIZE, READ_MEM_OR_NULL, SIZE_OR_ZERO },
			   { RET_SCALAR }, FUNC_GPL },
		.fn = helper_trace_vprintk,
	},
	[BPF_FUNC_snprintf] = {
		.proto = { "bpf_snprintf",
			   { OUT_MEM_OR_NULL, SIZE_OR_ZERO, { ARG_CONST_STR }, READ_MEM_OR_NULL,
			     SIZE_OR_ZERO },
			   { RET_SCALAR }, FUNC_GPL },
		.fn = helper_snprintf,
	},

	[BPF_FUNC_sys_bpf] = {
		.proto = { "bpf_sys_bpf", { ANYTHING, READ_MEM, SIZE }, { RET_SCALAR },
			   FUNC_SLEEPABLE },
		.fn = helper_sys_bpf,
		.syscall_only = true,
	},
	[BPF_FUNC_sys_close] = {
		.proto = { "bpf_sys_close", { ANYTHING }, { RET_SCALAR }, FUNC_SLEEPABLE },
		.fn = helper_sys_close,
		.syscall_only = true,
	},
	[BPF_FUNC_btf_find_by_name_kind] = {
		.proto = { "bpf_btf_find_by_name_kind", { READ_MEM, SIZE, ANYTHING, ANYTHING },
			   { RET_SCALAR }, FUNC_SLEEPABLE },
		.fn = helper_btf_find_by_name_kind,
		.syscall_only = true,
	},

	[BPF_FUNC_seq_printf] = {
		.proto = { "bpf_seq_printf",
			   { SEQ_FILE, READ_MEM, SIZE, READ_MEM_OR_NULL, SIZE_OR_ZERO },
			   { RET_SCALAR }, FUNC_GPL },
		.fn = helper_seq_printf,
		.iter_only = true,
		.struct_name = "seq_file",
	},
	[BPF_FUNC_seq_write] = {
		.proto = { "bpf_seq_write", { SEQ_FILE, READ_MEM, SIZE_OR_ZERO }, { RET_SCALAR },
			   FUNC_GPL },
		.fn = helper_seq_write,
		.iter_only = true,
		.struct_name = "seq_file",
	},

	[BPF_FUNC_for_each_map_elem] = {
		.proto = { "bpf_for_each_map_elem",
			   { { ARG_MAP }, CALLBACK, CALLBACK_CTX, ANYTHING }, { RET_SCALAR },
			   .callback = CALLBACK_MAP_ELEM },
		.fn = helper_for_each_map_elem,
	},
	[BPF_FUNC_loop] = {
		.proto = { "bpf_loop", { ANYTHING, CALLBACK, CALLBACK_CTX, ANYTHING },
			   { RET_SCALAR }, .callback = CALLBACK_LOOP },
		.fn = helper_loop,
	},

	[BPF_FUNC_timer_init] = {
		.proto = { "bpf_timer_init", { TIMER, { ARG_MAP }, ANYTHING }, { RET_SCALAR } },
		.fn = helper_timer_init,
		.prepare = async_prepare,
	},
	[BPF_FUNC_timer_set_callback] = {
		.proto = { "bpf_timer_set_callback", { TIMER, CALLBACK }, { RET_SCALAR },
			   .callback = CALLBACK_ASYNC },
		.fn = helper_timer_set_callback,
	},
	[BPF_FUNC_timer_start] = {
		.proto = { "bpf_timer_start", { TIMER, ANYTHING, ANYTHING }, { RET_SCALAR } },
		.fn = helper_timer_start,
	},
	[BPF_FUNC_timer_cancel] = {
		.proto = { "bpf_timer_cancel", { TIMER }, { RET_SCALAR } },
		.fn = helper_timer_cancel,
	},
	[BPF_FUNC_get_stackid] = {
		.proto = { "bpf_get_stackid", { { ARG_CTX }, STACK_MAP, ANYTHING },
			   { RET_SCALAR }, FUNC_GPL },
		.fn = helper_get_stackid,
		.tracing_only = true,
	},
	[BPF_FUNC_get_stack] = {
		.proto = { "bpf_get_stack", { { ARG_CTX }, OUT_MEM, SIZE_OR_ZERO, ANYTHING },
			   { RET_SCALAR }, FUNC_GPL },
		.fn = helper_get_stack,
		.tracing_only = true,
	},
	[BPF_FUNC_perf_prog_read_value] = {
		.proto = { "bpf_perf_prog_read_value", { { ARG_CTX }, OUT_MEM, SIZE },
			   { RET_SCALAR }, FUNC_GPL },
		.fn = helper_perf_prog_read_value,
		.perf_event_only = true,
	},
	[BPF_FUNC_get_attach_cookie] = {
		.proto = { "bpf_get_attach_cookie", { { ARG_CTX } }, { RET_SCALAR } },
		.fn = helper_get_attach_cookie,
		.perf_event_only = true,
	},

	[BPF_FUNC_ringbuf_output] = {
		.proto = { "bpf_ringbuf_output",
			   { RINGBUF_MAP, READ_MEM, SIZE_OR_ZERO, ANYTHING }, { RET_SCALAR } },
		.fn = helper_ringbuf_output,
	},
	[BPF_FUNC_ringbuf_reserve] = {
		.proto = { "bpf_ringbuf_reserve", { RINGBUF_MAP, { ARG_CONST }, ANYTHING },
			   { RET_MEM, RETF_MAYBE_NULL | RETF_ACQUIRE | RETF_RECORD } },
		.fn = helper_ringbuf_reserve,
	},
	[BPF_FUNC_ringbuf_submit] = {
		.proto = { "bpf_ringbuf_submit", { RECORD, ANYTHING }, { RET_VOID } },
		.fn = helper_ringbuf_submit,
	},
	[BPF_FUNC_ringbuf_discard] = {
		.proto = { "bpf_ringbuf_discard", { RECORD, ANYTHING }, { RET_VOID } },
		.fn = helper_ringbuf_discard,
	},
	[BPF_FUNC_ringbuf_query] = {
		.proto = { "bpf_ringbuf_query", { RINGBUF_MAP, ANYTHING }, { RET_SCALAR } },
		.fn = helper_ringbuf_query,
	},
};

/**
 * helper_find - a helper by its number
 *
 * Context: any.
 * Return:  NULL: there is none.
 */
const struct helper *helper_find(u32 id)
{
	return id < ARRAY_SIZE(helpers) && helpers[id].fn ? &helpers[id] : NULL;
}
