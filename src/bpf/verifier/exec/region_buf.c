/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/region_buf.c - plain memory of known size: records, buffers
 */
#include "bpf/verifier/exec/region.h"

static int buf_check(struct vrf *v, struct vstate *st, const struct access *a)
{
	return access_within(v, a, "memory, mem_size", a->ptr->mem.size);
}

const struct region_ops region_buf = {
	.note = NOTE_PLAIN,
	.arg = true,
	.atomic = true,
	.check = buf_check,
	.load = load_unknown,
};
