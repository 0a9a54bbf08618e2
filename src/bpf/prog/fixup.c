/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/prog/fixup.c - from what the verifier learned to what the interpreter runs
 */
#include <errno.h>
#include <stdlib.h>

#include "bpf/helper/helper.h"
#include "bpf/kfunc/kfunc.h"
#include "bpf/prog/prog.h"

static struct bpf_map *noted_map(const struct vrf_result *res, const struct insn_note *note)
{
	return note->index < res->nr_maps ? (struct bpf_map *)res->maps[note->index] : NULL;
}

static int fixup_map(const struct vrf_result *res, const struct insn_note *note,
		     struct fixup *ret_fixup)
{
	struct bpf_map *map = noted_map(res, note);

	if (!map)
		return -EFAULT;
	*ret_fixup = (struct fixup){ .kind = FIXUP_IMM64, .imm64 = (uintptr_t)map };
	if (note->kind == NOTE_MAP)
		return 0;
	if (!map->ops->values)
		return -EFAULT;
	ret_fixup->imm64 = (uintptr_t)map->ops->values(map) + note->off;
	return 0;
}

static int fixup_subprog(const struct vrf_result *res, const struct insn_note *note,
			 struct fixup *ret_fixup)
{
	if (note->index >= res->nr_subprogs)
		return -EFAULT;
	*ret_fixup = (struct fixup){
		.kind = FIXUP_CALL_SUBPROG,
		.target = res->subprogs[note->index].start,
	};
	return 0;
}

/* --- functions that are called back ------------------------------------------------------- */

static u64 func_call(const struct bpf_func *f, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	const u64 args[INTERP_MAX_ARGS] = { r1, r2, r3, r4, r5 };
	u64 r0 = 0;
	int err = interp_run(f->code, f->entry, args, &r0);

	check(!err);
	return err ? 1 : r0;	/* what was verified does not fail; and 1 ends a loop */
}

static bool takes_address(const struct bpf_prog *prog, const struct vrf_result *res)
{
	for (u32 pc = 0; pc < prog->nr_insns; pc++)
		if (res->notes[pc].kind == NOTE_FUNC)
			return true;
	return false;
}

/* Their ->code follows when there is some. */
static int make_funcs(struct bpf_prog *prog, const struct vrf_result *res)
{
	if (!takes_address(prog, res))
		return 0;
	prog->funcs = calloc(res->nr_subprogs, sizeof(prog->funcs[0]));
	if (!prog->funcs)
		return -ENOMEM;
	for (u32 i = 0; i < res->nr_subprogs; i++)
		prog->funcs[i] = (struct bpf_func){
			.call = func_call,
			.prog = &prog->obj,
			.entry = res->subprogs[i].start,
		};
	return 0;
}

static void give_code_to_funcs(struct bpf_prog *prog, const struct vrf_result *res)
{
	for (u32 i = 0; prog->funcs && i < res->nr_subprogs; i++)
		prog->funcs[i].code = prog->code;
}

static int fixup_func(const struct bpf_prog *prog, const struct vrf_result *res,
		      const struct insn_note *note, struct fixup *ret_fixup)
{
	if (note->index >= res->nr_subprogs)
		return -EFAULT;
	*ret_fixup = (struct fixup){
		.kind = FIXUP_IMM64,
		.imm64 = (uintptr_t)&prog->funcs[note->index],
	};
	return 0;
}

/* --- one instruction ---------------------------------------------------------------------- */

static int fixup_helper(const struct insn_note *note, struct fixup *ret_fixup)
{
	const struct helper *h = helper_find(note->index);

	if (!h)
		return -EFAULT;
	*ret_fixup = (struct fixup){ .kind = FIXUP_CALL_FN, .ret_bytes = 8, .fn = h->fn };
	return h->prepare ? h->prepare() : 0;
}

/* Bits of a register above a C function's result are nobody's promise: cut them off. */
static u8 result_bytes(const struct btf *btf, u32 func_id)
{
	const struct btf_type *func = btf_type(btf, func_id);
	const struct btf_type *proto = btf_type(btf, func->type);

	if (!proto || !btf_is_scalar(btf, proto->type))
		return 8;
	return btf_size(btf, proto->type);
}

