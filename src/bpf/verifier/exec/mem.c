/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/mem.c - loads, stores, atomics: form the access, dispatch
 *
 * What is the same for all memory is here; the rest is in the row that the
 * pointer's kind has in region_of[].
 */
#include <errno.h>

#include "bpf/verifier/exec/region.h"

#ifndef BPF_LOAD_ACQ
#define BPF_LOAD_ACQ 0x100
#define BPF_STORE_REL 0x110
#endif

const struct region_ops *const region_of[V_KINDS] = {
	[V_CTX] = &region_ctx,
	[V_MAP_VALUE] = &region_map,
	[V_MAP_KEY] = &region_map_key,
	[V_STACK] = &region_stack,
	[V_MEM] = &region_buf,
	[V_BTF] = &region_btf,
	[V_BUF] = &region_ctx_buf,
};

/* Beyond every object there is no need to know how far. */
static s64 bounded_sum(s64 offset, s32 off)
{
	return min(offset, (s64)EXEC_MAX_OFF) + off;
}

/**
 * access_span - where an access begins, at least and at most
 *
 * A pointer's least offset is bounded from below (alu.c).  From above nothing
 * is; more than EXEC_MAX_OFF, which no access passes, is said to be just that.
 *
 * Context: any.
 */
struct span access_span(const struct access *a)
{
	const struct scalar *num = &a->ptr->num;

	return (struct span){
		.min = bounded_sum(scalar_smin(num), a->off),
		.max = bounded_sum(scalar_smax(num), a->off),
		.is_const = scalar_is_const(num),
		.too_far = scalar_smax(num) >= EXEC_MAX_OFF,
	};
}

/* What is outside: the first line and who pointed there. */
static int reject_outside(struct vrf *v, const struct access *a, const char *what, u32 limit,
			  s64 off, const char *end)
{
	return vlog_reject(v, -EACCES, WHY_BOUNDS,
			   "invalid access to %s=%u off=%lld size=%u\n"
			   "R%u %s value is outside of the allowed memory range",
			   what, limit, (long long)off, a->size, a->reg, end);
}

int access_within(struct vrf *v, const struct access *a, const char *what, u32 limit)
{
	struct span span = access_span(a);

	ctx_thread();
	if (span.min < 0 && !span.is_const)
		return vlog_reject(v, -EACCES, WHY_BOUNDS,
				   "R%u min value is negative, either use unsigned index or do a if (index >=0) check.",
				   a->reg);
	if (span.min < 0 || span.min + a->size > limit)
		return reject_outside(v, a, what, limit, span.min, "min");
	if (span.too_far)
		return vlog_reject(v, -EACCES, WHY_BOUNDS,
				   "R%u unbounded memory access, make sure to bounds check any such access",
				   a->reg);
	if (span.max + a->size > limit)
		return reject_outside(v, a, what, limit, span.max, "max");
	return 0;
}

/*
 * Only atomics must be aligned everywhere: on some machines they fault, and
 * none keeps them whole across a cache line.  The stack asks for more itself.
 */
static int check_atomic_alignment(struct vrf *v, const struct access *a)
{
	struct scalar at = scalar_const((u64)(s64)a->off);
	struct wording words;

	scalar_alu(BPF_ADD, WIDTH_64, 0, &at, &a->ptr->num);
	if (tnum_is_aligned(at.bits, a->size))
		return 0;
	return vlog_reject(v, -EACCES, WHY_BOUNDS, "misaligned %s access off %s+%d size %u",
			   value_name(a->ptr), number_words(&a->ptr->num, &words), a->off,
			   a->size);
}

static enum why why_no_access(const struct value *ptr)
{
	if (region_of[ptr->kind])
		return WHY_NULL;
	return ptr->flags & VF_ENDED ? WHY_SCOPE : WHY_TYPE;
}

/**
 * access_check - may this access be made
 *
 * Context: thread.
 * Return:  0 or the rejection.
 */
