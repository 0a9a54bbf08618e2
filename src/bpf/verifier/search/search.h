/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/search/search.h - walk every path, and stop where one is proved
 */
#ifndef ROVE_BPF_VERIFIER_SEARCH_SEARCH_H
#define ROVE_BPF_VERIFIER_SEARCH_SEARCH_H

#include "bpf/verifier/exec/exec.h"

#define SEARCH_MAX_INSNS 1000000	/* instructions processed on all paths together */
#define SEARCH_MAX_PENDING 8192		/* paths that wait */

/**
 * search_all - prove main, every global function it can call and every async callback
 * @v:  facts are const, ->notes and ->res->subprogs are there; ->search is NULL
 *
 * Context: thread.
 * Return:  0, the rejection, or -ENOMEM.  The statistics are filled in every case.
 */
int search_all(struct vrf *v);

/*
 * For tests of soundness.  Belongs to the thread that checks.
 *
 * ->no_pruning walks every path to its end: what is accepted with pruning must
 * be accepted so too.  ->visit sees each state just before the instruction at
 * @pc is executed on it.
 */
struct search_debug {
	bool no_pruning;
	void (*visit)(void *arg, const struct vstate *st, u32 pc);
	void *arg;
};
extern __thread const struct search_debug *search_debug;

#endif
