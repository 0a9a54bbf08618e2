/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/region_ctx.c - the context, by its description
 *
 * A plain context is bytes given by whoever runs the program: how many are
 * used is remembered, and the runtime asks for at least that.  Any other is
 * described field by field, and only whole fields or parts of numbers exist.
 */
#include <errno.h>

#include "bpf/verifier/exec/region.h"

static int reject_ctx(struct vrf *v, const struct access *a, s64 off)
{
	return vlog_reject(v, -EACCES, WHY_BOUNDS, "invalid bpf_context access off=%lld size=%u",
			   (long long)off, a->size);
}

static const struct ctx_field *field_at(const struct ctx_desc *ctx, s64 off, u32 size)
{
	for (u32 i = 0; i < ctx->nr_fields; i++) {
		const struct ctx_field *f = &ctx->fields[i];

		if (off < f->off || off + size > (u64)f->off + f->size)
			continue;
		if (f->words && (size != 8 || (off - f->off) % 8))
			continue;
		if ((!f->btf_id && !f->buf) || (off == f->off && size == f->size))
			return f;
	}
	return NULL;
}

/*
 * Like other memory of known size: any offset whose whole range lies inside.  The
 * kernel allows an offset other than the instruction's own since 7.1.
 */
static int check_plain(struct vrf *v, const struct access *a, const struct span *span)
{
	const struct ctx_desc *ctx = v->facts->ctx;

	if (span->min < 0 || span->too_far || span->max > (s64)ctx->max_bytes - (s64)a->size)
		return reject_ctx(v, a, span->min < 0 ? span->min : span->max);
	if (!(a->how & ACC_ARG) && span->is_const && span->min % a->size)
		return reject_ctx(v, a, span->min);
	if (a->how & ACC_WRITE && !ctx->writable)
		return reject_ctx(v, a, span->min);
	v->res->max_ctx_bytes = max(v->res->max_ctx_bytes, (u32)(span->max + a->size));
	return 0;
}

static int check_fields(struct vrf *v, const struct access *a, const struct span *span)
{
	const struct ctx_field *f;
	struct wording words;

	if (!span->is_const)
		return vlog_reject(v, -EACCES, WHY_BOUNDS, "variable ctx access var_off=%s disallowed",
				   number_words(&a->ptr->num, &words));
	if (value_offset(a->ptr))
		return vlog_reject(v, -EACCES, WHY_BOUNDS,
				   "dereference of modified ctx ptr R%u off=%lld disallowed", a->reg,
				   (long long)value_offset(a->ptr));
	f = span->min % a->size ? NULL : field_at(v->facts->ctx, span->min, a->size);
	if (!f || (a->how & ACC_WRITE && !f->writable) || a->how & ACC_ARG)
		return reject_ctx(v, a, span->min);
	v->res->max_ctx_bytes = max(v->res->max_ctx_bytes, (u32)span->min + a->size);
	return 0;
}

static int ctx_check(struct vrf *v, struct vstate *st, const struct access *a)
{
	struct span span = access_span(a);

	return v->facts->ctx->plain ? check_plain(v, a, &span) : check_fields(v, a, &span);
}

/* A pointer that the context holds, typed or to plain memory. */
static void load_pointer(struct vrf *v, struct vstate *st, const struct ctx_field *f,
			 struct value *ret_val)
{
	if (f->buf) {
		value_set_buf(ret_val);
		ret_val->flags = f->buf == CTX_BUF_RDONLY ? VF_RDONLY : 0;
	} else {
		value_set_btf(ret_val, v->req->platform->btf, f->btf_id);
		ret_val->flags = VF_TRUSTED;
	}
	if (f->maybe_null) {
		ret_val->flags |= VF_MAYBE_NULL;
		ret_val->id = vstate_new_id(st);
	}
}

static int ctx_load(struct vrf *v, struct vstate *st, const struct access *a,
		    struct value *ret_val)
{
	const struct ctx_field *f = NULL;

	if (!v->facts->ctx->plain)
		f = field_at(v->facts->ctx, access_span(a).min, a->size);
	if (!f || (!f->btf_id && !f->buf))
		return load_unknown(v, st, a, ret_val);
	load_pointer(v, st, f, ret_val);
	return 0;
}

const struct region_ops region_ctx = {
	.note = NOTE_CTX,
	.check = ctx_check,
	.load = ctx_load,
};
