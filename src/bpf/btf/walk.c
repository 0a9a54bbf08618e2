/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/btf/walk.c - what lies at an offset of a struct
 *
 * A search through nested members that goes back when a member covers the
 * offset but does not explain the access: another member of the same union
 * may.  The depth and the number of members looked at are bounded, because
 * nested unions of a hostile BTF could make it exponential; then there is no
 * answer, and the access is refused.
 *
 * Invariant: a pointer member is read whole or not at all.
 */
#include <errno.h>

#include "bpf/btf/internal.h"

#define WALK_MAX_DEPTH 64
#define WALK_MAX_STEPS 65536

/* A struct that is being searched, and how far. */
struct level {
	u32 id;
	u32 off;		/* of the access, in this struct */
	u32 next_member;
	bool via_union;
};

struct search {
	const struct btf *btf;
	u32 size;
	u32 want_id;		/* matching: the struct that is looked for, else 0 */
	u32 depth, steps;
	struct level level[WALK_MAX_DEPTH];
};

enum verdict { GO_ON, FOUND, DESCENDED };

static int push(struct search *s, u32 id, u32 off, bool via_union)
{
	if (s->depth == WALK_MAX_DEPTH)
		return -EINVAL;
	s->level[s->depth++] = (struct level){ .id = id, .off = off, .via_union = via_union };
	return DESCENDED;
}

/*
 * Strip arrays: the type of an element, and the offset within it.  A flexible
 * array is as long as the access needs, which only the last member may be.
 */
static bool strip_arrays(const struct btf *btf, u32 *id, u32 *off, bool flexible)
{
	const struct btf_type *t = btf_type(btf, *id);

	while (btf_kind(t) == BTF_KIND_ARRAY) {
		u32 elem = btf_skip_mods(btf, btf_array(t)->type), bytes = btf_bytes(btf, elem);

		if (!bytes || (*off >= btf_bytes(btf, *id) && !flexible))
			return false;
		*off %= bytes;
		*id = elem;
		t = btf_type(btf, elem);
	}
	return true;
}

static bool is_flexible_tail(const struct btf *btf, const struct btf_type *t, u32 i)
{
	const struct btf_type *mt = btf_type(btf, btf_skip_mods(btf, btf_members(t)[i].type));

	return btf_kind(t) == BTF_KIND_STRUCT && i + 1 == btf_vlen(t) &&
	       btf_kind(mt) == BTF_KIND_ARRAY && !btf_array(mt)->nelems;
}

static void set_hit(struct btf_hit *hit, enum btf_hit_kind kind, u32 type_id, const char *member,
		    bool via_union)
{
	*hit = (struct btf_hit){
		.kind = kind, .type_id = type_id, .member = member, .via_union = via_union
	};
}

/* A bit field is explained by an access that covers it, or lies in its bytes. */
static bool bitfield_fits(u32 bit, u32 bits, u32 off, u32 size)
{
	u32 first = bit / 8, end = (bit + bits + 7) / 8;

	return size && ((off <= first && end <= off + size) || (first <= off && off + size <= end));
}

/* A leaf: an int, enum, float or pointer of @bytes, @off into it. */
static int try_leaf(const struct search *s, u32 id, u32 off, bool via_union, const char *name,
		    struct btf_hit *hit)
{
	const struct btf *btf = s->btf;
	u32 bytes = btf_bytes(btf, id), to;

	if (!s->size || off >= bytes || s->size > bytes - off)
		return GO_ON;
	if (!btf_is_ptr(btf, id)) {
		set_hit(hit, BTF_HIT_SCALAR, 0, name, via_union);
		return FOUND;
	}
	if (off || s->size != bytes)
		return GO_ON;
	to = btf_pointee(btf, id);
	if (to && btf_is_struct(btf, to))
		set_hit(hit, BTF_HIT_PTR, to, name, via_union);
	else
		set_hit(hit, BTF_HIT_SCALAR, 0, name, via_union);
	return FOUND;
}

