/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/search/memory.c - where paths and checkpoints live, and how they end
 *
 * Everything the search allocates comes from domain_alloc() and is reachable
 * from struct search, so that a check that ends half-way leaks nothing.
 *
 * Not here: when a checkpoint may go (loop.c).
 */
#include <errno.h>
#include <string.h>

#include "bpf/verifier/search/internal.h"

/**
 * search_grow - room for one more element
 * @array:  of @nr elements in use, *@cap in all; replaced when it is full
 * @size:   bytes of one
 *
 * Context: thread.
 * Return:  0, or -ENOMEM; then nothing has changed.
 */
int search_grow(void **array, u32 nr, u32 *cap, u32 size)
{
	u32 new_cap = *cap ? *cap * 2 : 16;
	void *bigger;

	if (nr < *cap)
		return 0;
	bigger = domain_alloc((size_t)new_cap * size);
	if (!bigger)
		return -ENOMEM;
	if (nr)
		memcpy(bigger, *array, (size_t)nr * size);
	domain_free(*array);
	*array = bigger;
	*cap = new_cap;
	return 0;
}

/**
 * hops_copy - the same way once more
 * @dst:  not looked at before; hops_free() it
 *
 * Context: thread.
 * Return:  0, or -ENOMEM; then @dst is unchanged.
 */
int hops_copy(struct hops *dst, const struct hops *src)
{
	struct hops copy = { 0 };

	if (src->nr) {
		copy.at = domain_alloc(src->nr * sizeof(*src->at));
		if (!copy.at)
			return -ENOMEM;
		memcpy(copy.at, src->at, src->nr * sizeof(*src->at));
		copy.nr = src->nr;
		copy.cap = src->nr;
	}
	*dst = copy;
	return 0;
}

/* Context: any. */
void hops_free(struct hops *hops)
{
	domain_free(hops->at);
	*hops = (struct hops){ 0 };
}

/* Its state and hops; the checkpoint it came from is not told (path_end()).  Context: any. */
void path_free(struct path *path)
{
	vstate_free(path->st);
	hops_free(&path->hops);
	*path = (struct path){ 0 };
}

/**
 * search_create - v->search, with nothing seen
 *
 * Context: thread.
 * Return:  0 or -ENOMEM.
 */
int search_create(struct vrf *v)
{
	struct search *s = domain_alloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	list_init(&s->nodes);
	s->seen = domain_alloc(v->req->nr_insns * sizeof(*s->seen));
	if (!s->seen) {
		domain_free(s);
		return -ENOMEM;
	}
	v->search = s;
	return 0;
}

/* No path is compared with it any more; those from it still walk back to it.  Context: any. */
void visited_unlist(struct search *s, struct visited *node)
{
	struct visited **link = &s->seen[node->pc];

	if (!node->listed)
		return;
	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
	node->listed = false;
}

/* Nobody may walk back to it any more.  Context: any. */
void visited_free(struct search *s, struct visited *node)
{
	visited_unlist(s, node);
	list_del(&node->in_nodes);
	vstate_free(node->st);
	hops_free(&node->hops);
	domain_free(node);
	s->nr_states--;
}

/* Every checkpoint and every path, finished or not; the counters stay.  Context: any. */
void search_forget(struct vrf *v)
{
	struct search *s = v->search;

	while (s->nr_pending)
		path_free(&s->pending[--s->nr_pending]);
	while (s->nr_later)
		path_free(&s->later[--s->nr_later]);
	s->next_later = 0;
	while (s->nr_backedges)
		hops_free(&s->backedges[--s->nr_backedges].hops);
	s->open = NULL;
	memset(s->seen, 0, v->req->nr_insns * sizeof(*s->seen));
	while (!list_empty(&s->nodes)) {
		struct visited *node = container_of(s->nodes.next, struct visited, in_nodes);

		node->listed = false;
		visited_free(s, node);
	}
}

/* All of v->search; NULL is fine.  Context: any. */
void search_free(struct vrf *v)
{
	struct search *s = v->search;

	if (!s)
		return;
	search_forget(v);
	domain_free(s->pending);
	domain_free(s->later);
	domain_free(s->backedges);
	domain_free(s->seen);
	domain_free(s);
	v->search = NULL;
}
