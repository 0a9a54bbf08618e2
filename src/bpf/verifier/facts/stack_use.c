/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/facts/stack_use.c - which slots of its own frame an instruction reads and fills
 *
 * Only addresses that are the frame pointer plus a constant are followed, and
 * only inside a basic block.  When such an address may go anywhere else - into
 * the next block, to memory, to a function of the program, through arithmetic
 * with something unknown - the whole function is given up: each of its slots
 * counts as read everywhere.  That costs pruning, not safety.
 *
 * Invariant: in a function that is not given up, no register holds an address
 *            of the frame at the beginning of a block, and no slot ever does.
 */
#include "bpf/verifier/facts/internal.h"

#define NOT_FRAME INT32_MIN

struct tracker {
	const struct vrf_request *req;
	const struct facts *f;
	const u16 *live_regs;
	s32 off[INSN_MAX_REGS];		/* register is fp + off, or NOT_FRAME */
	bool given_up;
};

static void forget_all(struct tracker *t)
{
	for (u32 r = 0; r < BPF_REG_10; r++)
		t->off[r] = NOT_FRAME;
	t->off[BPF_REG_10] = 0;
}

static void forget(struct tracker *t, u32 regs)
{
	for (u32 r = 0; r < BPF_REG_10; r++)
		if (regs >> r & 1)
			t->off[r] = NOT_FRAME;
}

static u32 frame_regs(const struct tracker *t)
{
	u32 regs = 0;

	for (u32 r = 0; r < BPF_REG_10; r++)
		if (t->off[r] != NOT_FRAME)
			regs |= 1u << r;
	return regs;
}

/* Slots with a byte in [@off, @off + @size), what is outside the frame left out. */
static u64 slots_touched(s64 off, s64 size)
{
	s64 low = max(off, (s64)-STACK_BYTES), high = min(off + size, (s64)0);
	u64 slots = 0;

	for (s64 at = low; at < high; at = (at & ~7ll) + 8)
		slots |= 1ull << stack_slot_of(at);
	return slots;
}

static bool is_add_const(const struct bpf_insn *insn)
{
	return insn->code == (BPF_ALU64 | BPF_ADD | BPF_K);
}

static void track_alu(struct tracker *t, const struct bpf_insn *insn)
{
	s32 *dst = &t->off[insn->dst_reg];

	if (insn->code == (BPF_ALU64 | BPF_MOV | BPF_X) && !insn->off) {
		*dst = t->off[insn->src_reg];
	} else if (is_add_const(insn) && *dst != NOT_FRAME && insn->imm >= -STACK_BYTES &&
		   insn->imm <= STACK_BYTES && *dst + insn->imm >= -STACK_BYTES &&
		   *dst + insn->imm <= STACK_BYTES) {
		*dst += insn->imm;
	} else {
		t->given_up |= insn_reads(insn) & (frame_regs(t) | 1u << BPF_REG_10);
		*dst = NOT_FRAME;
	}
}

/* How much a callee reads at an address: what the prototype says, else all up to the frame's top. */
static u64 argument_slots(const struct func_arg *arg, s32 off)
{
	bool sized = (arg->kind == ARG_MEM || arg->kind == ARG_ITER) && arg->size;

	return slots_touched(off, sized ? arg->size : -(s64)off);
}

/* Arguments through which the callee reads and writes, and that is all it does with them. */
static bool stays_in_call(const struct callsite *site, u32 i)
{
	if (site->kind != SITE_HELPER && site->kind != SITE_KFUNC)
		return false;
	switch (site->proto->args[i].kind) {
	case ARG_NONE:
	case ARG_MEM:
	case ARG_MAP_KEY:
	case ARG_MAP_VALUE:
	case ARG_ITER:
		return true;
	default:
		/* The context of a callback, say. */
		return false;
	}
}

static u64 track_call(struct tracker *t, u32 pc)
{
	const struct callsite *site = &t->f->sites[pc];
	u64 reads = 0;

	for (u32 i = 0; i < FUNC_MAX_ARGS; i++) {
		s32 off = t->off[BPF_REG_1 + i];

		if (off == NOT_FRAME)
			continue;
		if (stays_in_call(site, i))
			reads |= argument_slots(&site->proto->args[i], off);
		else
			t->given_up = true;
	}
	forget(t, insn_writes(&t->req->insns[pc]));
	return reads;
}

static void track_memory(struct tracker *t, const struct bpf_insn *insn, u64 *reads, u64 *fills)
{
	bool is_load = insn_class(insn) == BPF_LDX;
	s32 base = t->off[is_load ? insn->src_reg : insn->dst_reg];
	u32 bytes = insn_access_bytes(insn);
	s64 at = (s64)base + insn->off;

	if (insn_class(insn) == BPF_STX && t->off[insn->src_reg] != NOT_FRAME)
		t->given_up = true;
	if (base != NOT_FRAME && (is_load || insn_mode(insn) == BPF_ATOMIC))
		*reads = slots_touched(at, bytes);
	else if (base != NOT_FRAME && bytes == 8 && !(at & 7))
		*fills = slots_touched(at, bytes);
	forget(t, insn_writes(insn));
}

/* Control leaves the block behind @pc: no address may be live there. */
static void end_block(struct tracker *t, u32 pc)
{
	u32 succ[2], nr = insn_successors(t->req, pc, succ), regs = frame_regs(t);

	for (u32 i = 0; i < nr; i++)
		t->given_up |= t->live_regs[succ[i]] & regs;
	forget_all(t);
}

static bool block_ends_behind(const struct tracker *t, u32 pc)
{
	const struct bpf_insn *insn = &t->req->insns[pc];
	u32 next = pc + 1 + insn_is_ld_imm64(insn);

	return insn_is_jump(insn) || insn->code == (BPF_JMP | BPF_EXIT) ||
	       (next < t->req->nr_insns && cfg_is_jump_target(t->f, next));
}

static void track(struct tracker *t, u32 pc, u64 *reads, u64 *fills)
{
	const struct bpf_insn *insn = &t->req->insns[pc];

	switch (insn_class(insn)) {
	case BPF_ALU:
	case BPF_ALU64:
		track_alu(t, insn);
		break;
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		track_memory(t, insn, reads, fills);
		break;
	case BPF_LD:
		t->given_up |= insn->src_reg == BPF_PSEUDO_FUNC;
		t->off[insn->dst_reg] = NOT_FRAME;
		break;
	default:
		if (insn->code == (BPF_JMP | BPF_CALL))
			*reads = track_call(t, pc);
		break;
	}
}

/**
 * facts_stack_use - what each instruction of a subprogram does with slots of its frame
 * @live_regs:  final, [pc]
 * @reads:      [pc], zeroed by the caller: slots that may be read
 * @fills:      [pc], likewise: slots that are written whole
 *
 * A function that takes the address of another counts as given up, because a
 * callback may reach its frame.
 *
 * Context: any.
 * Return:  false when the function was given up; then reads and fills mean nothing.
 */
bool facts_stack_use(const struct vrf_request *req, const struct facts *f, const struct subprog *s,
		     const u16 *live_regs, u64 *reads, u64 *fills)
{
	struct tracker t = { .req = req, .f = f, .live_regs = live_regs };

	forget_all(&t);
	for (u32 pc = s->start; pc < s->end && !t.given_up; pc++) {
		track(&t, pc, &reads[pc], &fills[pc]);
		if (block_ends_behind(&t, pc))
			end_block(&t, pc);
		pc += insn_is_ld_imm64(&req->insns[pc]);
	}
	return !t.given_up;
}
