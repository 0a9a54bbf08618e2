/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/callback.c - functions of the program that a callee calls
 *
 * A call that calls back during the call is two paths: one on which the callee
 * is done and the program goes on, and one on which it calls back (once more).
 * The callback returns to the call itself, with the caller's registers as they
 * were, and there are two paths again.  Rounds end because a round that
 * changes nothing was proved by the one before it (search/prune.c).
 *
 * Each call has a name of its own on its path, frame.callback_first: the
 * identity that was newest when control first arrived.  So a round is told
 * from the same call reached again, which proves nothing.
 *
 * Not here: callbacks for later, which are queued (typestate/obj_async.c).
 */
#include <errno.h>

#include "bpf/core/uapi.h"
#include "bpf/verifier/exec/call.h"

#ifndef ENOTSUPP
#define ENOTSUPP 524	/* bpf(2) gives it away although user space has no name for it */
#endif

static void give_loop_args(struct frame *callee, const struct frame *caller)
{
	value_set_unknown(&callee->regs[1]);
	callee->regs[2] = caller->regs[3];
}

static void give_map_elem_args(struct frame *callee, const struct frame *caller)
{
	const struct vrf_map *map = caller->regs[1].map.map;

	callee->regs[1] = caller->regs[1];
	value_set_map_key(&callee->regs[2], map);
	value_set_map_value(&callee->regs[3], map, caller->regs[1].map.uid);
	callee->regs[4] = caller->regs[3];
}

/* @st: a copy, for the path on which the callee calls back. */
static int enter_callback(struct vrf *v, struct vstate *st, const struct call *call)
{
	struct frame *caller = vstate_frame(st), *callee;
	int err = call_push_frame(v, st, call->subprog, &callee);

	if (err)
		return err;
	caller->callback_depth++;
	callee->in_callback = true;
	callee->callback_kind = call->proto->callback;
	callee->ret_min = 0;
	callee->ret_max = 1;
	if (call->proto->callback == CALLBACK_LOOP)
		give_loop_args(callee, caller);
	else
		give_map_elem_args(callee, caller);
	return 0;
}

static int check_elements(struct vrf *v, const struct call *call)
{
	static const u64 walkable = 1ull << BPF_MAP_TYPE_HASH | 1ull << BPF_MAP_TYPE_ARRAY |
				    1ull << BPF_MAP_TYPE_LRU_HASH | 1ull << MAP_TYPE_RHASH |
				    1ull << BPF_MAP_TYPE_PERCPU_ARRAY |
				    1ull << BPF_MAP_TYPE_PERCPU_HASH |
				    1ull << BPF_MAP_TYPE_LRU_PERCPU_HASH;
	u32 type = call->map ? call->map->type : BPF_MAP_TYPE_UNSPEC;

	if (call->proto->callback != CALLBACK_MAP_ELEM || walkable & 1ull << type)
		return 0;
	return vlog_reject(v, -ENOTSUPP, WHY_CALL, "callback function not allowed for map");
}

/*
 * A loop may be known to have had its rounds; then that number decided it
 * (corpus: callback_rounds_are_exact).
 */
static bool rounds_are_over(const struct vstate *st, const struct call *call, u32 rounds)
{
	const struct value *nr_loops = vstate_reg(st, 1);

	if (call->proto->callback != CALLBACK_LOOP || !value_is_scalar(nr_loops) ||
	    rounds < scalar_umax(&nr_loops->num))
		return false;
	want_reg(call->step, 1);
	return true;
}

/*
 * Soundness: in the real run the callee calls back some number of times, none
 * among them.  By induction over the rounds: when control is at the call after
 * k rounds, the state is covered by one that was walked at the call; either
 * the callee is done, which is the path that goes on, or it calls back, which
 * is the fork, and after which control is at the call after k + 1 rounds.
 * Were it proved with no round only,
 *
 *	cb: *(u64 *)(ctx + 0) = 64; return 0;
 *	x = 0; bpf_loop(1, cb, &x, 0); r0 = map_value + x
 *
 * would be accepted with x = 0 (corpus: callback_changes_callers_stack).
 */
static int call_back_now(struct vrf *v, struct vstate *st, const struct call *call)
{
	struct frame *caller = vstate_frame(st);
	struct step *step = call->step;
	u32 rounds = caller->callback_depth;
	int err = 0;

	if (!rounds) {
		caller->callback_first = st->next_id;
		vstate_new_id(st);
	}
	v->res->subprogs[call->subprog].called_back = true;
	err = check_elements(v, call);
	if (err)
		return err;
	if (!rounds_are_over(st, call, rounds)) {
		err = vstate_copy(st, &step->fork);
		err = err ?: enter_callback(v, step->fork, call);
		step->kind = STEP_FORK;
		step->fork_pc = v->facts->subprogs[call->subprog].start;
		step->converge = rounds > 0;
	}
	caller->callback_depth = 0;
	caller->callback_first = 0;
	return err;
}

/**
 * call_callback - what a call does with the function that it was given
 * @st:  arguments are matched, effects are not applied yet
 *
 * Context: thread.
 * Return:  0, the rejection, or -ENOMEM.
 */
int call_callback(struct vrf *v, struct vstate *st, const struct call *call)
{
	struct step *step = call->step;

	ctx_thread();
	if (func_calls_back(call->proto))
		return call_back_now(v, st, call);
	step->later_pc = v->facts->subprogs[call->subprog].start;
	return obj_async_callback(v, call->proto, call->subprog, call->map, &step->later);
}

/**
 * callback_return - a callback is done: its callee decides what comes next
 *
 * Context: thread.
 * Return:  0 or the rejection.
 */
int callback_return(struct vrf *v, struct vstate *st, struct step *step)
{
	const struct frame *callee = vstate_frame(st);
	struct value *r0;
	int err = reg_read(v, st, 0, &r0);

	ctx_thread();
	if (err)
		return err;
	if (r0->kind == V_STACK)
		return vlog_reject(v, -EINVAL, WHY_TYPE, "cannot return stack pointer to the caller");
	if (!value_is_scalar(r0))
		return vlog_reject(v, -EACCES, WHY_RETURN, "R0 not a scalar value");
	want_reg(step, 0);
	err = check_result_range(v, &r0->num, callee->ret_min, callee->ret_max,
				 "At callback return");
	if (err)
		return err;
	step->next = callee->callsite;
	vstate_pop_frame(st);
	return 0;
}
