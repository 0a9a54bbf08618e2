/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/corpus/case.h - one corpus file in memory
 *
 * A case is a program, its maps, and what a verifier says about it.  It is the
 * same for our verifier and the kernel's, so what refers to maps and kfuncs is
 * kept by name and number and filled in by whoever loads it.
 */
#ifndef ROVE_TESTS_TOOL_CORPUS_CASE_H
#define ROVE_TESTS_TOOL_CORPUS_CASE_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/core/insn.h"
#include "bpf/core/uapi.h"

#define CASE_MAX_INSNS 8192
#define CASE_MAX_MAPS 8
#define CASE_MAX_LINES 16
#define CASE_MAX_NAMES 64
#define CASE_TEXT 256

struct case_map {
	u32 type, key_size, value_size, max_entries;
	bool has_timer, has_wq, has_lock;
	u32 timer, wq, lock;	/* offsets of the special fields */
	bool has_inner;
	u32 inner;	/* the number of a map before this one: like those in it */
	bool any_size;	/* BPF_F_INNER_MAP */
	bool rdonly;	/* frozen, its content known to the verifier */
	u8 data[64];
	u32 nr_data;
};

/* A kfunc call, by its place and name. */
struct case_kfunc {
	u32 pc;
	char name[64];
};

struct case_label {
	char name[64];
	u32 pc;
};

struct case_jump {
	u32 pc;
	char name[64];
	bool is_call, is_func;
	char where[CASE_TEXT];
};

struct corpus_case {
	char path[512];
	char name[CASE_TEXT];
	u32 prog_type;
	u32 prog_flags;
	char iter[64];		/* BPF_PROG_TYPE_TRACING: the iterator's target */
	struct case_map maps[CASE_MAX_MAPS];
	u32 nr_maps;
	struct bpf_insn insns[CASE_MAX_INSNS];
	u32 nr_insns;
	struct case_kfunc kfuncs[CASE_MAX_NAMES];
	u32 nr_kfuncs;
	struct case_kfunc types[CASE_MAX_NAMES];	/* numbers of structs */
	u32 nr_types;
	struct case_label labels[CASE_MAX_NAMES];
	u32 nr_labels;
	struct case_jump jumps[CASE_MAX_INSNS];
	u32 nr_jumps;
	struct case_label globals[CASE_MAX_NAMES]; /* ->pc: number of scalar arguments */
	u32 nr_globals;

	bool expected;		/* accept or reject was said */
	int err;		/* 0: accepted */
	s32 reject_pc;		/* -1: not said */
	char logs[CASE_MAX_LINES][CASE_TEXT];
	u32 nr_logs;
	char states[CASE_MAX_LINES][CASE_TEXT];	/* "N: rX is ..." */
	u32 nr_states;
	char kernel_skip[CASE_TEXT];	/* why a kernel cannot be asked; "" it can */

	char bad[CASE_TEXT * 2];	/* why the file makes no sense */
};

static inline int case_bad(struct corpus_case *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static inline int case_bad(struct corpus_case *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->bad, sizeof(c->bad), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* Numbers and names that a file may use. */
struct case_word {
	const char *name;
	int value;
};

static inline const struct case_word *case_word(const struct case_word *table, const char *name)
{
	for (; table->name; table++) {
		if (!strcmp(table->name, name))
			return table;
	}
	return NULL;
}

static const struct case_word case_helpers[] __attribute__((unused)) = {
	{ "map_lookup_elem", 1 },
	{ "map_update_elem", 2 },
	{ "map_delete_elem", 3 },
	{ "ktime_get_ns", 5 },
	{ "get_prandom_u32", 7 },
	{ "get_smp_processor_id", 8 },
	{ "tail_call", 12 },
	{ "get_current_pid_tgid", 14 },
	{ "get_current_comm", 16 },
	{ "get_stackid", 27 },
	{ "perf_prog_read_value", 56 },
	{ "get_stack", 67 },
	{ "probe_read_kernel", 113 },
	{ "seq_printf", 126 },
	{ "seq_write", 127 },
	{ "ringbuf_output", 130 },
	{ "ringbuf_reserve", 131 },
	{ "ringbuf_submit", 132 },
	{ "ringbuf_discard", 133 },
	{ "ringbuf_query", 134 },
	{ "for_each_map_elem", 164 },
	{ "timer_init", 169 },
	{ "timer_set_callback", 170 },
	{ "timer_start", 171 },
	{ "timer_cancel", 172 },
	{ "task_storage_get", 156 },
	{ "task_storage_delete", 157 },
	{ "get_current_task_btf", 158 },
	{ "loop", 181 },
	{ "map_lookup_percpu_elem", 195 },
	{ NULL, 0 },
};

static const struct case_word case_prog_types[] __attribute__((unused)) = {
	{ "socket_filter", BPF_PROG_TYPE_SOCKET_FILTER },
	{ "perf_event", BPF_PROG_TYPE_PERF_EVENT },
	{ "syscall", BPF_PROG_TYPE_SYSCALL },
	{ NULL, 0 },
};

static const struct case_word case_map_types[] __attribute__((unused)) = {
	{ "hash", BPF_MAP_TYPE_HASH },
	{ "rhash", MAP_TYPE_RHASH },
	{ "lru_hash", BPF_MAP_TYPE_LRU_HASH },
	{ "percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY },
	{ "percpu_hash", BPF_MAP_TYPE_PERCPU_HASH },
	{ "lru_percpu_hash", BPF_MAP_TYPE_LRU_PERCPU_HASH },
	{ "task_storage", BPF_MAP_TYPE_TASK_STORAGE },
	{ "array_of_maps", BPF_MAP_TYPE_ARRAY_OF_MAPS },
	{ "hash_of_maps", BPF_MAP_TYPE_HASH_OF_MAPS },
	{ "stack_trace", BPF_MAP_TYPE_STACK_TRACE },
	{ "array", BPF_MAP_TYPE_ARRAY },
	{ "ringbuf", BPF_MAP_TYPE_RINGBUF },
	{ NULL, 0 },
};

static const struct case_word case_errors[] __attribute__((unused)) = {
	{ "-EINVAL", -EINVAL },	{ "-EACCES", -EACCES }, { "-EPERM", -EPERM },
	{ "-E2BIG", -E2BIG },	{ "-EFAULT", -EFAULT }, { "-ENOTSUP", -EOPNOTSUPP },
	{ "-ENOENT", -ENOENT }, { "-EBADF", -EBADF },	{ "-ELOOP", -ELOOP },
	{ "-EDEADLK", -EDEADLK }, { "-ERANGE", -ERANGE },
	{ "-ENOTSUPP", -524 },	{ NULL, 0 },
};

/* The name of a value, or NULL. */
static inline const char *case_word_of(const struct case_word *table, int value)
{
	for (; table->name; table++) {
		if (table->value == value)
			return table->name;
	}
	return NULL;
}

static inline const char *case_error_name(int err)
{
	return case_word_of(case_errors, err) ?: err ? strerror(-err) : "0";
}

#endif
