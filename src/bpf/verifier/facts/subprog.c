/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/facts/subprog.c - function boundaries and the call graph
 *
 * A function begins at instruction 0, where a call leads, and where an address
 * is taken; it ends where the next one begins.
 *
 * Invariant: calls form no circle, so the deepest chain of frames is a longest
 *            path, found by taking functions in the order in which all they
 *            call has been done.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/verifier/facts/internal.h"

#define STACK_MAX_BYTES INSN_STACK_BYTES	/* of a whole chain */
#define FRAME_ALIGN 16

/* --- memory ----------------------------------------------------------------------------------- */

/**
 * facts_create - nothing known yet
 *
 * Context: may sleep.
 * Return:  0 or -ENOMEM.
 */
int facts_create(struct facts **ret_facts)
{
	struct facts *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->mem = calloc(1, sizeof(*f->mem));
	if (!f->mem) {
		free(f);
		return -ENOMEM;
	}
	*ret_facts = f;
	return 0;
}

/**
 * facts_free - NULL and half-filled facts are fine
 *
 * Context: thread.
 */
void facts_free(struct facts *f)
{
	struct kfunc_proto *next;

	if (!f)
		return;
	for (struct kfunc_proto *k = f->mem->kfuncs; k; k = next) {
		next = k->next;
		free(k);
	}
	if (f->cfg) {
		free(f->cfg->flags);
		free(f->cfg->scc);
	}
	if (f->liveness) {
		free(f->liveness->regs);
		free(f->liveness->slots);
	}
	free(f->cfg);
	free(f->liveness);
	free(f->mem);
	free(f->sites);
	free(f->maps);
	free(f->inner_maps);
	free(f);
}

/* --- instructions ----------------------------------------------------------------------------- */

/*
 * Context: any.
 */
bool insn_is_cond_jump(const struct bpf_insn *insn)
{
	u8 class = insn_class(insn), op = insn_op(insn);

	return (class == BPF_JMP || class == BPF_JMP32) && op != BPF_JA && op != BPF_CALL &&
	       op != BPF_EXIT;
}

bool insn_is_jump(const struct bpf_insn *insn)
{
	return insn_is_cond_jump(insn) || insn->code == (BPF_JMP | BPF_JA) ||
	       insn->code == (BPF_JMP32 | BPF_JA);
}

s64 insn_jump_target(const struct bpf_insn *insn, u32 pc)
{
	return (s64)pc + 1 + (insn->code == (BPF_JMP32 | BPF_JA) ? insn->imm : insn->off);
}

bool insn_is_second_half(const struct vrf_request *req, u32 pc)
{
	/* facts_check_insns() saw that each has its second half, which is no ld_imm64. */
	return pc && insn_is_ld_imm64(&req->insns[pc - 1]);
}

static bool is_func_address(const struct bpf_insn *insn)
{
	return insn_is_ld_imm64(insn) && insn->src_reg == BPF_PSEUDO_FUNC;
}

static bool names_subprog(const struct bpf_insn *insn)
{
	return insn_is_subprog_call(insn) || is_func_address(insn);
}

/* --- boundaries ------------------------------------------------------------------------------- */

static int mark_start(struct vrf *v, u8 *is_start, u32 pc)
{
	const struct vrf_request *req = v->req;
	s64 target = (s64)pc + 1 + req->insns[pc].imm;

	v->pc = pc;
	if (target < 0 || target >= req->nr_insns)
		return vlog_reject(v, -EINVAL, WHY_CFG, "call to invalid destination");
	if (insn_is_second_half(req, target))
		return vlog_reject(v, -EINVAL, WHY_CFG, "jump into the middle of ldimm64 insn %u",
				   (u32)target - 1);
	is_start[target] = 1;
	return 0;
}

static int list_starts(struct vrf *v, struct facts *f, const u8 *is_start)
{
	for (u32 pc = 0; pc < v->req->nr_insns; pc++) {
		if (pc && !is_start[pc])
			continue;
		if (f->nr_subprogs == FACTS_MAX_SUBPROGS)
			return vlog_reject(v, -E2BIG, WHY_COMPLEXITY, "too many subprograms");
		if (f->nr_subprogs)
			f->subprogs[f->nr_subprogs - 1].end = pc;
		f->subprogs[f->nr_subprogs++] =
			(struct subprog){ .start = pc, .name = "", .is_main = !pc };
	}
	f->subprogs[f->nr_subprogs - 1].end = v->req->nr_insns;
	return 0;
}

