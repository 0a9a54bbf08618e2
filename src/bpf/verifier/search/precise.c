/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/search/precise.c - walk back: which inputs must stay exact
 *
 * Most numbers in a program decide nothing.  A kept state therefore forgets
 * its numbers, unless something that was proved from it depended on one.  When
 * a step depended on a number, the instructions are walked backwards to find
 * from which registers and slots of each checkpoint the number came.
 *
 * Invariant: marking too much is safe (it only prunes less), marking too
 *            little is not.  Whoever is in doubt here marks more.
 * Not here:  when a step depends on a number (exec/), what a mark means for
 *            comparison (value_covers()).
 */
#include <string.h>

#include "bpf/verifier/search/internal.h"

static bool wanted_empty(const struct wanted *w)
{
	for (u32 f = 0; f < w->nr_frames; f++) {
		if (w->regs[f] || w->slots[f])
			return false;
	}
	return true;
}

static bool wants_reg(const struct wanted *w, u32 frame, u32 reg)
{
	return w->regs[frame] >> reg & 1;
}

/* r10 is never a number. */
static void want_reg(struct wanted *w, u32 frame, u32 reg)
{
	if (reg != FRAME_FP)
		w->regs[frame] |= 1u << reg;
}

static void drop_reg(struct wanted *w, u32 frame, u32 reg)
{
	w->regs[frame] &= ~(1u << reg);
}

#define REGS_ARGS 0x3eu	   /* r1 to r5 */
#define REGS_CLOBBERED 0x3fu /* r0 to r5 */

static void hop_alu(struct wanted *w, const struct bpf_insn *insn, u32 f)
{
	if (!wants_reg(w, f, insn->dst_reg))
		return;
	if (insn_op(insn) == BPF_MOV)
		drop_reg(w, f, insn->dst_reg);
	/* BPF_END uses the source bit for its direction, BPF_NEG has no source. */
	if (insn_op(insn) != BPF_END && insn_op(insn) != BPF_NEG && insn_is_reg_form(insn))
		want_reg(w, f, insn->src_reg);
}

/* Memory other than the stack holds no number that is tracked. */
static void hop_load(struct wanted *w, const struct bpf_insn *insn, const struct hop *hop)
{
	if (!wants_reg(w, hop->frame, insn->dst_reg))
		return;
	drop_reg(w, hop->frame, insn->dst_reg);
	if (hop->flags & HOP_STACK)
		w->slots[hop->slot_frame] |= hop->slots;
}

/* A store to a part of a slot, or to one of several, leaves the rest of it wanted. */
static void hop_store(struct wanted *w, const struct bpf_insn *insn, const struct hop *hop)
{
	if (!(hop->flags & HOP_STACK) || !(w->slots[hop->slot_frame] & hop->slots))
		return;
	if (hop->flags & HOP_WHOLE_SLOT)
		w->slots[hop->slot_frame] &= ~hop->slots;
	if (insn_class(insn) == BPF_STX)
		want_reg(w, hop->frame, insn->src_reg);
}

/* Reads and writes at once; what was wanted stays wanted. */
static void hop_atomic(struct wanted *w, const struct bpf_insn *insn, const struct hop *hop)
{
	bool in_slots = hop->flags & HOP_STACK && w->slots[hop->slot_frame] & hop->slots;
	u32 f = hop->frame;
	bool in_regs = wants_reg(w, f, insn->src_reg) || wants_reg(w, f, 0);

	if (in_slots) {
		want_reg(w, f, insn->src_reg);
		want_reg(w, f, 0);
	}
	if (in_regs && hop->flags & HOP_STACK)
		w->slots[hop->slot_frame] |= hop->slots;
}

/*
 * Backwards over a call.  @next_frame tells what came after it: the callee's
 * frame, or the caller's own when the callee was not walked into.
 */
static void hop_call(const struct vrf *v, struct wanted *w, const struct hop *hop, u32 next_frame)
{
	u32 f = hop->frame;

	if (next_frame <= f) {
		w->regs[f] &= ~REGS_CLOBBERED;
		return;
	}
	/*
	 * The callee's arguments were the caller's; a callback's were made up by the helper,
	 * or are pointers.  What it left in the caller's slots stays wanted there (corpus:
	 * callback_writes_what_decides_later).
	 */
	if (v->facts->sites[hop->pc].kind == SITE_SUBPROG)
		w->regs[f] |= w->regs[next_frame] & REGS_ARGS;
	w->regs[next_frame] = 0;
	w->slots[next_frame] = 0;
}

