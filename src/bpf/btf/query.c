/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/btf/query.c - answers from a checked BTF
 *
 * Not here: checking (parse.c, kinds.c, resolve.c), offsets (walk.c).
 */
#include <errno.h>
#include <string.h>

#include "bpf/btf/internal.h"

/*
 * Everything here is pure and bounded, over an immutable struct btf.
 * Context: any.
 */

const void *btf_raw(const struct btf *btf, u32 *ret_size)
{
	*ret_size = btf->raw_bytes;
	return btf->raw;
}

u32 btf_nr_types(const struct btf *btf)
{
	return btf->nr_types;
}

const struct btf_type *btf_type(const struct btf *btf, u32 id)
{
	static const struct btf_type void_type;

	while (btf && id < btf->first_id && btf->base)
		btf = btf->base;
	if (!btf || id >= btf->nr_types)
		return NULL;
	return id ? btf->types[id - btf->first_id] : &void_type;
}

const char *btf_str(const struct btf *btf, u32 name_off)
{
	while (btf && name_off < btf->first_str)
		btf = btf->base;
	if (!btf || name_off - btf->first_str >= btf->strs_bytes)
		return "";
	return btf->strs + (name_off - btf->first_str);
}

const char *btf_name(const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_type(btf, id);

	return t ? btf_str(btf, t->name_off) : "";
}

static u32 name_hash(const char *name)
{
	u32 h = 2166136261u;

	while (*name)
		h = (h ^ (u8)*name++) * 16777619u;
	return h;
}

/**
 * btf_index_name - make one named type findable
 * @id: its id; call from the highest to the lowest, so that the lowest is found first
 *
 * Context: thread, during btf_parse() only.
 */
void btf_index_name(struct btf *btf, u32 id)
{
	u32 h = name_hash(btf_name(btf, id)) & btf->hash_mask;

	btf->chain[id - btf->first_id] = btf->heads[h];
	btf->heads[h] = id;
}

u32 btf_find(const struct btf *btf, const char *name, u32 kind)
{
	u32 id, hash = name_hash(name);

	id = btf->base ? btf_find(btf->base, name, kind) : 0;
	if (id)
		return id;
	for (id = btf->heads[hash & btf->hash_mask]; id; id = btf->chain[id - btf->first_id])
		if (btf_kind(btf_type(btf, id)) == kind && !strcmp(btf_name(btf, id), name))
			return id;
	return 0;
}

static const struct btf *owner_of(const struct btf *btf, u32 id)
{
	while (btf && id < btf->first_id)
		btf = btf->base;
	return btf && id < btf->nr_types ? btf : NULL;
}

u32 btf_skip_mods(const struct btf *btf, u32 id)
{
	btf = owner_of(btf, id);
	return btf ? btf->target[id - btf->first_id] : 0;
}

u32 btf_bytes(const struct btf *btf, u32 id)
{
	btf = owner_of(btf, id);
	return btf ? btf->bytes[id - btf->first_id] : BTF_NO_SIZE;
}

int btf_size(const struct btf *btf, u32 id)
{
	u32 bytes = btf_bytes(btf, id);

	return bytes == BTF_NO_SIZE ? -EINVAL : (int)bytes;
}

static u32 bare_kind(const struct btf *btf, u32 id)
{
	return btf_kind(btf_type(btf, btf_skip_mods(btf, id)));
}

bool btf_is_struct(const struct btf *btf, u32 id)
{
	u32 kind = bare_kind(btf, id);

	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION;
}

bool btf_is_ptr(const struct btf *btf, u32 id)
{
	return bare_kind(btf, id) == BTF_KIND_PTR;
}

bool btf_is_scalar(const struct btf *btf, u32 id)
{
	u32 kind = bare_kind(btf, id);

	return kind == BTF_KIND_INT || kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64;
}

u32 btf_pointee(const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, id));

	return btf_kind(t) == BTF_KIND_PTR ? btf_skip_mods(btf, t->type) : 0;
}

const struct btf_member *btf_members(const struct btf_type *t)
{
	return (const struct btf_member *)(t + 1);
}

const struct btf_param *btf_params(const struct btf_type *t)
{
	return (const struct btf_param *)(t + 1);
}

const struct btf_var_secinfo *btf_secinfos(const struct btf_type *t)
{
	return (const struct btf_var_secinfo *)(t + 1);
}

const struct btf_array *btf_array(const struct btf_type *t)
{
	return (const struct btf_array *)(t + 1);
}

u32 btf_member_bit_offset(const struct btf_type *t, u32 i)
{
	u32 offset = btf_members(t)[i].offset;

	return BTF_INFO_KFLAG(t->info) ? BTF_MEMBER_BIT_OFFSET(offset) : offset;
}

u32 btf_member_bitfield_bits(const struct btf_type *t, u32 i)
{
	u32 offset = btf_members(t)[i].offset;

	return BTF_INFO_KFLAG(t->info) ? BTF_MEMBER_BITFIELD_SIZE(offset) : 0;
}
