/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/note.c - what leaves the verifier about one instruction
 *
 * An instruction is translated once, for all paths.  So all paths must agree
 * about what it is, where that matters to whoever executes it.
 */
#include <errno.h>

#include "bpf/verifier/exec/parts.h"

static bool note_same(const struct insn_note *a, const struct insn_note *b)
{
	return a->kind == b->kind && a->index == b->index && a->off == b->off;
}

/**
 * note_set - the one writer of notes
 *
 * Context: thread.
 * Return:  0, or -EINVAL: another path said something else.
 */
int note_set(struct vrf *v, u32 pc, const struct insn_note *note)
{
	struct insn_note *have = &v->notes[pc];

	ctx_thread();
	if (have->kind == NOTE_DEAD) {
		*have = *note;
		return 0;
	}
	if (!note_same(have, note))
		return vlog_reject(v, -EINVAL, WHY_TYPE,
				   "same insn cannot be used with different pointers");
	return 0;
}

/**
 * note_here - note_set() for the instruction at v->pc
 *
 * Context: thread.
 * Return:  as note_set().
 */
int note_here(struct vrf *v, enum note_kind kind, u32 index, u32 off)
{
	struct insn_note note = { .kind = kind, .index = index, .off = off };

	return note_set(v, v->pc, &note);
}
