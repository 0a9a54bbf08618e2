/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/search/internal.h - what the files of search/ share
 *
 * A path is a state that is being executed.  At some points it leaves a copy
 * of its state behind, a checkpoint; the path then continues from there.  So
 * checkpoints form a tree, and each knows by which instructions (hops) it was
 * reached from its parent.
 *
 * Invariant: ->branches of a checkpoint counts the paths, running or waiting,
 *            and the checkpoints with such, that come from it.  At 0 it is
 *            finished.  It is settled when also its marks of precision are
 *            final: no loop that goes through it is still open.
 */
#ifndef ROVE_BPF_VERIFIER_SEARCH_INTERNAL_H
#define ROVE_BPF_VERIFIER_SEARCH_INTERNAL_H

#include "base/list.h"
#include "bpf/verifier/search/search.h"

enum hop_flag {
	HOP_STACK = 1 << 0,	    /* ->slots of ->slot_frame are read or written */
	HOP_WHOLE_SLOT = 1 << 1,    /* ... and exactly one slot, all of it */
	HOP_LINKED = 1 << 2,	    /* ->regs and ->slots of this frame are known to be equal */
	HOP_LINKED_FAR = 1 << 3,    /* ... and so is a value of another frame */
	HOP_CALLBACK_EXIT = 1 << 4, /* an exit that returns to a helper, not to the program */
};

/* One executed instruction, with what walking back must know of the state before it. */
struct hop {
	u32 pc;
	u8 flags;
	u8 frame : 4;
	u8 slot_frame : 4;
	u16 regs;
	u64 slots;
};

struct hops {
	struct hop *at; /* oldest first */
	u32 nr, cap;
};

struct visited {
	struct visited *next;	/* ->seen list of ->pc, newest first */
	struct visited *parent; /* NULL: the path began here */
	struct visited *next_open;
	struct list_head in_nodes;
	struct vstate *st;
	struct hops hops; /* from the parent to here; empty once settled */
	u32 pc;
	u32 branches;
	u32 hits, misses;
	u32 order; /* of creation, from 1 */
	u32 low;   /* oldest checkpoint that a loop from here leads back to */
	bool listed;
	bool settled;
	bool all_precise; /* every number is marked, here and in all parents */
};

struct path {
	struct vstate *st;
	struct visited *parent; /* the last checkpoint, NULL before the first */
	struct hops hops;	/* since then */
	u32 pc;			/* next to execute */
	u32 from_pc;		/* executed last; == pc at the beginning of a path */
	u64 log_mark;
};

/* A path that ended because a checkpoint whose marks are not final covers it. */
struct backedge {
	struct visited *from; /* last checkpoint of the path */
	struct hops hops;     /* since then */
	const struct visited *to;
};

struct search {
	struct visited **seen; /* a list for each instruction */
	struct path *pending;
	u32 nr_pending, cap_pending;
	struct path *later; /* async callbacks, first come first served; all are kept */
	u32 nr_later, cap_later, next_later;
	struct visited *open; /* finished, not settled; newest first */
	struct backedge *backedges;
	u32 nr_backedges, cap_backedges;
	struct list_head nodes; /* every checkpoint */

	u32 insns, jumps;
	u32 insns_at_keep, jumps_at_keep; /* when the last checkpoint was made */
	u32 next_order;
	u32 nr_states; /* checkpoints in memory */
	struct idmap ids;
};

/* --- memory.c --------------------------------------------------------------------------------- */

/* Room for one more element of @size bytes; 0 or -ENOMEM, then nothing has changed. */
int search_grow(void **array, u32 nr, u32 *cap, u32 size);
int hops_copy(struct hops *dst, const struct hops *src);
void hops_free(struct hops *hops);
void path_free(struct path *path);
int search_create(struct vrf *v);
void search_forget(struct vrf *v); /* every checkpoint and path; the counters stay */
void search_free(struct vrf *v);

/* --- hop.c ------------------------------------------------------------------------------------ */

/* An atomic that is a load: its operands lie as in BPF_LDX. */
static inline bool hop_is_load_acquire(const struct bpf_insn *insn)
{
	return insn_class(insn) == BPF_STX && insn_mode(insn) == BPF_ATOMIC && insn->imm == 0x100;
}

/* Remember that the instruction at path->pc is about to be executed.  0 or -ENOMEM. */
int hop_record(const struct vrf *v, struct path *path);

/* --- precise.c -------------------------------------------------------------------------------- */

/* What must be exact, by frame. */
struct wanted {
	u32 nr_frames; /* the ones above want nothing */
	u16 regs[STATE_FRAMES];
	u64 slots[STATE_FRAMES];
};

void precise_hop(const struct vrf *v, struct wanted *w, const struct hop *hop, u32 next_frame);
bool precise_walk(const struct vrf *v, struct wanted *w, const struct hops *hops, u32 nr_hops,
		  u32 next_frame, struct visited *parent);
void precise_mark(const struct vrf *v, const struct path *path, const struct precise_want *want);
bool precise_propagate(const struct vrf *v, const struct visited *old, const struct hops *hops,
		       struct visited *parent);
bool precise_mark_all(struct visited *from);
void precise_forget(struct vstate *st);

/* --- loop.c ----------------------------------------------------------------------------------- */

void path_end(struct vrf *v, struct path *path);
int loop_close(struct vrf *v, struct path *path, const struct visited *to);
void visited_unlist(struct search *s, struct visited *node);
void visited_free(struct search *s, struct visited *node);

/* --- prune.c ---------------------------------------------------------------------------------- */

/* 1: the path is proved and may end; 0: go on; or the rejection. */
int prune_seen(struct vrf *v, struct path *path, bool *ret_keep);
int prune_remember(struct vrf *v, struct path *path);
void prune_widen(const struct vrf *v, const struct path *path, struct vstate *st);

#endif
