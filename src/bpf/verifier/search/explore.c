/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/search/explore.c - the loop: one path after the other until none waits
 *
 * exec_step() says what one instruction does; here is decided which state it
 * is executed on next.  Newest first, so a path is followed to its end before
 * its siblings, and what is kept of finished ones can be given back early.
 *
 * Not here: when a path may end before an exit (prune.c), what an instruction
 *           requires (exec/).
 */
#include <errno.h>

#include "base/context.h"
#include "bpf/verifier/report/print.h"
#include "bpf/verifier/search/internal.h"

#define LOG_PATH (1 | 2) /* the levels at which paths are told */

__thread const struct search_debug *search_debug
	__attribute__((tls_model("initial-exec")));

static bool pruning(void)
{
	return !search_debug || !search_debug->no_pruning;
}

/* --- one step --------------------------------------------------------------------------------- */

static int count_insn(struct vrf *v, u32 pc)
{
	u8 class = insn_class(&v->req->insns[pc]);
	struct search *s = v->search;

	if (++s->insns > SEARCH_MAX_INSNS)
		return vlog_reject(v, -E2BIG, WHY_COMPLEXITY,
				   "BPF program is too large. Processed %u insn", s->insns);
	s->jumps += class == BPF_JMP || class == BPF_JMP32;
	return 0;
}

/* 1: the path is proved; 0: execute what is at path->pc. */
static int arrive(struct vrf *v, struct path *path)
{
	bool keep;
	int err;

	if (!pruning())
		return 0;
	if (!path->parent || cfg_is_prune_point(v->facts, path->pc)) {
		err = prune_seen(v, path, &keep);
		if (err)
			return err;
		if (keep) {
			err = prune_remember(v, path);
			if (err)
				return err;
		}
	}
	return hop_record(v, path);
}

/* Takes over step->fork. */
static int push_fork(struct vrf *v, const struct path *path, struct step *step)
{
	struct search *s = v->search;
	struct path waiting = {
		.st = step->fork,
		.parent = path->parent,
		.pc = step->fork_pc,
		.from_pc = path->pc,
		.log_mark = vlog_mark(v),
	};
	int err;

	step->fork = NULL;
	if (s->nr_pending >= SEARCH_MAX_PENDING)
		err = vlog_reject(v, -E2BIG, WHY_COMPLEXITY,
				  "The sequence of %u jumps is too complex.", s->nr_pending);
	else
		err = search_grow((void **)&s->pending, s->nr_pending, &s->cap_pending,
				  sizeof(*s->pending));
	if (!err)
		err = hops_copy(&waiting.hops, &path->hops);
	if (err) {
		vstate_free(waiting.st);
		return err;
	}
	s->pending[s->nr_pending++] = waiting;
	if (path->parent)
		path->parent->branches++;
	return 0;
}

/* What was queued before, walked or not, stays: so each is walked once. */
static bool is_queued(struct search *s, const struct step *step)
{
	for (u32 i = 0; i < s->nr_later; i++) {
		if (s->later[i].pc == step->later_pc &&
		    vstate_covers(s->later[i].st, step->later, &s->ids, COVER_EXACT))
			return true;
	}
	return false;
}

/* Takes over step->later. */
static int queue_later(struct vrf *v, struct step *step)
{
	struct search *s = v->search;
	int err;

	if (is_queued(s, step)) {
		vstate_free(step->later);
		step->later = NULL;
		return 0;
	}
	err = search_grow((void **)&s->later, s->nr_later, &s->cap_later, sizeof(*s->later));
	if (err) {
		vstate_free(step->later);
		step->later = NULL;
		return err;
	}
	s->later[s->nr_later++] = (struct path){
		.st = step->later,
		.pc = step->later_pc,
		.from_pc = step->later_pc,
		.log_mark = vlog_mark(v),
	};
	step->later = NULL;
	return 0;
}

/* 1: the path ended; 0: go on. */
static int follow(struct vrf *v, struct path *path, struct step *step)
{
	int err = 0;

	if (pruning() && step->precise.any)
		precise_mark(v, path, &step->precise);
	/* The fork is the path on which next() gave an element, so it stays in the loop. */
	if (pruning() && step->converge && step->fork)
		prune_widen(v, path, step->fork);
	if (step->later)
		err = queue_later(v, step);
	if (!err && step->kind == STEP_FORK)
		err = push_fork(v, path, step);
	vstate_free(step->fork);
	if (err)
		return err;
	path->from_pc = path->pc;
	path->pc = step->next;
	return step->kind == STEP_EXIT;
}