int access_check(struct vrf *v, struct vstate *st, const struct access *a)
{
	const struct region_ops *ops = region_of[a->ptr->kind];
	struct wording words, ended;
	int err = 0;

	ctx_thread();
	if (!ops || a->ptr->flags & VF_MAYBE_NULL)
		return vlog_reject(v, -EACCES, why_no_access(a->ptr),
				   "R%u invalid mem access '%s'%s", a->reg,
				   value_words(v, a->ptr, &words),
				   ended_words(a->ptr, a->reg, &ended));
	if (a->how & ACC_WRITE && a->ptr->flags & VF_RDONLY)
		return vlog_reject(v, -EACCES, WHY_TYPE, "R%u cannot write into %s", a->reg,
				   value_words(v, a->ptr, &words));
	if (a->how & ACC_ATOMIC && !ops->atomic)
		return vlog_reject(v, -EACCES, WHY_TYPE,
				   "BPF_ATOMIC stores into R%u %s is not allowed", a->reg,
				   value_words(v, a->ptr, &words));
	if (a->how & ACC_ATOMIC)
		err = check_atomic_alignment(v, a);
	return err ?: (ops->check)(v, st, a); /* not the macro check() */
}

/**
 * load_unknown - the memory may hold anything
 *
 * Context: any.
 * Return:  0.
 */
int load_unknown(struct vrf *v, struct vstate *st, const struct access *a, struct value *ret_val)
{
	struct scalar num = scalar_unknown_bytes(a->size);

	value_set_scalar(ret_val, &num);
	return 0;
}

/* --- instructions ----------------------------------------------------------------------------- */

static int access_form(struct vrf *v, const struct vstate *st, struct step *step, u32 reg, u8 how,
		       struct access *ret_access)
{
	const struct bpf_insn *insn = exec_insn(v);
	struct value *ptr;
	int err;

	err = reg_read(v, st, reg, &ptr);
	if (err)
		return err;
	*ret_access = (struct access){
		.ptr = ptr,
		.step = step,
		.reg = reg,
		.off = insn->off,
		.size = insn_access_bytes(insn),
		.how = how,
		.src_is_reg = insn_class(insn) == BPF_STX,
	};
	return 0;
}

static int note_access(struct vrf *v, u8 kind)
{
	return note_here(v, kind, 0, 0);
}

/**
 * exec_load - BPF_LDX
 *
 * Context: thread.
 * Return:  0, the rejection, or -ENOMEM.
 */
int exec_load(struct vrf *v, struct vstate *st, struct step *step)
{
	const struct bpf_insn *insn = exec_insn(v);
	const struct region_ops *ops;
	struct access a;
	struct value val;
	int err;

	ctx_thread();
	if (insn_mode(insn) != BPF_MEM && insn_mode(insn) != BPF_MEMSX)
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED, "BPF_LDX mode 0x%x is not supported",
				   insn_mode(insn));
	err = access_form(v, st, step, insn->src_reg, ACC_READ, &a);
	err = err ?: access_check(v, st, &a);
	if (err)
		return err;
	ops = region_of[a.ptr->kind];
	err = ops->load(v, st, &a, &val);
	if (err)
		return err;
	if (insn_mode(insn) == BPF_MEMSX) {
		if (!value_is_scalar(&val))
			load_unknown(v, st, &a, &val);
		scalar_sext(&val.num, a.size * 8);
		val.id = 0;
	}
	*vstate_reg(st, insn->dst_reg) = val;
	return note_access(v, ops->note);
}

/**
 * exec_store - BPF_ST and BPF_STX, except atomics
 *
 * Context: thread.
 * Return:  0, the rejection, or -ENOMEM.
 */
