/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/iter_differ/program.h - random programs over two iterators of buffers
 *
 * A program is a line of steps, with jumps between them.  Values are in three registers
 * and two slots of the stack, all of them zero at first; the last step leaves.
 */
#ifndef ROVE_TESTS_TOOL_ITER_DIFFER_PROGRAM_H
#define ROVE_TESTS_TOOL_ITER_DIFFER_PROGRAM_H

#include "tests/insn.h"
#include "tests/tool/corpus/case.h"

#define NR_ITERS 2
#define NR_REGS 3		/* r6 and on */
#define NR_VALUES 5		/* and behind them the slots */
#define MOST_STEPS 18		/* between the iterators' beginning and end */
#define MAX_STEPS 40
#define OPEN 0xff		/* a jump that goes nowhere yet */
#define MAX_JUMPS 64

enum op {
	OP_NEW, OP_END,		/* iterator a */
	OP_NEXT, OP_NEXT_SUB,	/* iterator a, its buffer into b; by a function */
	OP_LOOP,		/* iterator a moves up to three times, by a callback */
	OP_COPY,		/* a = b */
	OP_ZERO,		/* a = 0 */
	OP_LOOK, OP_LOOK_SUB,	/* follow a; in a function */
	OP_IF_NULL, OP_IF_SOME,	/* a, to @to */
	OP_PERHAPS,		/* to @to */
	OP_LEAVE,
};

struct step_of {
	u8 op, a, b, to;
};

struct iter_program {
	struct step_of steps[MAX_STEPS];
	u32 nr_steps;
	u32 nr_iters;		/* that are made at the beginning */
	bool often_compared;	/* a verifier compares states at each instruction */
	u64 random;
};

static inline u32 any_below(struct iter_program *p, u32 bound)
{
	p->random = p->random * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(p->random >> 33) % bound;
}

static inline struct step_of *add_step(struct iter_program *p, enum op op, u8 a, u8 b)
{
	struct step_of *s = &p->steps[p->nr_steps++];

	*s = (struct step_of){ .op = op, .a = a, .b = b };
	return s;
}

static inline void add_look(struct iter_program *p, u8 value, bool asks)
{
	if (asks) {
		struct step_of *guard = add_step(p, OP_IF_NULL, value, 0);

		guard->to = p->nr_steps + 1;
	}
	add_step(p, any_below(p, 4) ? OP_LOOK : OP_LOOK_SUB, value, 0);
}

/* The same place, another iterator. */
static inline void add_remake(struct iter_program *p)
{
	u8 iter = any_below(p, p->nr_iters);

	add_step(p, OP_END, iter, 0);
	add_step(p, OP_NEW, iter, 0);
}

/* A value is of one iterator or of another, and one of them moves. */
static inline void add_either(struct iter_program *p)
{
	u8 value = any_below(p, NR_REGS), other = (value + 1) % NR_REGS;
	u8 iter = any_below(p, p->nr_iters);
	struct step_of *skip;

	add_step(p, OP_NEXT, iter, value);
	skip = add_step(p, OP_PERHAPS, 0, 0);
	add_step(p, OP_NEXT, p->nr_iters - 1 - iter, value);
	skip->to = p->nr_steps;
	add_step(p, any_below(p, 2) ? OP_NEXT : OP_LOOP, any_below(p, p->nr_iters), other);
	add_look(p, value, true);
}

static inline void add_any(struct iter_program *p)
{
	static const u8 often[] = {
		OP_NEXT, OP_NEXT, OP_NEXT, OP_NEXT_SUB, OP_LOOP, OP_COPY, OP_COPY, OP_COPY, OP_ZERO,
		OP_IF_NULL, OP_IF_SOME, OP_PERHAPS, OP_PERHAPS, OP_NEW, OP_END,
	};
	enum op op = often[any_below(p, ARRAY_SIZE(often) - (any_below(p, 10) ? 2 : 0))];
	bool is_of_iter = op == OP_NEW || op == OP_END || op == OP_NEXT || op == OP_NEXT_SUB ||
			  op == OP_LOOP;
	u8 a = any_below(p, is_of_iter ? p->nr_iters : op == OP_COPY || op == OP_ZERO ? NR_VALUES : NR_REGS);
	u8 b = any_below(p, op == OP_COPY && a < NR_REGS ? NR_VALUES : NR_REGS);

	switch (any_below(p, 16)) {
	case 0:
		add_remake(p);
		break;
	case 1:
		add_either(p);
		break;
	case 2: case 3: case 4: case 5:
		add_look(p, any_below(p, NR_REGS), any_below(p, 16));
		break;
	default:
		add_step(p, op, a, b)->to = OPEN;
	}
}

