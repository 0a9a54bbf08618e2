/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/corpus/fill.h - what a program refers to by name gets its number
 */
#ifndef ROVE_TESTS_TOOL_CORPUS_FILL_H
#define ROVE_TESTS_TOOL_CORPUS_FILL_H

#include "bpf/btf/btf.h"
#include "tests/tool/corpus/case.h"

/* Maps' numbers become descriptors. */
static inline void case_fill_maps(const struct corpus_case *c, struct bpf_insn *insns,
				  const int *fds)
{
	for (u32 i = 0; i < c->nr_insns; i++) {
		if (!insn_is_ld_imm64(&insns[i]))
			continue;
		if ((insns[i].src_reg == BPF_PSEUDO_MAP_FD ||
		     insns[i].src_reg == BPF_PSEUDO_MAP_VALUE) &&
		    (u32)insns[i].imm < c->nr_maps)
			insns[i].imm = fds[insns[i].imm];
		i++;
	}
}

/* Since 7.0 the name with _impl is in the kernel's BTF, but nothing is behind it. */
static inline u32 case_find_kfunc(const struct btf *btf, const char *name)
{
	u32 id = 0;

	if (!strcmp(name, "bpf_wq_set_callback_impl"))
		id = btf_find(btf, "bpf_wq_set_callback", BTF_KIND_FUNC);
	return id ?: btf_find(btf, name, BTF_KIND_FUNC);
}

static inline void case_fill_kfuncs(const struct corpus_case *c, struct bpf_insn *insns,
				    const struct btf *btf)
{
	for (u32 i = 0; i < c->nr_kfuncs; i++)
		insns[c->kfuncs[i].pc].imm = case_find_kfunc(btf, c->kfuncs[i].name);
}

/* "r2 = type_NAME": the number of a struct; 0 when @btf has none. */
static inline void case_fill_types(const struct corpus_case *c, struct bpf_insn *insns,
				   const struct btf *btf)
{
	for (u32 i = 0; i < c->nr_types; i++)
		insns[c->types[i].pc].imm = btf_find(btf, c->types[i].name, BTF_KIND_STRUCT);
}

#endif
