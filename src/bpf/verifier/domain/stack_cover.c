/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/stack_cover.c - does one stack allow for everything another can be
 *
 * What a proof from the old stack has seen of a byte is what a load could
 * give: nothing (never written: the load was refused, or gave any bits),
 * any bits, zero, or part of a value.
 *
 * Invariant: a slot is covered only if each load of it that the old stack
 *            allowed gives, from the current one, something that the value
 *            loaded then covers.
 */
#include <string.h>

#include "bpf/verifier/domain/stack.h"

static bool object_covers(const struct slot *old, const struct slot *cur, struct idmap *ids,
			  enum cover mode)
{
	const struct slot_obj *o = &old->obj, *c = &cur->obj;

	if (old->byte[0] != cur->byte[0])
		return false;
	/* How often an iterator has moved says nothing about what it will do. */
	if (mode == COVER_EXACT && o->depth != c->depth)
		return false;
	return o->btf == c->btf && o->type_id == c->type_id && o->phase == c->phase &&
	       o->variant == c->variant && o->flags == c->flags && o->index == c->index &&
	       o->nr_slots == c->nr_slots && idmap_match(ids, o->ref, c->ref) &&
	       idmap_match(ids, o->id, c->id);
}

static bool all_kind(const struct slot *slot, enum byte_kind kind)
{
	for (u32 k = 0; k < 8; k++) {
		if (slot->byte[k] != kind)
			return false;
	}
	return true;
}

/*
 * A zero counts on the current side only when it is exact by itself: nothing
 * would make its origin precise when the path is dropped because of it.
 */
static bool is_zero_byte(const struct slot *cur, u32 k)
{
	if (cur->byte[k] == BYTE_ZERO)
		return true;
	return cur->byte[k] == BYTE_SPILL && cur->spill.precise && value_is_null(&cur->spill);
}

/*
 * Any bits (BYTE_MISC) allow for a spilled pointer too: it is some bits, and
 * what holds for all of them was proved.
 */
static bool byte_covers(const struct slot *old, const struct slot *cur, u32 k)
{
	switch ((enum byte_kind)old->byte[k]) {
	case BYTE_NONE:
		return true;
	case BYTE_MISC:
		return cur->byte[k] == BYTE_MISC || cur->byte[k] == BYTE_ZERO ||
		       cur->byte[k] == BYTE_SPILL;
	case BYTE_ZERO:
		return is_zero_byte(cur, k);
	default:
		return false;
	}
}

static bool spill_covers(const struct slot *old, const struct slot *cur, u32 nr_bytes,
			 struct idmap *ids, enum cover mode)
{
	struct stack one = { .slot = (struct slot *)cur, .nr_slots = 1, .cap_slots = 1 };
	struct value val;

	/* Every load from @cur that starts here must give a number when it did then. */
	if (value_is_scalar(&old->spill) && slot_is_spill(cur) && !value_is_scalar(&cur->spill))
		return false;
	if (stack_read(&one, -8, nr_bytes, UNINIT_REFUSED, &val))
		return false;
	return value_covers(&old->spill, &val, ids, mode);
}

static bool slot_equal(const struct slot *old, const struct slot *cur, struct idmap *ids)
{
	if (memcmp(old->byte, cur->byte, sizeof(old->byte)))
		return false;
	if (slot_is_spill(old))
		return value_covers(&old->spill, &cur->spill, ids, COVER_EXACT);
	return !slot_is_object(old) || object_covers(old, cur, ids, COVER_EXACT);
}

static bool slot_covers(const struct slot *old, const struct slot *cur, struct idmap *ids,
			enum cover mode)
{
	u32 spilled = slot_spill_bytes(old);

	if (mode == COVER_EXACT)
		return slot_equal(old, cur, ids);
	if (all_kind(old, BYTE_NONE))
		return true;
	if (slot_is_object(old) || slot_is_object(cur))
		return object_covers(old, cur, ids, mode);
	if (spilled && !spill_covers(old, cur, spilled, ids, mode))
		return false;
	for (u32 k = spilled; k < 8; k++) {
		if (!byte_covers(old, cur, k))
			return false;
	}
	return true;
}

bool stack_covers(const struct stack *old, const struct stack *cur, struct idmap *ids,
		  enum cover mode)
{
	static const struct slot untouched;
	u32 nr = old->nr_slots;

	if (mode == COVER_EXACT && cur->nr_slots > nr)
		nr = cur->nr_slots;
	for (u32 i = 0; i < nr; i++) {
		const struct slot *o = stack_slot(old, i) ?: &untouched;
		const struct slot *c = stack_slot(cur, i) ?: &untouched;

		if (!slot_covers(o, c, ids, mode))
			return false;
	}
	return true;
}
