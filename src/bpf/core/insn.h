/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/core/insn.h - the parts of one instruction by name
 *
 * The encoding is <linux/bpf.h>'s struct bpf_insn.  Here is only what that
 * header leaves to every reader: which class, which width, which operand form,
 * and the constants that Debian stable's copy of the header is too old to have.
 */
#ifndef ROVE_BPF_CORE_INSN_H
#define ROVE_BPF_CORE_INSN_H

#include <linux/bpf.h>

#include "base/types.h"

#ifndef BPF_MEMSX
#define BPF_MEMSX 0x80 /* load with sign extension */
#endif

#define INSN_JCOND 0xe0 /* may_goto */
#define INSN_LOAD_ACQ 0x100 /* atomic: load with acquire */
#define INSN_STORE_REL 0x110 /* atomic: store with release */

#define INSN_MAX_REGS 11 /* r0 to r9 and the frame pointer r10 */
#define INSN_STACK_BYTES 512 /* per frame */

static inline u8 insn_class(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code);
}

static inline u8 insn_op(const struct bpf_insn *insn)
{
	return BPF_OP(insn->code);
}

static inline u8 insn_mode(const struct bpf_insn *insn)
{
	return BPF_MODE(insn->code);
}

/* The second operand is a register, not the immediate. */
static inline bool insn_is_reg_form(const struct bpf_insn *insn)
{
	return BPF_SRC(insn->code) == BPF_X;
}

static inline bool insn_is_ld_imm64(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

/* Bytes moved by a load, store or atomic. */
static inline u32 insn_access_bytes(const struct bpf_insn *insn)
{
	switch (BPF_SIZE(insn->code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default:
		return 8;
	}
}

static inline bool insn_is_helper_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == 0;
}

static inline bool insn_is_subprog_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL;
}

static inline bool insn_is_kfunc_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_KFUNC_CALL;
}

#endif
