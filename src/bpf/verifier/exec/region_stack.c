/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/region_stack.c - the program's own stack
 *
 * The one memory whose contents are tracked.  Loads and stores must be aligned
 * (a spilled value fills a slot); objects in slots are only their functions'.
 * Bytes never written read as unknown, as for the kernel's privileged programs.
 *
 * Invariant: a stack pointer is stored only in the frame that runs, so none is
 *            left behind in a caller when its frame ends.
 */
#include <errno.h>

#include "bpf/verifier/exec/region.h"

static struct stack *stack_of(const struct vstate *st, const struct access *a)
{
	return &st->frames[a->ptr->stack.frame]->stack;
}

static bool is_running_frame(const struct vstate *st, const struct access *a)
{
	return a->ptr->stack.frame == st->depth - 1;
}

static const char *direction(const struct access *a)
{
	return a->how & ACC_WRITE && !(a->how & ACC_READ) ? "write to" : "read from";
}

static int check_aligned(struct vrf *v, const struct access *a)
{
	struct scalar at = scalar_const((u64)(s64)a->off);
	struct wording words;

	scalar_alu(BPF_ADD, WIDTH_64, 0, &at, &a->ptr->num);
	if (a->how & ACC_ARG || tnum_is_aligned(at.bits, a->size))
		return 0;
	return vlog_reject(v, -EACCES, WHY_BOUNDS, "misaligned stack access off %s+%d size %u",
			   number_words(&a->ptr->num, &words), a->off, a->size);
}

/* As the kernel: an access that begins outside is -EACCES, one that only ends outside -EINVAL. */
static int check_inside(struct vrf *v, const struct access *a, struct span span)
{
	int err = span.min < -STACK_BYTES || span.min >= 0 ? -EACCES : -EINVAL;
	struct wording words;

	if (span.too_far || span.min <= -EXEC_MAX_OFF)
		return vlog_reject(v, -EACCES, WHY_BOUNDS,
				   "invalid unbounded variable-offset %s stack R%u", direction(a),
				   a->reg);
	if (span.min >= -STACK_BYTES && span.max + a->size <= 0)
		return 0;
	if (span.is_const)
		return vlog_reject(v, err, WHY_BOUNDS, "invalid %s stack R%u off=%lld size=%u",
				   direction(a), a->reg, (long long)span.min, a->size);
	return vlog_reject(v, err, WHY_BOUNDS,
			   "invalid variable-offset %s stack R%u var_off=%s off=%d size=%u",
			   direction(a), a->reg, number_words(&a->ptr->num, &words), a->off,
			   a->size);
}

/* An iterator in the way: only its functions may touch it. */
static int check_objects(struct vrf *v, const struct vstate *st, const struct access *a,
			 struct span span)
{
	u32 bytes = (u32)(span.max - span.min) + a->size;

	if (!bytes || !stack_object_in(stack_of(st, a), (s32)span.min, bytes, NULL))
		return 0;
	if (a->how & ACC_READ)
		return vlog_reject(v, -EACCES, WHY_TYPE,
				   "invalid read from stack off %lld+0 size %u\nan iterator lives there",
				   (long long)span.min, a->size);
	return vlog_reject(v, -EINVAL, WHY_TYPE,
			   "invalid write to stack R%u off=%lld size=%u\nan iterator lives there",
			   a->reg, (long long)span.min, a->size);
}

static int stack_check(struct vrf *v, struct vstate *st, const struct access *a)
{
	struct span span = access_span(a);
	int err;

	err = check_aligned(v, a);
	err = err ?: check_inside(v, a, span);
	err = err ?: check_objects(v, st, a, span);
	if (!err)
		note_stack(v, st, a->ptr->stack.frame, span.min);
	return err;
}

static int stack_load(struct vrf *v, struct vstate *st, const struct access *a,
		      struct value *ret_val)
{
	struct span span = access_span(a);

	if (!span.is_const)
		return stack_read_var(stack_of(st, a), (s32)span.min, (s32)span.max, a->size,
				      UNINIT_ALLOWED, ret_val);
	return stack_read(stack_of(st, a), (s32)span.min, a->size, UNINIT_ALLOWED, ret_val);
}

/*
 * A zero that fills a slot or begins one is spilled as the number it is.  Any
 * other becomes zero bytes, from which nobody walks back: stack_write() wants
 * a promise (->precise) that they are zero on whatever path leads here.
 */
static void promise_zero(const struct vrf *v, const struct access *a, struct span span,
			 struct value *val)
{
	if (!value_is_null(val) || (span.is_const && span.min % 8 == 0))
		return;
	if (a->src_is_reg)
		want_reg(a->step, exec_insn(v)->src_reg);
	val->precise = true;
}

static int stack_store(struct vrf *v, struct vstate *st, const struct access *a,
		       const struct value *val)
{
	struct span span = access_span(a);
	struct stack *stack = stack_of(st, a);
	struct value copy;

	if (val->kind == V_STACK && !is_running_frame(st, a))
		return vlog_reject(v, -EINVAL, WHY_TYPE,
				   "cannot spill pointers to stack into stack frame of the caller");
	if (a->src_is_reg)
		value_link(st, vstate_reg(st, exec_insn(v)->src_reg));
	copy = *val;
	copy.precise = false;
	promise_zero(v, a, span, &copy);
	if (!span.is_const)
		return stack_write_var(stack, (s32)span.min, (s32)span.max, a->size, &copy);
	return stack_write(stack, (s32)span.min, a->size, &copy);
}

static int stack_clobber(struct vrf *v, struct vstate *st, const struct access *a)
{
	struct span span = access_span(a);
	u32 bytes = (u32)(span.max - span.min) + a->size;

	return bytes ? stack_write_misc(stack_of(st, a), (s32)span.min, bytes) : 0;
}

const struct region_ops region_stack = {
	.note = NOTE_PLAIN,
	.arg = true,
	.atomic = true,
	.check = stack_check,
	.load = stack_load,
	.store = stack_store,
	.clobber = stack_clobber,
};
