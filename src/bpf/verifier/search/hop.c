/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/search/hop.c - remember how a path went
 *
 * Walking back needs to know of each executed instruction what its text does
 * not say: in which frame it ran, which stack slots it touched, and which
 * other values a comparison also told something about.
 *
 * All of this is read off the state before the instruction is executed, so
 * exec/ need not report it.
 */
#include "bpf/verifier/search/internal.h"

static void hop_add_link(struct hop *hop, u32 id, const struct vstate *st)
{
	for (u32 f = 0; f < st->depth; f++) {
		const struct frame *frame = st->frames[f];

		for (u32 r = 0; r < FRAME_FP; r++) {
			if (!value_is_scalar(&frame->regs[r]) || frame->regs[r].id != id)
				continue;
			if (f == hop->frame)
				hop->regs |= 1u << r;
			else
				hop->flags |= HOP_LINKED_FAR;
		}
		for (u32 i = 0; i < frame->stack.nr_slots; i++) {
			const struct slot *slot = &frame->stack.slot[i];

			if (!slot_is_spill(slot) || !value_is_scalar(&slot->spill) ||
			    slot->spill.id != id)
				continue;
			if (f == hop->frame)
				hop->slots |= 1ull << i;
			else
				hop->flags |= HOP_LINKED_FAR;
		}
	}
}

/* A comparison of one of several equal numbers is a comparison of all of them. */
static void hop_add_links(struct hop *hop, const struct bpf_insn *insn, const struct vstate *st)
{
	const struct value *dst = vstate_reg(st, insn->dst_reg);
	const struct value *src = vstate_reg(st, insn->src_reg);

	if (value_is_scalar(dst) && dst->id)
		hop_add_link(hop, dst->id, st);
	if (insn_is_reg_form(insn) && value_is_scalar(src) && src->id && src->id != dst->id)
		hop_add_link(hop, src->id, st);
	if (hop->regs || hop->slots)
		hop->flags |= HOP_LINKED;
}

static u64 slot_mask(u32 first, u32 last)
{
	u64 upto_last = last >= 63 ? ~0ull : (1ull << (last + 1)) - 1;

	return upto_last & ~((1ull << first) - 1);
}

#define FAR_OFF (1ll << 32) /* from any stack, with any instruction's own offset added */

static s64 not_too_far(s64 off)
{
	return max(min(off, FAR_OFF), -FAR_OFF);
}

/* The access lies somewhere in [base + min, base + max + bytes): the slots it may touch. */
static void hop_add_slots(struct hop *hop, const struct bpf_insn *insn, const struct value *base)
{
	s64 min_off = not_too_far(scalar_smin(&base->num)) + insn->off;
	s64 max_off = not_too_far(scalar_smax(&base->num)) + insn->off +
		      insn_access_bytes(insn) - 1;

	if (base->kind != V_STACK)
		return;
	/* Outside: the step will refuse it, or a wrapped offset touches anything. */
	if (min_off < -STACK_BYTES || max_off >= 0 || min_off > max_off) {
		min_off = -STACK_BYTES;
		max_off = -1;
	}
	hop->flags |= HOP_STACK;
	hop->slot_frame = base->stack.frame;
	hop->slots = slot_mask(stack_slot_of(max_off), stack_slot_of(min_off));
	if (max_off - min_off == 7 && min_off % 8 == 0)
		hop->flags |= HOP_WHOLE_SLOT;
}

/**
 * hop_record - the instruction at path->pc is about to be executed
 * @path:  its state is the one before
 *
 * Context: thread.
 * Return:  0 or -ENOMEM.
 */
int hop_record(const struct vrf *v, struct path *path)
{
	const struct bpf_insn *insn = &v->req->insns[path->pc];
	const struct vstate *st = path->st;
	struct hop hop = { .pc = path->pc, .frame = st->depth - 1 };
	u8 base;
	int err;

	switch (insn_class(insn)) {
	case BPF_LDX:
		hop_add_slots(&hop, insn, vstate_reg(st, insn->src_reg));
		break;
	case BPF_ST:
	case BPF_STX:
		base = hop_is_load_acquire(insn) ? insn->src_reg : insn->dst_reg;
		hop_add_slots(&hop, insn, vstate_reg(st, base));
		break;
	case BPF_JMP:
	case BPF_JMP32:
		if (insn_op(insn) == BPF_EXIT && vstate_frame(st)->in_callback)
			hop.flags |= HOP_CALLBACK_EXIT;
		else if (insn_op(insn) != BPF_EXIT && insn_op(insn) != BPF_CALL &&
			 insn_op(insn) != BPF_JA)
			hop_add_links(&hop, insn, st);
		break;
	}
	err = search_grow((void **)&path->hops.at, path->hops.nr, &path->hops.cap, sizeof(hop));
	if (err)
		return err;
	path->hops.at[path->hops.nr++] = hop;
	return 0;
}
