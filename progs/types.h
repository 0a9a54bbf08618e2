/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * progs/types.h - the parts of the objects that our programs look at
 *
 * Only the members that are used, with the kernel's names: CO-RE finds where
 * each lies in the kernel, or in the process, that runs the program.
 */
#ifndef ROVE_PROGS_TYPES_H
#define ROVE_PROGS_TYPES_H

#include "linux_bpf.h"

#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
	struct list_head *next;
};

struct kobject {
	const char *name;
};

struct device_driver {
	const char *name;
};

struct device {
	struct kobject kobj;
	struct device *parent;
	struct device_driver *driver;
};

struct wakeup_source {
	const char *name;
	int id;
	struct list_head entry;
	__s64 total_time;
	__s64 max_time;
	__s64 last_time;
	__s64 start_prevent_time;
	__s64 prevent_sleep_time;
	unsigned long event_count;
	unsigned long active_count;
	unsigned long relax_count;
	unsigned long expire_count;
	unsigned long wakeup_count;
	struct device *dev;
	_Bool active : 1;
	_Bool autosleep_enabled : 1;
};

/* In a process a source also carries a sequence count, odd while a writer is inside. */
struct wakeup_source___rove {
	__u64 generation;
};

#pragma clang attribute pop

/* Complete, because libbpf tells a declared struct from a defined one when it compares kfuncs. */
struct bpf_ws_lock {
};

extern struct bpf_ws_lock *bpf_wakeup_sources_read_lock(void) __ksym;
extern void bpf_wakeup_sources_read_unlock(struct bpf_ws_lock *lock) __ksym;
extern void *bpf_wakeup_sources_get_head(void) __ksym;

#endif
