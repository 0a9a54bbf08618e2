/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/typestate/obj_iter.c - open-coded iterators: new, next, destroy
 *
 * An iterator is memory on the program's stack that only its three functions
 * understand.  It begins with new(), whether or not new() reports an error,
 * and must be ended with destroy() on every path; between the two, next() may
 * be called as often as wanted.
 *
 * Invariant: while it lives, its slots are BYTE_ITER and refs holds one
 *            REF_ITER under its reference.
 * Not here:  the values that next() lends (exec/effects.c), convergence of
 *            loops over next() (search/).
 */
#include <errno.h>
#include <string.h>

#include "bpf/verifier/typestate/typestate.h"

static const char *iter_name(const struct vrf *v, u32 type_id)
{
	const char *name = btf_name(v->req->platform->btf, type_id);

	return strncmp(name, "bpf_iter_", 9) ? name : name + 9;
}

static struct slot_obj *iter_at(const struct vstate *st, const struct iter_place *place)
{
	return stack_get_object(&st->frames[place->frame]->stack, place->off, BYTE_ITER,
				place->bytes / 8);
}

static int iter_check_place(struct vrf *v, u32 reg, const struct value *val, u32 bytes)
{
	s64 off;

	if (val->kind != V_STACK)
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT,
				   "arg#%u expected pointer to an iterator on stack", reg - 1);
	if (!value_offset_is_const(val))
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT,
				   "iter has to be at a constant offset");
	off = value_offset(val);
	if (off % 8 || off < -STACK_BYTES || off > -(s64)bytes)
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT, "cannot pass in iter at an offset=%lld",
				   (long long)off);
	return 0;
}

static int iter_check_living(struct vrf *v, const struct vstate *st, u32 reg,
			     const struct iter_place *place)
{
	const struct slot_obj *obj = iter_at(st, place);

	if (!obj || obj->btf != v->req->platform->btf || obj->type_id != place->type_id)
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT,
				   "expected an initialized iter_%s as arg #%u",
				   iter_name(v, place->type_id), reg - 1);
	return 0;
}

int obj_iter_check(struct vrf *v, const struct vstate *st, u32 reg, const struct value *val,
		   const struct func_proto *proto, const struct func_arg *arg,
		   struct iter_place *ret_place)
{
	struct iter_place place = { .bytes = arg->size, .type_id = arg->btf_id };
	int err;

	if (!arg->size || arg->size % 8 || arg->size > STACK_BYTES)
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED,
				   "iter_%s has an unsupported size of %u bytes",
				   iter_name(v, arg->btf_id), arg->size);
	err = iter_check_place(v, reg, val, arg->size);
	if (err)
		return err;
	place.frame = val->stack.frame;
	place.off = (s32)value_offset(val);

	if (!(proto->flags & FUNC_ITER_NEW))
		err = iter_check_living(v, st, reg, &place);
	else if (stack_object_in(&st->frames[place.frame]->stack, place.off, place.bytes, NULL))
		err = vlog_reject(v, -EINVAL, WHY_ARGUMENT,
				  "expected uninitialized iter_%s as arg #%u",
				  iter_name(v, arg->btf_id), reg - 1);
	if (err)
		return err;
	*ret_place = place;
	return 0;
}

int obj_iter_begin(struct vrf *v, struct vstate *st, const struct iter_place *place)
{
	struct slot_obj obj = {
		.btf = v->req->platform->btf,
		.type_id = place->type_id,
		.phase = ITER_ACTIVE,
		.nr_slots = place->bytes / 8,
	};
	int err;

	err = vstate_acquire(st, REF_ITER, v->pc, NULL, 0, &obj.ref);
	if (err)
		return err;
	return stack_put_object(&st->frames[place->frame]->stack, place->off, BYTE_ITER, &obj);
}

u32 obj_iter_ref(const struct vstate *st, const struct iter_place *place)
{
	return iter_at(st, place)->ref;
}

bool obj_iter_is_drained(const struct vstate *st, const struct iter_place *place)
{
	return iter_at(st, place)->phase == ITER_DRAINED;
}

static int iter_replace(struct vstate *st, const struct iter_place *place, struct slot_obj obj)
{
	return stack_put_object(&st->frames[place->frame]->stack, place->off, BYTE_ITER, &obj);
}

/*
 * Soundness of next() as two paths: in the real run each call gives either an
 * element or NULL.  The caller continues one path in which the iterator is
 * still active and the result is an element, and one in which it is drained
 * and the result is NULL; whichever happens is one of the two.  A drained
 * iterator gives NULL for ever, so there one path is enough.
 *
 * A loop over next() ends because iterators end, which the verifier takes from
 * the iterator.  It therefore may treat a state that it meets again at next()
 * as proved, and ->depth, which only counts, is no part of the comparison.
 * ->phase is: were a drained state allowed to stand for an active one,
 *
 *	new(&it); next(&it); p = next(&it); if (p) p = *(u64 *)8; destroy(&it);
 *
 * would be accepted after the drained path of the first next() alone, on which
 * p is NULL (corpus: iter_drained_is_not_active).
 */
int obj_iter_advance(struct vstate *st, const struct iter_place *place)
{
	struct slot_obj obj = *iter_at(st, place);

	obj.depth++;
	return iter_replace(st, place, obj);
}

int obj_iter_drain(struct vstate *st, const struct iter_place *place)
{
	struct slot_obj obj = *iter_at(st, place);

	obj.phase = ITER_DRAINED;
	return iter_replace(st, place, obj);
}

void obj_iter_end(struct vstate *st, const struct iter_place *place)
{
	struct stack *stack = &st->frames[place->frame]->stack;
	u32 ref = obj_iter_ref(st, place);

	stack_drop_object(stack, stack_slot_of(place->off));
	refs_release(&st->refs, ref);
}
