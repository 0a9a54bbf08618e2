/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/search/prune.c - is this state covered by one already proved
 *
 * Where paths meet, a state is compared with the checkpoints that were left
 * there.  One that is covered need not be walked again.  Loops over iterators
 * end here too: a state that comes back to what it was is done.
 *
 * Not here: comparing (vstate_covers()), which numbers matter (precise.c).
 */
#include <errno.h>

#include "bpf/verifier/search/internal.h"

#ifndef BPF_F_TEST_STATE_FREQ
#define BPF_F_TEST_STATE_FREQ (1U << 3)
#endif

/* A checkpoint costs memory and comparisons; so far from the last one it is worth while. */
#define KEEP_JUMPS 2
#define KEEP_INSNS 8
#define KEEP_LOOP_JUMPS 20 /* within a loop that is being unrolled, most states differ */
#define KEEP_LOOP_INSNS 100
#define KEEP_HOPS 256 /* bounds what a fork copies */

/* One that was looked at so often in vain is not looked at any more. */
#define MISSES_PER_HIT 3
#define MISSES_PER_HIT_CONVERGE 64

/* --- what will not be read again -------------------------------------------------------------- */

#define REGS_KEPT_BY_CALLS 0x3c0u /* r6 to r9 */

static void forget_regs(struct frame *frame, u32 live)
{
	for (u32 r = 0; r < FRAME_FP; r++) {
		if (!(live >> r & 1) && frame->regs[r].kind != V_NONE)
			value_set_none(&frame->regs[r]);
	}
}

static void forget_slots(struct frame *frame, u64 live)
{
	for (u32 i = 0; i < frame->stack.nr_slots; i++) {
		if (!(live >> i & 1) && !slot_is_object(&frame->stack.slot[i]))
			stack_forget_slot(&frame->stack, i);
	}
}

/*
 * The running state forgets what it cannot read again, so its checkpoint has
 * nothing dead in it either.  If liveness were wrong, the program would be
 * rejected for reading what was never written: a nuisance, not a danger.
 */
static void forget_dead(const struct vrf *v, struct vstate *st, u32 pc)
{
	struct frame *frame = vstate_frame(st);

	forget_regs(frame, live_regs(v->facts, pc));
	forget_slots(frame, live_slots(v->facts, pc));
	for (u32 f = 0; f + 1 < st->depth; f++) {
		const struct frame *callee = st->frames[f + 1];

		/* Behind a callback the call is made again, with the arguments it had. */
		if (callee->in_callback)
			forget_regs(st->frames[f], live_regs(v->facts, callee->callsite));
		else
			forget_regs(st->frames[f], live_regs(v->facts, callee->callsite + 1) &
							   REGS_KEPT_BY_CALLS);
	}
}

/* --- is it a loop ----------------------------------------------------------------------------- */

/* The iterator that the next() at hand is called on, or NULL. */
static const struct slot_obj *iter_at_next(const struct vstate *st)
{
	const struct value *ptr = vstate_reg(st, 1);
	const struct slot_obj *obj;

	if (ptr->kind != V_STACK || !value_offset_is_const(ptr))
		return NULL;
	obj = stack_get_object(&st->frames[ptr->stack.frame]->stack, value_offset(ptr), BYTE_ITER,
			       0);
	return obj && obj->phase == ITER_ACTIVE ? obj : NULL;
}

/* The very same iterator, not one that was made anew at the same place. */
static bool iter_went_on(const struct vstate *old, const struct vstate *cur)
{
	const struct slot_obj *old_iter = iter_at_next(old);
	const struct slot_obj *cur_iter = iter_at_next(cur);

	return old_iter && cur_iter && old_iter->ref == cur_iter->ref;
}

/* The very same call has called back since, see exec/callback.c. */
static bool callback_went_on(const struct vstate *old, const struct vstate *cur)
{
	const struct frame *a = vstate_frame(old), *b = vstate_frame(cur);

	return b->callback_depth > a->callback_depth &&
	       b->callback_first == (a->callback_depth ? a->callback_first : old->next_id);
}

static bool round_went_on(const struct vrf *v, u32 pc, const struct vstate *old,
			  const struct vstate *cur)
{
	if (v->facts->sites[pc].proto->flags & FUNC_ITER_NEXT)
		return iter_went_on(old, cur);
	return callback_went_on(old, cur);
}

