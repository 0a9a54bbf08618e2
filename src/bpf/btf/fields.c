/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/btf/fields.c - find the special fields of a value's type
 *
 * A member is special by the name of its type, as in the kernel, and only when
 * it is that struct itself, in structs or arrays of one: one that is behind a
 * typedef or a modifier, in a union or of another size is plain bytes.
 *
 * Invariant: what is found lies inside the value; what is not found is never
 *            treated as a field by anybody.
 */
#include <errno.h>
#include <string.h>

#include "bpf/btf/fields.h"

#define MAX_DEPTH 32	/* structs in structs, arrays in arrays */
#define MAX_STEPS 65536	/* members looked at: a hostile type has exponentially many */

#define MALFORMED 1	/* then the value has no fields at all */

struct finder {
	const struct btf *btf;
	struct btf_fields found;
	u32 steps;
};

static const struct {
	const char *name;
	bool known;		/* else there is nothing here that could live with it */
	u32 kind;
} special[] = {
	{ "bpf_timer", true, BTF_FIELD_TIMER },
	{ "bpf_wq", true, BTF_FIELD_WQ },
	{ "bpf_spin_lock", true, BTF_FIELD_LOCK },
	{ "bpf_res_spin_lock" },
	{ "bpf_list_head" },
	{ "bpf_rb_root" },
	{ "bpf_refcount" },
	{ "bpf_task_work" },
};

/* Context: any. */
const char *btf_field_name(u32 kind)
{
	for (u32 i = 0; i < ARRAY_SIZE(special); i++)
		if (special[i].known && special[i].kind == kind)
			return special[i].name;
	return "?";
}

static int add_field(struct finder *f, u32 kind, u32 off)
{
	struct btf_fields *found = &f->found;
	u32 i = found->nr;

	if (btf_field_of(found, kind))
		return MALFORMED;
	for (; i && found->at[i - 1].off > off; i--)
		found->at[i] = found->at[i - 1];
	found->at[i] = (struct btf_field){ .kind = kind, .off = off };
	found->nr++;
	return 0;
}

/* A pointer to an object of the kernel that a value may own. */
static bool is_kptr(const struct btf *btf, const struct btf_type *t)
{
	static const char *const tags[] = { "kptr", "kptr_untrusted", "percpu_kptr", "uptr" };

	if (btf_kind(t) == BTF_KIND_VOLATILE)
		t = btf_type(btf, t->type);
	if (btf_kind(t) != BTF_KIND_PTR)
		return false;
	t = btf_type(btf, t->type);
	for (u32 i = 0; btf_kind(t) == BTF_KIND_TYPE_TAG && i < ARRAY_SIZE(tags); i++)
		if (!strcmp(btf_str(btf, t->name_off), tags[i]))
			return true;
	return false;
}

static int look_in(struct finder *f, const struct btf_type *t, u32 off, u32 depth);

/* @nr: how many of it lie behind each other, in arrays. */
static int look_at(struct finder *f, const struct btf_type *t, u32 off, u64 nr, u32 depth)
{
	const char *name = btf_str(f->btf, t->name_off);
	u32 had = f->found.nr, bytes;
	int err;

	if (is_kptr(f->btf, t))
		return -EOPNOTSUPP;
	if (btf_kind(t) != BTF_KIND_STRUCT)
		return 0;
	for (u32 i = 0; i < ARRAY_SIZE(special); i++) {
		if (strcmp(name, special[i].name))
			continue;
		if (!special[i].known)
			return -EOPNOTSUPP;
		bytes = btf_field_bytes(&(struct btf_field){ .kind = special[i].kind });
		if (t->size != bytes || off % min(bytes, 8u))
			return 0;
		return nr == 1 ? add_field(f, special[i].kind, off) : MALFORMED;
	}
	err = look_in(f, t, off, depth + 1);
	return err ?: nr != 1 && f->found.nr != had ? MALFORMED : 0;
}

/* One member or variable: first to what it is an array of. */
static int look_at_id(struct finder *f, u32 id, u32 off, u32 depth)
{
	const struct btf_type *t = btf_type(f->btf, id);
	u64 nr = 1;

	if (++f->steps > MAX_STEPS)
		return MALFORMED;
	for (u32 i = 0; i < MAX_DEPTH && btf_kind(t) == BTF_KIND_ARRAY; i++) {
		nr = min(nr * btf_array(t)->nelems, (u64)UINT32_MAX);
		t = btf_type(f->btf, btf_array(t)->type);
	}
	return look_at(f, t, off, nr, depth);
}

static int look_in(struct finder *f, const struct btf_type *t, u32 off, u32 depth)
{
	int err = 0;

	if (depth == MAX_DEPTH)
		return MALFORMED;
	for (u32 i = 0; !err && i < btf_vlen(t); i++) {
		u32 bit = btf_member_bit_offset(t, i);

		if (!btf_member_bitfield_bits(t, i) && bit % 8 == 0)
			err = look_at_id(f, btf_members(t)[i].type, off + bit / 8, depth);
	}
	return err;
}

static int look_in_section(struct finder *f, const struct btf_type *t)
{
	int err = 0;

	for (u32 i = 0; !err && i < btf_vlen(t); i++) {
		const struct btf_var_secinfo *info = &btf_secinfos(t)[i];

		err = look_at_id(f, btf_type(f->btf, info->type)->type, info->offset, 0);
	}
	return err;
}

/* Each inside the value, and no two overlap: a type may claim what it likes. */
static bool layout_is_sane(const struct btf_fields *found, u32 value_bytes)
{
	u64 end = 0;

	for (u32 i = 0; i < found->nr; i++) {
		if (found->at[i].off < end)
			return false;
		end = (u64)found->at[i].off + btf_field_bytes(&found->at[i]);
	}
	return end <= value_bytes;
}

/**
 * btf_find_fields - timers, works and locks in a value
 * @value_id:   a type with a size
 * @ret_fields: always written; none when the type has several of one kind, or they overlap
 *
 * Context: any.
 * Return:  0, or -EOPNOTSUPP: there is a field of a kind that nothing here can live with.
 */
int btf_find_fields(const struct btf *btf, u32 value_id, struct btf_fields *ret_fields)
{
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, value_id));
	struct finder f = { .btf = btf };
	int err = 0;

	*ret_fields = (struct btf_fields){ 0 };
	if (btf_kind(t) == BTF_KIND_STRUCT)
		err = look_in(&f, t, 0, 0);
	else if (btf_kind(t) == BTF_KIND_DATASEC)
		err = look_in_section(&f, t);
	if (!err && layout_is_sane(&f.found, btf_size(btf, value_id)))
		*ret_fields = f.found;
	return min(err, 0);
}
