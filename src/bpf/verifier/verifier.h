/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/verifier.h - the whole question and the whole answer
 */
#ifndef ROVE_BPF_VERIFIER_VERIFIER_H
#define ROVE_BPF_VERIFIER_VERIFIER_H

#include <linux/bpf.h>

#include "bpf/verifier/platform.h"

struct vrf_request {
	const struct bpf_insn *insns;	/* as user space sent them: pseudo loads hold descriptors */
	u32 nr_insns;
	const struct vrf_platform *platform;
	const struct btf *prog_btf;	/* the program's own types, or NULL */
	const struct bpf_func_info *func_info;	/* one per subprogram, or none */
	u32 nr_func_info;
	const struct bpf_line_info *line_info;
	u32 nr_line_info;
	u32 prog_type, attach_type;
	u32 prog_flags;			/* BPF_F_* of the load: BPF_F_SLEEPABLE, BPF_F_TEST_STATE_FREQ… */
	bool gpl_compatible;
	const int *fd_array;		/* for BPF_PSEUDO_MAP_IDX and kfuncs of other BTFs, or NULL */
	u32 nr_fd_array;
	u32 log_level;			/* BPF_LOG_LEVEL1 | LEVEL2 | STATS, 0: none; BPF_LOG_FIXED 8 */
	char *log_buf;
	u32 log_size;
};

/*
 * What the verifier learned about one instruction that whoever executes it
 * must know.  Two paths that disagree are a rejection (note_set()).
 */
enum note_kind {
	NOTE_DEAD = 0,		/* no path reaches it */
	NOTE_PLAIN,		/* execute as it stands */
	NOTE_CHECKED_LOAD,	/* load through a typed pointer: a fault gives zero */
	NOTE_MAP,		/* ld_imm64: ->index of vrf_result.maps */
	NOTE_MAP_VALUE,		/* ld_imm64: ->index, and ->off into the value */
	NOTE_FUNC,		/* ld_imm64: the address of subprogram ->index */
	NOTE_CALL,		/* subprogram ->index */
	NOTE_HELPER,		/* helper ->index */
	NOTE_KFUNC,		/* kfunc with BTF id ->index; ->off 1: given a map for its struct */
	NOTE_CTX,		/* load or store through the context */
};

struct insn_note {
	u8 kind;		/* enum note_kind */
	u32 index;
	u32 off;
};

struct vrf_subprog {
	u32 start, nr_insns;
	u32 stack_bytes;	/* of its own frame */
	bool called_back;	/* by a helper or kfunc before that returns */
	bool called_later;	/* by a timer or work, on a stack of its own */
};

struct vrf_stats {
	u32 insns_processed, max_states_per_insn, total_states, peak_states, longest_mark_read_walk;
	u64 verification_ns;
};

struct vrf_result {
	struct insn_note *notes;	/* one per instruction */
	const void **maps;		/* handles, in order of first use */
	u32 nr_maps;
	struct vrf_subprog *subprogs;
	u32 nr_subprogs;
	u32 stack_bytes;		/* deepest chain of frames */
	u32 max_ctx_bytes;		/* of the context: highest end that is accessed */
	u32 max_buf_rdonly_bytes, max_buf_bytes; /* the same of CTX_BUF_RDONLY and CTX_BUF memory */
	bool writes_buf;		/* CTX_BUF memory is not only read */
	struct vrf_stats stats;		/* also after a rejection */
	u32 log_true_size;		/* bytes the full log needs, NUL included */
	int reject_errno;		/* of the rejection; 0: there was none */
	u32 reject_pc;			/* the instruction to blame */
};

/**
 * vrf_check - prove that a program is safe, or say why it is not
 * @req:     borrowed for the call
 * @ret_res: always initialised; free with vrf_result_free() in every case
 *
 * Context: may sleep.
 * Return: 0; the rejection's error (-EINVAL, -EACCES, -E2BIG, -EFAULT, …);
 *         -ENOMEM; -ENOSPC when the log did not fit and the program is otherwise fine.
 */
int vrf_check(const struct vrf_request *req, struct vrf_result *ret_res);

void vrf_result_free(struct vrf_result *res);

#endif
