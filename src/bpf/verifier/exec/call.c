/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/call.c - calls: into the program's own functions, or out of it
 *
 * A static function is walked into, with what the caller knows.  A global one
 * is checked on its own for every argument its signature allows, so a caller
 * need only keep to the signature.
 */
#include <errno.h>

#include "bpf/verifier/exec/call.h"

/* --- static functions ------------------------------------------------------------------------- */

int call_push_frame(struct vrf *v, struct vstate *st, u32 subprog, struct frame **ret_frame)
{
	int err = vstate_push_frame(st, v->pc, subprog, ret_frame);

	ctx_thread();
	if (err == -E2BIG)
		return vlog_reject(v, -E2BIG, WHY_COMPLEXITY,
				   "the call stack of %u frames is too deep", STATE_FRAMES);
	return err;
}

static int call_static(struct vrf *v, struct vstate *st, struct step *step, u32 subprog)
{
	struct frame *caller = vstate_frame(st), *callee;
	int err;

	err = call_push_frame(v, st, subprog, &callee);
	if (err)
		return err;
	for (u32 r = 1; r <= 5; r++)
		callee->regs[r] = caller->regs[r];
	for (u32 r = 0; r <= 5; r++)
		value_set_none(&caller->regs[r]);
	step->next = v->facts->subprogs[subprog].start;
	return 0;
}

/**
 * exec_return - BPF_EXIT of a function that was walked into
 *
 * Context: thread.
 * Return:  0 or the rejection.
 */
int exec_return(struct vrf *v, struct vstate *st, struct step *step)
{
	struct frame *callee = vstate_frame(st);
	struct value r0 = callee->regs[0];

	ctx_thread();
	if (r0.kind == V_STACK && r0.stack.frame == st->depth - 1)
		return vlog_reject(v, -EINVAL, WHY_TYPE, "cannot return stack pointer to the caller");
	if (callee->in_callback)
		return callback_return(v, st, step) ?: note_here(v, NOTE_PLAIN, 0, 0);
	step->next = callee->callsite + 1;
	vstate_pop_frame(st);
	*vstate_reg(st, 0) = r0;
	return note_here(v, NOTE_PLAIN, 0, 0);
}

/* --- global functions ------------------------------------------------------------------------- */

static int global_arg(struct vrf *v, u32 i, u32 type_id, struct func_arg *ret_arg)
{
	const struct btf *btf = v->req->prog_btf;
	int size;

	if (btf_is_scalar(btf, type_id)) {
		*ret_arg = (struct func_arg){ .kind = ARG_SCALAR };
		return 0;
	}
	if (!btf_is_ptr(btf, type_id))
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED,
				   "Arg#%u type of this kind in a global function is not supported",
				   i);
	size = btf_size(btf, btf_pointee(btf, type_id));
	if (!btf_pointee(btf, type_id) || size <= 0)
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED,
				   "arg#%u reference type('%s') size cannot be determined", i,
				   btf_name(btf, btf_pointee(btf, type_id)));
	*ret_arg = (struct func_arg){
		.kind = ARG_MEM,
		.flags = ARGF_MAYBE_NULL | ARGF_WRITE,
		.size = (u32)size,
	};
	return 0;
}

/* The BTF_KIND_FUNC_PROTO of a function of the program, or NULL. */
static const struct btf_type *signature_of(const struct vrf *v, const struct subprog *sub)
{
	const struct btf_type *t;

	if (!v->req->prog_btf || !sub->type_id)
		return NULL;
	t = btf_type(v->req->prog_btf, sub->type_id);
	if (!t || btf_kind(t) != BTF_KIND_FUNC)
		return NULL;
	t = btf_type(v->req->prog_btf, t->type);
	return t && btf_kind(t) == BTF_KIND_FUNC_PROTO ? t : NULL;
}

