/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/exit.c - entering and leaving what is checked on its own
 *
 * The program itself, each global function, each callback for later.  What is
 * held when it is left could never be given back.
 */
#include <errno.h>

#include "bpf/verifier/exec/call.h"

static int enter_main(struct vstate *st)
{
	value_set_ctx(vstate_reg(st, 1));
	return 0;
}

/* Any number, and NULL or any memory of the size: all that a caller may pass. */
static int enter_global(struct vrf *v, struct vstate *st, u32 subprog)
{
	struct func_proto proto;
	int err;

	err = global_proto(v, subprog, &proto);
	if (err)
		return err;
	for (u32 i = 0; i < FUNC_MAX_ARGS && proto.args[i].kind != ARG_NONE; i++) {
		struct value *arg = vstate_reg(st, i + 1);

		if (proto.args[i].kind == ARG_SCALAR) {
			value_set_unknown(arg);
			continue;
		}
		value_set_mem(arg, proto.args[i].size);
		arg->flags = VF_MAYBE_NULL;
		arg->id = vstate_new_id(st);
	}
	return 0;
}

/**
 * exec_entry_state - the state in which main or a global function starts
 * @ret_state:  free with vstate_free()
 *
 * Context: thread.
 * Return:  0, the rejection, or -ENOMEM.
 */
int exec_entry_state(struct vrf *v, u32 subprog, struct vstate **ret_state)
{
	const struct subprog *sub = &v->facts->subprogs[subprog];
	struct vstate *st;
	int err;

	ctx_thread();
	v->pc = sub->start;
	err = vstate_new(subprog, &st);
	if (err)
		return err;
	st->may_sleep = v->facts->ctx->may_sleep && v->req->prog_flags & BPF_F_SLEEPABLE;
	if (sub->is_main)
		err = enter_main(st);
	else
		err = enter_global(v, st, subprog);
	if (err) {
		vstate_free(st);
		return err;
	}
	*ret_state = st;
	return 0;
}

static int check_leak(struct vrf *v, const struct vstate *st)
{
	const struct ref *leak = refs_first_leak(&st->refs);

	if (!leak)
		return 0;
	vlog_print(v, EXEC_LOG_ALWAYS, "Unreleased reference id=%u alloc_insn=%u\n", leak->id,
		   leak->pc);
	return vlog_reject(v, -EINVAL, WHY_REFERENCE,
			   "BPF_EXIT instruction in main prog would lead to reference leak");
}

int check_result_range(struct vrf *v, const struct scalar *num, s64 least, s64 most,
		       const char *when)
{
	s64 smin = scalar_smin(num), smax = scalar_smax(num);

	ctx_thread();
	if (smin >= least && smax <= most)
		return 0;
	if (smin == INT64_MIN && smax == INT64_MAX)
		return vlog_reject(v, -EINVAL, WHY_RETURN,
				   "%s the register R0 has unknown scalar value should have been in [%lld, %lld]",
				   when, (long long)least, (long long)most);
	return vlog_reject(v, -EINVAL, WHY_RETURN,
			   "%s the register R0 has smin=%lld smax=%lld should have been in [%lld, %lld]",
			   when, (long long)smin, (long long)smax, (long long)least,
			   (long long)most);
}

static int check_result(struct vrf *v, struct step *step, const struct value *r0, s64 least,
			s64 most, const char *when)
{
	struct wording words;

	if (least == INT64_MIN && most == INT64_MAX)
		return 0;
	if (!value_is_scalar(r0))
		return vlog_reject(v, -EINVAL, WHY_RETURN,
				   "%s the register R0 is not a known value (%s)", when,
				   value_words(v, r0, &words));
	want_reg(step, 0);
	return check_result_range(v, &r0->num, least, most, when);
}

static int check_global_result(struct vrf *v, const struct value *r0)
{
	struct wording words;

	if (value_is_scalar(r0))
		return 0;
	return vlog_reject(v, -EINVAL, WHY_RETURN,
			   "At subprogram exit the register R0 is not a scalar value (%s)",
			   value_words(v, r0, &words));
}

/**
 * exec_exit - BPF_EXIT of what was entered on its own
 *
 * Context: thread.
 * Return:  0 or the rejection.
 */
int exec_exit(struct vrf *v, struct vstate *st, struct step *step)
{
	const struct frame *frame = vstate_frame(st);
	const struct ctx_desc *ctx = v->facts->ctx;
	struct value *r0;
	int err;

	ctx_thread();
	err = check_leak(v, st);
	err = err ?: reg_read(v, st, 0, &r0);
	if (!err && frame->async)
		err = check_result(v, step, r0, frame->ret_min, frame->ret_max,
				   "At async callback return");
	else if (!err && v->facts->subprogs[frame->subprog].is_main)
		err = check_result(v, step, r0, ctx->ret_min, ctx->ret_max, "At program exit");
	else if (!err)
		err = check_global_result(v, r0);
	if (err)
		return err;
	step->kind = STEP_EXIT;
	return note_here(v, NOTE_PLAIN, 0, 0);
}
