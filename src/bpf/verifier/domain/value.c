/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/value.c - what one register or stack slot holds
 *
 * Invariant: value_covers(old, cur) only if every concrete content of @cur is
 *            one that the proof from @old allowed for.
 * Not here:  what may be done with a value (exec/).
 */
#include <string.h>

#include "bpf/verifier/domain/value.h"

const struct vkind_desc vkind_desc[V_KINDS] = {
	[V_NONE] = {
		.name = "?",
	},
	[V_SCALAR] = {
		.name = "scalar",
		.spillable = true,
	},
	[V_CTX] = {
		.name = "ctx",
		.is_pointer = true,
		.add_const = true,
		.spillable = true,
		.dereferenceable = true,
		.comparable = true,
	},
	[V_MAP] = {
		.name = "map_ptr",
		.is_pointer = true,
		.spillable = true,
	},
	[V_MAP_VALUE] = {
		.name = "map_value",
		.is_pointer = true,
		.add_const = true,
		.add_var = true,
		.spillable = true,
		.dereferenceable = true,
		.comparable = true,
	},
	[V_MAP_KEY] = {
		.name = "map_key",
		.is_pointer = true,
		.add_const = true,
		.add_var = true,
		.spillable = true,
		.dereferenceable = true,
		.comparable = true,
	},
	[V_STACK] = {
		.name = "fp",
		.is_pointer = true,
		.add_const = true,
		.add_var = true,
		.spillable = true,
		.dereferenceable = true,
		.comparable = true,
	},
	[V_MEM] = {
		.name = "mem",
		.is_pointer = true,
		.add_const = true,
		.add_var = true,
		.spillable = true,
		.dereferenceable = true,
		.comparable = true,
	},
	[V_BTF] = {
		.name = "ptr_",
		.is_pointer = true,
		.add_const = true,
		.spillable = true,
		.dereferenceable = true,
		.comparable = true,
	},
	[V_BUF] = {
		.name = "buf",
		.is_pointer = true,
		.add_const = true,
		.spillable = true,
		.dereferenceable = true,
		.comparable = true,
	},
	[V_FUNC] = {
		.name = "func",
		.is_pointer = true,
		.spillable = true,
	},
};

const char *value_name(const struct value *val)
{
	if (val->kind == V_MEM && (val->flags & VF_DYNAMIC_RECORD))
		return "ringbuf_mem";
	return vkind_desc[val->kind].name;
}

/* A pointer to offset 0, nothing else known of it yet. */
static void value_set_kind(struct value *val, enum vkind kind)
{
	memset(val, 0, sizeof(*val));
	val->kind = kind;
	val->num = scalar_const(0);
}

void value_set_none(struct value *val)
{
	value_set_kind(val, V_NONE);
}

void value_set_scalar(struct value *val, const struct scalar *num)
{
	struct scalar copy = *num;

	value_set_kind(val, V_SCALAR);
	val->num = copy;
}

void value_set_unknown(struct value *val)
{
	value_set_kind(val, V_SCALAR);
	val->num = scalar_unknown();
}

void value_set_const(struct value *val, u64 number)
{
	value_set_kind(val, V_SCALAR);
	val->num = scalar_const(number);
}

void value_set_ctx(struct value *val)
{
	value_set_kind(val, V_CTX);
}

void value_set_map(struct value *val, const void *map, u32 uid)
{
	value_set_kind(val, V_MAP);
	val->map.map = map;
	val->map.uid = uid;
}

void value_set_map_value(struct value *val, const void *map, u32 uid)
{
	value_set_kind(val, V_MAP_VALUE);
	val->map.map = map;
	val->map.uid = uid;
}

void value_set_map_key(struct value *val, const void *map)
{
	value_set_kind(val, V_MAP_KEY);
	val->map.map = map;
}

void value_set_stack(struct value *val, u32 frame, s64 off)
{
	value_set_kind(val, V_STACK);
	val->stack.frame = frame;
	val->num = scalar_const((u64)off);
}

void value_set_buf(struct value *val)
{
	value_set_kind(val, V_BUF);
}

void value_set_mem(struct value *val, u32 size)
{
	value_set_kind(val, V_MEM);
	val->mem.size = size;
}

void value_set_btf(struct value *val, const void *btf, u32 type_id)
{
	value_set_kind(val, V_BTF);
	val->btf.btf = btf;
	val->btf.type_id = type_id;
}

void value_set_func(struct value *val, u32 subprog)
{
	value_set_kind(val, V_FUNC);
	val->func.subprog = subprog;
}

bool value_is_scalar(const struct value *val)
{
	return val->kind == V_SCALAR;
}

bool value_is_pointer(const struct value *val)
{
	return vkind_desc[val->kind].is_pointer;
}

bool value_is_const(const struct value *val)
{
	return val->kind == V_SCALAR && scalar_is_const(&val->num);
}

bool value_is_null(const struct value *val)
{
	return value_is_const(val) && scalar_value(&val->num) == 0;
}

bool value_offset_is_const(const struct value *val)
{
	return scalar_is_const(&val->num);
}

s64 value_offset(const struct value *val)
{
	return (s64)scalar_value(&val->num);
}

void value_mark_nonnull(struct value *val)
{
	val->flags &= ~VF_MAYBE_NULL;
	val->id = 0;
}

void value_mark_null(struct value *val)
{
	value_set_const(val, 0);
}

/* The same object, by what the kind keeps of it; which one of maps that are alike aside. */
static bool same_object(const struct value *a, const struct value *b)
{
	switch ((enum vkind)a->kind) {
	case V_MAP:
	case V_MAP_VALUE:
	case V_MAP_KEY:
		return a->map.map == b->map.map;
	case V_STACK:
		return a->stack.frame == b->stack.frame;
	case V_MEM:
		return a->mem.size == b->mem.size;
	case V_BTF:
		return a->btf.btf == b->btf.btf && a->btf.type_id == b->btf.type_id;
	case V_FUNC:
		return a->func.subprog == b->func.subprog;
	case V_NONE:
	case V_SCALAR:
	case V_CTX:
	case V_BUF:
	case V_KINDS:
		break;
	}
	return true;
}

static u32 uid_of(const struct value *val)
{
	return val->kind == V_MAP_VALUE || val->kind == V_MAP ? val->map.uid : 0;
}

static bool number_covers(const struct value *old, const struct value *cur, enum cover mode)
{
	return mode == COVER_EXACT ? scalar_equal(&old->num, &cur->num) :
				     scalar_covers(&old->num, &cur->num);
}

static bool link_covers(const struct value *old, const struct value *cur, struct idmap *ids,
			enum cover mode)
{
	return mode == COVER_EXACT ? idmap_match(ids, old->id, cur->id) :
				     idmap_link(ids, old->id, cur->id);
}

bool value_covers(const struct value *old, const struct value *cur, struct idmap *ids,
		  enum cover mode)
{
	if (old->kind == V_NONE && mode != COVER_EXACT)
		return true;
	if (old->kind != cur->kind)
		return false;
	if (old->kind == V_NONE)
		return true;
	if (old->kind == V_SCALAR && mode == COVER_RANGE && !old->precise)
		return true;

	return !((old->flags ^ cur->flags) & ~VF_ENDED) && same_object(old, cur) &&
	       number_covers(old, cur, mode) && link_covers(old, cur, ids, mode) &&
	       idmap_match(ids, old->ref, cur->ref) && idmap_match(ids, uid_of(old), uid_of(cur));
}