int global_proto(struct vrf *v, u32 subprog, struct func_proto *ret_proto)
{
	const struct subprog *sub = &v->facts->subprogs[subprog];
	const struct btf_type *sig = signature_of(v, sub);
	struct func_proto proto = { .name = sub->name, .ret.kind = RET_SCALAR };
	int err = 0;

	ctx_thread();
	if (!sig)
		return vlog_reject(v, -EINVAL, WHY_CALL, "Global function %s() has no signature in BTF",
				   sub->name);
	if (btf_vlen(sig) > FUNC_MAX_ARGS)
		return vlog_reject(v, -EINVAL, WHY_CALL,
				   "Global function %s() with %u > %u args. Buggy compiler.",
				   sub->name, btf_vlen(sig), FUNC_MAX_ARGS);
	if (!sig->type || !btf_is_scalar(v->req->prog_btf, sig->type))
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED,
				   "Global function %s() doesn't return scalar. Only those are supported.",
				   sub->name);
	for (u32 i = 0; i < btf_vlen(sig) && !err; i++)
		err = global_arg(v, i, btf_params(sig)[i].type, &proto.args[i]);
	if (err)
		return err;
	*ret_proto = proto;
	return 0;
}

/* A callback for later runs elsewhere: a timer's where nobody may wait. */
static bool runs_in_thread(const struct vrf *v, const struct vstate *st)
{
	return v->facts->ctx->in_thread && !st->frames[0]->async;
}

static int call_global(struct vrf *v, struct vstate *st, struct step *step, u32 subprog)
{
	struct func_proto proto;
	struct call call = { .proto = &proto, .step = step };
	int err;

	if (v->facts->subprogs[subprog].might_sleep && !st->may_sleep && !runs_in_thread(v, st))
		return vlog_reject(v, -EINVAL, WHY_CONTEXT,
				   "global functions that may sleep are not allowed in non-sleepable context,\n"
				   "such as the callback of a timer");
	err = global_proto(v, subprog, &proto);
	if (err)
		return err;
	err = call_match_args(v, st, &call);
	if (err) {
		vlog_print(v, EXEC_LOG_ALWAYS, "Caller passes invalid args into func#%u ('%s')\n",
			   subprog, proto.name);
		return err;
	}
	return call_apply_effects(v, st, &call);
}

/* --- helpers and kfuncs ----------------------------------------------------------------------- */

static int check_may_call(struct vrf *v, const struct vstate *st, const struct callsite *site)
{
	const struct func_proto *proto = site->proto;
	bool kfunc = proto->flags & FUNC_KFUNC;

	if (proto->flags & FUNC_GPL && !v->req->gpl_compatible)
		return vlog_reject(v, -EINVAL, WHY_CALL,
				   "cannot call GPL-restricted function from non-GPL compatible program");
	if (!(proto->flags & FUNC_SLEEPABLE) || st->may_sleep)
		return 0;
	if (proto->flags & FUNC_THREAD && runs_in_thread(v, st))
		return 0;
	if (kfunc)
		return vlog_reject(v, -EACCES, WHY_CONTEXT,
				   "program must be sleepable to call sleepable kfunc %s",
				   proto->name);
	return vlog_reject(v, -EINVAL, WHY_CONTEXT,
			   "sleepable helper %s#%u in non-sleepable prog", proto->name, site->id);
}

static int call_outside(struct vrf *v, struct vstate *st, struct step *step,
			const struct callsite *site, enum note_kind kind)
{
	const struct func_proto *proto = site->proto;
	struct call call = { .proto = proto, .step = step };
	int err;

	err = check_may_call(v, st, site);
	err = err ?: call_match_args(v, st, &call);
	if (!err && proto->callback)
		err = call_callback(v, st, &call);
	err = err ?: call_apply_effects(v, st, &call);
	return err ?: note_here(v, kind, site->id, call.took_map);
}

static int call_subprog(struct vrf *v, struct vstate *st, struct step *step, u32 subprog)
{
	if (v->facts->subprogs[subprog].global)
		return call_global(v, st, step, subprog);
	return call_static(v, st, step, subprog);
}

/**
 * exec_call - BPF_CALL of any kind
 *
 * Context: thread.
 * Return:  0, the rejection, or -ENOMEM.
 */
int exec_call(struct vrf *v, struct vstate *st, struct step *step)
{
	const struct callsite *site = exec_site(v);
	int err;

	ctx_thread();
	switch (site->kind) {
	case SITE_SUBPROG:
		err = call_subprog(v, st, step, site->subprog);
		return err ?: note_here(v, NOTE_CALL, site->subprog, 0);
	case SITE_HELPER:
		return call_outside(v, st, step, site, NOTE_HELPER);
	case SITE_KFUNC:
		return call_outside(v, st, step, site, NOTE_KFUNC);
	default:
		return facts_reject_call(v);
	}
}
