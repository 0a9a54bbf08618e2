/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/facts/liveness.c - what may still be read after reaching an instruction
 *
 * The usual backward equations, solved with a list of instructions whose
 * successors changed.  Each bit of an instruction turns on once at most, so the
 * work is bounded by the number of bits times the number of edges.
 *
 * Not here: what an instruction does with the stack (stack_use.c).
 */
#include <errno.h>
#include <stdlib.h>

#include "bpf/verifier/facts/internal.h"

#define ALL_SLOTS (~0ull)

/* Predecessors of pc: from[first[pc]] .. from[first[pc + 1] - 1]. */
struct edges {
	u32 *first, *from;
};

struct solver {
	const struct vrf_request *req;
	const struct facts *f;
	struct edges edges;
	u32 *todo;
	bool *is_todo;
	u32 nr_todo;
	u64 *reads, *fills;	/* slots, from stack_use.c */
};

/* --- predecessors ----------------------------------------------------------------------------- */

static void count_edges(const struct vrf_request *req, u32 *first)
{
	u32 succ[2];

	for (u32 pc = 0; pc < req->nr_insns; pc++) {
		for (u32 nr = insn_successors(req, pc, succ); nr; nr--)
			first[succ[nr - 1] + 1]++;
		pc += insn_is_ld_imm64(&req->insns[pc]);
	}
	for (u32 pc = 0; pc < req->nr_insns; pc++)
		first[pc + 1] += first[pc];
}

/* Filling moves each ->first[pc] to the beginning of the next; shifting moves it back. */
static void fill_edges(const struct vrf_request *req, struct edges *e)
{
	u32 succ[2];

	for (u32 pc = 0; pc < req->nr_insns; pc++) {
		for (u32 nr = insn_successors(req, pc, succ); nr; nr--)
			e->from[e->first[succ[nr - 1]]++] = pc;
		pc += insn_is_ld_imm64(&req->insns[pc]);
	}
	for (u32 pc = req->nr_insns; pc; pc--)
		e->first[pc] = e->first[pc - 1];
	e->first[0] = 0;
}

static int solver_init(struct solver *s, const struct vrf_request *req, const struct facts *f)
{
	size_t nr = req->nr_insns;

	*s = (struct solver){ .req = req, .f = f };
	s->edges.first = calloc(nr + 1, sizeof(u32));
	s->edges.from = calloc(2 * nr, sizeof(u32));
	s->todo = calloc(nr, sizeof(*s->todo));
	s->is_todo = calloc(nr, sizeof(*s->is_todo));
	s->reads = calloc(nr, sizeof(*s->reads));
	s->fills = calloc(nr, sizeof(*s->fills));
	if (!s->edges.first || !s->edges.from || !s->todo || !s->is_todo || !s->reads || !s->fills)
		return -ENOMEM;
	count_edges(req, s->edges.first);
	fill_edges(req, &s->edges);
	return 0;
}

static void solver_fini(struct solver *s)
{
	free(s->edges.first);
	free(s->edges.from);
	free(s->todo);
	free(s->is_todo);
	free(s->reads);
	free(s->fills);
}

/* --- solving ---------------------------------------------------------------------------------- */

static void again(struct solver *s, u32 pc)
{
	if (s->is_todo[pc])
		return;
	s->is_todo[pc] = true;
	s->todo[s->nr_todo++] = pc;
}

static void again_all(struct solver *s)
{
	for (u32 pc = 0; pc < s->req->nr_insns; pc++) {
		again(s, pc);
		pc += insn_is_ld_imm64(&s->req->insns[pc]);
	}
}

/* Of a call, the arguments that the prototype has; what it does not say may be any. */
static u32 regs_read(const struct facts *f, const struct bpf_insn *insn, u32 pc)
{
	const struct callsite *site = &f->sites[pc];
	u32 regs = 0;

	if (insn->code != (BPF_JMP | BPF_CALL) ||
	    (site->kind != SITE_HELPER && site->kind != SITE_KFUNC))
		return insn_reads(insn);
	for (u32 i = 0; i < FUNC_MAX_ARGS && site->proto->args[i].kind != ARG_NONE; i++)
		regs |= 1u << (BPF_REG_1 + i);
	return regs;
}

static bool update_regs(struct solver *s, u32 pc)
{
	const struct bpf_insn *insn = &s->req->insns[pc];
	u16 *live = s->f->liveness->regs;
	u32 succ[2], out = 0, in;

	for (u32 nr = insn_successors(s->req, pc, succ); nr; nr--)
		out |= live[succ[nr - 1]];
	in = regs_read(s->f, insn, pc) | (out & ~insn_writes(insn));
	if (in == live[pc])
		return false;
	live[pc] = in;
	return true;
}

static bool update_slots(struct solver *s, u32 pc)
{
	u64 *live = s->f->liveness->slots, out = 0, in;
	u32 succ[2];

	for (u32 nr = insn_successors(s->req, pc, succ); nr; nr--)
		out |= live[succ[nr - 1]];
	in = s->reads[pc] | (out & ~s->fills[pc]);
	if (in == live[pc])
		return false;
	live[pc] = in;
	return true;
}

/* Taken from the end of the list, so at first from the end of the program. */
static void solve(struct solver *s, bool (*update)(struct solver *s, u32 pc))
{
	again_all(s);
	while (s->nr_todo) {
		u32 pc = s->todo[--s->nr_todo];

		s->is_todo[pc] = false;
		if (!update(s, pc))
			continue;
		for (u32 e = s->edges.first[pc]; e < s->edges.first[pc + 1]; e++)
			again(s, s->edges.from[e]);
	}
}

static void find_stack_use(struct solver *s)
{
	for (u32 i = 0; i < s->f->nr_subprogs; i++) {
		const struct subprog *sub = &s->f->subprogs[i];

		if (facts_stack_use(s->req, s->f, sub, s->f->liveness->regs, s->reads, s->fills))
			continue;
		for (u32 pc = sub->start; pc < sub->end; pc++) {
			s->reads[pc] = ALL_SLOTS;
			s->fills[pc] = 0;
		}
	}
}

/**
 * facts_compute_liveness - registers and slots of the own frame
 * @f: needs ->sites and ->cfg; gives ->liveness
 *
 * Context: thread.
 * Return:  0 or -ENOMEM.
 */
int facts_compute_liveness(struct vrf *v, struct facts *f)
{
	u32 nr = v->req->nr_insns;
	struct solver s;
	int err;

	f->liveness = calloc(1, sizeof(*f->liveness));
	if (!f->liveness)
		return -ENOMEM;
	f->liveness->regs = calloc(nr, sizeof(*f->liveness->regs));
	f->liveness->slots = calloc(nr, sizeof(*f->liveness->slots));
	if (!f->liveness->regs || !f->liveness->slots)
		return -ENOMEM;
	err = solver_init(&s, v->req, f);
	if (!err) {
		solve(&s, update_regs);
		find_stack_use(&s);
		solve(&s, update_slots);
	}
	solver_fini(&s);
	return err;
}

/*
 * Context: any.
 */
u32 live_regs(const struct facts *f, u32 pc)
{
	return f->liveness->regs[pc];
}

u64 live_slots(const struct facts *f, u32 pc)
{
	return f->liveness->slots[pc];
}
