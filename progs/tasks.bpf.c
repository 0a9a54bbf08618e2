/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * progs/tasks.bpf.c - ten attributes each of many live kernel objects, in one walk
 *
 * For measuring, where the kernel is too old for wakeup sources: the list of
 * tasks, around and around, until as many objects were read as were asked for.
 */
#include "types.h"
#include "iter.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct task_struct {
	int pid, tgid;
	int prio, static_prio, normal_prio;
	unsigned long nvcsw, nivcsw;
	__u64 utime, stime;
	__u64 start_time;
	struct list_head tasks;
};

#pragma clang attribute pop

struct task_record {
	__u64 utime, stime, start_time, nvcsw, nivcsw;
	int pid, tgid, prio, static_prio, normal_prio, pad;
};

struct tasks_walk {
	__u32 nr_objects;	/* in */
	__u32 visited;		/* out */
	__u32 lost;		/* out */
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} records SEC(".maps");

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

static __always_inline void emit(const struct task_struct *task, struct tasks_walk *walk)
{
	struct task_record *rec = bpf_ringbuf_reserve(&records, sizeof(*rec), 0);

	if (!rec) {
		walk->lost++;
		return;
	}
	rec->utime = task->utime;
	rec->stime = task->stime;
	rec->start_time = task->start_time;
	rec->nvcsw = task->nvcsw;
	rec->nivcsw = task->nivcsw;
	rec->pid = task->pid;
	rec->tgid = task->tgid;
	rec->prio = task->prio;
	rec->static_prio = task->static_prio;
	rec->normal_prio = task->normal_prio;
	rec->pad = 0;
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
}

SEC("syscall")
int tasks_walk(struct tasks_walk *walk)
{
	const struct task_struct *task = core_cast((void *)bpf_get_current_task(), struct task_struct);
	int i;

	walk->visited = 0;
	walk->lost = 0;
	bpf_rcu_read_lock();
	for_range(i, 0, walk->nr_objects) {
		const void *next = task->tasks.next;

		if (!next)
			break;
		emit(task, walk);
		walk->visited++;
		task = core_cast(next - bpf_core_field_offset(struct task_struct, tasks),
				 struct task_struct);
	}
	bpf_rcu_read_unlock();
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