static bool slot_depths_differ(const struct slot *old, const struct slot *cur)
{
	return old->byte[0] == BYTE_ITER && cur->byte[0] == BYTE_ITER &&
	       old->obj.phase == ITER_ACTIVE && cur->obj.phase == ITER_ACTIVE &&
	       old->obj.depth != cur->obj.depth;
}

/* Some iterator or callback made progress: then even equal states are no endless loop. */
static bool depths_differ(const struct vstate *old, const struct vstate *cur)
{
	for (u32 f = 0; f < old->depth && f < cur->depth; f++) {
		const struct frame *a = old->frames[f];
		const struct frame *b = cur->frames[f];

		if (a->callback_depth != b->callback_depth)
			return true;
		for (u32 i = 0; i < a->stack.nr_slots && i < b->stack.nr_slots; i++) {
			if (slot_depths_differ(&a->stack.slot[i], &b->stack.slot[i]))
				return true;
		}
	}
	return false;
}

/* Cheap, and nearly always decides: a loop that moves changes a number of the running frame. */
static bool regs_may_be_same(const struct vstate *old, const struct vstate *cur)
{
	const struct frame *a = vstate_frame(old);
	const struct frame *b = vstate_frame(cur);

	for (u32 r = 0; r < FRAME_FP; r++) {
		if (a->regs[r].kind != b->regs[r].kind)
			return false;
		if (!scalar_equal(&a->regs[r].num, &b->regs[r].num) &&
		    a->regs[r].kind != V_NONE)
			return false;
	}
	return true;
}

static int reject_endless(struct vrf *v)
{
	return vlog_reject(v, -EINVAL, WHY_COMPLEXITY, "infinite loop detected at insn %u", v->pc);
}

enum met { MET_NOTHING, MET_PROVED, MET_ENDLESS };

/*
 * The path came back to a checkpoint it started from.  That proves nothing,
 * unless an iterator went on in between, or a call called back: both end, so
 * whatever the loop can do in its next round is what it did in the round before.
 */
static enum met meet_in_progress(struct vrf *v, const struct visited *node,
				 const struct vstate *cur)
{
	struct idmap *ids = &v->search->ids;

	if (cfg_is_round(v->facts, node->pc) && round_went_on(v, node->pc, node->st, cur))
		return vstate_covers(node->st, cur, ids, COVER_WITHIN) ? MET_PROVED : MET_NOTHING;
	if (regs_may_be_same(node->st, cur) && !depths_differ(node->st, cur) &&
	    vstate_covers(node->st, cur, ids, COVER_EXACT))
		return MET_ENDLESS;
	return MET_NOTHING;
}

static enum met meet(struct vrf *v, const struct visited *node, const struct vstate *cur)
{
	enum cover mode = node->settled ? COVER_RANGE : COVER_WITHIN;

	if (node->branches)
		return meet_in_progress(v, node, cur);
	return vstate_covers(node->st, cur, &v->search->ids, mode) ? MET_PROVED : MET_NOTHING;
}

static bool same_call_chain(const struct vstate *a, const struct vstate *b)
{
	if (a->depth != b->depth)
		return false;
	for (u32 f = 0; f < a->depth; f++) {
		if (a->frames[f]->callsite != b->frames[f]->callsite ||
		    a->frames[f]->subprog != b->frames[f]->subprog)
			return false;
	}
	return true;
}

/* --- looking and keeping ---------------------------------------------------------------------- */

static bool must_keep(const struct vrf *v, const struct path *path)
{
	return !path->parent || cfg_is_round(v->facts, path->pc) || path->hops.nr >= KEEP_HOPS ||
	       v->req->prog_flags & BPF_F_TEST_STATE_FREQ;
}

static bool far_enough(const struct search *s, u32 jumps, u32 insns)
{
	return s->jumps - s->jumps_at_keep >= jumps && s->insns - s->insns_at_keep >= insns;
}

