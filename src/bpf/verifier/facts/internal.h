/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/facts/internal.h - what the files of facts/ share
 */
#ifndef ROVE_BPF_VERIFIER_FACTS_INTERNAL_H
#define ROVE_BPF_VERIFIER_FACTS_INTERNAL_H

#include "bpf/verifier/facts/facts.h"

/* Prototypes made from BTF; callsites point into them, so they do not move. */
struct facts_mem {
	struct kfunc_proto *kfuncs;
};

struct kfunc_proto {
	struct kfunc_proto *next;
	u32 id;
	struct func_proto proto;
};

/* Of one instruction, a bit each. */
enum {
	CFG_REACHED = 1 << 0,
	CFG_TARGET = 1 << 1,	/* some jump leads here */
	CFG_PRUNE = 1 << 2,
	CFG_CHECKPOINT = 1 << 3,
};

struct cfg {
	const struct vrf_request *req;
	u8 *flags;	/* one per instruction */
	u32 *scc;	/* one per instruction; 0: in no loop */
	u32 nr_sccs;
};

struct liveness {
	u16 *regs;	/* one per instruction */
	u64 *slots;	/* one per instruction */
};

/* debug_info.c: func_info and line_info agree with the program. */
int facts_check_func_info(struct vrf *v, struct facts *f);
int facts_check_line_info(struct vrf *v, const struct facts *f);

/* Where a jump, not a call, leads; only when insn_is_jump(). */
bool insn_is_jump(const struct bpf_insn *insn);		/* goto or conditional */
bool insn_is_cond_jump(const struct bpf_insn *insn);
s64 insn_jump_target(const struct bpf_insn *insn, u32 pc);

/* Is @pc the second half of an ld_imm64? */
bool insn_is_second_half(const struct vrf_request *req, u32 pc);

/* cfg.c: successors without looking at facts that are not there yet. */
u32 insn_successors(const struct vrf_request *req, u32 pc, u32 ret_succ[2]);

/* stack_use.c */
bool facts_stack_use(const struct vrf_request *req, const struct facts *f, const struct subprog *s,
		     const u16 *live_regs, u64 *reads, u64 *fills);

#endif
