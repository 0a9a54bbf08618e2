/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/fields.h - special fields in values: made empty, never copied, released
 *
 * A map type that says ->has_fields calls these wherever it copies, replaces,
 * deletes or frees values.  Without fields they cost one comparison.
 */
#ifndef ROVE_BPF_MAP_FIELDS_H
#define ROVE_BPF_MAP_FIELDS_H

#include "bpf/map/async_field.h"
#include "bpf/map/map.h"

/* Bytes that are no value yet, or a copy that leaves the map, have empty fields. */
bool map_fields_release(const struct bpf_map *map, void *value);
void map_fields_release_all(struct bpf_map *map);
void map_value_assign(const struct bpf_map *map, void *dst, const void *src);
void map_value_read(const struct bpf_map *map, void *dst, const void *src);

static inline struct async_field *map_field_at(void *value, const struct btf_field *field)
{
	return (struct async_field *)((u8 *)value + field->off);
}

/* Can a descriptor still lead to the map?  See async_field_attach().  Context: any. */
static inline bool map_has_user(const struct bpf_map *map)
{
	return object_is_open(&map->obj);
}

#endif