static inline void close_jumps(struct iter_program *p, u32 end)
{
	for (u32 i = 0; i < p->nr_steps; i++)
		if (p->steps[i].to == OPEN)
			p->steps[i].to = any_below(p, 4) ? i + 1 + any_below(p, end - i) :
							   any_below(p, p->nr_steps);
}

/* Mostly what makes sense: a pointer is asked for before it is followed, iterators end. */
static inline void make_program(struct iter_program *p, u64 seed)
{
	u32 nr, end;

	*p = (struct iter_program){ .random = seed * 0x9e3779b97f4a7c15ull };
	nr = 4 + any_below(p, MOST_STEPS - 4);
	p->nr_iters = 1 + any_below(p, NR_ITERS);
	for (u32 i = 0; i < p->nr_iters; i++)
		add_step(p, OP_NEW, i, 0);
	while (p->nr_steps < nr)
		add_any(p);
	end = p->nr_steps;
	for (u32 i = 0; i < p->nr_iters; i++)
		if (any_below(p, 16))
			add_step(p, OP_END, i, 0);
	if (!any_below(p, 8))
		add_look(p, any_below(p, NR_REGS), true);
	add_step(p, OP_LEAVE, 0, 0);
	close_jumps(p, end);
	p->often_compared = any_below(p, 2);
}

/* --- as instructions ------------------------------------------------------------------------ */

enum iter_jump { TO_STEP, TO_SUB_NEXT, TO_SUB_LOOK, TO_CALLBACK, NR_JUMP_KINDS };

struct writing {
	struct corpus_case *c;
	u32 pc_of[MAX_STEPS + 1];
	struct {
		u32 pc;
		u8 to;
		enum iter_jump kind;
	} jumps[MAX_JUMPS];
	u32 nr_jumps;
};

static inline void put(struct writing *w, struct bpf_insn insn)
{
	w->c->insns[w->c->nr_insns++] = insn;
}

static inline void put_jump(struct writing *w, struct bpf_insn insn, u8 to, enum iter_jump kind)
{
	w->jumps[w->nr_jumps].pc = w->c->nr_insns;
	w->jumps[w->nr_jumps].to = to;
	w->jumps[w->nr_jumps++].kind = kind;
	put(w, insn);
}

static inline void put_kfunc(struct writing *w, const char *what)
{
	struct case_kfunc *kfunc = &w->c->kfuncs[w->c->nr_kfuncs++];

	kfunc->pc = w->c->nr_insns;
	snprintf(kfunc->name, sizeof(kfunc->name), "bpf_iter_dmabuf_%s", what);
	put(w, CALL_KFUNC(0));
}

static inline void put_iter(struct writing *w, u8 iter)
{
	put(w, MOV_REG(1, FP));
	put(w, ADD_IMM(1, -8 - 8 * iter));
}

static inline s16 slot_of_value(u8 value)
{
	return -24 - 8 * (value - NR_REGS);
}

static inline void put_copy(struct writing *w, u8 to, u8 from)
{
	if (to >= NR_REGS)
		put(w, STX(BPF_DW, FP, R6 + from, slot_of_value(to)));
	else if (from >= NR_REGS)
		put(w, LDX(BPF_DW, R6 + to, FP, slot_of_value(from)));
	else
		put(w, MOV_REG(R6 + to, R6 + from));
}

