/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/facts/cfg.c - where control can go, and where it can go around
 *
 * Successors follow from the instruction alone, so they are not stored.  One
 * walk over each subprogram finds what is reached and, by Tarjan's algorithm,
 * the strongly connected components: the loops.  The walk keeps its own stack,
 * so a program of a million instructions needs no more of ours.
 *
 * Points where a state may be kept: jump targets, the instructions behind
 * conditional jumps, calls of subprograms and what follows them.  Points where
 * one must be kept: the targets of jumps that go around a loop, calls of an
 * iterator's next, and calls that call back.
 */
#include <errno.h>
#include <stdlib.h>

#include "bpf/verifier/facts/internal.h"

/* --- successors ------------------------------------------------------------------------------- */

/**
 * insn_successors - where control goes from @pc, inside its subprogram
 * @ret_succ: the next instruction first, then the jump target
 *
 * A call of a subprogram goes on behind the call.
 *
 * Context: any.
 * Return:  how many: 0 (exit), 1 or 2.
 */
u32 insn_successors(const struct vrf_request *req, u32 pc, u32 ret_succ[2])
{
	const struct bpf_insn *insn = &req->insns[pc];
	u32 nr = 0;

	if (insn->code == (BPF_JMP | BPF_EXIT))
		return 0;
	if (!insn_is_jump(insn) || insn_is_cond_jump(insn))
		ret_succ[nr++] = pc + 1 + insn_is_ld_imm64(insn);
	if (insn_is_jump(insn))
		ret_succ[nr++] = insn_jump_target(insn, pc);
	return nr;
}

/* --- one walk: reachability and loops --------------------------------------------------------- */

struct visit {
	u32 pc;
	u32 next_succ;
};

struct tarjan {
	const struct vrf_request *req;
	struct cfg *cfg;
	u32 *index;		/* order of discovery, 0: not yet */
	u32 *low;		/* the earliest that can be reached and is still open */
	u32 *open;		/* discovered, component not closed */
	bool *is_open;
	struct visit *path;	/* from the entry to here */
	u32 nr_open, depth, next_index;
};

static void discover(struct tarjan *t, u32 pc)
{
	t->index[pc] = t->low[pc] = ++t->next_index;
	t->open[t->nr_open++] = pc;
	t->is_open[pc] = true;
	t->path[t->depth++] = (struct visit){ .pc = pc };
	t->cfg->flags[pc] |= CFG_REACHED;
}

static bool jumps_to_itself(const struct tarjan *t, u32 pc)
{
	u32 succ[2], nr = insn_successors(t->req, pc, succ);

	for (u32 i = 0; i < nr; i++)
		if (succ[i] == pc)
			return true;
	return false;
}

/* @pc is the first of its component: everything opened since belongs to it. */
static void close_component(struct tarjan *t, u32 pc)
{
	bool is_loop = t->open[t->nr_open - 1] != pc || jumps_to_itself(t, pc);
	u32 scc = is_loop ? ++t->cfg->nr_sccs : 0, member;

	do {
		member = t->open[--t->nr_open];
		t->is_open[member] = false;
		t->cfg->scc[member] = scc;
	} while (member != pc);
}

static void follow(struct tarjan *t, u32 from, u32 to)
{
	if (!t->index[to])
		discover(t, to);
	else if (t->is_open[to])
		t->low[from] = min(t->low[from], t->index[to]);
}

static void leave(struct tarjan *t)
{
	u32 pc = t->path[--t->depth].pc;

	if (t->low[pc] == t->index[pc])
		close_component(t, pc);
	if (t->depth) {
		u32 parent = t->path[t->depth - 1].pc;

		t->low[parent] = min(t->low[parent], t->low[pc]);
	}
}

static void walk_from(struct tarjan *t, u32 entry)
{
	u32 succ[2], nr;

	discover(t, entry);
	while (t->depth) {
		struct visit *top = &t->path[t->depth - 1];

		nr = insn_successors(t->req, top->pc, succ);
		if (top->next_succ < nr)
			follow(t, top->pc, succ[top->next_succ++]);
		else
			leave(t);
	}
}

static void tarjan_fini(struct tarjan *t)
{
	free(t->index);
	free(t->low);
	free(t->open);
	free(t->is_open);
	free(t->path);
}

static int tarjan_init(struct tarjan *t, u32 nr)
{
	t->index = calloc(nr, sizeof(*t->index));
	t->low = calloc(nr, sizeof(*t->low));
	t->open = calloc(nr, sizeof(*t->open));
	t->is_open = calloc(nr, sizeof(*t->is_open));
	t->path = calloc(nr, sizeof(*t->path));
	return t->index && t->low && t->open && t->is_open && t->path ? 0 : -ENOMEM;
}

