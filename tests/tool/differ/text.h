/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/differ/text.h - a program as a corpus file's code
 */
#ifndef ROVE_TESTS_TOOL_DIFFER_TEXT_H
#define ROVE_TESTS_TOOL_DIFFER_TEXT_H

#include <stdio.h>

#include "bpf/core/disasm.h"
#include "tests/tool/corpus/case.h"

static inline bool text_is_jump(const struct bpf_insn *insn)
{
	u8 class = insn_class(insn);

	return (class == BPF_JMP || class == BPF_JMP32) && insn_op(insn) != BPF_CALL &&
	       insn_op(insn) != BPF_EXIT;
}

/* A load of the address of a function of the program. */
static inline bool text_is_function(const struct bpf_insn *insn)
{
	return insn_is_ld_imm64(insn) && insn->src_reg == BPF_PSEUDO_FUNC;
}

static inline u32 text_target(const struct corpus_case *c, u32 pc)
{
	const struct bpf_insn *insn = &c->insns[pc];

	return pc + 1 + (text_is_jump(insn) ? insn->off : insn->imm);
}

static inline bool text_has_target(const struct bpf_insn *insn)
{
	return text_is_jump(insn) || insn_is_subprog_call(insn) || text_is_function(insn);
}

static inline const char *text_kfunc(const struct corpus_case *c, u32 pc)
{
	for (u32 i = 0; i < c->nr_kfuncs; i++) {
		if (c->kfuncs[i].pc == pc)
			return c->kfuncs[i].name;
	}
	return "?";
}

static inline void text_insn(const struct corpus_case *c, u32 pc, char *buf, u32 size)
{
	const struct bpf_insn *insn = &c->insns[pc];
	char *at;

	if (text_is_function(insn)) {
		snprintf(buf, size, "r%u = func_L%u", insn->dst_reg, text_target(c, pc));
	} else if (insn_is_ld_imm64(insn) && insn->src_reg) {
		snprintf(buf, size, "r%u = %s[%d]%s ll", insn->dst_reg,
			 insn->src_reg == BPF_PSEUDO_MAP_FD ? "map" : "mapval", insn->imm,
			 insn->src_reg == BPF_PSEUDO_MAP_FD ? "" : " + 0");
	} else if (insn_is_ld_imm64(insn)) {
		snprintf(buf, size, "r%u = 0x%llx ll", insn->dst_reg,
			 (unsigned long long)((u64)insn[1].imm << 32 | (u32)insn->imm));
	} else if (insn_is_kfunc_call(insn)) {
		snprintf(buf, size, "call %s", text_kfunc(c, pc));
	} else if (insn_is_subprog_call(insn)) {
		snprintf(buf, size, "call L%u", text_target(c, pc));
	} else if (insn_is_helper_call(insn)) {
		snprintf(buf, size, "call %s", helper_name(insn->imm) + 4);
	} else {
		insn_disasm(insn, NULL, buf, size);
		at = strstr(buf, "goto pc");
		if (at && text_is_jump(insn))
			snprintf(at, size - (at - buf), "goto L%u", text_target(c, pc));
	}
}

static inline void text_program(const struct corpus_case *c, FILE *out)
{
	static bool is_target[CASE_MAX_INSNS + 1];
	char buf[128];

	memset(is_target, 0, sizeof(is_target));
	for (u32 pc = 0; pc < c->nr_insns; pc++) {
		if (text_has_target(&c->insns[pc]) && text_target(c, pc) <= c->nr_insns)
			is_target[text_target(c, pc)] = true;
	}
	for (u32 pc = 0; pc < c->nr_insns; pc++) {
		if (is_target[pc])
			fprintf(out, "# L%u:\n", pc);
		text_insn(c, pc, buf, sizeof(buf));
		fprintf(out, "#     %-46s # %u\n", buf, pc);
		pc += insn_is_ld_imm64(&c->insns[pc]);
	}
}

#endif
