/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/typestate/typestate.h - objects whose legality depends on their history
 *
 * An object that lives in stack slots may only be touched by the calls that
 * know its protocol: made once, used while it is alive, ended once.
 *
 * Not here: which calls belong to which protocol (func_proto.flags), what else
 *           a call does (exec/effects.c).
 */
#ifndef ROVE_BPF_VERIFIER_TYPESTATE_TYPESTATE_H
#define ROVE_BPF_VERIFIER_TYPESTATE_TYPESTATE_H

#include "bpf/verifier/facts/facts.h"

/* Where an iterator lives, or is to live. */
struct iter_place {
	u32 frame;	/* index into vstate.frames */
	s32 off;	/* lowest byte, from that frame's pointer */
	u32 bytes;
	u32 type_id;	/* of the platform's BTF */
};

/**
 * obj_iter_check - may this argument be passed to new, next or destroy
 * @reg:	 the argument's register, for messages
 * @val:	 what it holds
 * @proto:	 the callee; one of FUNC_ITER_* is set
 * @arg:	 its ARG_ITER argument
 * @ret_place:	 written on success only
 *
 * Context: thread.
 * Return:  0 or the rejection.
 */
int obj_iter_check(struct vrf *v, const struct vstate *st, u32 reg, const struct value *val,
		   const struct func_proto *proto, const struct func_arg *arg,
		   struct iter_place *ret_place);

/**
 * obj_iter_begin - new() was called: the iterator lives and must be destroyed
 *
 * Context: thread.
 * Return:  0, -EACCES (no such place; obj_iter_check() said otherwise) or -ENOMEM.
 */
int obj_iter_begin(struct vrf *v, struct vstate *st, const struct iter_place *place);

/* The reference a living iterator holds; what it lends carries it in value.ref. */
u32 obj_iter_ref(const struct vstate *st, const struct iter_place *place);

/* next() may give an element, or NULL only. */
bool obj_iter_is_drained(const struct vstate *st, const struct iter_place *place);

/* next() gave an element, or NULL: from then on it gives NULL. */
int obj_iter_advance(struct vstate *st, const struct iter_place *place);
int obj_iter_drain(struct vstate *st, const struct iter_place *place);

/* destroy() was called; values that carry its reference are the caller's matter. */
void obj_iter_end(struct vstate *st, const struct iter_place *place);

/**
 * obj_async_check - is this argument a timer or work in a map's value
 * @reg:	 the argument's register, for messages
 * @val:	 a V_MAP_VALUE, not NULL
 * @arg:	 the ARG_FIELD
 * @ret_map:	 whose value it is in; written on success only
 *
 * Context: thread.
 * Return:  0 or the rejection.
 */
int obj_async_check(struct vrf *v, u32 reg, const struct value *val, const struct func_arg *arg,
		    const struct vrf_map **ret_map);

/*
 * The map that a call names besides must be that of the field, and of several maps that are
 * alike the very one: @field_uid.  0 or the rejection.
 */
int obj_async_check_map(struct vrf *v, u32 reg, const struct value *val, u32 kind,
			const struct vrf_map *field_map, u32 field_uid);

/**
 * obj_async_callback - the state in which a callback that was set will begin
 * @proto:	 that sets it
 * @map:	 whose value has the field
 * @ret_state:	 free with vstate_free(); written on success only
 *
 * Context: thread.
 * Return:  0 or -ENOMEM.
 */
int obj_async_callback(struct vrf *v, const struct func_proto *proto, u32 subprog,
		       const struct vrf_map *map, struct vstate **ret_state);

#endif