/* Backwards into a function that returned: the caller's r0 was its r0. */
static void hop_exit(struct wanted *w, const struct hop *hop, u32 next_frame)
{
	bool wants_r0 = wants_reg(w, next_frame, 0);

	if (next_frame >= hop->frame)
		return;
	/* Behind a callback the caller has the registers with which it made the call. */
	if (!(hop->flags & HOP_CALLBACK_EXIT))
		w->regs[next_frame] &= ~REGS_CLOBBERED;
	w->regs[hop->frame] = 0;
	w->slots[hop->frame] = 0;
	if (wants_r0 && !(hop->flags & HOP_CALLBACK_EXIT))
		want_reg(w, hop->frame, 0);
}

static bool hop_has_linked(const struct wanted *w, const struct hop *hop)
{
	return hop->flags & HOP_LINKED &&
	       (w->regs[hop->frame] & hop->regs || w->slots[hop->frame] & hop->slots);
}

static void hop_jump(struct wanted *w, const struct bpf_insn *insn, const struct hop *hop)
{
	u32 f = hop->frame;

	/* What one operand can be after the jump depends on what the other was before it. */
	if (insn_is_reg_form(insn) &&
	    (wants_reg(w, f, insn->dst_reg) || wants_reg(w, f, insn->src_reg) ||
	     hop_has_linked(w, hop))) {
		want_reg(w, f, insn->dst_reg);
		want_reg(w, f, insn->src_reg);
	}
	if (hop_has_linked(w, hop)) {
		w->regs[f] |= hop->regs;
		w->slots[f] |= hop->slots;
	}
}

/**
 * precise_hop - from what is wanted after an instruction to what is wanted before it
 * @w:           changed in place
 * @next_frame:  the frame of the instruction executed after this one
 *
 * Context: any.
 */
void precise_hop(const struct vrf *v, struct wanted *w, const struct hop *hop, u32 next_frame)
{
	const struct bpf_insn *insn = &v->req->insns[hop->pc];

	switch (insn_class(insn)) {
	case BPF_ALU:
	case BPF_ALU64:
		hop_alu(w, insn, hop->frame);
		break;
	case BPF_LD:
		drop_reg(w, hop->frame, insn->dst_reg);
		break;
	case BPF_LDX:
		hop_load(w, insn, hop);
		break;
	case BPF_ST:
	case BPF_STX:
		if (hop_is_load_acquire(insn))
			hop_load(w, insn, hop);
		else if (insn_class(insn) == BPF_STX && insn_mode(insn) == BPF_ATOMIC)
			hop_atomic(w, insn, hop);
		else
			hop_store(w, insn, hop);
		break;
	default:
		if (insn_op(insn) == BPF_CALL)
			hop_call(v, w, hop, next_frame);
		else if (insn_op(insn) == BPF_EXIT)
			hop_exit(w, hop, next_frame);
		else if (insn_op(insn) != BPF_JA)
			hop_jump(w, insn, hop);
	}
}

/* --- the chain of checkpoints ----------------------------------------------------------------- */

static bool mark_value(struct value *val)
{
	if (!value_is_scalar(val) || val->precise)
		return false;
	val->precise = true;
	return true;
}

/*
 * Mark what is wanted of one checkpoint.  What is no number, or is marked
 * already (then so are its origins), is wanted no longer.
 */
static bool mark_frame(struct frame *frame, u16 *regs, u64 *slots)
{
	bool changed = false;
	u16 regs_left = 0;
	u64 slots_left = 0;

	for (u32 r = 0; r < FRAME_FP; r++) {
		if (*regs >> r & 1 && mark_value(&frame->regs[r])) {
			regs_left |= 1u << r;
			changed = true;
		}
	}
	for (u64 todo = *slots; todo; todo &= todo - 1) {
		u32 i = __builtin_ctzll(todo);

		if (i < frame->stack.nr_slots && slot_is_spill(&frame->stack.slot[i]) &&
		    mark_value(&frame->stack.slot[i].spill)) {
			slots_left |= 1ull << i;
			changed = true;
		}
	}
	*regs = regs_left;
	*slots = slots_left;
	return changed;
}

static bool mark_checkpoint(struct visited *node, struct wanted *w)
{
	bool changed = false;

	for (u32 f = 0; f < w->nr_frames; f++) {
		if (f >= node->st->depth) {
			w->regs[f] = 0;
			w->slots[f] = 0;
		} else if (w->regs[f] || w->slots[f]) {
			changed |= mark_frame(node->st->frames[f], &w->regs[f], &w->slots[f]);
		}
	}
	return changed;
}

/**
 * precise_mark_all - mark every number of every checkpoint from @from on up
 *
 * The answer when in doubt.  What is above one that has all marks has them too,
 * so all calls together look at each checkpoint once.
 *
 * Context: any.
 * Return:  true when a mark was made that was not there.
 */
bool precise_mark_all(struct visited *from)
{
	bool changed = false;

	for (; from && !from->all_precise; from = from->parent) {
		struct value_at at;
		struct value *val;

		from->all_precise = true;
		vstate_each_value(from->st, val, at)
			changed |= mark_value(val);
	}
	return changed;
}

