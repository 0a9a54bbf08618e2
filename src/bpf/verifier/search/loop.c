/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/search/loop.c - when a checkpoint is finished, and when its marks are final
 *
 * A path may end at a checkpoint from which other paths still run: that is how
 * a loop over an iterator is proved.  Its marks of precision are not final
 * then, and what is found later must travel back along this path too.  Such a
 * path leaves a backedge.
 *
 * Checkpoints and backedges form a graph that is explored depth first, so its
 * loops are found with two numbers (Tarjan): ->order of creation, and ->low,
 * the oldest checkpoint a loop leads back to.  A checkpoint with low == order
 * closes all loops among those created after it: their backedges pass marks
 * on until none is new, and all of them are settled.
 *
 * Invariant: ->branches > 0 for exactly the ancestors of paths that run or
 *            wait; pending paths are taken newest first, so each of these is
 *            an ancestor of the running path.
 * Not here:  which paths may end at an unsettled checkpoint (prune.c).
 */
#include <errno.h>

#include "bpf/verifier/search/internal.h"

#define PROPAGATE_ROUNDS 64

/* The backedges that were left since @node was made: those of its descendants. */
static u32 first_backedge_of(const struct search *s, const struct visited *node)
{
	u32 first = s->nr_backedges;

	while (first && s->backedges[first - 1].from->order >= node->order)
		first--;
	return first;
}

static bool backedges_pass_marks(const struct vrf *v, u32 first)
{
	const struct search *s = v->search;
	bool changed = false;

	for (u32 i = first; i < s->nr_backedges; i++) {
		const struct backedge *edge = &s->backedges[i];

		changed |= precise_propagate(v, edge->to, &edge->hops, edge->from);
	}
	return changed;
}

static void backedges_finish(const struct vrf *v, u32 first)
{
	struct search *s = v->search;
	u32 rounds = 0;

	while (backedges_pass_marks(v, first)) {
		if (++rounds < PROPAGATE_ROUNDS)
			continue;
		for (u32 i = first; i < s->nr_backedges; i++)
			precise_mark_all(s->backedges[i].from);
		break;
	}
	while (s->nr_backedges > first)
		hops_free(&s->backedges[--s->nr_backedges].hops);
}

/* Nobody walks back from here any more. */
static void settle(struct search *s, struct visited *node)
{
	node->settled = true;
	hops_free(&node->hops);
	if (!node->listed)
		visited_free(s, node);
}

static void finish(const struct vrf *v, struct visited *node)
{
	struct search *s = v->search;

	if (node->low < node->order) {
		node->parent->low = min(node->parent->low, node->low);
		node->next_open = s->open;
		s->open = node;
		return;
	}
	backedges_finish(v, first_backedge_of(s, node));
	while (s->open && s->open->order > node->order) {
		struct visited *inner = s->open;

		s->open = inner->next_open;
		settle(s, inner);
	}
	settle(s, node);
}

/**
 * path_end - the path reached an exit or a checkpoint that covers it
 *
 * Context: thread.
 */
void path_end(struct vrf *v, struct path *path)
{
	struct visited *node = path->parent;

	while (node) {
		struct visited *parent = node->parent;

		if (--node->branches)
			break;
		finish(v, node);
		node = parent;
	}
	path->parent = NULL;
}

/**
 * loop_close - the path ends at @to, whose marks are not final
 * @path:  has a checkpoint
 *
 * Soundness: marks that @to gets later belong to this path's checkpoints too
 * (corpus: iter_marks_over_backedge, and ..._three_rounds, for which one
 * pass over the backedges is not enough).
 *
 * Context: thread.
 * Return:  0 or -ENOMEM.
 */
int loop_close(struct vrf *v, struct path *path, const struct visited *to)
{
	struct search *s = v->search;
	struct backedge *edge;
	int err;

	err = search_grow((void **)&s->backedges, s->nr_backedges, &s->cap_backedges,
			  sizeof(*s->backedges));
	if (err)
		return err;
	edge = &s->backedges[s->nr_backedges];
	err = hops_copy(&edge->hops, &path->hops);
	if (err)
		return err;
	edge->from = path->parent;
	edge->to = to;
	s->nr_backedges++;
	path->parent->low = min(path->parent->low, to->order);
	return 0;
}
