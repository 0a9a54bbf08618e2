/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/facts/debug_info.c - func_info and line_info agree with the program
 *
 * Names and lines are for messages, but whether a function is global decides
 * how it is proved, so both are checked before anything is believed.
 */
#include <errno.h>

#include "bpf/verifier/facts/internal.h"

static int check_func_record(struct vrf *v, const struct facts *f, u32 i)
{
	const struct bpf_func_info *fi = &v->req->func_info[i];
	const struct btf_type *t = btf_type(v->req->prog_btf, fi->type_id);

	if (!i && fi->insn_off)
		return vlog_reject(v, -EINVAL, WHY_CALL,
				   "nonzero insn_off %u for the first func info record", fi->insn_off);
	if (i && fi->insn_off <= fi[-1].insn_off)
		return vlog_reject(v, -EINVAL, WHY_CALL,
				   "same or smaller insn offset (%u) than previous func info record (%u)",
				   fi->insn_off, fi[-1].insn_off);
	if (fi->insn_off != f->subprogs[i].start)
		return vlog_reject(v, -EINVAL, WHY_CALL,
				   "func_info BTF section doesn't match subprog layout in BPF program");
	if (!t || btf_kind(t) != BTF_KIND_FUNC)
		return vlog_reject(v, -EINVAL, WHY_CALL, "invalid type id %u in func info", fi->type_id);
	return 0;
}

static int name_subprog(struct vrf *v, struct subprog *s, u32 type_id)
{
	const struct btf *btf = v->req->prog_btf;
	const struct btf_type *func = btf_type(btf, type_id);

	s->type_id = type_id;
	s->name = btf_name(btf, type_id);
	s->nr_args = btf_vlen(btf_type(btf, func->type));
	/* Main is proved as the program, whatever its linkage. */
	s->global = !s->is_main && btf_vlen(func) == BTF_FUNC_GLOBAL;
	if (s->global && s->nr_args > FUNC_MAX_ARGS)
		return vlog_reject(v, -EINVAL, WHY_CALL,
				   "Global function %s() with %u > %u args. Buggy compiler.", s->name,
				   s->nr_args, FUNC_MAX_ARGS);
	if (s->is_callback && btf_vlen(func) != BTF_FUNC_STATIC)
		return vlog_reject(v, -EINVAL, WHY_CALL, "callback function not static");
	return 0;
}

/**
 * facts_check_func_info - one record for each subprogram, or none at all
 *
 * Context: thread.
 * Return:  0 or -EINVAL.
 */
int facts_check_func_info(struct vrf *v, struct facts *f)
{
	const struct vrf_request *req = v->req;
	int err = 0;

	if (!req->nr_func_info)
		return 0;
	if (!req->prog_btf || !req->func_info)
		return vlog_reject(v, -EINVAL, WHY_CALL, "func_info without the program's BTF");
	if (req->nr_func_info != f->nr_subprogs)
		return vlog_reject(v, -EINVAL, WHY_CALL,
				   "number of funcs in func_info doesn't match number of subprogs");
	for (u32 i = 0; !err && i < req->nr_func_info; i++) {
		err = check_func_record(v, f, i);
		err = err ?: name_subprog(v, &f->subprogs[i], req->func_info[i].type_id);
	}
	return err;
}

static bool is_string(const struct btf *btf, u32 off)
{
	return !off || btf_str(btf, off)[0];
}

static int check_line_record(struct vrf *v, u32 i)
{
	const struct bpf_line_info *li = &v->req->line_info[i];
	u32 prev = i ? li[-1].insn_off : 0;

	if ((i && li->insn_off <= prev) || li->insn_off >= v->req->nr_insns)
		return vlog_reject(v, -EINVAL, WHY_INSN,
				   "Invalid line_info[%u].insn_off:%u (prev_offset:%u prog->len:%u)", i,
				   li->insn_off, prev, v->req->nr_insns);
	if (insn_is_second_half(v->req, li->insn_off))
		return vlog_reject(v, -EINVAL, WHY_INSN, "Invalid insn code at line_info[%u].insn_off",
				   i);
	if (!is_string(v->req->prog_btf, li->line_off) ||
	    !is_string(v->req->prog_btf, li->file_name_off))
		return vlog_reject(v, -EINVAL, WHY_INSN,
				   "Invalid line_info[%u].line_off or .file_name_off", i);
	return 0;
}

/**
 * facts_check_line_info - ascending, inside the program, and one at each function's start
 *
 * Context: thread.
 * Return:  0 or -EINVAL.
 */
int facts_check_line_info(struct vrf *v, const struct facts *f)
{
	const struct vrf_request *req = v->req;
	u32 subprog = 0;
	int err;

	if (!req->nr_line_info)
		return 0;
	if (!req->prog_btf || !req->line_info)
		return vlog_reject(v, -EINVAL, WHY_INSN, "line_info without the program's BTF");
	for (u32 i = 0; i < req->nr_line_info; i++) {
		err = check_line_record(v, i);
		if (err)
			return err;
		if (subprog < f->nr_subprogs && req->line_info[i].insn_off == f->subprogs[subprog].start)
			subprog++;
		else if (subprog < f->nr_subprogs &&
			 req->line_info[i].insn_off > f->subprogs[subprog].start)
			break;
	}
	if (subprog < f->nr_subprogs)
		return vlog_reject(v, -EINVAL, WHY_INSN, "missing bpf_line_info for func#%u", subprog);
	return 0;
}