/* Evict what never helps.  In a loop over an iterator the early ones are what it converges to. */
static void note_miss(struct vrf *v, struct visited *node)
{
	u32 patience = cfg_is_round(v->facts, node->pc) && node->branches ? MISSES_PER_HIT_CONVERGE :
								     MISSES_PER_HIT;

	node->misses++;
	if (node->misses <= patience * (node->hits + 1))
		return;
	visited_unlist(v->search, node);
	if (node->settled)
		visited_free(v->search, node);
}

static int path_proved(struct vrf *v, struct path *path, struct visited *node)
{
	int err;

	node->hits++;
	precise_propagate(v, node, &path->hops, path->parent);
	if (!node->settled) {
		err = loop_close(v, path, node);
		if (err)
			return err;
	}
	return 1;
}

/**
 * prune_seen - may this path end here
 * @path:      at an instruction where states are compared
 * @ret_keep:  when 0 is returned: a checkpoint should be left here
 *
 * Soundness.  Claim: every run from a concrete state that a settled checkpoint
 * covers is safe.  "Covers" compares exactly what is marked precise, and every
 * pointer, reference and object; numbers without a mark are ignored.
 *
 *  - Settled means that every path from the checkpoint ended at an exit or at
 *    a checkpoint of which the claim holds, with its marks passed on.  So the
 *    claim follows by induction over the length of the run.
 *  - A finished checkpoint that is not settled lacks marks: a loop through it
 *    is still being walked.  All its numbers are compared (COVER_WITHIN), and
 *    the path leaves a backedge for the marks to come.
 *  - A checkpoint in progress is not a proof.  If it were,
 *
 *	r6 = 0
 *   again:
 *	if r7 == 0 goto again	 <- same state, still in progress: endless
 *
 *    would be accepted because it "was seen".  (corpus: loop_endless)
 *  - Marks of a loop arrive late.  With numbers ignored in an unsettled
 *    checkpoint this would pass, where the loop is left only after r6 moved:
 *
 *	r6 = 0; r7 = 0
 *	while (next(it)) { r6 = r7; if random() r7 = 64; }
 *	r0 = map_value + r6
 *
 *    since the body alone never looks at r7.  (corpus: iter_late_precision,
 *    iter_state_inside_open_loop)
 *  - Equal states at next() end a loop only if it is the same iterator: an
 *    endless loop that makes a new iterator each round never ends although
 *    each of its iterators does.  (corpus: iter_remade_in_endless_loop)
 *    Likewise for a call that calls back.  (corpus: callback_in_endless_loop)
 *
 * Context: thread.
 * Return:  1: proved, the path may end; 0: go on; the rejection or -ENOMEM.
 */
int prune_seen(struct vrf *v, struct path *path, bool *ret_keep)
{
	struct search *s = v->search;
	bool forced = must_keep(v, path);
	bool keep = forced || far_enough(s, KEEP_JUMPS, KEEP_INSNS);
	struct visited *next;
	u32 nr = 0;

	forget_dead(v, path->st, path->pc);
	for (struct visited *node = s->seen[path->pc]; node; node = next) {
		next = node->next;
		nr++;
		if (!same_call_chain(node->st, path->st))
			continue;
		switch (meet(v, node, path->st)) {
		case MET_PROVED:
			return path_proved(v, path, node);
		case MET_ENDLESS:
			return reject_endless(v);
		case MET_NOTHING:
			break;
		}
		if (node->branches && !forced && s->jumps - s->jumps_at_keep < KEEP_LOOP_JUMPS &&
		    s->insns - s->insns_at_keep < KEEP_LOOP_INSNS)
			keep = false;
		if (keep)
			note_miss(v, node);
	}
	v->res->stats.max_states_per_insn = max(v->res->stats.max_states_per_insn, nr);
	*ret_keep = keep;
	return 0;
}

#define MAX_SINGLES 128

/* A link with one end says nothing, but asks for a link when states are compared. */
static void drop_single_ids(struct vstate *st)
{
	struct value *first[MAX_SINGLES];
	bool again[MAX_SINGLES];
	struct value_at at;
	struct value *val;
	u32 nr = 0, i;

	vstate_each_value(st, val, at) {
		if (!value_is_scalar(val) || !val->id)
			continue;
		for (i = 0; i < nr && first[i]->id != val->id; i++)
			;
		if (i < nr) {
			again[i] = true;
		} else if (nr < MAX_SINGLES) {
			first[nr] = val;
			again[nr++] = false;
		} else {
			return;
		}
	}
	for (i = 0; i < nr; i++) {
		if (!again[i])
			first[i]->id = 0;
	}
}

