/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/facts/facts.h - what is true of the text, before any path
 *
 * Each pass fills its own part and nobody writes afterwards.  Order and
 * contracts stand in verifier.c.
 */
#ifndef ROVE_BPF_VERIFIER_FACTS_FACTS_H
#define ROVE_BPF_VERIFIER_FACTS_FACTS_H

#include "bpf/core/insn.h"
#include "bpf/verifier/domain/domain.h"
#include "bpf/verifier/report/log.h"

#define FACTS_MAX_SUBPROGS 256

struct subprog {
	u32 start, end;		/* [start, end) */
	const char *name;	/* from prog_btf, "" when unknown */
	u32 type_id;		/* BTF_KIND_FUNC of prog_btf, 0 */
	bool global;		/* checked on its own, callers trust its signature */
	bool is_main;
	bool is_callback;	/* its address is taken */
	bool might_sleep;	/* it, or what it calls, calls something that needs to */
	u32 nr_args;		/* global: from BTF */
};

/* What an ld_imm64 or a call refers to, resolved once. */
enum callsite_kind {
	SITE_NONE,		/* a call: there is no such function here, see facts_reject_call() */
	SITE_NUMBER,		/* ld_imm64 of a plain number: ->imm64 */
	SITE_MAP,		/* ->map */
	SITE_MAP_VALUE,		/* ->map, ->off */
	SITE_FUNC,		/* address of ->subprog */
	SITE_SUBPROG,		/* call of ->subprog */
	SITE_HELPER,		/* ->proto, ->id */
	SITE_KFUNC,		/* ->proto, ->id (BTF id), ->kfunc */
};

struct callsite {
	u8 kind;		/* enum callsite_kind */
	u32 id;
	u32 off;
	u32 subprog;
	u32 map;		/* index into facts.maps */
	u64 imm64;
	const struct func_proto *proto;	/* owned by facts, or the platform's table */
};

struct facts {
	struct subprog subprogs[FACTS_MAX_SUBPROGS];
	u32 nr_subprogs;
	struct callsite *sites;	/* one per instruction */
	struct vrf_map *maps;
	struct vrf_map *inner_maps;	/* as many; of those that have one: a map's ->inner */
	u32 nr_maps;
	const struct ctx_desc *ctx;
	struct cfg *cfg;
	struct liveness *liveness;
	struct facts_mem *mem;	/* what the passes allocated (prototypes) */
};

int facts_create(struct facts **ret_facts);
void facts_free(struct facts *f);

/* insn_rule.c: every opcode and operand is legal. */
int facts_check_insns(struct vrf *v);
u32 insn_reads(const struct bpf_insn *insn);	/* registers, a bit each; calls: all arguments */
u32 insn_writes(const struct bpf_insn *insn);

/* subprog.c */
int facts_find_subprogs(struct vrf *v, struct facts *f);
u32 facts_subprog_of(const struct facts *f, u32 pc);
/* After the search: res->subprogs[i].stack_bytes is what each was seen to use. */
int facts_check_stack_depth(struct vrf *v, const struct facts *f, u32 *ret_deepest);

/* resolve.c */
int facts_resolve(struct vrf *v, struct facts *f);
int facts_reject_call(struct vrf *v);	/* the call at v->pc has SITE_NONE: the rejection */
int proto_from_btf(struct vrf *v, const struct btf *btf, u32 func_id, const struct vrf_kfunc *kfunc,
		   struct func_proto *ret_proto);

/*
 * cfg.c.  Successors, components and checkpoints by themselves are what the walk found: tests
 * ask for them, the search for prune points.
 */
int facts_build_cfg(struct vrf *v, struct facts *f);
u32 cfg_successors(const struct facts *f, u32 pc, u32 ret_succ[2]);	/* how many: 0, 1, 2 */
bool cfg_is_prune_point(const struct facts *f, u32 pc);	 /* a state may be kept and compared here */
bool cfg_is_checkpoint(const struct facts *f, u32 pc);	 /* a state must be kept here (iterator next, loops) */
bool cfg_is_round(const struct facts *f, u32 pc);	 /* paths return here until nothing changes */
bool cfg_is_jump_target(const struct facts *f, u32 pc);
u32 cfg_scc(const struct facts *f, u32 pc);		 /* 0: in no loop */

/* liveness.c: may it still be read after reaching @pc?  A set bit means yes. */
int facts_compute_liveness(struct vrf *v, struct facts *f);
u32 live_regs(const struct facts *f, u32 pc);
u64 live_slots(const struct facts *f, u32 pc);	/* bit i: stack slot i (bytes -8(i+1) .. -8i) of this frame */

#endif