static int find_starts(struct vrf *v, struct facts *f)
{
	const struct vrf_request *req = v->req;
	u8 *is_start = calloc(req->nr_insns, 1);
	int err = 0;

	if (!is_start)
		return -ENOMEM;
	for (u32 pc = 0; !err && pc < req->nr_insns; pc++)
		if (names_subprog(&req->insns[pc]))
			err = mark_start(v, is_start, pc);
	err = err ?: list_starts(v, f, is_start);
	free(is_start);
	return err;
}

static u32 named_subprog(const struct facts *f, const struct vrf_request *req, u32 pc)
{
	return facts_subprog_of(f, pc + 1 + req->insns[pc].imm);
}

static int check_jumps(struct vrf *v, const struct subprog *s)
{
	const struct bpf_insn *insns = v->req->insns;

	for (u32 pc = s->start; pc < s->end; pc++) {
		s64 target;

		if (!insn_is_jump(&insns[pc]))
			continue;
		v->pc = pc;
		target = insn_jump_target(&insns[pc], pc);
		if (target < s->start || target >= s->end)
			return vlog_reject(v, -EINVAL, WHY_CFG, "jump out of range from insn %u to %lld",
					   pc, (long long)target);
		if (insn_is_second_half(v->req, target))
			return vlog_reject(v, -EINVAL, WHY_CFG,
					   "jump into the middle of ldimm64 insn %u", (u32)target - 1);
	}
	return 0;
}

static int check_end(struct vrf *v, const struct subprog *s)
{
	const struct bpf_insn *last = &v->req->insns[s->end - 1];

	v->pc = s->end - 1;
	if (last->code == (BPF_JMP | BPF_EXIT) || (insn_is_jump(last) && !insn_is_cond_jump(last)))
		return 0;
	return vlog_reject(v, -EINVAL, WHY_CFG, "last insn is not an exit or jmp");
}

/* --- the call graph --------------------------------------------------------------------------- */

struct call_graph {
	u64 calls[FACTS_MAX_SUBPROGS][FACTS_MAX_SUBPROGS / 64];
	u32 nr;
};

static void add_call(struct call_graph *g, u32 caller, u32 callee)
{
	g->calls[caller][callee / 64] |= 1ull << callee % 64;
}

static bool has_call(const struct call_graph *g, u32 caller, u32 callee)
{
	return g->calls[caller][callee / 64] >> callee % 64 & 1;
}

/* Callees before callers; fewer than g->nr when some call each other in a circle. */
static u32 order_bottom_up(const struct call_graph *g, u16 order[FACTS_MAX_SUBPROGS])
{
	u16 waiting_for[FACTS_MAX_SUBPROGS] = { 0 };
	u32 nr = 0;

	for (u32 i = 0; i < g->nr; i++) {
		for (u32 w = 0; w < ARRAY_SIZE(g->calls[i]); w++)
			waiting_for[i] += __builtin_popcountll(g->calls[i][w]);
		if (!waiting_for[i])
			order[nr++] = i;
	}
	for (u32 done = 0; done < nr; done++)
		for (u32 i = 0; i < g->nr; i++)
			if (has_call(g, i, order[done]) && !--waiting_for[i])
				order[nr++] = i;
	return nr;
}

static int reject_recursion(struct vrf *v)
{
	return vlog_reject(v, -E2BIG, WHY_COMPLEXITY,
			   "the call stack of %u frames is too deep\nfunctions call each other in a circle",
			   STATE_FRAMES + 1);
}

static int check_recursion(struct vrf *v, const struct facts *f)
{
	struct call_graph g = { .nr = f->nr_subprogs };
	u16 order[FACTS_MAX_SUBPROGS];

	for (u32 pc = 0; pc < v->req->nr_insns; pc++)
		if (insn_is_subprog_call(&v->req->insns[pc]))
			add_call(&g, facts_subprog_of(f, pc), named_subprog(f, v->req, pc));
	v->pc = 0;
	return order_bottom_up(&g, order) < g.nr ? reject_recursion(v) : 0;
}

/**
 * facts_subprog_of - which subprogram an instruction belongs to
 *
 * Context: any.
 */
