/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/btf/kinds.c - what each kind of type must look like
 *
 * One row a kind.  check_shape sees one type and may rely on its length alone;
 * check_refs comes when all shapes are right and sizes are known.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "bpf/btf/internal.h"

#define BTF_MAX_NAME_BYTES 512
#define INT_BITS_MAX 128

/* Newer than the oldest header that this must compile with. */
#define LINKAGE_VAR_MAX BTF_VAR_GLOBAL_ALLOCATED
#define LINKAGE_FUNC_MAX BTF_FUNC_EXTERN

/* --- names ------------------------------------------------------------------------------------ */

static bool is_ident(const char *name)
{
	size_t len = 0;

	if (!isalpha((u8)*name) && *name != '_' && *name != '.')
		return false;
	for (; name[len]; len++)
		if (len >= BTF_MAX_NAME_BYTES ||
		    (!isalnum((u8)name[len]) && name[len] != '_' && name[len] != '.'))
			return false;
	return true;
}

static bool is_section_name(const char *name)
{
	size_t len = 0;

	for (; name[len]; len++)
		if (len >= BTF_MAX_NAME_BYTES || !isprint((u8)name[len]))
			return false;
	return len > 0;
}

/**
 * btf_name_fits - is the name what its kind asks for
 * @name_off: a valid offset
 *
 * Context: any.
 */
bool btf_name_fits(const struct btf *btf, u32 name_off, enum btf_name_rule rule)
{
	const char *name = btf_str(btf, name_off);

	switch (rule) {
	case BTF_NAME_NONE:
		return !name_off;
	case BTF_NAME_NEEDED:
		return *name;
	case BTF_NAME_MAYBE_IDENT:
		return !name_off || is_ident(name);
	case BTF_NAME_IDENT:
		return is_ident(name);
	case BTF_NAME_SECTION:
		return is_section_name(name);
	case BTF_NAME_ANY:
	default:
		return true;
	}
}

