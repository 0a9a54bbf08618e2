/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/typestate/obj_async.c - timers and works in map values, their callbacks
 *
 * A field is named by its place: the map and the offset that the type of the
 * map's values says.  Its history (initialised, started, deleted) is the
 * runtime's to check, because other programs share the element.
 *
 * Invariant: what is passed as a field is one, in the map that the call names.
 * Not here:  that nothing else touches its bytes (exec/region_map.c).
 */
#include <errno.h>

#include "bpf/verifier/typestate/typestate.h"

static int field_check_place(struct vrf *v, u32 reg, const struct value *val, u32 kind)
{
	const char *name = btf_field_name(kind);
	const struct vrf_map *map = val->map.map;
	const struct btf_field *field;

	if (!value_offset_is_const(val))
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT,
				   "R%u doesn't have constant offset. %s has to be at the constant offset",
				   reg, name);
	if (!map->fields)
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT,
				   "map '%s' has to have BTF in order to use %s", map->name, name);
	field = btf_field_of(map->fields, kind);
	if (!field)
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT, "map '%s' has no valid %s", map->name,
				   name);
	if (value_offset(val) != field->off)
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT,
				   "off %lld doesn't point to 'struct %s' that is at %u",
				   (long long)value_offset(val), name, field->off);
	return 0;
}

int obj_async_check(struct vrf *v, u32 reg, const struct value *val, const struct func_arg *arg,
		    const struct vrf_map **ret_map)
{
	int err = field_check_place(v, reg, val, arg->field);

	if (err)
		return err;
	*ret_map = val->map.map;
	return 0;
}

/*
 * Soundness: two lookups in an outer map give maps that are alike; if one map could be named for
 * a field of the other,
 *
 *	in1 = outer[1]; in2 = outer[2]; init(&in1[0].timer, in2); callback: value of in2
 *
 * would run on a value behind in1's as if it were in2's, and nobody would end it with in1
 * (corpus: inner_timer_of_another_lookup).
 */
int obj_async_check_map(struct vrf *v, u32 reg, const struct value *val, u32 kind,
			const struct vrf_map *field_map, u32 field_uid)
{
	const struct vrf_map *map = val->map.map;

	if (map == field_map && val->map.uid == field_uid)
		return 0;
	return vlog_reject(v, -EINVAL, WHY_ARGUMENT,
			   "%s pointer in R1 map_uid=%u doesn't match map pointer in R%u map_uid=%u\n"
			   "it is in a value of map '%s', not of '%s'",
			   kind == BTF_FIELD_WQ ? "workqueue" : "timer", field_uid, reg,
			   val->map.uid, field_map->name, map->name);
}

/*
 * Soundness: a callback runs at any time after set_callback(), with nothing of
 * the state in which that was called but the map.  So it is proved from a state
 * of its own, once for each map and each kind of caller, and it holds nothing
 * when it begins or ends.  What it knows is what every element guarantees:
 * there is a key and a value, and both stay until it returns.
 */
int obj_async_callback(struct vrf *v, const struct func_proto *proto, u32 subprog,
		       const struct vrf_map *map, struct vstate **ret_state)
{
	struct vstate *st;
	struct frame *frame;
	u32 uid;
	int err = vstate_new(subprog, &st);

	if (err)
		return err;
	frame = vstate_frame(st);
	frame->async = true;
	frame->callback_kind = CALLBACK_ASYNC;
	frame->ret_min = 0;
	frame->ret_max = 0;
	st->may_sleep = proto->flags & FUNC_CALLBACK_SLEEPS;
	uid = map->handle ? 0 : vstate_new_id(st);
	value_set_map(&frame->regs[1], map, uid);
	value_set_map_key(&frame->regs[2], map);
	value_set_map_value(&frame->regs[3], map, uid);
	v->res->subprogs[subprog].called_later = true;
	*ret_state = st;
	return 0;
}
