/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/effects.c - after a call: what was written, released, acquired, returned
 *
 * Order: what the callee wrote, then what ended with the call, then what it
 *        returns; for r1 to r5 hold the arguments until the writes are done.
 * Not here: whether the call is allowed (args.c), the order of next() and
 *           destroy() (typestate/obj_iter.c).
 */
#include <errno.h>

#include "bpf/verifier/exec/call.h"

enum invalidate {
	INVALIDATE_ALL,		/* the reference is gone */
	INVALIDATE_SCOPED,	/* it is held, but the iterator moved on */
};

/*
 * Every value that lived with a reference ends, in every frame and slot.  What
 * is left of a pointer is a number nobody knows: a program may ask whether it was
 * NULL.  Of a scoped one the number remembers that, for the reason of a rejection.
 *
 * Soundness: a pointer is alive only because its reference is.  Each way to a
 * second such pointer (a move, a spill, arithmetic) copies value.ref, and a
 * load through it gives an untrusted pointer.  So no copy escapes:
 *
 *	p = next(&it); *(u64 *)(r10 - 16) = p; destroy(&it);
 *	p = *(u64 *)(r10 - 16); r0 = *(u64 *)(p + 0)
 *
 * would, if spilled values were left out (corpus: iter_scoped_spilled).
 */
static void value_invalidate_ref(struct vstate *st, u32 ref, enum invalidate which)
{
	struct value_at at;
	struct value *val;

	vstate_each_value(st, val, at) {
		bool scoped = val->flags & VF_SCOPED;

		if (val->ref != ref || (which == INVALIDATE_SCOPED && !scoped))
			continue;
		value_set_unknown(val);
		if (scoped)
			val->flags = VF_ENDED;
	}
}

static int apply_writes(struct vrf *v, struct vstate *st, const struct call *call)
{
	int err = 0;

	for (u32 i = 0; i < call->nr_writes && !err; i++) {
		const struct call_write *w = &call->writes[i];
		const struct region_ops *ops = region_of[w->ptr.kind];
		struct access a = {
			.ptr = &w->ptr,
			.step = call->step,
			.reg = w->reg,
			.size = w->size,
			.how = ACC_ARG | ACC_WRITE,
		};

		if (ops->clobber)
			err = ops->clobber(v, st, &a);
	}
	return err;
}

static int apply_release(struct vstate *st, const struct call *call)
{
	int err;

	if (!call->release_ref)
		return 0;
	err = refs_release(&st->refs, call->release_ref);
	value_invalidate_ref(st, call->release_ref, INVALIDATE_ALL);
	return err;
}

static void apply_destroy(struct vstate *st, const struct call *call)
{
	u32 ref = obj_iter_ref(st, &call->iter);

	obj_iter_end(st, &call->iter);
	value_invalidate_ref(st, ref, INVALIDATE_ALL);
}

static void clobber_regs(struct vstate *st)
{
	for (u32 r = 0; r <= 5; r++)
		value_set_none(vstate_reg(st, r));
}

/* --- the result ------------------------------------------------------------------------------- */

static int ret_void(struct vrf *v, struct vstate *st, const struct call *call, struct value *r0)
{
	return 0;
}

static int ret_scalar(struct vrf *v, struct vstate *st, const struct call *call, struct value *r0)
{
	value_set_unknown(r0);
	return 0;
}

/*
 * Of two maps that are alike nobody knows whether they are one.  It matters where a field of a
 * value must be used with the map of that value.
 */
static u32 inner_uid(struct vstate *st, const struct vrf_map *inner)
{
	return inner->fields && inner->fields->nr ? vstate_new_id(st) : 0;
}

static int ret_map_value(struct vrf *v, struct vstate *st, const struct call *call,
			 struct value *r0)
{
	if (!call->map)
		return vlog_reject(v, -EINVAL, WHY_CALL, "%s has no map to return a value of",
				   call->proto->name);
	if (call->map->inner)
		value_set_map(r0, call->map->inner, inner_uid(st, call->map->inner));
	else
		value_set_map_value(r0, call->map, call->map_uid);
	return 0;
}

static int ret_mem(struct vrf *v, struct vstate *st, const struct call *call, struct value *r0)
{
	u64 size = call->has_const ? call->const_arg : call->proto->ret.size;

	if (size >= EXEC_MAX_OFF)
		return vlog_reject(v, -EACCES, WHY_BOUNDS, "%s of %llu bytes is too large",
				   call->proto->name, (unsigned long long)size);
	value_set_mem(r0, (u32)size);
	return 0;
}

static int ret_btf(struct vrf *v, struct vstate *st, const struct call *call, struct value *r0)
{
	value_set_btf(r0, v->req->platform->btf, call->proto->ret.btf_id);
	return 0;
}

static int ret_btf_by_arg(struct vrf *v, struct vstate *st, const struct call *call,
			  struct value *r0)
{
	const struct btf *btf = v->req->platform->btf;
	u32 id;