static int try_struct(struct search *s, u32 id, u32 off, bool via_union, const char *name,
		      struct btf_hit *hit)
{
	if (!s->size && !off && (!s->want_id || s->want_id == id)) {
		set_hit(hit, BTF_HIT_STRUCT, id, name, via_union);
		return FOUND;
	}
	return push(s, id, off, via_union);
}

static int try_member(struct search *s, const struct level *at, const struct btf_type *t, u32 i,
		      struct btf_hit *hit)
{
	const struct btf *btf = s->btf;
	const char *name = btf_str(btf, btf_members(t)[i].name_off);
	u32 bit = btf_member_bit_offset(t, i), bits = btf_member_bitfield_bits(t, i);
	u32 id = btf_skip_mods(btf, btf_members(t)[i].type), off;
	bool overlaid = at->via_union || (btf_kind(t) == BTF_KIND_UNION && btf_vlen(t) > 1);
	bool flexible = is_flexible_tail(btf, t, i);

	if (bits) {
		if (!bitfield_fits(bit, bits, at->off, s->size))
			return GO_ON;
		set_hit(hit, BTF_HIT_SCALAR, 0, name, overlaid);
		return FOUND;
	}
	if (at->off < bit / 8)
		return GO_ON;
	off = at->off - bit / 8;
	if (!flexible && off >= btf_bytes(btf, id) && btf_bytes(btf, id))
		return GO_ON;
	if (!strip_arrays(btf, &id, &off, flexible))
		return GO_ON;
	if (btf_is_struct(btf, id))
		return try_struct(s, id, off, overlaid, name, hit);
	return try_leaf(s, id, off, overlaid, name, hit);
}

/* Look at one more member of the innermost struct, or leave it. */
static int step(struct search *s, struct btf_hit *hit)
{
	struct level *at = &s->level[s->depth - 1];
	const struct btf_type *t = btf_type(s->btf, at->id);

	if (at->next_member == btf_vlen(t)) {
		s->depth--;
		return GO_ON;
	}
	if (++s->steps > WALK_MAX_STEPS)
		return -EINVAL;
	return try_member(s, at, t, at->next_member++, hit);
}

static int run(struct search *s, struct btf_hit *hit)
{
	int verdict = GO_ON;

	while (s->depth && (verdict == GO_ON || verdict == DESCENDED))
		verdict = step(s, hit);
	if (verdict == FOUND)
		return 0;
	return verdict < 0 ? verdict : -EACCES;
}

/* See btf.h. */
int btf_walk(const struct btf *btf, u32 type_id, u32 off, u32 size, struct btf_hit *ret_hit)
{
	struct search s;
	struct btf_hit hit;
	int err;

	type_id = btf_skip_mods(btf, type_id);
	if (!type_id || !btf_is_struct(btf, type_id))
		return -EINVAL;
	if (off > INT32_MAX || size > INT32_MAX)
		return -EACCES;
	s.btf = btf;
	s.size = size;
	s.want_id = s.depth = s.steps = 0;
	push(&s, type_id, off, false);
	err = run(&s, &hit);
	if (!err)
		*ret_hit = hit;
	return err;
}

/**
 * btf_struct_matches - may a pointer to @off of one struct be used as another
 *
 * Context: any.
 * Return:  true when @want_id is @have_id itself at offset 0, or nested in it at @off.
 */
bool btf_struct_matches(const struct btf *btf, u32 have_id, u32 off, u32 want_id)
{
	struct search s;
	struct btf_hit hit;

	have_id = btf_skip_mods(btf, have_id);
	want_id = btf_skip_mods(btf, want_id);
	if (!have_id || !want_id)
		return false;
	if (have_id == want_id && !off)
		return true;
	if (!btf_is_struct(btf, have_id) || !btf_is_struct(btf, want_id) || off > INT32_MAX)
		return false;
	s.btf = btf;
	s.want_id = want_id;
	s.size = s.depth = s.steps = 0;
	push(&s, have_id, off, false);
	return run(&s, &hit) == 0;
}
