/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/core/disasm.h - instructions as text, spelled as the kernel's verifier spells them
 */
#ifndef ROVE_BPF_CORE_DISASM_H
#define ROVE_BPF_CORE_DISASM_H

#include "bpf/core/insn.h"

/* "bpf_map_lookup_elem", or "unknown" */
const char *helper_name(u32 id);

/**
 * insn_disasm - one instruction as text, without its number and opcode
 * @insn:   followed by its second half when it is an ld_imm64
 * @callee: name of the kfunc that is called, or NULL when not known or not one
 * @buf:    always terminated; cut when @size is too small (64 suffices, names of kfuncs aside)
 *
 * Context: any.
 */
void insn_disasm(const struct bpf_insn *insn, const char *callee, char *buf, u32 size);

#endif