#ifdef ROVE_DEBUG
static void check_sane(const struct vstate *st)
{
	struct value_at at;
	struct value *val;

	vstate_each_value(st, val, at)
		check(val->kind == V_NONE || scalar_is_sane(&val->num));
}
#else
static void check_sane(const struct vstate *st)
{
}
#endif

/* Did control fall through to path->pc?  Else the log begins anew with the whole state. */
static bool came_from_before(const struct vrf *v, const struct path *path)
{
	u32 from = path->from_pc;

	return path->pc == from + 1 + insn_is_ld_imm64(&v->req->insns[from]) && path->pc != from;
}

/* 1: the path ended; 0: go on. */
static int one_insn(struct vrf *v, struct path *path)
{
	u32 depth = path->st->depth;
	struct print_line line;
	struct step step = { 0 };
	int err;

	v->pc = path->pc;
	err = count_insn(v, path->pc);
	if (err)
		return err;
	err = arrive(v, path);
	if (err)
		return err;
	if (search_debug && search_debug->visit)
		search_debug->visit(search_debug->arg, path->st, path->pc);
	print_before(v, path->st, path->pc, !came_from_before(v, path), &line);
	err = exec_step(v, path->st, path->pc, &step);
	if (err)
		return err;
	/* What a call or a return touched is told by the state that follows. */
	if (path->st->depth == depth)
		print_after(v, path->st, path->pc, &line);
	check_sane(path->st);
	return follow(v, path, &step);
}

/* --- all paths from one beginning ------------------------------------------------------------- */

/* Takes over @path. */
static int walk_path(struct vrf *v, struct path *path)
{
	int err;

	do {
		err = one_insn(v, path);
	} while (!err);
	if (err == 1) {
		path_end(v, path);
		err = 0;
	}
	path_free(path);
	return err;
}

static int walk_from(struct vrf *v, struct path *path)
{
	struct search *s = v->search;
	int err = walk_path(v, path);

	while (!err && s->nr_pending) {
		struct path next = s->pending[--s->nr_pending];

		vlog_reset(v, next.log_mark);
		err = walk_path(v, &next);
	}
	return err;
}

/*
 * Main, a global function: all paths that begin in it, then every async
 * callback it sets.  Callbacks start from nothing, so they wait until all else
 * is settled; one that sets itself again is queued already.
 */
static int walk_subprog(struct vrf *v, u32 subprog)
{
	struct search *s = v->search;
	struct path path = { .pc = v->facts->subprogs[subprog].start };
	int err;

	v->pc = path.pc;
	path.from_pc = path.pc;
	path.log_mark = vlog_mark(v);
	err = exec_entry_state(v, subprog, &path.st);
	if (!err)
		err = walk_from(v, &path);
	while (!err && s->next_later < s->nr_later) {
		path = s->later[s->next_later++];
		vlog_reset(v, path.log_mark);
		err = vstate_copy(path.st, &path.st) ?: walk_from(v, &path);
	}
	search_forget(v);
	return err;
}

/* --- the program ------------------------------------------------------------------------------ */

static bool is_called(const struct vrf *v, u32 subprog)
{
	for (u32 pc = 0; pc < v->req->nr_insns; pc++) {
		if (v->notes[pc].kind == NOTE_CALL && v->notes[pc].index == subprog)
			return true;
	}
	return false;
}

static int walk_global(struct vrf *v, u32 subprog)
{
	const char *name = v->facts->subprogs[subprog].name;
	int err;

	vlog_print(v, LOG_PATH, "Validating %s() func#%u...\n", name, subprog);
	err = walk_subprog(v, subprog);
	if (!err)
		vlog_print(v, LOG_PATH,
			   "Func#%u ('%s') is safe for any args that match its prototype\n",
			   subprog, name);
	return err;
}

/* A global function that only an unproved one calls becomes callable when that is proved. */
static int walk_globals(struct vrf *v)
{
	bool done[FACTS_MAX_SUBPROGS] = { true };
	bool again = true;

	while (again) {
		again = false;
		for (u32 i = 1; i < v->facts->nr_subprogs; i++) {
			int err;

			if (done[i] || !v->facts->subprogs[i].global || !is_called(v, i))
				continue;
			done[i] = true;
			again = true;
			err = walk_global(v, i);
			if (err)
				return err;
		}
	}
	return 0;
}

int search_all(struct vrf *v)
{
	int err = search_create(v);

	ctx_thread();
	if (err)
		return err;
	err = walk_subprog(v, 0);
	if (!err)
		err = walk_globals(v);
	v->res->stats.insns_processed = v->search->insns;
	search_free(v);
	return err;
}
