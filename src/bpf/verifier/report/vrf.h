/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/report/vrf.h - one check of one program, as every folder sees it
 *
 * The members of higher folders are pointers to structs that a lower folder
 * cannot see into.  No member is added without removing the reason for another.
 */
#ifndef ROVE_BPF_VERIFIER_REPORT_VRF_H
#define ROVE_BPF_VERIFIER_REPORT_VRF_H

#include "bpf/verifier/verifier.h"

struct vlog;
struct facts;
struct search;

struct vrf {
	const struct vrf_request *req;
	struct vlog *log;
	const struct facts *facts;	/* const once the passes have run */
	struct insn_note *notes;	/* written through note_set() only */
	struct search *search;
	struct vrf_result *res;
	u32 pc;				/* the instruction being looked at, for messages */
};

#endif
