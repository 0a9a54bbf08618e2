/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/differ/shrink.h - the smallest program that shows the same
 *
 * Instructions become "goto +0" as long as the finding stays, and are then
 * taken out.
 */
#ifndef ROVE_TESTS_TOOL_DIFFER_SHRINK_H
#define ROVE_TESTS_TOOL_DIFFER_SHRINK_H

#include <time.h>

#include "tests/tool/differ/text.h"

#ifndef SHRINK_SECONDS
#define SHRINK_SECONDS 5
#endif

struct shrink {
	struct corpus_case *c;
	bool any_call;		/* calls of kfuncs go, too: there are no iterators */
	bool (*still)(struct shrink *s);
	time_t end;		/* what is then left is small enough */
};

static inline bool shrink_is_nop(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_JA) && !insn->off;
}

/* What bounds an iterator stands directly before the call. */
static inline bool shrink_may_drop(const struct shrink *s, u32 pc)
{
	const struct corpus_case *c = s->c;

	if (s->any_call)
		return !shrink_is_nop(&c->insns[pc]);
	for (u32 i = pc + 1; i < min(pc + 5, c->nr_insns); i++) {
		if (insn_is_kfunc_call(&c->insns[i]))
			return false;
	}
	return !shrink_is_nop(&c->insns[pc]) && !insn_is_kfunc_call(&c->insns[pc]);
}

static inline bool shrink_pass(struct shrink *s)
{
	const struct bpf_insn nop = { .code = BPF_JMP | BPF_JA };
	bool smaller = false;

	for (u32 pc = s->c->nr_insns; pc-- && time(NULL) < s->end;) {
		struct bpf_insn insn = s->c->insns[pc], second = s->c->insns[pc + 1];

		if (!insn.code || !shrink_may_drop(s, pc))
			continue;
		s->c->insns[pc] = nop;
		if (insn_is_ld_imm64(&insn))
			s->c->insns[pc + 1] = nop;
		if (s->still(s)) {
			smaller = true;
			continue;
		}
		s->c->insns[pc] = insn;
		s->c->insns[pc + 1] = second;
	}
	return smaller;
}

/* Take out one "goto +0"; every jump over it becomes shorter. */
static inline void shrink_take_out(struct corpus_case *c, u32 gone)
{
	for (u32 pc = 0; pc < c->nr_insns; pc++) {
		struct bpf_insn *insn = &c->insns[pc];
		u32 target = text_target(c, pc);
		s32 less = 0;

		if (text_has_target(insn) && pc != gone)
			less = (pc < gone && target > gone) ? -1 : (pc > gone && target <= gone);
		if (text_is_jump(insn))
			insn->off += less;
		else if (text_has_target(insn))
			insn->imm += less;
		pc += insn_is_ld_imm64(insn);
	}
	memmove(&c->insns[gone], &c->insns[gone + 1],
		(--c->nr_insns - gone) * sizeof(c->insns[0]));
	for (u32 i = 0; i < c->nr_kfuncs; i++)
		c->kfuncs[i].pc -= c->kfuncs[i].pc > gone;
}

static inline void shrink_program(struct shrink *s)
{
	s->end = time(NULL) + SHRINK_SECONDS;
	for (u32 i = 0; i < 4 && shrink_pass(s); i++)
		;
	for (u32 pc = s->c->nr_insns; pc--;) {
		if (shrink_is_nop(&s->c->insns[pc]))
			shrink_take_out(s->c, pc);
	}
}

#endif