/* A comparison spoke of values in several frames at once, and one of them may be wanted. */
static bool hop_unclear(const struct wanted *w, const struct hop *hop)
{
	return hop->flags & HOP_LINKED_FAR && !wanted_empty(w);
}

/**
 * precise_walk - mark where what is wanted came from
 * @w:           as of behind the last of @hops; used up
 * @hops:        since @parent, the first @nr_hops of them count
 * @next_frame:  the frame that was running behind the last of them
 * @parent:      NULL: the path began without a checkpoint
 *
 * Context: any.
 * Return:  true when a mark was made that was not there.
 */
bool precise_walk(const struct vrf *v, struct wanted *w, const struct hops *hops, u32 nr_hops,
		  u32 next_frame, struct visited *parent)
{
	bool changed = false;

	while (!wanted_empty(w)) {
		while (nr_hops) {
			const struct hop *hop = &hops->at[--nr_hops];

			if (hop_unclear(w, hop))
				return precise_mark_all(parent) || changed;
			precise_hop(v, w, hop, next_frame);
			next_frame = hop->frame;
		}
		if (!parent)
			return changed;
		changed |= mark_checkpoint(parent, w);
		hops = &parent->hops;
		nr_hops = hops->nr;
		parent = parent->parent;
	}
	return changed;
}

/**
 * precise_mark - a step depended on exact numbers
 * @path: its last hop is that step
 * @want: registers and slots as they were before it
 *
 * Soundness: a state covered by a checkpoint is let go, so what was proved
 * from the checkpoint must hold for it.  The proof used the exact value of
 * some numbers (a decided jump, an offset, a size); for all others it used at
 * most their kind.  By induction over the hops: if the wanted values before a
 * hop agree with (lie within) the checkpoint's, so do those after it.  A hop
 * that changes a wanted value without asking for its inputs breaks the chain:
 *
 *	r6 = 0; if r0 == 0 goto +1; r6 = 64;	two paths, r6 is 0 or 64
 *	r1 = r6;				<- checkpoint; first visited with r6 = 0
 *	r2 = map_value; r2 += r1; r2 = *(u8 *)(r2 + 0)
 *
 * Only r1 is used exactly.  If "r1 = r6" did not pass the mark on to r6, the
 * second visit (r6 = 64, outside the value) would be covered by the first.
 * (corpus: precise_move, and precise_spill, precise_linked, precise_arg,
 * precise_return, precise_both_operands for the other hops.)
 *
 * The running state itself needs no mark, since nobody compares with it.  So
 * it is enough to mark after the step, as long as @want names the frame.
 *
 * Context: any.
 */
void precise_mark(const struct vrf *v, const struct path *path, const struct precise_want *want)
{
	struct wanted w = { .nr_frames = STATE_FRAMES };

	w.regs[want->frame] = want->regs & ~(1u << FRAME_FP);
	w.slots[want->frame] = want->slots;
	precise_walk(v, &w, &path->hops, path->hops.nr - 1, want->frame, path->parent);
}

/**
 * precise_propagate - a path ended at a checkpoint that was proved before it
 * @old:     what it depended on, the path now depends on as well
 * @hops:    of the path, since @parent; nothing at the checkpoint's pc was executed
 *
 * Soundness: two paths that differ in r6 may both end at a state proved with
 * r6 = 0; were the mark not passed on to the checkpoints of the first, the
 * second would be covered by one of those (corpus: precise_through_proved_state).
 *
 * Context: any.
 * Return:  true when a mark was made that was not there.
 */
bool precise_propagate(const struct vrf *v, const struct visited *old, const struct hops *hops,
		       struct visited *parent)
{
	struct wanted w = { .nr_frames = STATE_FRAMES };
	bool any = false;

	for (u32 f = 0; f < old->st->depth; f++) {
		const struct frame *frame = old->st->frames[f];

		for (u32 r = 0; r < FRAME_FP; r++) {
			if (frame->regs[r].precise)
				w.regs[f] |= 1u << r;
		}
		for (u32 i = 0; i < frame->stack.nr_slots; i++) {
			if (slot_is_spill(&frame->stack.slot[i]) &&
			    frame->stack.slot[i].spill.precise)
				w.slots[f] |= 1ull << i;
		}
		any |= w.regs[f] || w.slots[f];
	}
	return any && precise_walk(v, &w, hops, hops->nr, old->st->depth - 1, parent);
}

/* What goes on from a checkpoint begins without marks: they are made behind it.  Context: any. */
void precise_forget(struct vstate *st)
{
	struct value_at at;
	struct value *val;

	vstate_each_value(st, val, at)
		val->precise = false;
}