static int find_loops(struct vrf *v, struct facts *f)
{
	struct tarjan t = { .req = v->req, .cfg = f->cfg };
	int err = tarjan_init(&t, v->req->nr_insns);

	for (u32 i = 0; !err && i < f->nr_subprogs; i++)
		walk_from(&t, f->subprogs[i].start);
	tarjan_fini(&t);
	return err;
}

/* --- what the walk found ---------------------------------------------------------------------- */

static int check_reached(struct vrf *v, const struct facts *f)
{
	for (u32 pc = 0; pc < v->req->nr_insns; pc++) {
		if (!(f->cfg->flags[pc] & CFG_REACHED)) {
			v->pc = pc;
			return vlog_reject(v, -EINVAL, WHY_CFG, "unreachable insn %u", pc);
		}
		pc += insn_is_ld_imm64(&v->req->insns[pc]);
	}
	return 0;
}

static void mark_jump(const struct vrf_request *req, struct cfg *cfg, u32 pc)
{
	const struct bpf_insn *insn = &req->insns[pc];
	u32 target = insn_jump_target(insn, pc);

	cfg->flags[target] |= CFG_TARGET | CFG_PRUNE;
	if (insn_is_cond_jump(insn))
		cfg->flags[pc + 1] |= CFG_PRUNE;
	/* Forward alone goes around nothing, so each circle has a jump like this. */
	if (target <= pc && cfg->scc[target] && cfg->scc[target] == cfg->scc[pc])
		cfg->flags[target] |= CFG_CHECKPOINT;
}

static void mark_call(const struct vrf_request *req, const struct facts *f, u32 pc)
{
	const struct callsite *site = &f->sites[pc];

	if (site->kind == SITE_SUBPROG) {
		f->cfg->flags[pc] |= CFG_PRUNE;
		f->cfg->flags[pc + 1] |= CFG_PRUNE;
	}
	if (cfg_is_round(f, pc))
		f->cfg->flags[pc] |= CFG_PRUNE | CFG_CHECKPOINT;
}

static void mark_points(struct vrf *v, struct facts *f)
{
	for (u32 pc = 0; pc < v->req->nr_insns; pc++) {
		const struct bpf_insn *insn = &v->req->insns[pc];

		if (insn_is_jump(insn))
			mark_jump(v->req, f->cfg, pc);
		else if (insn->code == (BPF_JMP | BPF_CALL))
			mark_call(v->req, f, pc);
		pc += insn_is_ld_imm64(insn);
	}
	for (u32 i = 0; i < f->nr_subprogs; i++)
		f->cfg->flags[f->subprogs[i].start] |= CFG_PRUNE;
}

/**
 * facts_build_cfg - reachability, loops, and where states are kept
 * @f: needs ->subprogs and ->sites; gives ->cfg
 *
 * Context: thread.
 * Return:  0, -EINVAL (an instruction that nothing reaches) or -ENOMEM.
 */
int facts_build_cfg(struct vrf *v, struct facts *f)
{
	u32 nr = v->req->nr_insns;
	int err;

	f->cfg = calloc(1, sizeof(*f->cfg));
	if (!f->cfg)
		return -ENOMEM;
	f->cfg->flags = calloc(nr, sizeof(*f->cfg->flags));
	f->cfg->scc = calloc(nr, sizeof(*f->cfg->scc));
	f->cfg->req = v->req;
	if (!f->cfg->flags || !f->cfg->scc)
		return -ENOMEM;
	err = find_loops(v, f);
	err = err ?: check_reached(v, f);
	if (err)
		return err;
	mark_points(v, f);
	return 0;
}

/* --- questions -------------------------------------------------------------------------------- */

/*
 * Context: any.
 */
u32 cfg_successors(const struct facts *f, u32 pc, u32 ret_succ[2])
{
	return insn_successors(f->cfg->req, pc, ret_succ);
}

bool cfg_is_prune_point(const struct facts *f, u32 pc)
{
	return f->cfg->flags[pc] & (CFG_PRUNE | CFG_CHECKPOINT);
}

bool cfg_is_checkpoint(const struct facts *f, u32 pc)
{
	return f->cfg->flags[pc] & CFG_CHECKPOINT;
}

bool cfg_is_round(const struct facts *f, u32 pc)
{
	const struct callsite *site = &f->sites[pc];

	if (site->kind != SITE_HELPER && site->kind != SITE_KFUNC)
		return false;
	return site->proto->flags & FUNC_ITER_NEXT || func_calls_back(site->proto);
}

bool cfg_is_jump_target(const struct facts *f, u32 pc)
{
	return f->cfg->flags[pc] & CFG_TARGET;
}

u32 cfg_scc(const struct facts *f, u32 pc)
{
	return f->cfg->scc[pc];
}
