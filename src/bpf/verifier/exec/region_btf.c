/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/region_btf.c - typed pointers: what a struct has at an offset
 *
 * Only loads.  All are checked when they run: a pointer that is trusted is
 * alive, but its object may hold pointers to what is not, and an untrusted one
 * may be any number.  So whatever is loaded as a pointer is untrusted, however
 * trusted the way to it was; but for the few members that the platform names,
 * whose objects live as long as what holds them.
 */
#include <errno.h>
#include <string.h>

#include "bpf/verifier/exec/region.h"

static int reject_beyond(struct vrf *v, const struct access *a, s64 off)
{
	const struct value *ptr = a->ptr;
	const char *name = btf_name(ptr->btf.btf, ptr->btf.type_id);
	int bytes = btf_size(ptr->btf.btf, ptr->btf.type_id);

	if (bytes < 0 || off + a->size > bytes)
		return vlog_reject(v, -EACCES, WHY_BOUNDS,
				   "access beyond struct %s at off %u size %u", name, (u32)off,
				   a->size);
	return vlog_reject(v, -EACCES, WHY_BOUNDS,
			   "access of struct %s at off %u size %u fits no member", name, (u32)off,
			   a->size);
}

static int btf_ptr_check(struct vrf *v, struct vstate *st, const struct access *a)
{
	const char *name = btf_name(a->ptr->btf.btf, a->ptr->btf.type_id);
	struct span span = access_span(a);
	struct wording words;
	struct btf_hit hit;

	if (a->how & ACC_WRITE)
		return vlog_reject(v, -EACCES, WHY_TYPE, "only read is supported");
	if (!span.is_const)
		return vlog_reject(v, -EACCES, WHY_BOUNDS,
				   "R%u is ptr_%s invalid variable offset: off=%d, %s", a->reg, name,
				   a->off, number_words(&a->ptr->num, &words));
	if (span.min < 0)
		return vlog_reject(v, -EACCES, WHY_BOUNDS,
				   "R%u is ptr_%s invalid negative access: off=%lld", a->reg, name,
				   (long long)span.min);
	if (span.too_far ||
	    btf_walk(a->ptr->btf.btf, a->ptr->btf.type_id, (u32)span.min, a->size, &hit) ||
	    hit.kind == BTF_HIT_STRUCT || (hit.kind == BTF_HIT_PTR && a->size != 8))
		return reject_beyond(v, a, span.min);
	return 0;
}

static bool keeps_trust(const struct vrf *v, const struct value *ptr, const struct btf_hit *hit)
{
	const struct trusted_member *m = v->req->platform->trusted_members;
	const char *type = btf_name(ptr->btf.btf, ptr->btf.type_id);

	/* What is alive for a while only would lend its member for longer. */
	if (!m || !(ptr->flags & VF_TRUSTED) || ptr->flags & VF_SCOPED || ptr->ref)
		return false;
	for (; m->type; m++)
		if (!strcmp(m->type, type) && !strcmp(m->member, hit->member))
			return true;
	return false;
}

static int btf_ptr_load(struct vrf *v, struct vstate *st, const struct access *a,
			struct value *ret_val)
{
	const struct btf *btf = a->ptr->btf.btf;
	struct btf_hit hit;

	if (btf_walk(btf, a->ptr->btf.type_id, (u32)access_span(a).min, a->size, &hit))
		return -EFAULT; /* btf_ptr_check() walked the same way */
	if (hit.kind != BTF_HIT_PTR || !hit.type_id || !btf_is_struct(btf, hit.type_id))
		return load_unknown(v, st, a, ret_val);
	value_set_btf(ret_val, btf, hit.type_id);
	ret_val->flags = keeps_trust(v, a->ptr, &hit) ? VF_TRUSTED : VF_UNTRUSTED;
	return 0;
}

const struct region_ops region_btf = {
	.note = NOTE_CHECKED_LOAD,
	.check = btf_ptr_check,
	.load = btf_ptr_load,
};
