/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/fields.c - special fields in values: made empty, never copied, released
 *
 * Invariant: the bytes of a field in a map are written through async_field.h
 *            only, but for those of an element that nobody has seen yet; and
 *            nothing that leaves the map shows them.
 */
#include <string.h>

#include "bpf/map/fields.h"

/**
 * map_fields_clear - of bytes that nobody else sees
 *
 * Context: any.
 */
static void map_fields_clear(const struct bpf_map *map, void *value)
{
	const struct btf_fields *fields = &map->spec.fields;

	for (u32 i = 0; i < fields->nr; i++)
		memset(map_field_at(value, &fields->at[i]), 0, btf_field_bytes(&fields->at[i]));
}

/**
 * map_fields_release - the value goes away, or begins anew
 * @value: in the map, or just taken out of it
 *
 * Context: any; no lock of the map is held.
 * Return:  true if there was anything: a callback may be running on the value until a grace
 *          period is over.
 */
bool map_fields_release(const struct bpf_map *map, void *value)
{
	const struct btf_fields *fields = &map->spec.fields;
	bool any = false;

	for (u32 i = 0; i < fields->nr; i++)
		if (fields->at[i].kind != BTF_FIELD_LOCK)
			any |= async_field_release(map_field_at(value, &fields->at[i]));
	return any;
}

static u64 release_visited(void *arg, const void *key, void *value)
{
	map_fields_release(arg, value);
	return 0;
}

/**
 * map_fields_release_all - of every element
 *
 * Context: thread, in a read section.
 */
void map_fields_release_all(struct bpf_map *map)
{
	if (!map->spec.fields.nr)
		return;
	if (map->ops->release_all)
		map->ops->release_all(map);
	else
		map->ops->for_each(map, release_visited, map);
}

/**
 * map_value_assign - write a whole value, but for its fields
 * @dst: in the map
 *
 * Context: any.
 */
void map_value_assign(const struct bpf_map *map, void *dst, const void *src)
{
	const struct btf_fields *fields = &map->spec.fields;
	u32 at = 0;

	for (u32 i = 0; i < fields->nr; i++) {
		map_copy_value((u8 *)dst + at, (const u8 *)src + at, fields->at[i].off - at);
		at = fields->at[i].off + btf_field_bytes(&fields->at[i]);
	}
	map_copy_value((u8 *)dst + at, (const u8 *)src + at, map->spec.value_size - at);
}

/**
 * map_value_read - copy a value out of the map; its fields read as zero
 *
 * Context: any.
 */
void map_value_read(const struct bpf_map *map, void *dst, const void *src)
{
	map_value_assign(map, dst, src);
	map_fields_clear(map, dst);
}
