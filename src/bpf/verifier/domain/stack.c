/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/stack.c - the 512 bytes below a frame pointer
 *
 * A byte may be called zero only when whoever wrote it promised that it is
 * zero whatever path leads here (->precise): zero bytes are compared exactly,
 * and nothing walks back from them to ask for their origin to be exact.
 *
 * Invariant: as in stack.h; slots grow in steps, never shrink while in use.
 * Not here:  objects in slots (stack_object.c), comparing two stacks (stack_cover.c).
 */
#include <errno.h>
#include <string.h>

#include <linux/bpf.h>

#include "bpf/verifier/domain/alloc.h"
#include "bpf/verifier/domain/stack.h"

#define STACK_GROWTH 8

u32 slot_spill_bytes(const struct slot *slot)
{
	u32 n = 0;

	while (n < 8 && slot->byte[n] == BYTE_SPILL)
		n++;
	return n;
}

void slot_set_kind(struct slot *slot, enum byte_kind kind)
{
	memset(slot->byte, kind, sizeof(slot->byte));
}

void stack_clear(struct stack *stack)
{
	domain_free(stack->slot);
	*stack = (struct stack){ 0 };
}

/* Room for @cap slots; on failure nothing changed. */
static int stack_grow(struct stack *stack, u32 cap)
{
	struct slot *slot;

	if (cap <= stack->cap_slots)
		return 0;
	slot = domain_alloc(cap * sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	if (stack->nr_slots)
		memcpy(slot, stack->slot, stack->nr_slots * sizeof(*slot));
	domain_free(stack->slot);
	stack->slot = slot;
	stack->cap_slots = cap;
	return 0;
}

int stack_copy(struct stack *dst, const struct stack *src)
{
	int err = stack_grow(dst, src->nr_slots);

	if (err)
		return err;
	if (src->nr_slots)
		memcpy(dst->slot, src->slot, src->nr_slots * sizeof(*src->slot));
	dst->nr_slots = src->nr_slots;
	return 0;
}

struct slot *stack_slot(const struct stack *stack, u32 i)
{
	return i < stack->nr_slots ? &stack->slot[i] : NULL;
}

int stack_reserve(struct stack *stack, s32 off)
{
	u32 need, cap;
	int err;

	if (!stack_has(off, 1))
		return -EACCES;
	need = stack_slot_of(off) + 1;
	if (need <= stack->nr_slots)
		return 0;

	cap = (need + STACK_GROWTH - 1) / STACK_GROWTH * STACK_GROWTH;
	err = stack_grow(stack, cap);
	if (err)
		return err;
	for (u32 i = stack->nr_slots; i < need; i++)
		slot_set_kind(&stack->slot[i], BYTE_NONE);
	stack->nr_slots = need;
	return 0;
}

/* The kind of the byte at @off, a byte of the stack. */
static u8 byte_at(const struct stack *stack, s32 off)
{
	const struct slot *slot = stack_slot(stack, stack_slot_of(off));

	return slot ? slot->byte[off & 7] : BYTE_NONE;
}

static bool is_exact_zero(const struct value *val)
{
	return val->precise && value_is_null(val);
}

static bool fits(const struct scalar *num, u32 size)
{
	return size == 8 || scalar_umax(num) >> (8 * size) == 0;
}

/* Cut a number to @size bytes; it is no longer its link's equal when that changed it. */
static void cut(struct value *val, u32 size)
{
	if (fits(&val->num, size))
		return;
	scalar_trunc(&val->num, size);
	val->id = 0;
}

/*
 * Bytes [@from, 8) of what is spilled in @slot are about to change: keep the
 * part of a number that ends before them, forget the rest.
 */
static void slot_keep_below(struct slot *slot, u32 from)
{
	u32 n = slot_spill_bytes(slot);
	u32 keep = from >= 4 ? 4 : from >= 2 ? 2 : from;
	u8 rest;

	if (n <= from)
		return;
	rest = is_exact_zero(&slot->spill) ? BYTE_ZERO : BYTE_MISC;
	if (!value_is_scalar(&slot->spill))
		keep = 0;
	else if (keep)
		cut(&slot->spill, keep);
	memset(slot->byte + keep, rest, n - keep);
}

/* Write one kind of byte to [@off, @off + @size), all slots of which exist. */
static void fill(struct stack *stack, s32 off, u32 size, enum byte_kind kind)
{
	for (s32 at = off; at < off + (s32)size; at++) {
		u32 i = stack_slot_of(at);

		stack_drop_object(stack, i);
		slot_keep_below(&stack->slot[i], at & 7);
		stack->slot[i].byte[at & 7] = kind;
	}
}

static void spill(struct stack *stack, u32 i, u32 size, const struct value *val)
{
	struct slot *slot = &stack->slot[i];

	stack_drop_object(stack, i);
	slot_keep_below(slot, 0);
	slot->spill = *val;
	if (value_is_scalar(val))
		cut(&slot->spill, size);
	memset(slot->byte, BYTE_SPILL, size);
}

static bool can_spill(s32 off, u32 size, const struct value *val)
{
	if ((off & 7) || (size & (size - 1)))
		return false;
	return value_is_scalar(val) || (size == 8 && vkind_desc[val->kind].spillable);
}

int stack_write(struct stack *stack, s32 off, u32 size, const struct value *val)
{
	struct value copy = *val;	/* may lie in the slots that are about to move */
	int err;

	if (!stack_has(off, size) || size > 8)
		return -EACCES;
	err = stack_reserve(stack, off);
	if (err)
		return err;

	if (can_spill(off, size, &copy))
		spill(stack, stack_slot_of(off), size, &copy);
	else
		fill(stack, off, size, is_exact_zero(&copy) ? BYTE_ZERO : BYTE_MISC);
	return 0;
}

int stack_write_misc(struct stack *stack, s32 off, u32 size)
{
	int err;

	if (!stack_has(off, size))
		return -EACCES;
	err = stack_reserve(stack, off);
	if (err)
		return err;
	fill(stack, off, size, BYTE_MISC);
	return 0;
}

static bool stack_has_var(s32 min_off, s32 max_off, u32 size)
{
	return min_off <= max_off && stack_has(min_off, size) && stack_has(max_off, size) &&
	       size <= 8;
}

int stack_write_var(struct stack *stack, s32 min_off, s32 max_off, u32 size,
		    const struct value *val)
{
	bool zero = is_exact_zero(val);

	if (!stack_has_var(min_off, max_off, size))
		return -EACCES;

	for (s32 at = min_off; at < max_off + (s32)size; at++) {
		u8 kind = byte_at(stack, at);

		/* Hit or not: only what is the same both ways stays known. */
		if (kind == BYTE_NONE || (kind == BYTE_ZERO && zero))
			continue;
		fill(stack, at, 1, BYTE_MISC);
	}
	return 0;
}

static bool readable(u8 kind, enum uninit uninit)
{
	switch ((enum byte_kind)kind) {
	case BYTE_MISC:
	case BYTE_ZERO:
	case BYTE_SPILL:
		return true;
	case BYTE_NONE:
		return uninit == UNINIT_ALLOWED;
	default:
		return false;
	}
}

int stack_check_read(const struct stack *stack, s32 off, u32 size, enum uninit uninit, u32 *ret_at)
{
	if (!stack_has(off, size)) {
		*ret_at = 0;
		return -EACCES;
	}
	for (u32 i = 0; i < size; i++) {
		if (!readable(byte_at(stack, off + (s32)i), uninit)) {
			*ret_at = i;
			return -EACCES;
		}
	}
	return 0;
}

static bool all_bytes(const struct stack *stack, s32 off, u32 size, enum byte_kind kind)
{
	for (u32 i = 0; i < size; i++) {
		if (byte_at(stack, off + (s32)i) != kind)
			return false;
	}
	return true;
}

static void set_unknown_bytes(struct value *val, u32 size)
{
	struct scalar num = scalar_unknown_bytes(8);

	if (size == 1 || size == 2 || size == 4)
		scalar_trunc(&num, size);
	value_set_scalar(val, &num);
}

/* Bytes [@at, @at + @size) of the number spilled in @slot. */
static void read_part(const struct slot *slot, u32 at, u32 size, struct value *ret_val)
{
	struct value part = slot->spill;

	if (at) {
		struct scalar shift = scalar_const(8 * at);

		scalar_alu(BPF_RSH, WIDTH_64, 0, &part.num, &shift);
		part.id = 0;
	}
	cut(&part, size);
	*ret_val = part;
}

/* Is what is spilled all there is to [0, @size) of its slot, zeros above it aside? */
static bool reads_as_spill(const struct stack *stack, s32 off, u32 size, u32 spilled)
{
	return !(off & 7) && spilled && spilled <= size && size <= 8 &&
	       all_bytes(stack, off + (s32)spilled, size - spilled, BYTE_ZERO);
}

int stack_read(const struct stack *stack, s32 off, u32 size, enum uninit uninit,
	       struct value *ret_val)
{
	const struct slot *slot;
	u32 spilled = 0, at = off & 7;
	u32 bad;

	if (size > 8 || stack_check_read(stack, off, size, uninit, &bad))
		return -EACCES;

	slot = stack_slot(stack, stack_slot_of(off));
	if (slot)
		spilled = slot_spill_bytes(slot);
	if (reads_as_spill(stack, off, size, spilled))
		*ret_val = slot->spill;
	else if (at + size <= spilled && value_is_scalar(&slot->spill) && !(size & (size - 1)))
		read_part(slot, at, size, ret_val);
	else if (all_bytes(stack, off, size, BYTE_ZERO))
		value_set_const(ret_val, 0);
	else
		set_unknown_bytes(ret_val, size);
	return 0;
}

int stack_read_var(const struct stack *stack, s32 min_off, s32 max_off, u32 size,
		   enum uninit uninit, struct value *ret_val)
{
	u32 span, bad;

	if (!stack_has_var(min_off, max_off, size))
		return -EACCES;
	span = (u32)(max_off - min_off) + size;
	if (stack_check_read(stack, min_off, span, uninit, &bad))
		return -EACCES;

	if (all_bytes(stack, min_off, span, BYTE_ZERO))
		value_set_const(ret_val, 0);
	else
		set_unknown_bytes(ret_val, size);
	return 0;
}

void stack_forget_slot(struct stack *stack, u32 i)
{
	struct slot *slot = stack_slot(stack, i);

	if (slot && !slot_is_object(slot))
		slot_set_kind(slot, BYTE_NONE);
}