/**
 * prune_remember - leave a checkpoint; the path goes on from it
 *
 * Context: thread.
 * Return:  0 or -ENOMEM.
 */
int prune_remember(struct vrf *v, struct path *path)
{
	struct search *s = v->search;
	struct visited *node = domain_alloc(sizeof(*node));
	int err;

	if (!node)
		return -ENOMEM;
	precise_forget(path->st);
	drop_single_ids(path->st);
	err = vstate_copy(path->st, &node->st);
	if (err) {
		domain_free(node);
		return err;
	}
	node->pc = path->pc;
	node->parent = path->parent;
	node->hops = path->hops;
	node->branches = 1;
	node->order = ++s->next_order;
	node->low = node->order;
	node->listed = true;
	node->next = s->seen[path->pc];
	s->seen[path->pc] = node;
	list_add_tail(&node->in_nodes, &s->nodes);

	path->hops = (struct hops){ 0 };
	path->parent = node;
	s->insns_at_keep = s->insns;
	s->jumps_at_keep = s->jumps;
	s->nr_states++;
	v->res->stats.total_states++;
	v->res->stats.peak_states = max(v->res->stats.peak_states, s->nr_states);
	return 0;
}

#define ROUND_CHECKPOINTS 4096

/* --- widening --------------------------------------------------------------------------------- */

/*
 * The checkpoint of the round before: the one nearest at this call, this round's own aside.
 * One that is too far away is none: a loop behind another that does not end would else be
 * looked for in all rounds of that one, from each of them.
 */
static const struct visited *previous_round(const struct path *path)
{
	const struct visited *node = path->parent;

	if (!node || node->pc != path->pc)
		return NULL;
	node = node->parent;
	for (u32 i = 0; node && i < ROUND_CHECKPOINTS; node = node->parent, i++) {
		if (node->pc == path->pc && same_call_chain(node->st, path->parent->st))
			return node;
	}
	return NULL;
}

static void widen_value(const struct value *old, struct value *cur)
{
	struct scalar wide;

	if (!value_is_scalar(old) || !value_is_scalar(cur) || old->precise || cur->precise ||
	    scalar_equal(&old->num, &cur->num))
		return;
	wide = scalar_widen(&old->num, &cur->num);
	value_set_scalar(cur, &wide);
}

/* A number that was stored narrow stays as narrow. */
static void widen_slot(const struct slot *old, struct slot *cur)
{
	u32 bytes = slot_spill_bytes(cur);

	if (!bytes || slot_spill_bytes(old) != bytes)
		return;
	widen_value(&old->spill, &cur->spill);
	if (value_is_scalar(&cur->spill))
		scalar_trunc(&cur->spill.num, bytes);
}

static void widen_frame(const struct frame *old, struct frame *cur)
{
	for (u32 r = 0; r < FRAME_FP; r++)
		widen_value(&old->regs[r], &cur->regs[r]);
	for (u32 i = 0; i < old->stack.nr_slots && i < cur->stack.nr_slots; i++)
		widen_slot(&old->stack.slot[i], &cur->stack.slot[i]);
}

/**
 * prune_widen - give up numbers that change from round to round and decide nothing
 * @path:  at an iterator's next() or a call that calls back, whose checkpoint was just left
 * @st:    the state in which the iterator gave an element, or the callback begins
 *
 * Soundness: @st becomes a state that covers the one it was, so everything
 * that can happen is still walked.  What it costs is precision, so numbers on
 * which the rounds so far depended are left alone: in
 *
 *	r6 = 0
 *	while (next(it)) { if r6 > 7 break; r0 = map_value + r6; r6 += 1 }
 *
 * giving up r6 would be safe, and would reject what a human sees is right.
 * (corpus: iter_counter_used, iter_counter_widened)
 *
 * Context: any.
 */
void prune_widen(const struct vrf *v, const struct path *path, struct vstate *st)
{
	const struct visited *prev = previous_round(path);

	if (!prev)
		return;
	for (u32 f = 0; f < st->depth && f < prev->st->depth; f++)
		widen_frame(prev->st->frames[f], st->frames[f]);
}