static bool id_valid(const struct btf_check *c, u32 id)
{
	return id < c->btf->nr_types;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static u32 int_data(const struct btf_type *t)
{
	return *(const u32 *)(t + 1);
}

static int int_shape(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	u32 data = int_data(t), encoding = BTF_INT_ENCODING(data);
	u32 bits = BTF_INT_BITS(data) + BTF_INT_OFFSET(data);

	if (data & ~0x0fff00ffu)
		return btf_bad(c, id, "Invalid int_data:%x", data);
	if (bits > INT_BITS_MAX)
		return btf_bad(c, id, "nr_bits exceeds %d", INT_BITS_MAX);
	if ((bits + 7) / 8 > t->size)
		return btf_bad(c, id, "nr_bits exceeds type_size");
	if (encoding & (encoding - 1) || encoding > BTF_INT_BOOL) {
		btf_bad(c, id, "Unsupported encoding");
		return -ENOTSUP;
	}
	return 0;
}

static int float_shape(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	switch (t->size) {
	case 2:
	case 4:
	case 8:
	case 12:
	case 16:
		return 0;
	default:
		return btf_bad(c, id, "Invalid type_size");
	}
}

static int enum_shape(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	u32 item = btf_kind_rules[btf_kind(t)].item_bytes, name_off;

	if (t->size > 8 || !t->size || t->size & (t->size - 1))
		return btf_bad(c, id, "Unexpected size");
	for (u32 i = 0; i < btf_vlen(t); i++) {
		/* Both layouts begin with the name. */
		memcpy(&name_off, (const u8 *)(t + 1) + i * item, sizeof(name_off));
		if (!btf_str_valid(c->btf, name_off))
			return btf_bad(c, id, "Invalid name_offset:%u", name_off);
		if (!btf_name_fits(c->btf, name_off, BTF_NAME_IDENT))
			return btf_bad(c, id, "Invalid name");
	}
	return 0;
}

/* --- composites ------------------------------------------------------------------------------- */

static int array_shape(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	const struct btf_array *a = btf_array(t);

	if (!a->type || !id_valid(c, a->type))
		return btf_bad(c, id, "Invalid elem");
	if (!a->index_type || !id_valid(c, a->index_type))
		return btf_bad(c, id, "Invalid index");
	return 0;
}

static int array_refs(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	const struct btf *btf = c->btf;
	const struct btf_type *index = btf_type(btf, btf_skip_mods(btf, btf_array(t)->index_type));

	return btf_kind(index) == BTF_KIND_INT ? 0 : btf_bad(c, id, "Invalid index");
}

static int struct_shape(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	const struct btf_member *m = btf_members(t);
	u32 last = 0;

	for (u32 i = 0; i < btf_vlen(t); i++, m++) {
		u32 bit = btf_member_bit_offset(t, i);

		if (!btf_str_valid(c->btf, m->name_off))
			return btf_bad(c, id, "Invalid member name_offset:%u", m->name_off);
		if (!btf_name_fits(c->btf, m->name_off, BTF_NAME_MAYBE_IDENT))
			return btf_bad(c, id, "Invalid name");
		if (!m->type || !id_valid(c, m->type))
			return btf_bad(c, id, "Invalid type_id");
		if ((btf_kind(t) == BTF_KIND_UNION && bit) || bit < last)
			return btf_bad(c, id, "Invalid member bits_offset");
		if (((u64)bit + 7) / 8 > t->size)
			return btf_bad(c, id, "Member bits_offset exceeds its struct size");
		last = bit;
	}
	return 0;
}

/* Where in its member's bytes an old-style bit field (an int of few bits) ends. */
static u64 member_bits(const struct btf *btf, const struct btf_type *t, u32 i)
{
	u32 bits = btf_member_bitfield_bits(t, i), target = btf_skip_mods(btf, btf_members(t)[i].type);
	const struct btf_type *mt = btf_type(btf, target);

	if (bits)
		return bits;
	if (btf_kind(mt) == BTF_KIND_INT && !BTF_INFO_KFLAG(t->info))
		return BTF_INT_OFFSET(int_data(mt)) + BTF_INT_BITS(int_data(mt));
	return (u64)btf_bytes(btf, target) * 8;
}

static int member_refs(const struct btf_check *c, u32 id, const struct btf_type *t, u32 i)
{
	const struct btf *btf = c->btf;
	u32 type = btf_members(t)[i].type, bit = btf_member_bit_offset(t, i);
	u32 field = btf_member_bitfield_bits(t, i);
	u64 bits;

	switch (btf_kind(btf_type(btf, type))) {
	case BTF_KIND_FUNC:
	case BTF_KIND_VAR:
	case BTF_KIND_DATASEC:
	case BTF_KIND_DECL_TAG:
		return btf_bad(c, id, "Invalid member");
	}
	if (btf_bytes(btf, type) == BTF_NO_SIZE)
		return btf_bad(c, id, "Invalid member");
	if (field && (!btf_is_scalar(btf, type) || field > 8 * btf_bytes(btf, type)))
		return btf_bad(c, id, "Invalid member bitfield_size");
	bits = member_bits(btf, t, i);
	if (bit % 8 && !field && !(btf_is_scalar(btf, type) && bits < 8 * btf_bytes(btf, type)))
		return btf_bad(c, id, "Member is not byte aligned");
	if (bit + bits > 8ull * t->size)
		return btf_bad(c, id, "Member exceeds struct_size");
	return 0;
}

static int struct_refs(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	int err = 0;

	for (u32 i = 0; !err && i < btf_vlen(t); i++)
		err = member_refs(c, id, t, i);
	return err;
}

/* --- functions -------------------------------------------------------------------------------- */

static int proto_shape(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	const struct btf_param *p = btf_params(t);

	for (u32 i = 0; i < btf_vlen(t); i++) {
		if (!btf_str_valid(c->btf, p[i].name_off) ||
		    !btf_name_fits(c->btf, p[i].name_off, BTF_NAME_MAYBE_IDENT) ||
		    !id_valid(c, p[i].type))
			return btf_bad(c, id, "Invalid arg#%u", i + 1);
		/* "..." has neither name nor type, and is the last. */
		if (!p[i].type && (p[i].name_off || i + 1 < btf_vlen(t)))
			return btf_bad(c, id, "Invalid arg#%u", i + 1);
	}
	return 0;
}

static int proto_refs(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	const struct btf_param *p = btf_params(t);

	if (t->type && btf_bytes(c->btf, t->type) == BTF_NO_SIZE)
		return btf_bad(c, id, "Invalid return type");
	for (u32 i = 0; i < btf_vlen(t); i++)
		if (p[i].type && btf_bytes(c->btf, p[i].type) == BTF_NO_SIZE)
			return btf_bad(c, id, "Invalid arg#%u", i + 1);
	return 0;
}

static int func_shape(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	if (btf_vlen(t) > LINKAGE_FUNC_MAX)
		return btf_bad(c, id, "Invalid func linkage");
	return 0;
}

static int func_refs(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	const struct btf_type *proto = btf_type(c->btf, t->type);
	const struct btf_param *p = btf_params(proto);

	if (btf_kind(proto) != BTF_KIND_FUNC_PROTO)
		return btf_bad(c, id, "Invalid type_id");
	for (u32 i = 0; i < btf_vlen(proto); i++)
		if (p[i].type && !p[i].name_off)
			return btf_bad(c, id, "Invalid arg#%u", i + 1);
	return 0;
}

/* --- variables and sections ------------------------------------------------------------------- */

static int var_shape(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	const struct btf_var *var = (const struct btf_var *)(t + 1);

	if (!t->type)
		return btf_bad(c, id, "Invalid type_id");
	if (var->linkage > LINKAGE_VAR_MAX)
		return btf_bad(c, id, "Linkage not supported");
	return 0;
}

static int var_refs(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	if (btf_bytes(c->btf, t->type) == BTF_NO_SIZE ||
	    btf_kind(btf_type(c->btf, t->type)) == BTF_KIND_DATASEC)
		return btf_bad(c, id, "Invalid type_id");
	return 0;
}

static int datasec_shape(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	const struct btf_var_secinfo *si = btf_secinfos(t);
	u64 end = 0;

	if (!t->size)
		return btf_bad(c, id, "Invalid size");
	for (u32 i = 0; i < btf_vlen(t); i++, si++) {
		if (!si->type || !id_valid(c, si->type))
			return btf_bad(c, id, "Invalid type_id");
		if (si->offset < end || si->offset >= t->size)
			return btf_bad(c, id, "Invalid offset");
		if (!si->size || si->size > t->size)
			return btf_bad(c, id, "Invalid size");
		end = (u64)si->offset + si->size;
		if (end > t->size)
			return btf_bad(c, id, "Invalid offset+size");
	}
	return 0;
}

static int datasec_refs(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	const struct btf_var_secinfo *si = btf_secinfos(t);

	for (u32 i = 0; i < btf_vlen(t); i++, si++) {
		const struct btf_type *var = btf_type(c->btf, si->type);

		if (btf_kind(var) != BTF_KIND_VAR)
			return btf_bad(c, id, "Not a VAR kind member");
		if (btf_bytes(c->btf, var->type) > si->size)
			return btf_bad(c, id, "Invalid size");
	}
	return 0;
}

/* --- tags and references ---------------------------------------------------------------------- */

static int tag_component(const struct btf_type *t)
{
	return ((const struct btf_decl_tag *)(t + 1))->component_idx;
}

static int decl_tag_shape(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	return tag_component(t) < -1 ? btf_bad(c, id, "Invalid component_idx") : 0;
}

static int decl_tag_refs(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	const struct btf_type *of = btf_type(c->btf, t->type);
	u32 nr_parts = 0;

	switch (btf_kind(of)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		nr_parts = btf_vlen(of);
		break;
	case BTF_KIND_FUNC:
		nr_parts = btf_vlen(btf_type(c->btf, of->type));
		break;
	case BTF_KIND_VAR:
	case BTF_KIND_TYPEDEF:
		break;
	default:
		return btf_bad(c, id, "Invalid type_id");
	}
	if (tag_component(t) >= 0 && (u32)tag_component(t) >= nr_parts)
		return btf_bad(c, id, "Invalid component_idx");
	return 0;
}

/* Modifiers and pointers lead to types, not to the things that are declared with types. */
static int ref_refs(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	switch (btf_kind(btf_type(c->btf, t->type))) {
	case BTF_KIND_FUNC:
	case BTF_KIND_VAR:
	case BTF_KIND_DATASEC:
	case BTF_KIND_DECL_TAG:
		return btf_bad(c, id, "Invalid type_id");
	default:
		return 0;
	}
}

const struct btf_kind_rule btf_kind_rules[NR_BTF_KINDS] = {
	[BTF_KIND_INT] = { .label = "INT", .fixed_bytes = 4, .name = BTF_NAME_ANY,
			   .word = BTF_WORD_SIZE, .check_shape = int_shape },
	[BTF_KIND_PTR] = { .label = "PTR", .word = BTF_WORD_TYPE, .check_refs = ref_refs },
	[BTF_KIND_ARRAY] = { .label = "ARRAY", .fixed_bytes = sizeof(struct btf_array),
			     .check_shape = array_shape, .check_refs = array_refs },
	[BTF_KIND_STRUCT] = { .label = "STRUCT", .item_bytes = sizeof(struct btf_member),
			      .name = BTF_NAME_MAYBE_IDENT, .word = BTF_WORD_SIZE, .vlen = true,
			      .kflag = true, .check_shape = struct_shape,
			      .check_refs = struct_refs },
	[BTF_KIND_UNION] = { .label = "UNION", .item_bytes = sizeof(struct btf_member),
			     .name = BTF_NAME_MAYBE_IDENT, .word = BTF_WORD_SIZE, .vlen = true,
			     .kflag = true, .check_shape = struct_shape,
			     .check_refs = struct_refs },
	[BTF_KIND_ENUM] = { .label = "ENUM", .item_bytes = sizeof(struct btf_enum),
			    .name = BTF_NAME_MAYBE_IDENT, .word = BTF_WORD_SIZE, .vlen = true,
			    .kflag = true, .check_shape = enum_shape },
	[BTF_KIND_FWD] = { .label = "FWD", .name = BTF_NAME_IDENT, .kflag = true },
	[BTF_KIND_TYPEDEF] = { .label = "TYPEDEF", .name = BTF_NAME_IDENT, .word = BTF_WORD_TYPE,
			       .is_modifier = true, .check_refs = ref_refs },
	[BTF_KIND_VOLATILE] = { .label = "VOLATILE", .word = BTF_WORD_TYPE, .is_modifier = true,
				.check_refs = ref_refs },
	[BTF_KIND_CONST] = { .label = "CONST", .word = BTF_WORD_TYPE, .is_modifier = true,
			     .check_refs = ref_refs },
	[BTF_KIND_RESTRICT] = { .label = "RESTRICT", .word = BTF_WORD_TYPE, .is_modifier = true,
				.check_refs = ref_refs },
	[BTF_KIND_FUNC] = { .label = "FUNC", .name = BTF_NAME_IDENT, .word = BTF_WORD_TYPE,
			    .vlen = true, .check_shape = func_shape, .check_refs = func_refs },
	[BTF_KIND_FUNC_PROTO] = { .label = "FUNC_PROTO", .item_bytes = sizeof(struct btf_param),
				  .word = BTF_WORD_TYPE, .vlen = true,
				  .check_shape = proto_shape, .check_refs = proto_refs },
	[BTF_KIND_VAR] = { .label = "VAR", .fixed_bytes = sizeof(struct btf_var),
			   .name = BTF_NAME_IDENT, .word = BTF_WORD_TYPE,
			   .check_shape = var_shape, .check_refs = var_refs },
	[BTF_KIND_DATASEC] = { .label = "DATASEC", .item_bytes = sizeof(struct btf_var_secinfo),
			       .name = BTF_NAME_SECTION, .word = BTF_WORD_SIZE, .vlen = true,
			       .check_shape = datasec_shape, .check_refs = datasec_refs },
	[BTF_KIND_FLOAT] = { .label = "FLOAT", .name = BTF_NAME_ANY, .word = BTF_WORD_SIZE,
			     .check_shape = float_shape },
	[BTF_KIND_DECL_TAG] = { .label = "DECL_TAG", .fixed_bytes = sizeof(struct btf_decl_tag),
				.name = BTF_NAME_NEEDED, .word = BTF_WORD_TYPE, .kflag = true,
				.check_shape = decl_tag_shape, .check_refs = decl_tag_refs },
	[BTF_KIND_TYPE_TAG] = { .label = "TYPE_TAG", .name = BTF_NAME_NEEDED,
				.word = BTF_WORD_TYPE, .kflag = true, .is_modifier = true,
				.check_refs = ref_refs },
	[BTF_KIND_ENUM64] = { .label = "ENUM64", .item_bytes = sizeof(struct btf_enum64),
			      .name = BTF_NAME_MAYBE_IDENT, .word = BTF_WORD_SIZE, .vlen = true,
			      .kflag = true, .check_shape = enum_shape },
};
