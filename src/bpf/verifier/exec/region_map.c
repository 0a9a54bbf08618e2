/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/region_map.c - the values of maps, and keys that callbacks are given
 *
 * An element's memory stays valid for as long as the program runs, whatever
 * happens to the element.  What it holds is any bytes, except in a map whose
 * contents are frozen: there a load at a known place is a known number.
 *
 * A special field in a value is only its functions' (typestate/obj_async.c).
 */
#include <errno.h>
#include <string.h>

#include "bpf/verifier/exec/region.h"

static const struct vrf_map *map_of(const struct access *a)
{
	return a->ptr->map.map;
}

static int reject_right(struct vrf *v, const struct access *a, const char *what)
{
	return vlog_reject(v, -EACCES, WHY_TYPE, "%s map forbidden, value_size=%u off=%lld size=%u",
			   what, map_of(a)->value_size, (long long)access_span(a).min, a->size);
}

static int check_fields(struct vrf *v, const struct access *a)
{
	const struct btf_fields *fields = map_of(a)->fields;
	struct span span = access_span(a);

	for (u32 i = 0; fields && i < fields->nr; i++) {
		s64 off = fields->at[i].off;

		if (span.min < off + btf_field_bytes(&fields->at[i]) && off < span.max + a->size)
			return vlog_reject(v, -EACCES, WHY_TYPE,
					   "%s cannot be accessed directly by load/store",
					   btf_field_name(fields->at[i].kind));
	}
	return 0;
}

static int map_value_check(struct vrf *v, struct vstate *st, const struct access *a)
{
	const struct vrf_map *map = map_of(a);

	if (a->how & ACC_WRITE && (map->map_flags & BPF_F_RDONLY_PROG || map->const_data))
		return reject_right(v, a, "write into");
	if (a->how & ACC_READ && map->map_flags & BPF_F_WRONLY_PROG)
		return reject_right(v, a, "read from");
	return access_within(v, a, "map value, value_size", map->value_size) ?:
	       check_fields(v, a);
}

static int map_value_load(struct vrf *v, struct vstate *st, const struct access *a,
			  struct value *ret_val)
{
	const struct vrf_map *map = map_of(a);
	struct span span = access_span(a);
	u64 number = 0;

	if (!map->const_data || !span.is_const)
		return load_unknown(v, st, a, ret_val);
	memcpy(&number, map->const_data + span.min, a->size);
	value_set_const(ret_val, number);
	return 0;
}

const struct region_ops region_map = {
	.note = NOTE_PLAIN,
	.arg = true,
	.atomic = true,
	.check = map_value_check,
	.load = map_value_load,
};

static int map_key_check(struct vrf *v, struct vstate *st, const struct access *a)
{
	struct wording words;

	if (a->how & ACC_WRITE && a->how & ACC_ARG)
		return vlog_reject(v, -EACCES, WHY_TYPE, "R%u cannot write into %s", a->reg,
				   value_words(v, a->ptr, &words));
	if (a->how & ACC_WRITE)
		return vlog_reject(v, -EACCES, WHY_TYPE, "write to change key R%u not allowed",
				   a->reg);
	return access_within(v, a, "map key, key_size", map_of(a)->key_size);
}

const struct region_ops region_map_key = {
	.note = NOTE_PLAIN,
	.arg = true,
	.check = map_key_check,
	.load = load_unknown,
};