u32 facts_subprog_of(const struct facts *f, u32 pc)
{
	u32 low = 0, high = f->nr_subprogs;

	while (high - low > 1) {
		u32 mid = (low + high) / 2;

		if (f->subprogs[mid].start <= pc)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/**
 * facts_find_subprogs - boundaries, names, and no recursion
 * @f: gives ->subprogs
 *
 * Context: thread.
 * Return:  0, -EINVAL, -E2BIG (too many, or recursive) or -ENOMEM.
 */
int facts_find_subprogs(struct vrf *v, struct facts *f)
{
	const struct vrf_request *req = v->req;
	int err;

	if (!req->nr_insns)
		return vlog_reject(v, -EINVAL, WHY_CFG, "a program has at least one instruction");
	err = find_starts(v, f);
	if (err)
		return err;
	for (u32 pc = 0; pc < req->nr_insns; pc++)
		if (is_func_address(&req->insns[pc]))
			f->subprogs[named_subprog(f, req, pc)].is_callback = true;
	for (u32 i = 0; !err && i < f->nr_subprogs; i++) {
		err = check_jumps(v, &f->subprogs[i]);
		err = err ?: check_end(v, &f->subprogs[i]);
	}
	v->pc = err ? v->pc : 0;
	err = err ?: check_recursion(v, f);
	err = err ?: facts_check_func_info(v, f);
	return err ?: facts_check_line_info(v, f);
}

/* --- stack depth ------------------------------------------------------------------------------ */

/*
 * Whose address is taken counts as called there, unless all that calls it back does so
 * later, on a stack of its own.
 */
static void graph_with_callbacks(const struct vrf *v, const struct facts *f,
				 struct call_graph *g)
{
	for (u32 pc = 0; pc < v->req->nr_insns; pc++) {
		const struct callsite *site = &f->sites[pc];
		const struct vrf_subprog *sub = &v->res->subprogs[site->subprog];

		if (site->kind == SITE_SUBPROG ||
		    (site->kind == SITE_FUNC && (sub->called_back || !sub->called_later)))
			add_call(g, facts_subprog_of(f, pc), site->subprog);
	}
}

struct chain {
	u32 bytes, frames;
};

static struct chain deepest_callee(const struct call_graph *g, const struct chain *chains, u32 i)
{
	struct chain most = { 0 };

	for (u32 k = 0; k < g->nr; k++) {
		if (!has_call(g, i, k))
			continue;
		most.bytes = max(most.bytes, chains[k].bytes);
		most.frames = max(most.frames, chains[k].frames);
	}
	return most;
}

/**
 * facts_check_stack_depth - the frames of every chain of calls fit
 * @ret_deepest: bytes of the deepest chain; written on success only
 *
 * Context: thread, after the search: res->subprogs[i].stack_bytes is there.
 * Return:  0, -EACCES (too many bytes) or -E2BIG (too many frames).
 */
int facts_check_stack_depth(struct vrf *v, const struct facts *f, u32 *ret_deepest)
{
	struct chain chains[FACTS_MAX_SUBPROGS] = { 0 };
	struct call_graph g = { .nr = f->nr_subprogs };
	u16 order[FACTS_MAX_SUBPROGS];
	u32 deepest = 0;

	graph_with_callbacks(v, f, &g);
	if (order_bottom_up(&g, order) < g.nr)
		return reject_recursion(v);
	for (u32 k = 0; k < g.nr; k++) {
		u32 i = order[k], own = v->res->subprogs[i].stack_bytes;
		struct chain *c = &chains[i];

		*c = deepest_callee(&g, chains, i);
		c->frames++;
		c->bytes += (own + FRAME_ALIGN - 1) / FRAME_ALIGN * FRAME_ALIGN;
		v->pc = f->subprogs[i].start;
		if (c->frames > STATE_FRAMES)
			return vlog_reject(v, -E2BIG, WHY_COMPLEXITY,
					   "the call stack of %u frames is too deep !", c->frames);
		if (c->bytes > STACK_MAX_BYTES)
			return vlog_reject(v, -EACCES, WHY_COMPLEXITY,
					   "combined stack size of %u calls is %u. Too large", c->frames,
					   c->bytes);
		deepest = max(deepest, c->bytes);
	}
	*ret_deepest = deepest;
	return 0;
}
