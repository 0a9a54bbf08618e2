/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/stack_trace.h - a number for a stack, the same for the same stack
 */
#ifndef ROVE_BPF_MAP_STACK_TRACE_H
#define ROVE_BPF_MAP_STACK_TRACE_H

#include "base/types.h"

struct bpf_map;

#define STACK_TRACE_MAX_DEPTH 127u	/* the kernel's kernel.perf_event_max_stack */

/**
 * stack_trace_id - keep a stack in the map, or find it there
 * @map:    of BPF_MAP_TYPE_STACK_TRACE
 * @ips:    innermost first
 * @nr:     of @ips
 * @flags:  bpf_get_stackid()'s: how many to skip in BPF_F_SKIP_FIELD_MASK,
 *          BPF_F_USER_STACK (no difference here), BPF_F_FAST_STACK_CMP,
 *          BPF_F_REUSE_STACKID
 *
 * As much of the stack is kept as a value has room for.
 *
 * Context: any.  Lock-free, allocates nothing.
 * Return:  the number, which is the map's key; -EINVAL (flags), -EFAULT (nothing is
 *          left to keep), -EEXIST (another stack has the number), -ENOMEM (the map is
 *          full).
 */
int stack_trace_id(struct bpf_map *map, const u64 *ips, u32 nr, u64 flags);

#endif
