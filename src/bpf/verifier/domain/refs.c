/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/refs.c - what a path holds and must give back
 *
 * A path holds few things at once, so an array in the order of acquisition
 * serves every question.
 *
 * Invariant: as in refs.h.
 */
#include <errno.h>
#include <string.h>

#include "bpf/verifier/domain/alloc.h"
#include "bpf/verifier/domain/refs.h"

void refs_clear(struct refset *set)
{
	domain_free(set->ref);
	*set = (struct refset){ 0 };
}

/* Room for @cap; on failure nothing changed. */
static int refs_grow(struct refset *set, u32 cap)
{
	struct ref *ref;

	if (cap <= set->cap)
		return 0;
	ref = domain_alloc(cap * sizeof(*ref));
	if (!ref)
		return -ENOMEM;
	if (set->nr)
		memcpy(ref, set->ref, set->nr * sizeof(*ref));
	domain_free(set->ref);
	set->ref = ref;
	set->cap = cap;
	return 0;
}

int refs_copy(struct refset *dst, const struct refset *src)
{
	int err = refs_grow(dst, src->nr);

	if (err)
		return err;
	if (src->nr)
		memcpy(dst->ref, src->ref, src->nr * sizeof(*src->ref));
	dst->nr = src->nr;
	memcpy(dst->nr_of, src->nr_of, sizeof(src->nr_of));
	return 0;
}

int refs_acquire(struct refset *set, const struct ref *ref)
{
	struct ref copy = *ref;
	int err = 0;

	if (set->nr == set->cap)
		err = refs_grow(set, set->cap ? 2 * set->cap : 4);
	if (err)
		return err;
	set->ref[set->nr++] = copy;
	set->nr_of[copy.kind]++;
	return 0;
}

int refs_release(struct refset *set, u32 id)
{
	const struct ref *ref = refs_find(set, id);
	u32 i;

	if (!ref)
		return -ENOENT;
	i = ref - set->ref;
	set->nr_of[ref->kind]--;
	set->nr--;
	memmove(&set->ref[i], &set->ref[i + 1], (set->nr - i) * sizeof(*ref));
	return 0;
}

const struct ref *refs_find(const struct refset *set, u32 id)
{
	for (u32 i = 0; i < set->nr; i++) {
		if (set->ref[i].id == id)
			return &set->ref[i];
	}
	return NULL;
}

const struct ref *refs_last(const struct refset *set, enum ref_kind kind)
{
	for (u32 i = set->nr; i-- > 0;) {
		if (set->ref[i].kind == kind)
			return &set->ref[i];
	}
	return NULL;
}

u32 refs_count(const struct refset *set, enum ref_kind kind)
{
	return set->nr_of[kind];
}

const struct ref *refs_first_leak(const struct refset *set)
{
	return set->nr ? &set->ref[0] : NULL;
}

bool refs_cover(const struct refset *old, const struct refset *cur, struct idmap *ids)
{
	if (old->nr != cur->nr)
		return false;
	for (u32 i = 0; i < old->nr; i++) {
		const struct ref *o = &old->ref[i], *c = &cur->ref[i];

		if (o->kind != c->kind || o->key != c->key || !idmap_match(ids, o->id, c->id) ||
		    !idmap_match(ids, o->key_uid, c->key_uid))
			return false;
	}
	return true;
}
