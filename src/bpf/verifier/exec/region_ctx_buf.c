/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/region_ctx_buf.c - memory that a context points to
 *
 * How large it is, is known only when the program is attached: here the highest
 * end that is accessed is remembered, and whoever attaches compares.
 */
#include <errno.h>

#include "bpf/verifier/exec/region.h"

static int ctx_buf_check(struct vrf *v, struct vstate *st, const struct access *a)
{
	bool rdonly = a->ptr->flags & VF_RDONLY;
	u32 *end = rdonly ? &v->res->max_buf_rdonly_bytes : &v->res->max_buf_bytes;
	struct span span = access_span(a);
	struct wording words;

	if (span.is_const && span.min < 0)
		return vlog_reject(v, -EACCES, WHY_BOUNDS,
				   "R%u invalid %s buffer access: off=%lld, size=%u", a->reg,
				   rdonly ? "rdonly" : "rdwr", (long long)span.min, a->size);
	if (!span.is_const || span.too_far)
		return vlog_reject(v, -EACCES, WHY_BOUNDS,
				   "R%u invalid variable buffer offset: off=%d, var_off=%s", a->reg,
				   a->off, number_words(&a->ptr->num, &words));
	*end = max(*end, (u32)span.min + a->size);
	v->res->writes_buf |= (a->how & ACC_WRITE) != 0;
	return 0;
}

const struct region_ops region_ctx_buf = {
	.note = NOTE_PLAIN,
	.arg = true,
	.atomic = true,
	.check = ctx_buf_check,
	.load = load_unknown,
};
