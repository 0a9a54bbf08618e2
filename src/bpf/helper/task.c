/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/task.c - the thread that runs the program, and its values in maps
 */
#include "bpf/helper/helper.h"
#include "bpf/map/task.h"

HELPER(helper_get_current_task)
{
	return (uintptr_t)task_current();
}

/* map, task, value, flags */
HELPER(helper_task_storage_get)
{
	return (uintptr_t)task_storage_get((struct bpf_map *)r1, (const struct task_struct *)r2,
					   (const void *)r3, r4);
}

/* map, task */
HELPER(helper_task_storage_delete)
{
	return (s64)task_storage_delete((struct bpf_map *)r1, (const struct task_struct *)r2);
}
