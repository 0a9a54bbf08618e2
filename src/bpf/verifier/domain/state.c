/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/state.c - one point of one path through the program
 *
 * Invariant: as in state.h; whatever fails leaves a state that vstate_free()
 *            takes.
 */
#include <errno.h>

#include "bpf/verifier/domain/alloc.h"
#include "bpf/verifier/domain/state.h"

static void frame_free(struct frame *frame)
{
	if (!frame)
		return;
	stack_clear(&frame->stack);
	domain_free(frame);
}

static int frame_create(u32 index, u32 subprog, struct frame **ret_frame)
{
	struct frame *frame = domain_alloc(sizeof(*frame));

	if (!frame)
		return -ENOMEM;
	for (u32 r = 0; r < FRAME_FP; r++)
		value_set_none(&frame->regs[r]);
	value_set_stack(&frame->regs[FRAME_FP], index, 0);
	frame->subprog = subprog;
	frame->ret_min = 0;
	frame->ret_max = -1;
	*ret_frame = frame;
	return 0;
}

/* *frame, made when it is NULL, becomes a copy of @src. */
static int frame_assign(struct frame **frame, const struct frame *src)
{
	struct stack stack;
	int err;

	if (!*frame)
		*frame = domain_alloc(sizeof(**frame));
	if (!*frame)
		return -ENOMEM;
	err = stack_copy(&(*frame)->stack, &src->stack);
	if (err)
		return err;
	stack = (*frame)->stack;
	**frame = *src;
	(*frame)->stack = stack;
	return 0;
}

int vstate_new(u32 subprog, struct vstate **ret_state)
{
	struct vstate *state = domain_alloc(sizeof(*state));
	int err;

	if (!state)
		return -ENOMEM;
	err = frame_create(0, subprog, &state->frames[0]);
	if (err) {
		domain_free(state);
		return err;
	}
	state->depth = 1;
	*ret_state = state;
	return 0;
}

int vstate_copy(const struct vstate *src, struct vstate **ret_state)
{
	struct vstate *state = domain_alloc(sizeof(*state));
	int err;

	if (!state)
		return -ENOMEM;
	err = vstate_assign(state, src);
	if (err) {
		vstate_free(state);
		return err;
	}
	*ret_state = state;
	return 0;
}

int vstate_assign(struct vstate *dst, const struct vstate *src)
{
	int err = refs_copy(&dst->refs, &src->refs);

	for (u32 i = 0; i < src->depth && !err; i++)
		err = frame_assign(&dst->frames[i], src->frames[i]);
	if (err)
		return err;

	for (u32 i = src->depth; i < STATE_FRAMES; i++) {
		frame_free(dst->frames[i]);
		dst->frames[i] = NULL;
	}
	dst->depth = src->depth;
	dst->next_id = src->next_id;
	dst->may_sleep = src->may_sleep;
	dst->parent = src->parent;
	dst->first_pc = src->first_pc;
	dst->last_pc = src->last_pc;
	return 0;
}

void vstate_free(struct vstate *state)
{
	if (!state)
		return;
	for (u32 i = 0; i < STATE_FRAMES; i++)
		frame_free(state->frames[i]);
	refs_clear(&state->refs);
	domain_free(state);
}

int vstate_push_frame(struct vstate *state, u32 callsite, u32 subprog, struct frame **ret_frame)
{
	struct frame *frame;
	int err;

	if (state->depth == STATE_FRAMES)
		return -E2BIG;
	err = frame_create(state->depth, subprog, &frame);
	if (err)
		return err;
	frame->callsite = callsite;
	state->frames[state->depth++] = frame;
	*ret_frame = frame;
	return 0;
}

void vstate_pop_frame(struct vstate *state)
{
	state->depth--;
	frame_free(state->frames[state->depth]);
	state->frames[state->depth] = NULL;
}

u32 vstate_new_id(struct vstate *state)
{
	return ++state->next_id;
}

int vstate_acquire(struct vstate *state, enum ref_kind kind, u32 pc, const void *key, u32 key_uid,
		   u32 *ret_id)
{
	struct ref ref = {
		.kind = kind,
		.id = vstate_new_id(state),
		.pc = pc,
		.key = key,
		.key_uid = key_uid,
	};
	int err = refs_acquire(&state->refs, &ref);

	if (err)
		return err;
	*ret_id = ref.id;
	return 0;
}

/* --- every value of a state ------------------------------------------------------------------- */

struct value *frame_next_value(const struct frame *frame, struct value_at *at)
{
	if (at->slot < 0 && at->reg + 1 < FRAME_REGS)
		return (struct value *)&frame->regs[++at->reg];

	at->reg = -1;
	while (++at->slot < (s32)frame->stack.nr_slots) {
		if (slot_is_spill(&frame->stack.slot[at->slot]))
			return &frame->stack.slot[at->slot].spill;
	}
	return NULL;
}

struct value *vstate_next_value(const struct vstate *state, struct value_at *at)
{
	while (at->frame < state->depth) {
		struct value *val = frame_next_value(state->frames[at->frame], at);

		if (val)
			return val;
		*at = (struct value_at){ .frame = at->frame + 1, .reg = -1, .slot = -1 };
	}
	return NULL;
}

/* --- comparison ------------------------------------------------------------------------------- */

static bool callback_covers(const struct frame *old, const struct frame *cur, enum cover mode)
{
	if (mode == COVER_EXACT && old->callback_depth != cur->callback_depth)
		return false;
	/*
	 * The fewer runs an old path had behind it, the more it was proved for
	 * (corpus: callback_more_rounds_to_come).
	 */
	return old->callback_depth <= cur->callback_depth &&
	       old->callback_kind == cur->callback_kind && old->ret_min == cur->ret_min &&
	       old->ret_max == cur->ret_max;
}

static bool frame_covers(const struct frame *old, const struct frame *cur, struct idmap *ids,
			 enum cover mode)
{
	if (old->callsite != cur->callsite || old->subprog != cur->subprog ||
	    old->in_callback != cur->in_callback || old->async != cur->async ||
	    !callback_covers(old, cur, mode))
		return false;
	for (u32 r = 0; r < FRAME_REGS; r++) {
		if (!value_covers(&old->regs[r], &cur->regs[r], ids, mode))
			return false;
	}
	return stack_covers(&old->stack, &cur->stack, ids, mode);
}

bool vstate_covers(const struct vstate *old, const struct vstate *cur, struct idmap *ids,
		   enum cover mode)
{
	idmap_init(ids);
	if (old->depth != cur->depth || old->may_sleep != cur->may_sleep ||
	    !refs_cover(&old->refs, &cur->refs, ids))
		return false;
	/* The running frame differs most often. */
	for (u32 i = old->depth; i-- > 0;) {
		if (!frame_covers(old->frames[i], cur->frames[i], ids, mode))
			return false;
	}
	return true;
}
