/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/syscall/stats.c - BPF_ENABLE_STATS
 */
#include <errno.h>
#include <fcntl.h>

#include "bpf/prog/prog.h"
#include "bpf/syscall/call.h"

int cmd_enable_stats(struct call *c)
{
	struct object *obj;
	int err;

	if (c->attr.enable_stats.type != BPF_STATS_RUN_TIME)
		return -EINVAL;
	err = prog_stats_create(&obj);
	return err ?: call_open_new(obj, O_RDWR);
}