static interp_fn kfunc_fn(const struct bpf_prog *prog, const struct kfunc *k, bool given_map)
{
	bool sleepable = k->fn_sleepable && prog->flags & BPF_F_SLEEPABLE;

	if (given_map)
		return (interp_fn)k->fn_map;
	return (interp_fn)(sleepable ? k->fn_sleepable : k->fn);
}

static int fixup_kfunc(const struct bpf_prog *prog, const struct insn_note *note,
		       struct fixup *ret_fixup)
{
	const struct btf *btf = btf_self();
	const struct kfunc *k = kfunc_find(btf_name(btf, note->index));

	if (!k || (note->off && !k->fn_map))
		return -EFAULT;
	*ret_fixup = (struct fixup){
		.kind = FIXUP_CALL_FN,
		.ret_bytes = result_bytes(btf, note->index),
		.fn = kfunc_fn(prog, k, note->off),
	};
	return k->prepare ? k->prepare() : 0;
}

static int fixup_one(const struct bpf_prog *prog, const struct vrf_result *res,
		     const struct insn_note *note, struct fixup *ret_fixup)
{
	switch (note->kind) {
	case NOTE_DEAD:
		*ret_fixup = (struct fixup){ .kind = FIXUP_DEAD };
		return 0;
	case NOTE_CHECKED_LOAD:
		*ret_fixup = (struct fixup){ .kind = FIXUP_CHECKED_LOAD };
		return 0;
	case NOTE_MAP:
	case NOTE_MAP_VALUE:
		return fixup_map(res, note, ret_fixup);
	case NOTE_FUNC:
		return fixup_func(prog, res, note, ret_fixup);
	case NOTE_CALL:
		return fixup_subprog(res, note, ret_fixup);
	case NOTE_HELPER:
		return fixup_helper(note, ret_fixup);
	case NOTE_KFUNC:
		return fixup_kfunc(prog, note, ret_fixup);
	case NOTE_PLAIN:
	case NOTE_CTX:	/* contexts here lie in memory as programs see them */
		*ret_fixup = (struct fixup){ .kind = FIXUP_NONE };
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/* For those who look at the program later, a descriptor's number means nothing. */
static void name_map_by_id(struct bpf_insn *insn, const struct vrf_result *res,
			   const struct insn_note *note)
{
	struct bpf_map *map = noted_map(res, note);

	if (!insn_is_ld_imm64(insn) || !map)
		return;
	insn->imm = map->obj.id;
	insn->src_reg = note->kind == NOTE_MAP ? BPF_PSEUDO_MAP_FD : BPF_PSEUDO_MAP_VALUE;
}

/**
 * fixup_program - make an accepted program runnable
 * @prog: ->insns as loaded; gets ->code and ->funcs
 * @res:  the verifier's result for it
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM, -EAGAIN; -EFAULT, -EINVAL, -EOPNOTSUPP: the verifier accepted what we
 *          cannot run, which is a bug.
 */
int fixup_program(struct bpf_prog *prog, const struct vrf_result *res)
{
	struct fixup *fixups = calloc(prog->nr_insns, sizeof(*fixups));
	int err;

	if (!fixups)
		return -ENOMEM;
	err = make_funcs(prog, res);
	for (u32 pc = 0; pc < prog->nr_insns && !err; pc++) {
		bool is_wide = insn_is_ld_imm64(&prog->insns[pc]);

		err = fixup_one(prog, res, &res->notes[pc], &fixups[pc]);
		pc += is_wide;
	}
	if (!err)
		err = interp_decode(prog->insns, fixups, prog->nr_insns, &prog->code);
	if (!err)
		give_code_to_funcs(prog, res);
	for (u32 pc = 0; pc < prog->nr_insns && !err; pc++)
		if (res->notes[pc].kind == NOTE_MAP || res->notes[pc].kind == NOTE_MAP_VALUE)
			name_map_by_id(&prog->insns[pc], res, &res->notes[pc]);
	free(fixups);
	return err;
}