int exec_store(struct vrf *v, struct vstate *st, struct step *step)
{
	const struct bpf_insn *insn = exec_insn(v);
	const struct region_ops *ops;
	struct value imm, *val = &imm;
	struct access a;
	int err;

	ctx_thread();
	if (insn_mode(insn) != BPF_MEM)
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED, "BPF_ST mode 0x%x is not supported",
				   insn_mode(insn));
	err = access_form(v, st, step, insn->dst_reg, ACC_WRITE, &a);
	value_set_const(&imm, (u64)(s64)insn->imm);
	if (!err && a.src_is_reg)
		err = reg_read(v, st, insn->src_reg, &val);
	err = err ?: access_check(v, st, &a);
	if (err)
		return err;
	ops = region_of[a.ptr->kind];
	if (ops->store)
		err = ops->store(v, st, &a, val);
	return err ?: note_access(v, ops->note);
}

static bool atomic_is_known(s32 op)
{
	switch (op & ~BPF_FETCH) {
	case BPF_ADD:
	case BPF_AND:
	case BPF_OR:
	case BPF_XOR:
		return true;
	default:
		return op == BPF_XCHG || op == BPF_CMPXCHG;
	}
}

/* What was fetched is any number: nothing is tracked through an atomic. */
static void atomic_result(struct vrf *v, struct vstate *st, const struct access *a)
{
	s32 op = exec_insn(v)->imm;

	if (op == BPF_CMPXCHG)
		load_unknown(v, st, a, vstate_reg(st, 0));
	else if (op & BPF_FETCH)
		load_unknown(v, st, a, vstate_reg(st, exec_insn(v)->src_reg));
}

/**
 * exec_atomic - BPF_STX | BPF_ATOMIC
 *
 * Context: thread.
 * Return:  0, the rejection, or -ENOMEM.
 */
int exec_atomic(struct vrf *v, struct vstate *st, struct step *step)
{
	const struct bpf_insn *insn = exec_insn(v);
	const struct region_ops *ops;
	struct access a;
	struct value *val;
	int err;

	ctx_thread();
	if (insn->imm == BPF_LOAD_ACQ || insn->imm == BPF_STORE_REL || !atomic_is_known(insn->imm))
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED,
				   "BPF_ATOMIC operation 0x%x is not supported", (u32)insn->imm);
	err = reg_read(v, st, insn->src_reg, &val);
	if (!err && insn->imm == BPF_CMPXCHG)
		err = reg_read(v, st, 0, &val);
	err = err ?: access_form(v, st, step, insn->dst_reg, ACC_READ | ACC_WRITE | ACC_ATOMIC, &a);
	err = err ?: access_check(v, st, &a);
	if (err)
		return err;
	ops = region_of[a.ptr->kind];
	if (ops->clobber)
		err = ops->clobber(v, st, &a);
	if (err)
		return err;
	err = note_access(v, ops->note);
	atomic_result(v, st, &a);
	return err;
}

/* --- ld_imm64 --------------------------------------------------------------------------------- */

/**
 * exec_load_imm64 - a 64-bit number, a map, a function, or an address in a map's value
 *
 * Context: thread.
 * Return:  0 or the rejection.
 */
int exec_load_imm64(struct vrf *v, struct vstate *st, struct step *step)
{
	struct value *dst = vstate_reg(st, exec_insn(v)->dst_reg);
	const struct callsite *site = exec_site(v);

	ctx_thread();
	step->next = v->pc + 2;
	switch (site->kind) {
	case SITE_NUMBER:
		value_set_const(dst, site->imm64);
		return note_here(v, NOTE_PLAIN, 0, 0);
	case SITE_MAP:
		value_set_map(dst, &v->facts->maps[site->map], 0);
		return note_here(v, NOTE_MAP, site->map, 0);
	case SITE_MAP_VALUE:
		value_set_map_value(dst, &v->facts->maps[site->map], 0);
		dst->num = scalar_const(site->off);
		return note_here(v, NOTE_MAP_VALUE, site->map, site->off);
	case SITE_FUNC:
		if (!v->req->nr_func_info)
			return vlog_reject(v, -EINVAL, WHY_CALL, "missing btf func_info");
		value_set_func(dst, site->subprog);
		return note_here(v, NOTE_FUNC, site->subprog, 0);
	default:
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED,
				   "BPF_LD_IMM64 of this kind is not supported");
	}
}