static inline void put_step(struct writing *w, const struct step_of *s)
{
	switch ((enum op)s->op) {
	case OP_NEW:
	case OP_END:
		put_iter(w, s->a);
		put_kfunc(w, s->op == OP_NEW ? "new" : "destroy");
		break;
	case OP_NEXT:
		put_iter(w, s->a);
		put_kfunc(w, "next");
		put(w, MOV_REG(R6 + s->b, 0));
		break;
	case OP_NEXT_SUB:
		put_iter(w, s->a);
		put_jump(w, CALL_SUBPROG(0), 0, TO_SUB_NEXT);
		put(w, MOV_REG(R6 + s->b, 0));
		break;
	case OP_LOOP:
		put(w, CALL_HELPER(BPF_FUNC_get_prandom_u32));
		put(w, ALU64_IMM(BPF_AND, 0, 3));
		put_iter(w, s->a);
		put(w, MOV_REG(3, 1));
		put(w, MOV_REG(1, 0));
		put_jump(w, INSN(BPF_LD | BPF_IMM | BPF_DW, 2, BPF_PSEUDO_FUNC, 0, 0), 0, TO_CALLBACK);
		put(w, INSN(0, 0, 0, 0, 0));
		put(w, MOV_IMM(4, 0));
		put(w, CALL_HELPER(BPF_FUNC_loop));
		break;
	case OP_COPY:
		put_copy(w, s->a, s->b);
		break;
	case OP_ZERO:
		put(w, s->a < NR_REGS ? MOV_IMM(R6 + s->a, 0) :
					ST_IMM(BPF_DW, FP, slot_of_value(s->a), 0));
		break;
	case OP_LOOK:
		put(w, LDX(BPF_DW, 1, R6 + s->a, 0));
		break;
	case OP_LOOK_SUB:
		put(w, MOV_REG(1, R6 + s->a));
		put_jump(w, CALL_SUBPROG(0), 0, TO_SUB_LOOK);
		break;
	case OP_IF_NULL:
	case OP_IF_SOME:
		put_jump(w, JMP_IMM(s->op == OP_IF_NULL ? BPF_JEQ : BPF_JNE, R6 + s->a, 0, 0), s->to,
			 TO_STEP);
		break;
	case OP_PERHAPS:
		put(w, CALL_HELPER(BPF_FUNC_get_prandom_u32));
		put_jump(w, JMP_IMM(BPF_JGT, 0, 7, 0), s->to, TO_STEP);
		break;
	case OP_LEAVE:
		put(w, MOV_IMM(0, 0));
		put(w, EXIT());
		break;
	}
}

/* The functions stand behind the program, those that somebody calls. */
static inline void put_subs(struct writing *w, u32 pc_of_kind[NR_JUMP_KINDS])
{
	bool called[NR_JUMP_KINDS] = { false };

	for (u32 i = 0; i < w->nr_jumps; i++)
		called[w->jumps[i].kind] = true;
	for (u32 kind = TO_SUB_NEXT; kind < NR_JUMP_KINDS; kind++) {
		struct case_label *label = &w->c->labels[w->c->nr_labels];

		pc_of_kind[kind] = w->c->nr_insns;
		if (!called[kind])
			continue;
		label->pc = w->c->nr_insns;
		snprintf(label->name, sizeof(label->name), "sub%u", kind);
		w->c->nr_labels++;
		if (kind == TO_CALLBACK)
			put(w, MOV_REG(1, 2));
		if (kind == TO_SUB_LOOK)
			put(w, LDX(BPF_DW, 0, 1, 0));
		else
			put_kfunc(w, "next");
		if (kind == TO_CALLBACK)
			put(w, MOV_IMM(0, 0));
		put(w, EXIT());
	}
}

/* A case says where its functions are called, and where their addresses are taken. */
static inline void tell_call(struct corpus_case *c, u32 pc, enum iter_jump kind)
{
	struct case_jump *jump = &c->jumps[c->nr_jumps++];

	jump->pc = pc;
	jump->is_func = kind == TO_CALLBACK;
	jump->is_call = !jump->is_func;
}

static inline void write_program(const struct iter_program *p, struct corpus_case *c)
{
	struct writing w = { .c = c };
	u32 pc_of_kind[NR_JUMP_KINDS] = { 0 };

	memset(c, 0, sizeof(*c));
	c->prog_type = BPF_PROG_TYPE_SYSCALL;
	c->prog_flags = p->often_compared ? BPF_F_TEST_STATE_FREQ : 0;
	for (u8 i = 0; i < NR_VALUES; i++)
		put(&w, i < NR_REGS ? MOV_IMM(R6 + i, 0) : ST_IMM(BPF_DW, FP, slot_of_value(i), 0));
	for (u32 i = 0; i < p->nr_steps; i++) {
		w.pc_of[i] = c->nr_insns;
		put_step(&w, &p->steps[i]);
	}
	put_subs(&w, pc_of_kind);
	for (u32 i = 0; i < w.nr_jumps; i++) {
		struct bpf_insn *insn = &c->insns[w.jumps[i].pc];
		u32 to = w.jumps[i].kind ? pc_of_kind[w.jumps[i].kind] : w.pc_of[w.jumps[i].to];
		s32 off = (s32)to - (s32)w.jumps[i].pc - 1;

		if (w.jumps[i].kind) {
			insn->imm = off;
			tell_call(c, w.jumps[i].pc, w.jumps[i].kind);
		} else {
			insn->off = off;
		}
	}
}

#endif
