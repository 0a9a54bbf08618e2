/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/report/print.h - a state, a value, an instruction as log text
 *
 * Spelled as current kernels spell them.  @level_bits as for vlog_print();
 * nothing is formatted when nobody asked.
 */
#ifndef ROVE_BPF_VERIFIER_REPORT_PRINT_H
#define ROVE_BPF_VERIFIER_REPORT_PRINT_H

#include "base/strbuf.h"
#include "bpf/verifier/domain/domain.h"
#include "bpf/verifier/report/log.h"

/* "scalar(umin=6)", "fp-8", "trusted_ptr_task_struct()"; @frame is the running one's index. */
void print_value(const struct vrf *v, const struct value *val, u32 frame, struct strbuf *out);

/* "; source" when @pc begins a line of source. */
void print_source(struct vrf *v, u32 level_bits, u32 pc);

/* "3: (b7) r0 = 0", no newline.  Return: columns written. */
u32 print_insn(struct vrf *v, u32 level_bits, u32 pc);

/* "3: R1=ctx() R10=fp0" and a newline: the state before @pc. */
void print_state(struct vrf *v, u32 level_bits, const struct vstate *st, u32 pc);

/*
 * After print_insn(), which wrote @columns: pads, adds "; R0=0" with what the
 * instruction at @pc read and wrote, and the newline.  @st is the state after it.
 */
void print_touched(struct vrf *v, u32 level_bits, const struct vstate *st, u32 pc, u32 columns);

/* The line of one executed instruction, in two steps: what touches what is known afterwards. */
struct print_line {
	u64 mark;
	u32 columns;
};

/* Source, instruction, newline; with @jumped the state too, because control came from elsewhere. */
void print_before(struct vrf *v, const struct vstate *st, u32 pc, bool jumped,
		  struct print_line *ret_line);

/* What it touched, on the same line, if nothing else was printed since. */
void print_after(struct vrf *v, const struct vstate *st, u32 pc, const struct print_line *line);

#endif
