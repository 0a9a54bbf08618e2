/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/stack_object.c - iterators, dynptrs and irq flags in stack slots
 *
 * An object owns whole slots, each with a copy of what is known of it and its
 * place in the row, so that any slot leads to all.
 *
 * Invariant: the slots of an object come and go together.
 */
#include <errno.h>
#include <string.h>

#include "bpf/verifier/domain/stack.h"

int stack_put_object(struct stack *stack, s32 off, enum byte_kind kind,
		     const struct slot_obj *obj)
{
	struct slot_obj copy = *obj;	/* may lie in the slots that are about to move */
	u32 first;
	int err;

	if ((off & 7) || !stack_has(off, 8u * copy.nr_slots))
		return -EACCES;
	err = stack_reserve(stack, off);
	if (err)
		return err;

	first = stack_slot_of(off);
	for (u32 i = 0; i < copy.nr_slots; i++) {
		struct slot *slot = &stack->slot[first - i];

		stack_drop_object(stack, first - i);
		memset(slot, 0, sizeof(*slot));
		slot_set_kind(slot, kind);
		slot->obj = copy;
		slot->obj.index = i;
	}
	return 0;
}

struct slot_obj *stack_get_object(const struct stack *stack, s32 off, enum byte_kind kind,
				  u32 nr_slots)
{
	struct slot *slot;

	if ((off & 7) || !stack_has(off, 8))
		return NULL;
	slot = stack_slot(stack, stack_slot_of(off));
	if (!slot || slot->byte[0] != kind || !slot_is_object(slot) || slot->obj.index)
		return NULL;
	return !nr_slots || slot->obj.nr_slots == nr_slots ? &slot->obj : NULL;
}

const struct slot_obj *stack_object_in(const struct stack *stack, s32 off, u32 size,
				       enum byte_kind *ret_kind)
{
	if (!stack_has(off, size))
		return NULL;
	for (u32 i = stack_slot_of(off + (s32)size - 1); i <= stack_slot_of(off); i++) {
		const struct slot *slot = stack_slot(stack, i);

		if (!slot || !slot_is_object(slot))
			continue;
		if (ret_kind)
			*ret_kind = slot->byte[0];
		return &slot->obj;
	}
	return NULL;
}

void stack_drop_object(struct stack *stack, u32 i)
{
	struct slot *slot = stack_slot(stack, i);
	u32 first, nr_slots;

	if (!slot || !slot_is_object(slot))
		return;
	/* The part at the lowest address is in the slot with the greatest number. */
	first = i + slot->obj.index;
	nr_slots = slot->obj.nr_slots;
	for (u32 k = 0; k < nr_slots; k++)
		slot_set_kind(&stack->slot[first - k], BYTE_MISC);
}