	if (!call->has_const || call->const_arg >= btf_nr_types(btf))
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT, "Invalid type ID passed to kfunc %s",
				   call->proto->name);
	id = btf_skip_mods(btf, (u32)call->const_arg);
	if (!id || !btf_is_struct(btf, id))
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT,
				   "kfunc %s type ID argument must be of a struct",
				   call->proto->name);
	value_set_btf(r0, btf, id);
	return 0;
}

static int (*const ret_rule[RET_KINDS])(struct vrf *v, struct vstate *st, const struct call *call,
					struct value *r0) = {
	[RET_VOID] = ret_void,
	[RET_SCALAR] = ret_scalar,
	[RET_MAP_VALUE] = ret_map_value,
	[RET_MEM] = ret_mem,
	[RET_BTF] = ret_btf,
	[RET_BTF_BY_ARG] = ret_btf_by_arg,
};

static const struct {
	u8 ret;
	u16 value;
} flag_of[] = {
	{ RETF_TRUSTED, VF_TRUSTED },
	{ RETF_UNTRUSTED, VF_UNTRUSTED },
	{ RETF_RDONLY, VF_RDONLY },
	{ RETF_RECORD, VF_DYNAMIC_RECORD },
	{ RETF_SCOPED, VF_SCOPED },
	{ RETF_MAYBE_NULL, VF_MAYBE_NULL },
};

/* r0 after the call, without what it holds. */
static int make_result(struct vrf *v, struct vstate *st, const struct call *call)
{
	const struct func_ret *ret = &call->proto->ret;
	struct value *r0 = vstate_reg(st, 0);
	int err;

	if (ret->kind >= RET_KINDS)
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED,
				   "what %s returns is not supported", call->proto->name);
	err = ret_rule[ret->kind](v, st, call, r0);
	if (err || !value_is_pointer(r0))
		return err;
	for (u32 i = 0; i < ARRAY_SIZE(flag_of); i++) {
		if (ret->flags & flag_of[i].ret)
			r0->flags |= flag_of[i].value;
	}
	if (ret->kind == RET_MAP_VALUE && call->key_is_there)
		r0->flags &= ~VF_MAYBE_NULL;
	if (r0->flags & VF_MAYBE_NULL)
		r0->id = vstate_new_id(st);
	return 0;
}

/* Something that nobody could give back would be held for ever: only pointers are acquired. */
static int acquire_result(struct vrf *v, struct vstate *st, const struct call *call)
{
	struct value *r0 = vstate_reg(st, 0);

	if (!(call->proto->ret.flags & RETF_ACQUIRE))
		return 0;
	if (!value_is_pointer(r0))
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED,
				   "acquire kernel function %s does not return a pointer",
				   call->proto->name);
	if (r0->kind == V_BTF)
		r0->flags |= VF_TRUSTED;
	return vstate_acquire(st, REF_OBJECT, v->pc, NULL, 0, &r0->ref);
}

/* --- next() ----------------------------------------------------------------------------------- */

/*
 * On the path where it gave an element: r0 is that, and lives with the
 * iterator.  What is trusted is so because the iterator holds it, which it
 * does until it moves on; the number that bpf_iter_num_next() points to stays.
 */
static int next_gave_element(struct vrf *v, struct vstate *st, const struct call *call)
{
	struct value *r0 = vstate_reg(st, 0);
	int err;

	err = obj_iter_advance(st, &call->iter);
	err = err ?: make_result(v, st, call);
	if (err)
		return err;
	if (!value_is_pointer(r0))
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED, "%s does not return a pointer",
				   call->proto->name);
	value_mark_nonnull(r0);
	if (call->proto->flags & FUNC_SCOPED || r0->flags & VF_TRUSTED)
		r0->flags |= VF_SCOPED;
	r0->ref = obj_iter_ref(st, &call->iter);
	return 0;
}

/* NULL goes on in this state; the element is the fork (obj_iter.c says why two paths do). */
static int apply_next(struct vrf *v, struct vstate *st, const struct call *call)
{
	struct step *step = call->step;
	int err;

	value_invalidate_ref(st, obj_iter_ref(st, &call->iter), INVALIDATE_SCOPED);
	step->converge = true;
	if (!obj_iter_is_drained(st, &call->iter)) {
		err = vstate_copy(st, &step->fork);
		err = err ?: next_gave_element(v, step->fork, call);
		if (err)
			return err;
		step->kind = STEP_FORK;
		step->fork_pc = v->pc + 1;
	}
	value_set_const(vstate_reg(st, 0), 0);
	return obj_iter_drain(st, &call->iter);
}

int call_apply_effects(struct vrf *v, struct vstate *st, const struct call *call)
{
	u32 flags = call->proto->flags;
	int err;

	ctx_thread();
	err = apply_writes(v, st, call);
	err = err ?: apply_release(st, call);
	clobber_regs(st);
	if (!err && flags & FUNC_ITER_NEW)
		err = obj_iter_begin(v, st, &call->iter);
	if (!err && flags & FUNC_ITER_DESTROY)
		apply_destroy(st, call);
	if (!err && flags & FUNC_ITER_NEXT)
		return apply_next(v, st, call);
	err = err ?: make_result(v, st, call);
	return err ?: acquire_result(v, st, call);
}
