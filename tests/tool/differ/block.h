/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/differ/block.h - sentences with sentences inside, and whole programs
 *
 * What bounds the time of a run (an iterator's end) is never changed, because
 * the kernel runs these programs too.
 */
#ifndef ROVE_TESTS_TOOL_DIFFER_BLOCK_H
#define ROVE_TESTS_TOOL_DIFFER_BLOCK_H

#include "tests/tool/differ/say.h"

#define MAX_DEPTH 3

static inline void say_block(struct gen *g, u32 nr);

/* A jump on numbers, its target open. */
static inline struct bpf_insn any_jump(struct gen *g)
{
	u8 op = all_jumps[gen_below(g, ARRAY_SIZE(all_jumps))];
	u8 class = gen_percent(g, 60) ? BPF_JMP : BPF_JMP32;
	u8 r = gen_num_reg(g), other = gen_num_reg(g);

	/* The kernel does not know that a register equals itself: nothing to learn. */
	if (gen_percent(g, 35) && other != r)
		return INSN(class | op | BPF_X, r, other, 0, 0);
	return INSN(class | op | BPF_K, r, 0, 0, gen_imm(g));
}

static inline void say_if(struct gen *g)
{
	u32 skip = gen_emit(g, any_jump(g)), over;
	u8 before[10], then[10];

	memcpy(before, g->regs, sizeof(before));
	say_block(g, 1 + gen_below(g, 3));
	if (gen_percent(g, 50)) {
		gen_land(g, skip);
		gen_meet(g, before);
		return;
	}
	over = gen_emit(g, GOTO(0));
	gen_land(g, skip);
	memcpy(then, g->regs, sizeof(then));
	memcpy(g->regs, before, sizeof(before));
	say_block(g, 1 + gen_below(g, 2));
	gen_land(g, over);
	gen_meet(g, then);
}

static inline void say_leave_if(struct gen *g)
{
	gen_break(g, any_jump(g));
}

/* Arithmetic that leaves small constants small. */
static inline void say_small_change(struct gen *g, u8 r)
{
	switch (gen_below(g, 8)) {
	case 0:
		gen_emit(g, MOV32_REG(r, r));
		break;
	case 1:
		gen_emit(g, MOVSX(r, r, 8 << gen_below(g, 3)));
		break;
	case 2:
		gen_emit(g, ALU64_IMM(BPF_XOR, r, gen_below(g, 8)));
		break;
	case 3:
		gen_emit(g, ALU32_IMM(BPF_AND, r, 0x3f ^ gen_below(g, 8)));
		break;
	case 4:
		gen_emit(g, ALU64_IMM(BPF_RSH, r, 1));
		break;
	default:
		break;
	}
}

/*
 * A number is one constant on one way and another on the other; after more
 * sentences it is an index that nothing bounds.  Whoever takes the second way
 * for the first lets a wrong access through.
 */
static inline void say_choice(struct gen *g)
{
	u8 r = gen_low_reg(g, FP), size = gen_size(g), access = gen_size(g), ptr, base;
	u32 max = OBJECT_BYTES - gen_size_bytes(access), skip, locked = g->locked;
	s32 other = gen_below(g, max + 1);
	bool in_reg = !(g->locked & 1u << 7) && gen_percent(g, 40);
	s16 slot = gen_number_slot(g), off;

	if (g->nr_risks && gen_percent(g, 40)) {
		g->nr_risks--;
		other = max + 1 + gen_below(g, 2);
	}
	gen_emit(g, MOV_IMM(r, gen_below(g, max + 1)));
	skip = gen_emit(g, any_jump(g));
	gen_emit(g, MOV_IMM(r, other));
	gen_land(g, skip);
	g->regs[r] = K_NUM;
	gen_emit(g, in_reg ? MOV_REG(7, r) : STX(size, FP, r, slot));
	g->locked |= in_reg ? 1u << 7 : 0;
	say_block(g, 1 + gen_below(g, 3));
	g->locked = locked;
	r = gen_low_reg(g, FP);
	gen_emit(g, in_reg ? MOV_REG(r, 7) : LDX(size, r, FP, slot));
	g->regs[r] = K_NUM;
	say_small_change(g, r);
	base = gen_base_reg(g, &off);
	if (base == r)
		base = 9, off = 0;
	ptr = gen_low_reg(g, r);
	gen_emit(g, MOV_REG(ptr, base));
	gen_emit(g, ADD_REG(ptr, r));
	g->regs[ptr] = K_NONE;
	access_at(g, access, ptr, off);
}

/* --- loops ------------------------------------------------------------------------------------ */

struct loop {
	struct breaks breaks, *outer;
	u32 locked;
};

static inline void loop_begin(struct gen *g, struct loop *loop)
{
	loop->outer = g->breaks;
	loop->breaks.nr = 0;
	loop->locked = g->locked;
	g->breaks = &loop->breaks;
	g->nr_loops++;
	g->depth++;
	gen_forget_low(g);
}

static inline void loop_end(struct gen *g, struct loop *loop)
{
	g->depth--;
	g->nr_loops--;
	g->locked = loop->locked;
	g->breaks = loop->outer;
	gen_forget_low(g);
}

/* Counted in r8 or on the stack. */
static inline void say_counted_loop(struct gen *g)
{
	s16 slot = SLOT_COUNTER - 8 * (g->nr_loops & 1);
	bool in_reg = !(g->locked & 1u << 8) && !g->has_record && gen_percent(g, 50);
	u32 rounds = 1 + gen_below(g, 4), head;
	u8 counter = in_reg ? 8 : 1;
	struct loop loop;

	if (g->nr_loops >= 2 || (g->nr_loops && gen_percent(g, 70)))
		return;
	gen_emit(g, MOV_IMM(counter, 0));
	if (!in_reg)
		gen_emit(g, STX(BPF_DW, FP, counter, slot));
	loop_begin(g, &loop);
	if (in_reg)
		g->locked |= 1u << 8;
	head = gen_pc(g);
	if (!in_reg)
		gen_emit(g, LDX(BPF_DW, counter, FP, slot));
	gen_break(g, JMP_IMM(BPF_JGE, counter, rounds, 0));
	gen_emit(g, ADD_IMM(counter, 1));
	if (!in_reg)
		gen_emit(g, STX(BPF_DW, FP, counter, slot));
	g->regs[counter] = K_NUM;
	say_block(g, 1 + gen_below(g, 3));
	gen_emit(g, GOTO((s32)head - (s32)gen_pc(g) - 1));
	gen_land_breaks(g, &loop.breaks);
	loop_end(g, &loop);
}

static inline void gen_kfunc(struct gen *g, const char *name)
{
	struct case_kfunc *kfunc = &g->c->kfuncs[g->c->nr_kfuncs++];

	kfunc->pc = gen_emit_fixed(g, CALL_KFUNC(0));
	snprintf(kfunc->name, sizeof(kfunc->name), "%s", name);
	gen_forget_low(g);
}

static inline void gen_iter_arg(struct gen *g, s16 slot)
{
	gen_emit_fixed(g, MOV_REG(1, FP));
	gen_emit_fixed(g, ADD_IMM(1, slot));
}

/* A number that is carried from round to round: in r7, r8 or on the stack. */
static inline void say_carry(struct gen *g)
{
	s16 slot = gen_number_slot(g);
	u8 r = gen_low_reg(g, FP);

	if (gen_percent(g, 40)) {
		say_alu_on(g, 7);
		return;
	}
	gen_emit(g, LDX(BPF_DW, r, FP, slot));
	g->regs[r] = K_NUM;
	if (gen_percent(g, 60))
		gen_break(g, JMP_IMM(BPF_JGE, r, 8 << gen_below(g, 4), 0));
	gen_emit(g, ADD_IMM(r, 1 + gen_below(g, 3)));
	gen_emit(g, STX(BPF_DW, FP, r, slot));
}

static inline void say_iter_loop(struct gen *g)
{
	s16 slot = SLOT_ITER - 8 * (g->nr_loops & 1);
	u32 head, done, start = gen_below(g, 4);
	struct loop loop;

	if (g->nr_loops >= 2 || (g->nr_loops && gen_percent(g, 50)) ||
	    g->c->nr_kfuncs > CASE_MAX_NAMES - 3)
		return;
	gen_iter_arg(g, slot);
	gen_emit_fixed(g, MOV_IMM(2, start));
	gen_emit_fixed(g, MOV_IMM(3, start + gen_below(g, 8)));
	gen_kfunc(g, "bpf_iter_num_new");
	loop_begin(g, &loop);
	head = gen_pc(g);
	gen_iter_arg(g, slot);
	gen_kfunc(g, "bpf_iter_num_next");
	done = gen_emit_fixed(g, JMP_IMM(BPF_JEQ, 0, 0, 0));
	gen_emit(g, LDX(BPF_W, 0, 0, 0));
	g->regs[0] = K_NUM;
	if (gen_percent(g, 60))
		say_carry(g);
	say_block(g, 1 + gen_below(g, 3));
	gen_emit_fixed(g, GOTO((s32)head - (s32)gen_pc(g) - 1));
	gen_land(g, done);
	gen_land_breaks(g, &loop.breaks);
	gen_iter_arg(g, slot);
	gen_kfunc(g, "bpf_iter_num_destroy");
	loop_end(g, &loop);
}

/* --- maps and calls --------------------------------------------------------------------------- */

static inline void gen_load_map(struct gen *g, u8 dst, u32 map)
{
	gen_emit_fixed(g, INSN(BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_FD, 0, map));
	gen_emit_fixed(g, INSN(0, 0, 0, 0, 0));
}

/* The pointer is checked itself or through a copy. */
static inline void say_lookup(struct gen *g)
{
	bool is_array = gen_percent(g, 50);
	u8 copy = gen_low_reg(g, 0);

	gen_emit(g, gen_percent(g, 50) ? ST_IMM(BPF_W, FP, SLOT_KEY, gen_below(g, 5)) :
					 STX(BPF_W, FP, gen_num_reg(g), SLOT_KEY));
	gen_load_map(g, 1, is_array ? MAP_ARRAY : MAP_HASH);
	gen_emit(g, MOV_REG(2, FP));
	gen_emit(g, ADD_IMM(2, SLOT_KEY));
	gen_emit(g, CALL_HELPER(BPF_FUNC_map_lookup_elem));
	gen_forget_low(g);
	if (gen_percent(g, 50)) {
		gen_break(g, JMP_IMM(BPF_JEQ, 0, 0, 0));
		g->regs[0] = K_VALUE;
		return;
	}
	gen_emit(g, MOV_REG(copy, 0));
	if (gen_percent(g, 30)) {
		gen_emit(g, STX(BPF_DW, FP, 0, SLOT_VALUE));
		gen_break(g, JMP_IMM(BPF_JEQ, copy, 0, 0));
		gen_emit(g, LDX(BPF_DW, 0, FP, SLOT_VALUE));
	} else {
		gen_break(g, JMP_IMM(BPF_JEQ, copy, 0, 0));
	}
	g->regs[0] = K_VALUE;
	g->regs[copy] = K_VALUE;
}

/* Breaks in between give the record back too. */
static inline void say_record(struct gen *g)
{
	struct breaks breaks = { .nr = 0 }, *outer = g->breaks;
	u32 none;

	if (g->has_record || g->locked & 1u << 8)
		return;
	gen_load_map(g, 1, MAP_RING);
	gen_emit(g, MOV_IMM(2, OBJECT_BYTES));
	gen_emit(g, MOV_IMM(3, 0));
	gen_emit(g, CALL_HELPER(BPF_FUNC_ringbuf_reserve));
	gen_emit(g, MOV_REG(8, 0));
	none = gen_emit(g, JMP_IMM(BPF_JEQ, gen_percent(g, 50) ? 8 : 0, 0, 0));
	gen_forget_low(g);
	for (u32 i = 0; i < OBJECT_BYTES; i += 8)
		gen_emit_fixed(g, ST_IMM(BPF_DW, 8, i, gen_imm(g)));
	g->breaks = &breaks;
	g->has_record = true;
	g->regs[8] = K_RECORD;
	say_block(g, 2 + gen_below(g, 3));
	gen_land_breaks(g, &breaks);
	gen_emit(g, MOV_REG(1, 8));
	gen_emit(g, MOV_IMM(2, 0));
	gen_emit(g, CALL_HELPER(gen_percent(g, 50) ? BPF_FUNC_ringbuf_submit :
						     BPF_FUNC_ringbuf_discard));
	gen_land(g, none);
	gen_emit(g, MOV_IMM(8, gen_imm(g)));
	gen_forget_low(g);
	g->regs[8] = K_NUM;
	g->has_record = false;
	g->breaks = outer;
}

/* sub(context, value, number, stack, number) */
static inline void say_call(struct gen *g)
{
	u32 sub = gen_below(g, min(g->nr_subs + 1, (u32)MAX_SUBS));
	u8 number = gen_num_reg(g), second = gen_num_reg(g);

	if (g->in_sub || g->nr_calls == ARRAY_SIZE(g->calls))
		return;
	if (gen_percent(g, 50)) {
		bool wide = gen_percent(g, 70);

		gen_emit(g, MOV_REG(5, number));
		gen_emit(g, wide ? ALU64_IMM(BPF_AND, 5, 63) : ALU32_IMM(BPF_AND, 5, 63));
		second = 5;
	}
	if (number <= 5 || second != 5) {
		gen_emit(g, STX(BPF_DW, FP, number, SLOT_NUMBERS));
		if (second != 5)
			gen_emit(g, MOV_REG(5, second));
		gen_emit(g, LDX(BPF_DW, 3, FP, SLOT_NUMBERS));
	} else {
		gen_emit(g, MOV_REG(3, number));
	}
	gen_emit(g, MOV_REG(1, 6));
	gen_emit(g, MOV_REG(2, 9));
	gen_emit(g, MOV_REG(4, FP));
	gen_emit(g, ADD_IMM(4, SLOT_NUMBERS));
	g->nr_subs = max(g->nr_subs, sub + 1);
	g->calls[g->nr_calls].sub = sub;
	g->calls[g->nr_calls++].pc = gen_emit_fixed(g, CALL_SUBPROG(0));
	gen_forget_low(g);
	g->regs[0] = g->subs[sub].returns_value ? K_VALUE : K_NUM;
}

/* --- programs --------------------------------------------------------------------------------- */

static inline void say_block(struct gen *g, u32 nr)
{
	static void (*const simple[])(struct gen *g) = {
		say_alu, say_alu, say_alu, say_unary, say_copy, say_constant, say_load, say_load,
		say_store, say_through_stack, say_through_stack, say_pointer_through_stack,
		say_atomic, say_index, say_index, say_index, say_index_backwards, say_leave_if,
		say_carry, say_if, say_lookup, say_call,
	};
	static void (*const nested[])(struct gen *g) = {
		say_if, say_choice, say_choice, say_counted_loop, say_iter_loop, say_iter_loop, say_record,
	};

	g->depth++;
	for (u32 i = 0; i < nr && !gen_is_full(g); i++) {
		if (g->depth < MAX_DEPTH && gen_percent(g, 20))
			nested[gen_below(g, ARRAY_SIZE(nested))](g);
		else
			simple[gen_below(g, ARRAY_SIZE(simple) - (g->depth > MAX_DEPTH ? 3 : 0))](g);
	}
	g->depth--;
}

static inline void gen_fill_stack(struct gen *g)
{
	for (u32 i = 0; i < 8; i++)
		gen_emit_fixed(g, gen_percent(g, 50) ? STX(BPF_DW, FP, 7 + gen_below(g, 2),
							   SLOT_NUMBERS + 8 * i) :
						       ST_IMM(BPF_DW, FP, SLOT_NUMBERS + 8 * i,
							      gen_imm(g)));
	gen_emit_fixed(g, STX(BPF_DW, FP, 9, SLOT_VALUE));
	for (s16 slot = SLOT_COUNTER; slot >= SLOT_LOWEST; slot -= 8)
		gen_emit_fixed(g, ST_IMM(BPF_DW, FP, slot, 0));
}

static inline void gen_know_high(struct gen *g)
{
	gen_forget_low(g);
	g->regs[6] = K_CTX;
	g->regs[7] = g->regs[8] = K_NUM;
	g->regs[9] = K_VALUE;
}

/* All numbers become part of the result. */
static inline void gen_result(struct gen *g)
{
	for (u8 r = 0; r <= 5; r++) {
		if (g->regs[r] == K_NUM)
			gen_emit_fixed(g, STX(BPF_DW, 9, r, 8 * r));
	}
}

static inline void gen_main(struct gen *g)
{
	struct breaks breaks = { .nr = 0 };
	u8 size = gen_size(g);

	g->breaks = &breaks;
	gen_emit_fixed(g, MOV_REG(6, 1));
	gen_emit_fixed(g, INSN(BPF_LD | BPF_IMM | BPF_DW, 9, BPF_PSEUDO_MAP_VALUE, 0, MAP_ONE));
	gen_emit_fixed(g, INSN(0, 0, 0, 0, 0));
	gen_emit_fixed(g, LDX(size, 7, 6, 8 * gen_below(g, 8)));
	gen_emit_fixed(g, LDX(gen_size(g), 8, 9, 8 * gen_below(g, 8)));
	gen_know_high(g);
	gen_fill_stack(g);
	say_block(g, 3 + gen_below(g, 8));
	gen_result(g);
	gen_land_breaks(g, &breaks);
	gen_emit_fixed(g, STX(BPF_DW, 6, 7, 48));
	gen_emit_fixed(g, STX(BPF_DW, 6, 8, 56));
	gen_emit_fixed(g, MOV_REG(0, 7));
	gen_emit_fixed(g, ALU64_REG(BPF_XOR, 0, 8));
	gen_emit_fixed(g, EXIT());
}

static inline void gen_sub(struct gen *g, struct sub *sub)
{
	struct breaks breaks = { .nr = 0 };

	g->breaks = &breaks;
	g->in_sub = true;
	sub->start = gen_pc(g);
	gen_emit_fixed(g, MOV_REG(6, 1));
	gen_emit_fixed(g, MOV_REG(9, 2));
	gen_emit_fixed(g, MOV_REG(7, 3));
	gen_emit_fixed(g, MOV_REG(8, 5));
	gen_know_high(g);
	g->regs[4] = K_STACK;
	gen_fill_stack(g);
	say_block(g, 1 + gen_below(g, 4));
	gen_result(g);
	gen_land_breaks(g, &breaks);
	gen_emit(g, MOV_REG(0, sub->returns_value ? 9 : 7 + gen_below(g, 2)));
	gen_emit_fixed(g, EXIT());
}

/* One instruction becomes another that is like it. */
static inline void gen_mutate(struct gen *g)
{
	u32 pc = gen_below(g, g->c->nr_insns);
	struct bpf_insn *insn = &g->c->insns[pc];
	u8 class = insn_class(insn);
	bool is_jump = class == BPF_JMP || class == BPF_JMP32;

	if (g->fixed[pc] || insn_op(insn) == BPF_CALL || (is_jump && insn_op(insn) == BPF_EXIT) ||
	    (is_jump && insn_op(insn) == BPF_JA))
		return;
	switch (gen_below(g, 5)) {
	case 0:
		insn->imm += gen_percent(g, 50) && !insn_is_reg_form(insn) ? 1 : 0;
		break;
	case 1:
		if (is_jump)
			insn->code = class | BPF_SRC(insn->code) |
				     all_jumps[gen_below(g, ARRAY_SIZE(all_jumps))];
		else if (insn->dst_reg != FP && insn->src_reg != FP && class != BPF_ALU &&
			 class != BPF_ALU64)
			insn->off += gen_percent(g, 50) ? 1 : -1;
		break;
	case 2:
		if (is_jump)
			insn->code ^= BPF_JMP ^ BPF_JMP32;
		else if ((class == BPF_ALU || class == BPF_ALU64) && insn_op(insn) < BPF_NEG)
			insn->code ^= BPF_ALU ^ BPF_ALU64;
		break;
	case 3:
		if (insn->dst_reg < 6)
			insn->dst_reg = gen_below(g, 6);
		break;
	default:
		if (insn_is_reg_form(insn) && insn->src_reg < 6)
			insn->src_reg = gen_below(g, 6);
	}
}

static inline void gen_maps(struct corpus_case *c)
{
	static const struct case_map maps[NR_MAPS] = {
		[MAP_ONE] = { BPF_MAP_TYPE_ARRAY, 4, OBJECT_BYTES, 1 },
		[MAP_ARRAY] = { BPF_MAP_TYPE_ARRAY, 4, OBJECT_BYTES, ARRAY_ENTRIES },
		[MAP_HASH] = { BPF_MAP_TYPE_HASH, 4, OBJECT_BYTES, HASH_KEYS },
		[MAP_RING] = { BPF_MAP_TYPE_RINGBUF, 0, 0, 65536 },
	};

	c->nr_maps = NR_MAPS;
	memcpy(c->maps, maps, sizeof(maps));
}

/* The same @seed gives the same program. */
static inline void gen_program(struct corpus_case *c, u64 seed)
{
	static struct gen gen;
	struct gen *g = &gen;

	memset(g, 0, sizeof(*g));
	c->nr_insns = 0;
	c->nr_kfuncs = 0;
	c->nr_types = 0;
	c->nr_globals = 0;
	c->prog_type = BPF_PROG_TYPE_SYSCALL;
	gen_maps(c);
	g->c = c;
	g->random = seed * 0x2545f4914f6cdd1dull;
	g->nr_risks = gen_below(g, 3);
	for (u32 i = 0; i < MAX_SUBS; i++)
		g->subs[i].returns_value = gen_percent(g, 30);
	c->prog_flags = gen_percent(g, 20) ? BPF_F_TEST_STATE_FREQ : 0;
	gen_main(g);
	for (u32 i = 0; i < g->nr_subs; i++)
		gen_sub(g, &g->subs[i]);
	for (u32 i = 0; i < g->nr_calls; i++)
		c->insns[g->calls[i].pc].imm = (s32)g->subs[g->calls[i].sub].start -
					       (s32)g->calls[i].pc - 1;
	if (gen_percent(g, 25))
		gen_mutate(g);
}

#endif
